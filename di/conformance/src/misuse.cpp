// SPDX-License-Identifier: MIT
// Services that reply twice, too late, or never, and keep what they are asked in an Answer.

#include "umbel/core/answer.hpp"

#include "scene.hpp"

namespace umbel::testing {

namespace {

/// Keeps what it is asked, or forgets it at once. Outlives the scene's transport.
class Careless final : public Service {
public:
  explicit Careless(Scene& scene) : scene_(scene) {
    scene.serve(*this);
    scene.start();
  }
  ~Careless() {
    kept.clear();
    scene_.destroy_transport();
  }
  void serve(Exchange& exchange) noexcept override {
    umbel::Answer answer{exchange};
    if (keeps) kept.push_back(std::move(answer));
  }

  bool keeps = true;
  std::vector<umbel::Answer> kept;

  Talk& ask_and_wait() {
    const std::size_t before = kept.size();
    Talk& talk = scene_.ask("/");
    scene_.until("the service is asked", [&] { return kept.size() > before; });
    return talk;
  }
  void until_all_are_over() {
    scene_.until("nothing is in flight", [&] { return scene_.transport().in_flight() == 0; });
  }

private:
  Scene& scene_;
};

void drops_a_second_reply(Scene& scene) {
  Careless service{scene};
  Talk& talk = service.ask_and_wait();
  EXPECT_TRUE(service.kept[0].reply(Response::text("first")));
  EXPECT_FALSE(service.kept[0].reply(Response::text("second", 201)));
  scene.until_over(talk);
  EXPECT_FALSE(service.kept[0].reply(Response::text("third", 202)));
  scene.settle();

  EXPECT_EQ(talk.brief(), "200 first");
  EXPECT_EQ(scene.transport().in_flight(), 0u);
}

void keeps_second_replies_from_the_next(Scene& scene) {
  Careless service{scene};
  Talk& talk = service.ask_and_wait();
  EXPECT_TRUE(service.kept[0].reply(Response::text("first")));
  scene.until_over(talk);
  talk.ask({.target = "/next"});
  talk.end();
  scene.until("the next one", [&] { return service.kept.size() == 2; });
  EXPECT_FALSE(service.kept[0].reply(Response::text("a second first", 201)));
  scene.settle();
  EXPECT_EQ(talk.answer.status, 0);
  EXPECT_TRUE(service.kept[1].reply(Response::text("second")));
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 second");
}

void answers_what_is_dropped(Scene& scene) {
  Careless service{scene};
  Talk& talk = service.ask_and_wait();
  service.kept.clear();
  scene.until_over(talk);

  EXPECT_EQ(talk.answer.status, 500);
  EXPECT_TRUE(talk.answer.is_complete);
  service.until_all_are_over();
}

void answers_what_is_dropped_at_once(Scene& scene) {
  Careless service{scene};
  service.keeps = false;
  Talk& talk = scene.ask({.method = "POST"}, "a body that nobody asks for");
  scene.until_over(talk);

  EXPECT_EQ(talk.answer.status, 500);
  service.until_all_are_over();
}

void drops_a_late_reply(Scene& scene) {
  Careless service{scene};
  Talk& talk = service.ask_and_wait();
  Exchange* const exchange = service.kept[0].exchange();
  talk.leave();
  scene.until("the stop", [&] { return exchange->stop_token().stop_requested(); });
  EXPECT_TRUE(service.kept[0].reply(Response::text("to nobody")));
  EXPECT_FALSE(service.kept[0].reply(Response::text("to nobody again")));

  service.until_all_are_over();
}

void forgets_who_has_left(Scene& scene) {
  Careless service{scene};
  Talk& talk = service.ask_and_wait();
  Exchange* const exchange = service.kept[0].exchange();
  talk.leave();
  scene.until("the stop", [&] { return exchange->stop_token().stop_requested(); });
  service.kept.clear();

  service.until_all_are_over();
}

void waits_for_what_is_dropped(Scene& scene) {
  Careless service{scene};
  service.ask_and_wait();
  scene.transport().stop();
  scene.settle();
  EXPECT_EQ(scene.transport().state(), TransportState::draining);
  EXPECT_EQ(scene.transport().in_flight(), 1u);
  service.kept.clear();
  scene.until_stopped();

  EXPECT_EQ(scene.transport().in_flight(), 0u);
}

}  // namespace

std::vector<Case> misuse_cases() {
  return {{"DropsASecondReply", {}, drops_a_second_reply},
          {"KeepsSecondRepliesFromTheNextRequest", {keep_alive}, keeps_second_replies_from_the_next},
          {"AnswersADroppedExchangeWith500", {}, answers_what_is_dropped},
          {"AnswersOneThatIsDroppedAtOnceWith500", {}, answers_what_is_dropped_at_once},
          {"DropsTwoRepliesToAPeerThatHasLeft", {disconnect}, drops_a_late_reply},
          {"ForgetsADroppedExchangeOfAPeerThatHasLeft", {disconnect}, forgets_who_has_left},
          {"StopsWhenTheLastExchangeIsDropped", {}, waits_for_what_is_dropped}};
}

}  // namespace umbel::testing
