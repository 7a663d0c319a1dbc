// SPDX-License-Identifier: MIT
// A guard decides before there is a body, and so does whatever it depends on.
// words: umbel: a guard decides before the body is read, so neither it nor what it depends on takes Body
// words: CheckGuard<require_signature>
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
int signature_of(Body<>) { return 1; }
#else
int signature_of(Header<"x-signature">) { return 1; }
#endif
void require_signature(Depends<signature_of>) {}
void add_guard(Router<>& router) { router.guard<require_signature>(); }
