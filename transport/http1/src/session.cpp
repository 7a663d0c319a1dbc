// SPDX-License-Identifier: MIT
#include "umbel/http1/session.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "feed.hpp"
#include "parser.hpp"
#include "umbel/core/pulling.hpp"
#include "writer.hpp"

namespace umbel::http1 {

namespace {

constexpr Refusal not_http{400, "The request is not HTTP/1.1."};
constexpr Refusal too_slow{408, "The request did not arrive in time."};
constexpr Refusal line_too_long{414, "The request line is too long."};
constexpr Refusal head_too_large{431, "The header fields are too large."};

constexpr std::size_t min_room = 512;         // Less is not worth a read.
constexpr std::size_t ample = 16 * 1024;      // Of room for a peer that has filled what there was.
constexpr std::size_t body_step = 64 * 1024;  // A body's memory grows in steps, as it comes.
// What a reply is made ahead of its peer: as much as a block of 64 KiB holds, with what is around the pieces.
constexpr std::size_t stream_ahead = 48 * 1024;
constexpr std::size_t least_piece = 8 * 1024;  // Of a chunk that is larger than the room.

}  // namespace

// The input buffer holds, from left to right: what a request in flight refers to (up to `keep_`), what is parsed, what
// is to be parsed (`parsed_` to `end_`), and room. A head that is not complete begins at `begin_`; at other times
// `begin_` is `parsed_`.
//
// A body that is read in pieces and does not lie behind its head goes through a buffer of its own, once the application
// has waited for it; there `keep_` is the end of the piece that the application has.
class [[gnu::visibility("hidden")]] Session::Impl final : public Exchange {
public:
  Impl(Endpoint& endpoint, Host& host) : endpoint_(endpoint), host_(host), resume_(*this), pulling_(*this) {
    context_ = &endpoint.context_;
  }
  ~Impl() {
    assert(!busy() && "a Session was destroyed with a request in flight");
    prepared_ = Prepared::nothing;
    give_back();
    drop_held();
    drop_output();
  }

  std::span<char> prepare();
  void commit(std::size_t bytes);
  void eof();
  void abort(CancelReason reason);
  void drain();
  void expire();
  std::string_view output() noexcept;
  std::string_view consumed(std::size_t bytes);
  void send_files() noexcept { sends_files_ = true; }
  FileStretch file() const noexcept { return unsent() == 0 ? file_ : FileStretch{}; }
  void file_sent(std::uint64_t bytes);
  void file_failed();
  Advice advice() const noexcept;
  Wait wait() const noexcept;
  bool busy() const noexcept { return in_flight_ || resume_.queued || pulling_.is_forgotten(); }
  bool is_idle() const noexcept {
    return phase_ == Phase::open && !in_flight_ && !in_head_ && body_ == Body::none && !out_ && !sending_ && !eof_;
  }
  void set_peer(const Peer* peer) noexcept { peer_ = peer; }
  std::uint64_t requests() const noexcept { return requests_; }
  std::uint64_t body_received() const noexcept;

  bool collect_body(Work& ready) noexcept override;
  Pulled read_body(std::string_view& chunk, Work& ready) noexcept override;
  bool withdraw_body() noexcept override { return std::exchange(ready_, nullptr) != nullptr; }
  void reply(Response&& response) noexcept override;
  void reply_and_hold(Response&& response, Work& sent) noexcept override;
  void release() noexcept override;

private:
  enum class Phase : std::uint8_t {
    open,
    finishing,  // The last reply was made; what comes in is dropped.
    ended,      // Nothing more is read either.
    lost
  };
  enum class Body : std::uint8_t { none, unasked, collecting, reading, dropping, failed };  // none: or complete.
  enum class Prepared : std::uint8_t { nothing, fresh, input, body };  // fresh: input for a session that has nothing.

  // Goes on with pipelined requests from the event loop, when a reply was made there.
  struct Resume : Work {
    explicit Resume(Impl& i) noexcept : Work(run), impl(i) {}
    static void run(Work& work) noexcept {
      auto& self = static_cast<Resume&>(work);
      self.queued = false;
      self.impl.advance();
      self.impl.host_.on_change();
    }
    Impl& impl;
    bool queued = false;
  };
  struct SourcePulling : Pulling {
    explicit SourcePulling(Impl& i) noexcept : Pulling(go_on, forgotten), impl(i) {}
    static void go_on(Pulling& pulling) noexcept {
      Impl& impl = static_cast<SourcePulling&>(pulling).impl;
      impl.advance();
      impl.host_.on_change();
    }
    static void forgotten(Pulling& pulling) noexcept { static_cast<SourcePulling&>(pulling).impl.host_.on_change(); }
    Impl& impl;
  };

