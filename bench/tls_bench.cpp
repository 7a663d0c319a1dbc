// SPDX-License-Identifier: MIT
// A server for `bench/handshakes`: /plaintext on a plain port and on a TLS port.
//
//     tls_bench CHAIN KEY HANDSHAKES      HANDSHAKES: as tls::LayerOptions has it

#include <umbel/tls/layer.hpp>
#include <umbel/umbel.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

using namespace umbel;

std::string_view plaintext() { return "Hello, World!"; }

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  App app;
  app.get("/plaintext", on_loop<plaintext>);
  tls::Layer layer{tls::Config{tls::Certificate{argv[1], argv[2]}},
                   {.handshakes = static_cast<std::size_t>(std::atoi(argv[3]))}};
  Loop loop;
  http1::Server server{app, loop};
  server.listen("127.0.0.1", 0);
  const int plain_port = server.port();
  server.listen("127.0.0.1", 0, &layer);
  std::printf("%d %d\n", plain_port, server.port());
  std::fflush(stdout);
  loop.run();
}
