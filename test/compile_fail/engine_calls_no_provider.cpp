// SPDX-License-Identifier: MIT
// Engine::call takes a provider by its name.
// words: this node takes a parameter that nothing provides
// words g++: CheckParameter<int, umbel::detail::ProviderNamed<price_of> >
// words clang: CheckParameter<int, umbel::detail::ProviderNamed<price_of>>
// words: To pass what another function returns, write Depends<that_function>
// words: [here]
#include "umbel/di/engine.hpp"

using namespace umbel;

#ifdef MUST_FAIL
int price_of(int item) { return item; }
#else
int price_of(Query<"item", int> item) { return *item; }
#endif
Task<int> ask(Engine& engine, Request request) { co_return co_await engine.call<price_of>(request); }  // here