  void advance();
  bool step();
  bool take_fresh();
  bool take_plain();
  bool read_head();
  bool skip_blank_lines();
  bool check_head_size();
  bool is_block_too_large() const noexcept;
  bool check_head();
  void begin_request();
  void serve();
  void refuse(const Refusal& refusal);
  std::uint64_t body_limit() const noexcept;
  bool ask_for_body(Body how) noexcept;
  bool collect_more();
  bool wake_reader() noexcept;
  void take_back() noexcept;
  std::string_view next_piece() noexcept;
  std::string_view decode_piece() noexcept;
  Parser::Event run_parser() noexcept;
  bool run_chunks();
  void complete_buffered_body();
  void complete_body(std::string_view body, std::size_t room) noexcept;
  void fail_body(int status) noexcept;
  bool drop_more();
  void write_reply(const Response& response);
  void leave_body() noexcept;
  void begin_stream(Response& response) noexcept;
  void begin_file(const FileStretch& stretch) noexcept;
  bool write_head_of(const Response& response, std::optional<std::uint64_t> size);
  bool can_pull() const noexcept;
  bool pull();
  void send_piece();
  void drop_source() noexcept;
  void break_off() noexcept;
  void end_stream() noexcept;
  void drop_body() noexcept;
  void end_request();
  void reply_came_late();
  void resume_soon() noexcept;
  void tell_sent() noexcept;
  void cancel(CancelReason reason) noexcept;

  void begin_input();
  void make_room();
  void make_body_room();
  void compact() noexcept;
  void grow(std::size_t capacity);
  void hold();
  void drop_held() noexcept;
  void recycle() noexcept;
  void come_to_rest() noexcept;
  void give_back() noexcept;
  void give_parser() noexcept;
  void give_block(char* block, std::size_t capacity) noexcept;
  Buffer& out();
  void drop_output() noexcept;
  Framing framing(Persistence persistence) noexcept;

  // A second reply: an assertion, and else as if it had not been made.
  bool is_misused() const noexcept {
    assert(in_flight_ && !replied_ && "an exchange was replied to twice");
    return !in_flight_ || replied_;
  }
  bool reads_directly() const noexcept {
    return body_ == Body::collecting && !parser_->is_chunked() && !in_place_ && parsed_ == end_;
  }
  // True of a body that is still to come, and would lie behind its head if there were more room.
  bool is_short_of(std::uint64_t body) const noexcept {
    return body > end_ - parsed_ && body <= ample - (parsed_ - begin_);
  }
  bool is_pinned() const noexcept { return keep_ > 0; }
  // True if what comes in is not to wait for the end of the request in flight.
  bool reads_on() const noexcept {
    return phase_ != Phase::open || body_ == Body::dropping || (body_ == Body::collecting && !in_place_);
  }
  bool is_asked_for_more() const noexcept { return body_ == Body::collecting || (body_ == Body::reading && ready_); }
  bool is_at_rest() const noexcept {
    return !in_flight_ && (phase_ != Phase::open || (begin_ == end_ && body_ == Body::none));
  }
  std::size_t unsent() const noexcept { return (sending_ ? sending_->size() - sent_ : 0) + (out_ ? out_->size() : 0); }

  Endpoint& endpoint_;
  Host& host_;

  Phase phase_ = Phase::open;
  Body body_ = Body::none;
  Prepared prepared_ = Prepared::nothing;
  bool running_ = false;     // `advance` is on the stack: replies only change the state.
  bool in_flight_ = false;   // Served, and neither replied to for good nor released.
  bool replied_ = false;     // In flight still: replied to, and held, or the body of the reply is still pulled.
  bool to_release_ = false;  // Then: by `reply_and_hold`.
  bool in_head_ = false;     // A head was begun and is not complete.
  bool line_done_ = false;   // Its request line is known to be short enough.
  bool in_place_ = false;    // The body will lie behind its head.
  bool eof_ = false;
  bool filled_ = false;                             // The last input took all the room there was: more may have come.
  Persistence persistence_ = Persistence::implied;  // What the reply in flight will say.
  bool draining_ = false;
  bool sends_files_ = false;  // The owner does.

  char* input_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t parsed_ = 0;
  std::size_t end_ = 0;
  std::size_t keep_ = 0;        // 0: nothing in the buffer is referred to.
  std::size_t head_limit_ = 0;  // How much of the head may be parsed before it is looked at again.
  std::uint64_t body_left_ = 0;
  std::uint64_t requests_ = 0;
  Work* ready_ = nullptr;       // Waits for the body.
  Work* reply_sent_ = nullptr;  // Waits for the output to be empty: nothing comes behind the reply that is held.

  Buffer* out_ = nullptr;      // Replies that are added to.
  Buffer* sending_ = nullptr;  // Replies that are being sent, and stay where they are.
  std::size_t sent_ = 0;
  BodySource* source_ = nullptr;  // Of the body of the reply that is being sent. Ours to drop.
  std::string_view piece_;        // What it gave last, and is not in `out_` yet.
  std::uint64_t stream_left_ = 0;
  BodyEnd body_end_ = BodyEnd::by_length;  // `stream_left_` counts only then.
  FileStretch file_;                       // What is left of a body that the owner sends. Then nothing is pulled.
  Buffer body_buffer_;
  char* held_ = nullptr;  // A former input buffer that the request in flight refers to.
  std::size_t held_capacity_ = 0;

