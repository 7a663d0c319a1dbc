// SPDX-License-Identifier: MIT
#pragma once
// Asks an App, and prints question and answer as the tutorial shows them.

#include <umbel/loopback/client.hpp>
#include <umbel/umbel.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace tutorial {

inline void print(std::string_view line) { std::printf("%.*s\n", static_cast<int>(line.size()), line.data()); }

/// `GET /items/7  x-token: fennel` and, behind an arrow, status and body.
inline void show(umbel::loopback::Client& client, umbel::OwnedRequest request) {
  const umbel::Request seen = request.view();
  std::string line{to_string(seen.method())};
  line.append(" ").append(seen.target());
  for (const auto& field : seen.headers()) line.append("  ").append(field.name).append(": ").append(field.value);
  print(line);
  const auto reply = client.send(std::move(request));
  print("  -> " + std::to_string(reply.status()) + (reply.body().empty() ? "" : " " + reply.body()));
}
inline void show(umbel::loopback::Client& client, std::string target) {
  show(client, umbel::OwnedRequest{umbel::Method::get, std::move(target)});
}
inline void show(umbel::loopback::Client& client, std::string target, std::string_view name, std::string_view value) {
  umbel::OwnedRequest request{umbel::Method::get, std::move(target)};
  request.header(name, value);
  show(client, std::move(request));
}

}  // namespace tutorial
