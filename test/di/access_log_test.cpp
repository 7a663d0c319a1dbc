// SPDX-License-Identifier: MIT
#include "umbel/di/access_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "peer.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

std::string line_of(std::string_view target, std::string_view route, Duration took = 132us) {
  const Request request{Method::get, target, Headers{}};
  const auto answered = AccessLog::Wall::time_point{1'772'366'400s + 382us};
  std::string line;
  AccessLog::write_line(line, ReplyEvent{&request, route, request, Time{1h}, took, 200, 51}, answered);
  return line;
}

TEST(AccessLogLine, SaysWhenWhatAndHowLong) {
  EXPECT_EQ(line_of("/items/42?q=abc", "GET /items/{item_id}"),
            R"(time=2026-03-01T12:00:00.000250Z method=GET target="/items/42?q=abc" )"
            R"(route="GET /items/{item_id}" status=200 bytes=51 duration_us=132)");
}

TEST(AccessLogLine, HasTheTimeOfTheRequestNotOfTheReply) {
  EXPECT_TRUE(line_of("/", "", 1s).starts_with("time=2026-03-01T11:59:59.000382Z ")) << line_of("/", "", 1s);
}

TEST(AccessLogLine, CannotBeForged) {
  const std::string line = line_of("/\" status=200\n\r\t\\ \x1b[2J\x7f\xc2\x9b", "");

  EXPECT_NE(line.find(R"(target="/\" status=200\x0a\x0d\x09\\ \x1b[2J\x7f\xc2\x9b" route="" )"), line.npos) << line;
  EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

TEST(AccessLogLine, TakesAnEmptyTargetAndANulByte) {
  EXPECT_NE(line_of("", "").find(R"(target="" )"), std::string::npos);
  EXPECT_NE(line_of(std::string_view{"\0", 1}, "").find(R"(target="\x00" )"), std::string::npos);
}

class LoggedApp : public ::testing::Test, public TestApp {
protected:
  LoggedApp() { app.observe(log); }

  /// What the lines say, their times aside.
  std::vector<std::string> take() {
    for (std::string& line : lines) line = line.substr(line.find(" method=") + 1);
    return std::exchange(lines, {});
  }

  std::vector<std::string> lines;
  AccessLog log{[this](std::string_view line) { lines.emplace_back(line); }};
};

using Lines = std::vector<std::string>;

TEST_F(LoggedApp, HasALineForEveryRequest) {
  app.get("/a/{x}", handler<slow<"s", 10>>);

  const auto peer = ask("/a/1");
  EXPECT_TRUE(lines.empty()) << "there is no reply yet";
  port.advance(10ms);
  ask("/none");
  ask(OwnedRequest{Method::put, "/a/1"});

  EXPECT_EQ(take(), (Lines{R"(method=GET target="/a/1" route="GET /a/{x}" status=200 bytes=4 duration_us=10000)",
                           R"(method=GET target="/none" route="" status=404 bytes=22 duration_us=0)",
                           R"(method=PUT target="/a/1" route="" status=405 bytes=31 duration_us=0)"}));
}

TEST_F(LoggedApp, HasALineForARequestThatIsWrongOrGivenUp) {
  app.get("/", [](Query<"n", int>) {}).get("/slow", handler<slow<"s", 10>>);

  ask("/?n=x");
  const auto peer = begin("/slow");
  peer->leave();
  run();

  const Lines heard = take();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_NE(heard[0].find(" status=422 "), std::string::npos) << heard[0];
  EXPECT_NE(heard[1].find(R"(route="GET /slow" status=503 )"), std::string::npos) << heard[1];
}

std::string read_all(std::FILE* file) {
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(AccessLogFile, GetsWholeLines) {
  TestApp test;
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  AccessLog log{file};
  test.app.observe(log).get("/", handler<>);

  test.ask("/");
  test.ask("/none");

  const std::string text = read_all(file);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_TRUE(text.starts_with("time=2")) << text;
  EXPECT_NE(text.find("duration_us=0\ntime="), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(" duration_us=0\n")) << text;
  std::fclose(file);
}

TEST(AccessLogThreads, WriteOneLineAtATime) {
  std::vector<std::string> lines;  // Nothing else guards it.
  AccessLog log{[&](std::string_view line) { lines.emplace_back(line); }};
  const auto reply_often = [&log](const char* target) {
    const Request request{Method::get, target, Headers{}};
    for (int i = 0; i < 500; ++i) log.replied(ReplyEvent{&i, "", request, Time{1h}, 1us, 200, 0});
  };

  std::thread other{reply_often, "/other"};
  reply_often("/mine");
  other.join();

  EXPECT_EQ(lines.size(), 1000u);
  const auto is_whole = [](const std::string& line) { return line.ends_with(" status=200 bytes=0 duration_us=1"); };
  EXPECT_TRUE(std::all_of(lines.begin(), lines.end(), is_whole));
}

}  // namespace
}  // namespace umbel::test
