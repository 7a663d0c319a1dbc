// SPDX-License-Identifier: MIT
#pragma once
// The whole server, for a main that wants nothing else.

#include <chrono>
#include <string_view>

#include "umbel/http1/acceptor.hpp"
#include "umbel/http1/server.hpp"

namespace umbel::http1 {

/// How to serve.
struct ServeOptions {
  int port = 8000;                         // 0: any free one.
  std::string_view address = "127.0.0.1";  // In digits. "0.0.0.0" or "::" for all of the machine's.
  std::string_view unix_path = {};         // A unix socket, mode 0600, in place of address and port.
  bool systemd = false;                    // The sockets that systemd has passed, if it has, in place of all of these.
  unsigned threads = 1;                    // Each with a loop of its own.
  Deal deal = Deal::by_kernel;             // Whose connection is whose. Of what is not TCP, or systemd's: in turn.
  std::chrono::milliseconds drain_delay{0};       // DrainOptions::delay: longer than a load balancer's checks take.
  std::chrono::milliseconds drain_limit{10'000};  // After the delay. What is left then is cut off.
  /// Of each server, one per thread.
  ServerOptions server = {};
  Layer* layer = nullptr;  // As Server::listen has it: with a tls::Layer this is HTTPS.
  /// Called once, on the loop, when connections are accepted on all threads and the service has opened on all of them.
  void (*on_listening)(int port) = nullptr;
};

/// Serves until SIGINT or SIGTERM; then the readiness fails, and after `drain_delay` requests in flight are finished,
/// within `drain_limit`. A second signal cuts them off, a third kills. The signals' handlers are those of before when
/// this returns.
///
///     int main() { return http1::serve(app, {.port = 8000}); }
///
/// Returns 0, or 1 if the service cannot start or open, or the port cannot be had; stderr says why. Writes nothing to
/// stdout.
int serve(Service& service, const ServeOptions& options = {});

/// The same on a loop of the program's own, for what lives on it beside the server: clients, timers, sockets. What the
/// program opened there stays open when this returns. With several threads it is the loop of one of them.
int serve(Service& service, Loop& loop, const ServeOptions& options = {});

}  // namespace umbel::http1
