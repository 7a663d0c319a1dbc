// SPDX-License-Identifier: MIT
#include "umbel/stdio/server.hpp"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reply_line.hpp"
#include "request_line.hpp"
#include "transfer.hpp"
#include "umbel/core/pulling.hpp"

namespace umbel::stdio {

namespace {

constexpr std::chrono::milliseconds for_ever = std::chrono::hours{24 * 365 * 100};
constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t most_kept = 1024 * 1024;  // Of memory for input, once there is none.

}  // namespace

// What can go on does so in `go_on`, which runs in a turn of its own: replies, reads and writes only note what they
// are. So no reply begins another request on its own stack.
//
// The input buffer holds what was begun (up to `at_`), lines that are looked for an end (up to `scanned_`), and the
// rest. While a read is under way nobody else touches it.
class Server::Impl final : private Transfer::Owner, private ServiceUser {
public:
  Impl(Service& service, Loop& loop, const ServerOptions& options);
  ~Impl();

  void start();
  void when_stopped(Work& stopped) { waiting_.push_back(&stopped), go_on_soon(); }
  std::error_code failure() const noexcept { return {io_error_, std::generic_category()}; }
  TransportState state() const noexcept;
  std::size_t in_flight() const noexcept;
  void when_open(Notice& opened) noexcept;
  void drain(const DrainOptions& options, Work* done);
  void stop() noexcept;

private:
  // Of the service; `left`: it is closed, and the threads are still to end.
  enum class Stage : std::uint8_t { closed, opening, open, failed, closing, left };
  enum class Ending : std::uint8_t { no, soon, now };  // soon: after the delay.

  class Asked;

  Context& home() noexcept override { return context(); }
  void turn() noexcept override { uv_run(loop_.native(), UV_RUN_ONCE); }
  void stop_using() noexcept override {
    has_service_ = false;
    stop();
  }

  /// Calls a member function.
  template <void (Impl::*function)() noexcept>
  struct MemberTimer : Timer {
    explicit MemberTimer(Impl& i) noexcept : Timer(run), impl(i) {}
    static void run(Timer& timer) noexcept { (static_cast<MemberTimer&>(timer).impl.*function)(); }
    Impl& impl;
  };
  template <void (Impl::*function)(const Error*) noexcept>
  struct MemberNotice : Notice {
    explicit MemberNotice(Impl& i) noexcept : Notice(run), impl(i) {}
    static void run(Notice& notice, const Error* error) noexcept {
      (static_cast<MemberNotice&>(notice).impl.*function)(error);
    }
    Impl& impl;
  };
  struct Resume : Work {
    explicit Resume(Impl& i) noexcept : Work(run), impl(i) {}
    static void run(Work& work) noexcept {
      auto& self = static_cast<Resume&>(work);
      self.is_queued = false;
      self.impl.go_on();
    }
    Impl& impl;
    bool is_queued = false;
  };

  Context& context() const noexcept { return loop_.context(); }
  void go_on_soon() noexcept {
    if (!std::exchange(resume_.is_queued, true)) context().enqueue(resume_);
  }
  void go_on() noexcept;
  void pull_streams() noexcept;
  void drop_those_over() noexcept;
  void begin_requests() noexcept;
  void begin(std::string_view line) noexcept;
  bool may_begin() const noexcept;
  bool has_room() const noexcept { return unsent() < limits_.output; }
  std::size_t unsent() const noexcept { return made_.size() + sending_.size(); }
  std::optional<std::string_view> next_line();
  void skip_to_line_end() noexcept;
  void refuse(const Id& id, int status, const std::string& detail);
  Input input() const noexcept;

  void ask_for_input();
  void flush();
  void on_transferred(Transfer& transfer, std::size_t size, int error) noexcept override;
  void on_gone() noexcept override;
  void on_read(std::size_t size, int error) noexcept;
  void on_written(std::size_t size, int error) noexcept;
  void lose_output(CancelReason reason) noexcept;

  void let_go() noexcept;
  void end() noexcept;
  void tell_draining() noexcept;
  void on_service_opened(const Error* error) noexcept;
  void on_service_closed(const Error* error) noexcept;
  bool is_at_rest() const noexcept;
  void end_if_over() noexcept;
  void close_service() noexcept;
  bool end_threads() noexcept;

  Service& service_;
  Loop& loop_;
  const Limits limits_;

  std::vector<std::unique_ptr<Asked>> asked_;

