// SPDX-License-Identifier: MIT
// How transports begin and end, and begin again.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "scene.hpp"

namespace umbel::testing {

namespace {

using namespace std::chrono_literals;
using std::string;
using enum TransportState;

constexpr std::chrono::milliseconds for_ever = 1h;

void goes_through_its_states(Scene& scene) {
  Notice* opening = nullptr;
  scene.service.on_open = [&](Notice& notice) { opening = &notice; };
  EXPECT_EQ(scene.transport().state(), stopped);
  scene.harness().start();
  scene.settle();
  EXPECT_EQ(scene.transport().state(), starting);
  ASSERT_NE(opening, nullptr);
  opening->tell();
  EXPECT_EQ(scene.transport().state(), ready);
  scene.ask_and_wait();
  scene.drain();
  EXPECT_EQ(scene.transport().state(), draining);
  scene.service.reply(scene.service.waiting(), Response{200});
  scene.until_stopped();

  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void tells_who_waits(Scene& scene) {
  Notice* opening = nullptr;
  scene.service.on_open = [&](Notice& notice) { opening = &notice; };
  scene.harness().start();
  Heard& first = scene.heard();
  Heard& second = scene.heard();
  scene.transport().when_open(first);
  scene.transport().when_open(second);
  scene.settle();
  EXPECT_EQ(first.times + second.times, 0);
  opening->tell();
  scene.until("both are told", [&] { return first.times + second.times == 2; });
  Heard& late = scene.heard();
  scene.transport().when_open(late);

  EXPECT_EQ(late.times, 1);
  EXPECT_EQ(first.message + second.message + late.message, "");
}

void serves_while_starting(Scene& scene) {
  Notice* opening = nullptr;
  scene.service.on_open = [&](Notice& notice) { opening = &notice; };
  scene.harness().start();
  Talk& talk = scene.ask("/early");
  scene.until_asked();  // The service is where it waits.
  EXPECT_EQ(scene.transport().state(), starting);
  opening->tell();
  scene.service.reply(scene.service.waiting(), Response::text("early"));
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 early");
}

void service_cannot_start(Scene& scene) {
  scene.service.on_start = [] { throw StartError{"no state"}; };
  EXPECT_THROW(scene.harness().start(), StartError);
  EXPECT_EQ(scene.transport().state(), stopped);
  EXPECT_EQ(scene.service.journal, "start");

  scene.service.on_start = {};
  scene.start();
  EXPECT_EQ(scene.transport().state(), ready);
}

void service_cannot_open(Scene& scene, bool at_once) {
  Notice* opening = nullptr;
  const Error error{HttpError{500, "no database"}};
  scene.service.on_open = [&](Notice& notice) {
    if (at_once) notice.tell(&error);
    else opening = &notice;
  };
  Heard& heard = scene.heard();
  try {
    scene.harness().start();
    if (!at_once) scene.transport().when_open(heard);
    if (!at_once) opening->tell(&error);
  } catch (const StartError&) {
    EXPECT_TRUE(at_once) << "thrown too late";
  }
  scene.until_stopped();
  scene.settle();

  EXPECT_EQ(scene.service.journal, "start open");
  EXPECT_EQ(heard.times, at_once ? 0 : 1);
  EXPECT_EQ(heard.message, at_once ? "" : "no database");

  scene.service.on_open = {};
  scene.start();
  scene.answer_all([](const Request&) { return Response::text("now"); });
  EXPECT_EQ(scene.exchange({}), "200 now");
}
void service_cannot_open_at_once(Scene& scene) { service_cannot_open(scene, true); }
void service_cannot_open_later(Scene& scene) { service_cannot_open(scene, false); }

void cannot_open_with_requests(Scene& scene) {
  Notice* opening = nullptr;
  scene.service.on_open = [&](Notice& notice) { opening = &notice; };
  scene.harness().start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  const Error error{HttpError{500, "no database"}};
  opening->tell(&error);
  scene.settle();
  EXPECT_TRUE(stops.times > 0 || scene.transport().state() != stopped);
  scene.service.reply(exchange, Response{503});
  scene.until_stopped();

  EXPECT_EQ(scene.service.journal, "start open");
}

void drains_idle(Scene& scene) {
  scene.start();
  Flag& done = scene.flag();
  scene.transport().drain({}, done);
  scene.until("the drain is over", [&] { return done.runs > 0; });
  scene.settle();

  EXPECT_EQ(done.runs, 1);
  EXPECT_EQ(scene.transport().state(), stopped);
  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void drains_stopped(Scene& scene) {
  Flag& done = scene.flag();
  scene.transport().drain({.delay = for_ever}, done);
  scene.until("the drain is over", [&] { return done.runs > 0; });

  EXPECT_EQ(scene.service.journal, "");
}

void finishes_in_flight(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  Stops& stops = scene.stops(exchange);
  Flag& done = scene.flag();
  scene.transport().drain({.limit = for_ever}, done);
  scene.settle();
  EXPECT_EQ(done.runs + stops.times, 0);
  scene.service.write("reply");
  scene.service.reply(exchange, Response::text("finished"));
  scene.until("the drain is over", [&] { return done.runs > 0; });
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 finished");
  EXPECT_EQ(scene.service.journal, "start open draining reply close");
}

void finishes_a_body(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = 20});
  talk.send("0123456789");
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  Reader& reader = scene.reader(exchange);
  reader.collect();
  scene.drain({.limit = for_ever});
  scene.settle();
  talk.send("0123456789");
  talk.end();
  scene.until("the body", [&] { return reader.is_over; });
  EXPECT_EQ(reader.body.size(), 20u);
  scene.service.reply(exchange, Response::text("finished"));
  scene.until_over(talk);
  scene.until_stopped();

  EXPECT_EQ(talk.brief(), "200 finished");
}

void finishes_a_stream(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  scene.service.reply(scene.ask_and_wait(), Response::stream("text/x", source.give()));
  Talk& talk = scene.last();
  scene.until("a pull", [&] { return source.is_awaited(); });
  scene.drain({.limit = for_ever});
  scene.settle();
  EXPECT_EQ(scene.transport().state(), draining);
  source.add("to the end");
  source.end();
  scene.until_stopped();
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 to the end");
}

void waits_for_release(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::text("held"), sent);
  scene.until("it is sent", [&] { return sent.runs > 0; });
  scene.drain({.limit = for_ever});
  scene.settle();
  EXPECT_EQ(scene.transport().state(), draining);
  scene.service.write("release");
  scene.service.release(exchange);
  scene.until_stopped();

