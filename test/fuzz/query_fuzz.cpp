// SPDX-License-Identifier: MIT
// Query parameters: what they are is what a decoder says that was written for this alone.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver.hpp"
#include "umbel/di/params.hpp"

namespace umbel::fuzz {
namespace {

enum class Colour { red, green };

std::string show(Query<"q", std::optional<std::string>> q, Query<"t", std::vector<std::string>, or_empty> t) {
  std::string text = *q ? "q=" + **q : "none";
  for (const std::string& each : *t) text += "&t=" + each;
  return text;
}
std::string typed(Query<"n", int, 1> n, Query<"d", std::optional<double>>, Query<"b", bool, false>,
                  Query<"c", std::optional<Colour>>, Query<"l", std::vector<std::uint8_t>, or_empty, max_length<3>>,
                  Query<"x y", std::string_view, default_to<"">, pattern<"^a*$">>) {
  return std::to_string(*n);
}

int hex(char c) {
  const std::string_view digits = "0123456789abcdef0123456789ABCDEF";
  const std::size_t at = digits.find(c);
  return at == digits.npos || c == 0 ? -1 : static_cast<int>(at % 16);
}

/// Null if an escape is none.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  bool is_good = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool has_two = i + 2 < text.size();
    if (text[i] == '%' && has_two && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      is_good = is_good && text[i] != '%';
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return is_good ? std::optional{out} : std::nullopt;
}

/// The text that `show` makes; null if it cannot be decided here, since somebody's text is no text.
std::optional<std::string> expected(std::string_view query) {
  std::optional<std::string> q;
  std::string t;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::optional<std::string> value =
        decoded(name.size() < pair.size() ? pair.substr(name.size() + 1) : std::string_view{});
    const std::optional<std::string> key = decoded(name);
    if (pair.empty() || (key != "q" && key != "t")) continue;
    if (key == "q" && q) continue;
    if (!value) return std::nullopt;
    if (key == "q") q = value;
    else t += "&t=" + *value;
  }
  return (q ? "q=" + *q : "none") + t;
}

}  // namespace

void try_one(std::string_view data) {
  static Subject subject{[](App& app) {
    app.get("/", on_loop<show>);
    app.get("/typed", on_loop<typed>);
  }};
  std::string query{data};
  for (char& c : query) c = c == '#' || static_cast<unsigned char>(c) <= ' ' ? '&' : c;

  const Answer shown = subject.ask(OwnedRequest{Method::get, "/?" + query});
  check_status(shown, {200, 422});
  const std::optional<std::string> text = expected(query);
  if (shown.status == 200 && text != shown.body) fail("not what was sent", shown.body, text.value_or("an error"));
  const Answer typed = subject.ask(OwnedRequest{Method::get, "/typed?" + query});
  check_status(typed, {200, 422});
}

}  // namespace umbel::fuzz
