// SPDX-License-Identifier: MIT
#include "umbel/core/transport_course.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
using testing::ManualPort;

/// Says what it hears, and opens when the test says so.
class Told : public Service {
public:
  std::string journal;
  bool waits = false;
  Notice* opening = nullptr;

  void write(std::string_view word) { (journal += journal.empty() ? "" : " ") += word; }
  void start(Context&) override { write("start"); }
  void open(Context&, Notice& opened) noexcept override {
    write("open");
    if (waits) opening = &opened;
    else opened.tell();
  }
  void draining(Context&) noexcept override { write("draining"); }
  void close(Context&, Notice& closed) noexcept override {
    write("close");
    closed.tell();
  }
  void serve(Exchange&) noexcept override {}
};

/// A transport without requests: they are a number.
class Course final : public TransportCourse {
public:
  Course(Told& told, Context& context) : TransportCourse(told, context), told_(told) {}
  ~Course() override {
    exchanges_ = 0;
    finish();
  }

  void start() { begin(); }
  bool is_let_in() {
    if (!lets_in()) return false;
    ++exchanges_;
    return true;
  }
  void ends() {
    --exchanges_;
    exchange_is_over();
  }
  Capabilities capabilities() const noexcept override { return {}; }
  std::size_t in_flight() const noexcept override { return exchanges_; }

private:
  void close_entrance() noexcept override { told_.write("closed-entrance"); }
  void cancel_all() noexcept override { told_.write("cancel"); }

  Told& told_;
  std::size_t exchanges_ = 0;
};

struct Flag : Work {
  Flag() noexcept : Work([](Work& work) noexcept { ++static_cast<Flag&>(work).runs; }) {}
  int runs = 0;
};

struct Heard : Notice {
  Heard() noexcept
      : Notice([](Notice& notice, const Error* error) noexcept {
          auto& heard = static_cast<Heard&>(notice);
          ++heard.times;
          if (error) heard.message = error->message();
        }) {}
  int times = 0;
  std::string message;
};

class TransportCourses : public ::testing::Test {
protected:
  ManualPort port;
  Told service;
  Course course{service, port.context()};
  Flag done;
};

TEST_F(TransportCourses, BeginAndEndInOrder) {
  EXPECT_FALSE(course.is_let_in());
  course.start();
  EXPECT_EQ(course.state(), TransportState::ready);
  course.start();
  EXPECT_EQ(service.journal, "start open") << "once";
  EXPECT_TRUE(course.is_let_in());

  course.drain({}, done);
  port.run();
  port.advance(0ms);
  EXPECT_EQ(course.state(), TransportState::draining);
  EXPECT_FALSE(course.is_let_in());
  EXPECT_EQ(done.runs, 0);
  course.ends();
  port.run();
  EXPECT_EQ(course.state(), TransportState::stopped);
  EXPECT_EQ(done.runs, 1);
  EXPECT_EQ(service.journal, "start open draining closed-entrance close");
}

TEST_F(TransportCourses, LetInUntilTheDelayOfTheirDrainIsOver) {
  course.start();
  course.drain({.delay = 10ms, .limit = 20ms}, done);
  port.run();
  EXPECT_TRUE(course.is_let_in());
  port.advance(10ms);
  EXPECT_FALSE(course.is_let_in());
  EXPECT_EQ(service.journal, "start open draining closed-entrance");
  port.advance(19ms);
  EXPECT_EQ(service.journal, "start open draining closed-entrance");
  port.advance(1ms);
  EXPECT_EQ(service.journal, "start open draining closed-entrance cancel");
  course.ends();
  port.run();
  EXPECT_EQ(done.runs, 1);
}

TEST_F(TransportCourses, CountTheTimesAnewWhenTheyAreDrainedAgain) {
  Flag again;
  course.start();
  EXPECT_TRUE(course.is_let_in());
  course.drain({.delay = std::chrono::milliseconds::max()}, done);
  port.advance(1h);
  EXPECT_TRUE(course.is_let_in());
  course.drain({.limit = 5ms}, again);
  port.advance(0ms);
  EXPECT_FALSE(course.is_let_in());
  port.advance(5ms);
  course.ends();
  course.ends();
  port.run();
  EXPECT_EQ(done.runs + again.runs, 2);
}

TEST_F(TransportCourses, CancelWhenTheyAreStopped) {
  course.start();
  EXPECT_TRUE(course.is_let_in());
  course.stop();
  EXPECT_EQ(service.journal, "start open draining closed-entrance cancel");
  course.stop();
  course.ends();
  port.run();
  EXPECT_EQ(course.state(), TransportState::stopped);
}

TEST_F(TransportCourses, MayBeginAgain) {
  for (int round = 0; round < 2; ++round) {
    course.start();
    EXPECT_TRUE(course.is_let_in());
    course.ends();
    course.drain({}, done);
    port.advance(0ms);
    EXPECT_EQ(done.runs, round + 1);
  }
  course.drain({}, done);
  port.run();
  EXPECT_EQ(done.runs, 3) << "at once if it is stopped";
}

TEST_F(TransportCourses, WaitForTheServiceToOpen) {
  service.waits = true;
  Heard opened;
  course.start();
  course.when_open(opened);
  EXPECT_EQ(course.state(), TransportState::starting);
  EXPECT_TRUE(course.is_let_in());
  course.drain({}, done);
  port.advance(0ms);
  course.ends();
  port.run();
  EXPECT_EQ(done.runs, 0) << "what opens has to close";
  service.opening->tell();
  port.run();
  EXPECT_EQ(opened.times, 1);
  EXPECT_EQ(done.runs, 1);
  EXPECT_EQ(service.journal, "start open closed-entrance draining close");
}

TEST_F(TransportCourses, EndWhenTheServiceDoesNotOpen) {
  service.waits = true;
  Heard opened;
  Heard late;
  course.start();
  course.when_open(opened);
  const Error error{HttpError{500, "no database"}};
  service.opening->tell(&error);
  port.run();
  course.when_open(late);

  EXPECT_EQ(course.state(), TransportState::stopped);
  EXPECT_EQ(opened.times, 1);
  EXPECT_EQ(opened.message, error.message());
  EXPECT_EQ(late.message, error.message());
  EXPECT_EQ(service.journal.find("close", service.journal.find("entrance") + 8), std::string::npos)
      << "what has not opened is not closed";
}

}  // namespace
}  // namespace umbel
