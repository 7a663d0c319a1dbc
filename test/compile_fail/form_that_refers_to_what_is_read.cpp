// SPDX-License-Identifier: MIT
// What a form's text would refer to is gone when it is read.
// words: umbel: a field of a form is a number, bool, an enum class, std::string, UploadedFile
#include "umbel/di/app.hpp"
#include "umbel/di/form.hpp"

using namespace umbel;

struct Signup {
#ifdef MUST_FAIL
  std::string_view name;
#else
  std::string name;
#endif
};

std::string sign_up(Form<Signup> form) { return std::string{form->name}; }

void add_routes(App& app) { app.post("/signup", sign_up); }
