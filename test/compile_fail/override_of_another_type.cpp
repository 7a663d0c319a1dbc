// SPDX-License-Identifier: MIT
// What takes the provider would read another type.
// words: umbel: what stands in for a provider makes exactly what the provider makes
// words: CheckSameResult<umbel::detail::ProviderNamed<current_user>, User, Guest>
// words: [here]
// names parameter: makes_the_same<umbel::detail::ProviderNamed<current_user>, User, Guest>
// names function: ProviderNamed<current_user>
// names remedy: let the replacement return that type
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
