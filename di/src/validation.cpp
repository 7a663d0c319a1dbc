// SPDX-License-Identifier: MIT
#include "umbel/di/validation.hpp"

#include <utility>

#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

// Bytes of a client need not be UTF-8; JSON must be.
void write_input(JsonWriter& json, const std::string& input) {
  try {
    JsonWriter probe;
    probe.value(input);
    json.field("input", input);
  } catch (const JsonError&) {
    json.field("input", nullptr);
  }
}

void write_item(JsonWriter& json, const ValidationItem& item) {
  json.begin_object().field("type", item.type);
  json.key("loc").begin_array().value(item.source).value(item.name).end_array();
  json.field("msg", item.message);
  if (item.input) write_input(json, *item.input);
  else json.field("input", nullptr);
  json.end_object();
}

Response detail_response(int status, std::string_view detail) {
  try {
    JsonWriter json;
    json.begin_object().field("detail", detail).end_object();
    return Response::json(std::move(json), status);
  } catch (const JsonError&) {  // The detail is no UTF-8.
    return Response::json(R"({"detail":"not text"})", status);
  }
}

void copy_headers(std::string_view lines, Response& response) {
  while (!lines.empty()) {
    const std::size_t colon = lines.find(':');
    const std::size_t end = lines.find('\r');
    response.append_header(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
    lines.remove_prefix(end + 2);
  }
}

Response http_response(const HttpError& error) {
  Response response = detail_response(error.status(), error.detail());
  copy_headers(error.header_lines(), response);
  return response;
}

}  // namespace

Response to_response(const ValidationError& error) {
  try {
    JsonWriter json;
    json.begin_object().key("detail").begin_array();
    for (const ValidationItem& item : error.items()) write_item(json, item);
    json.end_array().end_object();
    return Response::json(std::move(json), 422);
  } catch (const JsonError&) {  // A FromText has words, or a parameter a name, that are no UTF-8.
    return detail_response(422, reason_phrase(422));
  }
}

Response to_response(const Error& error) {
  if (const HttpError* const http = error.http()) return http_response(*http);
  try {
    error.rethrow();
  } catch (const ValidationError& invalid) {
    return to_response(invalid);
  } catch (const HttpError& http) {
    return http_response(http);
  } catch (const Cancelled&) {
    return detail_response(503, "Cancelled").header("retry-after", "1");
  } catch (...) {
    return detail_response(500, reason_phrase(500));
  }
}

}  // namespace umbel
