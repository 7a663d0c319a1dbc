// SPDX-License-Identifier: MIT
#pragma once
// Types as JSON Schema of the dialect that OpenAPI 3.1 has (2020-12).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "umbel/di/value_schema.hpp"
#include "umbel/json/detail/shape.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel::detail {

/// What a model is read from. A struct may be both, and is two components then.
enum class Use : std::uint8_t { json, form };

/// A component.
struct NamedModel {
  const Shape* shape;
  std::string name;
  Use use;
};

/// The models of a document, each under a name of its own: `Item` of shop::Item. If several have that one, all are told
/// apart by their namespaces: `shop__Item`.
class ModelNames {
public:
  /// And all that it is made of. Before the first `name_of`.
  void add(const Shape& shape);
  /// Of a struct that is a form.
  void add_form(const Shape& shape);
  /// Once all are there.
  void choose();
  /// Of an object.
  const std::string& name_of(const Shape& shape, Use use = Use::json) const;
  /// By name.
  std::vector<NamedModel> sorted() const;

private:
  /// False: it is known already.
  bool add_name(const Shape& shape, Use use);

  // Of one model, there are several shapes if it is, say, a Defaulted of it, too: they have one table of members.
  std::map<std::tuple<std::string_view, const MemberShape*, Use>, std::size_t> places_;
  std::vector<NamedModel> models_;  // In the order in which they were added.
};

/// A parameter's.
void write_schema(JsonWriter& json, const ValueSchema& schema);
/// Of what a model is made of, objects as references.
void write_schema(JsonWriter& json, const Shape& shape, const ModelNames& names);
/// Of a model, written out.
void write_model_schema(JsonWriter& json, const NamedModel& model, const ModelNames& names);

}  // namespace umbel::detail
