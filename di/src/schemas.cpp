// SPDX-License-Identifier: MIT
#include "schemas.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>

#include "umbel/json/model_writer.hpp"

namespace umbel::detail {

namespace {

/// Of the ready-made components.
constexpr std::string_view reserved_names[] = {"HTTPValidationError", "ValidationError"};

bool is_word(char c) noexcept { return is_name_character(c) && static_cast<unsigned char>(c) < 0x80; }

/// "shop::Page<shop::Item>" -> "Page_Item_"; with namespaces, "shop__Page_shop__Item_". What stands in brackets before
/// `::`, an anonymous namespace or a function's parameters, is dropped.
std::string component_name(std::string_view type, bool with_namespaces) {
  std::string name;
  std::size_t word = 0;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < type.size(); ++i) {
    const char c = type[i];
    if (c == '(' || c == '{') ++depth;
    else if (c == ')' || c == '}') --depth;
    else if (depth > 0 || c == ' ') continue;
    else if (is_word(c)) name.push_back(c);
    else if (c != ':') name.push_back('_'), word = name.size();
    else if (++i; !with_namespaces) name.resize(word);
    else if (name.size() > word && !name.ends_with("__")) name.append("__");
  }
  return name;
}

/// What stands between quotes in "'a', 'b' or 'c'".
std::vector<std::string_view> names_in_words(std::string_view words) {
  std::vector<std::string_view> names;
  for (std::size_t at = words.find('\''); at != std::string_view::npos; at = words.find('\'', at + 1)) {
    const std::size_t end = words.find('\'', at + 1);
    names.push_back(words.substr(at + 1, end - at - 1));
    at = end;
  }
  return names;
}

void write_enumerators(JsonWriter& json, std::string_view words) {
  json.field("type", "string").key("enum").begin_array();
  for (const std::string_view name : names_in_words(words)) json.value(name);
  json.end_array();
}

/// By the names that OpenAPI's registry of formats has.
std::string_view format_of(ValueType type, std::size_t bytes) noexcept {
  const bool is_unsigned = type == ValueType::unsigned_number;
  if (type == ValueType::real) return bytes == sizeof(float) ? "float" : "double";
  switch (bytes) {
    case 1:
      return is_unsigned ? "uint8" : "int8";
    case 2:
      return is_unsigned ? "uint16" : "int16";
    case 4:
      return is_unsigned ? "uint32" : "int32";
    default:
      return is_unsigned ? "uint64" : "int64";
  }
}

void write_number(JsonWriter& json, ValueType type, std::size_t bytes, bool is_bounded_below) {
  json.field("type", type == ValueType::real ? "number" : "integer").field("format", format_of(type, bytes));
  if (type == ValueType::unsigned_number && !is_bounded_below) json.field("minimum", 0);
}

/// What ECMA-262 writes otherwise: \A, \z and \x{...}.
std::string in_ecma_syntax(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("\\x{")) {
      out.append("\\u");
      ++i;
    } else if (rest.starts_with("\\A") || rest.starts_with("\\z")) {
      out.push_back(rest[1] == 'A' ? '^' : '$');
      ++i;
    } else {
      out.push_back(pattern[i]);
      if (pattern[i] == '\\' && rest.size() > 1) out.push_back(pattern[++i]);
    }
  }
  return out;
}

struct Keyword {
  std::string_view ours;
  std::string_view theirs;
};
constexpr Keyword keywords[] = {{"ge", "minimum"},
                                {"gt", "exclusiveMinimum"},
                                {"le", "maximum"},
                                {"lt", "exclusiveMaximum"},
                                {"multiple_of", "multipleOf"}};

std::string_view keyword_of(const Violation& violation) noexcept {
  const bool is_of_list = violation.type == AtLeast::list_type || violation.type == AtMost::list_type;
  if (violation.key == AtLeast::key) return is_of_list ? "minItems" : "minLength";
  if (violation.key == AtMost::key) return is_of_list ? "maxItems" : "maxLength";
  const auto found = std::find_if(std::begin(keywords), std::end(keywords),
                                  [&](const Keyword& keyword) { return keyword.ours == violation.key; });
  return found == std::end(keywords) ? violation.key : found->theirs;
}

