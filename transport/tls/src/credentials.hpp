// SPDX-License-Identifier: MIT
#pragma once
// A Config, read: what OpenSSL makes connections of. It does not change, and connections keep it while they live.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "openssl.hpp"
#include "umbel/tls/config.hpp"

namespace umbel::tls {

class Credentials {
public:
  /// Throws ConfigError.
  explicit Credentials(const Config& config);
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  /// Null if there is no memory. Any thread.
  SslPtr make_ssl() const noexcept { return SslPtr{SSL_new(context_.get())}; }
  void tell_failure(std::string_view why) const noexcept;

private:
  struct Identity {
    X509Ptr certificate;
    ChainPtr chain;  // The rest of it. May be null.
    KeyPtr key;
  };

  void add(const Certificate& certificate);
  void add_names(const X509& certificate);
  void ask_clients(Clients clients, const Pem& authorities);
  const Identity* find(std::string_view name) const;

  // OpenSSL calls these, on whichever thread the handshake is.
  static int choose_certificate(SSL* ssl, int* alert, void* self) noexcept;
  static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                             const unsigned char* offered, unsigned offered_size, void* self) noexcept;

  SslContextPtr context_;
  std::vector<Identity> identities_;                    // The first is the context's own.
  std::unordered_map<std::string, std::size_t> names_;  // In lower case; "*.example.org", too. Places in `identities_`.
  UnknownNames unknown_names_;
  std::function<void(std::string_view)> on_failure_;
};

}  // namespace umbel::tls
