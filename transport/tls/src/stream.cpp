// SPDX-License-Identifier: MIT
#include "stream.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace umbel::tls {

namespace {

constexpr std::size_t input_size = 32 * 1024;  // A record is a little more than 16 KiB.
constexpr std::size_t record_size = 16 * 1024;
constexpr std::size_t enough_output = 32 * 1024;  // Then nothing more is encrypted until some of it is sent.
// What OpenSSL may add on its own account: handshakes with long chains, answers to a peer that updates its keys.
constexpr std::size_t most_output = 256 * 1024;

constexpr std::string_view plain_refusal =
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: application/json\r\n"
    "content-length: 57\r\n"
    "connection: close\r\n"
    "\r\n"
    R"({"detail":"A plain HTTP request came to an HTTPS port."})"
    "\n";

bool is_record(unsigned char type) noexcept { return type >= 20 && type <= 23; }
bool is_method(char c) noexcept { return c >= 'A' && c <= 'Z'; }

}  // namespace

Stream::Stream(Shared& shared, std::shared_ptr<const Credentials> credentials, Context& context,
               http1::Session::Host& host) noexcept
    : shared_(shared),
      credentials_(std::move(credentials)),
      context_(context),
      host_(host),
      ssl_(credentials_->make_ssl()),
      handshake_(*this) {}

Stream::~Stream() { drop_input(); }

std::unique_ptr<Stream> Stream::make(Shared& shared, std::shared_ptr<const Credentials> credentials, Context& context,
                                     http1::Session::Host& host) noexcept {
  std::unique_ptr<Stream> stream{new (std::nothrow) Stream{shared, std::move(credentials), context, host}};
  if (!stream || !stream->open()) return nullptr;
  return stream;
}

bool Stream::open() {
  BIO* const bio = ssl_ ? BIO_new(shared_.method.get()) : nullptr;
  if (!bio) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // Owns it, once.
  SSL_set_accept_state(ssl_.get());
  return true;
}

// Outer input.

std::span<char> Stream::prepare() noexcept {
  if (away_) return {};
  if (!input_) input_ = static_cast<char*>(detail::BlockPool::take(input_size));
  if (begin_ > 0) {
    std::memmove(input_, input_ + begin_, end_ - begin_);
    end_ -= begin_;
    shown_ -= begin_;
    begin_ = 0;
  }
  return {input_ + end_, input_size - end_};
}

void Stream::commit(std::size_t bytes) noexcept {
  end_ += bytes;
  switch (state_) {
    case State::opening:
      if (bytes > 0) shake_hands();
      break;
    case State::open:
      shown_ = end_;
      break;
    case State::ended:
    case State::failed:
      begin_ = end_;
      break;
  }
  if (!away_ && begin_ == end_) drop_input();
}

void Stream::drop_input() noexcept {
  if (input_) detail::BlockPool::give(std::exchange(input_, nullptr), input_size);
  begin_ = shown_ = end_ = 0;
}

// The handshake.

// A step for every record, not for every byte that somebody may send. What is no record is OpenSSL's to refuse.
std::size_t Stream::complete_records() const noexcept {
  std::size_t at = begin_;
  while (end_ - at >= 5) {
    const auto* const header = reinterpret_cast<const unsigned char*>(input_ + at);
    const std::size_t size = std::size_t{5} + header[3] * std::size_t{256} + header[4];
    if (!is_record(header[0]) || size > input_size) return end_;
    if (size > end_ - at) return at;
    at += size;
  }
  const bool is_nonsense = at != end_ && !is_record(static_cast<unsigned char>(input_[at]));
  return is_nonsense ? end_ : at;
}

void Stream::shake_hands() noexcept {
  if (!std::exchange(begun_, true) && is_method(input_[begin_])) return refuse_plain_http();
  shown_ = complete_records();
  if (shown_ == begin_) return;
  if (!shared_.uses_pool) {
    step();
    settle();
  } else if (shared_.lane.reserve(1)) {
    away_ = true;
    shared_.lane.submit(context_, handshake_);
  } else {
    fail("too many handshakes wait");
  }
}

void Stream::on_worker(Job& job) noexcept { static_cast<Handshake&>(job).stream.step(); }

void Stream::at_home(Job& job) noexcept {
  Stream& self = static_cast<Handshake&>(job).stream;
  self.away_ = false;
  self.shared_.lane.unreserve(1);
  if (self.aborted_) {
    self.drop_output();
  } else if (job.executed()) {
    self.settle();
  } else {
    self.fail("the work pool took no handshake");
  }
  self.host_.on_change();
}

void Stream::step() noexcept {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  error_ = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
  if (error_ != SSL_ERROR_NONE) return;
  try {
    remember_peer();
  } catch (...) {
    error_ = SSL_ERROR_SYSCALL;
  }
}

void Stream::settle() noexcept {
  if (!check(error_) || error_ != SSL_ERROR_NONE) return;
  state_ = State::open;
  shown_ = end_;
  shared_.handshakes.fetch_add(1, std::memory_order_relaxed);
  if (SSL_session_reused(ssl_.get())) shared_.resumed.fetch_add(1, std::memory_order_relaxed);
}

