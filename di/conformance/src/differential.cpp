// SPDX-License-Identifier: MIT
// 200 recorded requests: through a transport an App answers, and does, what it does without one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scene.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/stream.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/di/response_head.hpp"

namespace umbel::testing {

namespace {

using std::string;

// The application: a node of each kind, and each way to fail.

struct Database {
  int number = 7;
};

Resource<string> open_session(State<Database> database) {
  co_await sleep(std::chrono::microseconds{50});
  string session = "session " + std::to_string(database->number);
  const Outcome& outcome = co_yield session;
  if (outcome.ok()) co_await sleep(std::chrono::microseconds{50});
}

string load_user(Header<"x-token", std::optional<std::string_view>> token) {
  if (!token->has_value()) throw HttpError{401, "Not authenticated"}.header("www-authenticate", "Token");
  return string{**token};
}

void check_user(Depends<load_user> user) {
  if (*user == "mallory") throw HttpError{403, "Not allowed"};
}

Task<string> read_item(Path<"id", int> id, Query<"q", std::optional<string>> q, Depends<open_session> session) {
  if (*id == 404) throw HttpError{404, "No such item"};
  if (*id == 500) throw std::runtime_error{"the disk is full"};
  co_return *session + " item " + std::to_string(*id) + " " + q->value_or("-");
}

string secret(Depends<check_user>, Depends<load_user> user) { return "secret of " + *user; }

Task<Response> create(Body<> body, Depends<open_session>, ResponseHead& head) {
  head.append("set-cookie", "created=1");
  head.append("set-cookie", "size=" + std::to_string(body->size()));
  co_return Response::text(*body, 201).header("location", "/items/7");
}

Response remove(Path<"id", int>) { return Response{204}; }
Response unchanged() { return Response{304}.header("etag", "\"7\""); }
string greet(Path<"name", string> name, Query<"times", int, 1> times) {
  string text;
  for (int time = 0; time < *times && time < 1000; ++time) text += "Hello " + *name + ". ";
  return text;
}

Stream rows(Path<"count", int> count, Depends<open_session> session) {
  for (int row = 0; row < *count; ++row) {
    const string line = *session + " row " + std::to_string(row) + "\n";
    co_yield line;
  }
}

void add_routes(App& app) {
  app.state(Database{});
  app.get("/items/{id}", read_item);
  app.delete_("/items/{id}", remove);
  app.get("/secret", secret);
  app.post("/items", create);
  app.put("/items", create);
  app.get("/unchanged", unchanged);
  app.get("/hello/{name}", greet);
  app.get("/rows/{count}", rows);
}

// What was asked once, and is asked again.

struct Recorded {
  Question question;
  string body;
};

std::vector<Recorded> recorded_requests() {
  std::vector<Recorded> all;
  const auto add = [&](string method, string target, Fields headers = {}, string body = {}) {
    const std::uint64_t length = body.size();
    all.push_back(
        {{.method = std::move(method), .target = std::move(target), .headers = std::move(headers), .length = length},
         std::move(body)});
  };
  for (const char* const method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    for (const char* const target : {"/items/1", "/items/404", "/items/500", "/items/x", "/items", "/unchanged",
                                     "/nowhere", "/", "/hello/you", "/secret", "/items/1/", "//items/1", "/rows/3"}) {
      add(method, target);  // 91
    }
  }
  for (const char* const id : {"0", "-1", "007", "2147483647", "2147483648", "1.5", "%31", "%2F", "1%20", "x%00y"}) {
    if (string{id} != "x%00y") add("GET", string{"/items/"} + id);  // 9
  }
  for (const char* const query :
       {"q=", "q=a", "q=a+b", "q=%26%3D", "q=a&q=b", "x=1", "q", "&&q=a", "q=%C3%A9", "Q=a"}) {
    add("GET", string{"/items/7?"} + query);   // 10
    add("HEAD", string{"/items/7?"} + query);  // 10
  }
  for (const char* const name : {"a", "a%20b", "%C3%A9", "a%2Fb", "a+b", "~", "a;b=c", "a,b", "@", ":"}) {
    add("GET", string{"/hello/"} + name);                  // 10
    add("GET", string{"/hello/"} + name + "?times=100");   // 10
    add("GET", string{"/hello/"} + name + "?times=many");  // 10
  }
  for (const char* const token : {"alice", "mallory", "", "a b", "\"quoted\""}) {
    add("GET", "/secret", {{"x-token", token}});                         // 5
    add("HEAD", "/secret", {{"X-TOKEN", token}, {"x-other", "1"}});      // 5
    add("GET", "/secret", {{"x-token", token}, {"x-token", "second"}});  // 5
  }
  for (const std::size_t size : {0u, 1u, 100u, 4096u, 5000u, 65'536u, 300'000u}) {
    const string body(size, 'b');
    add("POST", "/items", {{"content-type", "text/plain"}}, body);               // 7
    add("PUT", "/items", {{"content-type", "application/octet-stream"}}, body);  // 7
    add("POST", "/unchanged", {}, body);                                         // 7
    add("GET", "/hello/unread", {}, body);                                       // 7
  }
  for (const int count : {0, 1, 2, 10, 100, 1000, 5000}) add("GET", "/rows/" + std::to_string(count));  // 7
  return all;
}

/// The nodes of a request, and what became of them.
class Trace final : public Observer {
public:
  string take() { return std::exchange(trace_, {}); }
  int ended = 0;

