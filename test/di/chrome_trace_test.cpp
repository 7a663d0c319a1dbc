// SPDX-License-Identifier: MIT
#include "umbel/di/chrome_trace.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/json/json_reader.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

/// An event of the file; what it has not is empty.
struct Drawn {
  std::string name, phase, outcome, message, route;
  std::int64_t process, row, id;
  double begin, end;
};

std::string text_of(const JsonValue& event, std::string_view name) {
  const auto arguments = event.find("args");
  const auto value = arguments ? arguments->find(name) : std::nullopt;
  return value ? std::string{value->as_string()} : "";
}

std::vector<Drawn> read_trace(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  const JsonReader reader{text.str()};
  std::vector<Drawn> drawn;
  for (const JsonValue event : reader.root().as_array()) {
    const double begin = event["ts"].as_double();
    const auto lasts = event.find("dur");
    const auto id = event.find("id");
    drawn.push_back({unqualified(std::string{event["name"].as_string()}), std::string{event["ph"].as_string()},
                     text_of(event, "outcome"), text_of(event, "message"), text_of(event, "route"),
                     event["pid"].as_int(), event["tid"].as_int(), id ? id->as_int() : 0, begin,
                     begin + (lasts ? lasts->as_double() : 0)});
  }
  return drawn;
}

/// What is in one row either lies within another or beside it; every arrow has a head and a shaft.
void expect_sound(const std::vector<Drawn>& drawn) {
  constexpr double rounding = 1e-3;
  std::map<std::int64_t, int> arrows;
  for (const Drawn& a : drawn) {
    if (a.phase == "s") ++arrows[a.id];
    if (a.phase == "f") --arrows[a.id];
    if (a.phase != "X") continue;
    for (const Drawn& b : drawn) {
      if (b.phase != "X" || a.row != b.row || b.begin < a.begin) continue;
      EXPECT_EQ(a.process, b.process);
      const bool beside = b.begin >= a.end - rounding;
      const bool within = b.end <= a.end + rounding || b.begin <= a.begin + rounding;
      EXPECT_TRUE(beside || within) << a.name << " and " << b.name;
    }
  }
  for (const auto& [id, open] : arrows) EXPECT_EQ(open, 0) << id;
}

class Traced : public ::testing::Test, public TestApp {
protected:
  Traced() { app.observe(trace); }
  ~Traced() override { ::unlink(path.c_str()); }

  std::vector<Drawn> close() {
    trace.close();
    std::vector<Drawn> drawn = read_trace(path);
    expect_sound(drawn);
    return drawn;
  }
  static Drawn one(const std::vector<Drawn>& drawn, std::string_view name) {
    const auto is_it = [&](const Drawn& d) { return d.phase == "X" && d.name == name; };
    EXPECT_EQ(std::count_if(drawn.begin(), drawn.end(), is_it), 1) << name;
    const auto found = std::find_if(drawn.begin(), drawn.end(), is_it);
    return found == drawn.end() ? Drawn{} : *found;
  }

  std::string path = ::testing::TempDir() + "umbel_trace_" + std::to_string(::getpid()) + ".json";
  ChromeTrace trace{path};
};

Task<int> first() {
  co_await sleep(10ms);
  co_return 1;
}
Task<int> second() {
  co_await sleep(20ms);
  co_return 1;
}
int works() { return 1; }
int works_more(Depends<works>) { return 1; }
Resource<int> closes_slowly() {
  int value = 1;
  co_yield value;
  co_await sleep(5ms);
}
Task<int> breaks() {
  co_await sleep(1ms);
  throw std::runtime_error{"it \"broke\""};
}

