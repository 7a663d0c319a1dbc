// SPDX-License-Identifier: MIT
#pragma once
// A program's arguments as a request: an App, or one provider, as a command-line tool.

#include "umbel/core/request.hpp"

namespace umbel {

/// What a command line asks: words are the path, options the query. All is percent-encoded as it must be.
///
///     shop items 7 --color=red --verbose      GET /items/7?color=red&verbose=true
///     shop list --limit 5 -- --strange        GET /list/--strange?limit=5
///
/// An option's value stands behind `=`, or is the next argument if that does not begin with `--`; without one it is
/// `true`, which a `Query<"verbose", bool>` understands. Behind `--` everything is a word. The first argument, the
/// program's name, does not count.
///
///     int main(int argc, char** argv) {
///       ...
///       loopback::Client client{app};                                       // routes are the commands
///       const loopback::Reply reply = client.send(command_line(argc, argv));
///       std::cout << reply.body() << '\n';
///       return reply.status() < 400 ? 0 : 1;
///
/// Or `engine.call<report>(request.view())`, whose Query parameters are the options.
OwnedRequest command_line(int argc, const char* const* argv);

}  // namespace umbel
