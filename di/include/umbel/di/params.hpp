// SPDX-License-Identifier: MIT
#pragma once
// Parameters that come out of the request or the application.

#include <cstdint>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "umbel/core/request.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/di/convert.hpp"
#include "umbel/di/fixed_string.hpp"
#include "umbel/di/provider.hpp"

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

template <class T>
class ValueParameter {
public:
  using Value = T;

  /// The resolver calls this, and a unit test may. What is no small trivial type is referred to and must outlive us.
  explicit constexpr ValueParameter(const T& value) noexcept : value_(value) {}
  ValueParameter(const T&&)
    requires(!held_by_value<T>)
  = delete;

  constexpr const T& operator*() const noexcept { return value_.get(); }
  constexpr const T* operator->() const noexcept { return &value_.get(); }
  constexpr operator const T&() const noexcept { return value_.get(); }

private:
  Held<T> value_;
};

template <class T, auto first, auto... rest>
T default_value() {
  return T(first);
}

/// Instantiated where the parameter is written.
template <FixedString name, class T, auto... options>
struct CheckText {
  static_assert(!name.empty(), "umbel: a parameter needs a name: Query<\"q\">");
  static_assert(
      TextConvertible<typename IsOptional<T>::Inner>,
      "umbel: this parameter's type cannot be made from text. Numbers, bool, std::string, std::string_view and "
      "std::optional of them can; specialise umbel::FromText<T> for a type of your own");
  static_assert(alignof(T) <= BlockPool::granule, "umbel: a parameter's value is aligned to 64 at the most");
  static_assert(sizeof...(options) <= 1, "umbel: a parameter has one default at the most");
  static_assert((std::is_constructible_v<T, decltype(options)> && ...),
                "umbel: this default cannot become a value of the parameter's type");
  static constexpr bool value = true;
};

/// Converts what the client sent, or falls back, or reports.
template <class T, auto... options>
bool extract_text(Resolver& resolver, const ValueInfo& info, std::optional<std::string_view> text, void* slot) {
  using Inner = typename IsOptional<T>::Inner;
  if (!text) {
    if constexpr (sizeof...(options) > 0) ::new (slot) T(default_value<T, options...>());
    else if constexpr (IsOptional<T>::value) ::new (slot) T{};
    else return resolver.report(info, {"missing", "Field required"}, {}), false;
    return true;
  }
  std::optional<Inner> value;
  if (const ConvertError error = FromText<Inner>::convert(*text, value)) {
    resolver.report(info, error, text);
    return false;
  }
  ::new (slot) T(*std::move(value));
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
  return from == Source::path ? "Path" : from == Source::query ? "Query" : "Header";
}

/// A text parameter's one ValueInfo.
template <Source from, FixedString name, class T, auto... options>
struct TextValue {
  static_assert(CheckText<name, T, options...>::value);

  static bool extract(Resolver& resolver, std::uint32_t index, void* slot) {
    std::optional<std::string_view> text;
    if constexpr (from == Source::path) text = resolver.path_value(index);
    else if constexpr (from == Source::query)
      text = resolver.query_value({name.view(), name.view().find(' ') != std::string_view::npos});
    else text = resolver.request().headers().get(name.view());
    return extract_text<T, options...>(resolver, info, text, slot);
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
  static constexpr ValueInfo info{from, name.view(), title.text, sizeof(T), alignof(T), &extract, destroyer<T>()};
};

// What the compiler says when a route's template lacks a parameter; never called at run time.
inline void write_it_into_the_template_in_braces() {}
template <FixedString parameter, class Where>
constexpr void the_route_template_lacks_this_path_parameter() {
  write_it_into_the_template_in_braces();
}

template <class P, Source from, FixedString name, class T, auto... options>
struct TextTraits {
  static constexpr Source source = from;
  template <class Where>
  static constexpr Need need() {
    Need need{from};
    need.value = &TextValue<from, name, T, options...>::info;
    if constexpr (from == Source::path) need.blame = &the_route_template_lacks_this_path_parameter<name, Where>;
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

/// A parameter of the route's template, percent-decoded: `{item_id}`. T is a number, bool, `std::string_view` (valid
/// until the request ends), `std::string`, or a type with FromText. A template that lacks it does not compile.
/// What cannot be converted is a 422.
template <FixedString name, class T = std::string_view>
class Path : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<name, T>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// A parameter of the query string, percent-decoded, `+` read as a space. The first of that name counts. Missing: its
/// default (`Query<"limit", int, 20>`), nothing (`std::optional`), or a 422.
template <FixedString name, class T = std::string_view, auto... options>
class Query : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<name, T, options...>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// A header field, whatever its case. The first of that name counts. Missing: as for Query.
template <FixedString name, class T = std::string_view, auto... options>
class Header : public detail::ValueParameter<T> {
  static_assert(detail::CheckText<name, T, options...>::value);
  using detail::ValueParameter<T>::ValueParameter;
};

/// The whole body, as the bytes that came; valid until the request ends. Nodes run when it is complete.
/// A body over the transport's limit is a 413.
template <class T = std::string_view>
class Body : public detail::ValueParameter<std::string_view> {
  static_assert(std::is_same_v<T, std::string_view>,
                "umbel: Body<T> gives the raw bytes, T = std::string_view. Read a document from it with JsonReader");
  using detail::ValueParameter<std::string_view>::ValueParameter;
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
  static constexpr StateInfo info{title.text, &StateKey<std::remove_const_t<T>, name>::key};
};

}  // namespace detail

template <FixedString name, class T>
struct ParameterTraits<Path<name, T>> : detail::TextTraits<Path<name, T>, detail::Source::path, name, T> {};
template <FixedString name, class T, auto... options>
struct ParameterTraits<Query<name, T, options...>>
    : detail::TextTraits<Query<name, T, options...>, detail::Source::query, name, T, options...> {};
template <FixedString name, class T, auto... options>
struct ParameterTraits<Header<name, T, options...>>
    : detail::TextTraits<Header<name, T, options...>, detail::Source::header, name, T, options...> {};

template <class T>
struct ParameterTraits<Body<T>> {
  static constexpr detail::Source source = detail::Source::body;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static Body<T> get(detail::Resolver& resolver, const detail::Step&, detail::Input) noexcept {
    return Body<T>{resolver.request().body()};
  }
};

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