void Stream::remember_peer() {
  peer_.protocol = SSL_get_version(ssl_.get());  // A constant of OpenSSL's.
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (!certificate) return;
  const BioPtr text{BIO_new(BIO_s_mem())};
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  constexpr unsigned long style = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!text || size <= 0 || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, style) < 0) {
    throw std::bad_alloc{};
  }
  const std::unique_ptr<unsigned char, decltype([](unsigned char* bytes) { OPENSSL_free(bytes); })> owned{der};
  char* name = nullptr;
  const long name_size = BIO_get_mem_data(text.get(), &name);
  subject_.assign(name, static_cast<std::size_t>(name_size));
  certificate_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  peer_.subject = subject_;
  peer_.certificate = certificate_;
}

void Stream::refuse_plain_http() noexcept {
  output_.append(plain_refusal);
  begin_ = end_;
  fail("a plain HTTP request came to an HTTPS port");
}

// Inner bytes.

bool Stream::readable() const noexcept {
  return state_ == State::open && (begin_ != shown_ || SSL_pending(ssl_.get()) > 0);
}

bool Stream::in_piece() const noexcept {
  if (state_ != State::open) return false;
  // "RB": a record's header was read, and the rest of it is to come.
  return begin_ != end_ || SSL_has_pending(ssl_.get()) == 1 || SSL_rstate_string(ssl_.get())[1] == 'B';
}

std::size_t Stream::read(std::span<char> room) noexcept {
  if (state_ != State::open) return 0;
  ERR_clear_error();
  std::size_t size = 0;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &size);
  if (result != 1) {
    size = 0;
    check(SSL_get_error(ssl_.get(), result));
  }
  if (begin_ == end_) drop_input();
  return size;
}

std::size_t Stream::write(std::string_view bytes) noexcept {
  const bool is_writable = state_ == State::open || state_ == State::ended;
  if (!is_writable || bytes.empty() || pending() >= enough_output) return 0;
  ERR_clear_error();
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), std::min(bytes.size(), record_size), &size);
  if (result == 1) return size;
  check(SSL_get_error(ssl_.get(), result));
  return 0;
}

void Stream::close() noexcept {
  if (state_ != State::open && state_ != State::ended) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());  // close_notify, RFC 8446 section 6.1. That of the peer is not waited for.
}

// Outer output.

std::string_view Stream::output() const noexcept { return away_ ? std::string_view{} : output_.view().substr(sent_); }

void Stream::consumed(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (pending() == 0) return drop_output();
  if (sent_ < enough_output) return;
  std::memmove(output_.data(), output_.data() + sent_, pending());
  output_.shrink(std::exchange(sent_, 0));
}

void Stream::drop_output() noexcept {
  output_ = Buffer{};
  sent_ = 0;
}

// Ends.

void Stream::abort() noexcept {
  state_ = State::failed;
  aborted_ = true;
  if (away_) return handshake_.withdraw();
  drop_output();
}

// False if the connection has come to nothing.
bool Stream::check(int error) noexcept {
  if (error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
  if (error == SSL_ERROR_ZERO_RETURN && state_ == State::open) {
    state_ = State::ended;
    return false;
  }
  const long verified = SSL_get_verify_result(ssl_.get());
  const char* const why = ERR_reason_error_string(ERR_peek_last_error());
  if (verified != X509_V_OK) fail(X509_verify_cert_error_string(verified));
  else fail(why ? why : "OpenSSL does not say why");
  return false;
}

void Stream::fail(std::string_view what) noexcept {
  const bool in_handshake = state_ == State::opening;
  state_ = State::failed;
  shared_.failed.fetch_add(1, std::memory_order_relaxed);
  try {
    std::string why{in_handshake ? "A TLS handshake failed: " : "A TLS connection broke: "};
    credentials_->tell_failure(why.append(what));
  } catch (const std::bad_alloc&) {
    credentials_->tell_failure("A TLS connection failed.");
  }
}

// What OpenSSL sees of the connection.

BioMethodPtr Stream::make_method() {
  BioMethodPtr method{BIO_meth_new(BIO_TYPE_SOURCE_SINK, "umbel")};
  if (!method) throw std::bad_alloc{};
  BIO_meth_set_read_ex(method.get(), read_outer);
  BIO_meth_set_write_ex(method.get(), write_outer);
  BIO_meth_set_ctrl(method.get(), control);
  return method;
}

int Stream::read_outer(BIO* bio, char* out, std::size_t size, std::size_t* done) noexcept {
  auto& self = *static_cast<Stream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *done = std::min(size, self.shown_ - self.begin_);
  if (*done == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(out, self.input_ + self.begin_, *done);
  self.begin_ += *done;
  return 1;
}

int Stream::write_outer(BIO* bio, const char* bytes, std::size_t size, std::size_t* done) noexcept {
  auto& self = *static_cast<Stream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *done = 0;
  if (self.pending() >= most_output) {
    BIO_set_retry_write(bio);
    return 0;
  }
  try {
    self.output_.append({bytes, size});
  } catch (...) {
    return 0;
  }
  *done = size;
  return 1;
}

long Stream::control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace umbel::tls
