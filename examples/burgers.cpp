// SPDX-License-Identifier: MIT
// Concurrent burgers, after the story that FastAPI's documentation tells. A hundred customers order at the same moment.
// Each burger fries for 100 ms, and nobody has to stand beside it: that is waiting, and a coroutine's. The onions have
// to be sliced by somebody: that is work, and a plain function's. Prints who did what, when.
//
//     burgers
//
// Nothing in the kitchen says "thread": what runs where follows from what the functions are. Exits with 0 if all
// customers waited at the same time.

#include <umbel/loopback/client.hpp>
#include <umbel/umbel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace umbel;
using namespace std::chrono_literals;

constexpr std::size_t customers = 100;
constexpr std::size_t workers = 4;
constexpr auto frying_time = 100ms;

/// What happened, when, and on which thread. Workers write into it too, so it has a lock.
class Journal {
public:
  enum class Step { ordered, fried, sliced };
  struct Entry {
    Step step;
    Duration when;
    std::thread::id thread;
  };

  void write(Step step) {
    const std::lock_guard lock{mutex_};
    const auto now = std::chrono::steady_clock::now();
    if (entries_.empty()) start_ = now;
    entries_.push_back({step, now - start_, std::this_thread::get_id()});
  }
  /// When all is over.
  const std::vector<Entry>& entries() const { return entries_; }

private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point start_;  // When the first one ordered.
  std::vector<Entry> entries_;
};
using Step = Journal::Step;

// --- the kitchen

/// Waits. The thread takes the next orders meanwhile: a hundred of these need one thread, not a hundred.
Task<std::string> fry_patty(State<Journal> journal) {
  journal->write(Step::ordered);
  co_await sleep(frying_time);
  journal->write(Step::fried);
  co_return "patty";
}

/// Works, for as long as it takes. On a worker, so that no order and no patty has to wait for it.
std::string slice_onions(State<Journal> journal) {
  std::uint32_t tears = 1;
  for (int slice = 0; slice < 100'000; ++slice) tears = tears * 1664525 + 1013904223;
  journal->write(Step::sliced);
  return tears % 2 ? "red onions" : "white onions";
}

/// Its two needs do not need each other, so they are met at the same time. It is quick itself: not worth a worker.
std::string serve_burger(Depends<fry_patty> patty, Depends<slice_onions> onions) { return *patty + " with " + *onions; }

// --- what the journal tells

int milliseconds(Duration time) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::size_t count(const Journal& journal, Step step, Duration from, Duration to) {
  const auto counts = [&](const auto& entry) { return entry.step == step && entry.when >= from && entry.when < to; };
  return static_cast<std::size_t>(std::count_if(journal.entries().begin(), journal.entries().end(), counts));
}

/// On how many threads it was done.
std::size_t threads(const Journal& journal, std::initializer_list<Step> steps) {
  std::set<std::thread::id> seen;
  for (const auto& entry : journal.entries()) {
    if (std::find(steps.begin(), steps.end(), entry.step) != steps.end()) seen.insert(entry.thread);
  }
  return seen.size();
}

std::size_t most_frying(const Journal& journal) {
  std::size_t frying = 0, most = 0;
  for (const auto& entry : journal.entries()) {
    if (entry.step == Step::ordered) most = std::max(most, ++frying);
    if (entry.step == Step::fried) --frying;
  }
  return most;
}

void print_timeline(const Journal& journal) {
  const Duration end = journal.entries().back().when;
  const Duration row = std::max<Duration>(10ms, end / 15);
  std::printf("     at   frying (# is two)                                       onions sliced since\n");
  for (Duration from{0}; from <= end; from += row) {
    const Duration to = from + row;
    const std::size_t ordered = count(journal, Step::ordered, Duration{0}, to);
    const std::size_t frying = ordered - count(journal, Step::fried, Duration{0}, to);
    const std::string bar((frying + 1) / 2, '#');
    std::printf("%4d ms   %-50s %3zu   %3zu\n", milliseconds(to), bar.c_str(), frying,
                count(journal, Step::sliced, from, to));
  }
}

bool is_served(const loopback::Reply& reply) { return reply.status() == 200; }

int main() {
  Journal journal;
  App app;
  app.borrow(journal);
  app.get("/burger", on_loop<serve_burger>);
  loopback::Client counter{app, {.threads = workers}};  // Asks as a hundred peers would, without sockets.

  std::vector<Task<loopback::Reply>> orders;
  for (std::size_t i = 0; i < customers; ++i) orders.push_back(counter.ask(OwnedRequest{Method::get, "/burger"}));
  const std::vector<loopback::Reply> replies = counter.run(when_all(std::move(orders)));

  print_timeline(journal);
  const auto served = static_cast<std::size_t>(std::count_if(replies.begin(), replies.end(), is_served));
  const std::size_t most = most_frying(journal);
  std::printf("\n%zu burgers served after %d ms; one after the other they would have fried for %d ms\n", served,
              milliseconds(journal.entries().back().when), milliseconds(frying_time * customers));
  std::printf("frying: %zu at once, on %zu thread\n", most, threads(journal, {Step::ordered, Step::fried}));
  std::printf("onions: sliced by %zu workers of %zu\n", threads(journal, {Step::sliced}), workers);
  return served == customers && most == customers ? 0 : 1;
}
