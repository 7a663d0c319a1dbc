// SPDX-License-Identifier: MIT
#pragma once
// Finds objects that are destroyed twice or never.

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace umbel::test {

/// A class with constructors whose living objects are known. One thread.
///
///     const LiveCheck check;       // afterwards: EXPECT_TRUE(check.ok())
class Live {
public:
  explicit Live(std::string_view text = "live") : text_(text) { born(); }
  Live(const Live& other) : text_(other.text_) { born(); }
  Live(Live&& other) noexcept : text_(std::move(other.text_)) { born(); }
  Live& operator=(const Live&) = default;
  Live& operator=(Live&&) = default;
  ~Live() {
    if (living().erase(this) == 0) ++mistakes();
  }

  const std::string& text() const noexcept { return text_; }

  static std::set<const void*>& living() {
    static std::set<const void*> objects;
    return objects;
  }
  /// Objects that were made where one lives, or destroyed where none does.
  static std::size_t& mistakes() {
    static std::size_t count = 0;
    return count;
  }

private:
  void born() {
    if (!living().insert(this).second) ++mistakes();
  }

  std::string text_;
};

/// Made before, asked after: true if every Live made meanwhile was destroyed once.
class LiveCheck {
public:
  LiveCheck() : living_(Live::living().size()), mistakes_(Live::mistakes()) {}
  bool ok() const { return Live::living().size() == living_ && Live::mistakes() == mistakes_; }

private:
  std::size_t living_;
  std::size_t mistakes_;
};

}  // namespace umbel::test
