// SPDX-License-Identifier: MIT
// Engine::call gives the value away, and what is shared is nobody's to give.
// words: umbel: what lives as long as the App or its Context is nobody's to take
// words: call a provider that takes it by Depends
// words: [here]
#include "umbel/di/engine.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

int open_database() { return 1; }
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);
#ifdef MUST_FAIL
inline constexpr auto& wanted = database;
#else
int size_of(Depends<database> db) { return *db; }
inline constexpr auto& wanted = size_of;
#endif
Task<int> ask(Engine& engine) { co_return co_await engine.call<wanted>(); }  // here
