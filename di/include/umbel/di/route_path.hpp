// SPDX-License-Identifier: MIT
#pragma once
// A route's template, checked while the program compiles, as std::format checks its string.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/di/handler.hpp"
#include "umbel/di/node.hpp"
#include "umbel/json/fixed_string.hpp"

namespace umbel {

namespace detail {

enum class SegmentKind : std::uint8_t {
  literal,    // items
  integer,    // {id:int}
  parameter,  // {id}
  rest,       // {file:path}: everything that is left, slashes included
};

struct Segment {
  SegmentKind kind = SegmentKind::literal;
  std::string_view text;  // A literal, or a parameter's name.
};

enum class RouteMistake : std::uint8_t {
  none,
  starts_without_slash,
  brace_inside_a_segment,
  unknown_type,
  empty_name,
  same_name_twice,
  path_before_the_end,
  too_many_segments,
  ends_with_a_slash,    // Of prefixes.
  parameter_in_prefix,  // Of prefixes that are no part of a type.
};

struct ParsedRoute {
  static constexpr std::size_t limit = 32;
  std::array<Segment, limit> segments{};
  std::size_t count = 0;
  RouteMistake mistake = RouteMistake::none;

  constexpr bool has(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (segments[i].kind != SegmentKind::literal && segments[i].text == name) return true;
    }
    return false;
  }
};

constexpr RouteMistake parse_segment(std::string_view text, Segment& out) noexcept {
  const bool is_parameter = text.size() >= 2 && text.front() == '{' && text.back() == '}';
  const std::string_view inside = is_parameter ? text.substr(1, text.size() - 2) : text;
  if (inside.find_first_of("{}") != std::string_view::npos) return RouteMistake::brace_inside_a_segment;
  out = {SegmentKind::literal, text};
  if (!is_parameter) return RouteMistake::none;
  const std::size_t colon = inside.find(':');
  const std::string_view type = colon == std::string_view::npos ? "" : inside.substr(colon + 1);
  out = {SegmentKind::parameter, inside.substr(0, colon)};
  if (out.text.empty()) return RouteMistake::empty_name;
  if (colon == std::string_view::npos) return RouteMistake::none;
  if (type != "int" && type != "path") return RouteMistake::unknown_type;
  out.kind = type == "int" ? SegmentKind::integer : SegmentKind::rest;
  return RouteMistake::none;
}

/// Adds the segments of `text` to those of a prefix. Empty text, too: then a prefix is all there is.
constexpr ParsedRoute parse_below(ParsedRoute route, std::string_view text) noexcept {
  if (route.mistake != RouteMistake::none) return route;
  if (!text.empty() && text.front() != '/') return route.mistake = RouteMistake::starts_without_slash, route;
  if (route.count != 0 && route.segments[route.count - 1].kind == SegmentKind::rest && !text.empty())
    return route.mistake = RouteMistake::path_before_the_end, route;
  while (!text.empty()) {
    text.remove_prefix(1);  // The slash.
    const std::string_view part = text.substr(0, text.find('/'));
    text.remove_prefix(part.size());
    if (route.count == ParsedRoute::limit) return route.mistake = RouteMistake::too_many_segments, route;
    Segment segment;
    route.mistake = parse_segment(part, segment);
    if (route.mistake != RouteMistake::none) return route;
    if (segment.kind != SegmentKind::literal && route.has(segment.text))
      return route.mistake = RouteMistake::same_name_twice, route;
    if (segment.kind == SegmentKind::rest && !text.empty())
      return route.mistake = RouteMistake::path_before_the_end, route;
    route.segments[route.count++] = segment;
  }
  return route;
}

constexpr ParsedRoute parse_route(std::string_view text) noexcept {
  ParsedRoute route;
  if (text.empty()) return route.mistake = RouteMistake::starts_without_slash, route;
  return parse_below(route, text);
}

/// What stands before other templates: nothing, or a template that does not end with a slash.
constexpr ParsedRoute parse_prefix(std::string_view text) noexcept {
  ParsedRoute route = parse_below({}, text);
  if (route.mistake == RouteMistake::none && text.ends_with('/')) route.mistake = RouteMistake::ends_with_a_slash;
  return route;
}

/// A prefix that is an argument, so that its parameters would be hidden from the checks of the routes behind it.
constexpr RouteMistake mistake_in_plain_prefix(std::string_view text) noexcept {
  if (text.find_first_of("{}") != std::string_view::npos) return RouteMistake::parameter_in_prefix;
  return parse_prefix(text).mistake;
}

/// What a mistake is called in messages.
std::string_view describe(RouteMistake mistake) noexcept;

// Never called at run time: what the compiler says about a template.
void the_route_template_must_start_with_a_slash();
void a_parameter_of_the_route_template_must_fill_a_whole_segment();
void a_parameter_of_the_route_template_has_an_unknown_type_write_int_or_path();
void a_parameter_of_the_route_template_has_no_name();
void the_route_template_has_the_same_parameter_twice();
void a_path_parameter_must_be_the_last_segment_of_the_route_template();
void the_route_template_has_more_than_32_segments();
void a_prefix_must_not_end_with_a_slash();
void a_prefix_given_here_has_no_parameters_write_them_into_the_type_Router_of_prefix();

constexpr void blame(RouteMistake mistake) {
  switch (mistake) {
    case RouteMistake::none:
      return;
    case RouteMistake::starts_without_slash:
      return the_route_template_must_start_with_a_slash();
    case RouteMistake::brace_inside_a_segment:
      return a_parameter_of_the_route_template_must_fill_a_whole_segment();
    case RouteMistake::unknown_type:
      return a_parameter_of_the_route_template_has_an_unknown_type_write_int_or_path();
    case RouteMistake::empty_name:
      return a_parameter_of_the_route_template_has_no_name();
    case RouteMistake::same_name_twice:
      return the_route_template_has_the_same_parameter_twice();
    case RouteMistake::path_before_the_end:
      return a_path_parameter_must_be_the_last_segment_of_the_route_template();
    case RouteMistake::too_many_segments:
      return the_route_template_has_more_than_32_segments();
    case RouteMistake::ends_with_a_slash:
      return a_prefix_must_not_end_with_a_slash();
    case RouteMistake::parameter_in_prefix:
      return a_prefix_given_here_has_no_parameters_write_them_into_the_type_Router_of_prefix();
  }
}

/// Every path parameter in the node's whole graph must be in the template.
constexpr void check_path_parameters(const NodeInfo& node, const ParsedRoute& route) {
  for (std::size_t i = 0; i < node.path_count; ++i) {
    if (!route.has(node.paths[i].name)) node.paths[i].blame();
  }
}

}  // namespace detail

