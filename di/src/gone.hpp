// SPDX-License-Identifier: MIT
#pragma once
// Who answers in the place of an App that was destroyed before those who ask it; and what is said for one that is not
// open.

#include "umbel/core/error.hpp"
#include "umbel/core/exchange.hpp"
#include "umbel/core/service.hpp"
#include "umbel/di/validation.hpp"

namespace umbel::detail {

struct Gone final : Service {
  void serve(Exchange& exchange) noexcept override { refuse(exchange); }

  static void refuse(Exchange& exchange) noexcept {
    exchange.reply(to_response(Error{HttpError{503}.header("retry-after", "1")}));
  }
  static Service& instance() noexcept {
    static Gone gone;
    return gone;
  }
};

}  // namespace umbel::detail
