// SPDX-License-Identifier: MIT
#pragma once
// A peer that speaks HTTP/1.1 over a socket, for the conformance kit.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "umbel/testing/transport_conformance.hpp"

namespace umbel::test {

/// Reads replies (RFC 9112), as they come.
class ReplyReader {
public:
  using Answer = testing::TransportHarness::Answer;

  void begin(bool is_head) {
    is_head_ = is_head;
    state_ = State::head;
  }
  void feed(std::string_view bytes, Answer& answer) {
    input_ += bytes;
    while (step(answer)) {
    }
  }
  void end(Answer& answer) {
    if (state_ == State::until_close) answer.is_complete = true;
    else if (!answer.is_complete) answer.is_broken = true;
    state_ = State::over;
  }

private:
  enum class State { head, by_length, chunk_size, chunk, chunk_end, trailers, until_close, over };

  bool step(Answer& answer) {
    switch (state_) {
      case State::head:
        return read_head(answer);
      case State::by_length:
      case State::chunk:
        return take(answer);
      case State::until_close:
        answer.body += input_;
        return input_.clear(), false;
      case State::chunk_size:
        return read_size();
      case State::chunk_end:
        if (input_.size() < 2) return false;
        input_.erase(0, 2);
        return state_ = State::chunk_size, true;
      case State::trailers:
        return read_trailers(answer);
      case State::over:
        break;
    }
    return false;
  }

  bool read_head(Answer& answer) {
    const std::size_t size = input_.find("\r\n\r\n");
    if (size == std::string::npos) return false;
    const std::string head = input_.substr(0, size + 2);
    input_.erase(0, size + 4);
    const int status = std::stoi(head.substr(9, 3));
    if (status == 100) return true;
    answer.status = status;
    std::size_t at = head.find("\r\n") + 2;
    while (at < head.size()) {
      const std::size_t end = head.find("\r\n", at);
      add_field(head.substr(at, end - at), answer);
      at = end + 2;
    }
    state_ = body_state(answer);
    return finish_empty(answer);
  }
  static void add_field(const std::string& line, Answer& answer) {
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    answer.headers.emplace_back(name, value == line.npos ? "" : line.substr(value));
  }
  State body_state(const Answer& answer) {
    left_ = 0;
    if (is_head_ || answer.status == 204 || answer.status == 304) return State::by_length;
    for (const auto& [name, value] : answer.headers) {
      if (name == "transfer-encoding") return State::chunk_size;
      if (name == "content-length") return left_ = std::stoul(value), State::by_length;
    }
    return State::until_close;
  }
  bool finish_empty(Answer& answer) {
    if (state_ != State::by_length || left_ > 0) return true;
    answer.is_complete = true;
    return state_ = State::over, false;
  }
  bool take(Answer& answer) {
    const std::size_t size = std::min(left_, input_.size());
    answer.body.append(input_, 0, size);
    input_.erase(0, size);
    left_ -= size;
    if (left_ > 0) return false;
    if (state_ == State::chunk) return state_ = State::chunk_end, true;
    return finish_empty(answer);
  }
  bool read_size() {
    const std::size_t size = input_.find("\r\n");
    if (size == std::string::npos) return false;
    left_ = std::stoul(input_.substr(0, size), nullptr, 16);
    input_.erase(0, size + 2);
    return state_ = left_ > 0 ? State::chunk : State::trailers, true;
  }
  bool read_trailers(Answer& answer) {
    if (input_.size() < 2) return false;
    input_.erase(0, 2);  // Our servers send none.
    answer.is_complete = true;
    return state_ = State::over, false;
  }

  std::string input_;
  State state_ = State::over;
  bool is_head_ = false;
  std::size_t left_ = 0;
};

/// What changes the bytes on their way, as TLS does. This one leaves them.
struct PlainWire {
  void write(std::string_view bytes, std::string& out) { out += bytes; }
  void read(std::string_view bytes, std::string& in, std::string&) { in += bytes; }
};

/// On a connected socket that does not block, which becomes its own; -1 if there is none.
template <class Wire = PlainWire>
class Http1Client final : public testing::TransportHarness::Peer {
public:
  using Question = testing::TransportHarness::Question;
  using Answer = testing::TransportHarness::Answer;
  using Fields = testing::TransportHarness::Fields;

  explicit Http1Client(int fd) : fd_(fd) {}
  ~Http1Client() override {
    if (fd_ >= 0) ::close(fd_);
  }

  void ask(const Question& question) override {
    std::string head = question.method + " " + question.target + " HTTP/1.1\r\nHost: a\r\n";
    for (const auto& [name, value] : question.headers) head += name + ": " + value + "\r\n";
    is_chunked_ = !question.length;
    if (is_chunked_) head += "Transfer-Encoding: chunked\r\n";
    else if (*question.length > 0) head += "Content-Length: " + std::to_string(*question.length) + "\r\n";
    reader_.begin(question.method == "HEAD");
    write(head + "\r\n");
  }
  void send(std::string_view piece) override {
    if (!is_chunked_) return write(piece);
    std::array<char, 20> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    write(std::string{size.data()} + std::string{piece} + "\r\n");
  }
  void end(const Fields& trailers) override {
    if (!is_chunked_) return;
    std::string last = "0\r\n";
    for (const auto& [name, value] : trailers) last += name + ": " + value + "\r\n";
    write(last + "\r\n");
  }
  std::size_t unsent() const override { return out_.size() - sent_; }

  void receive(Answer& answer) override {
    flush();
    std::array<char, 64 * 1024> bytes;
    for (int times = 0; times < 4 && fd_ >= 0; ++times) {
      const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (size < 0 && errno == EAGAIN) break;
      if (size <= 0) hang_up();
      else wire_.read({bytes.data(), static_cast<std::size_t>(size)}, in_, out_);
    }
    reader_.feed(in_, answer);
    in_.clear();
    if (fd_ < 0 && !answer.is_complete) reader_.end(answer);
    flush();
  }

private:
  void write(std::string_view bytes) {
    wire_.write(bytes, out_);
    flush();
  }
  void flush() {
    while (fd_ >= 0 && sent_ < out_.size()) {
      const ssize_t size = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
      if (size < 0 && errno != EAGAIN) out_.clear(), sent_ = 0;  // Whoever refuses it may still say why.
      if (size < 0) return;
      sent_ += static_cast<std::size_t>(size);
    }
    out_.clear();
    sent_ = 0;
  }
  void hang_up() {
    ::close(fd_);
    fd_ = -1;
  }

  int fd_;
  bool is_chunked_ = false;
  Wire wire_;
  std::string out_;
  std::size_t sent_ = 0;
  std::string in_;
  ReplyReader reader_;
};

}  // namespace umbel::test
