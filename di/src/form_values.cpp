// SPDX-License-Identifier: MIT
#include "form_values.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "percent.hpp"
#include "umbel/di/convert.hpp"
#include "umbel/json/model_reader.hpp"

namespace umbel::detail {

namespace {

/// Puts a number where one of `size` bytes lies.
template <class... Number, class Wide>
void put(Wide number, std::uint32_t size, void* into) noexcept {
  const auto put_as = [&]<class T>(T narrow) {
    if (sizeof narrow == size) std::memcpy(into, &narrow, sizeof narrow);
  };
  (put_as(static_cast<Number>(number)), ...);
}

ConvertError store_signed(const Shape& shape, std::string_view text, void* into) noexcept {
  const auto bits = 8 * shape.size;
  const std::int64_t max = std::numeric_limits<std::int64_t>::max() >> (64 - bits);
  std::int64_t number = 0;
  const TextError error = parse_signed(text, -max - 1, max, number);
  if (error == TextError::none) put<std::int8_t, std::int16_t, std::int32_t, std::int64_t>(number, shape.size, into);
  return words_for(error);
}

ConvertError store_unsigned(const Shape& shape, std::string_view text, void* into) noexcept {
  const auto bits = 8 * shape.size;
  std::uint64_t number = 0;
  const TextError error = parse_unsigned(text, std::numeric_limits<std::uint64_t>::max() >> (64 - bits), number);
  if (error == TextError::none)
    put<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>(number, shape.size, into);
  return words_for(error);
}

ConvertError store_real(const Shape& shape, std::string_view text, void* into) noexcept {
  const bool is_float = shape.size == sizeof(float);
  double number = 0;
  const TextError error = parse_double(
      text, is_float ? double{std::numeric_limits<float>::max()} : std::numeric_limits<double>::max(), number);
  if (error == TextError::none) put<float, double>(number, shape.size, into);
  return words_for(error);
}

ConvertError store_bool(std::string_view text, void* into) noexcept {
  return words_for(parse_bool(text, *static_cast<bool*>(into)));
}

ConvertError store_name(const Shape& shape, std::string_view text, void* into) {
  const auto& names = *static_cast<const EnumOperations*>(shape.operations);
  if (names.set(into, text)) return {};
  return {"enum", names.message, names.expected};
}

ConvertError store_text(const Shape& shape, std::string_view text, void* into) {
  switch (shape.kind) {
    case ShapeKind::boolean:
      return store_bool(text, into);
    case ShapeKind::signed_number:
      return store_signed(shape, text, into);
    case ShapeKind::unsigned_number:
      return store_unsigned(shape, text, into);
    case ShapeKind::real:
      return store_real(shape, text, into);
    case ShapeKind::enumeration:
      return store_name(shape, text, into);
    case ShapeKind::text:
      return static_cast<std::string*>(into)->assign(text), ConvertError{};
    default:
      return {"value_error", "Value error, expected a file, received text"};
  }
}

/// What a file is told that comes where a value is wanted.
ConvertError no_file_wanted(const Shape& shape) noexcept {
  switch (shape.kind) {
    case ShapeKind::boolean:
      return {"bool_type", "Input should be a valid boolean"};
    case ShapeKind::signed_number:
    case ShapeKind::unsigned_number:
      return {"int_type", "Input should be a valid integer"};
    case ShapeKind::real:
      return {"float_type", "Input should be a valid number"};
    default:
      return {"string_type", "Input should be a valid string"};
  }
}

}  // namespace

void FormValues::add_text(std::string_view name, std::string_view value) {
  const std::optional<Place> place = find(name, value, false);
  if (!place) return;
  void* const into = place->shape->kind == ShapeKind::file ? nullptr : element(*place);
  if (const ConvertError error = store_text(*place->shape, value, into)) return report(*place, error, value);
  const Violation* const broken = place->shape->broken ? place->shape->broken(into) : nullptr;
  if (!broken) return;
  bad_ |= std::uint64_t{1} << place->member;
  report_broken(*broken, location(*place), value, std::nullopt);
}

void FormValues::add_wrong(std::string_view name, std::string_view value, const ConvertError& error) {
  if (const std::optional<Place> place = find(name, value, false)) report(*place, error, value);
}

UploadedFile* FormValues::add_file(std::string_view name) {
  const std::optional<Place> place = find(name, {}, true);
  if (!place) return nullptr;
  if (place->shape->kind == ShapeKind::file) return static_cast<UploadedFile*>(element(*place));
  report(*place, no_file_wanted(*place->shape), std::nullopt);
  return nullptr;
}

/// Of what nobody wants there is no place: another's name, a second value for a single one, and what a browser sends
/// for a field that was left empty.
std::optional<FormValues::Place> FormValues::find(std::string_view name, std::string_view value, bool is_file) {
  for (std::size_t member = 0; member < shape_.count; ++member) {
    if (shape_.members[member].name() != name) continue;
    const Shape* shape = shape_.members[member].shape;
    if (shape->kind == ShapeKind::optional) shape = shape->inner;
    const bool is_list = shape->kind == ShapeKind::list;
    if (is_list) shape = shape->inner;
    if ((value.empty() && !is_file && shape->kind != ShapeKind::text) || (has_seen(member) && !is_list))
      return std::nullopt;
    return enter(member);
  }
  report_other(name, is_file ? std::nullopt : std::optional{value});
  return std::nullopt;
}

/// The first value of an optional makes it, and the first of a list empties it.
FormValues::Place FormValues::enter(std::size_t member) {
  const MemberShape& entered = shape_.members[member];
  Place place{member, entered.shape};
  place.at = form_ + (static_cast<const char*>(entered.place) - static_cast<const char*>(shape_.room));
  const bool is_first = !has_seen(member);
  if (place.shape->kind == ShapeKind::optional) {
    const auto& optional = *static_cast<const OptionalOperations*>(place.shape->operations);
    place.at = is_first ? optional.emplace(place.at) : const_cast<void*>(optional.get(place.at));
    place.shape = place.shape->inner;
  }
  if (place.shape->kind == ShapeKind::list) {
    place.list = static_cast<const ListOperations*>(place.shape->operations);
    if (is_first) place.list->clear(place.at);
    place.shape = place.shape->inner;
    sizes_.resize(shape_.count);
    ++sizes_[member];
  }
  seen_ |= std::uint64_t{1} << member;
  return place;
}

void* FormValues::element(const Place& place) { return place.list ? place.list->append(place.at) : place.at; }

std::vector<LocationPart> FormValues::location(const Place& place) const {
  std::vector<LocationPart> loc{"body", shape_.members[place.member].name()};
  if (place.list) loc.emplace_back(sizes_[place.member] - 1);
  return loc;
}

void FormValues::report(const Place& place, const ConvertError& error, std::optional<std::string_view> sent) {
  if (sent && sent->size() > longest_error_input) sent.reset();
  bad_ |= std::uint64_t{1} << place.member;
  ValidationItem item{std::string{error.type}, location(place), std::string{error.message}, sent};
  if (!error.expected.empty()) item.context("expected", error.expected);
  add(std::move(item));
}

void FormValues::report_broken(const Violation& broken, std::vector<LocationPart> loc,
                               std::optional<std::string_view> sent, std::optional<std::size_t> count) {
  if (sent && sent->size() > longest_error_input) sent.reset();
  ValidationItem item{std::string{broken.type}, std::move(loc), message_of(broken), sent};
  if (count) item.message += std::to_string(*count);
  if (count) item.context("field_type", "List");
  broken.bound.visit([&](auto bound) { item.context(broken.key, bound); });
  if (count) item.context("actual_length", *count);
  add(std::move(item));
}

/// Its size, when its elements are right.
void FormValues::check_list(std::size_t member) {
  const MemberShape& checked = shape_.members[member];
  const Shape* shape = checked.shape;
  const void* at = form_ + (static_cast<const char*>(checked.place) - static_cast<const char*>(shape_.room));
  if (shape->kind == ShapeKind::optional) {
    at = static_cast<const OptionalOperations*>(shape->operations)->get(at);
    shape = shape->inner;
  }
  if (shape->kind != ShapeKind::list || !shape->broken || bad_ >> member & 1) return;
  if (const Violation* const broken = shape->broken(at))
    report_broken(*broken, {"body", checked.name()}, std::nullopt, sizes_[member]);
}

void FormValues::report_other(std::string_view name, std::optional<std::string_view> value) {
  if (!shape_.forbids_extra) return;
  if (value && value->size() > longest_error_input) value.reset();
  std::vector<LocationPart> loc{"body"};
  if (name.size() <= longest_error_input && is_utf8(name)) loc.emplace_back(name);
  add({"extra_forbidden", std::move(loc), "Extra inputs are not permitted", value});
}

void FormValues::add(ValidationItem item) {
  if (items_.size() < most_model_errors) items_.push_back(std::move(item));
}

std::vector<ValidationItem> FormValues::finish() {
  for (std::size_t member = 0; member < shape_.count; ++member) {
    if (has_seen(member)) check_list(member);
    else if (shape_.members[member].is_required)
      add({"missing", {"body", shape_.members[member].name()}, "Field required"});
  }
  if (items_.empty() && shape_.validate) {
    if (const std::optional<std::string> wrong = shape_.validate(form_))
      add({"value_error", {"body"}, "Value error, " + *wrong});
  }
  return std::move(items_);
}

std::vector<ValidationItem> FormValues::refuse() {
  std::vector<ValidationItem> items = finish();
  if (items.empty()) items.push_back({"missing", {"body"}, "Field required"});
  return items;
}

}  // namespace umbel::detail
