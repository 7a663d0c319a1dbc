// SPDX-License-Identifier: MIT
#include "umbel/tls/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <fstream>
#include <string>

#include "authority.hpp"
#include "umbel/tls/layer.hpp"

namespace umbel::tls {
namespace {

using std::string;
using test::Authority;
using test::Identity;
using ::testing::HasSubstr;

string why(const Config& config) {
  try {
    const Layer layer{config};
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}
string why(const string& certificate, const string& key) {
  return why(Config{Certificate{Pem::text(certificate), Pem::text(key)}});
}

/// A file for the time of a test.
class File {
public:
  File(string name, const string& text) : path_(::testing::TempDir() + std::to_string(::getpid()) + name) { put(text); }
  ~File() { ::unlink(path_.c_str()); }
  void put(const string& text) { std::ofstream{path_} << text; }
  const string& path() const { return path_; }

private:
  string path_;
};

TEST(Config, TakesCertificatesFromFiles) {
  const Authority authority;
  const Identity identity = authority.sign_server({"a.example"});
  const File chain{"chain.pem", identity.certificate + authority.pem()};
  const File key{"key.pem", identity.key};

  EXPECT_EQ(why(Config{Certificate{chain.path(), key.path()}}), "");
}

TEST(Config, SaysWhichFileCannotBeRead) {
  EXPECT_EQ(why(Config{Certificate{"/nowhere/chain.pem", "/nowhere/key.pem"}}),
            "umbel: cannot read /nowhere/chain.pem: No such file or directory");
  const File empty{"empty.pem", ""};
  EXPECT_EQ(why(Config{Certificate{empty.path(), empty.path()}}),
            "umbel: cannot read " + empty.path() + ": it is empty");
}

TEST(Config, SaysWhatIsMissingOrBroken) {
  const Authority authority;
  const Identity identity = authority.sign_server({"a.example"});
  string broken = identity.certificate;
  broken.replace(broken.find('\n') + 10, 4, "AAAA");

  EXPECT_EQ(why("text", identity.key), "umbel: there is no certificate in the given text");
  EXPECT_THAT(why(broken, identity.key), HasSubstr("umbel: a certificate in the given text cannot be read: "));
  EXPECT_THAT(why(identity.certificate, "text"), HasSubstr("umbel: there is no private key in the given text"));
  EXPECT_THAT(why(identity.certificate, authority.sign_server({"b.example"}).key),
              HasSubstr("umbel: certificate and key do not belong together: the given text and the given text"));
}

TEST(Config, RefusesAnEncryptedKeyAndAsksNobody) {
  const Identity identity = Authority{}.sign_server({"a.example"});
  const BioPtr plain{BIO_new_mem_buf(identity.key.data(), static_cast<int>(identity.key.size()))};
  const KeyPtr key{PEM_read_bio_PrivateKey(plain.get(), nullptr, nullptr, nullptr)};
  const BioPtr encrypted{BIO_new(BIO_s_mem())};
  const unsigned char passphrase[] = "secret";
  PEM_write_bio_PrivateKey(encrypted.get(), key.get(), EVP_aes_128_cbc(), passphrase, 6, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(encrypted.get(), &bytes);

  EXPECT_EQ(why(identity.certificate, string(bytes, static_cast<std::size_t>(size))),
            "umbel: the key in the given text is encrypted, and nobody is there to type the passphrase");
}

TEST(Config, ChecksEveryNamesCertificateAndTheAuthorities) {
  const Identity good = Authority{}.sign_server({"a.example"});
  const Identity other = Authority{}.sign_server({"b.example"});
  const Certificate first{Pem::text(good.certificate), Pem::text(good.key)};

  EXPECT_THAT(why(Config{first}.add(Certificate{Pem::text(other.certificate), Pem::text(good.key)})),
              HasSubstr("do not belong together"));
  EXPECT_EQ(why(Config{first}.clients(Clients::required, Pem::text(""))),
            "umbel: there is no certificate in the given text");
}

TEST(Pem, ReadsAFileAnewAndNamesNoContent) {
  File file{"text.pem", "one"};
  const Pem pem = Pem::file(file.path());
  EXPECT_EQ(pem.read(), "one");

  file.put("two");

  EXPECT_EQ(pem.read(), "two");
  EXPECT_EQ(pem.name(), file.path());
  EXPECT_EQ(Pem::text("secret").name(), "the given text");
}

}  // namespace
}  // namespace umbel::tls
