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

constexpr ParsedRoute parse_route(std::string_view text) noexcept {
  ParsedRoute route;
  if (text.empty() || text.front() != '/') return route.mistake = RouteMistake::starts_without_slash, route;
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
  std::string_view text;
};

/// A route's template that comes from a configuration: checked when the App starts. Used at once.
inline RuntimeRoute runtime_route(std::string_view text) noexcept { return {text}; }

/// A route's template: `/items/{item_id}`. A parameter fills a segment: `{name}`, `{name:int}` (an integer, tried
/// before `{name}`), `{name:path}` (all that is left). A literal is checked at compile time against everything that
/// `Handler` and its whole graph take by Path.
template <class Handler>
class RoutePath {
  static_assert(sizeof(detail::CheckHandler<Handler>) != 0);  // Instantiated here, close to the user's line.

public:
  consteval RoutePath(const char* literal) : text_(literal) {
    const detail::ParsedRoute route = detail::parse_route(text_);
    detail::blame(route.mistake);
    detail::check_path_parameters(detail::HandlerNode<Handler>::info, route);
  }
  RoutePath(RuntimeRoute route) noexcept : text_(route.text) {}

  constexpr std::string_view text() const noexcept { return text_; }

private:
  std::string_view text_;
};

}  // namespace umbel
