// SPDX-License-Identifier: MIT
#include "credentials.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "umbel/core/request.hpp"

namespace umbel::tls {

namespace {

/// What OpenSSL has to say about its last failure.
std::string reason() {
  const char* const words = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return words ? words : "OpenSSL does not say why";
}

[[noreturn]] void refuse(const std::string& what) { throw ConfigError{"umbel: " + what}; }
std::string quoted(const Pem& pem) { return std::string{pem.name()}; }

BioPtr open(const std::string& text) { return BioPtr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

// In place of OpenSSL's own, which would ask at the terminal.
int has_no_passphrase(char*, int, int, void* asked) noexcept {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::vector<X509Ptr> read_certificates(const Pem& pem) {
  const std::string text = pem.read();
  const BioPtr bio = open(text);
  std::vector<X509Ptr> certificates;
  bool asked = false;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, has_no_passphrase, &asked)) {
    certificates.emplace_back(one);
  }
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!is_at_end) refuse("a certificate in " + quoted(pem) + " cannot be read: " + reason());
  ERR_clear_error();
  if (certificates.empty()) refuse("there is no certificate in " + quoted(pem));
  return certificates;
}

KeyPtr read_key(const Pem& pem) {
  std::string text = pem.read();
  const BioPtr bio = open(text);
  bool asked = false;
  KeyPtr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, has_no_passphrase, &asked)};
  OPENSSL_cleanse(text.data(), text.size());
  if (asked) refuse("the key in " + quoted(pem) + " is encrypted, and nobody is there to type the passphrase");
  if (!key) refuse("there is no private key in " + quoted(pem) + " that could be read: " + reason());
  return key;
}

}  // namespace

std::string Pem::read() const {
  if (path_.empty()) return text_;
  errno = 0;
  std::ifstream file{path_, std::ios::binary};
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    const std::string why = errno != 0 ? std::generic_category().message(errno) : "it is empty";
    throw ConfigError{"umbel: cannot read " + path_ + ": " + why};
  }
  return std::move(text).str();
}

Config& Config::add(Certificate certificate) & {
  certificates_.push_back(std::move(certificate));
  return *this;
}

Config& Config::unknown_names(UnknownNames which) & noexcept {
  unknown_names_ = which;
  return *this;
}

Config& Config::clients(Clients which, Pem authorities) & {
  clients_ = which;
  authorities_.emplace(std::move(authorities));
  return *this;
}

Config& Config::at_least(Version version) & noexcept {
  at_least_ = version;
  return *this;
}

Config& Config::on_failure(std::function<void(std::string_view)> tell) & {
  on_failure_ = std::move(tell);
  return *this;
}

Credentials::Credentials(const Config& config)
    : context_(SSL_CTX_new(TLS_server_method())),
      unknown_names_(config.unknown_names_),
      on_failure_(config.on_failure_) {
  if (!context_) refuse("OpenSSL cannot be used: " + reason());
  SSL_CTX* const context = context_.get();
  const bool is_1_3 = config.at_least_ == Version::tls_1_3;
  SSL_CTX_set_min_proto_version(context, is_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Tickets need no memory of ours.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  constexpr unsigned char session_context[] = "umbel";
  SSL_CTX_set_session_id_context(context, session_context, sizeof session_context);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context, this);
  for (const Certificate& certificate : config.certificates_) add(certificate);
  if (config.clients_ != Clients::unasked) ask_clients(config.clients_, *config.authorities_);
}

void Credentials::add(const Certificate& certificate) {
  std::vector<X509Ptr> chain = read_certificates(certificate.chain());
  Identity identity{std::move(chain.front()), ChainPtr{sk_X509_new_null()}, read_key(certificate.key())};
  const std::string names = quoted(certificate.chain()) + " and " + quoted(certificate.key());
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(identity.chain.get(), chain[i].release());
  if (X509_check_private_key(identity.certificate.get(), identity.key.get()) != 1) {
    ERR_clear_error();
    refuse("certificate and key do not belong together: " + names);
  }
  // Those of further names are only tried: what OpenSSL thinks too weak is known now.
  const SslContextPtr trial{identities_.empty() ? nullptr : SSL_CTX_new(TLS_server_method())};
  if (SSL_CTX_use_cert_and_key(trial ? trial.get() : context_.get(), identity.certificate.get(), identity.key.get(),
                               identity.chain.get(), 1) != 1) {
    refuse("certificate and key cannot be used: " + names + ": " + reason());
  }
  add_names(*identity.certificate);
  identities_.push_back(std::move(identity));
}

void Credentials::add_names(const X509& certificate) {
  const GeneralNamesPtr names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* const text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
    names_.emplace(in_lower_case({text, size}), identities_.size());
  }
}

void Credentials::ask_clients(Clients clients, const Pem& authorities) {
  SSL_CTX* const context = context_.get();
  for (const X509Ptr& authority : read_certificates(authorities)) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  const int required = clients == Clients::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
}

void Credentials::tell_failure(std::string_view why) const noexcept {
  if (on_failure_) on_failure_(why);
}

// An exact name goes before a wildcard, which stands for one label (RFC 9525 section 6.3).
const Credentials::Identity* Credentials::find(std::string_view name) const {
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::string wanted = in_lower_case(name);
  auto found = names_.find(wanted);
  const std::size_t dot = wanted.find('.');
  if (found == names_.end() && dot != std::string::npos) found = names_.find("*" + wanted.substr(dot));
  return found == names_.end() ? nullptr : &identities_[found->second];
}

int Credentials::choose_certificate(SSL* ssl, int* alert, void* self) noexcept {
  const auto& credentials = *static_cast<const Credentials*>(self);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  try {
    const Identity* const identity = credentials.find(name);
    if (!identity && credentials.unknown_names_ == UnknownNames::are_refused) {
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (!identity) return SSL_TLSEXT_ERR_NOACK;
    if (identity == &credentials.identities_.front()) return SSL_TLSEXT_ERR_OK;
    SSL_certs_clear(ssl);  // The first one's key may be of another kind, and would stay beside this one.
    if (SSL_use_cert_and_key(ssl, identity->certificate.get(), identity->key.get(), identity->chain.get(), 1) == 1) {
      return SSL_TLSEXT_ERR_OK;
    }
  } catch (...) {
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int Credentials::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                                 const unsigned char* offered, unsigned offered_size, void*) noexcept {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  // OpenSSL's signature wants it writable, and does not write.
  auto* out = const_cast<unsigned char*>(*chosen);
  const int found = SSL_select_next_proto(&out, chosen_size, ours, sizeof ours, offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace umbel::tls
