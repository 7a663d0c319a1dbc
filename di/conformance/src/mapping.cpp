// SPDX-License-Identifier: MIT
// What a service sees of a request, and a peer of a reply.
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "scene.hpp"

namespace umbel::testing {

namespace {

using std::string;
using Strings = std::vector<string>;

string all_octets(std::size_t size) {
  string text(size, '\0');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>(at * 7 + at / 256);
  return text;
}

/// Those that the peer has sent: a transport may add its own.
Strings sent_fields(const Request& request) {
  Strings fields;
  for (const HeaderField& field : request.headers()) {
    if (field.name.size() < 2 || std::tolower(field.name[0]) != 'x' || field.name[1] != '-') continue;
    fields.push_back(string{field.name.substr(2)} + "=" + string{field.value});
  }
  return fields;
}

string collect_whole(Scene& scene, Exchange& exchange) {
  Reader& reader = scene.reader(exchange);
  reader.collect();
  scene.until("the body", [&] { return reader.is_over; });
  EXPECT_FALSE(reader.has_failed);
  return reader.body;
}

void gives_methods(Scene& scene) {
  scene.start();
  for (const char* const name : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    Exchange& exchange = scene.ask_and_wait({.method = name});

    EXPECT_EQ(to_string(exchange.request().method()), name);
    scene.service.reply(exchange, Response{204});
    scene.until_over();
  }
}

void gives_target(Scene& scene) {
  scene.start();
  const Request& request = scene.ask_and_wait({.target = "/items/42?q=abc&limit=5"}).request();

  EXPECT_EQ(request.target(), "/items/42?q=abc&limit=5");
  EXPECT_EQ(request.path(), "/items/42");
  EXPECT_EQ(request.query(), "q=abc&limit=5");
  EXPECT_FALSE(request.has_escapes());
}

void leaves_escapes(Scene& scene) {
  scene.start();
  const Request& request = scene.ask_and_wait({.target = "/a%20b%2Fc/%C3%A9?q=%26%3d+x"}).request();

  EXPECT_EQ(request.path(), "/a%20b%2Fc/%C3%A9");
  EXPECT_EQ(request.query(), "q=%26%3d+x");
  EXPECT_TRUE(request.has_escapes());
}

void leaves_dots(Scene& scene) {
  scene.start();

  EXPECT_EQ(scene.ask_and_wait({.target = "/a/../b//./c/"}).request().path(), "/a/../b//./c/");
}

void gives_empty_query(Scene& scene) {
  scene.start();
  const Request& request = scene.ask_and_wait({.target = "/a?"}).request();

  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "");
}

void gives_long_target(Scene& scene) {
  const string target = "/" + string(6000, 'a') + "?" + string(1000, 'b');
  scene.start();

  EXPECT_EQ(scene.ask_and_wait({.target = target}).request().target(), target);
}

void gives_headers_in_order(Scene& scene) {
  scene.start();
  const Fields fields{{"x-b", "2"}, {"x-a", "1"}, {"x-c", "3"}};
  Exchange& exchange = scene.ask_and_wait({.headers = fields});

  EXPECT_EQ(sent_fields(exchange.request()), (Strings{"b=2", "a=1", "c=3"}));
}

void keeps_repeated_headers(Scene& scene) {
  scene.start();
  const Fields fields{{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}, {"x-a", "1"}};
  Exchange& exchange = scene.ask_and_wait({.headers = fields});

  EXPECT_EQ(sent_fields(exchange.request()), (Strings{"a=1", "b=2", "a=3", "a=1"}));
  EXPECT_EQ(exchange.request().header("x-a"), "1");
}

void finds_headers(Scene& scene) {
  scene.start();
  const Request& request = scene.ask_and_wait({.headers = {{"X-Token", "MiXed"}}}).request();

  EXPECT_EQ(request.header("x-token"), "MiXed");
  EXPECT_EQ(request.header("X-TOKEN"), "MiXed");
  EXPECT_EQ(request.header("x-toke"), std::nullopt);
}

void gives_odd_header_values(Scene& scene) {
  scene.start();
  const Fields fields{
      {"x-empty", ""}, {"x-inner", "a  b\tc"}, {"x-marks", "\"a\", b; c=\"d:e\""}, {"x-high", "\xc3\xa9"}};
  const Request& request = scene.ask_and_wait({.headers = fields}).request();

  for (const auto& [name, value] : fields) EXPECT_EQ(request.header(name), value) << name;
}

void gives_many_headers(Scene& scene) {
  scene.start();
  Fields fields;
  Strings expected;
  for (int number = 0; number < 60; ++number) {
    fields.emplace_back("x-" + std::to_string(number), string(100, 'v'));
    expected.push_back(std::to_string(number) + "=" + string(100, 'v'));
  }

  EXPECT_EQ(sent_fields(scene.ask_and_wait({.headers = fields}).request()), expected);
}

void gives_empty_body(Scene& scene) {
  scene.start();
  Exchange& exchange = scene.ask_and_wait({.method = "POST"});

  EXPECT_EQ(collect_whole(scene, exchange), "");
  EXPECT_EQ(exchange.request().body(), "");
}

void gives_body(Scene& scene) {
  scene.start();
  const string body = all_octets(1000);

  EXPECT_EQ(collect_whole(scene, scene.ask_and_wait({.method = "POST"}, body)), body);
}

void gives_large_body(Scene& scene) {
  scene.start();
  const string body = all_octets(700'000);

  EXPECT_EQ(collect_whole(scene, scene.ask_and_wait({.method = "PUT"}, body)), body);
}

void gives_body_of_get(Scene& scene) {
  scene.start();

  EXPECT_EQ(collect_whole(scene, scene.ask_and_wait({.method = "GET"}, "odd, but legal")), "odd, but legal");
}

void joins_pieces(Scene& scene, std::optional<std::uint64_t> length) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .length = length});
  scene.settle();
  string whole;
  for (int number = 0; number < 20; ++number) {
    const string piece = all_octets(static_cast<std::size_t>(1 + number * 10));
    whole += piece;
    talk.send(piece);
    scene.settle();
  }
  talk.end();
  scene.until_asked();

  EXPECT_EQ(whole.size(), 1920u);
  EXPECT_EQ(collect_whole(scene, scene.service.waiting()), whole);
}
void joins_pieces_of_known_size(Scene& scene) { joins_pieces(scene, 1920); }
void joins_pieces_of_unknown_size(Scene& scene) { joins_pieces(scene, std::nullopt); }

