// SPDX-License-Identifier: MIT
#pragma once
// How a callback API becomes a coroutine: a libuv client of the price service, awaited through Completion<T>.

#include <umbel/core/task.hpp>
#include <umbel/uv/loop.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace shop {

/// Asks the price service, a line for a line over one TCP connection: "price 2 trade" gets "249", or "unknown".
/// On the loop's thread; closed before the loop is.
class PriceClient {
public:
  PriceClient(umbel::Loop& loop, int port);
  ~PriceClient();
  PriceClient(const PriceClient&) = delete;
  PriceClient& operator=(const PriceClient&) = delete;

  /// Cents; nothing for an item that has no price. HttpError 502 if the service does not answer.
  umbel::Task<std::optional<std::int64_t>> price_of(std::int64_t item_id, std::string_view price_group);

private:
  class Connection;
  Connection& connection();

  umbel::Loop& loop_;
  const int port_;
  std::shared_ptr<Connection> connection_;  // Null before the first question.
};

}  // namespace shop
