// SPDX-License-Identifier: MIT
#include "urlencoded.hpp"

#include <algorithm>
#include <utility>

namespace umbel::detail {

PairEvent UrlencodedReader::next() {
  if (std::exchange(is_whole_, false)) kept_.clear();
  for (;;) {
    const std::string_view part = rest_.substr(0, rest_.find('&'));
    const bool ends = part.size() < rest_.size() || is_ended_;
    if (rest_.empty() && !(is_ended_ && !kept_.empty())) return PairEvent::more;
    if (kept_.size() + part.size() > limit_) return PairEvent::too_long;
    rest_.remove_prefix(std::min(part.size() + 1, rest_.size()));
    if (!kept_.empty() || !ends) kept_.append(part);
    if (!ends) return PairEvent::more;
    pair_ = kept_.empty() ? part : std::string_view{kept_};
    is_whole_ = true;
    if (!pair_.empty()) return PairEvent::pair;
    is_whole_ = false;
  }
}

}  // namespace umbel::detail
