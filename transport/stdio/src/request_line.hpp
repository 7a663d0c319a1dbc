// SPDX-License-Identifier: MIT
#pragma once
// A line of the input, read.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "umbel/core/request.hpp"
#include "umbel/json/json_reader.hpp"

namespace umbel::stdio {

/// What a request is called, and its replies bear. The first: it has no name.
using Id = std::variant<std::monostate, std::int64_t, std::uint64_t, double, std::string>;

/// A request and the memory that it refers to.
class RequestLine {
public:
  /// Throws JsonError or HttpError, in plain words, if that is no request; `id()` is known then if it could be read.
  void read(std::string_view line);

  const Id& id() const noexcept { return id_; }
  /// Without the body. Valid while this object is, and stays where it is.
  Request request() const noexcept { return {method_, target_, Headers{fields_}}; }
  std::string_view body() const noexcept { return decoded_ ? std::string_view{*decoded_} : body_; }
  const std::optional<std::chrono::milliseconds>& timeout() const noexcept { return timeout_; }

private:
  static void check_members(JsonValue root);
  void read_id(JsonValue value);
  void read_member(std::string_view name, JsonValue value);
  void read_target(JsonValue value);
  void read_headers(JsonValue value);
  void add_field(JsonValue at, std::string_view name, std::string_view value);
  void read_body(JsonValue value);
  void decode_body(JsonValue value);
  void read_timeout(JsonValue value);

  std::optional<JsonReader> reader_;
  Id id_;
  Method method_ = Method::get;
  std::string_view target_;
  std::vector<HeaderField> fields_;
  std::string_view body_;
  std::optional<std::string> decoded_;  // In place of it.
  bool has_body_ = false;
  std::optional<std::chrono::milliseconds> timeout_;
};

}  // namespace umbel::stdio
