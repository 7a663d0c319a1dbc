// SPDX-License-Identifier: MIT
#include "multipart.hpp"

#include <algorithm>
#include <utility>

#include "umbel/core/request.hpp"

namespace umbel::detail {

namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// RFC 9110 section 5.6.2.
constexpr bool is_token_character(char c) noexcept {
  return is_alphanumeric(c) || (c != 0 && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos);
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes a quoted string off the front of `rest`, which begins with a quote. False: it does not end.
bool take_quoted(std::string_view& rest, std::string& out) {
  std::size_t at = 1;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    const bool escapes = rest[at] == '\\' && at + 1 < rest.size() && (rest[at + 1] == '"' || rest[at + 1] == '\\');
    out += rest[escapes ? ++at : at];
  }
  if (at >= rest.size()) return false;
  rest.remove_prefix(at + 1);
  return true;
}

/// The parameters behind a value, one after the other.
class Parameters {
public:
  explicit Parameters(std::string_view value) noexcept : rest_(value.substr(std::min(value.find(';'), value.size()))) {}

  /// False: there are no more, or they are malformed.
  bool next() {
    rest_ = trimmed(rest_);
    while (!rest_.empty() && rest_.front() == ';') rest_ = trimmed(rest_.substr(1));
    if (rest_.empty()) return false;
    const auto* const end = std::find_if_not(rest_.begin(), rest_.end(), is_token_character);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    is_malformed_ = size == 0 || end == rest_.end() || *end != '=';
    if (is_malformed_) return false;
    name_ = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return take_value();
  }

  std::string_view name() const noexcept { return name_; }
  std::string take_value_text() noexcept { return std::move(value_); }
  bool is_malformed() const noexcept { return is_malformed_; }

private:
  bool take_value() {
    value_.clear();
    if (!rest_.empty() && rest_.front() == '"') {
      is_malformed_ = !take_quoted(rest_, value_);
    } else {
      const std::string_view bare = trimmed(rest_.substr(0, rest_.find(';')));
      value_ = bare;
      is_malformed_ = bare.empty() || bare.find_first_of("\" \t") != std::string_view::npos;
      rest_.remove_prefix(std::min(rest_.find(';'), rest_.size()));
    }
    rest_ = trimmed(rest_);
    is_malformed_ |= !rest_.empty() && rest_.front() != ';';
    return !is_malformed_;
  }

  std::string_view rest_;
  std::string_view name_;
  std::string value_;
  bool is_malformed_ = false;
};

}  // namespace

std::optional<std::string> field_parameter(std::string_view value, std::string_view name) {
  Parameters parameters{value};
  while (parameters.next()) {
    if (equal_ignoring_case(parameters.name(), name)) return parameters.take_value_text();
  }
  return std::nullopt;
}

std::string media_type(std::string_view value) {
  std::string type{trimmed(value.substr(0, value.find(';')))};
  for (char& c : type) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  return type;
}

bool is_boundary(std::string_view text) noexcept {
  constexpr std::string_view marks = "'()+_,-./:=? ";
  const auto may_stand = [&](char c) { return is_alphanumeric(c) || (c != 0 && marks.find(c) != marks.npos); };
  return !text.empty() && text.size() <= 70 && text.back() != ' ' && std::all_of(text.begin(), text.end(), may_stand);
}

PartEvent MultipartReader::next() {
  for (;;) {
    PartEvent event = PartEvent::more;
    switch (state_) {
      case State::preamble:
        event = find_delimiter();
        if (event == PartEvent::data) continue;
        break;
      case State::content:
        event = find_delimiter();
        break;
      case State::delimiter:
      case State::dash:
      case State::line_feed:
        event = leave_delimiter();
        break;
      case State::head:
        event = read_head();
        break;
      case State::epilogue:
        rest_ = {};
        return PartEvent::more;
    }
    // Behind a delimiter there is something to tell, or there is not; behind the rest there always is.
    if (event != PartEvent::part) return event;
    const bool was_preamble = std::exchange(state_, State::delimiter) == State::preamble;
    if (!was_preamble) return event;
  }
}

