// SPDX-License-Identifier: MIT
#include "umbel/http1/filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/testing/manual_port.hpp"

namespace umbel::http1 {
namespace {

using std::string;
using std::string_view;

/// Changes the case of every letter. The outer bytes begin with "hi\n", which it answers with "ho\n"; "!" ends them,
/// and so does it when it closes; "?" it refuses with "no!". It reads nothing while it has more than 8 bytes of output.
class Shouting final : public Filter {
public:
  explicit Shouting(bool stalls = false) : stalls_(stalls) {}

  State state() const noexcept override { return state_; }
  std::span<char> prepare() noexcept override {
    input_.resize(size_ + 100);
    return {input_.data() + size_, 100};
  }
  void commit(std::size_t bytes) noexcept override {
    size_ += bytes;
    if (state_ == State::failed) size_ = 0;
    if (state_ != State::opening || size_ < 3) return;
    state_ = State::open;
    take(3);
    output_ += "ho\n";
    peer_.protocol = "shouting";
  }
  std::size_t read(std::span<char> room) noexcept override {
    if (stalls_ && !output_.empty()) return 0;
    const string_view all = string_view{input_}.substr(0, std::min(size_, room.size()));
    const string_view inner = all.substr(0, all.find_first_of("!?"));
    std::transform(inner.begin(), inner.end(), room.begin(), turn);
    const std::size_t size = inner.size();
    if (size < all.size() && all[size] == '!') state_ = State::ended;
    if (size < all.size() && all[size] == '?') state_ = State::failed, output_ = "no!";
    take(size);
    return size;
  }
  bool readable() const noexcept override { return state_ == State::open && size_ > 0; }
  bool in_piece() const noexcept override { return false; }
  std::size_t write(string_view bytes) noexcept override {
    if (output_.size() >= 8) return 0;
    const string_view taken = bytes.substr(0, 8);
    std::transform(taken.begin(), taken.end(), std::back_inserter(output_), turn);
    return taken.size();
  }
  void close() noexcept override { output_ += '!'; }
  string_view output() const noexcept override { return output_; }
  void consumed(std::size_t bytes) noexcept override { output_.erase(0, bytes); }
  void abort() noexcept override {
    state_ = State::failed;
    output_.clear();
  }
  const Peer* peer() const noexcept override { return &peer_; }

private:
  static char turn(char c) { return static_cast<char>(std::isalpha(static_cast<unsigned char>(c)) ? c ^ 0x20 : c); }
  void take(std::size_t bytes) {
    input_.erase(0, bytes);
    size_ -= bytes;
  }

  const bool stalls_;
  State state_ = State::opening;
  string input_;
  std::size_t size_ = 0;
  string output_;
  Peer peer_;
};

class PeerService : public Service {
public:
  void serve(Exchange& exchange) noexcept override {
    ++served;
    if (exchange.request().path() == "/late") late = &exchange;
    else exchange.reply(Response::text(exchange.peer() ? exchange.peer()->protocol : "nobody"));
  }
  int served = 0;
  Exchange* late = nullptr;
};

string turned(string text) {
  for (char& c : text) {
    if (std::isalpha(static_cast<unsigned char>(c))) c = static_cast<char>(c ^ 0x20);
  }
  return text;
}
string get(string_view target, string_view more = {}) {
  return turned("GET " + string{target} + " HTTP/1.1\r\nHost: a\r\n" + string{more} + "\r\n");
}

class Filtered : public ::testing::Test, Session::Host {
protected:
  void feed(string_view bytes) { EXPECT_EQ(secure.feed(bytes), bytes.size()); }
  /// All that comes out, in pieces of 3 bytes; inner bytes again.
  string take() {
    string all;
    for (string_view output = secure.output(); !output.empty();) {
      longest = std::max(longest, output.size());
      all += output.substr(0, 3);
      output = secure.consumed(std::min<std::size_t>(3, output.size()));
    }
    return turned(all);
  }
  void on_change() noexcept override { ++changes; }

