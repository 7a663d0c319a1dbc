// SPDX-License-Identifier: MIT
#pragma once
// What is wrong with a request: the 422 that lists every error of the whole graph.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/error.hpp"
#include "umbel/core/response.hpp"

namespace umbel {

/// One thing that is wrong with a request, spelled as FastAPI spells it.
struct ValidationItem {
  std::string_view type;             // "missing", "int_parsing", ...
  std::string_view source;           // "path", "query", "header": the first part of `loc`.
  std::string_view name;             // The second part.
  std::string_view message;          // "Field required"
  std::optional<std::string> input;  // What the client sent; nothing if nothing was sent.
};

/// Every error that a request's parameters have, in declaration order. What `Engine::call` throws; a client gets it as
/// `422 {"detail": [{"type", "loc", "msg", "input"}, ...]}`.
class ValidationError : public HttpError {
public:
  ValidationError() : HttpError(422) {}

  void add(ValidationItem item) { items_.push_back(std::move(item)); }
  const std::vector<ValidationItem>& items() const noexcept { return items_; }

private:
  std::vector<ValidationItem> items_;
};

/// The reply that an error deserves: an HttpError's own, `{"detail": "Internal Server Error"}` for everything else.
Response to_response(const Error& error);
Response to_response(const ValidationError& error);

}  // namespace umbel
