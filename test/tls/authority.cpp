// SPDX-License-Identifier: MIT
#include "authority.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <atomic>
#include <stdexcept>

namespace umbel::test {

namespace {

void require(bool ok) {
  if (!ok) throw std::runtime_error{"OpenSSL makes no certificate"};
}

tls::KeyPtr make_key(KeyKind kind) {
  return tls::KeyPtr{kind == KeyKind::ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048)};
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  const tls::BioPtr bio{BIO_new(BIO_s_mem())};
  require(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  const tls::BioPtr bio{BIO_new(BIO_s_mem())};
  require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
  require(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                     static_cast<int>(value.size()), -1, 0) == 1);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  require(extension && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

tls::X509Ptr make_certificate(EVP_PKEY* key, const std::string& name) {
  static std::atomic<long> serial{1};
  tls::X509Ptr certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24L * 3600);
  X509_set_pubkey(certificate.get(), key);
  add_name(X509_get_subject_name(certificate.get()), "O", "Umbel");
  add_name(X509_get_subject_name(certificate.get()), "CN", name);
  return certificate;
}

}  // namespace

Authority::Authority(const std::string& name)
    : key_(make_key(KeyKind::ec)), certificate_(make_certificate(key_.get(), name)) {
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  add_extension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  require(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0);
  pem_ = to_pem(certificate_.get());
}

Identity Authority::sign_server(const std::vector<std::string>& names, KeyKind kind) const {
  std::string alternatives;
  for (const std::string& name : names) alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  return sign(names.front(), alternatives, kind);
}

Identity Authority::sign_client(const std::string& name) const { return sign(name, {}, KeyKind::ec); }

Identity Authority::sign(const std::string& name, const std::string& alternative_names, KeyKind kind) const {
  const tls::KeyPtr key = make_key(kind);
  const tls::X509Ptr certificate = make_certificate(key.get(), name);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  if (!alternative_names.empty()) add_extension(certificate.get(), NID_subject_alt_name, alternative_names);
  require(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0);
  return {to_pem(certificate.get()), to_pem(key.get())};
}

}  // namespace umbel::test
