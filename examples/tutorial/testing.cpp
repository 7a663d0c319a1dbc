// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <umbel/testing/simulation.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

using namespace umbel;
using namespace std::chrono_literals;

struct Leases {
  int open = 0;
};

Resource<int> lease(State<Leases> leases) {
  leases->open += 1;
  int number = leases->open;
  co_yield number;
  leases->open -= 1;
}

Task<std::string> slow(Depends<lease>) {
  co_await sleep(1h);
  co_return "at last";
}

std::string double_of(Query<"n", int> n) { return std::to_string(*n * 2); }

std::string current_user(Header<"x-token">) { throw HttpError{401, "Not authenticated"}; }
std::string who(Depends<current_user> user) { return *user; }

void add_routes(App& app) {
  app.get("/who", who);
  app.get("/slow", slow);
  app.get("/double", double_of);
}

void ask_it() {
  Leases leases;
  App app;
  app.borrow(leases);
  add_routes(app);
  loopback::Client client{app};

  const loopback::Reply reply = client.get("/double?n=21");

  if (reply.status() != 200 || reply.body() != "42") throw std::logic_error{"wrong"};
}

void call_a_function() {  // A parameter is a value like another: a handler can be called.
  if (double_of(Query<"n", int>{21}) != "42") throw std::logic_error{"wrong"};
}

void put_another_in_its_place() {
  Leases leases;
  App app;
  app.borrow(leases);
  add_routes(app);
  loopback::Client client{app};

  const Override ada = app.override<current_user>([] { return std::string{"Ada"}; });  // as long as `ada` lives

  if (client.get("/who").body() != "Ada") throw std::logic_error{"wrong"};
}

// Two clients, who may leave at any moment; a thousand schedules, each of which decides what happens next. The hour
// that `slow` sleeps takes no time.
void try_a_thousand_orders() {
  const testing::Exploration all = testing::for_each_seed([](testing::Schedule& schedule) {
    Leases leases;
    App app;
    app.borrow(leases);
    add_routes(app);
    testing::Simulation sim{app, schedule};
    sim.request("/slow").may_leave();
    sim.request("/slow").may_leave();
    sim.run();
    schedule.check(leases.open == 0, "a lease was not given back");
  });
  if (!all.mistake.empty()) throw std::logic_error{all.mistake};  // Says which seed to run again.
}

int main() {
  ask_it();
  call_a_function();
  put_another_in_its_place();
  try_a_thousand_orders();
  tutorial::print("all well");
}
