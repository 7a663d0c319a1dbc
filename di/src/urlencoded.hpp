// SPDX-License-Identifier: MIT
#pragma once
// application/x-www-form-urlencoded, taken in pieces.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace umbel::detail {

/// What UrlencodedReader has found.
enum class PairEvent : std::uint8_t {
  more,  // Nothing, before it is fed again.
  pair,
  too_long,
};

/// Takes the pairs of a form apart. Of a piece it keeps what follows the last `&`.
class UrlencodedReader {
public:
  /// A pair may have so many bytes.
  explicit UrlencodedReader(std::size_t limit) noexcept : limit_(limit) {}

  /// The next piece, which stays until `next` has asked for more.
  void feed(std::string_view piece) noexcept { rest_ = piece; }
  /// Nothing will follow: what is kept is a pair.
  void end() noexcept { is_ended_ = true; }
  /// Empty pairs are passed over.
  PairEvent next();

  /// Both as they were sent, until `next` is called again.
  std::string_view name() const noexcept { return pair_.substr(0, pair_.find('=')); }
  std::string_view value() const noexcept {
    const std::size_t equals = pair_.find('=');
    return equals == std::string_view::npos ? std::string_view{} : pair_.substr(equals + 1);
  }

private:
  std::size_t limit_;
  std::string_view rest_;
  std::string_view pair_;
  std::string kept_;
  bool is_ended_ = false;
  bool is_whole_ = true;  // What is kept has been given, or there is nothing.
};

}  // namespace umbel::detail
