// SPDX-License-Identifier: MIT
#pragma once
// Parameters that come out of the request or the application.

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/request.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/di/convert.hpp"
#include "umbel/di/provider.hpp"
#include "umbel/di/value_schema.hpp"
#include "umbel/json/constraints.hpp"
#include "umbel/json/fixed_string.hpp"

namespace umbel {

namespace detail {

template <FixedString text>
struct DefaultText {
  constexpr operator std::string_view() const noexcept { return text.view(); }
};

template <class T>
struct IsOptional : std::false_type {
  using Inner = T;
};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Inner = T;
};

template <class T>
inline constexpr bool held_by_value = std::is_trivially_copyable_v<T> && sizeof(T) <= 24;

/// A converted value: small ones are copied, others stay in the request's memory.
template <class T, bool by_value = held_by_value<T>>
class Held {
public:
  explicit constexpr Held(const T& value) noexcept : value_(value) {}
  constexpr const T& get() const noexcept { return value_; }

private:
  T value_;
};
template <class T>
class Held<T, false> {
public:
  explicit constexpr Held(const T& value) noexcept : value_(&value) {}
  Held(const T&&) = delete;
  constexpr const T& get() const noexcept { return *value_; }

private:
  const T* value_;
};

/// Words of the compiler's message to `Query<"page", int> page = 1`.
struct a_default_stands_inside_the_brackets_as_in_Query_page_int_1 {};

template <class T>
class ValueParameter {
public:
  using Value = T;

  /// The resolver calls this, and a unit test may. What is no small trivial type is referred to and must outlive us.
  explicit constexpr ValueParameter(const T& value) noexcept : value_(value) {}
  ValueParameter(const T&&)
    requires(!held_by_value<T>)
  = delete;
  /// Only `page = 1` comes here: what is not explicit is a template, so the other one is better for `page{1}`.
  template <class Remedy = a_default_stands_inside_the_brackets_as_in_Query_page_int_1>
  ValueParameter(const T&, Remedy = {}) = delete;

  constexpr const T& operator*() const noexcept { return value_.get(); }
  constexpr const T* operator->() const noexcept { return &value_.get(); }
  constexpr operator const T&() const noexcept { return value_.get(); }

private:
  Held<T> value_;
};

template <class T>
struct IsList : std::false_type {
  using Element = T;
};
template <class T, class Allocator>
struct IsList<std::vector<T, Allocator>> : std::true_type {
  using Element = T;
};

/// A default that is an empty list.
struct OrEmpty {};

/// An option for documents alone.
template <FixedString text>
struct DescriptionOption {
  static constexpr std::string_view umbel_description = text.view();
};
template <class Option>
concept Describes = requires { Option::umbel_description; };
template <class Option>
concept DefaultOption = !Constraint<Option> && !Describes<Option>;

/// The options that are defaults: at most one.
struct NoDefault {};
constexpr NoDefault default_among() { return {}; }
template <class First, class... Rest>
constexpr auto default_among(First first, Rest... rest) {
  if constexpr (DefaultOption<First>) return first;
  else return default_among(rest...);
}

/// What the type and the options of a text parameter mean.
template <class T, auto... options>
struct TextShape {
  using Value = typename IsOptional<T>::Inner;      // Without the optional around it.
  using Element = typename IsList<Value>::Element;  // What is made of one text.
  using Default = decltype(default_among(options...));
  using Own = Constraints<Element, options...>;
  static constexpr bool is_list = IsList<Value>::value;
  static constexpr bool is_optional = IsOptional<T>::value;
  static constexpr bool has_default = !std::is_same_v<Default, NoDefault>;
  static constexpr std::size_t default_count = ((DefaultOption<OptionType<options>> ? 1 : 0) + ... + std::size_t{0});
  static constexpr bool is_constrained = (Constraint<OptionType<options>> || ...);

