// SPDX-License-Identifier: MIT
// An exchange from the question to its end.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "scene.hpp"

namespace umbel::testing {

namespace {

using namespace std::chrono_literals;
using std::string;

void replies_at_once(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) { return Response::text("at once"); });

  EXPECT_EQ(scene.exchange({}), "200 at once");
  EXPECT_EQ(scene.exchange({.method = "POST"}, "body"), "200 at once");
  EXPECT_EQ(scene.service.served, 2);
}

void replies_later(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  scene.settle();
  EXPECT_EQ(talk.answer.status, 0);
  scene.service.reply(exchange, Response::text("later"));
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 later");
}

/// Replies when it runs.
struct ReplyingWork : Work {
  ReplyingWork(Played& s, Exchange& e)
      : Work([](Work& work) noexcept {
          auto& self = static_cast<ReplyingWork&>(work);
          self.service.reply(self.exchange, Response::text("from the queue"));
        }),
        service(s),
        exchange(e) {}
  Played& service;
  Exchange& exchange;
};

void replies_from_the_queue(Scene& scene) {
  scene.start();
  ReplyingWork work{scene.service, scene.ask_and_wait()};
  scene.context().enqueue(work);
  scene.until_over();

  EXPECT_EQ(scene.last().brief(), "200 from the queue");
}

void replies_from_a_worker(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  std::thread worker{[&] {
    scene.context().post([&]() noexcept { scene.service.reply(exchange, Response::text("from a worker")); });
  }};
  worker.join();
  scene.until_over();

  EXPECT_EQ(scene.last().brief(), "200 from a worker");
}

void replies_once(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) { return Response::text("one"); });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);
  scene.settle();

  EXPECT_EQ(talk.brief(), "200 one");
  EXPECT_EQ(scene.service.served, 1);
}

void counts_in_flight(Scene& scene) {
  scene.start();
  EXPECT_EQ(scene.transport().in_flight(), 0u);
  Exchange& exchange = scene.ask_and_wait();
  EXPECT_EQ(scene.transport().in_flight(), 1u);
  scene.service.reply(exchange, Response{200});
  scene.until_over();
  scene.settle();

  EXPECT_EQ(scene.transport().in_flight(), 0u);
}

void tells_sent(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait({.target = "/held"});
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::text("held"), sent);
  scene.until("the reply was sent", [&] { return sent.runs > 0; });
  scene.until_over();
  scene.settle();

  EXPECT_EQ(sent.runs, 1);
  EXPECT_EQ(scene.last().brief(), "200 held");
  EXPECT_EQ(exchange.request().target(), "/held");
  EXPECT_EQ(scene.transport().in_flight(), 1u);
  scene.service.release(exchange);
  scene.settle();
  EXPECT_EQ(scene.transport().in_flight(), 0u);
}

void holds_up_what_is_behind(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.target = "/1"});
  talk.end();
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::text("1"), sent);
  scene.until("it was sent", [&] { return sent.runs > 0 && talk.is_over(); });
  scene.service.release(exchange);
  talk.ask({.target = "/2"});
  talk.end();
  scene.until_asked();
  scene.service.reply(scene.service.waiting(), Response::text("2"));
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 2");
}

void tells_sent_behind_a_source(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Source& source = scene.source();
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::stream("text/x", source.give()), sent);
  scene.until("a pull", [&] { return source.is_awaited(); });
  scene.settle();
  EXPECT_EQ(sent.runs, 0);
  source.add("piece");
  source.end();
  scene.until("the reply was sent", [&] { return sent.runs > 0; });

  EXPECT_EQ(source.drops, 1);
  scene.until_over();
  EXPECT_EQ(scene.last().brief(), "200 piece");
  scene.service.release(exchange);
}

void tells_sent_without_a_body(Scene& scene) {
  scene.start();
  for (const char* const method : {"HEAD", "GET"}) {
    Exchange& exchange = scene.ask_and_wait({.method = method});
    Flag& sent = scene.flag();
    Source& source = scene.source({"not to be sent"});
    Response response = Response::stream("text/x", source.give());
    response.status(method == string{"GET"} ? 304 : 200);
    scene.service.reply_and_hold(exchange, std::move(response), sent);
    scene.until("the reply was sent", [&] { return sent.runs > 0; });
    EXPECT_EQ(source.drops, 1);
    scene.service.release(exchange);
    scene.until_over();
  }
}

