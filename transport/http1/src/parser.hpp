// SPDX-License-Identifier: MIT
#pragma once
// llhttp, and the checks that it leaves to us.

#include <llhttp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "plain_head.hpp"
#include "umbel/core/block_pool.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/core/request.hpp"
#include "umbel/http1/endpoint.hpp"

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "llhttp 8 accepts requests that must be refused, unless it and its users are compiled with LLHTTP_STRICT_MODE=1"
#endif

namespace umbel::http1 {

/// Why the transport itself answers a request.
struct Refusal {
  int status;
  std::string_view detail;  // As it stands in a JSON string.
};

/// Parses heads and chunked bodies. Content-Length bodies are not its business: it only finds their heads.
///
/// A head must lie in one piece: each `run` goes on where the last one stopped, and `rebase` tells that all has moved.
class [[gnu::visibility("hidden")]] Parser : private llhttp_t {
public:
  enum class Event : std::uint8_t { more, head, end, broken };

  explicit Parser(const Limits& limits);
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser();

  /// Forgets what it is in the middle of.
  void restart() noexcept { llhttp_init(this, HTTP_REQUEST, &settings); }
  /// As `read_plain_head`. Such a head is not parsed by llhttp and needs no `check`; of what a head says below, only
  /// what does not concern its body is known then.
  const char* read_plain(std::string_view input, Request& request) noexcept {
    const char* const end = read_plain_head(input, plain_limits_, fields_, request);
    is_plain_ = end != nullptr;
    return end;
  }
  void begin_head() noexcept;
  /// Parses up to the end of a head or of a chunked body; `stop` is where it stands.
  Event run(const char* at, std::size_t size, const char*& stop) noexcept;
  /// The head that is being parsed has moved.
  void rebase(std::ptrdiff_t distance) noexcept;

  /// True if everything before `at`, which is parsed, is more than the request line.
  bool is_past_line(const char* at) const noexcept;
  /// Then: the size of the request line that begins at `begin`.
  std::size_t line_size(const char* begin) const noexcept;
  /// Checks a complete head that ends before `end`. Null if nothing is wrong with it.
  const Refusal* check(const char* end) noexcept;

  // What the head says, once it is checked.
  /// Built in place, which is the cheapest: a Request has no destructor to be run.
  void put_request(Request& request) const noexcept;
  std::uint64_t length() const noexcept { return length_; }
  bool is_chunked() const noexcept { return chunked_; }
  bool keeps_alive() const noexcept { return keep_alive_ || is_plain_; }
  bool is_http_1_0() const noexcept { return http_minor == 0 && !is_plain_; }
  bool expects_continue() const noexcept { return expects_continue_; }
  bool is_head_request() const noexcept { return method == HTTP_HEAD && !is_plain_; }

  /// Where a chunked body goes.
  enum class Sink : std::uint8_t { nowhere, buffer, place };
  /// Of a body that goes nowhere, or is moved together in its place: `decoded` tells where.
  void set_sink(Sink sink) noexcept { sink_ = sink; }
  void set_sink(Buffer& buffer) noexcept {
    sink_ = Sink::buffer;
    buffer_ = &buffer;
  }
  /// What the last `run` has found of a body that stays in its place: a part of its input.
  std::string_view decoded() const noexcept { return decoded_; }
  /// How large a chunked body may be, from its beginning.
  void limit_body(std::uint64_t bytes) noexcept { body_limit_ = bytes; }
  std::uint64_t body_size() const noexcept { return body_size_; }
  /// What is still to come of the present chunk.
  std::uint64_t chunk_left() const noexcept { return content_length; }
  /// The fields behind a chunked body that has ended. Once; valid until the next head, or `release`.
  Headers take_trailers();
  /// Why `run` said broken, if it was not the bytes' shape: null, or a limit.
  const Refusal* limit_hit() const noexcept { return limit_hit_; }

  /// Gives back what a request with many fields, or with trailers, took.
  void release() noexcept {
    if (fields_ != own_.data()) [[unlikely]]
      give_fields();
    if (trailer_text_.capacity() > 0) [[unlikely]]
      give_trailers();
  }

private:
  enum class Span : std::uint8_t { none, name, value };
  static constexpr std::size_t own_fields = 24;
  struct Callbacks;
  friend struct Callbacks;
  static const llhttp_settings_t settings;

  void give_fields() noexcept;
  void give_trailers() noexcept;
  void join(std::string_view piece) noexcept;
  Method umbel_method() const noexcept;
  void begin_field(const char* at, std::size_t size) noexcept;
  void more_fields() noexcept;
  const char* end_of_line(HeaderField& field, const char* next) const noexcept;
  const char* end_of_odd_line(HeaderField& field, const char* next) const noexcept;
  const Refusal* check_line(const char* end) const noexcept;
  const Refusal* check_target() noexcept;
  const Refusal* check_fields(const char* end) noexcept;
  const Refusal* check_framing() noexcept;
  bool is_good_host(std::string_view host) noexcept;
  const Refusal* take_absolute_form() noexcept;
  bool is_clean_end(const char* stop) const noexcept;
  void replace_host(std::string_view authority) noexcept;
  const Refusal* note_special(HeaderField& field) noexcept;

  const Limits& limits_;
  const PlainLimits plain_limits_;
  std::string_view target_;
  std::array<HeaderField, own_fields> own_;
  HeaderField* fields_;  // own_, or a block.
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = own_fields;
  const char* span_end_ = nullptr;
  Span span_ = Span::none;
  Event event_ = Event::more;
  // Of the head.
  bool is_plain_ = false;  // A GET in HTTP/1.1, which llhttp has not seen.
  bool chunked_ = false;
  bool has_coding_ = false;  // A Transfer-Encoding of any kind.
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool target_has_escapes_ = false;
  std::uint8_t hosts_ = 0;
  std::uint8_t codings_ = 0;
  std::size_t path_size_ = 0;  // Of the target, up to the question mark.
  HeaderField* host_ = nullptr;
  std::uint64_t length_ = 0;
  const Refusal* fault_ = nullptr;    // Of the fields together, which is not llhttp's to find.
  const Refusal* refusal_ = nullptr;  // Of a field.
  // A host that was found good: the requests of one connection nearly always name the same.
  std::array<char, 32> known_host_{};
  std::size_t known_host_size_ = 0;
  // Of a chunked body.
  Sink sink_ = Sink::nowhere;
  Buffer* buffer_ = nullptr;
  std::string_view decoded_;
  std::uint64_t body_size_ = 0;
  std::uint64_t body_limit_ = 0;  // Not less.
  std::uint64_t extra_size_ = 0;  // Extensions and trailers.
  const char* run_begin_ = nullptr;
  const char* run_end_ = nullptr;
  char last_byte_ = 0;            // Of the last run that ended with its input.
  std::uint64_t run_ = 0;         // Counts the calls of `run`.
  std::uint64_t cut_in_run_ = 0;  // The run with whose input a trailer's last span ended.
  const Refusal* limit_hit_ = nullptr;
  Buffer trailer_text_;    // Of each trailer: a line feed, the name, and if there is a value, a colon and the value.
  Buffer trailer_fields_;  // HeaderFields.
  std::uint32_t trailer_count_ = 0;
};

}  // namespace umbel::http1