  static constexpr bool can_be_default() {
    if constexpr (std::is_same_v<Default, OrEmpty>) return is_list;
    else if constexpr (std::is_arithmetic_v<Value> && std::is_arithmetic_v<Default>)
      return requires { Value{default_among(options...)}; };  // Nothing is lost: 1.5 is no int.
    else return !has_default || std::is_constructible_v<T, Default>;
  }
  /// Whether the default is a value that a client might send, too.
  static constexpr bool has_fitting_default() {
    if constexpr (!has_default || !can_be_default() || !is_constrained) return true;
    else if constexpr (std::is_same_v<Default, OrEmpty>) return !Own::broken_by_size(0);
    else if constexpr (TextType<Value>) return !Own::broken_by(std::string_view(default_among(options...)));
    else if constexpr (NumberType<Value>) return !Own::broken_by(Value(default_among(options...)));
    else return true;
  }
  /// Where there is a default, or the type has one.
  static T absent() {
    if constexpr (std::is_same_v<Default, OrEmpty>) return T(Value{});
    else if constexpr (has_default) return T(default_among(options...));
    else return T{};
  }
};

/// What documents say of the constraints among the options. Of a list, those of length are the list's.
template <class T, auto... options>
struct ConstraintsToTell {
  using Shape = TextShape<T, options...>;
  template <class Option>
  static constexpr const Violation* find() noexcept {
    if constexpr (!Constraint<Option>) return nullptr;
    else if constexpr (Shape::is_list && Option::umbel_constrains == Constrains::length)
      return &list_violation_of<Option>;
    else return &violation_of<typename Shape::Element, Option>;
  }
  static constexpr const Violation* all[]{find<OptionType<options>>()...};
};

/// Of several, the first.
constexpr std::string_view description_among() { return {}; }
template <class First, class... Rest>
constexpr std::string_view description_among(First, Rest... rest) {
  if constexpr (Describes<First>) return First::umbel_description;
  else return description_among(rest...);
}

template <class T, auto... options>
constexpr ValueSchema make_value_schema() noexcept {
  using Shape = TextShape<T, options...>;
  ValueSchema schema{&text_schema<typename Shape::Element>, Shape::is_list, Shape::is_optional};
  if constexpr (Shape::is_constrained) {
    schema.constraints = ConstraintsToTell<T, options...>::all;
  }
  if constexpr (std::is_same_v<typename Shape::Default, OrEmpty>) schema.absent.kind = DefaultValue::Kind::empty_list;
  else if constexpr (Shape::has_default && Shape::is_list) schema.absent.kind = DefaultValue::Kind::unknown;
  else if constexpr (Shape::has_default)
    schema.absent = default_value<typename Shape::Value>(default_among(options...));
  schema.description = description_among(options...);
  return schema;
}

// Shared by all parameters of that type.
template <class T, auto... options>
inline constexpr ValueSchema value_schema = make_value_schema<T, options...>();

/// Instantiated for each option, so that the compiler's message shows which.
template <FixedString name, class T, auto option>
struct CheckOption {
  using Option = OptionType<option>;
  using Element = typename TextShape<T>::Element;
  static constexpr bool speaks_of(Constrains what) {
    if constexpr (Constraint<Option>) return Option::umbel_constrains == what;
    else return false;
  }
  static constexpr bool is_fraction() {
    if constexpr (speaks_of(Constrains::number)) return !Option::is_whole;
    else return false;
  }
  static constexpr bool has_number() {
    if constexpr (speaks_of(Constrains::number)) return Option::has_number && Option::has_step;
    else return true;
  }
  static constexpr PatternError pattern_error() {
    if constexpr (speaks_of(Constrains::text)) return Option::error;
    else return PatternError::none;
  }
  static_assert(!speaks_of(Constrains::number) || NumberType<Element>,
                "umbel: ge, gt, le, lt and multiple_of are for numbers, and this parameter is none: for text there are "
                "min_length, max_length and pattern");
  static_assert(!speaks_of(Constrains::length) || TextType<Element> || TextShape<T>::is_list,
                "umbel: min_length and max_length are for text and lists, and this parameter is neither: for numbers "
                "there are ge, gt, le, lt and multiple_of");
  static_assert(!speaks_of(Constrains::text) || TextType<Element>,
                "umbel: pattern is for text, and this parameter is none: take it as std::string_view, or bound the "
                "number with ge, gt, le, lt and multiple_of");
  static_assert(!is_fraction() || !std::is_integral_v<Element>,
                "umbel: this parameter is a whole number, so its bound is one, too: write ge<1>, not ge<0.5>");
  static_assert(has_number(),
                "umbel: ge, gt, le and lt are given a number, and multiple_of a number greater than 0: ge<1>, "
                "multiple_of<0.5>");
  static_assert(pattern_error() != PatternError::syntax,
                "umbel: this pattern is no regular expression: a bracket or group that does not close, a quantifier "
                "with nothing before it, a range that runs backwards");
  static_assert(pattern_error() != PatternError::unsupported,
                "umbel: this pattern has what umbel's patterns do not: look-around, back references, flags and "
                "\\p{...} are not understood. Write the characters out, or check the value in a node");
  static_assert(pattern_error() != PatternError::too_large,
                "umbel: this pattern is too large: with its repetitions written out it has more than 1000 steps");
  static constexpr bool value = has_number() && pattern_error() == PatternError::none;
};

template <Source from>
constexpr bool may_be_list() {
  return from == Source::query || from == Source::header;
}

// What a text parameter is, or is not; the compiler prints these with their arguments.
template <FixedString name, class T>
inline constexpr bool is_made_from_text = TextConvertible<T>;
template <FixedString name, class T, auto... options>
inline constexpr bool has_a_default_of_its_type = TextShape<T, options...>::can_be_default();
template <FixedString name, class T, auto... options>
inline constexpr bool has_a_default_within_its_constraints = TextShape<T, options...>::has_fitting_default();

/// Instantiated where the parameter is written.
template <Source from, FixedString name, class T, auto... options>
struct CheckText {
  using Shape = TextShape<T, options...>;
  static_assert(!name.empty(), "umbel: a parameter needs a name: Query<\"q\">");
  static_assert(
      is_made_from_text<name, typename Shape::Element>,
      "umbel: this parameter's type cannot be made from text. Numbers, bool, enum class, std::string, "
      "std::string_view, std::optional of them and (for Query and Header) std::vector of them can; specialise "
      "umbel::FromText<T> for a type of your own. Constraints stand beside the type: Query<\"n\", int, ge<1>>");
  static_assert(alignof(T) <= BlockPool::granule, "umbel: a parameter's value is aligned to 64 at the most");
  static_assert(!Shape::is_list || may_be_list<from>(),
                "umbel: a path parameter or a cookie is one value, no list: std::vector is for Query and Header");
  static_assert(Shape::default_count == 0 || from != Source::path,
                "umbel: a path parameter is always there, so it takes no default");
  static_assert(Shape::default_count <= 1, "umbel: a parameter has one default at the most");
  static_assert(has_a_default_of_its_type<name, T, options...>,
                "umbel: this default cannot become a value of the parameter's type");
  static constexpr bool options_fit = (CheckOption<name, T, options>::value && ... && true);
  static_assert(!options_fit || has_a_default_within_its_constraints<name, T, options...>,
                "umbel: this default breaks the parameter's own constraints: change the one or the others");
  static constexpr bool value = true;
};

/// Of an element in a list.
using ListIndex = std::uint32_t;
inline constexpr ListIndex no_index = ~ListIndex{0};

// What is wrong becomes an item of the 422.
[[gnu::cold]] void report_missing(Resolver& resolver, const ValueInfo& info);
[[gnu::cold]] void report_text(Resolver& resolver, const ValueInfo& info, const ConvertError& error,
                               std::string_view text, ListIndex index);
[[gnu::cold]] void report_encoding(Resolver& resolver, const ValueInfo& info, const QueryText& sent, ListIndex index);
[[gnu::cold]] void report_broken(Resolver& resolver, const ValueInfo& info, const Violation& broken,
                                 std::string_view text, ListIndex index);
[[gnu::cold]] void report_list(Resolver& resolver, const ValueInfo& info, const Violation& broken, std::size_t size,
                               std::string input);

/// The values that the query string has for a name, in their order, decoded.
class QueryValues {
public:
  QueryValues(Resolver& resolver, std::string_view name) noexcept
      : rest_(resolver.request().query()), name_(name), arena_(&resolver.arena()) {}
  QueryText next();

private:
  std::string_view rest_;
  std::string_view name_;
  Arena* arena_;
};

/// The values of the header fields of a name, in their order. None of them is encoded.
class HeaderValues {
public:
  HeaderValues(Resolver& resolver, std::string_view name) noexcept
      : at_(resolver.request().headers().begin()), end_(resolver.request().headers().end()), name_(name) {}
  QueryText next() noexcept;

private:
  std::span<const HeaderField>::iterator at_;
  std::span<const HeaderField>::iterator end_;
  std::string_view name_;
};

/// A cookie of RFC 6265 section 4.2, from whichever Cookie field has it first, without the quotes around it.
std::optional<std::string_view> cookie_value(const Headers& headers, std::string_view name) noexcept;

/// Adds a text to a JSON array that is not closed yet.
void append_text(std::string& json, std::string_view text);

/// Of a list whose size breaks a constraint. `values` start at the first again.
template <class Values>
[[gnu::cold]] void report_size(Resolver& resolver, const ValueInfo& info, const Violation& broken, std::size_t size,
                               Values values) {
  std::string input;
  for (auto sent = values.next(); sent.state != QueryText::State::missing; sent = values.next())
    append_text(input, sent.text);
  report_list(resolver, info, broken, size, input.empty() ? "[]" : std::move(input) + "]");
}

/// Converts one text and checks the constraints of what it became, or reports.
template <class Shape>
bool convert_text(Resolver& resolver, const ValueInfo& info, std::string_view text, ListIndex index,
                  std::optional<typename Shape::Element>& value) {
  if (const ConvertError error = FromText<typename Shape::Element>::convert(text, value)) [[unlikely]]
    return report_text(resolver, info, error, text, index), false;
  if constexpr (Shape::is_constrained) {
    if (const Violation* const broken = Shape::Own::template broken_by<!Shape::is_list>(*value)) [[unlikely]]
      return report_broken(resolver, info, *broken, text, index), false;
  }
  return true;
}

/// What the client did not send.
template <class T, class Shape>
bool fill_absent(Resolver& resolver, const ValueInfo& info, void* slot) {
  if constexpr (Shape::has_default || Shape::is_optional) return ::new (slot) T(Shape::absent()), true;
  else return report_missing(resolver, info), false;
}

template <class T, auto... options>
bool extract_text(Resolver& resolver, const ValueInfo& info, std::optional<std::string_view> text, void* slot) {
  using Shape = TextShape<T, options...>;
  if (!text) return fill_absent<T, Shape>(resolver, info, slot);
  std::optional<typename Shape::Element> value;
  if (!convert_text<Shape>(resolver, info, *text, no_index, value)) [[unlikely]]
    return false;
  ::new (slot) T(*std::move(value));
  return true;
}

template <class T, auto... options, class Values>
bool extract_list(Resolver& resolver, const ValueInfo& info, Values values, void* slot) {
  using Shape = TextShape<T, options...>;
  typename Shape::Value list;
  const Values first = values;
  ListIndex count = 0;
  bool is_valid = true;
  for (auto sent = values.next(); sent.state != QueryText::State::missing; sent = values.next(), ++count) {
    std::optional<typename Shape::Element> value;
    if (sent.state != QueryText::State::good) [[unlikely]] {
      report_encoding(resolver, info, sent, count);
      is_valid = false;
      continue;
    }
    is_valid = convert_text<Shape>(resolver, info, sent.text, count, value) && is_valid;
    if (is_valid) list.push_back(*std::move(value));
  }
  if (count == 0) return fill_absent<T, Shape>(resolver, info, slot);
  if (!is_valid) return false;
  if (const Violation* const broken = Shape::Own::broken_by_size(count))
    return report_size(resolver, info, *broken, count, first), false;
  ::new (slot) T(std::move(list));
  return true;
}

template <class T>
void destroy_value(void* slot) noexcept {
  static_cast<T*>(slot)->~T();
}

template <class T>
constexpr auto destroyer() {
  void (*destroy)(void*) noexcept = nullptr;
  if constexpr (!std::is_trivially_destructible_v<T>) destroy = &destroy_value<T>;
  return destroy;
}

template <Source from>
constexpr std::string_view source_title() {
  switch (from) {
    case Source::path:
      return "Path";
    case Source::query:
      return "Query";
    case Source::cookie:
      return "Cookie";
    default:
      return "Header";
  }
}

/// A text parameter's one ValueInfo.
template <Source from, FixedString name, class T, auto... options>
struct TextValue {
  static_assert(CheckText<from, name, T, options...>::value);

