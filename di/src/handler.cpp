// SPDX-License-Identifier: MIT
#include "umbel/di/handler.hpp"

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdlib>

#include "umbel/di/route_path.hpp"

namespace umbel::detail {

namespace {

// "read_item(umbel::Path<...>)" -> "read_item"
std::string without_parameters(std::string name) {
  if (const std::size_t open = name.find('('); open != std::string::npos) name.resize(open);
  return name;
}

std::string demangled(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text{abi::__cxa_demangle(symbol, nullptr, nullptr, &status), std::free};
  return status == 0 ? without_parameters(text.get()) : symbol;
}

}  // namespace

std::string HandlerBox::name() const {
  Dl_info found{};
  const bool is_known = function_ && dladdr(function_, &found) && found.dli_sname && found.dli_saddr == function_;
  return is_known ? demangled(found.dli_sname) : std::string{info_->name};
}

std::string_view describe(RouteMistake mistake) noexcept {
  switch (mistake) {
    case RouteMistake::none: return {};
    case RouteMistake::starts_without_slash: return "the route's template must start with a slash";
    case RouteMistake::brace_inside_a_segment: return "a parameter must fill a whole segment: /items/{id}";
    case RouteMistake::unknown_type: return "a parameter's type is `int` or `path`: {id:int}";
    case RouteMistake::empty_name: return "a parameter has no name";
    case RouteMistake::same_name_twice: return "two parameters have the same name";
    case RouteMistake::path_before_the_end: return "a {name:path} takes all that is left, so it must be the last segment";
    case RouteMistake::too_many_segments: return "the template has more than 32 segments";
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

}  // namespace umbel::detail