  testing::ManualPort port;
  PeerService service;
  Endpoint endpoint{service, port.context()};
  Session session{endpoint, *this};
  FilteredSession secure{session, std::make_unique<Shouting>()};
  int changes = 0;
  std::size_t longest = 0;
};

TEST_F(Filtered, AnswersThroughTheFilter) {
  feed("hi\n" + get("/a") + get("/b"));

  const string output = take();

  EXPECT_EQ(output.substr(0, 18), "HO\nHTTP/1.1 200 OK");
  EXPECT_TRUE(output.ends_with("shouting"));
  EXPECT_EQ(service.served, 2);
  EXPECT_TRUE(secure.is_idle());
}

TEST_F(Filtered, WaitsForTheFilterAsForAHead) {
  EXPECT_EQ(secure.wait(), Wait::head);
  EXPECT_FALSE(secure.is_idle());
  EXPECT_EQ(secure.advice(), Advice::read);

  feed("hi\n");
  take();

  EXPECT_EQ(secure.wait(), Wait::idle);
}

TEST_F(Filtered, TakesOutputOnlyAsTheFilterDoes) {
  feed("hi\n" + get("/a"));

  take();

  EXPECT_LE(longest, 16U);
}

TEST_F(Filtered, SaysThatAReplyIsSentWhenTheOuterBytesAre) {
  feed("hi\n" + get("/a"));

  for (string_view output = secure.output(); output.size() > 1; output = secure.output()) {
    static_cast<void>(secure.consumed(output.size() - 1));
    EXPECT_EQ(session.wait(), Wait::output);
  }
  static_cast<void>(secure.consumed(1));
  EXPECT_EQ(session.wait(), Wait::idle);
}

TEST_F(Filtered, ClosesTheFilterAfterTheLastReply) {
  feed("hi\n" + get("/a", "Connection: close\r\n"));

  EXPECT_TRUE(take().ends_with("shouting!"));
  EXPECT_EQ(secure.advice(), Advice::finish);
  feed("!");
  EXPECT_EQ(secure.advice(), Advice::close);
}

TEST_F(Filtered, AnswersAfterTheFiltersEnd) {
  feed("hi\n" + get("/late") + "!");
  EXPECT_EQ(secure.advice(), Advice::pause);
  secure.eof();

  service.late->reply(Response::text("late"));

  EXPECT_TRUE(take().ends_with("late!"));
  EXPECT_EQ(secure.advice(), Advice::close);
  EXPECT_EQ(changes, 1);
}

TEST_F(Filtered, AbortsAtAnEndThatTheFilterHasNotSeen) {
  feed("hi\n" + get("/late"));

  secure.eof();

  EXPECT_TRUE(service.late->stop_token().stop_requested());
  EXPECT_EQ(secure.advice(), Advice::reset);
  service.late->reply(Response::text("late"));
  EXPECT_EQ(take(), "");
}

TEST_F(Filtered, SendsTheFiltersLastWordAndDropsTheRest) {
  feed("hi\n" + get("/late") + "?" + get("/a"));

  EXPECT_TRUE(service.late->stop_token().stop_requested());
  EXPECT_EQ(secure.advice(), Advice::finish);
  EXPECT_EQ(secure.wait(), Wait::output);
  EXPECT_EQ(take(), "NO!");
  EXPECT_EQ(secure.wait(), Wait::lingering);
  feed(get("/a"));
  EXPECT_EQ(service.served, 1);
  secure.expire();
  EXPECT_EQ(secure.advice(), Advice::reset);
  service.late->reply(Response{});
}

TEST_F(Filtered, GivesUpAPeerThatTakesNoOutput) {
  feed("hi\n" + get("/a"));
  ASSERT_FALSE(secure.output().empty());

  secure.expire();

  EXPECT_EQ(secure.advice(), Advice::reset);
  EXPECT_TRUE(secure.output().empty());
}

TEST_F(Filtered, DrainsAfterWhatHasCome) {
  feed("hi\n");
  take();
  const std::span<char> room = secure.prepare();
  const string request = get("/a");
  request.copy(room.data(), request.size());

  secure.drain();
  secure.commit(request.size());

  const string output = take();
  EXPECT_NE(output.find("connection: close"), string::npos);
  EXPECT_TRUE(output.ends_with("shouting!"));
}

TEST(FilteredStall, DoesNotReadForAFilterThatMustSendFirst) {
  struct Host : Session::Host {
    void on_change() noexcept override {}
  } host;
  testing::ManualPort port;
  PeerService service;
  Endpoint endpoint{service, port.context()};
  Session session{endpoint, host};
  FilteredSession secure{session, std::make_unique<Shouting>(true)};

  EXPECT_GT(secure.feed("hi\n" + get("/a")), 0U);

  EXPECT_EQ(service.served, 0);
  EXPECT_EQ(secure.advice(), Advice::pause);
  EXPECT_TRUE(secure.prepare().empty());
  for (string_view output = secure.output(); !output.empty();) output = secure.consumed(output.size());
  EXPECT_EQ(service.served, 1);
  EXPECT_TRUE(secure.is_idle());
}

}  // namespace
}  // namespace umbel::http1
