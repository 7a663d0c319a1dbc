// SPDX-License-Identifier: MIT
#pragma once
// Pages for people who look after the program or use its API. Off unless a program asks for them.

#include <string_view>

#include "umbel/di/app.hpp"
#include "umbel/di/statistics.hpp"

namespace umbel {

/// What pages there are, and where. Texts are copied by add_pages.
struct PagesOptions {
  /// What stands at the top, and in the browser's tab.
  std::string_view title = "umbel";
  /// Swagger UI; empty: there is none. Begins with a slash, does not end with one, and has no parameters; so do the
  /// next.
  std::string_view docs = "/docs";
  /// The dependency graph of each route; empty: there is none.
  std::string_view graph = "/graph";
  /// Where the App gives its OpenAPI document, which `docs` shows. Not made by this component.
  std::string_view openapi = "/openapi.json";
  /// What `graph` shows of counts and times; null: nothing. Observes the App, and outlives it.
  const Statistics* statistics = nullptr;
  /// Who may look.
  GuardList guards{};
};

/// Adds GET routes to the App, tagged "umbel pages":
///
///     Statistics statistics;
///     app.observe(statistics);
///     add_pages(app, {.title = "Shop", .statistics = &statistics});
///
/// - `/docs`: Swagger UI with what `/openapi.json` says, and requests to try.
/// - `/graph`: for each route what it takes, how that is taken, where it runs, how long it lives, who shares it; with
///   statistics also how many are alive, how long they take, and the critical path, new every second.
///   `/graph/document` is graph_document, without what is tagged like that; `/graph/statistics` is Statistics::json.
/// - `/docs/files/{file}`, `/graph/files/{file}`: what the pages are made of, and the licences of that.
///
/// Everything is in the program: nothing is read from a disk or taken from another server. Files are sent as gzip to
/// who accepts it; their names change with their contents, so that browsers keep them. A Content-Security-Policy
/// allows what comes from this server alone, and no inline script; nobody may frame the pages. They show how the
/// program is made: guard them, or leave them out, where strangers come.
///
/// Before the App starts; std::logic_error later. Links are relative, so that the App may be mounted, or stand behind a
/// proxy that takes a prefix away.
void add_pages(App& app, PagesOptions options = {});

}  // namespace umbel
