// SPDX-License-Identifier: MIT
// The conformance kit against http1 behind TLS.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "../transport/conformance/http1_harness.hpp"
#include "client.hpp"
#include "umbel/tls/layer.hpp"

namespace umbel::tls {
namespace {

const test::Authority& authority() {
  static const test::Authority one;
  return one;
}

Config config() {
  static const test::Identity one = authority().sign_server({"a.example"});
  return Config{Certificate{Pem::text(one.certificate), Pem::text(one.key)}};
}

class TlsWire {
public:
  void write(std::string_view bytes, std::string& out) {
    client_->send(bytes);
    client_->step();
    out += client_->take();
  }
  void read(std::string_view bytes, std::string& in, std::string& out) {
    client_->give(bytes);
    client_->step();
    in += std::exchange(client_->received, {});
    out += client_->take();
  }

private:
  std::unique_ptr<test::Client> client_ =
      std::make_unique<test::Client>(test::ClientOptions{.trusts = authority().pem()});
};

/// A base, since the layer outlives the server.
struct HasLayer {
  Layer layer_{config()};
};

class OverTls final : private HasLayer, public test::OverTcp<TlsWire> {
public:
  OverTls(Service& service, const Limits& limits) : OverTcp(service, limits) {}

private:
  http1::Layer* layer() override { return &layer_; }
};

const bool tls_conforms = testing::check_transport<OverTls>("Http1OverTls");

}  // namespace
}  // namespace umbel::tls
