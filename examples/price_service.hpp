// SPDX-License-Identifier: MIT
#pragma once
// The quickstart's upstream: what would be another program on another machine.

#include <umbel/uv/loop.hpp>

namespace shop {

/// Answers "price ITEM GROUP" with cents or "unknown", a line for a line, on a TCP port of 127.0.0.1 that the kernel
/// picks. Plain libuv; knows nothing of umbel but the loop. On the loop's thread; closed before the loop is.
class PriceService {
public:
  /// Throws std::runtime_error if it cannot listen.
  explicit PriceService(umbel::Loop& loop);
  ~PriceService();
  PriceService(const PriceService&) = delete;
  PriceService& operator=(const PriceService&) = delete;

  int port() const;

private:
  struct Listener;
  Listener* listener_;  // libuv needs it until it is closed; then it deletes itself.
};

}  // namespace shop
