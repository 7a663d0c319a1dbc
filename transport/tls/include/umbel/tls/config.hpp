// SPDX-License-Identifier: MIT
#pragma once
// Who the server is, and whom it talks to: what a tls::Layer is made of.

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace umbel::tls {

/// A certificate or a key cannot be used. `what()` says which one, and why.
class ConfigError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Certificates or a key in PEM: what a file holds whenever it is read, or a text.
class Pem {
public:
  /// A file in PEM, read when the layer is made and when it is reloaded.
  static Pem file(std::string path) { return Pem{std::move(path), {}}; }
  /// A text in PEM.
  static Pem text(std::string text) { return Pem{{}, std::move(text)}; }

  /// Throws ConfigError if the file cannot be read.
  std::string read() const;
  /// For people; nothing of what it holds.
  std::string_view name() const noexcept { return path_.empty() ? std::string_view{"the given text"} : path_; }

private:
  Pem(std::string path, std::string text) noexcept : path_(std::move(path)), text_(std::move(text)) {}

  std::string path_;  // Empty: `text_` is meant.
  std::string text_;
};

/// What a server shows of itself, and the key that proves it. It answers for the names in the certificate, wildcards
/// among them (its DNS subjectAltNames; the common name counts for nothing, RFC 9525).
class Certificate {
public:
  /// Paths of files. The chain begins with the server's own certificate; the key is not encrypted.
  Certificate(std::string chain, std::string key)
      : Certificate(Pem::file(std::move(chain)), Pem::file(std::move(key))) {}
  /// The chain, the server's own certificate first, and its key.
  Certificate(Pem chain, Pem key) noexcept : chain_(std::move(chain)), key_(std::move(key)) {}

  /// Where the chain comes from.
  const Pem& chain() const noexcept { return chain_; }
  /// Where the key comes from.
  const Pem& key() const noexcept { return key_; }

private:
  Pem chain_;
  Pem key_;
};

/// The least version of TLS that is spoken.
enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

/// Whether clients show certificates.
enum class Clients : std::uint8_t {
  unasked,
  optional,  // They may. One that does not verify ends the handshake all the same.
  required
};

/// What becomes of clients that ask for a name that no certificate has. Those that name nothing get the first one.
enum class UnknownNames : std::uint8_t {
  get_the_first,  // Which they will not trust, or not for that name.
  are_refused     // By the alert unrecognized_name.
};

/// How TLS is spoken. What is not said here is as OpenSSL, and the system's administrator by its configuration, have
/// it.
///
///     tls::Config config{tls::Certificate{"example.org.pem", "example.org.key"}};
///     config.add(tls::Certificate{"example.net.pem", "example.net.key"});
///     config.clients(tls::Clients::required, tls::Pem::file("staff-ca.pem"));
class Config {
public:
  /// `first` is also what clients get that do not say which name they mean.
  explicit Config(Certificate first) { certificates_.push_back(std::move(first)); }

  /// One more, for the names that it has and no earlier one has.
  Config& add(Certificate certificate) &;
  Config&& add(Certificate certificate) && { return std::move(add(std::move(certificate))); }
  /// What is done with a client that asks for a name that no certificate has.
  Config& unknown_names(UnknownNames which) & noexcept;
  Config&& unknown_names(UnknownNames which) && noexcept { return std::move(unknown_names(which)); }
  /// Asks clients for certificates that `authorities` have signed. Revocation lists are not looked at.
  Config& clients(Clients which, Pem authorities) &;
  Config&& clients(Clients which, Pem authorities) && { return std::move(clients(which, std::move(authorities))); }
  /// TLS 1.2 unless told.
  Config& at_least(Version version) & noexcept;
  Config&& at_least(Version version) && noexcept { return std::move(at_least(version)); }
  /// `tell` hears why a connection came to nothing: in a sentence, for a log. It holds no secrets and nothing that the
  /// peer sent. On the threads of the connections' Contexts; must not throw.
  Config& on_failure(std::function<void(std::string_view why)> tell) &;
  Config&& on_failure(std::function<void(std::string_view why)> tell) && {
    return std::move(on_failure(std::move(tell)));
  }

private:
  friend class Credentials;

  std::vector<Certificate> certificates_;  // At least one.
  UnknownNames unknown_names_ = UnknownNames::get_the_first;
  Clients clients_ = Clients::unasked;
  std::optional<Pem> authorities_;  // Of the clients' certificates, if they are asked.
  Version at_least_ = Version::tls_1_2;
  std::function<void(std::string_view)> on_failure_;
};

}  // namespace umbel::tls
