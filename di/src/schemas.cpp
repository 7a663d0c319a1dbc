// SPDX-License-Identifier: MIT
#include "schemas.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>

#include "umbel/json/model_writer.hpp"

namespace umbel::detail {

namespace {

/// Of the ready-made components.
constexpr std::string_view reserved_names[] = {"HTTPValidationError", "ValidationError"};

constexpr std::string_view number_words[] = {"char", "double", "int", "long", "short", "signed", "unsigned"};

bool is_number_word(std::string_view word) noexcept {
  return std::find(std::begin(number_words), std::end(number_words), word) != std::end(number_words);
}

/// Of the standard library's namespaces, those that are inline: one compiler writes them, another does not.
bool is_inline_namespace(std::string_view word) noexcept { return word == "__cxx11" || word == "_V2" || word == "__1"; }

/// "long unsigned int" and "unsigned long" -> "unsignedlong"
std::string number_name(const std::vector<std::string_view>& words) {
  std::string name;
  bool has_size = false;
  for (const std::string_view word : words) {
    if (word == "unsigned" || word == "signed") name.insert(0, word);
    else if (word != "int") name.append(word), has_size = true;
  }
  return has_size ? name : name + "int";
}

/// The name of a component out of a type as the compiler writes it: "shop::Page<shop::Item>" -> "Page_Item_"; with
/// namespaces, "shop__Page_shop__Item_". What stands in brackets before `::`, an anonymous namespace or a function's
/// parameters, is dropped, and what compilers write differently is made the same.
class ComponentName {
public:
  ComponentName(std::string_view type, bool with_namespaces) : rest_(type), with_namespaces_(with_namespaces) {}

  std::string make() && {
    while (!rest_.empty()) {
      if (is_name_character(rest_.front())) add_word();
      else add_sign();
    }
    return std::move(name_);
  }

private:
  std::string_view take_word() noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && is_name_character(rest_[size])) ++size;
    const std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }

  std::string_view peek_word() const noexcept { return ComponentName{*this}.take_word(); }

  void add_word() {
    std::string_view word = take_word();
    if (depth_ > 0) return;
    if (is_number_word(word)) return add_number(word);
    if (is_inline_namespace(word) && rest_.starts_with("::")) return rest_.remove_prefix(2);
    if (word.starts_with("basic_string") && rest_.starts_with("<char>")) {
      word.remove_prefix(6);
      rest_.remove_prefix(6);
    }
    if (word[0] >= '0' && word[0] <= '9') word = word.substr(0, word.find_last_not_of("UL") + 1);
    for (const char c : word) add_character(static_cast<unsigned char>(c));
  }

  void add_number(std::string_view first) {
    std::vector<std::string_view> words{first};
    const auto follows = [&] {
      ComponentName ahead{*this};
      if (!ahead.rest_.starts_with(' ')) return false;
      ahead.rest_.remove_prefix(1);
      return is_number_word(ahead.peek_word());
    };
    while (follows()) {
      rest_.remove_prefix(1);
      words.push_back(take_word());
    }
    name_.append(number_name(words));
  }

  /// Names of components are ASCII.
  void add_character(unsigned char c) {
    if (c < 0x80) name_.push_back(static_cast<char>(c));
    else if (c >= 0xC0) name_.push_back('_');
  }

  void add_sign() {
    if (rest_.starts_with(unnamed)) return rest_.remove_prefix(unnamed.size());
    const char c = rest_.front();
    const bool is_scope = rest_.starts_with("::");
    rest_.remove_prefix(is_scope ? 2 : 1);
    if (c == '(' || c == '{') ++depth_;
    else if (c == ')' || c == '}') --depth_;
    else if (depth_ > 0 || c == ' ') return;
    else if (is_scope) end_namespace();
    else name_.push_back('_'), word_ = name_.size();
  }

  void end_namespace() {
    if (!with_namespaces_) name_.resize(word_);
    else if (name_.size() > word_ && !name_.ends_with("__")) name_.append("__");
  }

  // An anonymous namespace before an enumerator, which g++ writes so.
  static constexpr std::string_view unnamed = "<unnamed>::";

  std::string_view rest_;
  bool with_namespaces_;
  std::string name_;
  std::size_t word_ = 0;  // Where the name with its namespaces begins that is being read.
  int depth_ = 0;         // Of brackets.
};

