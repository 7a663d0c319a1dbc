// SPDX-License-Identifier: MIT
// http1::Session under libFuzzer: whatever comes in, and however it is cut, the service sees the same and the peer is
// answered the same.
//
// The first byte of an input says how it ends (its low three bits, see `Ending`), and bit 3 whether the limits are
// small; the rest is what a peer sends. Without libFuzzer the program replays the files and folders that it is given.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/block_pool.hpp"
#include "umbel/http1/session.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::http1 {
namespace {

using std::string;
using std::string_view;

enum class Ending { none, eof, expired, drained, aborted };

struct Scenario {
  Ending ending;
  Limits limits;
  string_view input;
};

Limits small_limits() {
  Limits limits;
  limits.request_line = 64;
  limits.header_block = 256;
  limits.header_fields = 4;
  limits.body = 100;
  limits.output = 1000;
  return limits;
}

Scenario scenario_of(string_view data) {
  const unsigned options = static_cast<unsigned char>(data.front());
  return {static_cast<Ending>((options & 7) % 5), options & 8 ? small_limits() : Limits{}, data.substr(1)};
}

[[noreturn]] void fail(const char* what, string_view one, string_view other = {}) {
  std::fprintf(stderr, "session_fuzz: %s\n--- one\n%.*s\n--- other\n%.*s\n", what, static_cast<int>(one.size()),
               one.data(), static_cast<int>(other.size()), other.data());
  std::abort();
}

/// What happened, in words, that must not depend on how the input was cut.
struct Story {
  string events;
  string sent;
  Advice advice = Advice::read;
  bool is_cut_by_chance = false;  // The service has looked at how much had come: then only the memory is checked.
};

/// So many pieces, of which some come later.
class Pieces final : public BodySource {
public:
  Pieces(std::size_t count, bool is_known) : left_(count), size_(count * piece.size()), is_known_(is_known) {}
  Pulled pull(Context& context, string_view& chunk, Work& ready) noexcept override {
    if (left_ == 0) return Pulled::end;
    if (left_ % 3 == 0 && std::exchange(waits_, !waits_)) return context.enqueue(ready), Pulled::pending;
    --left_;
    chunk = piece;
    return Pulled::chunk;
  }
  void drop() noexcept override { delete this; }
  std::optional<std::uint64_t> size() const noexcept override {
    return is_known_ ? std::optional<std::uint64_t>{size_} : std::nullopt;
  }

private:
  static constexpr string_view piece = "a piece of forty bytes, as long as this.\n";
  std::size_t left_;
  std::uint64_t size_;
  bool is_known_;
  bool waits_ = true;
};

/// Answers in all ways that an Exchange has. The path's first letters say in which.
class FuzzedService : public Service {
public:
  explicit FuzzedService(Story& story) : story_(story) {}

  void serve(Exchange& exchange) noexcept override {
    const Request& request = exchange.request();
    tell("serve", to_string(request.method()));
    tell("target", request.target());
    tell("path", request.path());
    tell("query", request.query());
    for (const HeaderField& field : request.headers()) tell(field.name, field.value);
    (new Visit{*this, exchange})->begin(request.path());
  }

  /// Those that are never answered by themselves.
  void answer_the_rest(Context& context) {
    while (!waiting_.empty()) {
      Work& visit = *waiting_.front();
      waiting_.pop_front();
      context.enqueue(visit);
    }
  }

private:
  // From the exchange to its release.
  struct Visit : Work {
    Visit(FuzzedService& s, Exchange& e) : Work(run), service(s), exchange(e) {}