  void request_started(const RequestEvent& event) noexcept override { write("request", event.route); }
  void node(const NodeEvent& event) noexcept override {
    switch (event.moment) {
      case Moment::requested:
        return write("requested", event.node);
      case Moment::finished:
        return write("finished", event.node);
      case Moment::failed:
        return write("failed", event.node);
      case Moment::cancelled:
        return write("cancelled", event.node);
      case Moment::closed:
        return write("closed", event.node);
      default:
        return;
    }
  }
  void replied(const ReplyEvent& event) noexcept override { write("replied", std::to_string(event.status)); }
  void late_error(const LateError& event) noexcept override { write("late", event.node); }
  void request_ended(const void*, Time) noexcept override { ++ended; }

private:
  void write(const char* what, std::string_view whom) { trace_ += string{what} + " " + string{whom} + "\n"; }
  string trace_;
};

struct Outcomes {
  int status = 0;
  Fields headers;
  string body;
  string trace;
  bool operator==(const Outcomes&) const = default;
};

/// Date, framing and the connection's are the transport's own.
void forget_hop_by_hop(Fields& headers) {
  std::erase_if(headers, [](const auto& field) {
    for (const char* const name :
         {"date", "connection", "keep-alive", "content-length", "transfer-encoding", "trailer", "upgrade", "server"}) {
      if (field.first == name) return true;
    }
    return false;
  });
  // Fields of one name keep their order.
  const std::multimap<string, string> sorted(headers.begin(), headers.end());
  headers.assign(sorted.begin(), sorted.end());
}

Fields fields_of(const Response& response) {
  Fields fields;
  response.for_each_field([&](std::string_view name, std::string_view value) {
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    fields.emplace_back(in_lower_case(name), value);
  });
  forget_hop_by_hop(fields);
  return fields;
}

/// The App on its own.
class Reference {
public:
  Reference() {
    add_routes(app_);
    app_.observe(trace_);
    engine_.emplace(app_, port_.context());
  }
  ~Reference() {
    engine_.reset();
    port_.run_until([&] { return port_.context().is_idle(); });
  }

  Outcomes ask(const Recorded& recorded) {
    trace_.ended = 0;
    OwnedRequest request{method_from(recorded.question.method), recorded.question.target};
    for (const auto& [name, value] : recorded.question.headers) request.header(name, value);
    request.body(recorded.body);
    Outcomes outcomes;
    {
      Response response = port_.run(engine_->handle(std::move(request)));
      outcomes.status = response.status();
      outcomes.headers = fields_of(response);
      const bool has_body = recorded.question.method != "HEAD" && Response::may_have_body(response.status());
      if (has_body) outcomes.body = body_of(response);
    }
    port_.run_until([&] { return trace_.ended > 0; });
    outcomes.trace = trace_.take();
    return outcomes;
  }

private:
  string body_of(Response& response) {
    if (!response.source()) return string{response.body()};
    const BodySourcePtr source = response.take_source();
    string body;
    for (;;) {
      std::string_view chunk;
      Flag ready;
      switch (source->pull(port_.context(), chunk, ready)) {
        case Pulled::chunk:
          body += chunk;
          break;
        case Pulled::pending:
          port_.run_until([&] { return ready.runs > 0; });
          break;
        default:
          return body;
      }
    }
  }

