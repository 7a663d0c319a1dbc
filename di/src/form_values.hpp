// SPDX-License-Identifier: MIT
#pragma once
// From a form's names and texts to the members of a struct.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/di/convert.hpp"
#include "umbel/di/uploaded_file.hpp"
#include "umbel/di/validation.hpp"
#include "umbel/json/detail/shape.hpp"

namespace umbel::detail {

/// Fills a struct of which nothing is filled yet, and tells what is wrong, in the order in which it came; members that
/// are missing come last.
class FormValues {
public:
  FormValues(const Shape& shape, void* form) noexcept : shape_(shape), form_(static_cast<char*>(form)) {}

  /// A value, decoded.
  void add_text(std::string_view name, std::string_view value);
  /// A value that cannot be decoded.
  void add_wrong(std::string_view name, std::string_view value, const ConvertError& error);
  /// Where a file goes. Null if nobody wants it.
  UploadedFile* add_file(std::string_view name);
  /// Nothing will follow. With everything that is wrong.
  std::vector<ValidationItem> finish();
  /// The body is none that could be read: everything is missing.
  std::vector<ValidationItem> refuse();

private:
  /// What a value goes into.
  struct Place {
    std::size_t member;
    const Shape* shape;  // Of the value.
    const ListOperations* list = nullptr;
    void* at = nullptr;  // Of the value, or of the list.
  };

  std::optional<Place> find(std::string_view name, std::string_view value, bool is_file);
  Place enter(std::size_t member);
  void* element(const Place& place);
  std::vector<LocationPart> location(const Place& place) const;
  void report(const Place& place, const ConvertError& error, std::optional<std::string_view> sent);
  void report_other(std::string_view name, std::optional<std::string_view> value);
  /// `count`: it is a list, with so many elements.
  void report_broken(const Violation& broken, std::vector<LocationPart> loc, std::optional<std::string_view> sent,
                     std::optional<std::size_t> count);
  void check_list(std::size_t member);
  void add(ValidationItem item);
  bool has_seen(std::size_t member) const noexcept { return seen_ >> member & 1; }

  const Shape& shape_;
  char* form_;
  std::uint64_t seen_ = 0;            // Members that were sent.
  std::uint64_t bad_ = 0;             // Members of which a value is wrong.
  std::vector<std::uint32_t> sizes_;  // Of lists: elements that were sent, right or wrong.
  std::vector<ValidationItem> items_;
};

}  // namespace umbel::detail
