// SPDX-License-Identifier: MIT
#pragma once
// One reply for one exchange, whatever becomes of the code that is to make it.

#include <utility>

#include "umbel/core/exchange.hpp"

namespace umbel {

/// For services that keep exchanges and answer them later, from callbacks that may come twice or never: holds an
/// exchange until it is answered.
///
///     void serve(Exchange& exchange) noexcept override {
///       queue_.push_back(Answer{exchange});          // answered, or dropped with the queue
///     }
///
/// The first reply counts, and further ones are dropped. An exchange whose Answer goes without one gets a 500. A reply
/// to a peer that has left is dropped by the transport. (An App needs none of this: it answers each exchange once by
/// itself.) On the thread of the exchange's Context, its end included.
class Answer {
public:
  /// The exchange is answered through this alone.
  explicit Answer(Exchange& exchange) noexcept : exchange_(&exchange) {}
  Answer(Answer&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
  Answer& operator=(Answer&& other) noexcept {
    std::swap(exchange_, other.exchange_);
    return *this;
  }
  ~Answer() {
    if (exchange_) exchange_->reply(Response{500});
  }

  /// True until it is answered, or moved from.
  bool is_open() const noexcept { return exchange_ != nullptr; }
  /// Its request, its stop token. Null when it is answered: it may be gone then.
  Exchange* exchange() const noexcept { return exchange_; }
  /// False, and nothing happens, if it is answered already.
  bool reply(Response&& response) noexcept {
    if (!exchange_) return false;
    std::exchange(exchange_, nullptr)->reply(std::move(response));
    return true;
  }

private:
  Exchange* exchange_;  // Null: it has its reply.
};

}  // namespace umbel
