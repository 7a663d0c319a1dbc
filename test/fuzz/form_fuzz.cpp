// SPDX-License-Identifier: MIT
// application/x-www-form-urlencoded, in pieces of every size.

#include "form_subject.hpp"

void umbel::fuzz::try_one(std::string_view data) { try_all_pieces("application/x-www-form-urlencoded", data); }
