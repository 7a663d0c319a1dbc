// SPDX-License-Identifier: MIT
// docs/parameters.md is made of pieces of this.
#include "show.hpp"

#include <optional>
#include <string>
#include <vector>

#include <umbel/di/form.hpp>
#include <umbel/json/constrained.hpp>

using namespace umbel;

std::string read_file(Path<"id", int, ge<1>> id, Path<"rest"> rest) {
  return std::to_string(*id) + ' ' + std::string{*rest};
}

enum class Sort { name, price };

std::string search(Query<"q", std::string, min_length<2>> q,       // required
                   Query<"limit", int, 20, ge<1>, le<100>> limit,  // a default, and bounds
                   Query<"sort", std::optional<Sort>> sort,        // may be missing; by its enumerators' names
                   Query<"tag", std::vector<std::string>, or_empty> tags) {  // all of that name
  return *q + ' ' + std::to_string(*limit) + (*sort ? " sorted" : "") + ' ' + std::to_string(tags->size());
}

std::string me(Header<"x-token"> token, Header<"x-part", std::vector<int>, or_empty> parts,
               Cookie<"session", std::optional<std::string_view>> session) {
  return std::string{*token} + ' ' + std::to_string(parts->size()) + (*session ? " known" : "");
}

struct Filter {
  Query<"from", int, 0> from;
  Query<"to", int, 10> to;
  Header<"accept-language", std::string_view, default_to<"en">> language;
};

std::string list(Depends<make<Filter>> filter) {
  return std::to_string(*filter->to - *filter->from) + ' ' + std::string{*filter->language};
}

struct Item {
  std::string name;
  Bounded<double, gt<0>> price;
};

std::string add_item(Body<Item> item) { return item->name + " for " + std::to_string(*item->price); }

std::string count_bytes(Body<> bytes) { return std::to_string(bytes->size()); }

Task<std::string> count_lines(BodyStream& body) {
  std::size_t lines = 0;
  for (;;) {
    const std::string_view piece = co_await body.read();  // Empty at the end.
    if (piece.empty()) break;
    for (const char c : piece) lines += c == '\n';
  }
  co_return std::to_string(lines);
}

struct Signup {
  Text<min_length<1>, max_length<20>> name;
  std::optional<int> age;
  Defaulted<bool> wants_mail = false;
  Defaulted<std::vector<std::string>> topics;
};

std::string sign_up(Form<Signup> form) {
  return *form->name + (*form->wants_mail ? " wants mail on " : " wants no mail on ") +
         std::to_string(form->topics->size());
}

struct Upload {
  std::string title;
  UploadedFile picture;
  Defaulted<std::vector<UploadedFile>> more;
};

Task<Response> upload(Form<Upload, FormLimits{.file_bytes = 10 << 20}> form) {
  std::uint64_t sum = 0;
  char block[4096];
  for (std::uint64_t at = 0; at < form->picture.size();) {
    const std::size_t size = co_await form->picture.read(at, block);
    for (std::size_t i = 0; i < size; ++i) sum += static_cast<unsigned char>(block[i]);
    at += size;
  }
  co_return Response::text(form->picture.file_name() + ' ' + std::to_string(sum));
}

void send(loopback::Client& client, std::string target, std::string type, std::string body,
          Method method = Method::post) {
  OwnedRequest request{method, std::move(target)};
  request.header("content-type", type);
  tutorial::show(client, std::move(request).body(std::move(body)));
}

int main() {
  App app;
  app.get("/files/{id}/{rest:path}", read_file);
  app.get("/search", search);
  app.get("/me", me);
  app.get("/list", list);
  app.post("/items", add_item);
  app.put("/bytes", count_bytes, {.body_limit = 1 << 20});
  app.put("/lines", count_lines);
  app.post("/signup", sign_up);
  app.post("/pictures", upload, {.body_limit = 100 << 20});

  loopback::Client client{app};
  tutorial::show(client, "/files/7/a%20b/c");
  tutorial::show(client, "/search?q=ab&sort=price&tag=x&tag=y+z");
  tutorial::show(client, "/search?q=%zz&limit=0");
  tutorial::show(client, OwnedRequest{Method::get, "/me"}.header("x-token", "fennel").header("cookie", "session=s"));
  tutorial::show(client, "/list?from=4");
  send(client, "/items", "application/json", R"({"name": "tea", "price": 2.5})");
  send(client, "/items", "application/json", R"({"price": 0})");
  send(client, "/items", "application/json", R"({"name": "tea", })");
  send(client, "/bytes", "application/octet-stream", "abc", Method::put);
  send(client, "/lines", "text/plain", "a\nb\n", Method::put);
  send(client, "/signup", "application/x-www-form-urlencoded", "name=Ann+Lee&wants_mail=on&topics=a&topics=b");
  send(client, "/signup", "application/x-www-form-urlencoded", "name=&age=x");
  send(client, "/pictures", "multipart/form-data; boundary=b",
       "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nT\r\n"
       "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\r\nabc\r\n--b--\r\n");
}
