// SPDX-License-Identifier: MIT
// The benchmark's endpoints on umbel: see http1_floor.cpp for the same by hand.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "endpoints.hpp"
#include "umbel/http1/serve.hpp"

namespace {

int port_of(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view{argv[i]} == "--port") return std::atoi(argv[i + 1]);
  }
  return 8000;
}

void say_where(int port) {
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  umbel::App app;
  endpoints::add_to(app);
  return umbel::http1::serve(app, {.port = port_of(argc, argv), .on_listening = say_where});
}