/// A route whose text is known only when the program runs; see `runtime_route`.
struct RuntimeRoute {
  /// As it was given to `runtime_route`; not owned.
  std::string_view text;
};

/// A route's template that comes from a configuration: checked when the App starts. Used at once.
inline RuntimeRoute runtime_route(std::string_view text) noexcept { return {text}; }

/// A route's template: `/items/{item_id}`. A parameter fills a segment: `{name}`, `{name:int}` (an integer, tried
/// before `{name}`), `{name:path}` (all that is left). A literal is checked at compile time against everything that
/// `Handler` and its whole graph take by Path; the parameters of the router's prefix count. An empty one stands for the
/// prefix itself.
template <class Handler, FixedString prefix = "">
class RoutePath {
  static_assert(sizeof(detail::CheckHandler<Handler>) != 0);  // Instantiated here, close to the user's line.

public:
  consteval RoutePath(const char* literal) : text_(literal) {
    const detail::ParsedRoute route = detail::parse_below(detail::parse_prefix(prefix.view()), text_);
    detail::blame(route.mistake);
    detail::check_path_parameters(detail::HandlerNode<Handler>::info, route);
  }
  /// Is checked when the App starts.
  RoutePath(RuntimeRoute route) noexcept : text_(route.text) {}

  /// Without the prefix.
  constexpr std::string_view text() const noexcept { return text_; }

private:
  std::string_view text_;
};

/// What stands before all paths of an included router or a mounted App: `/v1`, without a slash at the end; `/` is
/// nothing. It has no parameters: those are part of a Router's type, so that handlers can be checked against them. A
/// literal is checked at compile time, `runtime_route(text)` when the App starts.
class RoutePrefix {
public:
  /// Is checked here.
  consteval RoutePrefix(const char* literal) : RoutePrefix(RuntimeRoute{literal}) {
    detail::blame(detail::mistake_in_plain_prefix(text_));
  }
  /// Is checked when the App starts.
  constexpr RoutePrefix(RuntimeRoute route) noexcept : text_(route.text == "/" ? "" : route.text) {}

  /// Without the slash that stands alone.
  constexpr std::string_view text() const noexcept { return text_; }

private:
  std::string_view text_;
};

}  // namespace umbel
