// SPDX-License-Identifier: MIT
#pragma once
// Heads in which there is nothing to be decided.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "umbel/core/request.hpp"

namespace umbel::http1 {

/// The head of a GET in HTTP/1.1 without a body, as nearly all are: in origin form, with one Host, each field on a line
/// of its own, and none of those that concern framing, the connection or expectations (but for `Connection:
/// keep-alive`, which changes nothing).
///
/// It is read in one look at every byte, which costs a sixth of what llhttp and the checks behind it cost. What is not
/// plain, or not complete, is theirs: so nothing is refused here, and what is taken here they would take in the same
/// way. The tests compare: a head that is cut anywhere goes to llhttp.
struct PlainHead {
  std::string_view target;
  std::size_t path_size;  // Up to the question mark, or all of the target.
  bool has_escapes;       // Their shape is not looked at.
  std::uint32_t fields;
};

/// Reads the head at the beginning of `input`, which is not empty, and puts its fields into `fields`. Returns where it
/// ends, or null if it is not plain, not complete, has more fields, or something incomplete follows it.
const char* read_plain_head(std::string_view input, std::span<HeaderField> fields, PlainHead& head) noexcept;

}  // namespace umbel::http1
