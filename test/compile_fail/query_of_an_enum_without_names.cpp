// SPDX-License-Identifier: MIT
// Only what can hold any value of its type can be asked for its names.
// words: this parameter's type cannot be made from text
// words: specialise umbel::FromText<T> for a type of your own
// words: FixedString<6>{"color"}, Color
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
enum Color { red, green };
#else
enum class Color { red, green };
#endif
Response paint(Query<"color", Color>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/paint", paint); }