/// `data`, or `part` if the delimiter is here. In it, a carriage return stands at its begin alone: so what turned out
/// to be none can be passed over whole.
PartEvent MultipartReader::find_delimiter() {
  while (matched_ > 0) {
    if (matched_ == delimiter_.size()) return matched_ = 0, PartEvent::part;
    if (rest_.empty()) return PartEvent::more;
    if (rest_.front() != delimiter_[matched_]) {
      data_ = std::string_view{delimiter_}.substr(0, std::exchange(matched_, 0));
      return PartEvent::data;
    }
    ++matched_;
    rest_.remove_prefix(1);
  }
  return read_content();
}

PartEvent MultipartReader::read_content() {
  if (rest_.empty()) return PartEvent::more;
  std::size_t at = rest_.find('\r');
  std::string_view begun;  // What may be a delimiter.
  for (; at != std::string_view::npos; at = rest_.find('\r', at + 1)) {
    begun = rest_.substr(at, delimiter_.size());
    if (std::string_view{delimiter_}.starts_with(begun)) break;
  }
  at = std::min(at, rest_.size());
  data_ = rest_.substr(0, at);
  if (at < rest_.size()) matched_ = begun.size();
  rest_.remove_prefix(at + matched_);
  return data_.empty() ? find_delimiter() : PartEvent::data;
}

/// RFC 2046 section 5.1.1: two dashes if it is the last one, else white space and the end of the line.
PartEvent MultipartReader::leave_delimiter() {
  while (!rest_.empty()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (state_ == State::dash) {
      if (c != '-') return PartEvent::wrong;
      return state_ = State::epilogue, PartEvent::end;
    }
    if (state_ == State::line_feed) {
      if (c != '\n') return PartEvent::wrong;
      state_ = State::head;
      lines_.clear();
      line_start_ = 0;
      return read_head();
    }
    if (c == '-' && matched_ == 0) state_ = State::dash;
    else if (c == '\r') state_ = State::line_feed;
    else if (!is_blank(c) || ++matched_ > head_limit_) return PartEvent::wrong;
    if (state_ != State::delimiter) matched_ = 0;
  }
  return PartEvent::more;
}

PartEvent MultipartReader::read_head() {
  while (!rest_.empty()) {
    const std::size_t size = std::min(rest_.find('\n'), rest_.size() - 1) + 1;
    if (lines_.size() + size > head_limit_) return PartEvent::wrong;
    lines_.append(rest_.substr(0, size));
    rest_.remove_prefix(size);
    if (lines_.back() != '\n') return PartEvent::more;
    const std::string_view line = std::string_view{lines_}.substr(std::exchange(line_start_, lines_.size()));
    if (!line.ends_with("\r\n")) return PartEvent::wrong;
    if (line.size() == 2) return parse_head();
  }
  return PartEvent::more;
}

PartEvent MultipartReader::parse_head() {
  head_ = {};
  has_disposition_ = has_name_ = false;
  std::string_view rest = lines_;
  for (;;) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    if (line.empty()) break;
    if (!parse_field(line)) return PartEvent::wrong;
  }
  state_ = State::content;
  return has_name_ ? PartEvent::head : PartEvent::nameless;
}

bool MultipartReader::parse_field(std::string_view line) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == line.npos || name.empty() || !std::all_of(name.begin(), name.end(), is_token_character)) return false;
  if (std::any_of(line.begin(), line.end(), is_control)) return false;
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (equal_ignoring_case(name, "content-type")) head_.content_type = value;
  return !equal_ignoring_case(name, "content-disposition") || parse_disposition(value);
}

/// RFC 7578 section 4.2, by which there is no `filename*`.
bool MultipartReader::parse_disposition(std::string_view value) {
  if (std::exchange(has_disposition_, true) || media_type(value) != "form-data") return false;
  Parameters parameters{value};
  while (parameters.next()) {
    if (equal_ignoring_case(parameters.name(), "name")) {
      if (std::exchange(has_name_, true)) return false;
      head_.name = parameters.take_value_text();
    } else if (equal_ignoring_case(parameters.name(), "filename")) {
      if (head_.file_name) return false;
      head_.file_name = parameters.take_value_text();
    }
  }
  return !parameters.is_malformed();
}

}  // namespace umbel::detail