  static bool extract(Resolver& resolver, std::uint32_t index, void* slot) {
    if constexpr (TextShape<T>::is_list) {
      using Values = std::conditional_t<from == Source::query, QueryValues, HeaderValues>;
      return extract_list<T, options...>(resolver, info, Values{resolver, name.view()}, slot);
    } else {
      std::optional<std::string_view> text;
      if constexpr (from == Source::path) text = resolver.path_value(index);
      else if constexpr (from == Source::query) {
        const QueryText sent = resolver.query_value({name.view(), name.view().find(' ') != std::string_view::npos});
        if (sent.state > QueryText::State::good) [[unlikely]]
          return report_encoding(resolver, info, sent, no_index), false;
        if (sent.state == QueryText::State::good) text = sent.text;
      } else if constexpr (from == Source::header) text = resolver.request().headers().get(name.view());
      else text = cookie_value(resolver.request().headers(), name.view());
      return extract_text<T, options...>(resolver, info, text, slot);
    }
  }

  static constexpr auto make_title() {
    struct Title {
      char text[source_title<from>().size() + sizeof(name.text) + 4]{};
    } made;
    std::size_t at = 0;
    for (const std::string_view part :
         {source_title<from>(), std::string_view{"<\""}, name.view(), std::string_view{"\">"}}) {
      for (const char c : part) made.text[at++] = c;
    }
    return made;
  }
  static constexpr auto title = make_title();
  static constexpr ValueInfo info{from,           name.view(), title.text,
                                  sizeof(T),      alignof(T),  &extract,
                                  destroyer<T>(), nullptr,     &value_schema<T, options...>};
};

/// What the compiler says when a route's template lacks a parameter; never called at run time, and not constexpr.
template <FixedString parameter, class Where>
void the_route_template_lacks_this_path_parameter_write_it_there_in_braces() {}

template <class P, Source from, FixedString parameter, class T, auto... options>
struct TextTraits {
  static constexpr Source source = from;
  static constexpr std::string_view name = parameter.view();
  template <class Where>
  static constexpr Need need() {
    Need need{from};
    need.value = &TextValue<from, parameter, T, options...>::info;
    if constexpr (from == Source::path)
      need.blame = &the_route_template_lacks_this_path_parameter_write_it_there_in_braces<parameter, Where>;
    return need;
  }
  static P get(Resolver& resolver, const Step&, Input input) noexcept {
    return P{*static_cast<const T*>(resolver.at(input.at.offset))};
  }
};

}  // namespace detail

