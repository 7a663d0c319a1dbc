// SPDX-License-Identifier: MIT
// HTTPS, and certificates of clients. SIGHUP reads the certificates again, without a restart.
//
//     tls CHAIN KEY [PORT [CLIENT_CA]]      0: any free port
//
// openssl req -x509 -nodes -keyout key.pem -out chain.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost
// try: curl --cacert chain.pem https://localhost:8443/
// try: curl --cacert chain.pem https://localhost:8443/staff

#include <uv.h>

#include <umbel/tls/layer.hpp>
#include <umbel/umbel.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

using namespace umbel;

// --- handlers

std::string hello(Peer peer) { return "hello, over " + std::string{peer.protocol}; }

std::string_view staff_member(Peer peer) {
  if (peer.subject.empty()) throw HttpError{403, "A certificate is needed"};
  return peer.subject;
}

std::string show_staff(Depends<on_loop<staff_member>> member) { return "hello, " + std::string{*member}; }

// --- certificates

tls::Config config_of(int argc, char** argv) {
  tls::Config config{tls::Certificate{argv[1], argv[2]}};
  config.on_failure([](std::string_view why) { std::cerr << why << '\n'; });
  if (argc > 4) config.clients(tls::Clients::optional, tls::Pem::file(argv[4]));
  return config;
}

/// Reads the certificates again whenever SIGHUP comes.
class Reloader {
public:
  Reloader(Loop& loop, tls::Layer& layer) : loop_(loop), layer_(layer) {
    uv_signal_init(loop.native(), &signal_);
    signal_.data = this;
    uv_signal_start(&signal_, [](uv_signal_t* signal, int) { static_cast<Reloader*>(signal->data)->reload(); }, SIGHUP);
  }
  ~Reloader() {
    uv_close(reinterpret_cast<uv_handle_t*>(&signal_), nullptr);
    uv_run(loop_.native(), UV_RUN_NOWAIT);  // libuv closes handles in a turn of its own.
  }
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

private:
  void reload() {
    try {
      layer_.reload();
      std::puts("reloaded");
    } catch (const tls::ConfigError& error) {  // What was stays in force.
      std::puts(error.what());
    }
    std::fflush(stdout);
  }

  Loop& loop_;
  tls::Layer& layer_;
  uv_signal_t signal_{};
};

void announce(int port) {
  std::printf("listening on https://127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: tls CHAIN KEY [PORT [CLIENT_CA]]\n"), 2;

  App app;
  app.get("/", on_loop<hello>);
  app.get("/staff", on_loop<show_staff>);

  try {
    tls::Layer layer{config_of(argc, argv)};
    Loop loop;
    const Reloader reloader{loop, layer};
    const int port = argc > 3 ? std::atoi(argv[3]) : 8443;
    return http1::serve(app, loop, {.port = port, .layer = &layer, .on_listening = announce});
  } catch (const tls::ConfigError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
