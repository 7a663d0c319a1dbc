// SPDX-License-Identifier: MIT
// A text parameter is made from text.
// words: this parameter's type cannot be made from text
// words: specialise umbel::FromText<T> for a type of your own
// words: FixedString<6>{"color"}, Color>
// words: [here]
// names parameter: FixedString<6>{"color"}, Color>
// names function: [here]
// names remedy: specialise umbel::FromText<T> for a type of your own
#include "umbel/di/app.hpp"

using namespace umbel;

struct Color {
  int rgb;
};
#ifndef MUST_FAIL
template <>
struct umbel::FromText<Color> {
  static ConvertError convert(std::string_view text, std::optional<Color>& out) {
    out.emplace(static_cast<int>(text.size()));
    return {};
  }
};
#endif
Response paint(Query<"color", Color>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/paint", paint); }
