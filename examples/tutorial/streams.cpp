// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <cstddef>
#include <string>
#include <string_view>

using namespace umbel;
using namespace std::chrono_literals;

/// Rows of a table, one at a time.
class Rows {
public:
  Task<std::string> next() {
    co_await sleep(1ms);  // Where a database would be asked.
    co_return last_ < 3 ? "row " + std::to_string(++last_) + "\n" : std::string{};
  }

private:
  int last_ = 0;
};

Resource<Rows> query() {
  Rows rows;
  co_yield rows;
  tutorial::print("  the query is closed");
}

Stream table(Exclusive<query> rows, ResponseHead& head) {
  head.set("content-type", "text/csv");
  for (;;) {
    const std::string row = co_await rows->next();
    if (row.empty()) break;
    co_yield row;
  }
}

EventStream ticks(Query<"count", int, 2> count) {
  for (int i = 1; i <= *count; ++i) {
    co_await sleep(1ms);
    const std::string now = "tick " + std::to_string(i);
    co_yield Event{.data = now, .event = "clock"};
  }
}

Task<std::string> measure(BodyStream& body) {
  std::size_t size = 0;
  for (;;) {
    const std::string_view chunk = co_await body.read();
    if (chunk.empty()) break;
    size += chunk.size();
  }
  co_return std::to_string(size) + " bytes";
}

int main() {
  App app;
  app.get("/table", table);
  app.get("/ticks", ticks);
  app.post("/files", measure, {.body_limit = 1'000'000'000});

  loopback::Client client{app};
  tutorial::show(client, "/table");
  tutorial::show(client, "/ticks");
  OwnedRequest upload{Method::post, "/files"};
  tutorial::show(client, std::move(upload.body("a long text")));
}