void keeps_the_request(Scene& scene) {
  scene.start();
  Talk& talk = scene.connect();
  talk.ask({.method = "POST", .target = "/kept?a=b", .headers = {{"x-kept", "too"}}, .length = 200'000});
  talk.send(string(1000, 'a'));
  scene.settle();
  talk.send(string(199'000, 'a'));
  talk.end();
  scene.until_asked();
  const Request& request = scene.service.waiting().request();
  const std::string_view target = request.target();
  const std::string_view header = request.header("x-kept").value();
  collect_whole(scene, scene.service.waiting());
  scene.settle();

  EXPECT_EQ(target, "/kept?a=b");
  EXPECT_EQ(header, "too");
  EXPECT_EQ(request.target().data(), target.data());
  EXPECT_EQ(request.body().size(), 200'000u);
}

void is_on_its_context(Scene& scene) {
  scene.start();

  EXPECT_EQ(&scene.ask_and_wait().context(), &scene.context());
}

void tells_status(Scene& scene) {
  scene.start();
  for (const int status : {200, 201, 202, 301, 400, 404, 418, 422, 499, 500, 503, 599}) {
    scene.answer_all([status](const Request&) { return Response::text("body", status); });

    EXPECT_EQ(scene.exchange({}), std::to_string(status) + " body");
  }
}

void refuses_invalid_status(Scene& scene) {
  scene.start();
  for (const int status : {0, -1, 99, 101, 199, 1000, 12345}) {
    scene.answer_all([status](const Request&) { return Response::text("body", status); });
    Talk& talk = scene.ask("/");
    scene.until_over(talk);

    EXPECT_EQ(talk.answer.status, 500) << status;
    EXPECT_TRUE(talk.answer.is_complete) << status;
  }
}

void tells_headers(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) {
    return Response::text("").header("x-a", "1").header("Location", "/items/7?q=a b").header("x-empty", "");
  });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);

  EXPECT_EQ(talk.header("x-a"), "1");
  EXPECT_EQ(talk.header("location"), "/items/7?q=a b");
  EXPECT_EQ(talk.header("x-empty"), "");
}

void tells_repeated_headers(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) {
    return Response::text("")
        .append_header("set-cookie", "b=2")
        .append_header("x-a", "1")
        .append_header("set-cookie", "a=1; Path=/");
  });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);

  EXPECT_EQ(talk.headers("set-cookie"), (Strings{"b=2", "a=1; Path=/"}));
  EXPECT_EQ(talk.headers("x-a"), (Strings{"1"}));
}

void tells_many_headers(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) {
    Response response = Response::text("body");
    for (int number = 0; number < 90; ++number) {
      response.header("x-" + std::to_string(number), string(200, static_cast<char>('a' + number % 26)));
    }
    return response;
  });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);

  EXPECT_EQ(talk.header("x-89"), string(200, 'l'));
  EXPECT_EQ(talk.answer.body, "body");
}

void tells_content_type(Scene& scene) {
  scene.start();
  using Made = std::pair<Response (*)(), string>;
  for (const auto& [make, type] :
       {Made{[] { return Response::text("x"); }, "text/plain; charset=utf-8"},
        Made{[] { return Response::html("x"); }, "text/html; charset=utf-8"},
        Made{[] { return Response::json("{}"); }, "application/json"},
        Made{[] { return Response::bytes("image/x", "x"); }, "image/x"},
        Made{[] { return Response::text("x").header("content-type", "text/own"); }, "text/own"}}) {
    scene.answer_all([made = make](const Request&) { return made(); });
    Talk& talk = scene.ask("/");
    scene.until_over(talk);

    EXPECT_EQ(talk.headers("content-type"), (Strings{type}));
  }
}

