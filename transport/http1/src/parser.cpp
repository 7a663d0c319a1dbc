// SPDX-License-Identifier: MIT
#include "parser.hpp"

#include <algorithm>
#include <cstring>

#include "field_name.hpp"
#include "octets.hpp"

namespace umbel::http1 {

namespace {

constexpr Refusal malformed{400, "The request is not HTTP/1.1."};
constexpr Refusal folded{400, "A header field is not on one line of its own."};
constexpr Refusal bad_host{400, "The request needs one Host header field, with a host."};
constexpr Refusal bad_target{400, "The request target is malformed."};
constexpr Refusal bad_escape{400, "The path has a malformed percent escape."};
constexpr Refusal ambiguous_length{400, "The length of the body is ambiguous."};
constexpr Refusal body_too_large{413, {}};  // Which is for the service to say.
constexpr Refusal unmet_expectation{417, "The only expectation met here is 100-continue."};
constexpr Refusal too_many_fields{431, "There are too many header fields."};
constexpr Refusal no_tunnels{501, "CONNECT is not implemented."};
constexpr Refusal unknown_coding{501, "The only transfer coding known here is chunked."};

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// True for %01 to %FF: a NUL is more often an attack than a name.
bool is_escape(const char* at, const char* end) noexcept {
  if (end - at < 3) return false;
  const int high = hex_value(at[1]);
  const int low = hex_value(at[2]);
  return high >= 0 && low >= 0 && high + low > 0;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// Two bytes at once.
bool is_pair(const char* at, const char (&pair)[3]) noexcept { return std::memcmp(at, pair, 2) == 0; }
bool is_line_end(const char* at) noexcept { return is_pair(at, "\r\n"); }

std::string_view trim_end(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

const Refusal* check_escapes(std::string_view path) noexcept {
  const char* const end = path.data() + path.size();
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    if (!is_escape(path.data() + at, end)) return &bad_escape;
  }
  return nullptr;
}

constexpr std::size_t version_size = sizeof " HTTP/1.1\r\n" - 1;

}  // namespace

struct Parser::Callbacks {
  static Parser& of(llhttp_t* parser) noexcept { return *static_cast<Parser*>(parser); }

  static int on_url(llhttp_t* parser, const char* at, std::size_t size) noexcept {
    Parser& p = of(parser);
    if (p.target_.empty()) p.target_ = {at, size};
    else p.target_ = {p.target_.data(), p.target_.size() + size};
    return 0;
  }

  static int on_name(llhttp_t* parser, const char* at, std::size_t size) noexcept {
    Parser& p = of(parser);
    if (p.chunked_) [[unlikely]]
      return on_trailer(p, Span::name, at, size);
    if (p.span_ == Span::name && at == p.span_end_) [[unlikely]] {
      HeaderField& field = p.fields_[p.count_ - 1];
      field.name = {field.name.data(), field.name.size() + size};
    } else {
      p.begin_field(at, size);
    }
    p.span_ = Span::name;
    p.span_end_ = at + size;
    return 0;
  }

  static int on_value(llhttp_t* parser, const char* at, std::size_t size) noexcept {
    Parser& p = of(parser);
    if (p.chunked_) [[unlikely]]
      return on_trailer(p, Span::value, at, size);
    HeaderField& field = p.fields_[p.count_ - 1];
    if (p.span_ == Span::value) [[unlikely]] {
      if (at != p.span_end_) p.fault_ = &folded;
      else field.value = {field.value.data(), field.value.size() + size};
    } else {
      field.value = {at, size};
    }
    p.span_ = Span::value;
    p.span_end_ = at + size;
    return 0;
  }

