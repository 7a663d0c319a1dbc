// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace umbel;

void require_login(Header<"x-token", std::string_view, default_to<"">> token) {
  if (*token != "fennel") throw HttpError{401, "Not authenticated"};
}

std::string add_item(Guard<require_login>, Body<> body) { return "got " + std::to_string(body->size()) + " bytes"; }

struct Basket {
  std::vector<std::string> things;
};

Basket open_basket() { return {}; }

void add_nuts(Exclusive<open_basket> basket) { basket->things.push_back("nuts"); }
void add_figs(Exclusive<open_basket> basket) { basket->things.push_back("figs"); }

std::string show_basket(After<add_nuts>, After<add_figs>, Depends<open_basket> basket) {
  std::string text;
  for (const std::string& thing : basket->things) text += (text.empty() ? "" : ", ") + thing;
  return text;
}

Task<std::string> load_history() { co_return "bought nuts, twice"; }

Task<std::string> read_user(Query<"full", bool, false> full, Lazy<load_history> history) {
  if (!*full) co_return "Ada";
  const std::string& all = co_await history;
  co_return "Ada " + all;
}

Task<std::string> recommend() { throw HttpError{503, "The oracle sleeps"}; }

std::string front_page(Try<recommend> also) {
  if (!also) return "Welcome";
  return "Welcome. Try " + *also;
}

int number_of() {
  static int last = 0;
  return ++last;
}

std::string tickets(Depends<on_loop<number_of>, uncached> mine, Depends<on_loop<number_of>, uncached> yours) {
  return std::to_string(*mine) + " and " + std::to_string(*yours);
}

int main() {
  App app;
  app.post("/items", add_item);
  app.get("/basket", show_basket);
  app.get("/user", read_user);
  app.get("/", front_page);
  app.get("/tickets", tickets);

  loopback::Client client{app};
  OwnedRequest request{Method::post, "/items"};
  request.body("fennel");
  tutorial::show(client, request);
  request.header("x-token", "fennel");
  tutorial::show(client, request);
  tutorial::show(client, "/basket");
  tutorial::show(client, "/user?full=true");
  tutorial::show(client, "/");
  tutorial::show(client, "/tickets");
}
