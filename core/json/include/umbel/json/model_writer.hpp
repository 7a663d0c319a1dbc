// SPDX-License-Identifier: MIT
#pragma once
// Structs into JSON.

#include "umbel/json/detail/shape.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace detail {
void write_shape(JsonWriter& json, const Shape& shape, const void* from);
}

/// Writes a struct, or a list or a map of them, as the next value: members in their order, an empty optional as null,
/// an enum by its name.
///
///     JsonWriter json;
///     write_model(json, item);
///
/// Throws JsonError for what JSON cannot say: a text that is no UTF-8, NaN, an infinity, an enum whose value has no
/// name. The document is lost then, as after any error of the writer.
template <detail::Document T>
void write_model(JsonWriter& json, const T& model) {
  detail::write_shape(json, detail::ShapeOf<T>::value, &model);
}

}  // namespace umbel