  EXPECT_EQ(scene.service.journal, "start open draining release close");
}

void serves_in_the_delay(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) { return Response::text("still"); });
  scene.drain({.delay = for_ever});
  EXPECT_EQ(scene.transport().state(), draining);
  EXPECT_EQ(scene.exchange({}), "200 still");
  EXPECT_EQ(scene.exchange({}), "200 still");
  EXPECT_EQ(scene.service.journal, "start open draining");
  scene.drain({});
  scene.until_stopped();

  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void the_delay_ends(Scene& scene) {
  scene.start();
  Flag& done = scene.flag();
  const Time begin = scene.context().now();
  scene.transport().drain({.delay = 20ms}, done);
  scene.until("the drain is over", [&] { return done.runs > 0; });

  EXPECT_GE(scene.context().now() - begin, 19ms);
}

void lets_nobody_in(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  scene.drain({.limit = for_ever});
  scene.settle();
  Talk& late = scene.ask("/late");
  scene.settle();
  scene.service.reply(exchange, Response{200});
  scene.until_stopped();
  scene.settle();

  EXPECT_EQ(scene.service.served, 1);
  EXPECT_NE(late.answer.status, 200);
}

void cancels_at_the_limit(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  Flag& done = scene.flag();
  scene.transport().drain({.limit = 10ms}, done);
  scene.until("the stop", [&] { return stops.times > 0; });
  scene.settle();
  EXPECT_EQ(stops.reason, CancelReason::shutdown);
  EXPECT_EQ(done.runs, 0) << "the service has not replied";
  EXPECT_EQ(scene.service.journal, "start open draining");
  scene.service.reply(exchange, Response{503});
  scene.until("the drain is over", [&] { return done.runs > 0; });

  EXPECT_EQ(stops.times, 1);
  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void cancels_a_stream(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.until("a pull", [&] { return source.is_awaited(); });
  scene.drain({.limit = 10ms});
  scene.until_stopped();
  scene.until_over(talk);

  EXPECT_EQ(source.drops, 1);
  EXPECT_FALSE(talk.answer.is_complete && talk.answer.status == 200);
}

void cancels_held(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::text("held"), sent);
  scene.until("it is sent", [&] { return sent.runs > 0; });
  scene.drain({.limit = 10ms});
  scene.until("the stop", [&] { return stops.times > 0; });

  EXPECT_EQ(stops.reason, CancelReason::shutdown);
  scene.service.release(exchange);
  scene.until_stopped();
}

