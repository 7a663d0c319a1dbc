// SPDX-License-Identifier: MIT
#include "umbel/core/event_stream.hpp"

#include <stdexcept>
#include <string>

namespace umbel::detail {

namespace {

void write_field(Buffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.push_back('\n');
}

void write_line(Buffer& out, std::string_view name, std::string_view value, std::string_view forbidden) {
  if (value.empty()) return;
  if (value.find_first_of(forbidden) != std::string_view::npos)
    throw std::invalid_argument{"umbel: the " + std::string{name} + " of a server-sent event is one line"};
  write_field(out, name, value);
}

}  // namespace

void write_event(Buffer& out, const Event& event) {
  using namespace std::string_view_literals;
  write_line(out, "event", event.event, "\r\n"sv);
  write_line(out, "id", event.id, "\r\n\0"sv);
  if (event.retry) write_field(out, "retry", std::to_string(event.retry->count()));
  std::string_view rest = event.data;
  for (;;) {  // Each of CR, LF and CR LF ends a line.
    const std::size_t end = rest.find_first_of("\r\n");
    write_field(out, "data", rest.substr(0, end));
    if (end == std::string_view::npos) break;
    const bool is_pair = rest.substr(end).starts_with("\r\n");
    rest.remove_prefix(end + (is_pair ? 2 : 1));
  }
  out.push_back('\n');
}

}  // namespace umbel::detail
