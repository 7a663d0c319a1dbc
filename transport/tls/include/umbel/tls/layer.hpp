// SPDX-License-Identifier: MIT
#pragma once
// TLS before the sessions of a listener: HTTPS.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "umbel/http1/filter.hpp"
#include "umbel/tls/config.hpp"

namespace umbel::tls {

/// How a Layer keeps and resumes sessions.
struct LayerOptions {
  /// Handshakes that are with the Contexts' work pools at the same time; further ones wait, in order. A handshake is a
  /// millisecond of arithmetic, more or less: on the loop it would hold up all other requests, and on every core at
  /// once it would leave the loop none. So more than one is for machines with cores to spare (bench/handshakes).
  /// 0: on the loop all the same, for programs whose pool is busy for long.
  std::size_t handshakes = 1;
};

/// Speaks TLS 1.2 and 1.3, the server's side, with OpenSSL.
///
///     tls::Layer tls{tls::Config{tls::Certificate{"chain.pem", "key.pem"}}};
///     server.listen("0.0.0.0", 443, &tls);
///
/// One Layer may serve several listeners on several loops. Handshakes are resumed by tickets, whose keys are made anew
/// by every reload and shared by all connections. ALPN is answered with http/1.1, the alert no_application_protocol if
/// that is not among what the client offers. Nothing is renegotiated, compressed, or accepted before the handshake is
/// over. Who speaks plain HTTP gets a 400 in plain.
///
/// What is known of a client is `Exchange::peer()`.
class Layer final : public http1::Layer {
public:
  /// Reads all certificates and keys. Throws ConfigError.
  explicit Layer(Config config, const LayerOptions& options = {});
  ~Layer();

  /// Reads the files again. From now on new connections, resumed ones too, meet what they hold; others live on as they
  /// are. Throws ConfigError; then all stays as it was. Any thread.
  void reload();
  /// The same with other ones.
  void reload(Config config);

  /// Connections since the layer was made.
  struct Counts {
    std::uint64_t handshakes;  // That came to a good end, of which
    std::uint64_t resumed;     // were short ones.
    std::uint64_t failed;      // Connections that came to nothing, before or after: see Config::on_failure.
  };
  /// Since the beginning. Any thread.
  Counts counts() const noexcept;

  /// For servers, and for hosts that have sockets of their own: see http1::FilteredSession.
  std::unique_ptr<http1::Filter> make(Context& context, http1::Session::Host& host) noexcept override;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel::tls
