// SPDX-License-Identifier: MIT
// What takes the provider would read another type.
// words: umbel: what stands in for a provider makes exactly what the provider makes
// words: CheckSameResult<umbel::detail::ProviderNamed<current_user>, User, Guest>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {};
struct Guest {};
User current_user() { return {}; }
#ifdef MUST_FAIL
Task<Guest> fake_user() { co_return Guest{}; }
#else
Task<User> fake_user() { co_return User{}; }
#endif
Override install(App& app) { return app.override<current_user>(fake_user); }  // here