/// A default that is text: `Query<"sort", std::string_view, default_to<"name">>`.
template <FixedString text>
inline constexpr detail::DefaultText<text> default_to{};

/// The default of a list: `Query<"tag", std::vector<std::string>, or_empty>` may be missing.
inline constexpr detail::OrEmpty or_empty{};

/// What documents say of a parameter, may be Markdown: `Query<"limit", int, 20, description<"How many at once">>`.
template <FixedString text>
inline constexpr detail::DescriptionOption<text> description{};

/// A parameter of the route's template, percent-decoded: `{item_id}`. A path with a `%` that is no escape, with `%00`,
/// or with escapes that make no UTF-8, is a 400 on every route. `*` and `->` give the value. T is a number, bool, an
/// enum (by its enumerators' names), `std::string_view` (valid until the request ends), `std::string`, or a type with
/// FromText. The options are constraints: `Path<"item_id", int, ge<1>>`. A template that lacks it does not compile.
/// What cannot be converted, or breaks a constraint, is a 422.
template <FixedString name, class T = std::string_view, auto... options>
class Path : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<detail::Source::path, name, T, options...>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// A parameter of the query string, percent-decoded, `+` read as a space. `*` and `->` give the value. The first of
/// that name counts. A `%` without two hexadecimal digits behind it is a 422, `percent_encoding`, and escapes that make
/// no UTF-8 are a 422, `string_unicode`; NUL (`%00`) is text like any other. Missing: its default (`Query<"limit", int,
/// 20>`), nothing (`std::optional`), or a 422. Options, in any order: a default and constraints.
///
///     Query<"limit", int, 20, ge<1>, le<100>>
///     Query<"sort", std::string_view, default_to<"name">, pattern<"^-?[a-z]+$">>
///
/// `std::vector<T>` takes all of that name, `?tag=a&tag=b`; none of it is a 422 unless there is `or_empty` or an
/// optional around it. min_length and max_length count its elements, the other constraints hold for each.
template <FixedString name, class T = std::string_view, auto... options>
class Query : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<detail::Source::query, name, T, options...>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// A header field, whatever its case; the name is written as it is sent, with its hyphens. The first of that name
/// counts; a std::vector takes them all, one element per field. Missing, and options: as for Query.
template <FixedString name, class T = std::string_view, auto... options>
class Header : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<detail::Source::header, name, T, options...>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// A cookie of the request's Cookie field, or fields (RFC 6265 sections 4.2 and 5.4). Its name is case-sensitive, the
/// first of that name counts, quotes around the value are dropped, nothing is percent-decoded. Missing, and options: as
/// for Query.
template <FixedString name, class T = std::string_view, auto... options>
class Cookie : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<detail::Source::cookie, name, T, options...>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// A T of the application, given by `app.state(T{...})`; `State<T, "replica">` by `app.state<"replica">(T{...})`.
/// Shared by all requests of all threads, so T is thread-safe, or const, or used by one loop alone. Missing: the App
/// does not start, and says which route needs it.
template <class T, FixedString name = "">
class State {
public:
  using Value = T;

