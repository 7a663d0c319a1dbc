// SPDX-License-Identifier: MIT
// A form has names and values, and nothing within them.
// words: umbel: a field of a form is a number, bool, an enum class, std::string, UploadedFile
#include "umbel/di/app.hpp"
#include "umbel/di/form.hpp"

using namespace umbel;

struct Address {
  std::string street;
};
struct Signup {
  std::string name;
#ifdef MUST_FAIL
  Address address;
#else
  std::string street;
#endif
};

std::string sign_up(Form<Signup> form) { return form->name; }

void add_routes(App& app) { app.post("/signup", sign_up); }
