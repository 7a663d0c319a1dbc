// SPDX-License-Identifier: MIT
#pragma once
// A TLS client without sockets.

#include <string>
#include <string_view>

#include "authority.hpp"
#include "openssl.hpp"

namespace umbel::test {

using SessionPtr = std::unique_ptr<SSL_SESSION, tls::Freed<SSL_SESSION_free>>;

/// How a client behaves.
struct ClientOptions {
  std::string trusts;                  // An authority, in PEM. Empty: nobody is asked for anything.
  std::string name = "a.example";      // What it asks for, and expects in the certificate. Empty: it says nothing.
  std::string protocols = "http/1.1";  // ALPN: one. Empty: it offers nothing.
  const Identity* identity = nullptr;  // Shown if the server asks.
  SSL_SESSION* resumes = nullptr;
  int version = 0;  // The only one. 0: any.
};

class Client {
public:
  explicit Client(const ClientOptions& options);

  /// Goes on as far as what was given lets it: the handshake, then reading.
  void step();
  /// For the server.
  std::string take();
  void give(std::string_view bytes);
  /// Encrypted when the handshake is over; before, it waits.
  void send(std::string_view text);
  void close_notify() { SSL_shutdown(ssl_.get()); }

  bool is_open() const { return SSL_is_init_finished(ssl_.get()) == 1 && failure_.empty(); }
  /// What it has read.
  std::string received;
  /// The server has said that nothing more comes.
  bool is_closed() const noexcept { return closed_; }
  /// OpenSSL's words for what went wrong, or the server's alert. Empty if nothing did.
  const std::string& failure() const noexcept { return failure_; }
  /// "a.example", of the server's certificate.
  std::string server_name() const;
  std::string protocol() const;
  bool was_resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  SessionPtr session() const { return SessionPtr{SSL_get1_session(ssl_.get())}; }
  SSL* ssl() const noexcept { return ssl_.get(); }

private:
  void settle(int result);

  tls::SslContextPtr context_;
  tls::SslPtr ssl_;
  BIO* in_;   // Of ssl_.
  BIO* out_;  // Of ssl_.
  std::string waiting_;
  std::string failure_;
  bool closed_ = false;
};

}  // namespace umbel::test
