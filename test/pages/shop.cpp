// SPDX-License-Identifier: MIT
// A program whose pages are looked at: every kind of node, lifetime and edge is in its graph. Its port is printed, and
// it ends with SIGTERM.
#include <umbel/pages/pages.hpp>
#include <umbel/umbel.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace umbel;
using namespace std::chrono_literals;

namespace shop {

struct Settings {
  int page_size = 20;
};

Resource<int> open_pool() {
  int pool = 1;
  co_yield pool;
}
inline constexpr auto pool = provider<open_pool>.lifetime(Lifetime::app);

Resource<int> open_cache(Depends<pool> p) {
  int cache = *p;
  co_yield cache;
}
inline constexpr auto cache = provider<open_cache>.lifetime(Lifetime::loop);

Resource<int> open_session(Depends<pool> p) {
  co_await sleep(2ms);
  int session = *p;
  co_yield session;
  co_await sleep(1ms);
}
inline constexpr auto session = provider<open_session>.lifetime(Lifetime::request).capacity(8);

SyncResource<int> open_scratch_file() {
  int file = 3;
  co_yield file;
}

Resource<int> begin_span() {
  int span = 0;
  co_yield span;
}
inline constexpr auto span = provider<begin_span>.lifetime(Lifetime::last_use);

int read_token(Header<"x-token", std::string_view, default_to<"">> token) { return token->empty() ? 0 : 1; }

int check_password(Depends<on_loop<read_token>> token, Depends<span>) {
  std::this_thread::sleep_for(3ms);
  return *token;
}
inline constexpr auto current_user = provider<check_password>.lane("crypto");

void not_too_many(Depends<on_loop<read_token>>, Depends<cache>) {}
void logged_in(Depends<current_user>) {}

Task<std::string> load_item(Path<"item_id", int> id, Exclusive<session>, State<Settings>) {
  co_await sleep(5ms);
  co_return "item " + std::to_string(*id);
}
Task<int> price_of(Path<"item_id", int> id, Depends<cache>) {
  co_await sleep(1ms);
  co_return *id * 100;
}
Task<std::string> advert() { co_return "buy more"; }
int stock_of(Path<"item_id", int> id, Depends<open_scratch_file>) { return *id % 7; }

Task<Response> read_item(Guard<logged_in>, Depends<load_item> item, Depends<price_of> price, Try<stock_of> stock,
                         Lazy<advert> ad, Depends<session>, Query<"with_ad", bool, false> with_ad) {
  std::string text = *item + " costs " + std::to_string(*price);
  if (stock.ok()) text += ", stock " + std::to_string(stock.value());
  if (*with_ad) {
    const std::string more = co_await ad;
    text += "; " + more;
  }
  co_return Response::text(text);
}

Task<Response> list_items(Depends<session>, State<Settings> settings) {
  co_await sleep(1ms);
  co_return Response::text(std::to_string(settings->page_size) + " items");
}

Response add_item(Depends<current_user>, Exclusive<session>, Body<> body) {
  return Response::text("added " + std::string{*body}, 201);
}

Response version() { return Response::text("1.0"); }

Response openapi() {
  return Response::json(R"({"openapi":"3.1.0","info":{"title":"Shop","version":"1.0","description":"A shop to try."},
"tags":[{"name":"items","description":"What is for sale"}],
"paths":{"/items/{item_id}":{"get":{"tags":["items"],"summary":"Read an item","operationId":"read_item",
"parameters":[{"name":"item_id","in":"path","required":true,"schema":{"type":"integer"}},
{"name":"with_ad","in":"query","schema":{"type":"boolean","default":false}}],
"responses":{"200":{"description":"The item","content":{"text/plain":{"schema":{"type":"string"}}}},
"422":{"description":"Validation error"}}}},
"/items":{"get":{"tags":["items"],"summary":"List items","operationId":"list_items","responses":{"200":{"description":"Items"}}}},
"/version":{"get":{"summary":"Version","operationId":"version","responses":{"200":{"description":"The version"}}}}}})");
}

}  // namespace shop

int main() {
  App app;
  Statistics statistics;
  app.observe(statistics).state(shop::Settings{});
  app.lane("crypto", {.limit = 2});
  app.guard<shop::not_too_many>();

  Router items;
  items.tag<"items">();
  items.get("", shop::list_items);
  items.get("/{item_id}", shop::read_item);
  items.post("", shop::add_item);
  app.include("/items", items);
  app.get("/version", on_loop<shop::version>, {.tags = tags<"about">});
  app.get("/openapi.json", shop::openapi, {.tags = tags<"about">});

  add_pages(app, {.title = "Shop", .statistics = &statistics});
  const Override cheap = app.decorate<shop::price_of>([](Original<shop::price_of> price) { return *price / 2; });

  return http1::serve(app, {.port = 0, .on_listening = [](int port) {
                              std::printf("%d\n", port);
                              std::fflush(stdout);
                            }});
}