  Parser* parser_ = nullptr;  // As long as there is an input buffer.
  Resume resume_;
  SourcePulling pulling_;
};

// Input.

inline std::span<char> Session::Impl::prepare() {
  if (!input_ && phase_ == Phase::open && !out_ && !sending_) [[likely]] {
    prepared_ = Prepared::fresh;
    begin_input();
    return {input_, capacity_};
  }
  const Advice now = advice();
  if (now != Advice::read && now != Advice::finish) return {};
  if (reads_directly()) {
    prepared_ = Prepared::body;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, body_step));
    return {body_buffer_.room(size + Request::body_padding), size};
  }
  prepared_ = Prepared::input;
  make_room();
  return {input_ + end_, capacity_ - end_};
}

inline void Session::Impl::commit(std::size_t bytes) {
  const Prepared where = std::exchange(prepared_, Prepared::nothing);
  if (where == Prepared::body) {
    body_buffer_.grew(bytes);
    body_left_ -= bytes;
  } else {
    end_ += bytes;
    filled_ = end_ == capacity_;
    if (where == Prepared::fresh && take_fresh()) return;
  }
  advance();
}

// The straight way of most input: one plain request, and nothing else. False if there is more to do.
inline bool Session::Impl::take_fresh() {
  if (phase_ != Phase::open) return false;
  running_ = true;
  const bool taken = take_plain();
  running_ = false;
  if (!taken || parsed_ != end_ || source_) return false;
  if (is_at_rest()) come_to_rest();
  return true;
}

// True if a plain head is the next that is to be parsed: then it is served.
inline bool Session::Impl::take_plain() {
  const char* const end = parser_->read_plain({input_ + begin_, end_ - begin_}, request_);
  if (!end) return false;
  ++requests_;
  begin_ = parsed_ = keep_ = static_cast<std::size_t>(end - input_);
  body_error_ = 0;
  in_place_ = true;
  persistence_ = draining_ ? Persistence::ended : Persistence::implied;
  serve();
  return true;
}

inline void Session::Impl::begin_input() {
  capacity_ = Endpoint::input_size;
  input_ = endpoint_.take_input();
  parser_ = endpoint_.take_parser();
}

inline void Session::Impl::make_room() {
  if (!input_) return begin_input();
  if (phase_ != Phase::open) begin_ = parsed_ = end_ = keep_;
  if (body_ == Body::reading && !in_place_) [[unlikely]]
    return make_body_room();
  const bool is_short = capacity_ - end_ < min_room;
  const bool has_more = filled_ && capacity_ < ample && phase_ == Phase::open;
  if ((!is_short && !has_more) || (in_flight_ && !reads_on())) return;
  if (is_pinned()) return is_short ? hold() : void();
  if (has_more) return grow(ample);
  if (begin_ > 0) compact();
  if (capacity_ - end_ < min_room) grow(2 * capacity_);
}

// While the application has a piece, or has not taken what is there, there is the room that there is.
void Session::Impl::make_body_room() {
  if (!ready_) return;
  if (parsed_ == end_) begin_ = parsed_ = end_ = keep_;
  if (!held_) hold();
}

void Session::Impl::compact() noexcept {
  const std::size_t distance = begin_;
  std::memmove(input_, input_ + distance, end_ - distance);
  if (in_head_) parser_->rebase(-static_cast<std::ptrdiff_t>(distance));
  begin_ = 0;
  parsed_ -= distance;
  end_ -= distance;
}

// While nothing refers to the buffer.
void Session::Impl::grow(std::size_t capacity) {
  if (begin_ > 0) compact();
  auto* const bigger = static_cast<char*>(detail::BlockPool::take(capacity));
  std::memcpy(bigger, input_, end_);
  if (in_head_) parser_->rebase(bigger - input_);
  give_block(input_, capacity_);
  input_ = bigger;
  capacity_ = capacity;
}

// The request keeps the buffer that it lies in; what is still to come goes through another.
void Session::Impl::hold() {
  held_ = input_;
  held_capacity_ = capacity_;
  const std::size_t needed = end_ - parsed_ + min_room;
  const std::size_t usual = body_ == Body::reading ? body_step : Endpoint::input_size;
  capacity_ = std::max(usual, detail::BlockPool::capacity(needed));
  input_ = capacity_ == Endpoint::input_size ? endpoint_.take_input()
                                             : static_cast<char*>(detail::BlockPool::take(capacity_));
  std::memcpy(input_, held_ + parsed_, end_ - parsed_);
  end_ -= parsed_;
  begin_ = parsed_ = keep_ = 0;
}

void Session::Impl::drop_held() noexcept {
  if (held_) give_block(std::exchange(held_, nullptr), held_capacity_);
}

// What is parsed and not referred to makes room, when nothing is behind it.
inline void Session::Impl::recycle() noexcept {
  begin_ = parsed_;
  if (parsed_ == end_ && prepared_ == Prepared::nothing) begin_ = parsed_ = end_ = keep_;
}

inline void Session::Impl::give_block(char* block, std::size_t capacity) noexcept {
  if (capacity == Endpoint::input_size) endpoint_.give_input(block);
  else detail::BlockPool::give(block, capacity);
}