void tells_sent_when_left(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  scene.last().leave();
  scene.until("the stop", [&] { return stops.times > 0; });
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::text(string(100'000, 'x')), sent);
  scene.until("the word that nothing will be sent", [&] { return sent.runs > 0; });
  scene.service.release(exchange);
  scene.until("it is over", [&] { return scene.transport().in_flight() == 0; });

  EXPECT_EQ(sent.runs, 1);
}

void tells_sent_when_left_in_a_stream(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Source& source = scene.source();
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::stream("text/x", source.give()), sent);
  scene.until("a pull", [&] { return source.is_awaited(); });
  scene.last().leave();
  scene.until("the word that nothing will be sent", [&] { return sent.runs > 0; });

  EXPECT_EQ(source.drops, 1);
  scene.service.release(exchange);
}

void stops_when_left(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  scene.settle();
  EXPECT_EQ(stops.times, 0);
  scene.last().leave();
  scene.until("the stop", [&] { return stops.times > 0; });
  scene.settle();

  EXPECT_EQ(stops.times, 1);
  EXPECT_EQ(stops.reason, CancelReason::disconnected);
  EXPECT_EQ(scene.transport().in_flight(), 1u) << "the service has not replied";
}

void stops_nothing_else(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait({.method = "POST"}, "body");
  Stops& stops = scene.stops(exchange);
  Reader& reader = scene.reader(exchange);
  reader.read_all();
  scene.until("the body", [&] { return reader.is_over; });
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response::text("well"), sent);
  scene.until("it is sent", [&] { return sent.runs > 0; });

  EXPECT_EQ(stops.times, 0);
  scene.service.release(exchange);
}

void reply_to_nobody(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  scene.last().leave();
  scene.until("the stop", [&] { return stops.times > 0; });
  scene.service.reply(exchange, Response::text("to nobody"));
  scene.until("it is over", [&] { return scene.transport().in_flight() == 0; });
  scene.answer_all([](const Request&) { return Response::text("to somebody"); });

  EXPECT_EQ(scene.exchange({}), "200 to somebody");
}

void stream_to_nobody(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Stops& stops = scene.stops(exchange);
  scene.last().leave();
  scene.until("the stop", [&] { return stops.times > 0; });
  Source& source = scene.source();
  source.repeat(string(10'000, 'x'), 1'000'000'000);
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.until("the drop", [&] { return source.drops > 0; });

  EXPECT_EQ(source.drops, 1);
}

void body_of_nobody(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = 1000});
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  Stops& stops = scene.stops(exchange);
  talk.leave();
  scene.until("the stop", [&] { return stops.times > 0; });
  Reader& reader = scene.reader(exchange);
  reader.collect();
  scene.until("the body fails", [&] { return reader.is_over; });

  EXPECT_TRUE(reader.has_failed);
}

void has_no_deadline(Scene& scene) {
  scene.start();

  EXPECT_EQ(scene.ask_and_wait().deadline(), Time::max());
}

void has_deadline(Scene& scene) {
  scene.start();
  const Time before = scene.context().now();
  const Time deadline = scene.ask_and_wait({.patience = 5000ms}).deadline();

  EXPECT_GE(deadline, before + 4900ms);
  EXPECT_LE(deadline, scene.context().now() + 5000ms);
}

void refuses_split_headers(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) {
    Response response = Response::text("body");
    EXPECT_THROW(response.header("x-a", "1\r\nx-b: 2"), std::invalid_argument);
    EXPECT_THROW(response.header("content-length", "1000"), std::invalid_argument);
    return response;
  });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 body");
  EXPECT_EQ(talk.header("x-a"), std::nullopt);
}

}  // namespace

std::vector<Case> lifecycle_cases() {
  return {{"RepliesWithinTheCall", {}, replies_at_once},
          {"RepliesInALaterTurn", {}, replies_later},
          {"RepliesFromTheContextsQueue", {}, replies_from_the_queue},
          {"RepliesAfterAnotherThreadHasPosted", {}, replies_from_a_worker},
          {"ServesAndRepliesOnce", {}, replies_once},
          {"CountsWhatIsInFlight", {}, counts_in_flight},
          {"TellsOnceThatAHeldReplyWasSent", {}, tells_sent},
          {"ServesTheNextOneAfterTheRelease", {keep_alive}, holds_up_what_is_behind},
          {"TellsThatAHeldStreamWasSentAfterItsDrop", {}, tells_sent_behind_a_source},
          {"TellsThatAHeldReplyWithoutBodyWasSent", {}, tells_sent_without_a_body},
          {"TellsSentIfThePeerHasLeftBefore", {disconnect}, tells_sent_when_left},
          {"TellsSentIfThePeerLeavesAHeldStream", {disconnect}, tells_sent_when_left_in_a_stream},
          {"AsksToStopOnceWhenThePeerLeaves", {disconnect}, stops_when_left},
          {"AsksNobodyToStopIfAllIsWell", {}, stops_nothing_else},
          {"DropsAReplyToAPeerThatHasLeft", {disconnect, several_peers}, reply_to_nobody},
          {"DropsAStreamToAPeerThatHasLeft", {disconnect}, stream_to_nobody},
          {"FailsTheBodyOfAPeerThatHasLeft", {disconnect, stream_in}, body_of_nobody},
          {"HasNoDeadlineIfNoneIsTold", {}, has_no_deadline},
          {"HasTheDeadlineThatThePeerTells", {deadline}, has_deadline},
          {"NeverSplitsAReply", {}, refuses_split_headers}};
}

}  // namespace umbel::testing
