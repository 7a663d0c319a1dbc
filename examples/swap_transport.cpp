// SPDX-License-Identifier: MIT
// One App on two transports at the same time: over HTTP, asked by curl, and in process, asked by the loopback client.
// Exits with 0 if every reply has the same status and, byte for byte, the same body.

#include <umbel/loopback/client.hpp>
#include <umbel/umbel.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using namespace umbel;
using namespace std::chrono_literals;

// --- the application: knows no transport

std::string greet(Query<"name", std::string_view, default_to<"stranger">> name) {
  return "Hello " + std::string{*name};
}

void check_token(Header<"x-token", std::optional<std::string_view>> token) {
  if (*token != "fennel") throw HttpError{401, "Not authenticated"};
}

Task<std::int64_t> square(Depends<check_token>, Path<"number", std::int32_t> number) {
  co_await sleep(1ms);
  co_return std::int64_t{*number} * *number;
}

Response show(Path<"number", std::int32_t> number, Depends<square> result) {
  if (*number < 0) throw HttpError{404, "Not among the natural numbers"};
  JsonWriter json;
  json.begin_object().field("number", *number).field("square", *result).end_object();
  return Response::json(std::move(json));
}

std::string count(Body<> body) { return std::to_string(body->size()); }

void add_routes(App& app) {
  app.get("/greeting", greet);
  app.get("/squares/{number}", show);
  app.post("/bytes", count);
}

// --- the two ways to ask it

constexpr std::size_t body_limit = 1000;

struct Question {
  Method method;
  std::string target;
  std::string token;
  std::string body;
};

struct Answer {
  std::string status;
  std::string body;
  bool operator==(const Answer&) const = default;
};

Answer ask_over_http(int port, const Question& question) {
  std::string command = "curl -s -m 10 -w '%{http_code}' -X " + std::string{to_string(question.method)};
  command += " 'http://127.0.0.1:" + std::to_string(port) + question.target + "'";
  if (!question.token.empty()) command += " -H 'x-token: " + question.token + "'";
  if (!question.body.empty()) command += " --data '" + question.body + "'";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{popen(command.c_str(), "r"), pclose};
  if (!pipe) return {};
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe.get())) text.append(part.data(), size);
  if (text.size() < 3) return {};
  return {text.substr(text.size() - 3), text.substr(0, text.size() - 3)};
}

Answer ask_in_process(loopback::Client& client, const Question& question) {
  OwnedRequest request{question.method, question.target};
  if (!question.token.empty()) request.header("x-token", question.token);
  request.body(question.body);
  const loopback::Reply reply = client.send(std::move(request));
  return {std::to_string(reply.status()), reply.body()};
}

bool compare(int port, loopback::Client& client, const Question& question) {
  const Answer http = ask_over_http(port, question);
  const Answer loopback = ask_in_process(client, question);
  const bool same = http == loopback;
  std::printf("%s %s %s: %s %s\n", same ? "same  " : "DIFFER", std::string{to_string(question.method)}.c_str(),
              question.target.c_str(), http.status.c_str(), http.body.c_str());
  if (!same) std::printf("       in process: %s %s\n", loopback.status.c_str(), loopback.body.c_str());
  return same;
}

int main() {
  App app;
  add_routes(app);

  Loop loop;
  http1::Server server{app, loop, {.limits = {.body = body_limit}}};
  server.listen("127.0.0.1", 0);
  std::thread http{[&loop] { loop.run(); }};
  loopback::Client client{app, {.body_limit = body_limit}};

  const Question questions[] = {
      {Method::get, "/greeting", "", ""},
      {Method::get, "/greeting?name=Ada%20L.", "", ""},
      {Method::get, "/squares/12", "fennel", ""},
      {Method::get, "/squares/12", "", ""},        // 401
      {Method::get, "/squares/-1", "fennel", ""},  // 404, says the handler
      {Method::get, "/nowhere", "", ""},           // 404, says the router
      {Method::delete_, "/greeting", "", ""},      // 405
      {Method::get, "/squares/x", "", ""},         // 422
      {Method::post, "/bytes", "", "some bytes"},
      {Method::post, "/bytes", "", std::string(body_limit + 1, 'x')},  // 413
  };
  bool same = true;
  for (const Question& question : questions) same = compare(server.port(), client, question) && same;

  loop.stop();
  http.join();
  return same ? 0 : 1;
}