// An idle session holds no memory, unless its owner is about to write to it.
inline void Session::Impl::give_back() noexcept {
  if (prepared_ != Prepared::nothing) return;
  if (input_) give_block(std::exchange(input_, nullptr), capacity_);
  begin_ = parsed_ = end_ = capacity_ = 0;
  if (parser_) give_parser();
  if (body_buffer_.capacity() > 0) body_buffer_ = Buffer{};
}

inline void Session::Impl::give_parser() noexcept {
  parser_->release();
  if (phase_ != Phase::open) parser_->restart();  // It may be in the middle of something.
  endpoint_.give_parser(std::exchange(parser_, nullptr));
}

// The state machine.

inline void Session::Impl::advance() {
  if (running_) return;
  running_ = true;
  while (step()) {
  }
  running_ = false;
  if (is_at_rest()) come_to_rest();
}

inline void Session::Impl::come_to_rest() noexcept {
  if (draining_ && phase_ == Phase::open) phase_ = Phase::ended;
  give_back();
}

// True if there may be more to do.
inline bool Session::Impl::step() {
  if (phase_ != Phase::open) return false;
  if (source_ && can_pull() && pull()) return true;
  if (body_ == Body::collecting) return collect_more();
  if (body_ == Body::reading) return wake_reader();
  if (body_ == Body::dropping) return drop_more();
  if (in_flight_) return false;
  if (begin_ == end_ || ((out_ || sending_) && unsent() > endpoint_.limits_.output)) return false;
  return read_head();
}

// RFC 9112 section 2.2: empty lines before a request line are ignored. False if there is nothing behind them.
inline bool Session::Impl::skip_blank_lines() {
  if (input_[begin_] > '\n' && input_[begin_] != '\r') [[likely]]
    return true;
  while (begin_ != end_ && (input_[begin_] == '\r' || input_[begin_] == '\n')) {
    if (end_ - begin_ == 1 && input_[begin_] == '\r') return false;
    if (input_[begin_] == '\n' || input_[begin_ + 1] != '\n') return refuse(not_http), false;
    parsed_ = begin_ += 2;
  }
  if (begin_ == end_) recycle();
  return begin_ != end_;
}

inline bool Session::Impl::read_head() {
  if (!in_head_) {
    if (!skip_blank_lines()) return false;
    if (take_plain()) return true;
    ++requests_;
    parser_->begin_head();
    in_head_ = true;
    line_done_ = false;
    head_limit_ = endpoint_.limits_.request_line;
  }
  // In steps that depend on where a byte stands in its head, not on how the input was cut.
  const std::size_t size = std::min(end_ - parsed_, head_limit_ - (parsed_ - begin_));
  if (size == 0) return false;
  const char* stop = nullptr;
  const Parser::Event event = parser_->run(input_ + parsed_, size, stop);
  if (event == Parser::Event::broken) return refuse(not_http), false;
  parsed_ = static_cast<std::size_t>(stop - input_);
  if (event == Parser::Event::more) return check_head_size();
  return check_head() && (begin_request(), true);
}

inline bool Session::Impl::check_head_size() {
  if (parsed_ - begin_ < head_limit_) return false;
  if (line_done_) return refuse(head_too_large), false;
  if (!parser_->is_past_line(input_ + parsed_)) return refuse(line_too_long), false;
  line_done_ = true;
  head_limit_ = parser_->line_size(input_ + begin_) + endpoint_.limits_.header_block;
  if (parsed_ - begin_ < head_limit_) return true;
  return refuse(head_too_large), false;
}

// Of a complete head that was parsed in one step.
bool Session::Impl::is_block_too_large() const noexcept {
  return parser_->is_past_line(input_ + parsed_) &&
         parsed_ - begin_ > parser_->line_size(input_ + begin_) + endpoint_.limits_.header_block;
}

inline bool Session::Impl::check_head() {
  if (!line_done_ && parsed_ - begin_ > endpoint_.limits_.header_block && is_block_too_large()) [[unlikely]]
    return refuse(head_too_large), false;
  // Before the check, which may put literals in the place of what the input has.
  if (filled_ && capacity_ < ample && is_short_of(parser_->length())) [[unlikely]]
    grow(ample);
  if (const Refusal* const refusal = parser_->check(input_ + parsed_)) return refuse(*refusal), false;
  return true;
}

inline void Session::Impl::begin_request() {
  in_head_ = false;
  begin_ = parsed_;
  parser_->put_request(request_);
  body_error_ = 0;
  body_limit_ = usual_limit;
  body_left_ = parser_->length();
  body_ = parser_->is_chunked() || body_left_ > 0 ? Body::unasked : Body::none;
  in_place_ = !parser_->is_chunked() && body_left_ <= capacity_ - parsed_;
  keep_ = in_place_ ? parsed_ + static_cast<std::size_t>(body_left_) : parsed_;
  if (!parser_->keeps_alive() || draining_) persistence_ = Persistence::ended;
  else persistence_ = parser_->is_http_1_0() ? Persistence::stated : Persistence::implied;
  serve();
}

