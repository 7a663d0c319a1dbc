// SPDX-License-Identifier: MIT
// A bus with few seats, and its tests as you would write them: a client in process for what the routes answer,
// overrides for what a test must not touch, and a simulation for what goes wrong only when requests meet at the wrong
// moment.
//
//     testing [GoogleTest's options]

#include <gtest/gtest.h>

#include <umbel/di/override_set.hpp>
#include <umbel/di/resource.hpp>
#include <umbel/loopback/client.hpp>
#include <umbel/testing/faults.hpp>
#include <umbel/testing/simulation.hpp>
#include <umbel/umbel.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace umbel;
using namespace std::chrono_literals;

// --- the application. In a program of your own it stands in files of its own, which main and the tests share.

/// Used by the loop's thread alone, so it needs no lock.
struct Bus {
  std::size_t seats;
  std::vector<std::string> passengers{};
};

struct Bank {
  Task<void> charge(std::string) { co_await sleep(100ms); }  // Would send a request to the bank's server.
};

std::string read_name(Header<"x-name", std::optional<std::string_view>> name) {
  if (!*name) throw HttpError{401, "Who are you?"};
  return std::string{**name};
}
constexpr auto& traveller = on_loop<read_name>;

/// The seat is taken at once, and given back if anything goes wrong after that.
Resource<std::size_t> hold_seat(State<Bus> bus) {
  if (bus->seats == 0) throw HttpError{409, "The bus is full"};
  std::size_t left = --bus->seats;
  const Outcome& outcome = co_yield left;
  if (!outcome.ok()) ++bus->seats;
}

/// After the seat: who gets none does not pay.
Task<void> charge(Depends<traveller> who, After<hold_seat>, State<Bank> bank) { co_await bank->charge(*who); }

Response book(Depends<traveller> who, Depends<hold_seat> left, Depends<charge>, State<Bus> bus) {
  bus->passengers.push_back(*who);
  return Response::text("Welcome, " + *who + ". Seats left: " + std::to_string(*left), 201);
}

void add_routes(App& app, Bus& bus) {
  app.borrow(bus);
  app.post("/bookings", on_loop<book>);
}

// --- what the routes answer: through routing, validation, graph and workers, but without a socket

OwnedRequest booking(const char* name) {
  OwnedRequest request{Method::post, "/bookings"};
  request.header("x-name", name);
  return request;
}

class Bookings : public ::testing::Test {
protected:
  Bookings() { add_routes(app, bus); }

  Bus bus{2};
  App app;
  // As long as this lives, nobody is charged, and no Bank is needed. What stands in may be any kind of function.
  Override free_of_charge = app.override<charge>([] {});
};

TEST_F(Bookings, TakeASeat) {
  loopback::Client client{app};

  const loopback::Reply reply = client.send(booking("Ada"));

  EXPECT_EQ(reply.status(), 201);
  EXPECT_EQ(reply.body(), "Welcome, Ada. Seats left: 1");
  EXPECT_EQ(bus.seats, 1u);
  EXPECT_EQ(bus.passengers, std::vector<std::string>{"Ada"});
}

TEST_F(Bookings, AreForThoseWhoSayTheirName) {
  loopback::Client client{app};

  EXPECT_EQ(client.post("/bookings", "").status(), 401);
  EXPECT_EQ(bus.seats, 2u);
}

TEST_F(Bookings, AreRefusedWhenTheBusIsFull) {
  bus.seats = 0;
  loopback::Client client{app};

  EXPECT_EQ(client.send(booking("Ada")).status(), 409);
}

TEST_F(Bookings, ThatAreNotPaidGiveTheSeatBack) {
  OverrideSet without_money{app};  // For those who come through it; what the App overrides is for everybody.
  without_money.override<charge>([](After<hold_seat>) { throw HttpError{402, "You have no money"}; });
  loopback::Client ada{app}, ben{without_money};

  EXPECT_EQ(ben.send(booking("Ben")).status(), 402);
  EXPECT_EQ(bus.seats, 2u);
  EXPECT_EQ(ada.send(booking("Ada")).status(), 201);
}

// --- what only some schedules show. A scenario builds its world anew, runs, and says what must hold. Wherever two
// things
// --- could happen the schedule decides which comes first; time is virtual, and costs none.

using umbel::testing::Schedule;

/// hold_seat as it was at first. Passes every test that asks one thing after the other.
Resource<std::size_t> hold_seat_hastily(State<Bus> bus) {
  if (bus->seats == 0) throw HttpError{409, "The bus is full"};
  std::size_t left = bus->seats - 1;
  const Outcome& outcome = co_yield left;  // Here other requests run. What was checked above need not hold below.
  if (outcome.ok()) --bus->seats;
}

Task<void> charge_slowly(After<hold_seat>) { co_await sleep(20ms); }

void two_want_the_last_seat(App& app, Schedule& schedule) {
  Bus bus{1};
  add_routes(app, bus);
  const Override slow = app.override<charge>(charge_slowly);
  umbel::testing::Simulation sim{app, schedule};
  sim.request(booking("Ada"));
  sim.request(booking("Ben"));

  sim.run();

  schedule.check(bus.passengers.size() < 2, "a seat was sold twice");
  schedule.check(bus.passengers.size() > 0, "the bus left without anybody");
}

TEST(HastyBookings, SellASeatTwiceInSomeSchedule) {
  const auto tried = umbel::testing::explore([](Schedule& schedule) {
    App app;
    const Override hasty = app.override<hold_seat>(hold_seat_hastily);
    two_want_the_last_seat(app, schedule);
  });

  // It goes on: `to see it again: Schedule::replay("choices 0 1 ...")`. Paste that into a test of its own, and step
  // through it with a debugger.
  EXPECT_EQ(tried.mistake.find("a seat was sold twice; to see it again: "), 0u) << tried.mistake;
}

TEST(BookingsInASimulation, SellASeatOnceInEverySchedule) {
  const auto tried = umbel::testing::explore([](Schedule& schedule) {
    App app;
    two_want_the_last_seat(app, schedule);
  });

  EXPECT_EQ(tried.mistake, "");
  EXPECT_TRUE(tried.is_complete) << tried.schedules;  // There are no others.
}

// --- what is left behind when something goes wrong: each node fails once, each peer leaves once at each moment

TEST(BookingsInASimulation, LoseNoSeatWhateverFails) {
  const auto tried = umbel::testing::for_each_step([](Schedule& schedule) {
    umbel::testing::Faults faults{schedule};
    Bus bus{2};
    App app;
    app.observe(faults);
    add_routes(app, bus);
    const Override slow = app.override<charge>(charge_slowly);
    umbel::testing::Simulation sim{app, schedule};
    sim.request(booking("Ada"));
    sim.request(booking("Ben"));

    sim.run();

    schedule.check(bus.seats + bus.passengers.size() == 2, "a seat was lost");
  });

  EXPECT_EQ(tried.mistake, "");
  EXPECT_GT(tried.schedules, 8u);  // There are four nodes in each request.
}
