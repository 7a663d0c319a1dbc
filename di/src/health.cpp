// SPDX-License-Identifier: MIT
#include "umbel/di/health.hpp"

#include <algorithm>
#include <utility>

#include "umbel/json/json_writer.hpp"

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

Response reply(int status, JsonWriter&& json) {
  return Response::json(std::move(json), status).header("cache-control", "no-store");
}

}  // namespace

Response Livez::umbel_before_open() {
  JsonWriter json;
  json.begin_object().field("status", "alive").end_object();
  return reply(200, std::move(json));
}

Response readiness_reply(TransportState state, const std::string_view* failed, std::size_t count) {
  const auto has_failed = [](std::string_view name) { return !name.empty(); };
  const bool is_failing = std::any_of(failed, failed + count, has_failed);
  const bool is_ready = state == TransportState::ready;
  JsonWriter json;
  json.begin_object().field("status", is_ready && is_failing ? "failing" : text_of(state));
  if (is_failing) {
    json.key("failed").begin_array();
    for (std::size_t i = 0; i < count; ++i) {
      if (has_failed(failed[i])) json.value(failed[i]);
    }
    json.end_array();
  }
  json.end_object();
  return reply(is_ready && !is_failing ? 200 : 503, std::move(json));
}

}  // namespace umbel::detail