inline void Session::Impl::serve() {
  in_flight_ = true;
  trailers_ = {};
  ++endpoint_.in_flight_;
  if (endpoint_.in_flight_ <= endpoint_.limits_.in_flight) [[likely]] {
    endpoint_.service_.serve(*this);
  } else {
    reply(Response::json(R"({"detail":"Service Unavailable"})", 503).header("retry-after", "1"));
  }
}

// Answers what is not a request that a service should see, and ends.
void Session::Impl::refuse(const Refusal& refusal) {
  write_error(out(), refusal.status, refusal.detail, framing(Persistence::ended));
  in_head_ = false;
  phase_ = Phase::finishing;
}

// Bodies.

inline std::uint64_t Session::Impl::body_limit() const noexcept {
  return body_limit_ == usual_limit ? endpoint_.limits_.body : body_limit_;
}

// False if its size is too large.
inline bool Session::Impl::ask_for_body(Body how) noexcept {
  if (!parser_->is_chunked() && body_left_ > body_limit()) return fail_body(413), false;
  body_ = how;
  parser_->limit_body(body_limit());
  if (parser_->expects_continue()) out().append("HTTP/1.1 100 Continue\r\n\r\n");  // RFC 9110 section 10.1.1.
  return true;
}

bool Session::Impl::collect_body(Work& ready) noexcept {
  if (body_ != Body::unasked || !ask_for_body(Body::collecting)) return true;
  body_buffer_.clear();
  parser_->set_sink(body_buffer_);
  if (!in_place_)
    static_cast<void>(body_buffer_.room(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, body_step)) +
                                        Request::body_padding));
  while (body_ == Body::collecting && collect_more()) {
  }
  if (body_ == Body::collecting && eof_) fail_body(400);
  if (body_ != Body::collecting) return true;
  ready_ = &ready;
  if (!running_) host_.on_change();
  return false;
}

Pulled Session::Impl::read_body(std::string_view& chunk, Work& ready) noexcept {
  if (body_ == Body::unasked && ask_for_body(Body::reading)) parser_->set_sink(Parser::Sink::place);
  take_back();
  chunk = body_ == Body::reading ? next_piece() : std::string_view{};
  if (!chunk.empty()) return Pulled::chunk;
  if (body_ == Body::reading && eof_) fail_body(400);
  if (body_ != Body::reading) return body_ == Body::none ? Pulled::end : Pulled::failed;
  ready_ = &ready;
  if (!running_) host_.on_change();
  return Pulled::pending;
}

// What the application has had of the body makes room.
inline void Session::Impl::take_back() noexcept {
  if (in_place_) return;
  if (held_) keep_ = 0;
  recycle();
}

// What there is of the body, if there is something.
inline std::string_view Session::Impl::next_piece() noexcept {
  std::string_view piece;
  if (parser_->is_chunked()) {
    piece = decode_piece();
  } else {
    piece = {input_ + parsed_, static_cast<std::size_t>(std::min<std::uint64_t>(end_ - parsed_, body_left_))};
    body_left_ -= piece.size();
    begin_ = parsed_ += piece.size();
    if (body_left_ == 0) body_ = Body::none;
  }
  if (!piece.empty()) keep_ = std::max(keep_, parsed_);
  return piece;
}

std::string_view Session::Impl::decode_piece() noexcept {
  if (parsed_ == end_) return {};
  const Parser::Event event = run_parser();
  if (event == Parser::Event::broken) return {};
  if (event == Parser::Event::end) body_ = Body::none;
  if (parser_->decoded().empty()) recycle();
  return parser_->decoded();
}

inline bool Session::Impl::wake_reader() noexcept {
  if (ready_ && parsed_ != end_) context_->enqueue(*std::exchange(ready_, nullptr));
  return false;
}

// True if something was done.
inline bool Session::Impl::collect_more() {
  if (parser_->is_chunked()) return run_chunks();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - parsed_, body_left_));
  if (in_place_) {
    if (size < body_left_) return false;
    complete_body({input_ + parsed_, size}, capacity_ - parsed_ - size);
    body_left_ = 0;
    begin_ = parsed_ += size;
    return true;
  }
  body_buffer_.append({input_ + parsed_, size});
  parsed_ += size;
  body_left_ -= size;
  recycle();
  if (body_left_ == 0) complete_buffered_body();
  return body_left_ == 0;
}

// Of a chunked body: up to its end, or that of the input. A broken one has failed, if anybody wants it.
Parser::Event Session::Impl::run_parser() noexcept {
  const char* stop = nullptr;
  const Parser::Event event = parser_->run(input_ + parsed_, end_ - parsed_, stop);
  if (event == Parser::Event::broken) {
    if (body_ != Body::dropping || source_) fail_body(parser_->limit_hit() ? parser_->limit_hit()->status : 400);
    else phase_ = Phase::finishing;  // The reply has been made.
    return event;
  }
  begin_ = parsed_ = static_cast<std::size_t>(stop - input_);
  if (event == Parser::Event::end) trailers_ = parser_->take_trailers();
  return event;
}

