// SPDX-License-Identifier: MIT
#pragma once
// Who hears what the client must not.

#include <string_view>

#include "umbel/core/error.hpp"

namespace umbel {

/// A node that failed.
struct Failure {
  std::string_view route;  // "GET /items/{item_id}"; "call price_of" for what Engine::call was asked.
  std::string_view node;   // "open_session"; "request" if its body did not come, or a conversion threw.
  const Error& error;      // Valid during the call.
  bool suppressed;         // Another node, declared before it, failed too, and answers.
};

/// A tear-down that failed when the reply was sent already.
struct LateError {
  std::string_view route;
  std::string_view node;
  const Error& error;  // Valid during the call.
};

/// Hears of failures. Given to `App::observe`, not owned, called on the Context's thread of the request, so by all
/// threads that serve. Must not throw, and should not take long.
class Observer {
public:
  virtual ~Observer() = default;
  virtual void node_failed(const Failure&) noexcept {}
  virtual void late_error(const LateError&) noexcept {}
};

}  // namespace umbel
