// SPDX-License-Identifier: MIT
// What a guard takes must be provided, as for every node.
// words: umbel: this node takes a parameter that nothing provides
// words g++: CheckParameter<int, umbel::detail::ProviderNamed<require_level> >
// words clang: CheckParameter<int, umbel::detail::ProviderNamed<require_level>>
// words: write Depends<that_function>
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
void require_level(int) {}
#else
void require_level(Query<"level", int>) {}
#endif
void add_guard(App& app) { app.guard<require_level>(); }
