// SPDX-License-Identifier: MIT
#pragma once
// The OpenAPI 3.1 document of an App: what its routes take and give, told from the types of their graphs.

#include <span>
#include <string>
#include <string_view>

#include "umbel/di/app.hpp"

namespace umbel {

/// Where an API is served.
struct OpenApiServer {
  /// Absolute, or relative to the document's.
  std::string_view url;
  /// May be Markdown.
  std::string_view description{};
};

/// What a document says beside what the routes say. The texts are copied.
struct OpenApiOptions {
  /// The API's name.
  std::string_view title = "umbel";
  /// The API's, not that of OpenAPI.
  std::string_view version = "0.1.0";
  /// One line.
  std::string_view summary{};
  /// May be Markdown.
  std::string_view description{};
  /// The name of the license, and its identifier in SPDX's list: "MIT" for both. Neither is there if this is empty.
  std::string_view license{};
  /// None: the document says nothing, and clients ask where they found it.
  std::span<const OpenApiServer> servers{};
  /// Of the route that `openapi_route` adds.
  std::string_view path = "/openapi.json";
};

/// The document of all routes that the App has so far, as JSON in UTF-8: the same bytes for the same program, in every
/// run.
///
/// - Operations are sorted by path, then by method; `include_in_schema` leaves them out. One has the parameters of its
///   route's whole graph, guards included, each once: of two declarations of one, the first tells the schema.
/// - Types, defaults and constraints are those of the parameters and models; models are components, sorted by name.
/// - The ready-made providers of security.hpp are security schemes, with the scopes that are asked for on the way to
///   them; all that are required are required together. Their parameters are not told a second time.
/// - A Form is multipart if it has files, else urlencoded. Names of models are the same with every compiler, unless a
///   fraction or an object is among a template's arguments.
/// - Responses are what the handler's type shows. There is a 422 where a request can be one, a 401 where a security
///   scheme is required.
/// - Summary and operation id are made of the handler's name, as FastAPI makes them, unless the route's options say
///   more. The name of a function is known if the program exports its symbols (Meson: `export_dynamic: true`), that of
///   `on_loop<f>` always; else the path stands in. An id that is made twice gets a number.
/// - Of `{id:int}` and `{id}` in one place, a document can tell one: the one that was declared first.
/// - Apps that are mounted have documents of their own.
///
/// Throws StartError if two routes give the same operation id, JsonError if a text in the program is no UTF-8.
std::string openapi_document(const App& app, const OpenApiOptions& options = {});

/// Has the App answer GET of `options.path` with its document, made once when it starts, when all routes are there. The
/// route itself is not in the document. Without `servers`, the document of a mounted App says where it is mounted:
/// `"servers":[{"url":"/shop"}]`. Throws std::logic_error once the App has started; two equal operation ids are a
/// StartError then.
///
///     openapi_route(app, {.title = "Shop", .version = "1.2.0"});
void openapi_route(App& app, const OpenApiOptions& options = {});

}  // namespace umbel
