// SPDX-License-Identifier: MIT
#include "umbel/core/exchange.hpp"

#include <utility>

namespace umbel {

Pulled Exchange::read_body(std::string_view& chunk, Work& ready) noexcept {
  if (reading_ == Reading::given) return body_error_ ? Pulled::failed : Pulled::end;
  if (std::exchange(reading_, Reading::asked) == Reading::untouched && !collect_body(ready)) return Pulled::pending;
  reading_ = Reading::given;
  if (body_error_) return Pulled::failed;
  chunk = request_.body();
  return chunk.empty() ? Pulled::end : Pulled::chunk;
}

}  // namespace umbel
