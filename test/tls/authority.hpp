// SPDX-License-Identifier: MIT
#pragma once
// Certificates, made when a test asks for them.

#include <string>
#include <string_view>
#include <vector>

#include "openssl.hpp"

namespace umbel::test {

/// In PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

enum class KeyKind { ec, rsa };

/// Signs certificates. Throws std::runtime_error if OpenSSL does not like it.
class Authority {
public:
  explicit Authority(const std::string& name = "Authority");

  /// Of the authority itself.
  const std::string& pem() const noexcept { return pem_; }
  /// For a server with these DNS names.
  Identity sign_server(const std::vector<std::string>& names, KeyKind kind = KeyKind::ec) const;
  /// "O=Umbel, CN=`name`".
  Identity sign_client(const std::string& name) const;

private:
  Identity sign(const std::string& name, const std::string& alternative_names, KeyKind kind) const;

  tls::KeyPtr key_;
  tls::X509Ptr certificate_;
  std::string pem_;
};

}  // namespace umbel::test
