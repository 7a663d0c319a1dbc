// SPDX-License-Identifier: MIT
#pragma once
// One head of all that the nodes of a request wrote.

#include <cstdint>

#include "umbel/core/response.hpp"
#include "umbel/di/response_head.hpp"

namespace umbel::detail {

class MergedHead {
public:
  enum class Take : std::uint8_t { all, on_error };

  /// In declaration order.
  void add(const ResponseHead& patch, Take take);
  /// To a reply that somebody made, who has the last word.
  void complete(Response& response);
  /// To a reply that was made of text, or of nothing: the head has the last word.
  void shape(Response& response);

private:
  int status_ = 0;  // 0: not set.
  ResponseHeaders set_;
  ResponseHeaders appended_;
};

}  // namespace umbel::detail
