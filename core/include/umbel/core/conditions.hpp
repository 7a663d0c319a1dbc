// SPDX-License-Identifier: MIT
#pragma once
// What a client asks only on conditions, or asks only a part of: RFC 9110 sections 13 and 14.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "umbel/core/request.hpp"

namespace umbel {

/// By what a client tells one state of a resource from another.
struct Validators {
  std::string_view etag = {};                                  // With its quotes, and `W/` if it is weak. Empty: none.
  std::optional<std::chrono::sys_seconds> last_modified = {};  // Left out: not known.
};

/// What a request's conditions say.
enum class Condition : std::uint8_t {
  holds,         // It is to be answered.
  not_modified,  // The client has it already: 304.
  failed,        // It is not what the client thinks: 412.
};

/// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110 section 13.2.2, of a
/// resource that exists. What is malformed says nothing: a list of tags ends there, a date is as if it was not sent.
/// For methods other than GET and HEAD before they change anything.
Condition check_conditions(const Request& request, const Validators& validators) noexcept;

/// A stretch of bytes.
struct ByteRange {
  std::uint64_t first;  // From 0.
  std::uint64_t size;   // At least 1.
};

/// Which part of a representation is asked for.
struct AskedRange {
  /// What kind of answer that means.
  enum class Kind : std::uint8_t {
    whole,          // 200: no range is asked for, or none that we answer with a part.
    part,           // 206.
    unsatisfiable,  // 416: there are no such bytes.
  };
  /// The answer's kind.
  Kind kind = Kind::whole;
  ByteRange range{0, 0};  // Of a part.
};

/// Range and If-Range (RFC 9110 sections 13.1.5 and 14.2), of a representation of `size` bytes. Only GET has ranges.
/// Of several ranges that can be satisfied the whole is sent, as section 14.2 allows; of one among many, that one.
/// A malformed field, or another unit than bytes, is ignored. `now` tells whether a date is old enough to be compared.
AskedRange check_range(const Request& request, const Validators& validators, std::uint64_t size,
                       std::chrono::sys_seconds now);

}  // namespace umbel
