// SPDX-License-Identifier: MIT
// Bodies in pieces, both ways.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "scene.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/stream.hpp"

namespace umbel::testing {

namespace {

using std::string;

constexpr std::size_t piece_size = 64 * 1024;
constexpr std::size_t many = 512;  // Of such pieces: more than sockets hold.

// Requests.

void reads_body(Scene& scene) {
  scene.start();
  string body(300'000, 'a');
  for (std::size_t at = 0; at < body.size(); ++at) body[at] = static_cast<char>('a' + at % 23);
  Reader& reader = scene.reader(scene.ask_and_wait({.method = "POST"}, body));
  reader.read_all();
  scene.until("the body", [&] { return reader.is_over; });

  EXPECT_FALSE(reader.has_failed);
  EXPECT_TRUE(reader.body == body);
}

void reads_empty_body(Scene& scene) {
  scene.start();
  Reader& reader = scene.reader(scene.ask_and_wait({.method = "POST", .length = std::nullopt}));
  reader.read_all();
  scene.until("the end", [&] { return reader.is_over; });

  EXPECT_FALSE(reader.has_failed);
  EXPECT_EQ(reader.body, "");
  EXPECT_EQ(reader.pieces.size(), 0u);
}

void reads_as_it_comes(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = std::nullopt});
  scene.until_asked();
  Reader& reader = scene.reader(scene.service.waiting());
  reader.read_all();
  string sent;
  for (const char* const piece : {"one", "two", "three"}) {
    EXPECT_TRUE(reader.is_pending);
    talk.send(piece);
    sent += piece;
    scene.until(piece, [&] { return reader.body == sent; });
  }
  EXPECT_FALSE(reader.is_over);
  talk.end();
  scene.until("the end", [&] { return reader.is_over; });

  EXPECT_FALSE(reader.has_failed);
}

void holds_up_the_sender(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = piece_size * many});
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  exchange.limit_body(piece_size * many);
  Reader& reader = scene.reader(exchange);
  const string piece(piece_size, 'x');
  for (std::size_t number = 0; number < many; ++number) talk.send(piece);
  talk.end();
  reader.read();
  scene.until("the first piece", [&] { return !reader.pieces.empty(); });
  scene.settle();
  const std::size_t unsent = talk.unsent();
  scene.settle();

  EXPECT_EQ(talk.unsent(), unsent) << "the transport goes on to take what nobody has asked for";
  EXPECT_GT(unsent, piece_size * many / 4) << "the transport has taken too much";
  EXPECT_LT(reader.body.size(), piece_size * many / 4);

  reader.read_all();
  scene.until("the body", [&] { return reader.is_over; });
  EXPECT_EQ(reader.body.size(), piece_size * many);
}

void fails_when_cut(Scene& scene, bool collects) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = 1000});
  talk.send("not all");
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  Reader& reader = scene.reader(exchange);
  if (collects) reader.collect();
  else reader.read_all();
  scene.settle();
  EXPECT_FALSE(reader.is_over);
  talk.leave();
  scene.until("the failure", [&] { return reader.is_over; });

  EXPECT_TRUE(reader.has_failed);
  EXPECT_TRUE(exchange.body_error() == 499 || exchange.body_error() == 400) << exchange.body_error();
  scene.service.reply(exchange, Response{400});
}
void collected_fails_when_cut(Scene& scene) { fails_when_cut(scene, true); }
void read_fails_when_cut(Scene& scene) { fails_when_cut(scene, false); }

void withdraws(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = 1000});
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  Reader& reader = scene.reader(exchange);
  reader.collect();
  EXPECT_TRUE(reader.is_pending);
  const bool is_withdrawn = exchange.withdraw_body();
  talk.send(string(1000, 'x'));
  talk.end();
  scene.settle();

  EXPECT_EQ(reader.wakes, is_withdrawn ? 0 : 1);
  scene.service.reply(exchange, Response::text("all the same"));
  scene.until_over(talk);
  EXPECT_EQ(talk.brief(), "200 all the same");
}