  /// Not owned.
  explicit constexpr State(T& object) noexcept : object_(&object) {}

  constexpr T& operator*() const noexcept { return *object_; }
  constexpr T* operator->() const noexcept { return object_; }
  constexpr operator T&() const noexcept { return *object_; }

private:
  T* object_;
};

namespace detail {

template <class T, FixedString name>
struct StateKey {
  static inline char key = 0;  // Its address is the key; not const, so that no linker folds two of them.
};

// Visible, as Readiness is, so that a program and our libraries have one key for it, with -fvisibility=hidden, too.
template <class T>
struct [[gnu::visibility("default")]] NamelessStateKey {
  static inline char key = 0;
};

template <class T, FixedString name>
struct StateTitle {
  static constexpr std::string_view type = type_name<std::remove_const_t<T>>;
  static constexpr std::string_view quote = name.empty() ? "" : "\"";
  static constexpr auto make() {
    struct Title {
      char text[type.size() + sizeof(name.text) + 16]{};
    } made;
    std::size_t at = 0;
    for (const std::string_view part : {std::string_view{"State<"}, type, std::string_view{name.empty() ? "" : ", "},
                                        quote, name.view(), quote, std::string_view{">"}}) {
      for (const char c : part) made.text[at++] = c;
    }
    return made;
  }
  static constexpr auto title = make();
  static constexpr StateInfo info{title.text, name.empty() ? &NamelessStateKey<std::remove_const_t<T>>::key
                                                           : &StateKey<std::remove_const_t<T>, name>::key};
};

}  // namespace detail