  Buffer input_;
  std::size_t at_ = 0;
  std::size_t scanned_ = 0;
  std::uint64_t line_number_ = 0;
  bool skips_line_ = false;  // Up to its end: it is too long, and was refused.
  bool input_ended_ = false;

  Buffer made_;     // Lines that are added to.
  Buffer sending_;  // Lines that are being written, and stay where they are.
  std::uint64_t written_ = 0;
  bool output_lost_ = false;  // Nothing is written any more.
  int io_error_ = 0;

  Transfer in_;
  Transfer out_;

  Stage stage_ = Stage::closed;
  Ending ending_ = Ending::no;
  bool has_service_ = true;  // It was not destroyed under us.
  bool told_draining_ = false;
  std::chrono::milliseconds limit_{0};
  std::vector<Notice*> openers_;
  std::vector<Work*> waiting_;    // For the end.
  std::optional<Error> failure_;  // Why the service did not open.
  Resume resume_;
  MemberNotice<&Impl::on_service_opened> service_opened_;
  MemberNotice<&Impl::on_service_closed> service_closed_;
  MemberTimer<&Impl::let_go> delay_timer_;
  MemberTimer<&Impl::stop> limit_timer_;
};

/// A request in flight.
class Server::Impl::Asked final : public Exchange {
public:
  Asked(Impl& impl, RequestLine&& line) : impl_(impl), line_(std::move(line)) {
    context_ = &impl.context();
    request_ = line_.request();
    if (line_.timeout()) deadline_ = context_->now() + *line_.timeout();
  }

  bool has_id() const noexcept { return line_.id().index() > 0; }
  /// The whole reply has become lines.
  bool is_answered() const noexcept { return replied_ && !source_; }
  bool is_in_flight() const noexcept { return !is_answered() || held_; }
  /// Nobody has anything of ours any more.
  bool is_over() const noexcept { return !is_in_flight() && !pulling_.is_forgotten(); }

  bool collect_body(Work&) noexcept override {
    const std::uint64_t limit = body_limit_ == usual_limit ? impl_.limits_.body : body_limit_;
    if (line_.body().size() > limit) body_error_ = 413;
    else request_.set_body(line_.body());
    return true;
  }
  void reply(Response&& response) noexcept override {
    if (!is_misused()) answer(response);
  }
  void reply_and_hold(Response&& response, Work& sent) noexcept override {
    if (is_misused()) return;
    held_ = true;
    sent_ = &sent;
    answer(response);
  }
  void release() noexcept override {
    const bool may_be = is_answered() && held_ && !sent_;
    assert(may_be && "an exchange was released before its reply was sent");
    if (!may_be) return;
    held_ = false;
    impl_.go_on_soon();
  }

  /// One piece of the body, if it streams and there is one. Where there is, there may be another.
  void pull() noexcept;
  /// `written`: bytes of the output.
  void tell_sent(std::uint64_t written) noexcept {
    if (sent_ && is_answered() && end_ <= written) context_->enqueue(*std::exchange(sent_, nullptr));
  }
  /// One who has the whole reply cancels nothing by leaving.
  void cancel(CancelReason reason) noexcept {
    const bool has_reply = is_answered() && !sent_;
    if (stop_.stop_requested() || (has_reply && reason != CancelReason::shutdown)) return;
    stop_reason_ = reason;
    stop_.request_stop();
  }
  /// Nothing is written any more.
  void lose_output() noexcept {
    if (source_) drop_source();
    if (sent_ && is_answered()) context_->enqueue(*std::exchange(sent_, nullptr));
  }

private:
  struct SourcePulling : Pulling {
    explicit SourcePulling(Asked& a) noexcept : Pulling(run, run), asked(a) {}
    static void run(Pulling& pulling) noexcept { static_cast<SourcePulling&>(pulling).asked.impl_.go_on_soon(); }
    Asked& asked;
  };

  void answer(Response& response) noexcept;
  void end_stream(StreamEnd end) noexcept;
  void drop_source() noexcept {
    pulling_.forget(*context_);
    source_.reset();
  }
  void note_end() noexcept {
    end_ = impl_.output_lost_ ? 0 : impl_.written_ + impl_.unsent();
    impl_.go_on_soon();
  }

  // A second reply: an assertion, and else as if it had not been made.
  bool is_misused() const noexcept {
    assert(!replied_ && "an exchange was replied to twice");
    return replied_;
  }

