// SPDX-License-Identifier: MIT
#pragma once
// Heads in which there is nothing to be decided.

#include <cstddef>
#include <string_view>

#include "umbel/core/request.hpp"

namespace umbel::http1 {

/// What a plain head must not exceed.
struct PlainLimits {
  std::size_t size;
  std::size_t fields;
};

/// The head of a GET in HTTP/1.1 without a body, as nearly all are: in origin form, the path without escapes, with one
/// Host, each field on a line of its own, and none of those that concern framing, the connection or expectations (but
/// for `Connection: keep-alive`, which changes nothing).
///
/// It is read in one look at every byte, which costs a fifth of what llhttp and the checks behind it cost. What is not
/// plain, or not complete, is theirs: so nothing is refused here, and what is taken here they would take in the same
/// way. The tests compare: a head that is cut anywhere goes to llhttp.
///
/// Reads the head at the beginning of `input`, puts its fields into `fields` and all of it into `request`. Returns
/// where it ends; or null, with `request` untouched, if it is not plain, not complete, beyond a limit, or something
/// incomplete follows it.
const char* read_plain_head(std::string_view input, const PlainLimits& limits, HeaderField* fields,
                            Request& request) noexcept;

}  // namespace umbel::http1