    void begin(string_view path) {
      if (path.starts_with("/echo")) return collect();
      if (path.starts_with("/read")) return exchange.limit_body(path.size() * 16), read();
      if (path.starts_with("/part")) return service.story_.is_cut_by_chance = true, read_once();
      if (path.starts_with("/turn")) return wait(path.starts_with("/turns") ? &Visit::collect : &Visit::answer);
      if (path.starts_with("/wait")) return wait_for_the_end();
      if (path.starts_with("/hold")) return hold(Response::text("held"));
      if (path.starts_with("/held-stream")) return hold(Response::stream("a/b", pieces(path.size() % 16, false)));
      if (path.starts_with("/stream")) return finish(Response::stream("a/b", pieces(path.size(), false)));
      if (path.starts_with("/sized")) return finish(Response::stream("a/b", pieces(path.size(), true)));
      if (path.starts_with("/empty")) return finish(Response{static_cast<int>(path.size() % 8 * 100)});
      answer();
    }
    static BodySourcePtr pieces(std::size_t count, bool is_known) { return BodySourcePtr{new Pieces{count, is_known}}; }
    static void run(Work& work) noexcept {
      auto& self = static_cast<Visit&>(work);
      (self.*self.next)();
    }

    void wait(void (Visit::*then)()) {
      next = then;
      exchange.context().enqueue(*this);
    }
    void wait_for_the_end() {
      next = &Visit::answer;
      service.waiting_.push_back(this);
    }
    void collect() {
      next = &Visit::answer;
      if (exchange.collect_body(*this)) answer();
    }
    void answer() {
      body = exchange.request().body();
      finish_with_body();
    }
    void read() {
      next = &Visit::read;
      string_view chunk;
      Pulled pulled{};
      while ((pulled = exchange.read_body(chunk, *this)) == Pulled::chunk) body += chunk;
      if (pulled == Pulled::pending) return;
      service.tell("end", pulled == Pulled::end ? "complete" : "failed");
      // How much had come before the failure depends on the cut.
      if (pulled != Pulled::end) body.clear();
      finish_with_body();
    }
    void read_once() {
      next = &Visit::answer;
      string_view chunk;
      if (exchange.read_body(chunk, *this) == Pulled::pending) return;
      body = chunk;
      finish(Response::text(body));
    }
    void finish_with_body() {
      service.tell("body", body);
      service.tell("error", std::to_string(exchange.body_error()));
      for (const HeaderField& field : exchange.trailers()) service.tell(field.name, field.value);
      finish(Response::text(body, exchange.body_error() ? exchange.body_error() : 200));
    }
    void finish(Response&& response) {
      exchange.reply(std::move(response));
      delete this;
    }
    void hold(Response&& response) {
      next = &Visit::release;
      exchange.reply_and_hold(std::move(response), *this);
    }
    void release() {
      exchange.release();
      delete this;
    }

    FuzzedService& service;
    Exchange& exchange;
    void (Visit::*next)() = nullptr;
    string body;
  };

  void tell(string_view what, string_view value) { story_.events.append(what).append("=").append(value).append("\n"); }

  Story& story_;
  std::deque<Work*> waiting_;
};

/// How the input is cut, and how fast the output is taken.
enum class Cut { whole, bytes, random, random_and_slow };

class Conversation : Session::Host {
public:
  Conversation(const Scenario& scenario, Cut cut)
      : scenario_(scenario),
        cut_(cut),
        random_(static_cast<unsigned>(scenario.input.size())),
        service_(story_),
        endpoint_(service_, port_.context(), scenario.limits) {}

  Story run() {
    session_.emplace(endpoint_, static_cast<Session::Host&>(*this));
    send(scenario_.input);
    settle();
    end();
    settle();
    story_.advice = session_->advice();
    session_->abort();
    service_.answer_the_rest(port_.context());
    port_.run();
    if (session_->busy()) fail("the session is busy after its end", scenario_.input);
    session_.reset();
    return std::move(story_);
  }

private:
  void on_change() noexcept override {}