void gives_trailers(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .headers = {{"x-a", "head"}}, .length = std::nullopt});
  talk.send("body");
  talk.end({{"x-sum", "7"}, {"x-a", "trailer"}});
  scene.until_asked();
  Exchange& exchange = scene.service.waiting();
  Reader& reader = scene.reader(exchange);
  reader.read_all();
  scene.until("the end", [&] { return reader.is_over; });

  EXPECT_EQ(reader.body, "body");
  EXPECT_EQ(exchange.trailers().get("x-sum"), "7");
  EXPECT_EQ(exchange.trailers().get("x-a"), "trailer");
  EXPECT_EQ(exchange.request().header("x-a"), "head");
  EXPECT_EQ(exchange.request().header("x-sum"), std::nullopt);
}

void has_no_trailers(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait({.method = "POST"}, "body");
  Reader& reader = scene.reader(exchange);
  reader.read_all();
  scene.until("the end", [&] { return reader.is_over; });

  EXPECT_EQ(exchange.trailers().size(), 0u);
}

void replies_before_the_body(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = 100'000});
  talk.send(string(1000, 'x'));
  scene.until_asked();
  scene.service.reply(scene.service.waiting(), Response::text("no need", 403));
  scene.until("the reply", [&] { return talk.answer.body == "no need"; });

  EXPECT_EQ(talk.answer.status, 403);
}

