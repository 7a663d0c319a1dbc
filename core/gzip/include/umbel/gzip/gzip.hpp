// SPDX-License-Identifier: MIT
#pragma once
// Compressed replies (RFC 1952), with zlib.

#include <cstddef>

#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

/// How replies are compressed.
struct GzipOptions {
  int level = 6;                   // 1, fast, to 9, small.
  std::size_t minimum_size = 500;  // Bytes; bodies that are known to be smaller stay as they are.
};

/// Compresses replies for clients that take gzip, for `App::around`, inside of what only adds headers.
///
///     app.around(Gzip{});
///
/// Whether a client does is said by Accept-Encoding with its weights (RFC 9110 section 12.5.3): `gzip`, or else `*`,
/// above 0 and not below `identity`; without the field it does not. Compressed are text, JSON, XML, scripts, fonts and
/// such, of which compression makes less, and all of them get `Vary: Accept-Encoding`, compressed or not. An ETag
/// becomes weak, and Accept-Ranges `none`. Left alone: what has a Content-Encoding or `Cache-Control: no-transform`,
/// 206, replies to HEAD, and event streams.
///
/// A body of up to 16 KiB is compressed at once, in less than a millisecond, and keeps a Content-Length. A larger one
/// is compressed while it is sent, on workers, in pieces of 64 KiB: never two at a time, and not before the transport
/// asks. A stream's pieces of up to 4 KiB are compressed where they are; whenever the stream has nothing more for now,
/// all that it has given is flushed to the client.
class Gzip {
public:
  /// Throws std::invalid_argument if there is no such level.
  explicit Gzip(const GzipOptions& options = {});

  /// What `App::around` calls. `Next` is called with a Request and gives what can be awaited for a Response.
  template <class Next>
  Task<Response> operator()(const Request& request, Next next) const {
    const Wish wish = wish_of(request);
    Response response = co_await next(request);
    compress(response, wish);
    co_return response;
  }

  /// What the request says of it.
  enum class Wish : unsigned char {
    plain,       // It does not take gzip, or wants no body.
    compressed,  // It takes gzip.
  };
  /// By its Accept-Encoding fields and its method.
  static Wish wish_of(const Request& request) noexcept;
  /// Compresses the reply, or has it compressed while it is sent, if that is right and wanted.
  void compress(Response& response, Wish wish) const;

private:
  GzipOptions options_;
};

}  // namespace umbel