bool Session::Impl::run_chunks() {
  if (parsed_ == end_) return false;
  const Parser::Event event = run_parser();
  if (event == Parser::Event::broken) return false;
  recycle();
  if (event != Parser::Event::end) return false;
  if (body_ == Body::collecting) complete_buffered_body();
  else body_ = Body::none;
  return true;
}

void Session::Impl::complete_buffered_body() {
  static_cast<void>(body_buffer_.room(Request::body_padding));
  complete_body(body_buffer_.view(), Request::body_padding);
}

void Session::Impl::complete_body(std::string_view body, std::size_t room) noexcept {
  body_ = Body::none;
  request_.set_body(body, room);
  if (ready_) context_->enqueue(*std::exchange(ready_, nullptr));
}

void Session::Impl::fail_body(int status) noexcept {
  persistence_ = Persistence::ended;
  body_ = Body::failed;
  body_error_ = status;
  if (ready_) context_->enqueue(*std::exchange(ready_, nullptr));
}

// The reply was made, and nobody wants the body.
inline bool Session::Impl::drop_more() {
  if (parser_->is_chunked()) return run_chunks();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - parsed_, body_left_));
  parsed_ += size;
  body_left_ -= size;
  recycle();
  if (body_left_ > 0) return false;
  body_ = Body::none;
  return true;
}

// Replies.

void Session::Impl::reply(Response&& response) noexcept {
  if (is_misused()) return;
  if (response.source()) [[unlikely]]
    return begin_stream(response);
  write_reply(response);
  drop_body();
  end_request();
  if (!running_) reply_came_late();
}

void Session::Impl::reply_and_hold(Response&& response, Work& sent) noexcept {
  if (is_misused()) return;
  to_release_ = true;
  reply_sent_ = &sent;
  if (response.source()) [[unlikely]]
    return begin_stream(response);
  write_reply(response);
  drop_body();
  replied_ = true;
  if (unsent() == 0) tell_sent();  // The peer is gone.
  if (!running_) reply_came_late();
}

void Session::Impl::release() noexcept {
  const bool may_be = replied_ && !reply_sent_ && !source_;
  assert(may_be && "an exchange was released before its reply was sent");
  if (!may_be) return;
  replied_ = to_release_ = false;
  end_request();
  if (eof_ && phase_ == Phase::open) phase_ = Phase::ended;
  if (!running_) reply_came_late();
}

inline void Session::Impl::write_reply(const Response& response) {
  if (phase_ != Phase::open) return;
  if (body_ != Body::none) leave_body();
  write_response(out(), response, framing(persistence_));
  if (persistence_ == Persistence::ended) phase_ = eof_ ? Phase::ended : Phase::finishing;
}

// A reply is made; what of the body is still to come will be dropped, if that is not too much.
void Session::Impl::leave_body() noexcept {
  // Whoever waits for 100 and gets a final reply may or may not send the body (RFC 9110 section 10.1.1): no guessing.
  const bool may_not_come = body_ == Body::unasked && parser_->expects_continue();
  const std::uint64_t left = parser_->is_chunked() ? parser_->chunk_left() : body_left_;
  if (may_not_come || left > endpoint_.limits_.body) persistence_ = Persistence::ended;
}

// Streams: replies whose bodies are pulled.

void Session::Impl::begin_stream(Response& response) noexcept {
  replied_ = true;
  BodySourcePtr source = response.take_source();
  if (eof_ && phase_ == Phase::open) phase_ = Phase::ended;  // As if the peer had left a moment later: see `eof`.
  if (phase_ == Phase::open && write_head_of(response, source->size())) source_ = source.release();
  source.reset();
  if (source_ && sends_files_) begin_file(source_->stretch());
  if (!source_) end_stream();
  else if (body_ != Body::reading) drop_body();  // Who has begun to read may read on in order to reply.
  if (!running_) reply_came_late();
}

// The source is pulled all the same if its stretch is not the whole body.
void Session::Impl::begin_file(const FileStretch& stretch) noexcept {
  if (body_end_ == BodyEnd::by_length && stretch.size == stream_left_) file_ = stretch;
}

// False if no body follows.
bool Session::Impl::write_head_of(const Response& response, std::optional<std::uint64_t> size) {
  stream_left_ = size.value_or(0);
  body_end_ = size ? BodyEnd::by_length : parser_->is_http_1_0() ? BodyEnd::by_close : BodyEnd::by_chunk;
  if (body_ != Body::none) leave_body();
  if (body_end_ == BodyEnd::by_close) persistence_ = Persistence::ended;
  return write_stream_head(out(), response, framing(persistence_), body_end_, stream_left_);
}

inline bool Session::Impl::can_pull() const noexcept {
  if (!source_ || file_.size > 0 || pulling_.is_awaited() || phase_ != Phase::open) return false;
  return unsent() == 0 || unsent() < std::min(stream_ahead, endpoint_.limits_.output);
}

