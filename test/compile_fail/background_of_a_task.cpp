// SPDX-License-Identifier: MIT
// The function and its arguments are added, not the task that it returns.
// words: umbel: a background task is a function and its arguments, of which it gets copies
// words: [here]
#include "umbel/di/app.hpp"
#include "umbel/di/background.hpp"

using namespace umbel;

Task<void> send_mail(int address) {
  static_cast<void>(address);
  co_return;
}

Response sign_up(Background& background) {
#ifdef MUST_FAIL
  background.add(send_mail(7));  // here
#else
  background.add(send_mail, 7);
#endif
  return Response{200};
}

void add_routes(App& app) { app.post("/users", sign_up); }
