// SPDX-License-Identifier: MIT
// What another function returns is asked for by the function, not by its type.
// words: this node takes a parameter that nothing provides
// words: CheckParameter<User, umbel::detail::HandlerNamed<umbel::Response (*)(User)>
// words: To pass what another function returns, write Depends<that_function>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {};
User current_user() { return {}; }
#ifdef MUST_FAIL
Response greet(User) { return Response{200}; }
#else
Response greet(Depends<current_user>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/me", greet); }  // here
