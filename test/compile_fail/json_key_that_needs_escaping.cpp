// SPDX-License-Identifier: MIT
// The name of a member is copied as it is.
// words: this_key_needs_escaping_pass_it_as_a_string_view
// words: the \"quoted\" name
#include "umbel/json/json_writer.hpp"

using namespace umbel;

#ifdef MUST_FAIL
void write(JsonWriter& json) { json.field("the \"quoted\" name", 7); }
#else
void write(JsonWriter& json) { json.field(std::string_view{"the \"quoted\" name"}, 7); }
#endif