TEST_F(Traced, DrawsNodesWithinTheirRequest) {
  app.get("/a", handler<first, second, closes_slowly>);

  const auto peer = ask("/a");
  port.advance(25ms);
  const auto drawn = close();

  const Drawn request = one(drawn, "GET /a");
  EXPECT_NEAR(request.end - request.begin, 25'000, 0.1);
  EXPECT_EQ(request.outcome, "ended");
  for (const char* name : {"first", "second", "closes_slowly", "tear down closes_slowly", "reply"}) {
    const Drawn node = one(drawn, name);
    EXPECT_EQ(node.process, request.process) << name;
    EXPECT_GE(node.begin, request.begin) << name;
    EXPECT_LE(node.end, request.end + 0.1) << name;
  }
  EXPECT_NEAR(one(drawn, "second").end - one(drawn, "second").begin, 20'000, 0.1);
  EXPECT_NE(one(drawn, "first").row, one(drawn, "second").row) << "they overlap";
  EXPECT_NEAR(one(drawn, "tear down closes_slowly").end - one(drawn, "reply").begin, 0, 0.1);
  EXPECT_EQ(one(drawn, "first").outcome, "ok");
  EXPECT_EQ(one(drawn, "first").route, "GET /a");
}

TEST_F(Traced, DrawsHopsElsewhereAndHowTheyCame) {
  app.get("/a", handler<works_more>);

  ask("/a");
  const auto drawn = close();

  const Drawn request = one(drawn, "GET /a"), hop = one(drawn, "works"), next = one(drawn, "works_more");
  EXPECT_NE(hop.process, request.process);
  EXPECT_EQ(hop.process, next.process);
  const auto arrows = std::count_if(drawn.begin(), drawn.end(), [](const Drawn& d) { return d.phase == "s"; });
  EXPECT_EQ(arrows, 3) << "to the reply, and to each node";
}

TEST_F(Traced, GivesRequestsInFlightRowsOfTheirOwn) {
  app.get("/{x}", handler<first>);

  const auto one_peer = ask("/1"), other_peer = ask("/2");
  port.advance(10ms);
  const auto third_peer = ask("/3");
  port.advance(10ms);
  const auto drawn = close();

  std::vector<std::int64_t> rows;
  for (const Drawn& d : drawn) {
    if (d.name == "GET /{x}") rows.push_back(d.row);
  }
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_NE(rows[0], rows[1]);
  EXPECT_TRUE(rows[2] == rows[0] || rows[2] == rows[1]) << "a row is used again";
}

TEST_F(Traced, SaysWhatFailedAndWhatWasCancelled) {
  app.get("/", handler<breaks, second>).get("/stop", handler<first, works>);

  const auto peer = ask("/");
  port.advance(1ms);
  const auto leaving = begin("/stop");
  leaving->leave();
  run();
  const auto drawn = close();

  EXPECT_EQ(peer->status(), 500);
  EXPECT_EQ(one(drawn, "breaks").outcome, "error");
  EXPECT_EQ(one(drawn, "breaks").message, "it \"broke\"");
  EXPECT_EQ(one(drawn, "second").outcome, "cancelled");
  EXPECT_EQ(one(drawn, "first").outcome, "cancelled");
  EXPECT_EQ(one(drawn, "works").outcome, "cancelled");
}

TEST_F(Traced, DrawsWhatNoRouteAnswersAndStrangeTargets) {
  ask("/none\"\\\x01\xff");

  EXPECT_EQ(one(close(), "no route").outcome, "ended");
}

TEST_F(Traced, EndsWhatIsUnfinishedWhenItCloses) {
  app.get("/", handler<first, works>);

  const auto peer = begin("/");
  const auto drawn = close();
  run();
  port.advance(10ms);

  EXPECT_EQ(one(drawn, "GET /").outcome, "unfinished");
  EXPECT_EQ(one(drawn, "first").outcome, "unfinished");
  EXPECT_EQ(peer->status(), 200);
  EXPECT_NO_THROW(trace.close()) << "once is enough";
}

TEST(ChromeTraceFile, LeavesOutWhatDoesNotFit) {
  const std::string path = ::testing::TempDir() + "umbel_trace_full_" + std::to_string(::getpid()) + ".json";
  TestApp test;
  ChromeTrace trace{path, {.buffer = 16, .most = 2000}};
  test.app.observe(trace).get("/", handler<>);

  for (int i = 0; i < 50; ++i) test.ask("/");
  trace.close();

  const auto drawn = read_trace(path);
  const auto requests =
      std::count_if(drawn.begin(), drawn.end(), [](const Drawn& d) { return d.phase == "X" && d.name == "GET /"; });
  EXPECT_GT(requests, 0);
  EXPECT_EQ(trace.left_out(), static_cast<std::size_t>(50 - requests));
  ::unlink(path.c_str());
}

TEST(ChromeTraceFile, ThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(ChromeTrace{"/none/such/trace.json"}, std::system_error);
  ChromeTrace full{"/dev/full"};
  EXPECT_THROW(full.close(), std::system_error);
}

TEST(ChromeTraceThreads, ServeOneAppEachWithAProcessOfItsOwn) {
  const std::string path = ::testing::TempDir() + "umbel_trace_threads_" + std::to_string(::getpid()) + ".json";
  ChromeTrace trace{path};
  App app;
  app.observe(trace).get("/", handler<first>);
  const auto serve = [&app] {
    testing::ManualPort port;
    app.start(port.context());
    for (int i = 0; i < 50; ++i) {
      Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
      peer.ask(app);
      port.advance(10ms);
      EXPECT_EQ(peer.status(), 200);
    }
  };

  std::thread other{serve};
  serve();
  other.join();
  trace.close();

  const auto drawn = read_trace(path);
  expect_sound(drawn);
  std::set<std::int64_t> processes;
  std::size_t requests = 0;
  for (const Drawn& d : drawn) {
    if (d.phase != "X" || d.name != "GET /") continue;
    processes.insert(d.process);
    ++requests;
  }
  EXPECT_EQ(processes.size(), 2u);
  EXPECT_EQ(requests, 100u);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace umbel::test
