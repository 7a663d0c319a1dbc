// SPDX-License-Identifier: MIT
// Cookies: one is found if it is there, whatever stands around it.

#include <optional>
#include <string>
#include <string_view>

#include "driver.hpp"
#include "umbel/di/params.hpp"

namespace umbel::fuzz {
namespace {

std::string show(Cookie<"id", std::optional<std::string>> id, Cookie<"n", std::optional<int>>) {
  return *id ? "id=" + **id : "none";
}

Answer ask(const std::string& cookie) {
  static Subject subject{[](App& app) { app.get("/", on_loop<show>); }};
  OwnedRequest request{Method::get, "/"};
  request.header("cookie", cookie);
  return subject.ask(std::move(request));
}

}  // namespace

void try_one(std::string_view data) {
  const std::string cookie{data};
  const Answer answer = ask(cookie);
  check_status(answer, {200, 422});
  if (answer.status != 200) return;
  const Answer behind = ask("other=1; " + cookie);
  if (behind != answer) fail("a cookie before changes it", answer.body, behind.body);
  const Answer first = ask("id=first; " + cookie);
  if (first.body != "id=first") fail("not the first", first.body, cookie);
  if (answer.body == "none" && ask(cookie + "; id=last").body != "id=last") fail("not found behind", cookie);
}

}  // namespace umbel::fuzz
