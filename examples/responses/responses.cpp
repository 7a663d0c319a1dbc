// SPDX-License-Identifier: MIT
// docs/responses.md is made of pieces of this. It asks itself and prints the answers; test/examples/responses_test.py
// holds the page against source and answers.
#include <umbel/core/cors.hpp>
#include <umbel/core/file.hpp>
#include <umbel/core/redirect.hpp>
#include <umbel/core/request_id.hpp>
#include <umbel/di/accepts.hpp>
#include <umbel/di/access_log.hpp>
#include <umbel/di/static_files.hpp>
#ifdef UMBEL_EXAMPLE_HAS_GZIP
#include <umbel/gzip/gzip.hpp>
#endif
#include <umbel/loopback/client.hpp>
#include <umbel/umbel.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace umbel;

/// Where this program's files lie.
struct Folders {
  std::filesystem::path root;
};

Redirect save(Body<> body) {
  const std::string id = std::to_string(body->size());
  return Redirect{"/items/" + id, 303};
}

File report(Path<"year", int> year, State<Folders> folders) {  // On a worker, as every plain function.
  const std::string name = std::to_string(*year) + ".txt";
  return File{folders->root / "reports" / name}.download("Bericht März.txt").header("cache-control", "private");
}

Task<File> newest(State<Folders> folders) {
  std::string path = folders->root / "reports" / "2026.txt";
  File file = co_await open_file(std::move(path));
  co_return file;
}

Response sales(Depends<accepts<"application/json", "text/csv">> type) {
  return *type == "text/csv" ? Response::bytes(*type, "a,b\n1,2\n") : Response::json(R"([{"a":1,"b":2}])");
}

std::string whoami(Header<"x-request-id"> id) { return "request " + std::string{*id}; }

std::string digits() {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += std::to_string(i) + " ";
  return text;
}

struct Poem {
  std::string text;
  Response respond(const Request& request) const {
    if (request.header("accept-language") == "de") throw HttpError{404, "Kein Gedicht"};
    return Response::text(text).header("content-language", "en");
  }
};

Poem poem() { return Poem{"Roses are red"}; }

/// What listens, for /listeners.
struct Listeners {
  int count = 0;
};

Resource<int> subscribe(State<Listeners> listeners) {
  int number = ++listeners->count;
  co_yield number;
  --listeners->count;  // However it ends: all was sent, the client has left, the server drains.
}

EventStream deliveries(Depends<subscribe> listener, Header<"last-event-id", std::optional<int>> last) {
  for (int id = last->value_or(0) + 1; id <= 3; ++id) {
    co_await sleep(std::chrono::milliseconds{1});  // For the next delivery. A client that leaves cancels it.
    const std::string data = "delivery " + std::to_string(id) + "\nfor listener " + std::to_string(*listener);
    const std::string number = std::to_string(id);
    co_yield Event{.data = data, .event = "delivery", .id = number};
  }
}

Task<std::string> listeners(State<Listeners> listeners) { co_return std::to_string(listeners->count); }

/// A folder that is gone at the end.
class Demo {
public:
  Demo() : root_(std::filesystem::temp_directory_path() / "umbel_responses_XXXXXX") {
    std::string path = root_;
    if (!::mkdtemp(path.data())) std::abort();
    root_ = path;
    write("reports/2026.txt", "all is well\n");
    write("public/index.html", "<h1>Shop</h1>\n");
    write("public/css/site.css", "h1 { color: teal }\n");
    write("public/.env", "password\n");
  }
  ~Demo() { std::filesystem::remove_all(root_); }
  const std::filesystem::path& root() const { return root_; }

private:
  void write(const std::string& name, std::string_view text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream{root_ / name} << text;
    using namespace std::chrono_literals;
    std::filesystem::last_write_time(root_ / name, std::filesystem::file_time_type::clock::now() - 1h);
  }
  std::filesystem::path root_;
};