using Violations = std::vector<const Violation*>;

/// Null is none.
Violations constraints_of(const ValueSchema& schema) {
  Violations all{schema.constraints.begin(), schema.constraints.end()};
  std::erase(all, nullptr);
  return all;
}
Violations constraints_of(const Shape& shape) {
  Violations all;
  for (const Violation& violation : shape.constraints) all.push_back(&violation);
  return all;
}

bool is_of_list(const Violation& violation) noexcept { return keyword_of(violation).ends_with("Items"); }
bool is_lower_bound(const Violation* violation) noexcept {
  return violation->key == GreaterEqual::key || violation->key == Greater::key;
}

void write_constraints(JsonWriter& json, const Violations& constraints, bool of_list) {
  std::vector<std::string_view> written;  // Of two for one keyword, the first: a document has one.
  for (const Violation* const violation : constraints) {
    const std::string_view keyword = keyword_of(*violation);
    if (is_of_list(*violation) != of_list) continue;
    if (std::find(written.begin(), written.end(), keyword) != written.end()) continue;
    written.push_back(keyword);
    if (violation->bound.kind == Bound::Kind::text) json.field(keyword, in_ecma_syntax(violation->bound.text));
    else violation->bound.visit([&](auto bound) { json.field(keyword, bound); });
  }
}

void write_text_members(JsonWriter& json, const TextSchema& text, const Violations& constraints) {
  switch (text.type) {
    case ValueType::text:
      json.field("type", "string");
      if (!text.format.empty()) json.field("format", text.format);
      break;
    case ValueType::boolean:
      json.field("type", "boolean");
      break;
    case ValueType::enumeration:
      write_enumerators(json, text.enumerators);
      break;
    default:
      write_number(json, text.type, text.bytes, std::any_of(constraints.begin(), constraints.end(), is_lower_bound));
      break;
  }
  write_constraints(json, constraints, false);
}

void write_default(JsonWriter& json, const DefaultValue& absent) {
  using Kind = DefaultValue::Kind;
  if (absent.kind == Kind::none || absent.kind == Kind::unknown) return;
  json.key("default");
  if (absent.kind == Kind::empty_list) json.begin_array().end_array();
  else if (absent.kind == Kind::boolean) json.value(absent.value.whole != 0);
  else absent.value.visit([&](auto value) { json.value(value); });
}

void write_list(JsonWriter& json, const Shape& shape, const ModelNames& names) {
  json.key("items");
  write_schema(json, *shape.inner, names);
  json.field("type", "array");
  if (shape.kind == ShapeKind::array) json.field("minItems", shape.count).field("maxItems", shape.count);
}

void write_bare_members(JsonWriter& json, const Shape& shape, bool is_bounded_below, const ModelNames& names) {
  switch (shape.kind) {
    case ShapeKind::boolean:
      return void(json.field("type", "boolean"));
    case ShapeKind::signed_number:
      return write_number(json, ValueType::signed_number, shape.size, is_bounded_below);
    case ShapeKind::unsigned_number:
      return write_number(json, ValueType::unsigned_number, shape.size, is_bounded_below);
    case ShapeKind::real:
      return write_number(json, ValueType::real, shape.size, is_bounded_below);
    case ShapeKind::text:
    case ShapeKind::view:
      return void(json.field("type", "string"));
    case ShapeKind::enumeration:
      return write_enumerators(json, static_cast<const EnumOperations*>(shape.operations)->expected);
    case ShapeKind::optional:
      json.key("anyOf").begin_array();
      write_schema(json, *shape.inner, names);
      return void(json.begin_object().field("type", "null").end_object().end_array());
    case ShapeKind::list:
    case ShapeKind::array:
      return write_list(json, shape, names);
    case ShapeKind::map:
      json.key("additionalProperties");
      write_schema(json, *shape.inner, names);
      return void(json.field("type", "object"));
    case ShapeKind::object:
      return void(json.field("$ref", "#/components/schemas/" + names.name_of(shape)));
  }
}

