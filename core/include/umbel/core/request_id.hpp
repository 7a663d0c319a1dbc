// SPDX-License-Identifier: MIT
#pragma once
// A name for every request, in the reply and in logs.

#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

/// Gives each request an id, for `App::around`: what the client or a proxy has sent, if it is well-formed, else one of
/// ours. It is in the reply's header, errors included, and in the request's, for handlers and observers:
///
///     app.around(RequestId{});
///     Task<Response> pay(Header<"x-request-id"> id, ...);
///     AccessLog log{stderr};
///     app.observe(log.with_request_ids());
///
/// Well-formed are 1 to 128 letters, digits and `-_.:+/=`: nothing that could forge a line of a log. Ours are 32
/// hexadecimal digits, random. A request that came without one is copied for it, its body aside.
class RequestId {
public:
  /// In that header. Throws std::invalid_argument if that is no header's name.
  explicit RequestId(std::string_view header = "X-Request-ID");

  /// What `App::around` calls. `Next` is called with a Request and gives what can be awaited for a Response.
  template <class Next>
  Task<Response> operator()(const Request& request, Next next) const {
    const std::string id = id_of(request);
    Response response;
    if (came_with_it(request)) {
      response = co_await next(request);
    } else {
      const std::vector<HeaderField> fields = fields_with(request, id);
      Request named{request.method(), request.target(), Headers{fields}};
      named.enter(request.root().size());
      response = co_await next(named);
    }
    response.header(header_, id);
    co_return response;
  }

  /// The request's own, or a new one.
  std::string id_of(const Request& request) const;
  /// What may be taken over from a client.
  static bool is_well_formed(std::string_view id) noexcept;
  /// 32 hexadecimal digits, from the kernel's random numbers.
  static std::string make();

private:
  bool came_with_it(const Request& request) const noexcept;
  std::vector<HeaderField> fields_with(const Request& request, std::string_view id) const;

  std::string header_;
};

}  // namespace umbel
