// SPDX-License-Identifier: MIT
#pragma once
// A reply that sends the client elsewhere.

#include <string>
#include <string_view>

#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"

namespace umbel {

/// Has the client ask elsewhere; what a handler may return.
///
///     Redirect save(Body<> body) { return Redirect{"/items/7", 303}; }
///
/// 307 unless told, as FastAPI's RedirectResponse: the client asks again as it did, with method and body. 303 has it
/// GET the new place, 308 is 307 for good; 301 and 302 are the old ones of which clients make a GET (RFC 9110 section
/// 15.4).
class Redirect {
public:
  /// A URI or a reference relative to the request's (RFC 9110 section 10.2.2), percent-encoded already. What no URI may
  /// have - spaces, control characters, bytes above ASCII, quotes - is percent-encoded here, so that a location cannot
  /// split the reply. That it leads where the program means is the program's care: check what a client sent. Throws
  /// std::invalid_argument of an empty location, or a status that is none of 301, 302, 303, 307 and 308.
  explicit Redirect(std::string_view location, int status = 307);

  /// As it is sent.
  const std::string& location() const noexcept { return location_; }
  /// One of the five.
  int status() const noexcept { return status_; }

  /// The reply; without a body. For the App, and for whoever makes a Response of it.
  Response respond(const Request& request) const;

private:
  std::string location_;
  int status_;
};

}  // namespace umbel