void write_shape_members(JsonWriter& json, const Shape& shape, const ModelNames& names) {
  const Violations constraints = constraints_of(shape);
  const bool is_list = shape.kind == ShapeKind::list;
  write_bare_members(json, shape, std::any_of(constraints.begin(), constraints.end(), is_lower_bound), names);
  write_constraints(json, constraints, is_list);
}

/// What the initialiser of a Defaulted says, as JSON; nothing if JSON cannot say it.
std::optional<std::string> default_of(const MemberShape& member, const Shape& object) {
  if (member.is_required || member.shape->kind == ShapeKind::optional || !object.made) return std::nullopt;
  const auto offset = static_cast<const char*>(member.place) - static_cast<const char*>(object.room);
  try {
    JsonWriter json;
    write_shape(json, *member.shape, static_cast<const char*>(object.made()) + offset);
    return std::string{std::move(json).take().view()};
  } catch (const JsonError&) {
    return std::nullopt;
  }
}

void write_property(JsonWriter& json, const MemberShape& member, const Shape& object, const ModelNames& names) {
  json.key(member.key).begin_object();
  write_shape_members(json, *member.shape, names);
  if (const auto value = default_of(member, object)) json.key("default").raw(*value);
  json.end_object();
}

void write_required(JsonWriter& json, const Shape& object) {
  const auto is_required = [](const MemberShape& member) { return member.is_required; };
  if (std::none_of(object.members, object.members + object.count, is_required)) return;
  json.key("required").begin_array();
  for (std::size_t i = 0; i < object.count; ++i) {
    if (object.members[i].is_required) json.value(object.members[i].name());
  }
  json.end_array();
}

}  // namespace

void ModelNames::add(const Shape& shape) {
  if (shape.inner) return add(*shape.inner);
  if (shape.kind != ShapeKind::object) return;
  const std::string_view type = model_name_in(shape.name);
  if (!places_.emplace(std::pair{type, shape.members}, models_.size()).second) return;
  models_.push_back({&shape, component_name(type, false)});
  for (std::size_t i = 0; i < shape.count; ++i) add(*shape.members[i].shape);
}

void ModelNames::choose() {
  std::map<std::string, int> counts;
  for (const std::string_view name : reserved_names) ++counts[std::string{name}];
  for (const Model& model : models_) ++counts[model.name];
  std::set<std::string> taken{std::begin(reserved_names), std::end(reserved_names)};
  for (Model& model : models_) {
    if (counts[model.name] > 1) model.name = component_name(model_name_in(model.shape->name), true);
    const std::string name = model.name;
    for (int number = 2; !taken.insert(model.name).second; ++number) model.name = name + "_" + std::to_string(number);
  }
}

const std::string& ModelNames::name_of(const Shape& shape) const {
  return models_[places_.at({model_name_in(shape.name), shape.members})].name;
}

std::vector<std::pair<std::string, const Shape*>> ModelNames::sorted() const {
  std::vector<std::pair<std::string, const Shape*>> all;
  for (const Model& model : models_) all.emplace_back(model.name, model.shape);
  std::sort(all.begin(), all.end());
  return all;
}

void write_schema(JsonWriter& json, const ValueSchema& schema) {
  const Violations constraints = constraints_of(schema);
  json.begin_object();
  if (schema.is_list) {
    json.key("items").begin_object();
    write_text_members(json, *schema.text, constraints);
    json.end_object().field("type", "array");
    write_constraints(json, constraints, true);
  } else {
    write_text_members(json, *schema.text, constraints);
  }
  write_default(json, schema.absent);
  json.end_object();
}

void write_schema(JsonWriter& json, const Shape& shape, const ModelNames& names) {
  json.begin_object();
  write_shape_members(json, shape, names);
  json.end_object();
}

void write_model_schema(JsonWriter& json, const Shape& object, const ModelNames& names) {
  json.begin_object();
  if (object.forbids_extra) json.field("additionalProperties", false);
  json.key("properties").begin_object();
  for (std::size_t i = 0; i < object.count; ++i) write_property(json, object.members[i], object, names);
  json.end_object().field("type", "object");
  write_required(json, object);
  json.field("title", names.name_of(object)).end_object();
}

}  // namespace umbel::detail
