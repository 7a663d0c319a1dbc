// SPDX-License-Identifier: MIT
#include "umbel/di/handler.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "umbel/di/route_path.hpp"
#include "umbel/json/model_writer.hpp"

namespace umbel::detail {

namespace {

// "_ZN4shop9read_itemEN5umbel4PathI..." -> "shop::read_item". No more is decoded: a handler's parameters name its whole
// graph, and a node that is named twice is spelled twice at every level.
std::string name_in(std::string_view symbol) {
  if (!symbol.starts_with("_Z")) return std::string{symbol};
  symbol.remove_prefix(std::min(symbol.size(), symbol.find_first_of("0123456789")));
  std::string name;
  for (std::size_t length = 0;
       std::from_chars(symbol.data(), symbol.data() + symbol.size(), length).ec == std::errc{};) {
    symbol.remove_prefix(std::min(symbol.size(), symbol.find_first_not_of("0123456789")));
    name.append(name.empty() ? "" : "::").append(symbol.substr(0, length));
    symbol.remove_prefix(std::min(symbol.size(), length));
  }
  return name;
}

}  // namespace

Response json_of(const Shape& shape, const void* document, int status) {
  JsonWriter json;
  write_shape(json, shape, document);
  return Response::json(std::move(json), status);
}

std::string HandlerBox::name() const {
  Dl_info found{};
  const bool is_known = function_ && dladdr(function_, &found) && found.dli_sname && found.dli_saddr == function_;
  return is_known ? name_in(found.dli_sname) : std::string{info_->name};
}

std::string_view describe(RouteMistake mistake) noexcept {
  switch (mistake) {
    case RouteMistake::none:
      return {};
    case RouteMistake::starts_without_slash:
      return "the route's template must start with a slash";
    case RouteMistake::brace_inside_a_segment:
      return "a parameter must fill a whole segment: /items/{id}";
    case RouteMistake::unknown_type:
      return "a parameter's type is `int` or `path`: {id:int}";
    case RouteMistake::empty_name:
      return "a parameter has no name";
    case RouteMistake::same_name_twice:
      return "two parameters have the same name";
    case RouteMistake::path_before_the_end:
      return "a {name:path} takes all that is left, so it must be the last segment";
    case RouteMistake::too_many_segments:
      return "the template has more than 32 segments";
    case RouteMistake::ends_with_a_slash:
      return "a prefix must not end with a slash";
    case RouteMistake::parameter_in_prefix:
      return "a prefix that is given here has no parameters; those are part of a router's type: "
             "Router<\"/users/{id}\">";
  }
  return {};
}

void the_route_template_must_start_with_a_slash() {}
void a_parameter_of_the_route_template_must_fill_a_whole_segment() {}
void a_parameter_of_the_route_template_has_an_unknown_type_write_int_or_path() {}
void a_parameter_of_the_route_template_has_no_name() {}
void the_route_template_has_the_same_parameter_twice() {}
void a_path_parameter_must_be_the_last_segment_of_the_route_template() {}
void the_route_template_has_more_than_32_segments() {}
void a_prefix_must_not_end_with_a_slash() {}
void a_prefix_given_here_has_no_parameters_write_them_into_the_type_Router_of_prefix() {}

}  // namespace umbel::detail