  void send(string_view input) {
    while (!input.empty()) {
      const std::size_t size = std::min(next_size(), input.size());
      if (!send_piece(input.substr(0, size))) return;
      input.remove_prefix(size);
    }
  }
  // False if the session takes no more.
  bool send_piece(string_view piece) {
    while (!piece.empty()) {
      const std::size_t taken = session_->feed(piece);
      piece.remove_prefix(taken);
      port_.run();
      const std::size_t written = take(next_size());
      port_.run();
      if (taken == 0 && written == 0) {
        const std::size_t before = story_.sent.size();
        settle();
        if (before == story_.sent.size() && session_->prepare().empty()) return false;
        if (!session_->prepare().empty()) session_->commit(0);
      }
    }
    return true;
  }
  std::size_t next_size() {
    switch (cut_) {
      case Cut::whole:
        return string_view::npos;
      case Cut::bytes:
        return 1;
      case Cut::random:
      case Cut::random_and_slow:
        break;
    }
    return random_() % 4 == 0 ? random_() % 2000 + 1 : random_() % 16 + 1;
  }
  // Takes some of the output, or all of it.
  std::size_t take(std::size_t most) {
    const bool is_slow = cut_ == Cut::random_and_slow;
    std::size_t taken = 0;
    while (!session_->output().empty()) {
      const string_view output = session_->output();
      check_unsent(output.size());
      const std::size_t size = is_slow ? std::min(most, output.size()) : output.size();
      story_.sent += output.substr(0, size);
      session_->consumed(size);
      taken += size;
      if (is_slow) break;
    }
    return taken;
  }
  void settle() {
    do port_.run();
    while (take(string_view::npos) > 0);
  }
  void end() {
    switch (scenario_.ending) {
      case Ending::none:
        break;
      case Ending::eof:
        session_->eof();
        break;
      case Ending::expired:
        session_->expire();
        break;
      case Ending::drained:
        session_->drain();
        break;
      case Ending::aborted:
        session_->abort();
        break;
    }
    service_.answer_the_rest(port_.context());
  }

  // Beyond the limit there is at most the reply that came last, which is no longer than what was sent, and its head.
  void check_unsent(std::size_t size) const {
    constexpr std::size_t stream_ahead = 64 * 1024;
    if (size > scenario_.limits.output + stream_ahead + scenario_.input.size() + 4096)
      fail("the output is not bounded", std::to_string(size));
  }

  const Scenario& scenario_;
  Cut cut_;
  std::minstd_rand random_;
  testing::ManualPort port_;
  Story story_;
  FuzzedService service_;
  Endpoint endpoint_;
  std::optional<Session> session_;
};

// The only part of a reply that the clock decides.
void blank_dates(string& sent) {
  constexpr string_view name = "date: ";
  constexpr string_view example = "Thu, 01 Jan 1970 00:00:00 GMT";
  for (std::size_t at = sent.find(name); at != string::npos; at = sent.find(name, at + name.size())) {
    if (sent.size() - at >= name.size() + example.size()) sent.replace(at + name.size(), example.size(), example);
  }
}

Story told(const Scenario& scenario, Cut cut) {
  const std::size_t blocks = detail::BlockPool::in_use();
  Story story = Conversation{scenario, cut}.run();
  if (detail::BlockPool::in_use() != blocks) fail("blocks are left", scenario.input);
  blank_dates(story.sent);
  return story;
}

void try_all(string_view data) {
  if (data.empty()) return;
  const Scenario scenario = scenario_of(data);
  const Story whole = told(scenario, Cut::whole);
  for (const Cut cut : {Cut::bytes, Cut::random, Cut::random_and_slow}) {
    const Story other = told(scenario, cut);
    if (whole.is_cut_by_chance) continue;
    if (other.events != whole.events) fail("the service has seen something else", whole.events, other.events);
    if (other.sent != whole.sent) fail("the peer was sent something else", whole.sent, other.sent);
    if (other.advice != whole.advice) fail("the end is another", whole.sent, other.sent);
  }
}

}  // namespace
}  // namespace umbel::http1

#ifdef UMBEL_FUZZ_REPLAY

#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

int replay(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{path}) count += replay(entry.path());
    return count;
  }
  std::ifstream file{path, std::ios::binary};
  const std::string data{std::istreambuf_iterator<char>{file}, {}};
  std::fprintf(stderr, "%s\n", path.c_str());
  umbel::http1::try_all(data);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) count += replay(argv[i]);
  std::printf("%d inputs, all as they should be\n", count);
  return count > 0 ? 0 : 1;
}

#else

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  umbel::http1::try_all({reinterpret_cast<const char*>(data), size});
  return 0;
}

#endif
