// SPDX-License-Identifier: MIT
#include "client.hpp"

#include <openssl/pem.h>

#include <utility>

namespace umbel::test {

namespace {

tls::BioPtr bio_of(const std::string& text) {
  return tls::BioPtr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

tls::X509Ptr certificate_of(const std::string& pem) {
  return tls::X509Ptr{PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr)};
}

}  // namespace

Client::Client(const ClientOptions& options)
    : context_(SSL_CTX_new(TLS_client_method())), ssl_(), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  if (!options.trusts.empty()) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate_of(options.trusts).get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (options.identity) {
    const tls::KeyPtr key{PEM_read_bio_PrivateKey(bio_of(options.identity->key).get(), nullptr, nullptr, nullptr)};
    SSL_CTX_use_certificate(context_.get(), certificate_of(options.identity->certificate).get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
  if (options.version != 0) {
    SSL_set_min_proto_version(ssl_.get(), options.version);
    SSL_set_max_proto_version(ssl_.get(), options.version);
  }
  if (!options.name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.name.c_str());
  if (!options.name.empty() && !options.trusts.empty()) SSL_set1_host(ssl_.get(), options.name.c_str());
  if (!options.protocols.empty()) {
    const std::string list = static_cast<char>(options.protocols.size()) + options.protocols;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (options.resumes) SSL_set_session(ssl_.get(), options.resumes);
}

void Client::settle(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) closed_ = true;
  if (error != SSL_ERROR_SSL && error != SSL_ERROR_SYSCALL) return;
  const char* const words = ERR_reason_error_string(ERR_peek_last_error());
  failure_ = words ? words : "unknown";
}

void Client::step() {
  if (!failure_.empty()) return;
  ERR_clear_error();
  if (const int result = SSL_do_handshake(ssl_.get()); result != 1) return settle(result);
  if (!waiting_.empty()) send(std::exchange(waiting_, {}));
  char bytes[16384];
  for (;;) {
    const int size = SSL_read(ssl_.get(), bytes, sizeof bytes);
    if (size <= 0) return settle(size);
    received.append(bytes, static_cast<std::size_t>(size));
  }
}

std::string Client::take() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out_, &bytes);
  std::string result{bytes, static_cast<std::size_t>(size)};
  static_cast<void>(BIO_reset(out_));
  return result;
}

void Client::give(std::string_view bytes) {
  if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
}

void Client::send(std::string_view text) {
  if (SSL_is_init_finished(ssl_.get()) == 1) SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
  else waiting_ += text;
}

std::string Client::server_name() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  char name[256] = {};
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  }
  return name;
}

std::string Client::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size == 0 ? std::string{} : std::string{reinterpret_cast<const char*>(name), size};
}

}  // namespace umbel::test
