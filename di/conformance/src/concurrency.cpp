// SPDX-License-Identifier: MIT
// Many at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "scene.hpp"

namespace umbel::testing {

namespace {

using std::string;

Response same(const Request& request) { return Response::text(request.target()); }

std::vector<Talk*> ask_many(Scene& scene, int count) {
  std::vector<Talk*> talks;
  for (int number = 0; number < count; ++number) talks.push_back(&scene.ask("/" + std::to_string(number)));
  scene.until_asked(static_cast<std::size_t>(count));
  return talks;
}

void expect_their_own(Scene& scene, const std::vector<Talk*>& talks) {
  for (std::size_t number = 0; number < talks.size(); ++number) {
    scene.until_over(*talks[number]);
    EXPECT_EQ(talks[number]->brief(), "200 /" + std::to_string(number));
  }
}

void reply_in_order(Scene& scene, void (*order)(std::vector<Exchange*>&)) {
  scene.start();
  const std::vector<Talk*> talks = ask_many(scene, 64);
  EXPECT_EQ(scene.transport().in_flight(), 64u);
  std::vector<Exchange*> exchanges = scene.service.asked;
  order(exchanges);
  for (Exchange* const exchange : exchanges) scene.service.reply(*exchange, same(exchange->request()));

  expect_their_own(scene, talks);
}
void in_order(Scene& scene) {
  reply_in_order(scene, [](std::vector<Exchange*>&) {});
}
void in_reverse(Scene& scene) {
  reply_in_order(scene, [](std::vector<Exchange*>& all) { std::reverse(all.begin(), all.end()); });
}
void mixed(Scene& scene) {
  reply_in_order(scene, [](std::vector<Exchange*>& all) {
    for (std::size_t at = 0; at < all.size(); ++at) std::swap(all[at], all[at * 37 % all.size()]);
  });
}

void from_threads(Scene& scene) {
  scene.start();
  const std::vector<Talk*> talks = ask_many(scene, 64);
  const std::vector<Exchange*> exchanges = scene.service.asked;
  std::array<std::thread, 4> workers;
  for (std::size_t worker = 0; worker < workers.size(); ++worker) {
    workers[worker] = std::thread{[&, worker] {
      for (std::size_t at = worker; at < exchanges.size(); at += workers.size()) {
        scene.context().post(
            [&, at]() noexcept { scene.service.reply(*exchanges[at], same(exchanges[at]->request())); });
      }
    }};
  }
  for (std::thread& worker : workers) worker.join();

  expect_their_own(scene, talks);
}

void at_once(Scene& scene) {
  scene.start();
  scene.answer_all(same);
  std::vector<Talk*> talks;
  for (int number = 0; number < 128; ++number) talks.push_back(&scene.ask("/" + std::to_string(number)));

  expect_their_own(scene, talks);
}

void bodies_at_once(Scene& scene) {
  scene.start();
  std::vector<Talk*> talks;
  for (int number = 0; number < 16; ++number) {
    talks.push_back(&scene.connect());
    talks.back()->ask({.method = "POST", .target = "/" + std::to_string(number), .length = 40'000});
  }
  for (int piece = 0; piece < 40; ++piece) {
    for (std::size_t number = 0; number < talks.size(); ++number) {
      talks[number]->send(string(1000, static_cast<char>('a' + number)));
    }
    scene.turn();
  }
  for (Talk* const talk : talks) talk->end();
  scene.until_asked(talks.size());
  for (Exchange* const exchange : std::vector{scene.service.asked}) {
    Reader& reader = scene.reader(*exchange);
    reader.collect();
    scene.until("the body", [&] { return reader.is_over; });
    scene.service.reply(*exchange, Response::text(reader.body));
  }
  for (std::size_t number = 0; number < talks.size(); ++number) {
    scene.until_over(*talks[number]);
    EXPECT_TRUE(talks[number]->brief() == "200 " + string(40'000, static_cast<char>('a' + number))) << number;
  }
}

void streams_at_once(Scene& scene) {
  scene.start();
  std::vector<Source*> sources;
  std::vector<Talk*> talks = ask_many(scene, 16);
  for (Exchange* const exchange : std::vector{scene.service.asked}) {
    sources.push_back(&scene.source());
    sources.back()->add(string{exchange->request().target()});
    scene.service.reply(*exchange, Response::stream("text/x", sources.back()->give()));
  }
  for (Source* const source : sources) scene.until("a pull", [&] { return source->is_awaited(); });
  for (Source* const source : sources) source->end();

  expect_their_own(scene, talks);
}

void stalled_sender(Scene& scene) {
  scene.start();
  Talk& slow = scene.connect();
  slow.ask({.method = "POST", .length = 1000});
  slow.send("a beginning");
  scene.until("the slow one is served, or waits", [&] {
    scene.settle();
    return true;
  });
  scene.answer_all(same);
  if (!scene.service.asked.empty()) scene.reader(scene.service.waiting()).collect();

  EXPECT_EQ(scene.exchange({.target = "/quick"}), "200 /quick");
}

void slow_reader(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  scene.last().listens = false;
  scene.service.reply(exchange, Response::text(string(20'000'000, 'x')));
  scene.answer_all(same);

  EXPECT_EQ(scene.exchange({.target = "/quick"}), "200 /quick");
}

void some_leave(Scene& scene) {
  scene.start();
  std::vector<Talk*> talks = ask_many(scene, 32);
  std::vector<Stops*> stops;
  std::vector<bool> leaves;
  for (Exchange* const exchange : scene.service.asked) {
    stops.push_back(&scene.stops(*exchange));
    leaves.push_back(std::stoi(string{exchange->request().target().substr(1)}) % 2 == 0);
  }
  for (std::size_t number = 0; number < talks.size(); number += 2) talks[number]->leave();
  scene.until("those who left are noticed", [&] {
    for (std::size_t at = 0; at < stops.size(); ++at) {
      if (leaves[at] && stops[at]->times == 0) return false;
    }
    return true;
  });
  for (std::size_t at = 0; at < stops.size(); ++at) EXPECT_EQ(stops[at]->times, leaves[at] ? 1 : 0);
  for (Exchange* const exchange : std::vector{scene.service.asked}) {
    scene.service.reply(*exchange, same(exchange->request()));
  }
  for (std::size_t number = 1; number < talks.size(); number += 2) {
    scene.until_over(*talks[number]);
    EXPECT_EQ(talks[number]->brief(), "200 /" + std::to_string(number));
  }
}

void one_after_another(Scene& scene) {
  scene.start();
  scene.answer_all(same);
  Talk& talk = scene.connect();
  for (int number = 0; number < 50; ++number) {
    talk.ask({.target = "/" + std::to_string(number)});
    talk.end();
    scene.until_over(talk);
    EXPECT_EQ(talk.brief(), "200 /" + std::to_string(number));
  }
}

void coming_and_going(Scene& scene) {
  scene.start();
  scene.answer_all(same);
  for (int number = 0; number < 100; ++number) {
    Talk& talk = scene.ask("/x");
    scene.until_over(talk);
    EXPECT_EQ(talk.brief(), "200 /x");
    talk.leave();
  }
  scene.settle();

  EXPECT_EQ(scene.transport().in_flight(), 0u);
}

}  // namespace

std::vector<Case> concurrency_cases() {
  return {{"RepliesToManyInOrder", {several_peers}, in_order},
          {"RepliesToManyInReverse", {several_peers}, in_reverse},
          {"RepliesToManyInAnyOrder", {several_peers}, mixed},
          {"RepliesToManyFromSeveralThreads", {several_peers}, from_threads},
          {"ServesManyWhoAskAtOnce", {several_peers}, at_once},
          {"KeepsTheBodiesOfManyApart", {several_peers}, bodies_at_once},
          {"KeepsTheStreamsOfManyApart", {several_peers}, streams_at_once},
          {"IsNotHeldUpByASlowSender", {several_peers}, stalled_sender},
          {"IsNotHeldUpByASlowReader", {several_peers}, slow_reader},
          {"ServesThoseWhoStayWhenOthersLeave", {several_peers, disconnect}, some_leave},
          {"ServesOneConnectionManyTimes", {keep_alive}, one_after_another},
          {"ServesManyOneAfterTheOther", {several_peers}, coming_and_going}};
}

}  // namespace umbel::testing
