// SPDX-License-Identifier: MIT
#include "umbel/json/model_writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include "iso_8601.hpp"

namespace umbel {

namespace {

using detail::MemberShape;
using detail::Shape;
using detail::ShapeKind;

template <class T>
const T& at(const void* from) noexcept {
  return *static_cast<const T*>(from);
}

std::int64_t load_signed(std::uint32_t size, const void* from) noexcept {
  switch (size) {
    case 1:
      return at<std::int8_t>(from);
    case 2:
      return at<std::int16_t>(from);
    case 4:
      return at<std::int32_t>(from);
    default:
      return at<std::int64_t>(from);
  }
}

std::uint64_t load_unsigned(std::uint32_t size, const void* from) noexcept {
  switch (size) {
    case 1:
      return at<std::uint8_t>(from);
    case 2:
      return at<std::uint16_t>(from);
    case 4:
      return at<std::uint32_t>(from);
    default:
      return at<std::uint64_t>(from);
  }
}

std::string_view name_of(const Shape& shape, const void* from) {
  const std::string_view name = static_cast<const detail::EnumOperations*>(shape.operations)->name(from);
  if (name.empty()) throw JsonError("an enum for JSON has a value without a name");
  return name;
}

detail::MomentText text_of_date(const Shape& shape, const void* from) {
  const auto text = detail::to_text(static_cast<const detail::DateOperations*>(shape.operations)->get(from));
  if (text.size == 0) throw JsonError("a date for JSON is none, or its year has not four digits");
  return text;
}

detail::MomentText text_of_moment(const Shape& shape, const void* from) {
  const auto& operations = *static_cast<const detail::MomentOperations*>(shape.operations);
  const auto text = detail::to_text(operations.get(from), operations.digits);
  if (text.size == 0) throw JsonError("a time for JSON lies in a year that has not four digits");
  return text;
}

// Hands a value on that is none of several; false if it is.
template <class Use>
[[gnu::always_inline]] inline bool use_scalar(const Shape& shape, const void* from, Use use) {
  switch (shape.kind) {
    case ShapeKind::boolean:
      return use(at<bool>(from)), true;
    case ShapeKind::signed_number:
      return use(load_signed(shape.size, from)), true;
    case ShapeKind::unsigned_number:
      return use(load_unsigned(shape.size, from)), true;
    case ShapeKind::real:
      return use(shape.size == sizeof(float) ? double{at<float>(from)} : at<double>(from)), true;
    case ShapeKind::text:
      return use(std::string_view(at<std::string>(from))), true;
    case ShapeKind::view:
      return use(at<std::string_view>(from)), true;
    case ShapeKind::enumeration:
      return use(name_of(shape, from)), true;
    case ShapeKind::tag:
      return use(shape.text), true;
    case ShapeKind::date:
      return use(text_of_date(shape, from).view()), true;
    case ShapeKind::moment:
      return use(text_of_moment(shape, from).view()), true;
    default:
      return false;
  }
}

void write_elements(JsonWriter& json, const Shape& shape, detail::Elements elements) {
  json.begin_array();
  const char* element = static_cast<const char*>(elements.first);
  for (std::size_t i = 0; i < elements.count; ++i, element += shape.size)
    detail::write_shape(json, *shape.inner, element);
  json.end_array();
}

struct Entries {
  static void write(void* visitor, std::string_view key, const void* value) {
    const auto& entries = *static_cast<const Entries*>(visitor);
    entries.json.key(key);
    detail::write_shape(entries.json, entries.inner, value);
  }

  JsonWriter& json;
  const Shape& inner;
};

void write_map(JsonWriter& json, const Shape& shape, const void* from) {
  json.begin_object();
  Entries entries{json, *shape.inner};
  static_cast<const detail::MapOperations*>(shape.operations)->each(from, Entries::write, &entries);
  json.end_object();
}

void write_member(JsonWriter& json, const MemberShape& member, const void* from) {
  const Shape* shape = member.shape;
  if (shape->kind == ShapeKind::optional) {
    from = static_cast<const detail::OptionalOperations*>(shape->operations)->get(from);
    if (!from) return void(json.field(member.key, nullptr));
    shape = shape->inner;
  }
  if (use_scalar(*shape, from, [&](const auto& value) { json.field(member.key, value); })) return;
  json.key(member.key);
  detail::write_shape(json, *shape, from);
}

void write_object(JsonWriter& json, const Shape& shape, const void* from) {
  json.begin_object();
  for (std::size_t i = 0; i < shape.count; ++i) {
    const MemberShape& member = shape.members[i];
    const auto offset = static_cast<const char*>(member.place) - static_cast<const char*>(shape.room);
    write_member(json, member, static_cast<const char*>(from) + offset);
  }
  json.end_object();
}

void write_variant(JsonWriter& json, const Shape& shape, const void* from) {
  const auto& operations = *static_cast<const detail::VariantOperations*>(shape.operations);
  const std::size_t index = operations.index(from);
  if (index >= shape.count) throw JsonError("a variant for JSON has no value");
  detail::write_shape(json, *shape.members[index].shape, operations.get(from));
}

void write_optional(JsonWriter& json, const Shape& shape, const void* from) {
  const void* const value = static_cast<const detail::OptionalOperations*>(shape.operations)->get(from);
  if (!value) return void(json.value(nullptr));
  detail::write_shape(json, *shape.inner, value);
}

}  // namespace

void detail::write_shape(JsonWriter& json, const Shape& shape, const void* from) {
  if (use_scalar(shape, from, [&](const auto& value) { json.value(value); })) return;
  switch (shape.kind) {
    case ShapeKind::optional:
      return write_optional(json, shape, from);
    case ShapeKind::list:
      return write_elements(json, shape, static_cast<const ListOperations*>(shape.operations)->elements(from));
    case ShapeKind::array:
      return write_elements(json, shape, {from, shape.count});
    case ShapeKind::map:
      return write_map(json, shape, from);
    case ShapeKind::variant:
      return write_variant(json, shape, from);
    case ShapeKind::file:
      throw JsonError("a file that was uploaded is no JSON");
    default:
      return write_object(json, shape, from);
  }
}

}  // namespace umbel
