// SPDX-License-Identifier: MIT
// What a provider makes is taken by the provider's name, not by its type.
// words: umbel: this node takes a parameter that nothing provides
// words: [here]
// names parameter g++: is_provided<const User&,
// names parameter clang: is_provided<const User &,
// names function g++: HandlerNamed<umbel::Response (*)(const User&)>
// names function clang: HandlerNamed<umbel::Response (*)(const User &)>
// names remedy: To pass what another function returns, write Depends<that_function>; what app.state(...) was given
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {
  std::string name;
};
User current_user(Header<"x-token">) { return {"Ada"}; }
#ifdef MUST_FAIL
Response me(const User& user) { return Response::text(user.name); }
#else
Response me(Depends<current_user> user) { return Response::text(user->name); }
#endif

void add_routes(App& app) { app.get("/me", me); }  // here
