// SPDX-License-Identifier: MIT
#pragma once
// A form with everything that a form may have, and what was in it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver.hpp"
#include "umbel/di/form.hpp"
#include "umbel/json/constrained.hpp"

namespace umbel::fuzz {

enum class Colour { red, green };

struct Everything {
  std::optional<std::string> s;
  std::optional<int> i;
  Defaulted<double> d = 1.5;
  std::optional<bool> b;
  std::optional<Colour> c;
  Defaulted<std::vector<std::uint8_t>> l;
  std::optional<Text<max_length<3>, pattern<"^a">>> t;
  std::optional<UploadedFile> f;
  Defaulted<std::vector<UploadedFile>> fs;
};

inline std::string text_of(const UploadedFile& file) {
  std::string text(file.size() + 1, '#');
  text.resize(file.read_now(0, text));
  return '<' + file.file_name() + '|' + file.content_type() + '|' + text + '>';
}

inline std::string show(
    Form<Everything, FormLimits{.fields = 20, .files = 5, .head_bytes = 300, .memory_bytes = 10}> form) {
  std::string text = form->s.value_or("-") + '|' + (form->i ? std::to_string(*form->i) : "-");
  for (const int number : *form->l) text += ',' + std::to_string(number);
  if (form->t) text += **form->t;
  if (form->f) text += text_of(*form->f);
  for (const UploadedFile& file : *form->fs) text += text_of(file);
  return text;
}

/// The same answer, in however many pieces the form comes.
inline void try_all_pieces(std::string_view type, std::string_view body) {
  static Subject subject{[](App& app) { app.post("/", on_loop<show>); }};
  const auto ask = [&](std::size_t piece) {
    OwnedRequest request{Method::post, "/"};
    request.header("content-type", std::string{type});
    return subject.ask(std::move(request), body, piece);
  };
  const Answer whole = ask(body.size() + 1);
  check_status(whole, {200, 400, 413, 422});
  const std::size_t all = body.size() <= 24 ? body.size() : 5;
  for (std::size_t piece = 1; piece <= all; ++piece) {
    const Answer other = ask(piece);
    if (other != whole) fail("pieces change it", whole.body, other.body);
  }
}

}  // namespace umbel::fuzz