std::string component_name(std::string_view type, bool with_namespaces) {
  return ComponentName{type, with_namespaces}.make();
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
  const bool is_fraction = absent.kind == Kind::number && absent.value.kind == Bound::Kind::fraction;
  if (is_fraction && !std::isfinite(absent.value.fraction)) return;  // JSON cannot say it.
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

std::string reference_to(const Shape& object, const ModelNames& names) {
  return "#/components/schemas/" + names.name_of(object);
}

void write_variant(JsonWriter& json, const Shape& shape, const ModelNames& names) {
  json.key("oneOf").begin_array();
  for (std::size_t i = 0; i < shape.count; ++i) write_schema(json, *shape.members[i].shape, names);
  json.end_array().key("discriminator").begin_object().field("propertyName", shape.text);
  json.key("mapping").begin_object();
  for (std::size_t i = 0; i < shape.count; ++i)
    json.key(shape.members[i].key).value(reference_to(*shape.members[i].shape, names));
  json.end_object().end_object();
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
      return void(json.field("$ref", reference_to(shape, names)));
    case ShapeKind::variant:
      return write_variant(json, shape, names);
    case ShapeKind::tag:
      return void(json.field("type", "string").field("const", shape.text));
    case ShapeKind::date:
      return void(json.field("type", "string").field("format", "date"));
    case ShapeKind::moment:
      return void(json.field("type", "string").field("format", "date-time"));
    case ShapeKind::file:
      return void(json.field("type", "string").field("contentMediaType", "application/octet-stream"));
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

/// A field of a form that is left out is not there: it is never null.
const Shape& shape_of(const MemberShape& member, Use use) noexcept {
  const bool is_never_null = use == Use::form && member.shape->kind == ShapeKind::optional;
  return is_never_null ? *member.shape->inner : *member.shape;
}

void write_property(JsonWriter& json, const MemberShape& member, const NamedModel& model, const ModelNames& names) {
  const Shape& object = *model.shape;
  json.key(member.key).begin_object();
  write_shape_members(json, shape_of(member, model.use), names);
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
  if (shape.kind == ShapeKind::object && !add_name(shape, Use::json)) return;
  if (!shape.members) return;
  for (std::size_t i = 0; i < shape.count; ++i) add(*shape.members[i].shape);
}

void ModelNames::add_form(const Shape& shape) { add_name(shape, Use::form); }

bool ModelNames::add_name(const Shape& shape, Use use) {
  const std::string_view type = model_name_in(shape.name);
  if (!places_.emplace(std::tuple{type, shape.members, use}, models_.size()).second) return false;
  models_.push_back({&shape, component_name(type, false), use});
  return true;
}

void ModelNames::choose() {
  std::map<std::string, int> counts;
  for (const std::string_view name : reserved_names) ++counts[std::string{name}];
  for (const NamedModel& model : models_) ++counts[model.name];
  std::set<std::string> taken{std::begin(reserved_names), std::end(reserved_names)};
  for (NamedModel& model : models_) {
    if (counts[model.name] > 1) model.name = component_name(model_name_in(model.shape->name), true);
    const std::string name = model.name;
    for (int number = 2; !taken.insert(model.name).second; ++number) model.name = name + "_" + std::to_string(number);
  }
}

const std::string& ModelNames::name_of(const Shape& shape, Use use) const {
  return models_[places_.at({model_name_in(shape.name), shape.members, use})].name;
}

std::vector<NamedModel> ModelNames::sorted() const {
  std::vector<NamedModel> all = models_;
  std::sort(all.begin(), all.end(), [](const NamedModel& a, const NamedModel& b) { return a.name < b.name; });
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

void write_model_schema(JsonWriter& json, const NamedModel& model, const ModelNames& names) {
  const Shape& object = *model.shape;
  json.begin_object();
  if (object.forbids_extra) json.field("additionalProperties", false);
  json.key("properties").begin_object();
  for (std::size_t i = 0; i < object.count; ++i) write_property(json, object.members[i], model, names);
  json.end_object().field("type", "object");
  write_required(json, object);
  json.field("title", model.name).end_object();
}

}  // namespace umbel::detail