// True if something was pulled.
bool Session::Impl::pull() {
  if (!piece_.empty()) return send_piece(), true;
  switch (pulling_.pull(*context_, *source_, piece_)) {
    case Pulled::chunk:
      if (body_end_ == BodyEnd::by_length && piece_.size() > stream_left_) return break_off(), true;
      stream_left_ -= body_end_ == BodyEnd::by_length ? piece_.size() : 0;
      return true;
    case Pulled::pending:
      return false;
    case Pulled::end:
      if (body_end_ == BodyEnd::by_length && stream_left_ > 0) return break_off(), true;
      if (body_end_ == BodyEnd::by_chunk) write_last_chunk(out());
      drop_source();
      end_stream();
      return true;
    case Pulled::failed:
      break;
  }
  return break_off(), true;
}

void Session::Impl::send_piece() {
  const std::size_t room = stream_ahead - std::min(unsent(), stream_ahead);
  const std::string_view part = piece_.substr(0, std::max(room, least_piece));
  if (body_end_ == BodyEnd::by_chunk) write_chunk(out(), part);
  else out().append(part);
  piece_.remove_prefix(part.size());
}

void Session::Impl::drop_source() noexcept {
  piece_ = {};
  file_ = {};
  pulling_.forget(*context_);
  std::exchange(source_, nullptr)->drop();
}

// The peer can tell, if it is there: the end is missing. Where nothing but the end of the connection would say so, that
// is broken.
void Session::Impl::break_off() noexcept {
  if (body_end_ == BodyEnd::by_close || phase_ == Phase::lost) {
    phase_ = Phase::lost;
    drop_output();
  } else {
    phase_ = Phase::ended;
  }
  drop_source();
  end_stream();
}

// The reply is complete, or never will be.
void Session::Impl::end_stream() noexcept {
  if (phase_ == Phase::open && persistence_ == Persistence::ended) phase_ = eof_ ? Phase::ended : Phase::finishing;
  drop_body();
  if (!to_release_) {
    replied_ = false;
    end_request();
  } else if (unsent() == 0) {
    tell_sent();
  }
}

// Whatever of it is still to come.
inline void Session::Impl::drop_body() noexcept {
  ready_ = nullptr;
  if (body_ == Body::none || body_ == Body::dropping || body_ == Body::failed) return;
  body_ = Body::dropping;
  parser_->set_sink(Parser::Sink::nowhere);
  parser_->limit_body(parser_->body_size() + endpoint_.limits_.body);
  if (held_) keep_ = 0;
}

inline void Session::Impl::end_request() {
  in_flight_ = false;
  --endpoint_.in_flight_;
  keep_ = 0;
  drop_held();
  if (prepared_ != Prepared::body) body_buffer_.clear();
  recycle();
}

inline void Session::Impl::resume_soon() noexcept {
  if (std::exchange(resume_.queued, true)) return;
  context_->enqueue(resume_);
}

inline void Session::Impl::reply_came_late() {
  if (source_) [[unlikely]]
    return resume_soon();
  const bool may_go_on = phase_ == Phase::open && parsed_ != end_ && (!in_flight_ || body_ == Body::dropping);
  if (may_go_on && unsent() <= endpoint_.limits_.output) return resume_soon();
  if (is_at_rest()) come_to_rest();
  host_.on_change();
}

void Session::Impl::tell_sent() noexcept { context_->enqueue(*std::exchange(reply_sent_, nullptr)); }

inline Framing Session::Impl::framing(Persistence persistence) noexcept {
  return {endpoint_.ok_head().data(), persistence, parser_->is_head_request()};
}

// Output.

inline Buffer& Session::Impl::out() {
  if (!out_) out_ = endpoint_.take_output();
  return *out_;
}

inline std::string_view Session::Impl::output() noexcept {
  if (!sending_) {
    if (!out_) return {};
    sending_ = std::exchange(out_, nullptr);
  }
  return sending_->view().substr(sent_);
}

inline std::string_view Session::Impl::consumed(std::size_t bytes) {
  sent_ += bytes;
  if (sending_ && sent_ == sending_->size()) {
    sent_ = 0;
    endpoint_.give_output(std::exchange(sending_, nullptr));
    if (reply_sent_ && !out_ && !source_) [[unlikely]]
      tell_sent();
  }
  // From the event loop: what is written and read without a pause would hold up all others.
  if (source_ && can_pull()) [[unlikely]]
    resume_soon();
  if (parsed_ != end_ && !in_flight_ && !resume_.queued) advance();
  return output();
}

void Session::Impl::file_sent(std::uint64_t bytes) {
  assert(bytes <= file_.size && "more was sent of a file than was asked for");
  file_.offset += bytes;
  file_.size -= bytes;
  stream_left_ -= bytes;
  if (file_.size > 0) return;
  drop_source();
  end_stream();
  advance();
}

void Session::Impl::file_failed() {
  const bool is_untouched = file_.offset == source_->stretch().offset;
  file_ = {};
  if (!is_untouched) return break_off();
  resume_soon();
}

void Session::Impl::drop_output() noexcept {
  sent_ = 0;
  if (out_) endpoint_.give_output(std::exchange(out_, nullptr));
  if (sending_) endpoint_.give_output(std::exchange(sending_, nullptr));
}

// Ends.

