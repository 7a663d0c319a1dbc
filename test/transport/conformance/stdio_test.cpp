// SPDX-License-Identifier: MIT
// The conformance kit against requests and replies as lines of JSON.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "umbel/core/base64.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/json/json_writer.hpp"
#include "umbel/stdio/server.hpp"
#include "umbel/testing/transport_conformance.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel {
namespace {

using std::string;
using std::string_view;
using testing::TransportHarness;

/// Of ours, one end does not block.
class Pipe {
public:
  enum class End { reads, writes };

  explicit Pipe(End ours) : ours_(ours) {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::system_category()};
    ::fcntl(our_end(), F_SETFL, O_NONBLOCK);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_ours();
    ::close(their_end());
  }

  int our_end() const { return ends_[ours_ == End::reads ? 0 : 1]; }
  int their_end() const { return ends_[ours_ == End::reads ? 1 : 0]; }
  bool is_open() const { return is_open_; }
  void close_ours() {
    if (std::exchange(is_open_, false)) ::close(our_end());
  }
  /// Bytes in it.
  int filled() const {
    int bytes = 0;
    ::ioctl(is_open_ ? our_end() : their_end(), FIONREAD, &bytes);
    return bytes;
  }

private:
  std::array<int, 2> ends_{};
  End ours_;
  bool is_open_ = true;
};

/// The one peer of the server. Whoever asks is it: each request bears the number of its asker.
class Lines {
public:
  ~Lines() { leave(); }

  int input() const { return to_.their_end(); }
  int output() const { return from_.their_end(); }
  bool is_open() const { return to_.is_open() && !has_ended_; }

  void write(string_view line) { (unsent_ += line) += '\n'; }
  std::size_t unsent() const { return unsent_.size(); }
  void leave() {
    to_.close_ours();
    from_.close_ours();
  }
  /// What goes at once.
  void send() {
    while (to_.is_open() && !unsent_.empty()) {
      const ssize_t size = ::write(to_.our_end(), unsent_.data(), unsent_.size());
      if (size <= 0) return;
      unsent_.erase(0, static_cast<std::size_t>(size));
    }
  }
  /// True while the server's threads have something to move.
  bool is_moving() const { return to_.is_open() && to_.filled() > 0; }
  /// What there is. `take(line)` gets each line.
  void receive(auto take) {
    std::array<char, 16 * 1024> room;
    while (from_.is_open()) {
      const ssize_t size = ::read(from_.our_end(), room.data(), room.size());
      if (size == 0) has_ended_ = true;
      if (size <= 0) break;
      received_.append(room.data(), static_cast<std::size_t>(size));
    }
    std::size_t begin = 0;
    for (std::size_t end; (end = received_.find('\n', begin)) != string::npos; begin = end + 1)
      take(string_view{received_}.substr(begin, end - begin));
    received_.erase(0, begin);
  }

private:
  Pipe to_{Pipe::End::writes};
  Pipe from_{Pipe::End::reads};
  string unsent_;
  string received_;
  bool has_ended_ = false;
};

class StdioHarness final : public TransportHarness {
public:
  StdioHarness(Service& service, const Limits& limits)
      : server_(service, loop_,
                {.input = lines_.input(),
                 .output = lines_.output(),
                 .limits = {.body = static_cast<std::size_t>(limits.body), .in_flight = limits.in_flight}}) {}

  Transport& transport() override { return server_; }
  Context& context() override { return loop_.context(); }
  void start() override {
    server_.start();
    has_started_ = true;
  }
  /// The server's threads read and write: a turn leaves them time to.
  void turn() override {
    lines_.send();
    pollfd loop{.fd = uv_backend_fd(loop_.native()), .events = POLLIN, .revents = 0};
    ::poll(&loop, 1, 1);
    uv_run(loop_.native(), UV_RUN_NOWAIT);
  }
  std::unique_ptr<Peer> connect() override { return std::make_unique<Asker>(*this); }

private:
  class Asker final : public Peer {
  public:
    explicit Asker(StdioHarness& harness) : harness_(harness), id_(++harness.askers_) {}
    /// One who is still owed something is the peer that leaves.
    ~Asker() override {
      if (is_asking_) harness_.lines_.leave();
      harness_.come_.erase(id_);
    }

    void ask(const Question& question) override {
      question_ = question;
      body_.clear();
      is_asking_ = true;
      harness_.come_[id_] = {};
    }
    void send(string_view piece) override { body_ += piece; }
    void end(const Fields&) override {
      JsonWriter line;
      line.begin_object().field("id", id_).field("method", question_.method).field("target", question_.target);
      line.key("headers").begin_array();
      for (const auto& [name, value] : question_.headers) line.begin_array().value(name).value(value).end_array();
      line.end_array();
      if (!body_.empty()) line.field("body_base64", to_base64(body_));
      if (question_.patience.count() > 0) line.field("timeout_ms", question_.patience.count());
      line.end_object();
      harness_.lines_.write(std::move(line).take().view());
      harness_.lines_.send();
    }
    std::size_t unsent() const override { return harness_.lines_.unsent(); }
    void receive(Answer& answer) override {
      harness_.receive();
      if (!is_asking_) return;
      Answer& come = harness_.come_[id_];
      answer.status = come.status;
      answer.headers = come.headers;
      answer.body += std::exchange(come.body, {});
      answer.is_complete = come.is_complete;
      answer.is_broken = come.is_broken || (!come.is_complete && !harness_.is_there());
      is_asking_ = !answer.is_complete && !answer.is_broken;
    }

  private:
    StdioHarness& harness_;
    const std::int64_t id_;
    Question question_;
    string body_;
    bool is_asking_ = false;
  };

  /// A program ends when its server has stopped, and its output with it.
  bool is_there() const { return lines_.is_open() && (!has_started_ || server_.state() != TransportState::stopped); }
  void receive() {
    lines_.receive([&](string_view line) {
      const JsonReader reader{line};
      take(reader.root());
    });
  }
  void take(JsonValue line) {
    const auto id = line.find("id");
    const auto asker = id && id->type() == JsonType::integer ? come_.find(id->as_int()) : come_.end();
    if (asker == come_.end()) return;
    TransportHarness::Answer& answer = asker->second;
    for (const auto& [name, value] : line.as_object()) {
      if (name == "status") answer.status = static_cast<int>(value.as_int());
      if (name == "headers") answer.headers = fields(value);
      if (name == "body" || name == "chunk") answer.body += value.as_string();
      if (name == "body_base64" || name == "chunk_base64") answer.body += from_base64(value.as_string()).value();
      if (name == "end") answer.is_broken = value.as_string() == "broken";
    }
    answer.is_complete = line.find("status") ? !line.find("stream") : line.find("end") && !answer.is_broken;
  }
  static Fields fields(JsonValue headers) {
    Fields fields;
    if (headers.type() == JsonType::object) {
      for (const auto& [name, value] : headers.as_object()) fields.emplace_back(name, value.as_string());
    } else {
      for (const JsonValue pair : headers.as_array()) {
        const JsonArray parts = pair.as_array();
        fields.emplace_back((*parts.begin()).as_string(), (*++parts.begin()).as_string());
      }
    }
    return fields;
  }

  Loop loop_;
  Lines lines_;
  bool has_started_ = false;
  std::int64_t askers_ = 0;
  std::map<std::int64_t, TransportHarness::Answer> come_;  // And not received yet.
  stdio::Server server_;
};

const bool stdio_conforms = testing::check_transport<StdioHarness>("Stdio");

}  // namespace
}  // namespace umbel
