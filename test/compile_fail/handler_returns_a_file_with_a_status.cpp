// SPDX-License-Identifier: MIT
// A File says its status itself: 200, 206, 304.
// words: with a status, Created<T>, nothing (204), a File, a Redirect
// words: [here]
// names parameter: can_be_a_reply<umbel::Status<201, umbel::File>,
// names function: HandlerNamed<umbel::Status<201, umbel::File> (*)()>
// names remedy: Make a struct of it, or a Response
#include "umbel/core/file.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/status.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Created<File> make_report() { return Created<File>{File{"report.pdf"}}; }
#else
File make_report() { return File{"report.pdf"}; }
#endif

void add_routes(App& app) { app.post("/report", make_report); }  // here
