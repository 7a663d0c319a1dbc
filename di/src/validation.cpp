// SPDX-License-Identifier: MIT
#include "umbel/di/validation.hpp"

#include <utility>

#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

std::string text_of(JsonWriter json) {
  const Buffer text = std::move(json).take();
  return std::string{text.view()};
}

// Bytes of a client need not be UTF-8; JSON must be.
std::string as_json(std::string_view text) {
  try {
    JsonWriter json;
    json.value(text);
    return text_of(std::move(json));
  } catch (const JsonError&) {
    return "null";
  }
}

template <class Value>
void add_member(std::string& members, std::string_view key, const Value& value) {
  try {
    JsonWriter json;
    json.begin_object().field(key, value).end_object();
    const std::string object = text_of(std::move(json));
    if (!members.empty()) members += ',';
    members.append(object, 1, object.size() - 2);
  } catch (const JsonError&) {  // Left out.
  }
}

void write_item(JsonWriter& json, const ValidationItem& item) {
  json.begin_object().field("type", item.type);
  json.key("loc").begin_array();
  for (const LocationPart& part : item.loc) {
    if (part.is_index()) json.value(part.index());
    else json.value(part.name());
  }
  json.end_array().field("msg", item.message);
  json.key("input").raw(item.input);
  if (!item.ctx.empty()) json.key("ctx").raw("{" + item.ctx + "}");
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

Response http_response(const HttpError& error) {
  Response response = detail_response(error.status(), error.detail());
  detail::for_each_field(error.header_lines(),
                         [&](std::string_view name, std::string_view value) { response.append_header(name, value); });
  return response;
}

}  // namespace

ValidationItem::ValidationItem(std::string type_, std::vector<LocationPart> loc_, std::string message_,
                               std::optional<std::string_view> sent)
    : type(std::move(type_)),
      loc(std::move(loc_)),
      message(std::move(message_)),
      input(sent ? as_json(*sent) : "null") {}

ValidationItem& ValidationItem::context(std::string_view key, std::string_view value) & {
  return add_member(ctx, key, value), *this;
}
ValidationItem& ValidationItem::context(std::string_view key, double value) & {
  return add_member(ctx, key, value), *this;
}
ValidationItem& ValidationItem::signed_context(std::string_view key, std::int64_t value) {
  return add_member(ctx, key, value), *this;
}
ValidationItem& ValidationItem::unsigned_context(std::string_view key, std::uint64_t value) {
  return add_member(ctx, key, value), *this;
}

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
