// SPDX-License-Identifier: MIT
#include "umbel/di/health.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace umbel::detail {

namespace {

std::string_view text_of(TransportState state) noexcept {
  switch (state) {
    case TransportState::stopped:
      return "stopped";
    case TransportState::starting:
      return "starting";
    case TransportState::ready:
      return "ready";
    case TransportState::draining:
      break;
  }
  return "draining";
}

Response reply(int status, std::string_view document) {
  return Response::json(document, status).header("cache-control", "no-store");
}

// A name is an identifier, perhaps with template arguments: those may have quotes.
void append_name(std::string& list, std::string_view name) {
  list.append(list.empty() ? "\"" : ",\"");
  for (const char c : name) {
    if (c == '"' || c == '\\') list.push_back('\\');
    list.push_back(c);
  }
  list.push_back('"');
}

}  // namespace

Response Livez::umbel_before_open() { return reply(200, R"({"status":"alive"})"); }

Response readiness_reply(TransportState state, const std::string_view* failed, std::size_t count) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i) {
    if (!failed[i].empty()) append_name(names, failed[i]);
  }
  const bool is_ready = state == TransportState::ready;
  const std::string_view status = is_ready && !names.empty() ? "failing" : text_of(state);
  std::string document = R"({"status":")" + std::string{status} + '"';
  if (!names.empty()) document += R"(,"failed":[)" + names + "]";
  return reply(is_ready && names.empty() ? 200 : 503, document + "}");
}

}  // namespace umbel::detail
