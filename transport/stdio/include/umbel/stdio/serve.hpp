// SPDX-License-Identifier: MIT
#pragma once
// The whole filter, for a main that wants nothing else.

#include <chrono>

#include "umbel/stdio/server.hpp"

namespace umbel::stdio {

/// How to serve.
struct ServeOptions {
  std::chrono::milliseconds drain_limit{10'000};  // After a signal. What is left then is cancelled.
  /// Of the server.
  ServerOptions server = {};
};

/// Answers lines of JSON on standard input by lines on standard output (stdio::Server), to the input's end or until
/// SIGINT or SIGTERM: then what was read is answered within `drain_limit`. A second signal cancels, a third kills. The
/// signals' handlers are those of before when this returns.
///
///     int main() { return stdio::serve(app); }
///
/// Nothing else is written to standard output: whoever prints there breaks the lines. Returns 0, or 1 if the service
/// cannot start or open, the input not be read or the output not be written; stderr says why.
int serve(Service& service, const ServeOptions& options = {});

/// The same on a loop of the program's own, which it runs meanwhile.
int serve(Service& service, Loop& loop, const ServeOptions& options = {});

}  // namespace umbel::stdio
