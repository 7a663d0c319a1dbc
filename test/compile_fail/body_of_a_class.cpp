// SPDX-License-Identifier: MIT
// A class with private members has no members that anybody could tell.
// words: Body<T> is JSON that is read into T, and T is no document
// words: for a class with constructors or private members, specialise umbel::ModelTraits
// words: [here]
// names parameter: can_be_a_body<Account,
// names function: [here]
// names remedy: specialise umbel::ModelTraits
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
class Account {
public:
  int id() const { return id_; }

private:
  int id_ = 0;
};
#else
struct Account {
  int id() const { return id_; }

  int id_ = 0;
};
#endif
Response add_account(Body<Account> account) { return Response{account->id() > 0 ? 201 : 400}; }  // here

void add_routes(App& app) { app.post("/accounts", add_account); }