  // A trailer's value that goes on must do so at once: anything between is a fold, which llhttp 8 lets pass.
  static int on_trailer(Parser& p, Span span, const char* at, std::size_t size) noexcept {
    const bool goes_on = p.span_ == span && p.cut_in_run_ + 1 == p.run_ && at == p.run_begin_;
    if (span == Span::value && p.span_ == Span::value && !goes_on) return HPE_USER;
    p.span_ = span;
    p.cut_in_run_ = at + size == p.run_end_ ? p.run_ : 0;
    if (on_extra(&p, at, size) != 0) return HPE_USER;
    if (!goes_on) {
      if (span == Span::name && ++p.trailer_count_ > p.limits_.header_fields) return HPE_USER;
      p.trailer_text_.push_back(span == Span::name ? '\n' : ':');
    }
    p.trailer_text_.append({at, size});
    return 0;
  }

  static int on_extra(llhttp_t* parser, const char*, std::size_t size) noexcept {
    Parser& p = of(parser);
    p.extra_size_ += size;
    return p.extra_size_ > p.limits_.header_block ? HPE_USER : 0;
  }

  static int on_head(llhttp_t* parser) noexcept {
    Parser& p = of(parser);
    p.upgrade = 0;  // Upgrades are refused by ignoring them (RFC 9110 section 7.8).
    p.chunked_ = p.flags & F_CHUNKED;
    p.has_coding_ = p.flags & F_TRANSFER_ENCODING;
    p.length_ = p.flags & F_CONTENT_LENGTH ? p.content_length : 0;
    p.keep_alive_ = llhttp_should_keep_alive(&p);
    p.event_ = Event::head;
    // 1: as if there were no body. on_end follows at once, and bodies whose length is known are the session's.
    return p.has_coding_ ? static_cast<int>(HPE_PAUSED) : 1;
  }

  static int on_chunk(llhttp_t* parser) noexcept {
    Parser& p = of(parser);
    if (p.content_length <= p.body_limit_ - p.body_size_) return 0;
    p.limit_hit_ = &body_too_large;
    return HPE_USER;
  }

  static int on_body(llhttp_t* parser, const char* at, std::size_t size) noexcept {
    Parser& p = of(parser);
    p.body_size_ += size;
    if (p.sink_ == Sink::buffer) p.buffer_->append({at, size});
    else if (p.sink_ == Sink::place) p.join({at, size});
    return 0;
  }

  static int on_end(llhttp_t* parser) noexcept {
    Parser& p = of(parser);
    if (p.chunked_) p.event_ = Event::end;
    return HPE_PAUSED;
  }

