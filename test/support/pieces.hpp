// SPDX-License-Identifier: MIT
#pragma once
// A body that a test makes while it is sent.

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/body_source.hpp"
#include "umbel/core/context.hpp"

namespace umbel::test {

/// The body of a reply, in the pieces that the test gives.
class Pieces final : public BodySource {
public:
  explicit Pieces(std::initializer_list<std::string> pieces = {}) : pieces_(pieces) {}

  Pieces& add(std::string piece) {
    pieces_.push_back(std::move(piece));
    wake();
    return *this;
  }
  Pieces& end(Pulled how = Pulled::end) {
    end_ = how;
    wake();
    return *this;
  }
  Pieces& announce(std::uint64_t bytes) { return size_ = bytes, *this; }
  void on_pull(std::function<void()> look) { look_ = std::move(look); }

  BodySourcePtr give() { return BodySourcePtr{this}; }
  int pulls = 0;
  int drops = 0;
  bool waits() const { return ready_ != nullptr; }

  Pulled pull(Context&, std::string_view& chunk, Work& ready) noexcept override {
    ++pulls;
    EXPECT_EQ(drops, 0) << "pulled after it was dropped";
    EXPECT_EQ(ready_, nullptr) << "pulled while it was waited for";
    if (look_) look_();
    if (!pieces_.empty()) {
      current_ = std::move(pieces_.front());
      pieces_.pop_front();
      chunk = current_;
      return Pulled::chunk;
    }
    if (end_ == Pulled::pending) ready_ = &ready;
    return end_;
  }
  void drop() noexcept override {
    ++drops;
    ready_ = nullptr;
    current_.assign(current_.size(), '#');
  }
  std::optional<std::uint64_t> size() const noexcept override { return size_; }

  Context* context = nullptr;  // Where somebody waits for a piece.

private:
  void wake() {
    if (ready_) context->enqueue(*std::exchange(ready_, nullptr));
  }

  std::deque<std::string> pieces_;
  std::string current_;
  Pulled end_ = Pulled::pending;
  std::optional<std::uint64_t> size_;
  std::function<void()> look_;
  Work* ready_ = nullptr;
};

}  // namespace umbel::test
