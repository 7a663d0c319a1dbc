// SPDX-License-Identifier: MIT
// What is too much.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scene.hpp"

namespace umbel::testing {

namespace {

using std::string;

void refuses_too_many(Scene& scene) {
  scene.limit({.in_flight = 2});
  scene.start();
  scene.ask_and_wait();
  scene.ask_and_wait();
  Talk& third = scene.ask("/");
  scene.until_over(third);

  EXPECT_EQ(third.answer.status, 503);
  EXPECT_NE(third.header("retry-after"), std::nullopt);
  EXPECT_EQ(scene.service.served, 2);
  EXPECT_EQ(scene.transport().in_flight(), 2u);
}

void lets_in_again(Scene& scene) {
  refuses_too_many(scene);
  scene.service.reply(scene.service.waiting(), Response{200});
  scene.settle();
  scene.answer_all([](const Request&) { return Response::text("in"); });

  EXPECT_EQ(scene.exchange({}), "200 in");
}

void counts_held(Scene& scene) {
  scene.limit({.in_flight = 1});
  scene.start();
  Exchange& exchange = scene.ask_and_wait();
  Flag& sent = scene.flag();
  scene.service.reply_and_hold(exchange, Response{200}, sent);
  scene.until("it is sent", [&] { return sent.runs > 0; });
  Talk& second = scene.ask("/");
  scene.until_over(second);

  EXPECT_EQ(second.answer.status, 503);
  scene.service.release(exchange);
}

void allows_just_enough(Scene& scene) {
  scene.limit({.body = 10'000});
  scene.start();
  Exchange& exchange = scene.ask_and_wait({.method = "POST"}, string(10'000, 'x'));
  Reader& reader = scene.reader(exchange);
  reader.collect();
  scene.until("the body", [&] { return reader.is_over; });

  EXPECT_EQ(exchange.body_error(), 0);
  EXPECT_EQ(reader.body.size(), 10'000u);
}

/// The body_error of a body of so many bytes.
int body_error(Scene& scene, std::size_t size, std::uint64_t limit, bool collects,
               std::optional<std::uint64_t> length) {
  if (scene.transport().state() == TransportState::stopped) {
    scene.limit({.body = 10'000});
    scene.start();
  }
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = length});
  talk.send(string(size, 'x'));
  talk.end();
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  if (limit > 0) exchange.limit_body(limit);
  Reader& reader = scene.reader(exchange);
  if (collects) reader.collect();
  else reader.read_all();
  scene.until("the body", [&] { return reader.is_over; });
  const int error = exchange.body_error();
  scene.service.reply(exchange, Response::text("", error ? error : 200));
  scene.until_over(talk);
  EXPECT_EQ(talk.answer.status, error ? error : 200);
  return error;
}

void refuses_large_body(Scene& scene) {
  EXPECT_EQ(body_error(scene, 10'001, 0, true, 10'001), 413);
  EXPECT_EQ(body_error(scene, 50'000, 0, true, 50'000), 413);
}
void refuses_large_body_of_unknown_size(Scene& scene) {
  EXPECT_EQ(body_error(scene, 10'001, 0, true, std::nullopt), 413);
}
void refuses_large_body_read(Scene& scene) {
  EXPECT_EQ(body_error(scene, 10'001, 0, false, 10'001), 413);
  EXPECT_EQ(body_error(scene, 10'001, 0, false, std::nullopt), 413);
}
void lets_raise(Scene& scene) {
  EXPECT_EQ(body_error(scene, 200'000, 200'000, true, 200'000), 0);
  EXPECT_EQ(body_error(scene, 200'000, 200'000, false, std::nullopt), 0);
  EXPECT_EQ(body_error(scene, 200'001, 200'000, true, 200'001), 413);
}
void lets_lower(Scene& scene) {
  EXPECT_EQ(body_error(scene, 101, 100, true, 101), 413);
  EXPECT_EQ(body_error(scene, 100, 100, true, 100), 0);
  EXPECT_EQ(body_error(scene, 101, 100, false, std::nullopt), 413);
}

void a_refusal_harms_nobody(Scene& scene) {
  refuses_large_body(scene);
  scene.answer_all([](const Request&) { return Response::text("still here"); });

  EXPECT_EQ(scene.exchange({.method = "POST"}, "small"), "200 still here");
}

}  // namespace

std::vector<Case> limit_cases() {
  return {{"RefusesWhoIsTooMany", {several_peers}, refuses_too_many},
          {"LetsInWhenThereIsRoomAgain", {several_peers}, lets_in_again},
          {"CountsHeldReplies", {several_peers}, counts_held},
          {"TakesABodyOfJustTheLimit", {}, allows_just_enough},
          {"RefusesABodyThatIsTooLarge", {}, refuses_large_body},
          {"RefusesABodyThatTurnsOutTooLarge", {}, refuses_large_body_of_unknown_size},
          {"RefusesToReadABodyThatIsTooLarge", {}, refuses_large_body_read},
          {"LetsTheServiceRaiseTheLimit", {}, lets_raise},
          {"LetsTheServiceLowerTheLimit", {}, lets_lower},
          {"ServesOthersAfterARefusal", {several_peers}, a_refusal_harms_nobody}};
}

}  // namespace umbel::testing
