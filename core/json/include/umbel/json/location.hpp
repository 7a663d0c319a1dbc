// SPDX-License-Identifier: MIT
#pragma once
// Where in a document, or in a request, a value stands.

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace umbel {

/// One step of the way to a value, a part of `loc`: a name, or the index of an element.
class LocationPart {
public:
  /// A name.
  LocationPart(const char* name) : name_(name) {}
  /// A name.
  LocationPart(std::string_view name) : name_(name) {}
  /// A name.
  LocationPart(std::string name) : name_(std::move(name)) {}
  /// An index, from 0.
  template <std::integral Index>
    requires(!std::same_as<Index, bool> && !std::same_as<Index, char>)
  LocationPart(Index index) : index_(static_cast<std::size_t>(index)), is_index_(true) {}

  /// It is an index, and no name.
  bool is_index() const noexcept { return is_index_; }
  /// Empty if it is an index.
  const std::string& name() const noexcept { return name_; }
  /// 0 if it is a name.
  std::size_t index() const noexcept { return index_; }

  friend bool operator==(const LocationPart&, const LocationPart&) = default;

private:
  std::string name_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace umbel
