// SPDX-License-Identifier: MIT
#include "umbel/di/access_log.hpp"

#include <charconv>
#include <cstdint>
#include <ctime>

namespace umbel {

namespace {

void append_number(std::string& out, std::int64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte > '~') {
      out.append("\\x").append(1, hex[byte / 16]).append(1, hex[byte % 16]);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

// RFC 3339, in UTC, with microseconds.
void append_time(std::string& out, std::chrono::system_clock::time_point when) {
  using std::chrono::floor;
  const auto second = floor<std::chrono::seconds>(when);
  const auto fraction = floor<std::chrono::microseconds>(when - second).count();
  const std::time_t count = second.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&count, &parts);
  char text[48];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
  const std::string digits = std::to_string(fraction);
  out.append(text, size).append(6 - digits.size(), '0').append(digits).append("Z");
}

}  // namespace

// One call, so that lines stay whole whoever else writes there. The line's end stands behind the view.
AccessLog::AccessLog(std::FILE* file)
    : sink_([file](std::string_view line) { std::fwrite(line.data(), 1, line.size() + 1, file); }) {}

void AccessLog::write_line(std::string& out, const ReplyEvent& event, Wall::time_point when) {
  using std::chrono::duration_cast;
  append_time(out.append("time="), when - duration_cast<Wall::duration>(event.took));
  out.append(" method=").append(to_string(event.request.method()));
  append_quoted(out.append(" target="), event.request.target());
  append_quoted(out.append(" route="), event.route);
  append_number(out.append(" status="), event.status);
  append_number(out.append(" bytes="), static_cast<std::int64_t>(event.body_bytes));
  append_number(out.append(" duration_us="), duration_cast<std::chrono::microseconds>(event.took).count());
}

void AccessLog::replied(const ReplyEvent& event) noexcept {
  const std::lock_guard lock{mutex_};
  line_.clear();
  write_line(line_, event, Wall::now());
  if (!request_id_header_.empty())
    append_quoted(line_.append(" request_id="), event.request.header(request_id_header_).value_or(std::string_view{}));
  line_ += '\n';
  sink_(std::string_view{line_}.substr(0, line_.size() - 1));
}

}  // namespace umbel