void tells_no_content_type(Scene& scene) {
  scene.start();
  scene.answer_all([](const Request&) { return Response{200}; });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);

  EXPECT_EQ(talk.header("content-type"), std::nullopt);
  EXPECT_EQ(talk.brief(), "200 ");
}

void tells_body(Scene& scene, std::size_t size) {
  scene.start();
  const string body = all_octets(size);
  scene.answer_all([&](const Request&) { return Response::bytes("application/x", body); });
  Talk& talk = scene.ask("/");
  scene.until_over(talk);

  EXPECT_TRUE(talk.answer.is_complete);
  EXPECT_TRUE(talk.answer.body == body) << talk.answer.body.size();
}
void tells_any_octet(Scene& scene) { tells_body(scene, 1024); }
void tells_large_body(Scene& scene) { tells_body(scene, 3'000'000); }

void sends_no_body(Scene& scene, const Question& question, int status) {
  scene.start();
  scene.answer_all([status](const Request&) { return Response::text("not to be sent", status).header("x-a", "1"); });
  Talk& talk = scene.ask(question);
  scene.until_over(talk);

  EXPECT_EQ(talk.brief(), std::to_string(status) + " ");
  EXPECT_EQ(talk.header("x-a"), "1");
  EXPECT_EQ(scene.exchange(question), std::to_string(status) + " ");
}
void sends_no_body_to_head(Scene& scene) { sends_no_body(scene, {.method = "HEAD"}, 200); }
void sends_no_body_with_204(Scene& scene) { sends_no_body(scene, {}, 204); }
void sends_no_body_with_205(Scene& scene) { sends_no_body(scene, {}, 205); }
void sends_no_body_with_304(Scene& scene) { sends_no_body(scene, {}, 304); }

void echoes(Scene& scene) {
  scene.start();
  scene.service.on_serve = [&](Exchange& exchange) { scene.reader(exchange).collect(); };
  const string body = all_octets(5000);
  Talk& talk = scene.ask({.method = "POST"}, body);
  scene.until("the body",
              [&] { return !scene.service.asked.empty() && !scene.service.waiting().request().body().empty(); });
  scene.service.reply(scene.service.waiting(), Response::bytes("a/b", scene.service.waiting().request().body()));
  scene.until_over(talk);

  EXPECT_TRUE(talk.answer.body == body);
}

}  // namespace

std::vector<Case> mapping_cases() {
  return {{"GivesTheMethod", {}, gives_methods},
          {"GivesTheTargetInItsParts", {}, gives_target},
          {"LeavesEscapesAsTheyWereSent", {}, leaves_escapes},
          {"LeavesDotSegmentsAsTheyWereSent", {}, leaves_dots},
          {"GivesAnEmptyQuery", {}, gives_empty_query},
          {"GivesALongTarget", {}, gives_long_target},
          {"GivesHeadersInOrder", {}, gives_headers_in_order},
          {"KeepsRepeatedHeadersApart", {}, keeps_repeated_headers},
          {"FindsHeadersWhateverTheirCase", {}, finds_headers},
          {"GivesOddHeaderValuesAsTheyWereSent", {}, gives_odd_header_values},
          {"GivesManyHeaders", {}, gives_many_headers},
          {"GivesAnEmptyBody", {}, gives_empty_body},
          {"GivesABodyOfAnyOctets", {}, gives_body},
          {"GivesALargeBody", {}, gives_large_body},
          {"GivesTheBodyOfAGet", {}, gives_body_of_get},
          {"JoinsTheBodysPieces", {}, joins_pieces_of_known_size},
          {"JoinsThePiecesOfABodyOfUnknownSize", {}, joins_pieces_of_unknown_size},
          {"KeepsTheRequestWhereItIs", {}, keeps_the_request},
          {"ServesOnTheHarnesssContext", {}, is_on_its_context},
          {"TellsTheStatus", {}, tells_status},
          {"TurnsAStatusThatIsNoneInto500", {}, refuses_invalid_status},
          {"TellsTheHeadersOfAReply", {}, tells_headers},
          {"TellsRepeatedHeadersInOrder", {}, tells_repeated_headers},
          {"TellsManyHeaders", {}, tells_many_headers},
          {"TellsTheContentTypeOnce", {}, tells_content_type},
          {"TellsNoContentTypeOfNothing", {}, tells_no_content_type},
          {"TellsABodyOfAnyOctets", {}, tells_any_octet},
          {"TellsALargeBody", {}, tells_large_body},
          {"SendsNoBodyToHead", {}, sends_no_body_to_head},
          {"SendsNoBodyWith204", {}, sends_no_body_with_204},
          {"SendsNoBodyWith205", {}, sends_no_body_with_205},
          {"SendsNoBodyWith304", {}, sends_no_body_with_304},
          {"RepliesWithWhatTheRequestHolds", {}, echoes}};
}

}  // namespace umbel::testing
