// SPDX-License-Identifier: MIT
#pragma once
// A service with what the tests ask for.

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/service.hpp"

namespace umbel::test {

constexpr std::size_t big_size = 1 << 20;

/// /big is answered with a body of 1 MiB, /echo with its body, /peer with who asks, /late when the test says so, and
/// all else with "hello!".
class TestService : public Service {
public:
  void serve(Exchange& exchange) noexcept override {
    ++served;
    const std::string_view path = exchange.request().path();
    if (path == "/late") return late.push_back(&exchange);
    if (path == "/big") return exchange.reply(Response::text(std::string(big_size, 'x') + "end"));
    if (path == "/peer") return exchange.reply(Response::text(words_for(exchange.peer())));
    if (path != "/echo") return exchange.reply(Response::text("hello!"));
    auto* const collector = new Collector{exchange};
    if (exchange.collect_body(*collector)) Collector::run(*collector);
  }

  std::atomic<int> served{0};
  std::vector<Exchange*> late;  // For one thread.

private:
  struct Collector : Work {
    explicit Collector(Exchange& e) : Work(run), exchange(e) {}
    static void run(Work& work) noexcept {
      auto* const self = static_cast<Collector*>(&work);
      const int error = self->exchange.body_error();
      self->exchange.reply(Response::text(error ? "failed" : self->exchange.request().body(), error ? error : 200));
      delete self;
    }
    Exchange& exchange;
  };

  static std::string words_for(const Peer* peer) {
    if (!peer) return "nobody.";
    return std::string{peer->protocol} + " " + std::string{peer->subject} + " " +
           std::to_string(peer->certificate.size()) + ".";
  }
};

inline std::string get(std::string_view target) {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
inline std::string post(std::string_view body) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string{body};
}
inline int count_of(std::string_view text, std::string_view part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace umbel::test