  Impl& impl_;
  RequestLine line_;
  bool replied_ = false;
  bool held_ = false;
  Work* sent_ = nullptr;
  std::uint64_t end_ = 0;  // Of the reply, in bytes of the output.
  BodySourcePtr source_;
  std::optional<std::uint64_t> left_;  // Of a body of a known size.
  SourcePulling pulling_{*this};
};

void Server::Impl::Asked::answer(Response& response) noexcept {
  replied_ = true;
  response.status(response.status_to_send());
  BodySourcePtr source = response.take_source();
  const bool has_body = request_.method() != Method::head && Response::may_have_body(response.status());
  const bool streams = source && has_body;
  if (!impl_.output_lost_) {
    const Body body = streams ? Body::streamed : has_body ? Body::whole : Body::none;
    write_reply(impl_.made_, line_.id(), response, body, impl_.input());
    if (streams) {
      left_ = source->size();
      source_ = std::move(source);
    }
  }
  note_end();
}

void Server::Impl::Asked::pull() noexcept {
  if (!source_ || pulling_.is_awaited()) return;
  std::string_view chunk;
  switch (pulling_.pull(*context_, *source_, chunk)) {
    case Pulled::chunk:
      if (left_ && chunk.size() > *left_) return end_stream(StreamEnd::broken);
      if (left_) *left_ -= chunk.size();
      write_chunk(impl_.made_, line_.id(), chunk);
      return impl_.go_on_soon();
    case Pulled::pending:
      return;
    case Pulled::end:
      return end_stream(left_ && *left_ > 0 ? StreamEnd::broken : StreamEnd::complete);
    case Pulled::failed:
      return end_stream(StreamEnd::broken);
  }
}

void Server::Impl::Asked::end_stream(StreamEnd end) noexcept {
  write_stream_end(impl_.made_, line_.id(), end);
  drop_source();
  note_end();
}

// What goes on.

void Server::Impl::go_on() noexcept {
  drop_those_over();
  pull_streams();
  begin_requests();
  flush();
  ask_for_input();
  end_if_over();
}

void Server::Impl::drop_those_over() noexcept {
  const auto tell = [&](const std::unique_ptr<Asked>& asked) {
    asked->tell_sent(written_);
    return asked->is_over();
  };
  asked_.erase(std::remove_if(asked_.begin(), asked_.end(), tell), asked_.end());
}

// A piece of each in turn, so that a stream that always has one holds up nobody.
void Server::Impl::pull_streams() noexcept {
  for (const std::unique_ptr<Asked>& asked : asked_) {
    if (has_room()) asked->pull();
  }
}

bool Server::Impl::may_begin() const noexcept {
  const auto is_without_id = [](const std::unique_ptr<Asked>& asked) {
    return !asked->has_id() && !asked->is_answered();
  };
  if (output_lost_ || (stage_ != Stage::opening && stage_ != Stage::open)) return false;
  if (asked_.size() >= limits_.in_flight || !has_room()) return false;
  return std::none_of(asked_.begin(), asked_.end(), is_without_id);
}

void Server::Impl::begin_requests() noexcept {
  while (may_begin()) {
    const std::optional<std::string_view> line = next_line();
    if (!line) return;
    begin(*line);
  }
}

void Server::Impl::begin(std::string_view line) noexcept {
  RequestLine request;
  try {
    request.read(line);
  } catch (const std::exception& error) {
    return refuse(request.id(), 400, error.what());
  }
  asked_.push_back(std::make_unique<Asked>(*this, std::move(request)));
  service_.serve(*asked_.back());
}

void Server::Impl::refuse(const Id& id, int status, const std::string& detail) {
  write_error(made_, id, status, "line " + std::to_string(line_number_) + ": " + detail, input());
}

Input Server::Impl::input() const noexcept {
  return ending_ == Ending::now && !input_ended_ ? Input::closing : Input::goes_on;
}

/// The next line that is not empty, if all of it is there.
std::optional<std::string_view> Server::Impl::next_line() {
  for (;;) {
    if (skips_line_) skip_to_line_end();
    const std::string_view rest = input_.view().substr(at_);
    const std::size_t end = rest.find('\n', scanned_ - at_);
    if (end == rest.npos) scanned_ = input_.size();
    if (std::min(end, rest.size()) > limits_.line) {
      ++line_number_;
      skips_line_ = true;
      refuse({}, 413, "it is longer than " + std::to_string(limits_.line) + " bytes");
      continue;
    }
    if (end == rest.npos && (!input_ended_ || rest.empty())) return std::nullopt;
    ++line_number_;
    const std::string_view line = rest.substr(0, end);
    at_ += std::min(end, rest.size() - 1) + 1;
    scanned_ = at_;
    if (line.find_first_not_of(" \t\r") != line.npos) return line;
  }
}

void Server::Impl::skip_to_line_end() noexcept {
  const std::size_t end = input_.view().find('\n', at_);
  skips_line_ = end == std::string_view::npos;
  at_ = scanned_ = skips_line_ ? input_.size() : end + 1;
}

// Input and output.

void Server::Impl::ask_for_input() {
  if (in_.is_busy() || input_ended_ || ending_ == Ending::now || !may_begin()) return;
  const std::size_t rest = input_.size() - at_;
  if (rest == 0 && input_.capacity() > most_kept) input_ = Buffer{};
  if (rest > 0) std::memmove(input_.data(), input_.data() + at_, rest);
  input_.shrink(input_.size() - rest);
  scanned_ -= at_;
  at_ = 0;
  in_.start(input_.room(read_size), read_size);
}

void Server::Impl::flush() {
  if (out_.is_busy() || made_.empty() || output_lost_) return;
  std::swap(made_, sending_);
  out_.start(sending_.data(), sending_.size());
}

void Server::Impl::on_transferred(Transfer& transfer, std::size_t size, int error) noexcept {
  if (&transfer == &in_) on_read(size, error);
  else on_written(size, error);
  go_on_soon();
}

void Server::Impl::on_read(std::size_t size, int error) noexcept {
  input_.grew(size);
  if (error == ECANCELED || (size > 0 && error == 0)) return;
  if (error != 0) io_error_ = error;
  input_ended_ = true;
  end();
}

void Server::Impl::on_written(std::size_t size, int error) noexcept {
  written_ += size;
  sending_.clear();
  if (sending_.capacity() > most_kept) sending_ = Buffer{};
  if (error == 0 || output_lost_) return;
  io_error_ = error;
  on_gone();
}

void Server::Impl::on_gone() noexcept {
  if (output_lost_) return go_on_soon();
  if (io_error_ == 0) io_error_ = EPIPE;
  lose_output(CancelReason::disconnected);
  end();
}

void Server::Impl::lose_output(CancelReason reason) noexcept {
  output_lost_ = true;
  made_.clear();
  for (const std::unique_ptr<Asked>& asked : asked_) {
    asked->cancel(reason);
    asked->lose_output();
  }
}

// The beginning and the end.

Server::Impl::Impl(Service& service, Loop& loop, const ServerOptions& options)
    : service_(service),
      loop_(loop),
      limits_(options.limits),
      in_(loop.context(), options.input, Transfer::Direction::in, *this),
      out_(loop.context(), options.output, Transfer::Direction::out, *this),
      resume_(*this),
      service_opened_(*this),
      service_closed_(*this),
      delay_timer_(*this),
      limit_timer_(*this) {}

Server::Impl::~Impl() {
  assert(context().is_here() && "umbel: a Server is destroyed on another thread than its loop's");
  while (!context().is_here()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  if (stage_ != Stage::closed) stop();
  if (in_flight() > 0) context().expect_outside("umbel: a Server with requests in flight is destroyed");
  while (stage_ != Stage::closed || resume_.is_queued) uv_run(loop_.native(), UV_RUN_ONCE);
}

void Server::Impl::start() {
  const bool is_running = stage_ == Stage::opening || stage_ == Stage::open;
  if (is_running && ending_ != Ending::now) return;
  if (stage_ != Stage::closed) throw StartError{"umbel: a server that ends reads no lines"};
  if (!has_service_) throw StartError{"umbel: the service of this server was destroyed"};
  service_.start(context());
  in_.open();
  try {
    out_.open();
  } catch (...) {
    in_.close();
    throw;
  }
  service_.used_by(*this);
  ending_ = Ending::no;
  failure_.reset();
  io_error_ = 0;
  output_lost_ = input_ended_ = false;
  stage_ = Stage::opening;
  loop_.hold();
  service_.open(context(), service_opened_);
  if (failure_) throw StartError{failure_->message()};
  go_on_soon();
}

void Server::Impl::when_open(Notice& opened) noexcept {
  if (failure_) opened.tell(&*failure_);
  else if (stage_ == Stage::open) opened.tell();
  else openers_.push_back(&opened);
}

TransportState Server::Impl::state() const noexcept {
  if (stage_ == Stage::closed) return TransportState::stopped;
  if (ending_ != Ending::no || stage_ == Stage::failed) return TransportState::draining;
  return stage_ == Stage::opening ? TransportState::starting : TransportState::ready;
}

std::size_t Server::Impl::in_flight() const noexcept {
  const auto is_in_flight = [](const std::unique_ptr<Asked>& asked) { return asked->is_in_flight(); };
  return static_cast<std::size_t>(std::count_if(asked_.begin(), asked_.end(), is_in_flight));
}

void Server::Impl::drain(const DrainOptions& options, Work* done) {
  if (done) waiting_.push_back(done);
  limit_ = options.limit;
  const bool is_running = stage_ == Stage::opening || stage_ == Stage::open;
  if (!is_running || ending_ == Ending::now || options.delay.count() <= 0) return let_go();
  ending_ = Ending::soon;
  tell_draining();
  delay_timer_.start(context(), context().now() + std::min(options.delay, for_ever));
}

// The delay is over.
void Server::Impl::let_go() noexcept {
  end();
  if (stage_ != Stage::closed) limit_timer_.start(context(), context().now() + std::min(limit_, for_ever));
}

void Server::Impl::end() noexcept {
  delay_timer_.cancel();
  ending_ = Ending::now;
  in_.cancel();
  tell_draining();
  go_on_soon();
}

void Server::Impl::stop() noexcept {
  limit_timer_.cancel();
  lose_output(CancelReason::shutdown);
  out_.cancel();
  end();
}

// Once for each time that it was open.
void Server::Impl::tell_draining() noexcept {
  if (stage_ == Stage::open && !std::exchange(told_draining_, true)) service_.draining(context());
}

void Server::Impl::on_service_opened(const Error* error) noexcept {
  stage_ = error ? Stage::failed : Stage::open;
  told_draining_ = false;
  if (error) failure_ = *error;
  if (ending_ != Ending::no) tell_draining();
  for (Notice* const opened : std::exchange(openers_, {})) opened->tell(error);
  if (!error) return go_on_soon();
  service_.left_by(*this);
  stop();
}

void Server::Impl::on_service_closed(const Error*) noexcept {
  stage_ = Stage::left;
  service_.left_by(*this);
  go_on_soon();
}

/// Nothing is in flight or under way, and no line that was read is to be answered.
bool Server::Impl::is_at_rest() const noexcept {
  const bool has_lines =
      input_.view().find('\n', at_) != std::string_view::npos || (input_ended_ && at_ < input_.size());
  return asked_.empty() && !in_.is_busy() && !out_.is_busy() && (output_lost_ || (made_.empty() && !has_lines));
}

// The end, once it has begun: what is in flight, then the service, then the threads, then whoever waits.
void Server::Impl::end_if_over() noexcept {
  if (stage_ != Stage::closed) {
    if (ending_ != Ending::now || !is_at_rest()) return;
    if (stage_ == Stage::open) return close_service();
    if (stage_ == Stage::opening || stage_ == Stage::closing || !end_threads()) return;
    stage_ = Stage::closed;
    loop_.release();
  }
  for (Work* const done : std::exchange(waiting_, {})) context().enqueue(*done);
}

void Server::Impl::close_service() noexcept {
  limit_timer_.cancel();
  stage_ = Stage::closing;
  service_.close(context(), service_closed_);
}

/// False: they have left something to be told, and then it is tried again.
bool Server::Impl::end_threads() noexcept {
  limit_timer_.cancel();
  const bool in_is_over = in_.close();
  const bool out_is_over = out_.close();
  return in_is_over && out_is_over;
}

Server::Server(Service& service, Loop& loop, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(service, loop, options)) {}
Server::~Server() = default;

void Server::start() { impl_->start(); }
void Server::when_stopped(Work& stopped) { impl_->when_stopped(stopped); }
std::error_code Server::failure() const noexcept { return impl_->failure(); }

Capabilities Server::capabilities() const noexcept {
  return {.stream_out = true, .disconnect = true, .deadline = true, .half_close = true, .keep_alive = true};
}
TransportState Server::state() const noexcept { return impl_->state(); }
std::size_t Server::in_flight() const noexcept { return impl_->in_flight(); }
void Server::when_open(Notice& opened) noexcept { impl_->when_open(opened); }
void Server::drain(const DrainOptions& options, Work& done) { impl_->drain(options, &done); }
void Server::drain(const DrainOptions& options) { impl_->drain(options, nullptr); }
void Server::stop() noexcept { impl_->stop(); }

}  // namespace umbel::stdio