  static constexpr llhttp_settings_t make_settings() noexcept {
    llhttp_settings_t made{};
    made.on_url = on_url;
    made.on_header_field = on_name;
    made.on_header_value = on_value;
    made.on_headers_complete = on_head;
    made.on_chunk_header = on_chunk;
    made.on_chunk_extension_name = on_extra;
    made.on_chunk_extension_value = on_extra;
    made.on_body = on_body;
    made.on_message_complete = on_end;
    return made;
  }
};

const llhttp_settings_t Parser::settings = Callbacks::make_settings();

Parser::Parser(const Limits& limits)
    : llhttp_t{},
      limits_(limits),
      plain_limits_{std::min(limits.request_line, limits.header_block),
                    std::min<std::size_t>(limits.header_fields, own_fields)},
      fields_(own_.data()) {
  llhttp_init(this, HTTP_REQUEST, &settings);
}

Parser::~Parser() { release(); }

void Parser::give_fields() noexcept {
  detail::BlockPool::give(fields_, capacity_ * sizeof(HeaderField));
  fields_ = own_.data();
  capacity_ = own_fields;
  count_ = 0;
}

void Parser::give_trailers() noexcept {
  trailer_count_ = 0;
  trailer_text_ = Buffer{};
  trailer_fields_ = Buffer{};
}

Headers Parser::take_trailers() {
  std::string_view text = trailer_text_.view();
  const std::size_t size = trailer_count_ * sizeof(HeaderField);
  auto* const fields = reinterpret_cast<HeaderField*>(trailer_fields_.room(size));  // Blocks are aligned for anything.
  HeaderField* field = fields;
  while (!text.empty()) {
    const std::string_view line = text.substr(1, text.find('\n', 1) - 1);
    text.remove_prefix(1 + line.size());
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    ::new (field++) HeaderField{line.substr(0, colon), trim_end(value)};
  }
  return Headers{{fields, trailer_count_}};
}

// What is found of a body in one run becomes one piece.
inline void Parser::join(std::string_view piece) noexcept {
  if (decoded_.empty()) {
    decoded_ = piece;
    return;
  }
  // The memory is the session's, and everything up to this piece is parsed.
  std::memmove(const_cast<char*>(decoded_.data() + decoded_.size()), piece.data(), piece.size());
  decoded_ = {decoded_.data(), decoded_.size() + piece.size()};
}

void Parser::begin_head() noexcept {
  is_plain_ = false;
  method = HTTP_GET;  // llhttp leaves that of the last request until it has found another.
  target_ = {};
  count_ = 0;
  span_ = Span::none;
  span_end_ = nullptr;
  event_ = Event::more;
  chunked_ = expects_continue_ = false;
  hosts_ = codings_ = 0;
  host_ = nullptr;
  refusal_ = limit_hit_ = fault_ = nullptr;
  sink_ = Sink::nowhere;
  body_size_ = extra_size_ = 0;
  body_limit_ = limits_.body;
  if (trailer_text_.capacity() > 0) give_trailers();
}

Parser::Event Parser::run(const char* at, std::size_t size, const char*& stop) noexcept {
  run_begin_ = at;
  run_end_ = at + size;
  decoded_ = {};
  ++run_;
  const llhttp_errno_t result = llhttp_execute(this, at, size);
  if (result == HPE_OK) {
    last_byte_ = run_end_[-1];
    stop = run_end_;
    return Event::more;
  }
  if (result != HPE_PAUSED) return Event::broken;
  stop = llhttp_get_error_pos(this);
  if (event_ == Event::end && !is_clean_end(stop)) return Event::broken;
  llhttp_resume(this);
  return event_;
}

// A chunked body ends with an empty line. llhttp 8 takes a bare line feed for one.
bool Parser::is_clean_end(const char* stop) const noexcept {
  return (stop - run_begin_ > 1 ? stop[-2] : last_byte_) == '\r';
}

void Parser::rebase(std::ptrdiff_t distance) noexcept {
  const auto move = [&](std::string_view& text) {
    if (text.data()) text = {text.data() + distance, text.size()};
  };
  move(target_);
  for (HeaderField& field : std::span{fields_, count_}) {
    move(field.name);
    move(field.value);
  }
  if (span_end_) span_end_ += distance;
}

inline void Parser::begin_field(const char* at, std::size_t size) noexcept {
  if (count_ == limits_.header_fields) [[unlikely]] {
    fault_ = &too_many_fields;  // Refused when the head is complete, like everything of which llhttp does not complain.
    if (count_ == 0) more_fields(), ++count_;
  } else {
    if (count_ == capacity_) more_fields();
    ++count_;
  }
  fields_[count_ - 1] = HeaderField{{at, size}, {}};
}

void Parser::more_fields() noexcept {
  if (count_ < capacity_) return;
  const std::uint32_t capacity = capacity_ * 2;
  void* const memory = detail::BlockPool::take(capacity * sizeof(HeaderField));
  auto* const bigger = static_cast<HeaderField*>(memory);
  std::uninitialized_copy_n(fields_, count_, bigger);
  std::uninitialized_value_construct_n(bigger + count_, capacity - count_);
  const std::uint32_t count = count_;
  release();
  fields_ = bigger;
  capacity_ = capacity;
  count_ = count;
}

bool Parser::is_past_line(const char* at) const noexcept {
  return target_.data() && at - (target_.data() + target_.size()) >= static_cast<std::ptrdiff_t>(version_size);
}

std::size_t Parser::line_size(const char* begin) const noexcept {
  return static_cast<std::size_t>(target_.data() + target_.size() - begin) + version_size;
}

inline Method Parser::umbel_method() const noexcept {
  switch (method) {
    case HTTP_GET:
      return Method::get;
    case HTTP_HEAD:
      return Method::head;
    case HTTP_POST:
      return Method::post;
    case HTTP_PUT:
      return Method::put;
    case HTTP_PATCH:
      return Method::patch;
    case HTTP_DELETE:
      return Method::delete_;
    case HTTP_OPTIONS:
      return Method::options;
    case HTTP_CONNECT:
      return Method::connect;
    case HTTP_TRACE:
      return Method::trace;
    default:
      return Method::other;
  }
}

void Parser::put_request(Request& request) const noexcept {
  const Request::KnownTarget target{target_, path_size_, target_has_escapes_};
  std::construct_at(&request, umbel_method(), target, Headers{{fields_, count_}});
}

// RFC 9112 section 3: method SP target SP version CR LF, and nothing else, which llhttp takes less strictly. At least
// the empty line follows, so that there is something to look at.
inline const Refusal* Parser::check_line(const char* end) const noexcept {
  if (fault_) return fault_;
  if (target_.empty()) return &malformed;
  const char* const version = target_.data() + target_.size();
  if (end - version < static_cast<std::ptrdiff_t>(version_size)) return &malformed;
  const bool ok = std::memcmp(version, " HTTP/1.", 8) == 0 && (version[8] == '0' || version[8] == '1') &&
                  is_line_end(version + 9) && target_.data()[-1] == ' ' && target_.data()[-2] != ' ';
  return ok ? nullptr : &malformed;
}

// Where the line after `field` begins, or null if there is more in this line than a name and a value. The value becomes
// what stands between the blanks.
inline const char* Parser::end_of_line(HeaderField& field, const char* next) const noexcept {
  const char* const name_end = field.name.data() + field.name.size();
  const char* const value_end = field.value.data() + field.value.size();
  // As nearly all fields are. A value of llhttp's ends before a line end, which is before the end of the head.
  if (field.value.data() == name_end + 2 && is_pair(name_end, ": ") && is_line_end(value_end) &&
      !is_blank(value_end[-1]) && !field.value.empty() && !field.name.empty()) [[likely]] {
    return value_end + 2;
  }
  return end_of_odd_line(field, next);
}

const char* Parser::end_of_odd_line(HeaderField& field, const char* next) const noexcept {
  const char* at = field.name.data() + field.name.size();
  if (field.name.empty() || next - at < 3 || *at != ':') return nullptr;
  ++at;
  while (is_blank(*at)) ++at;  // Ends: a line end is before `next`.
  if (field.value.empty()) field.value = {at, 0};
  if (field.value.data() != at) return nullptr;
  at += field.value.size();
  while (is_blank(*at)) ++at;
  if (next - at < 2 || !is_line_end(at)) return nullptr;
  if (!field.value.empty() && is_blank(field.value.back())) field.value = trim_end(field.value);
  return at + 2;
}

// RFC 9112 section 5: each field stands on a line of its own. What was found is compared with where it was found, so
// that folds (section 5.2) and whatever a parser may take too kindly are refused, whichever parser it is.
inline const Refusal* Parser::check_fields(const char* end) noexcept {
  const char* line = target_.data() + target_.size() + version_size;
  for (HeaderField& field : std::span{fields_, count_}) {
    if (field.name.data() != line) return &folded;
    line = end_of_line(field, end);
    if (!line) return &folded;
    if (const Refusal* const refusal = note_special(field)) return refusal;
  }
  return end - line == 2 && is_line_end(line) ? nullptr : &folded;
}

// The fields that concern the transport itself.
inline const Refusal* Parser::note_special(HeaderField& field) noexcept {
  switch (field.name.size()) {
    case 4:
      if (!is_host(field.name.data())) break;
      ++hosts_;
      host_ = &field;
      if (hosts_ > 1) return &bad_host;
      break;
    case 6:
      if (!is_named(field.name, "expect") || is_http_1_0()) break;
      if (!equal_ignoring_case(field.value, "100-continue")) refusal_ = &unmet_expectation;
      expects_continue_ = true;
      break;
    case 17:
      if (!is_named(field.name, "transfer-encoding")) break;
      ++codings_;
      if (!equal_ignoring_case(field.value, "chunked")) refusal_ = &unknown_coding;
      break;
    default:
      break;
  }
  return nullptr;
}

inline bool Parser::is_good_host(std::string_view host) noexcept {
  if (host.size() == known_host_size_ && std::memcmp(host.data(), known_host_.data(), known_host_size_) == 0)
    return true;
  if (has_class(host, not_in_host)) return false;
  known_host_size_ = host.size() <= known_host_.size() ? host.size() : 0;
  std::copy_n(host.data(), known_host_size_, known_host_.data());
  return true;
}

inline const Refusal* Parser::check_framing() noexcept {
  if (hosts_ == 0 && !is_http_1_0()) return &bad_host;  // RFC 9112 section 3.2.
  if (host_ && !is_good_host(host_->value)) return &bad_host;
  if (has_coding_ && (is_http_1_0() || codings_ > 1)) return &ambiguous_length;  // RFC 9112 section 6.1.
  if (method == HTTP_CONNECT) return &no_tunnels;
  if (refusal_) return refusal_;
  if (has_coding_ && !chunked_) return &unknown_coding;  // llhttp 8 does not know "chunked" with a tab behind it.
  return nullptr;
}

// RFC 9112 section 3.2. One look at every byte; a second one only at what is seldom.
inline const Refusal* Parser::check_target() noexcept {
  target_has_escapes_ = false;
  path_size_ = target_.size();
  if (target_[0] == '*') return target_.size() == 1 && method == HTTP_OPTIONS ? nullptr : &bad_target;
  if (target_[0] != '/') {
    if (const Refusal* const refusal = take_absolute_form()) return refusal;
    path_size_ = target_.size();
  }
  const unsigned found = classes_in(target_);
  if (found & not_in_target) return &bad_target;
  if (found & question_mark) path_size_ = target_.find('?');
  if (!(found & percent_sign)) return nullptr;
  target_has_escapes_ = true;
  return check_escapes(target_.substr(0, path_size_));
}

// RFC 9112 section 3.2.2: the host of the target counts, not that of the field.
const Refusal* Parser::take_absolute_form() noexcept {
  const std::size_t colon = target_.find(':');
  const std::string_view scheme = target_.substr(0, colon);
  if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return &bad_target;
  if (target_.substr(colon, 3) != "://") return &bad_target;
  std::string_view rest = target_.substr(colon + 3);
  const std::size_t authority_size = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_size);
  rest.remove_prefix(authority_size);
  if (authority.empty() || has_class(authority, not_in_host)) return &bad_target;
  if (rest.empty()) {
    rest = "/";
  } else if (rest[0] == '?') {
    // An empty path is "/": the authority makes room for it, over the slashes before it. The memory is the session's.
    char* const moved = const_cast<char*>(authority.data()) - 1;
    std::memmove(moved, authority.data(), authority.size());
    moved[authority.size()] = '/';
    authority = {moved, authority.size()};
    rest = {rest.data() - 1, rest.size() + 1};
  }
  target_ = rest;
  replace_host(authority);
  return nullptr;
}

void Parser::replace_host(std::string_view authority) noexcept {
  if (host_) {
    host_->value = authority;
    return;
  }
  if (count_ == capacity_) more_fields();  // An HTTP/1.0 request without Host.
  fields_[count_++] = HeaderField{"host", authority};
}

const Refusal* Parser::check(const char* end) noexcept {
  const Refusal* refusal = check_line(end);
  if (!refusal) refusal = check_fields(end);
  if (!refusal) refusal = check_framing();
  if (!refusal) refusal = check_target();
  return refusal;
}

}  // namespace umbel::http1
