// SPDX-License-Identifier: MIT
// One App on two transports at the same time: over HTTP, asked by curl, and in process, asked by the loopback client.
// Exits with 0 if every reply has the same status and, byte for byte, the same body.

#include <umbel/loopback/client.hpp>
#include <umbel/umbel.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

using namespace umbel;
using namespace std::chrono_literals;

// --- the application: knows no transport

std::string greet(Query<"name", std::string_view, default_to<"stranger">> name) {
  return "Hello " + std::string{*name};
}

Task<std::int64_t> square(Path<"number", std::int32_t> number) {
  co_await sleep(1ms);
  co_return std::int64_t{*number} * *number;
}

Response show(Path<"number", std::int32_t> number, Depends<square> result) {
  if (*number < 0) throw HttpError{404, "Not among the natural numbers"};
  JsonWriter json;
  json.begin_object().field("number", *number).field("square", *result).end_object();
  return Response::json(std::move(json));
}

void add_routes(App& app) {
  app.get("/greeting", greet);
  app.get("/squares/{number}", show);
}

// --- the two ways to ask it

struct Answer {
  std::string status;
  std::string body;
  bool operator==(const Answer&) const = default;
};

Answer ask_over_http(int port, const std::string& target) {
  const std::string command =
      "curl -s -m 10 -w '%{http_code}' 'http://127.0.0.1:" + std::to_string(port) + target + "'";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{popen(command.c_str(), "r"), pclose};
  if (!pipe) return {};
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe.get())) text.append(part.data(), size);
  if (text.size() < 3) return {};
  return {text.substr(text.size() - 3), text.substr(0, text.size() - 3)};
}

Answer ask_in_process(loopback::Client& client, const std::string& target) {
  const loopback::Reply reply = client.get(target);
  return {std::to_string(reply.status()), reply.body()};
}

bool compare(int port, loopback::Client& client, const std::string& target) {
  const Answer http = ask_over_http(port, target);
  const Answer loopback = ask_in_process(client, target);
  const bool same = http == loopback;
  std::printf("%s %-28s %s %s\n", same ? "same  " : "DIFFER", target.c_str(), http.status.c_str(), http.body.c_str());
  if (!same) std::printf("       in process: %s %s\n", loopback.status.c_str(), loopback.body.c_str());
  return same;
}

int main() {
  App app;
  add_routes(app);

  Loop loop;
  http1::Server server{app, loop};
  server.listen("127.0.0.1", 0);
  std::thread http{[&loop] { loop.run(); }};
  loopback::Client client{app};

  bool same = true;
  for (const char* target :
       {"/greeting", "/greeting?name=Ada%20L.", "/squares/12", "/squares/-1", "/squares/x", "/nowhere"})
    same = compare(server.port(), client, target) && same;

  loop.stop();
  http.join();
  return same ? 0 : 1;
}
