// SPDX-License-Identifier: MIT
// Paths: they lead to one route or none, and an escaped letter leads where the letter does.

#include <string>
#include <string_view>

#include "driver.hpp"
#include "umbel/di/params.hpp"

namespace umbel::fuzz {
namespace {

template <char name>
std::string plain() {
  return std::string(1, name);
}
std::string id(Path<"id", int> id) { return "id" + std::to_string(*id); }
std::string word(Path<"word"> word) { return "word" + std::string{*word}; }
std::string two(Path<"word"> word, Path<"id", int> id) { return std::string{*word} + ':' + std::to_string(*id); }
std::string rest(Path<"rest"> rest) { return "rest" + std::string{*rest}; }

Answer ask(const std::string& path, Method method = Method::get) {
  static Subject subject{[](App& app) {
    app.get("/", on_loop<plain<'0'>>);
    app.get("/items", on_loop<plain<'a'>>);
    app.get("/items/", on_loop<plain<'b'>>);
    app.get("/items/{id:int}", on_loop<id>);
    app.get("/items/{word}", on_loop<word>);
    app.get("/items/list", on_loop<plain<'c'>>);
    app.get("/items/{word}/{id}", on_loop<two>);
    app.get("/files/{rest:path}", on_loop<rest>);
    app.post("/items/{word}", on_loop<word>);
  }};
  return subject.ask(OwnedRequest{method, path});
}

std::string escaped(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const char* const digits = "0123456789abcdef";
    if (is_letter) text.append({'%', digits[c >> 4 & 15], digits[c & 15]});
    else text += c;
  }
  return text;
}

}  // namespace

void try_one(std::string_view data) {
  std::string path = "/" + std::string{data};
  for (char& c : path)
    c = c == '#' || c == '?' || static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) > 126 ? '/' : c;

  const Answer answer = ask(path);
  check_status(answer, {200, 400, 404, 405, 422});
  check_status(ask(path, Method::post), {200, 400, 404, 405, 422});
  check_status(ask(path, Method::options), {200, 204, 400, 404, 405});
  if (path.find('%') != path.npos) return;
  const Answer other = ask(escaped(path));
  if (other.status != answer.status || (answer.status == 200 && other != answer))
    fail("escapes lead elsewhere", path, other.body);
}

}  // namespace umbel::fuzz
