// SPDX-License-Identifier: MIT
// Bodies that take their time, in both directions, and what becomes of those who made them.

#include <umbel/umbel.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace umbel;

/// What happened, in order; /journal tells.
struct Journal {
  std::string words;
};

/// Wakes those who wait for the next ring.
struct Bell {
  std::vector<Completion<>::Setter> waiting;
};

Task<std::string> read_journal(State<Journal> journal) { co_return std::exchange(journal->words, {}); }

/// Tells how many it has woken.
Task<std::string> ring(State<Bell> bell) {
  int woken = 0;
  for (Completion<>::Setter& waiting : std::exchange(bell->waiting, {})) woken += waiting.value() ? 1 : 0;
  co_return std::to_string(woken);
}

Resource<int> open_feed(State<Journal> journal) {
  journal->words += "open ";
  int feed = 1;
  const Outcome& outcome = co_yield feed;
  journal->words += outcome.cancelled() ? "cancelled " : outcome.ok() ? "ok " : "failed ";
}

EventStream events(Depends<open_feed>, State<Bell> bell) {
  for (int i = 1;; ++i) {
    Completion<> rung;
    bell->waiting.push_back(rung.setter());
    co_await rung;
    const std::string data = "event " + std::to_string(i);
    co_yield Event{.data = data};
  }
}

Task<std::string> wait_for_bell(Depends<open_feed>, State<Bell> bell) {
  Completion<> rung;
  bell->waiting.push_back(rung.setter());
  co_await rung;
  co_return "rung";
}

Stream long_reply(Query<"size", std::size_t> size, Depends<open_feed>) {
  const std::string piece(64 * 1024, 'x');
  for (std::size_t left = *size; left > 0;) {
    const std::size_t part = std::min(left, piece.size());
    co_yield std::string_view{piece}.substr(0, part);
    left -= part;
  }
}

Task<Response> refuse() { co_return Response::text("not for you", 403); }

Task<std::string> count(BodyStream& body, Depends<open_feed>) {
  std::size_t size = 0;
  for (;;) {
    const std::string_view chunk = co_await body.read();
    if (chunk.empty()) break;
    size += chunk.size();
  }
  co_return std::to_string(size);
}

int main() {
  App app;
  Journal journal;
  Bell bell;
  app.state(journal);
  app.state(bell);
  app.get("/journal", read_journal);
  app.post("/ring", ring);
  app.get("/events", events);
  app.get("/wait", wait_for_bell);
  app.post("/wait", wait_for_bell);
  app.get("/wait_all_the_same", wait_for_bell, {.on_disconnect = OnDisconnect::finish});
  app.get("/long", long_reply);
  app.put("/refuse", refuse);
  app.put("/count", count, {.body_limit = std::uint64_t{1} << 40});
  return http1::serve(app, {.port = 0, .on_listening = [](int port) {
                              std::printf("listening on http://127.0.0.1:%d\n", port);
                              std::fflush(stdout);
                            }});
}