void stops_at_once(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  scene.transport().stop();
  EXPECT_EQ(scene.transport().state(), draining);
  scene.until("the stop", [&] { return stops.times > 0; });
  EXPECT_EQ(stops.reason, CancelReason::shutdown);
  scene.service.reply(exchange, Response{503});
  scene.until_stopped();

  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void stops_idle(Scene& scene) {
  scene.transport().stop();
  EXPECT_EQ(scene.transport().state(), stopped);
  scene.start();
  scene.transport().stop();
  scene.transport().stop();
  scene.until_stopped();

  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void stops_a_drain(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  Flag& done = scene.flag();
  scene.transport().drain({.delay = for_ever}, done);
  scene.settle();
  EXPECT_EQ(stops.times, 0);
  scene.transport().stop();
  scene.until("the stop", [&] { return stops.times > 0; });
  scene.service.reply(exchange, Response{503});
  scene.until("the drain is over", [&] { return done.runs > 0; });

  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void drains_anew(Scene& scene) {
  scene.start();
  Flag& first = scene.flag();
  Flag& second = scene.flag();
  scene.transport().drain({.delay = std::chrono::milliseconds::max()}, first);
  scene.settle();
  EXPECT_EQ(first.runs, 0);
  scene.transport().drain({}, second);
  scene.until("both are told", [&] { return first.runs > 0 && second.runs > 0; });
  scene.settle();

  EXPECT_EQ(first.runs + second.runs, 2);
  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void drains_while_starting(Scene& scene) {
  Notice* opening = nullptr;
  scene.service.on_open = [&](Notice& notice) { opening = &notice; };
  scene.harness().start();
  Flag& done = scene.flag();
  scene.transport().drain({}, done);
  scene.settle();
  EXPECT_EQ(scene.transport().state(), draining);
  EXPECT_EQ(done.runs, 0);
  opening->tell();
  scene.until("the drain is over", [&] { return done.runs > 0; });

  EXPECT_EQ(scene.transport().state(), stopped);
  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void restarts(Scene& scene) {
  scene.answer_all([](const Request& request) { return Response::text(request.target()); });
  for (int time = 0; time < 3; ++time) {
    scene.service.journal.clear();
    scene.start();
    EXPECT_EQ(scene.exchange({.target = "/again"}), "200 /again");
    scene.drain();
    scene.until_stopped();
    EXPECT_EQ(scene.service.journal, "start open draining close");
  }
}

void restarts_after_stop(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  scene.transport().stop();
  scene.settle();
  scene.service.reply(exchange, Response{503});
  scene.until_stopped();
  scene.answer_all([](const Request&) { return Response::text("again"); });
  scene.start();

  EXPECT_EQ(scene.exchange({}), "200 again");
}

void two_of_one_service(Scene& scene) {
  scene.start();
  TransportHarness& other = scene.start_another();
  scene.answer_all([](const Request& request) { return Response::text(request.target()); });
  Talk& here = scene.ask("/here");
  Talk& there = scene.connect(other);
  there.ask({.target = "/there"});
  there.end();
  scene.until_over();
  EXPECT_EQ(here.brief(), "200 /here");
  EXPECT_EQ(there.brief(), "200 /there");

  scene.drain();
  scene.until_stopped();
  EXPECT_EQ(other.transport().state(), ready);
  Talk& after = scene.connect(other);
  after.ask({.target = "/after"});
  after.end();
  scene.until_over(after);
  EXPECT_EQ(after.brief(), "200 /after");
  EXPECT_EQ(scene.service.journal, "start open start open draining close");
}

void destroying_stops(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  struct Reply : Work {
    explicit Reply(Played& s, Exchange& e)
        : Work([](Work& work) noexcept {
            auto& self = static_cast<Reply&>(work);
            self.service.write("reply");
            self.service.reply(self.exchange, Response{503});
          }),
          service(s),
          exchange(e) {}
    Played& service;
    Exchange& exchange;
  } reply{scene.service, exchange};
  scene.stops(exchange, [&, &context = scene.context()] { context.enqueue(reply); });
  scene.destroy_transport();

  EXPECT_EQ(scene.service.journal, "start open draining reply close");
}

void destroying_idle(Scene& scene) {
  scene.start();
  scene.destroy_transport();

  EXPECT_EQ(scene.service.journal, "start open draining close");
}

void capabilities_stay(Scene& scene) {
  const Capabilities before = scene.capabilities();
  scene.start();
  const Capabilities after = scene.capabilities();

  for (const Need& need : {stream_in, stream_out, trailers, disconnect, deadline, keep_alive, several_peers}) {
    EXPECT_EQ(before.*need.has, after.*need.has) << need.name;
  }
}

}  // namespace

std::vector<Case> drain_cases() {
  return {{"GoesThroughItsStates", {}, goes_through_its_states},
          {"TellsAllWhoWaitThatItIsOpen", {}, tells_who_waits},
          {"AsksTheServiceWhileItOpens", {}, serves_while_starting},
          {"ThrowsIfTheServiceCannotStart", {}, service_cannot_start},
          {"StopsIfTheServiceCannotOpenAtOnce", {}, service_cannot_open_at_once},
          {"StopsAndSaysSoIfTheServiceCannotOpen", {}, service_cannot_open_later},
          {"WaitsForRequestsIfTheServiceCannotOpen", {}, cannot_open_with_requests},
          {"DrainsAtOnceIfNothingIsInFlight", {}, drains_idle},
          {"IsDrainedIfItIsStopped", {}, drains_stopped},
          {"FinishesWhatIsInFlight", {}, finishes_in_flight},
          {"FinishesARequestWhoseBodyIsUnderWay", {stream_in}, finishes_a_body},
          {"FinishesAStream", {}, finishes_a_stream},
          {"WaitsForHeldReplies", {}, waits_for_release},
          {"ServesAsBeforeInTheDelay", {}, serves_in_the_delay},
          {"EndsBehindTheDelay", {}, the_delay_ends},
          {"LetsNobodyInBehindTheDelay", {several_peers}, lets_nobody_in},
          {"CancelsWhatIsInFlightAtTheLimit", {}, cancels_at_the_limit},
          {"CutsStreamsAtTheLimit", {}, cancels_a_stream},
          {"CancelsHeldRepliesAtTheLimit", {}, cancels_held},
          {"CancelsAtOnceWhenItIsStopped", {}, stops_at_once},
          {"MayBeStoppedAtAnyTime", {}, stops_idle},
          {"MayBeStoppedInADrain", {}, stops_a_drain},
          {"CountsAnewWhenItIsDrainedAgain", {}, drains_anew},
          {"MayBeDrainedWhileItStarts", {}, drains_while_starting},
          {"BeginsAgain", {}, restarts},
          {"BeginsAgainAfterAStop", {}, restarts_after_stop},
          {"SharesTheServiceWithAnother", {}, two_of_one_service},
          {"StopsWhenDestroyed", {}, destroying_stops},
          {"ClosesTheServiceWhenDestroyed", {}, destroying_idle},
          {"CanAlwaysDoTheSame", {}, capabilities_stay}};
}

}  // namespace umbel::testing
