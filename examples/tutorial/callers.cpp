// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <string>

using namespace umbel;
using namespace std::chrono_literals;

struct Mailer {
  void send(std::string_view to) const { tutorial::print("  mail to " + std::string{to}); }
};

Resource<Mailer> open_mailer() {
  Mailer mailer;
  co_yield mailer;
  tutorial::print("  the mailer is closed");
}

Task<void> confirm(Depends<open_mailer> mailer, Query<"to"> to) {
  mailer->send(*to);
  co_return;
}

Task<std::string> order(Background& background) {
  background.call<confirm>();
  co_return "ordered";
}

Task<void> remind(Depends<open_mailer> mailer) {
  mailer->send("everybody");
  co_return;
}

Task<void> without_a_request(App& app, Context& context) {
  Engine engine{app, context};
  const OwnedRequest request{Method::get, "/?to=bob"};
  co_await engine.call<confirm>(request.view());

  const Every<remind> reminding{engine, 20ms};
  co_await sleep(30ms);
}

int main() {
  App app;
  app.get("/order", order);
  loopback::Client client{app};
  tutorial::show(client, "/order?to=ann");
  client.run(without_a_request(app, client.context()));

  const char* const arguments[] = {"shop", "order", "--to", "carl"};
  tutorial::show(client, command_line(4, arguments));
}