void Session::Impl::eof() {
  eof_ = true;
  persistence_ = Persistence::ended;
  if (in_flight_) {
    if (is_asked_for_more()) fail_body(400);
    cancel(CancelReason::disconnected);
    if (source_) break_off();
    if (phase_ == Phase::finishing) phase_ = Phase::ended;
  } else if (phase_ != Phase::lost) {
    phase_ = Phase::ended;
  }
}

void Session::Impl::abort(CancelReason reason) {
  phase_ = Phase::lost;
  drop_output();
  if (!in_flight_) return;
  if (body_ == Body::collecting || body_ == Body::reading || body_ == Body::unasked) fail_body(499);
  cancel(reason);
  if (source_) break_off();
  else if (reply_sent_) tell_sent();
}

// A peer that leaves with the whole reply cancels nothing.
void Session::Impl::cancel(CancelReason reason) noexcept {
  const bool is_answered = replied_ && !reply_sent_ && !source_;
  if (stop_.stop_requested() || (is_answered && reason != CancelReason::shutdown)) return;
  stop_reason_ = reason;
  stop_.request_stop();
}

void Session::Impl::drain() {
  draining_ = true;
  persistence_ = Persistence::ended;
  const bool awaits_input = prepared_ != Prepared::nothing || in_head_ || resume_.queued;
  if (phase_ == Phase::open && !awaits_input && is_at_rest()) phase_ = Phase::ended;
}

void Session::Impl::expire() {
  switch (wait()) {
    case Wait::idle:
    case Wait::lingering:
      phase_ = Phase::ended;
      break;
    case Wait::head:
      refuse(too_slow);
      break;
    case Wait::body:
      if (is_asked_for_more()) fail_body(408);
      else phase_ = Phase::ended;
      break;
    case Wait::output:
      abort(CancelReason::deadline);
      break;
    case Wait::application:
    case Wait::over:
      break;
  }
}

Advice Session::Impl::advice() const noexcept {
  switch (phase_) {
    case Phase::lost:
      return Advice::reset;
    case Phase::ended:
      return Advice::close;
    case Phase::finishing:
      return Advice::finish;
    case Phase::open:
      break;
  }
  if (eof_ || body_ == Body::failed) return Advice::pause;
  if (body_ == Body::collecting || body_ == Body::dropping || ready_) return Advice::read;
  if (in_flight_) return end_ < capacity_ ? Advice::read : Advice::pause;
  return unsent() > endpoint_.limits_.output ? Advice::pause : Advice::read;
}

Wait Session::Impl::wait() const noexcept {
  if (phase_ == Phase::lost) return Wait::over;
  if (unsent() > 0 || file_.size > 0) return Wait::output;
  if (phase_ == Phase::ended) return Wait::over;
  if (phase_ == Phase::finishing) return Wait::lingering;
  if (is_asked_for_more() || (body_ == Body::dropping && !source_)) return Wait::body;
  if (in_flight_) return Wait::application;
  return in_head_ ? Wait::head : Wait::idle;
}

std::uint64_t Session::Impl::body_received() const noexcept {
  if (!parser_) return 0;
  if (parser_->is_chunked()) return parser_->body_size();
  return parser_->length() - body_left_ + std::min<std::uint64_t>(end_ - parsed_, body_left_);
}

// The public face.

Session::Session(Endpoint& endpoint, Host& host) {
  void* const memory = detail::BlockPool::take(sizeof(Impl));
  impl_ = ::new (memory) Impl{endpoint, host};
}
Session::~Session() {
  impl_->~Impl();
  detail::BlockPool::give(impl_, sizeof(Impl));
}

std::span<char> Session::prepare() noexcept { return impl_->prepare(); }
void Session::commit(std::size_t bytes) noexcept { impl_->commit(bytes); }

std::size_t Session::feed(std::string_view bytes) noexcept { return feed_to(*this, bytes); }

void Session::eof() noexcept { impl_->eof(); }
void Session::abort(CancelReason reason) noexcept { impl_->abort(reason); }
void Session::drain() noexcept { impl_->drain(); }
void Session::expire() noexcept { impl_->expire(); }
std::string_view Session::output() noexcept { return impl_->output(); }
std::string_view Session::consumed(std::size_t bytes) noexcept { return impl_->consumed(bytes); }
void Session::send_files() noexcept { impl_->send_files(); }
FileStretch Session::file() const noexcept { return impl_->file(); }
void Session::file_sent(std::uint64_t bytes) noexcept { impl_->file_sent(bytes); }
void Session::file_failed() noexcept { impl_->file_failed(); }
Advice Session::advice() const noexcept { return impl_->advice(); }
Wait Session::wait() const noexcept { return impl_->wait(); }
bool Session::is_idle() const noexcept { return impl_->is_idle(); }
void Session::set_peer(const Peer* peer) noexcept { impl_->set_peer(peer); }
bool Session::busy() const noexcept { return impl_->busy(); }
std::uint64_t Session::requests() const noexcept { return impl_->requests(); }
std::uint64_t Session::body_received() const noexcept { return impl_->body_received(); }

}  // namespace umbel::http1
