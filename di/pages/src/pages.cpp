// SPDX-License-Identifier: MIT
#include "umbel/pages/pages.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "assets.hpp"
#include "umbel/di/graph_document.hpp"
#include "umbel/di/route_path.hpp"

namespace umbel {

namespace {

constexpr std::string_view tag = "umbel pages";

// Swagger UI draws with images that are part of its style sheet.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

/// What leads from the page at `from` to the path `to` of the same server, wherever both are mounted.
std::string relative(std::string_view from, std::string_view to) {
  if (!to.starts_with('/')) return std::string{to};
  std::string link;
  for (auto slashes = std::count(from.begin() + 1, from.end(), '/'); slashes > 0; --slashes) link += "../";
  return link.append(to.substr(1));
}

Response with_page_headers(Response response) {
  response.header("content-security-policy", policy).header("x-content-type-options", "nosniff");
  response.header("referrer-policy", "no-referrer");
  return response;
}

/// A document that is the same for everybody.
class Page {
public:
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  Page(std::string_view name, std::string_view path, const PagesOptions& options)
      : text_(detail::find_asset(name)->bytes) {
    const std::string here{path.substr(path.rfind('/') + 1)};
    fill("{{here}}", here);
    fill("{{title}}", options.title);
    fill("{{openapi}}", relative(path, options.openapi));
    fill("{{docs}}", options.docs.empty() ? "" : relative(path, options.docs));
    fill("{{graph}}", options.graph.empty() ? "" : relative(path, options.graph));
    fill("{{statistics}}", options.statistics ? "yes" : "no");
  }

  Response operator()() const { return with_page_headers(Response::html(text_)).header("cache-control", "no-cache"); }

private:
  void fill(std::string_view place, std::string_view with) { text_ = replaced(std::move(text_), place, escaped(with)); }

  std::string text_;
};

/// What pages are made of.
class Files {
public:
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  Response operator()(Path<"file"> name, const Request& request) const {
    const detail::Asset* const asset = detail::find_asset(*name);
    if (!asset || asset->name.ends_with(".html")) throw HttpError{404};
    return with_page_headers(detail::reply_with(*asset, request))
        .header("cache-control", "public, max-age=31536000, immutable");
  }
};

Response uncached(std::string_view json) {
  return Response::json(json).header("cache-control", "no-store").header("x-content-type-options", "nosniff");
}

/// The App's graph as it is now: overrides may have changed it. On a worker, since it looks at every route.
class Document {
public:
  explicit Document(const App& app) noexcept : app_(&app) {}
  Response operator()() const {
    Graph graph = app_->graph();
    std::erase_if(graph.routes,
                  [](const GraphRoute& route) { return std::ranges::find(route.tags, tag) != route.tags.end(); });
    return uncached(graph_document(graph));
  }

private:
  const App* app_;
};

class Counts {
public:
  explicit Counts(const Statistics& statistics) noexcept : statistics_(&statistics) {}
  Response operator()() const { return uncached(statistics_->json()); }

private:
  const Statistics* statistics_;
};

}  // namespace

void add_pages(App& app, PagesOptions options) {
  Router<> pages;
  pages.tag<"umbel pages">();
  const RouteOptions guarded{.guards = options.guards, .include_in_schema = false};
  if (!options.docs.empty()) {
    const std::string path{options.docs};
    pages.get(runtime_route(path), Page{"docs.html", path, options}, guarded);
    pages.get(runtime_route(path + "/files/{file}"), Files{}, guarded);
  }
  if (!options.graph.empty()) {
    const std::string path{options.graph};
    pages.get(runtime_route(path), Page{"graph.html", path, options}, guarded);
    pages.get(runtime_route(path + "/files/{file}"), Files{}, guarded);
    pages.get(runtime_route(path + "/document"), Document{app}, guarded);
    if (options.statistics) pages.get(runtime_route(path + "/statistics"), Counts{*options.statistics}, guarded);
  }
  app.include(pages);
}

}  // namespace umbel
