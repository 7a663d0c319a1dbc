// SPDX-License-Identifier: MIT
#include "reply_line.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/base64.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel::stdio {

namespace {

struct Field {
  std::string name;
  std::string value;
};

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = detail::code_point_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// A field's value that is not UTF-8 is Latin-1, which it was once.
std::string as_utf8(std::string_view value) {
  if (is_utf8(value)) return std::string{value};
  std::string result;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xC0 | byte >> 6);
      result += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return result;
}

std::vector<Field> fields_of(const Response& response) {
  std::vector<Field> fields;
  response.for_each_field(
      [&](std::string_view name, std::string_view value) { fields.push_back({in_lower_case(name), as_utf8(value)}); });
  return fields;
}

bool has_repeated_name(const std::vector<Field>& fields) {
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    const auto same = [&](const Field& other) { return other.name == field->name; };
    if (std::any_of(fields.begin(), field, same)) return true;
  }
  return false;
}

JsonWriter begin_line(const Id& id) {
  JsonWriter json;
  json.begin_object();
  const auto write = [&](const auto& value) {
    if constexpr (!std::is_same_v<decltype(value), const std::monostate&>) json.field("id", value);
  };
  std::visit(write, id);
  return json;
}

void end_line(JsonWriter json, Buffer& out) {
  json.end_object();
  const Buffer line = std::move(json).take();
  out.append(line.view());
  out.push_back('\n');
}

void write_headers(JsonWriter& json, const std::vector<Field>& fields) {
  json.key("headers");
  if (has_repeated_name(fields)) {
    json.begin_array();
    for (const Field& field : fields) json.begin_array().value(field.name).value(field.value).end_array();
    json.end_array();
    return;
  }
  json.begin_object();
  for (const Field& field : fields) json.field(field.name, field.value);
  json.end_object();
}

void write_bytes(JsonWriter& json, JsonKey as_text, JsonKey as_base64, std::string_view bytes) {
  if (is_utf8(bytes)) json.field(as_text, bytes);
  else json.field(as_base64, to_base64(bytes));
}

}  // namespace

void write_reply(Buffer& out, const Id& id, const Response& response, Body body, Input input) {
  JsonWriter json = begin_line(id);
  json.field("status", response.status());
  write_headers(json, fields_of(response));
  if (input == Input::closing) json.field("closing", true);
  if (body == Body::streamed) json.field("stream", true);
  if (body == Body::whole) write_bytes(json, "body", "body_base64", response.body());
  end_line(std::move(json), out);
}

void write_error(Buffer& out, const Id& id, int status, std::string_view detail, Input input) {
  JsonWriter json;
  json.begin_object().field("detail", as_utf8(detail)).end_object();
  write_reply(out, id, Response::json(std::move(json), status), Body::whole, input);
}

void write_chunk(Buffer& out, const Id& id, std::string_view chunk) {
  JsonWriter json = begin_line(id);
  write_bytes(json, "chunk", "chunk_base64", chunk);
  end_line(std::move(json), out);
}

void write_stream_end(Buffer& out, const Id& id, StreamEnd end) {
  JsonWriter json = begin_line(id);
  json.field("end", end == StreamEnd::complete ? "complete" : "broken");
  end_line(std::move(json), out);
}

}  // namespace umbel::stdio
