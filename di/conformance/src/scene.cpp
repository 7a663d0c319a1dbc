// SPDX-License-Identifier: MIT
#include "scene.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

namespace umbel::testing {

namespace {
constexpr std::chrono::seconds patience{10};
constexpr int quiet_turns = 40;
}  // namespace

// The service.

void Played::reply(Exchange& exchange, Response&& response) {
  std::erase(asked, &exchange);
  if (on_leave) on_leave(exchange);
  exchange.reply(std::move(response));
}

void Played::reply_and_hold(Exchange& exchange, Response&& response, Work& sent) {
  std::erase(asked, &exchange);
  held_.push_back(&exchange);
  exchange.reply_and_hold(std::move(response), sent);
}

void Played::release(Exchange& exchange) {
  std::erase(held_, &exchange);
  if (on_leave) on_leave(exchange);
  exchange.release();
}

void Played::end_all() {
  on_serve = [this](Exchange& exchange) { reply(exchange, Response{503}); };
  while (!asked.empty()) reply(*asked.back(), Response{500});
}

void Played::start(Context&) {
  write("start");
  if (on_start) on_start();
}

void Played::open(Context&, Notice& opened) noexcept {
  write("open");
  if (on_open) on_open(opened);
  else opened.tell();
}

void Played::close(Context&, Notice& closed) noexcept {
  write("close");
  closed.tell();
}

void Played::serve(Exchange& exchange) noexcept {
  ++served;
  asked.push_back(&exchange);
  if (on_serve) on_serve(exchange);
}

// Bodies.

void Reader::collect() {
  collects_ = true;
  is_pending = !exchange_.collect_body(*this);
  if (!is_pending) take(Pulled::end, {});
}

void Reader::read() {
  std::string_view chunk;
  do {
    const Pulled pulled = exchange_.read_body(chunk, *this);
    take(pulled, chunk);
  } while (all_ && !is_pending && !is_over);
}

void Reader::came(Work& work) noexcept {
  auto& reader = static_cast<Reader&>(work);
  ++reader.wakes;
  reader.is_pending = false;
  if (reader.collects_) reader.take(Pulled::end, {});
  else reader.read();
}

void Reader::take(Pulled pulled, std::string_view chunk) {
  is_pending = pulled == Pulled::pending;
  if (pulled == Pulled::chunk) {
    EXPECT_FALSE(chunk.empty()) << "an empty piece of a body";
    pieces.emplace_back(chunk);
    body += chunk;
  }
  if (pulled != Pulled::end && pulled != Pulled::failed) return;
  is_over = true;
  has_failed = exchange_.body_error() != 0;
  EXPECT_TRUE(collects_ || has_failed == (pulled == Pulled::failed)) << "body_error " << exchange_.body_error();
  if (collects_ && !has_failed) body = exchange_.request().body();
}

Source::Source(Context& context, std::vector<std::string> pieces)
    : context_(context), pieces_(pieces.begin(), pieces.end()), end_(pieces.empty() ? Pulled::pending : Pulled::end) {}

void Source::add(std::string piece) {
  pieces_.push_back(std::move(piece));
  wake();
}

void Source::end(Pulled how) {
  end_ = how;
  wake();
}

void Source::repeat(std::string piece, std::size_t times) {
  pieces_ = {std::move(piece)};
  times_ = times;
  end_ = Pulled::end;
}

void Source::wake() {
  if (ready_) context_.enqueue(*std::exchange(ready_, nullptr));
}

Pulled Source::pull(Context& context, std::string_view& chunk, Work& ready) noexcept {
  ++pulls;
  EXPECT_EQ(&context, &context_) << "pulled on another Context";
  EXPECT_EQ(drops, 0) << "pulled after it was dropped";
  EXPECT_EQ(ready_, nullptr) << "pulled while it was waited for";
  if (pieces_.empty()) {
    if (end_ == Pulled::pending) ready_ = &ready;
    return end_;
  }
  current_ = pieces_.front();
  if (times_ > 1) --times_;
  else pieces_.pop_front();
  made += current_.size();
  chunk = current_;
  return Pulled::chunk;
}

void Source::drop() noexcept {
  ++drops;
  ready_ = nullptr;
  current_.assign(current_.size(), '#');  // Whoever still looks at it sees that.
}

// The peers.

std::optional<std::string> Talk::header(std::string_view name) const {
  for (const auto& [field, value] : answer.headers) {
    if (field == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Talk::headers(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : answer.headers) {
    if (field == name) values.push_back(value);
  }
  return values;
}

std::string Talk::brief() const {
  const std::string mark = answer.is_complete ? "" : answer.is_broken ? "broken " : "open ";
  return mark + std::to_string(answer.status) + " " + answer.body;
}

// All together.

Scene::Scene(MakeHarness make) : make_(make), harness_(make(service, limits)) {
  service.on_leave = [this](Exchange& exchange) {
    for (Stops& stops : stops_) {
      if (stops.is_of(exchange)) stops.forget();
    }
  };
}

Scene::~Scene() {
  talks_.clear();
  for (Stops& stops : stops_) stops.forget();
  service.end_all();
  others_.clear();
  harness_.reset();
}

void Scene::limit(const Limits& chosen) {
  limits = chosen;
  harness_.reset();
  harness_ = make_(service, limits);
}

void Scene::serve(Service& other) {
  harness_.reset();
  harness_ = make_(other, limits);
}

void Scene::start() {
  harness_->start();
  Heard& opened = heard();
  transport().when_open(opened);
  until("the service opens", [&] { return opened.times > 0; });
}

TransportHarness& Scene::start_another() {
  others_.push_back(make_(service, limits));
  others_.back()->start();
  return *others_.back();
}

void Scene::destroy_transport() {
  talks_.clear();
  harness_.reset();
}

Talk& Scene::ask(Question question, std::string_view body) {
  Talk& talk = connect();
  if (!body.empty() && question.length == 0) question.length = body.size();
  talk.ask(question);
  if (!body.empty()) talk.send(body);
  talk.end();
  return talk;
}

Exchange& Scene::ask_and_wait(Question question, std::string_view body) {
  const std::size_t before = service.asked.size();
  ask(std::move(question), body);
  until_asked(before + 1);
  return *service.asked.back();
}

void Scene::turn() {
  if (harness_) harness_->turn();
  for (const auto& other : others_) other->turn();
  for (Talk& talk : talks_) talk.listen();
}

void Scene::settle() {
  for (int turns = 0; turns < quiet_turns; ++turns) turn();
}

void Scene::until(std::string_view what, const std::function<bool()>& holds) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  for (unsigned turns = 0; !holds(); ++turns) {
    turn();
    if (turns % 16 != 15) continue;
    std::this_thread::yield();
    if (std::chrono::steady_clock::now() > limit) throw std::runtime_error{"waited in vain: " + std::string{what}};
  }
}

void Scene::until_asked(std::size_t number) {
  until("the service is asked", [&] { return service.asked.size() >= number; });
}

void Scene::until_over(Talk& talk) {
  until("a reply", [&] { return talk.is_over(); });
}

void Scene::until_over() {
  for (Talk& talk : talks_) until_over(talk);
}

void Scene::until_stopped() {
  until("the transport stops", [&] { return transport().state() == TransportState::stopped; });
}

void Scene::answer_all(std::function<Response(const Request&)> make) {
  service.on_serve = [this, make = std::move(make)](Exchange& exchange) {
    service.reply(exchange, make(exchange.request()));
  };
}

std::string Scene::exchange(Question question, std::string_view body) {
  Talk& talk = ask(std::move(question), body);
  until_over(talk);
  return talk.brief();
}

}  // namespace umbel::testing