void leaves_the_body_unread(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) { return Response::text("unread"); });

  EXPECT_EQ(scene.exchange({.method = "POST"}, string(500'000, 'x')), "200 unread");
  EXPECT_EQ(scene.exchange({.method = "POST"}, "small"), "200 unread");
  EXPECT_EQ(scene.exchange({}), "200 unread");
}

void goes_on_behind_an_unread_body(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request& request) { return Response::text(request.target()); });
  Talk& talk = scene.connect();
  for (const char* const target : {"/1", "/2", "/3"}) {
    talk.ask({.method = "POST", .target = target, .length = 20'000});
    talk.send(string(20'000, 'x'));
    talk.end();
    scene.until_over(talk);
    EXPECT_EQ(talk.brief(), string{"200 "} + target);
  }
}

// Replies.

string stream_of(Scene& scene, Source& source, Question question = {}) {
  if (scene.transport().state() == TransportState::stopped) scene.start();
  Exchange& exchange = scene.ask_and_wait(std::move(question));
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.until_over(talk);
  scene.until("the source is dropped", [&] { return source.drops > 0; });
  scene.settle();
  EXPECT_EQ(source.drops, 1);
  return talk.brief();
}

void sends_chunks(Scene& scene) {
  EXPECT_EQ(stream_of(scene, scene.source({"one ", "two ", "three"})), "200 one two three");
  EXPECT_EQ(scene.last().header("content-type"), "text/x");
}

void sends_empty_stream(Scene& scene) {
  Source& source = scene.source();
  source.end();

  EXPECT_EQ(stream_of(scene, source), "200 ");
}

void sends_announced(Scene& scene) {
  Source& source = scene.source({"12345", "678"});
  source.announce(8);

  EXPECT_EQ(stream_of(scene, source), "200 12345678");
}

void sends_large_chunks(Scene& scene) {
  Source& source = scene.source({string(1'000'000, 'a'), "b", string(500'000, 'c')});

  EXPECT_TRUE(stream_of(scene, source) == "200 " + string(1'000'000, 'a') + "b" + string(500'000, 'c'));
}

void sends_many_chunks(Scene& scene) {
  Source& source = scene.source();
  source.repeat("0123456789", 5000);

  EXPECT_EQ(stream_of(scene, source).size(), 4 + 50'000u);
}

void sends_as_it_is_made(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  string sent;
  for (const char* const piece : {"one", "two", "three"}) {
    scene.until("a pull", [&] { return source.is_awaited(); });
    source.add(piece);
    sent += piece;
    scene.until(piece, [&] { return talk.answer.body == sent; });
    EXPECT_FALSE(talk.is_over());
  }
  source.end();
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 onetwothree");
}

void sends_what_is_made_later(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  for (const char* const piece : {"one", "two", "three"}) {
    scene.until("a pull", [&] { return source.is_awaited(); });
    source.add(piece);
  }
  source.end();
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 onetwothree");
}

void holds_up_the_source(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  source.repeat(string(piece_size, 'x'), many);
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  talk.listens = false;
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.settle();
  scene.settle();
  const std::size_t made = source.made;
  scene.settle();

  EXPECT_EQ(source.made, made) << "the transport goes on to pull what the peer does not take";
  EXPECT_LT(made, piece_size * many * 3 / 4) << "the transport has pulled too much";

  talk.listens = true;
  scene.until_over(talk);
  EXPECT_EQ(talk.answer.body.size(), piece_size * many);
  EXPECT_EQ(source.drops, 1);
}

void breaks_off_failed(Scene& scene) {
  Source& source = scene.source();
  source.add("some");
  source.end(Pulled::failed);
  const string reply = stream_of(scene, source);

  // Without streams out the transport may know before it sends anything.
  EXPECT_TRUE(reply == "broken 200 some" || reply.starts_with("broken") || reply.starts_with("500")) << reply;
}

void breaks_off_short(Scene& scene) {
  Source& source = scene.source({"12345"});
  source.announce(8);
  const string reply = stream_of(scene, source);

  EXPECT_TRUE(reply.starts_with("broken") || reply.starts_with("500")) << reply;
}

void breaks_off_long(Scene& scene) {
  Source& source = scene.source({"12345", "67890"});
  source.announce(8);
  const string reply = stream_of(scene, source);

  EXPECT_TRUE(reply.starts_with("broken") || reply.starts_with("500")) << reply;
}

void breaking_one_off_harms_nobody(Scene& scene) {
  breaks_off_failed(scene);

  EXPECT_EQ(stream_of(scene, scene.source({"whole"})), "200 whole");
}

void drops_unsent(Scene& scene) {
  scene.start();
  for (const char* const method : {"HEAD", "GET"}) {
    Source& source = scene.source({"not to be sent"});
    Exchange& exchange = scene.ask_and_wait({.method = method});
    Talk& talk = scene.last();
    Response response = Response::stream("text/x", source.give());
    response.status(method == string{"GET"} ? 204 : 200);
    scene.service.reply(exchange, std::move(response));
    scene.until_over(talk);

    EXPECT_EQ(talk.answer.body, "");
    EXPECT_TRUE(talk.answer.is_complete);
    scene.until("the drop", [&] { return source.drops == 1; });
  }
}

void drops_when_left(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.until("a pull", [&] { return source.is_awaited(); });
  source.add("first");
  scene.until("a pull", [&] { return source.is_awaited(); });
  talk.leave();
  scene.until("the drop", [&] { return source.drops == 1; });
  scene.until("nothing is in flight", [&] { return scene.transport().in_flight() == 0; });

  EXPECT_FALSE(source.is_awaited());
}

void drops_when_left_in_the_middle(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  source.repeat(string(piece_size, 'x'), 1'000'000);
  Exchange& exchange = scene.ask_and_wait();
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.until("much has come", [&] { return talk.answer.body.size() > 10 * piece_size; });
  talk.leave();
  scene.until("the drop", [&] { return source.drops == 1; });
}

void keeps_the_request_of_a_stream(Scene& scene) {
  scene.start();
  Source& source = scene.source();
  Exchange& exchange = scene.ask_and_wait({.target = "/kept?for=long", .headers = {{"x-kept", "too"}}});
  const Request& request = exchange.request();
  Talk& talk = scene.last();
  scene.service.reply(exchange, Response::stream("text/x", source.give()));
  scene.until("a pull", [&] { return source.is_awaited(); });
  scene.settle();

  EXPECT_EQ(request.target(), "/kept?for=long");
  source.add(string{request.header("x-kept").value_or("gone")});
  source.end();
  scene.until_over(talk);
  EXPECT_EQ(talk.brief(), "200 too");
}

/// Gives the request's body back, in the pieces in which it comes, behind the first.
class Echo final : public BodySource {
public:
  Echo(Exchange& exchange, string first) : exchange_(exchange), first_(std::move(first)) {}
  Pulled pull(Context&, std::string_view& chunk, Work& ready) noexcept override {
    if (is_first_) return is_first_ = false, chunk = first_, Pulled::chunk;
    return exchange_.read_body(chunk, ready);
  }
  void drop() noexcept override { delete this; }

private:
  Exchange& exchange_;
  string first_;
  bool is_first_ = true;
};

/// Whoever has begun to read the body may go on in order to reply.
void echo(Scene& scene, Exchange& exchange) {
  Reader& reader = scene.reader(exchange);
  reader.read();
  scene.until("the first piece", [&] { return !reader.pieces.empty(); });
  scene.service.reply(exchange, Response::stream("text/x", BodySourcePtr{new Echo{exchange, reader.body}}));
}

void echoes(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = std::nullopt});
  talk.send("first");
  scene.until_asked();
  echo(scene, scene.service.waiting());
  string sent = "first";
  for (int number = 0; number < 10; ++number) {
    scene.until("the echo", [&] { return talk.answer.body == sent; });
    talk.send("piece " + std::to_string(number));
    sent += "piece " + std::to_string(number);
  }
  talk.end();
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), "200 " + sent);
}

void echoes_much(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = std::nullopt});
  for (int number = 0; number < 100; ++number) talk.send(string(piece_size, 'x'));
  talk.end();
  scene.until_asked();
  scene.service.waiting().limit_body(piece_size * 100);
  echo(scene, scene.service.waiting());
  scene.until_over(talk);

  EXPECT_TRUE(talk.answer.is_complete);
  EXPECT_EQ(talk.answer.body.size(), piece_size * 100);
}

Stream count_to(int last) {
  for (int number = 1; number <= last; ++number) {
    const string text = std::to_string(number) + " ";
    co_yield text;
    co_await sleep(std::chrono::microseconds{100});
  }
}

void sends_coroutines(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) { return Response::stream("text/x", count_to(5)); });

  EXPECT_EQ(scene.exchange({}), "200 1 2 3 4 5 ");
}

}  // namespace

std::vector<Case> streaming_cases() {
  return {{"ReadsABodyInPieces", {}, reads_body},
          {"ReadsAnEmptyBodyAsItsEnd", {}, reads_empty_body},
          {"ReadsPiecesAsTheyCome", {stream_in}, reads_as_it_comes},
          {"HoldsUpASenderWhoseBodyIsNotRead", {stream_in}, holds_up_the_sender},
          {"FailsToCollectABodyThatIsCut", {disconnect, stream_in}, collected_fails_when_cut},
          {"FailsToReadABodyThatIsCut", {disconnect, stream_in}, read_fails_when_cut},
          {"WithdrawsTheQuestionForABody", {stream_in}, withdraws},
          {"GivesTrailersApartFromHeaders", {trailers}, gives_trailers},
          {"HasNoTrailersIfNoneWereSent", {}, has_no_trailers},
          {"RepliesBeforeTheBodyHasCome", {stream_in}, replies_before_the_body},
          {"RepliesWithoutReadingTheBody", {}, leaves_the_body_unread},
          {"GoesOnBehindABodyThatNobodyRead", {keep_alive}, goes_on_behind_an_unread_body},
          {"SendsChunksInOrder", {}, sends_chunks},
          {"SendsAStreamOfNothing", {}, sends_empty_stream},
          {"SendsAStreamOfKnownSize", {}, sends_announced},
          {"SendsLargeChunks", {}, sends_large_chunks},
          {"SendsManyChunks", {}, sends_many_chunks},
          {"SendsChunksAsTheyAreMade", {stream_out}, sends_as_it_is_made},
          {"WaitsForChunks", {}, sends_what_is_made_later},
          {"HoldsUpASourceWhosePeerDoesNotRead", {stream_out}, holds_up_the_source},
          {"LetsThePeerTellThatASourceHasFailed", {}, breaks_off_failed},
          {"LetsThePeerTellThatASourceIsTooShort", {}, breaks_off_short},
          {"LetsThePeerTellThatASourceIsTooLong", {}, breaks_off_long},
          {"ServesOthersAfterASourceHasFailed", {}, breaking_one_off_harms_nobody},
          {"DropsASourceThatHasNoPlaceInTheReply", {}, drops_unsent},
          {"DropsASourceThatWaitsWhenThePeerLeaves", {disconnect}, drops_when_left},
          {"DropsASourceWhenThePeerLeavesInTheMiddle", {disconnect, stream_out}, drops_when_left_in_the_middle},
          {"KeepsTheRequestWhileItsReplyIsStreamed", {}, keeps_the_request_of_a_stream},
          {"StreamsBothWaysAtOnce", {stream_in, stream_out}, echoes},
          {"StreamsMuchBothWays", {stream_in, stream_out}, echoes_much},
          {"SendsWhatACoroutineYields", {}, sends_coroutines}};
}

}  // namespace umbel::testing
