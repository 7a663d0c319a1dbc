// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

using namespace umbel;
using namespace std::chrono_literals;

struct DatabaseDown : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Metrics {
  std::atomic<int> failures{0};
};

std::string find_item(Path<"item_id", int> id) {
  if (*id == 0) throw HttpError{404, "No such item"};             // an answer
  if (*id == 1) throw DatabaseDown{"host db-3 does not answer"};  // a failure: on_error, below
  if (*id == 2) throw std::runtime_error{"table lock 0x7f"};      // anything else: 500, and not a word of it
  return "item " + std::to_string(*id);
}

Response try_later(const DatabaseDown&, State<Metrics> metrics) {
  metrics->failures += 1;
  return Response::text("Try again later", 503).header("retry-after", "5");
}

Task<std::string> compute(Deadline deadline) {
  co_await sleep(10s);  // Asked to stop when the time is up: throws Cancelled, and nobody waits for ten seconds.
  co_return "left: " + std::to_string(deadline.left() / 1ms) + " ms";
}

int count_primes(Query<"below", int, 100> below, StopToken stop) {
  int found = 0;
  for (int n = 2; n < *below && !stop.stop_requested(); ++n) {
    bool is_prime = true;
    for (int d = 2; d * d <= n && is_prime; ++d) is_prime = n % d != 0;
    found += is_prime;
  }
  return found;
}

std::string primes(Depends<count_primes> found) { return std::to_string(*found); }

Task<std::string> pay() { co_return "paid"; }

int main() {
  Metrics metrics;
  App app;
  app.borrow(metrics);
  app.on_error<DatabaseDown>(try_later);
  app.get("/items/{item_id}", find_item);
  app.get("/slow", compute, {.deadline = 20ms});
  app.get("/primes", primes);
  app.post("/pay", pay, {.on_disconnect = OnDisconnect::finish});

  loopback::Client client{app};
  tutorial::show(client, "/items/0");
  tutorial::show(client, "/items/1");
  tutorial::show(client, "/items/2");
  tutorial::show(client, "/slow");
  tutorial::show(client, "/primes?below=1000");
  tutorial::show(client, OwnedRequest{Method::post, "/pay"});
}