  Trace trace_;
  App app_;
  ThreadPool pool_;
  BlockingPort port_{pool_};
  std::optional<Engine> engine_;
};

const std::vector<Outcomes>& expected() {
  static const std::vector<Outcomes> all = [] {
    std::vector<Outcomes> outcomes;
    Reference reference;
    for (const Recorded& recorded : recorded_requests()) outcomes.push_back(reference.ask(recorded));
    return outcomes;
  }();
  return all;
}

/// The same App behind the transport. Outlives the scene's harness.
struct Served {
  explicit Served(Scene& s) : scene(s) {
    add_routes(app);
    app.observe(trace);
    scene.serve(app);
    scene.start();
  }
  ~Served() { scene.destroy_transport(); }
  Scene& scene;
  Trace trace;
  App app;
};

void expect_equal(const Recorded& recorded, const Outcomes& wanted, const Outcomes& got) {
  SCOPED_TRACE(recorded.question.method + " " + recorded.question.target);
  EXPECT_EQ(got.status, wanted.status);
  EXPECT_EQ(got.headers, wanted.headers);
  EXPECT_TRUE(got.body == wanted.body) << got.body.substr(0, 300) << "\nand not\n" << wanted.body.substr(0, 300);
  EXPECT_EQ(got.trace, wanted.trace);
}

/// Sends the body in so many pieces, with pauses.
void compare(Scene& scene, std::size_t pieces, bool is_length_known) {
  const std::vector<Recorded> all = recorded_requests();
  ASSERT_GE(all.size(), 200u);
  Served served{scene};
  for (std::size_t number = 0; number < all.size(); ++number) {
    const Recorded& recorded = all[number];
    served.trace.ended = 0;
    Talk& talk = scene.connect();
    Question question = recorded.question;
    if (!is_length_known && !recorded.body.empty()) question.length = std::nullopt;
    talk.ask(question);
    const std::size_t step = recorded.body.size() / pieces + 1;
    for (std::size_t at = 0; at < recorded.body.size(); at += step) {
      talk.send(recorded.body.substr(at, step));
      if (pieces > 1) scene.turn();
    }
    talk.end();
    scene.until_over(talk);
    EXPECT_TRUE(talk.answer.is_complete);
    talk.leave();
    scene.until("the request's end", [&] { return served.trace.ended > 0; });
    Outcomes got{talk.answer.status, talk.answer.headers, talk.answer.body, served.trace.take()};
    forget_hop_by_hop(got.headers);
    expect_equal(recorded, expected()[number], got);
  }
}
void whole(Scene& scene) { compare(scene, 1, true); }
void in_pieces(Scene& scene) { compare(scene, 5, true); }
void in_pieces_of_unknown_size(Scene& scene) { compare(scene, 3, false); }

void all_at_once(Scene& scene) {
  const std::vector<Recorded> all = recorded_requests();
  Served served{scene};
  std::vector<Talk*> talks;
  for (const Recorded& recorded : all) talks.push_back(&scene.ask(recorded.question, recorded.body));
  for (std::size_t number = 0; number < all.size(); ++number) {
    scene.until_over(*talks[number]);
    Outcomes got{talks[number]->answer.status, talks[number]->answer.headers, talks[number]->answer.body,
                 expected()[number].trace};  // Of many at once the trace is mixed.
    forget_hop_by_hop(got.headers);
    expect_equal(all[number], expected()[number], got);
  }
}

}  // namespace

std::vector<Case> differential_cases() {
  return {{"AnswersRecordedRequestsAsTheAppDoes", {}, whole},
          {"AnswersThemWhenTheirBodiesComeInPieces", {}, in_pieces},
          {"AnswersThemWhenTheirSizesAreUnknown", {}, in_pieces_of_unknown_size},
          {"AnswersThemAllAtOnce", {several_peers}, all_at_once}};
}

}  // namespace umbel::testing
