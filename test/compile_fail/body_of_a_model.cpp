// SPDX-License-Identifier: MIT
// The body is given as bytes.
// words: Body<T> gives the raw bytes, T = std::string_view. Read a document from it with JsonReader
// words: umbel::Body<Item>
// words: [here]
// names parameter: is_raw_bytes<umbel::Body<Item>
// names function: [here]
// names remedy: Read a document from it with JsonReader
#include "umbel/di/app.hpp"

using namespace umbel;

struct Item {
  int id;
};
#ifdef MUST_FAIL
Response add_item(Body<Item>) { return Response{201}; }  // here
#else
Response add_item(Body<>) { return Response{201}; }
#endif

void add_routes(App& app) { app.post("/items", add_item); }