template <FixedString name, class T, auto... options>
struct ParameterTraits<Path<name, T, options...>>
    : detail::TextTraits<Path<name, T, options...>, detail::Source::path, name, T, options...> {};
template <FixedString name, class T, auto... options>
struct ParameterTraits<Query<name, T, options...>>
    : detail::TextTraits<Query<name, T, options...>, detail::Source::query, name, T, options...> {};
template <FixedString name, class T, auto... options>
struct ParameterTraits<Header<name, T, options...>>
    : detail::TextTraits<Header<name, T, options...>, detail::Source::header, name, T, options...> {};
template <FixedString name, class T, auto... options>
struct ParameterTraits<Cookie<name, T, options...>>
    : detail::TextTraits<Cookie<name, T, options...>, detail::Source::cookie, name, T, options...> {};

template <class T, FixedString name>
struct ParameterTraits<State<T, name>> {
  static constexpr detail::Source source = detail::Source::state;
  template <class Where>
  static constexpr detail::Need need() {
    detail::Need need{source};
    need.state = &detail::StateTitle<T, name>::info;
    return need;
  }
  static State<T, name> get(detail::Resolver&, const detail::Step&, detail::Input input) noexcept {
    return State<T, name>{*static_cast<T*>(input.object)};
  }
};

/// The request itself.
template <>
struct ParameterTraits<const Request&> {
  static constexpr detail::Source source = detail::Source::request;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static const Request& get(detail::Resolver& resolver, const detail::Step&, detail::Input) noexcept {
    return resolver.request();
  }
};

/// Tells a node that nobody wants its value any more.
template <>
struct ParameterTraits<StopToken> {
  static constexpr detail::Source source = detail::Source::stop_token;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static StopToken get(detail::Resolver& resolver, const detail::Step& step, detail::Input) noexcept {
    return StopToken{static_cast<Env*>(resolver.at(step.env))->stop};
  }
};

}  // namespace umbel
