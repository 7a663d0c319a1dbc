// SPDX-License-Identifier: MIT
#pragma once
// Who answers: an App, or whatever a program puts in its place or around it.

#include "umbel/core/exchange.hpp"

namespace umbel {

/// Answers exchanges. Shared by the Contexts of all threads once it is started.
class Service {
public:
  virtual ~Service() = default;

  /// Called by a transport before the first exchange, once per Context, on its thread or before it runs. Throws
  /// StartError if the service cannot work.
  virtual void start(Context&) {}

  /// Sees to it that `exchange` gets its one reply, now or later. On the thread of the exchange's Context; several
  /// Contexts may call at the same time. Nothing is thrown: a failure is a reply.
  virtual void serve(Exchange& exchange) noexcept = 0;
};

}  // namespace umbel