/// Question and answer, with the fields of the reply that are named.
void show(loopback::Client& client, OwnedRequest request, std::initializer_list<std::string_view> fields) {
  const Request seen = request.view();
  std::printf("%s %s", std::string{to_string(seen.method())}.c_str(), std::string{seen.target()}.c_str());
  for (const auto& field : seen.headers())
    std::printf("  %s: %s", std::string{field.name}.c_str(), std::string{field.value}.c_str());
  const auto reply = client.send(std::move(request));
  std::printf("\n  -> %d", reply.status());
  for (const std::string_view name : fields) {
    if (const auto value = reply.header(name))
      std::printf("  %s: %s", std::string{name}.c_str(), std::string{*value}.c_str());
  }
  std::printf("\n");
  if (reply.content_type() == "text/event-stream") std::printf("%s", reply.body().c_str());
  else if (!reply.body().empty() && !reply.header("content-encoding"))
    std::printf("     %s\n", reply.body().substr(0, reply.body().find('\n')).c_str());
}

OwnedRequest get(std::string target) { return OwnedRequest{Method::get, std::move(target)}; }
OwnedRequest with(std::string target, std::string_view name, std::string_view value) {
  return std::move(get(std::move(target)).header(name, value));
}

int main() {
  const Demo demo;
  App app;
  app.state(Folders{demo.root()});
  app.state(Listeners{});
  const std::string folder = demo.root() / "public";

  app.post("/items", save);
  app.get("/reports/newest", newest);
  app.get("/reports/{year:int}", report);
  app.get("/sales", sales);
  app.get("/poem", poem);
  app.get("/whoami", whoami);
  app.get("/digits", digits);
  app.get("/deliveries", deliveries);
  app.get("/listeners", listeners);
  app.include("/shop", static_files(folder, {.cache_control = "public, max-age=3600"}));
#ifdef UMBEL_EXAMPLE_HAS_GZIP
  app.around(Gzip{});
#endif
  app.around(Cors{}.allow_origins({"https://shop.example"}).allow_methods({"GET", "POST"}));
  app.around(RequestId{});

  AccessLog log{stderr};
  app.observe(log.with_request_ids());

  loopback::Client client{app};
  show(client, std::move(OwnedRequest{Method::post, "/items"}.body("basil")), {"location"});
  show(client, get("/reports/2026"), {"content-type", "content-disposition", "accept-ranges"});
  show(client, with("/reports/2026", "range", "bytes=-5"), {"content-range"});
  show(client, with("/reports/2026", "range", "bytes=99-"), {"content-range"});
  show(client, with("/reports/2026", "if-none-match", "*"), {"cache-control"});
  show(client, get("/reports/1999"), {});
  show(client, get("/reports/newest"), {"content-type"});
  show(client, get("/shop/css/site.css"), {"content-type", "cache-control"});
  show(client, get("/shop/"), {"content-type"});
  show(client, get("/shop/css"), {});
  show(client, get("/shop/..%2freports%2f2026.txt"), {});
  show(client, get("/shop/.env"), {});
  show(client, with("/sales", "accept", "text/csv, */*;q=0.1"), {"content-type", "vary"});
  show(client, with("/sales", "accept", "image/png"), {});
  show(client, get("/poem"), {"content-language"});
  show(client, with("/whoami", "x-request-id", "7f3c"), {"x-request-id"});
  show(client, with("/poem", "origin", "https://shop.example"), {"access-control-allow-origin", "vary"});
  OwnedRequest preflight{Method::options, "/items"};
  preflight.header("origin", "https://evil.example").header("access-control-request-method", "DELETE");
  show(client, std::move(preflight), {"vary"});
  show(client, with("/digits", "accept-encoding", "gzip, br;q=0.5"), {"content-encoding", "vary"});
  show(client, with("/deliveries", "last-event-id", "1"), {"content-type", "cache-control"});
  show(client, get("/listeners"), {});
}
