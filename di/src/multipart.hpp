// SPDX-License-Identifier: MIT
#pragma once
// multipart/form-data (RFC 7578, RFC 2046 section 5.1), taken in pieces. Knows neither bodies nor models.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umbel::detail {

/// A parameter of a field's value, without quotes: the `boundary` of `multipart/form-data; boundary=x`. Empty optional:
/// it is not there, or the value is malformed before it. In quotes, a backslash escapes a quote or a backslash, and is
/// itself before anything else, since that is what browsers have meant by it.
std::optional<std::string> field_parameter(std::string_view value, std::string_view name);

/// The value without its parameters, `multipart/form-data`, in lower case.
std::string media_type(std::string_view value);

/// True if it may delimit parts: 1 to 70 of the characters of RFC 2046 section 5.1.1, the last of them no space.
bool is_boundary(std::string_view text) noexcept;

/// What the lines before a part's content say.
struct PartHead {
  std::string name;
  std::optional<std::string> file_name;  // There is one: it is a file.
  std::string content_type;
};

/// What MultipartReader has found.
enum class PartEvent : std::uint8_t {
  more,     // Nothing, before it is fed again.
  head,     // A part begins: `head()`.
  data,     // A piece of its content: `data()`.
  part,     // The part is complete.
  end,      // So is the body. What follows is passed over.
  wrong,    // The body is malformed.
  nameless  // A part has no name.
};

/// Reads the parts of a body that comes in pieces. Each piece is looked at once, whatever is in it; what is kept of it
/// is one part's head, and how much of a delimiter the piece ended with. However the body is cut, heads and contents
/// are the same.
class MultipartReader {
public:
  /// `boundary` is one; a part's head may have so many bytes.
  MultipartReader(std::string_view boundary, std::size_t head_limit)
      : delimiter_("\r\n--" + std::string{boundary}), head_limit_(head_limit) {}

  /// The next piece, which stays until `next` has asked for more.
  void feed(std::string_view piece) noexcept { rest_ = piece; }
  /// Again and again, until it asks for more. Nothing follows `wrong` and `nameless`.
  PartEvent next();

  /// Of the part that began last.
  const PartHead& head() const noexcept { return head_; }
  /// Until `next` is called again.
  std::string_view data() const noexcept { return data_; }
  /// The delimiter behind the last part was there.
  bool is_complete() const noexcept { return state_ == State::epilogue; }

private:
  enum class State : std::uint8_t {
    preamble,   // Before the first delimiter.
    content,    // Of a part.
    delimiter,  // Behind one: "--", or spaces and the end of the line.
    dash,       // Behind one and a dash.
    line_feed,  // Behind one and a carriage return.
    head,
    epilogue,
  };

  PartEvent find_delimiter();
  PartEvent read_content();
  PartEvent leave_delimiter();
  PartEvent read_head();
  PartEvent parse_head();
  bool parse_field(std::string_view line);
  bool parse_disposition(std::string_view value);

  std::string delimiter_;
  std::size_t head_limit_;
  std::string_view rest_;
  std::string_view data_;
  std::string lines_;           // The head, as far as it has come.
  std::size_t line_start_ = 0;  // Of its last line.
  // How much of the delimiter was last. A body may begin with a delimiter, as if a line had ended before it.
  std::size_t matched_ = 2;
  State state_ = State::preamble;
  bool has_disposition_ = false;
  bool has_name_ = false;
  PartHead head_;
};

}  // namespace umbel::detail
