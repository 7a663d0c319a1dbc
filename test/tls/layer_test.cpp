// SPDX-License-Identifier: MIT
#include "umbel/tls/layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "client.hpp"
#include "service.hpp"
#include "umbel/http1/filter.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::tls {
namespace {

using http1::Advice;
using http1::Wait;
using std::string;
using std::string_view;
using test::Authority;
using test::Client;
using test::ClientOptions;
using test::count_of;
using test::get;
using test::KeyKind;
using test::post;
using test::TestService;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Cut = std::function<std::size_t(std::size_t left)>;
std::size_t whole(std::size_t left) { return left; }
std::size_t bytewise(std::size_t) { return 1; }
Cut randomly(unsigned seed) {
  return [random = std::mt19937{seed}](std::size_t left) mutable {
    return std::min<std::size_t>(left, 1 + random() % 700);
  };
}

Certificate to_certificate(const test::Identity& identity) {
  return Certificate{Pem::text(identity.certificate), Pem::text(identity.key)};
}

const Authority& authority() {
  static const Authority one;
  return one;
}
const test::Identity& a_example() {
  static const test::Identity one = authority().sign_server({"a.example"});
  return one;
}
Config config() { return Config{to_certificate(a_example())}; }

ClientOptions trusting() { return {.trusts = authority().pem()}; }
ClientOptions asking_for(string name) {
  ClientOptions options = trusting();
  options.name = std::move(name);
  return options;
}

/// A host that moves the bytes of one connection by hand: no sockets, no threads.
class Host final : http1::Session::Host {
public:
  explicit Host(Layer& layer)
      : endpoint_(service, port.context()),
        session_(endpoint_, *this),
        secure(session_, layer.make(port.context(), *this)) {}

  /// Moves bytes both ways, in pieces as `cut` says, until nothing moves any more.
  void talk(Client& client, const Cut& cut = whole) {
    while (go_on(client, cut, cut)) {
    }
  }
  /// One round of it. False if nothing has moved.
  bool go_on(Client& client, const Cut& from_client, const Cut& to_client) {
    const bool heard = hear(client, from_client);
    const bool turned = turn();
    return answer(client, to_client) || heard || turned;
  }
  bool hear(Client& client, const Cut& cut = whole) {
    client.step();
    to_server_ += client.take();
    bool moved = false;
    while (!to_server_.empty()) {
      const std::size_t taken = secure.feed(string_view{to_server_}.substr(0, cut(to_server_.size())));
      to_server_.erase(0, taken);
      if (taken == 0 && !turn()) break;
      moved = true;
    }
    return moved;
  }
  bool answer(Client& client, const Cut& cut = whole) {
    bool moved = false;
    for (string_view output = secure.output(); !output.empty(); moved = true) {
      const string piece{output.substr(0, cut(output.size()))};
      client.give(piece);
      client.step();
      output = secure.consumed(piece.size());
    }
    return moved;
  }
  /// What the loop and the pool do.
  bool turn() { return port.pool().run_all() + port.run() > 0; }

  testing::ManualPort port;
  TestService service;
  int changes = 0;

private:
  void on_change() noexcept override { ++changes; }

  http1::Endpoint endpoint_;
  http1::Session session_;
  string to_server_;

public:
  http1::FilteredSession secure;
};

string without_dates(string text) {
  for (std::size_t at = 0; (at = text.find("date: ", at)) != string::npos;)
    text.erase(at, text.find('\n', at) - at + 1);
  return text;
}

/// What a client with these options gets of a server with that configuration.
struct Talk {
  Talk(Config server, const ClientOptions& options, string_view request = get("/peer"))
      : layer(std::move(server)), host(layer), client(options) {
    client.send(request);
    host.talk(client);
  }
  Layer layer;
  Host host;
  Client client;
};

// --- the way of the bytes

TEST(Layer, AnswersOverTls) {
  Talk talk{config(), trusting(), get("/hello")};

  EXPECT_EQ(talk.client.failure(), "");
  EXPECT_THAT(talk.client.received, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(talk.client.received.ends_with("hello!"));
  EXPECT_EQ(talk.layer.counts().handshakes, 1U);
}

TEST(Layer, GivesTheSameHoweverTheBytesAreCut) {
  const string requests = get("/hello") + post("some text") + get("/peer") + post(string(70'000, 'y')) + get("/hello");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientOptions options = trusting();
    options.version = version;
    const Talk expected{config(), options, requests};
    ASSERT_EQ(count_of(expected.client.received, "HTTP/1.1 200 OK"), 5);

    std::vector<Cut> cuts{bytewise};
    for (unsigned seed = 0; seed < 20; ++seed) cuts.push_back(randomly(seed));
    for (const Cut& cut : cuts) {
      Layer layer{config()};
      Host host{layer};
      Client client{options};
      client.send(requests);
      host.talk(client, cut);

      EXPECT_EQ(without_dates(client.received), without_dates(expected.client.received));
    }
  }
}

TEST(Layer, KeepsAConnectionAndIsIdleBetweenRequests) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};

  for (int i = 1; i <= 10; ++i) {
    client.send(get("/hello"));
    host.talk(client);
    EXPECT_EQ(count_of(client.received, "hello!"), i);
    EXPECT_TRUE(host.secure.is_idle());
    EXPECT_EQ(host.secure.wait(), Wait::idle);
  }
  EXPECT_EQ(layer.counts().handshakes, 1U);
}

TEST(Layer, AnswersWhatIsPipelined) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  string input;
  for (int i = 0; i < 1000; ++i) input += get("/hello");

  client.send(input);
  host.talk(client);

  EXPECT_EQ(count_of(client.received, "hello!"), 1000);
}

TEST(Layer, KeepsOfALongReplyOnlyAPieceForASlowReader) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);
  client.send(get("/big"));
  host.hear(client);
  std::size_t most = 0;

  while (!client.received.ends_with("end")) {
    const string_view output = host.secure.output();
    ASSERT_FALSE(output.empty());
    most = std::max(most, output.size());
    const string piece{output.substr(0, 1000)};
    client.give(piece);
    client.step();
    static_cast<void>(host.secure.consumed(piece.size()));
  }

  EXPECT_LE(most, 64U * 1024);
  EXPECT_GT(client.received.size(), test::big_size);
}

TEST(Layer, SaysThatAReplyIsBeingSentUntilThePeerHasAllOfIt) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);

  client.send(get("/hello"));
  host.hear(client);

  EXPECT_EQ(host.secure.wait(), Wait::output);
  host.answer(client);
  EXPECT_EQ(host.secure.wait(), Wait::idle);
}

TEST(Layer, AnswersFromTheLoop) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  client.send(get("/late") + get("/hello"));
  host.talk(client);
  ASSERT_EQ(host.service.late.size(), 1U);
  EXPECT_EQ(client.received, "");

  host.service.late.front()->reply(Response::text("late."));
  host.talk(client);

  EXPECT_EQ(count_of(client.received, "late."), 1);
  EXPECT_EQ(count_of(client.received, "hello!"), 1);
  EXPECT_GT(host.changes, 0);
}

TEST(Layer, LetsAPeerUpdateItsKeys) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);

  SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
  client.send(get("/hello"));
  host.talk(client);

  EXPECT_EQ(count_of(client.received, "hello!"), 1);
}

// --- ends

TEST(Layer, EndsWithCloseNotifyAfterTheLastReply) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};

  client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  host.talk(client);

  EXPECT_EQ(count_of(client.received, "hello!"), 1);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(host.secure.advice(), Advice::finish);
  EXPECT_EQ(host.secure.wait(), Wait::lingering);
}

TEST(Layer, AnswersAPeerThatHasSaidThatNothingMoreComes) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);
  client.send(get("/late"));
  client.close_notify();
  host.talk(client);
  ASSERT_EQ(host.service.late.size(), 1U);

  host.service.late.front()->reply(Response::text("late."));
  host.talk(client);

  EXPECT_EQ(count_of(client.received, "late."), 1);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(host.secure.advice(), Advice::close);
}

TEST(Layer, TakesAnEndWithoutCloseNotifyForATruncation) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  client.send(get("/late"));
  host.talk(client);
  ASSERT_EQ(host.service.late.size(), 1U);

  host.secure.eof();

  EXPECT_EQ(host.secure.advice(), Advice::reset);
  EXPECT_TRUE(host.service.late.front()->stop_token().stop_requested());
  host.service.late.front()->reply(Response::text("late."));
  EXPECT_TRUE(host.secure.output().empty());
  host.turn();
  EXPECT_FALSE(host.secure.busy());
}

TEST(Layer, FailsABodyThatIsTruncated) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
  host.talk(client);
  ASSERT_EQ(host.service.served, 1);

  host.secure.eof();
  host.turn();

  EXPECT_FALSE(host.secure.busy());
  EXPECT_EQ(client.received, "");
}

TEST(Layer, BreaksOffWhenARecordWasTamperedWith) {
  string why;
  Layer layer{config().on_failure([&](string_view words) { why = words; })};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);
  client.send(get("/late"));
  client.step();
  string bytes = client.take();
  bytes[bytes.size() / 2] ^= 1;

  EXPECT_EQ(host.secure.feed(bytes), bytes.size());
  host.talk(client);

  EXPECT_EQ(host.service.served, 0);
  EXPECT_THAT(why, StartsWith("A TLS connection broke: "));
  EXPECT_THAT(client.failure(), HasSubstr("bad record mac"));
  EXPECT_EQ(host.secure.advice(), Advice::finish);
  EXPECT_EQ(layer.counts().failed, 1U);
}

TEST(Layer, LetsAPeerLeaveAtEveryByteOfHandshakeAndRequest) {
  const auto bytes_of = [](bool counts_only, std::size_t stop) {
    Layer layer{config()};
    Host host{layer};
    Client client{trusting()};
    client.send(get("/hello"));
    std::size_t fed = 0;
    const Cut until_stop = [&](std::size_t left) {
      const std::size_t size = counts_only ? left : std::min(left, stop - fed);
      fed += size;
      return size;
    };
    while (host.go_on(client, until_stop, whole)) {
    }
    host.secure.eof();
    host.turn();
    EXPECT_FALSE(host.secure.busy());
    EXPECT_EQ(host.secure.advice(), Advice::reset);
    return fed;
  };
  const std::size_t all = bytes_of(true, 0);

  for (std::size_t stop = 0; stop < all; stop += 37) bytes_of(false, stop);
}

TEST(Layer, AnswersPlainHttpWithA400InPlain) {
  string why;
  Layer layer{config().on_failure([&](string_view words) { why = words; })};
  Host host{layer};

  EXPECT_GT(host.secure.feed(get("/hello")), 0U);

  const string output{host.secure.output()};
  EXPECT_THAT(output, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  const std::size_t body = output.find("\r\n\r\n") + 4;
  EXPECT_THAT(output, HasSubstr("content-length: " + std::to_string(output.size() - body) + "\r\n"));
  EXPECT_TRUE(host.secure.consumed(output.size()).empty());
  EXPECT_EQ(host.secure.advice(), Advice::finish);
  EXPECT_EQ(host.secure.wait(), Wait::lingering);
  EXPECT_EQ(host.service.served, 0);
  EXPECT_EQ(why, "A TLS handshake failed: a plain HTTP request came to an HTTPS port");
}

TEST(Layer, EndsAConnectionThatSpeaksSomethingElse) {
  for (const string& bytes : {string("\0\0\0\0\0\0\0\0", 8), string("\x16\x03\x01\xff\xff", 5), string(100, '\x80')}) {
    Layer layer{config()};
    Host host{layer};

    static_cast<void>(host.secure.feed(bytes));
    host.turn();

    EXPECT_EQ(host.secure.advice(), Advice::finish);
    EXPECT_EQ(layer.counts().failed, 1U);
  }
}

// --- time

TEST(Layer, GivesUpAPeerThatDoesNotFinishItsHandshake) {
  Layer layer{config()};
  Host host{layer};
  EXPECT_EQ(host.secure.wait(), Wait::head);

  host.secure.expire();

  EXPECT_EQ(host.secure.advice(), Advice::reset);
  EXPECT_EQ(host.secure.wait(), Wait::over);
}

TEST(Layer, CountsAPieceOfARecordAsABegunHead) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);
  client.send(get("/hello"));
  client.step();
  const string bytes = client.take();

  for (const std::size_t size : {1U, 5U, 9U}) {
    Layer other{config()};
    EXPECT_EQ(host.secure.wait(), size == 1 ? Wait::idle : Wait::head);
    const std::size_t before = size == 1 ? 0 : size == 5 ? 1 : 5;
    static_cast<void>(host.secure.feed(string_view{bytes}.substr(before, size - before)));
    EXPECT_EQ(host.secure.wait(), Wait::head) << size;
    EXPECT_FALSE(host.secure.is_idle()) << size;
  }
  static_cast<void>(host.secure.feed(string_view{bytes}.substr(9)));
  host.answer(client);

  EXPECT_EQ(count_of(client.received, "hello!"), 1);
}

TEST(Layer, ServesARequestThatHasComeWhenItDrains) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);
  client.send(get("/hello"));
  client.step();
  const string bytes = client.take();

  const std::span<char> room = host.secure.prepare();
  bytes.copy(room.data(), bytes.size());
  host.secure.drain();
  host.secure.commit(bytes.size());
  host.talk(client);

  EXPECT_THAT(client.received, HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Layer, EndsAnIdleConnectionWhenItDrains) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  host.talk(client);

  host.secure.drain();
  host.talk(client);

  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(host.secure.advice(), Advice::close);
}

// --- the work pool

TEST(LayerHandshake, IsAStepOnThePoolAndTheLoopGoesOn) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  client.step();

  EXPECT_GT(host.secure.feed(client.take()), 0U);

  EXPECT_EQ(host.port.pool().waiting(), 1U);
  EXPECT_TRUE(host.secure.busy());
  EXPECT_EQ(host.secure.advice(), Advice::pause);
  EXPECT_TRUE(host.secure.output().empty());
  host.port.pool().run_one_elsewhere();
  EXPECT_EQ(host.changes, 0);
  host.port.run();
  EXPECT_EQ(host.changes, 1);
  EXPECT_FALSE(host.secure.output().empty());
}

TEST(LayerHandshake, SharesThePoolWithOthers) {
  Layer layer{config(), {.handshakes = 2}};
  testing::ManualPort port;
  TestService service;
  http1::Endpoint endpoint{service, port.context()};
  struct Nobody : http1::Session::Host {
    void on_change() noexcept override {}
  } nobody;
  struct Connection {
    Connection(http1::Endpoint& e, Nobody& host, Layer& l, Context& context)
        : session(e, host), secure(session, l.make(context, host)) {}
    http1::Session session;
    http1::FilteredSession secure;
  };
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 10; ++i) {
    connections.push_back(std::make_unique<Connection>(endpoint, nobody, layer, port.context()));
    Client client{trusting()};
    client.step();
    static_cast<void>(connections.back()->secure.feed(client.take()));
  }

  EXPECT_EQ(port.pool().waiting(), 2U);
  int steps = 0;
  for (; port.pool().waiting() > 0; ++steps, port.run()) {
    EXPECT_LE(port.pool().waiting(), 2U);
    port.pool().run_one();
  }
  EXPECT_EQ(steps, 10);
}

TEST(LayerHandshake, ThatIsGivenUpIsNotDone) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  client.step();
  static_cast<void>(host.secure.feed(client.take()));

  host.secure.expire();

  EXPECT_TRUE(host.secure.busy());
  EXPECT_EQ(host.secure.advice(), Advice::reset);
  host.turn();
  EXPECT_FALSE(host.secure.busy());
  EXPECT_TRUE(host.secure.output().empty());
}

TEST(LayerHandshake, MayBeOnTheLoop) {
  Layer layer{config(), {.handshakes = 0}};
  Host host{layer};
  Client client{trusting()};
  client.step();

  static_cast<void>(host.secure.feed(client.take()));

  EXPECT_FALSE(host.secure.busy());
  EXPECT_FALSE(host.secure.output().empty());
  host.talk(client);
  EXPECT_TRUE(client.is_open());
}

// --- protocols

TEST(LayerAlpn, IsHttp11) { EXPECT_EQ((Talk{config(), trusting()}.client.protocol()), "http/1.1"); }

TEST(LayerAlpn, RefusesWhoOffersOnlyOthers) {
  ClientOptions options = trusting();
  options.protocols = "h2";
  Talk talk{config(), options};

  EXPECT_THAT(talk.client.failure(), HasSubstr("no application protocol"));
  EXPECT_EQ(talk.host.service.served, 0);
}

TEST(LayerAlpn, IsNotNeeded) {
  ClientOptions options = trusting();
  options.protocols = "";
  Talk talk{config(), options};

  EXPECT_EQ(talk.host.service.served, 1);
}

TEST(LayerVersion, IsAtLeast12) {
  ClientOptions options = trusting();
  options.version = TLS1_1_VERSION;
  EXPECT_NE((Talk{config(), options}.client.failure()), "");
  options.version = TLS1_2_VERSION;
  EXPECT_THAT((Talk{config(), options}.client.received), HasSubstr("TLSv1.2"));
}

TEST(LayerVersion, MayBeAtLeast13) {
  ClientOptions options = trusting();
  options.version = TLS1_2_VERSION;
  EXPECT_THAT((Talk{config().at_least(Version::tls_1_3), options}.client.failure()), HasSubstr("protocol version"));
  EXPECT_THAT((Talk{config().at_least(Version::tls_1_3), trusting()}.client.received), HasSubstr("TLSv1.3"));
}

TEST(LayerVersion, IsNotRenegotiated) {
  ClientOptions options = trusting();
  options.version = TLS1_2_VERSION;
  Talk talk{config(), options};

  SSL_renegotiate(talk.client.ssl());
  talk.client.step();
  talk.host.talk(talk.client);

  EXPECT_EQ(talk.layer.counts().handshakes, 1U);
  EXPECT_THAT(talk.client.failure(), HasSubstr("no renegotiation"));
}

// --- names

Config of_several_names() {
  static const Config several =
      config()
          .add(to_certificate(authority().sign_server({"b.example", "c.example"}, KeyKind::rsa)))
          .add(to_certificate(authority().sign_server({"*.wild.example"})))
          .add(to_certificate(authority().sign_server({"exact.wild.example"})));
  return several;
}

TEST(LayerName, ChoosesTheCertificate) {
  const std::pair<const char*, const char*> expected[] = {
      {"a.example", "a.example"}, {"b.example", "b.example"},           {"c.example", "b.example"},
      {"C.Example", "b.example"}, {"x.wild.example", "*.wild.example"}, {"exact.wild.example", "exact.wild.example"}};
  for (const auto& [name, certificate] : expected) {
    const Talk talk{of_several_names(), asking_for(name)};
    EXPECT_EQ(talk.client.failure(), "") << name;
    EXPECT_EQ(talk.client.server_name(), certificate);
  }
}

TEST(LayerName, ThatIsUnknownGetsTheFirstCertificate) {
  for (const char* const name : {"d.example", "two.labels.wild.example", "wild.example"}) {
    ClientOptions options = asking_for(name);
    options.trusts = "";
    EXPECT_EQ((Talk{of_several_names(), options}.client.server_name()), "a.example") << name;
    EXPECT_THAT((Talk{of_several_names(), asking_for(name)}.client.failure()), HasSubstr("certificate verify failed"));
  }
}

TEST(LayerName, ThatIsUnknownMayBeRefused) {
  const Config strict = of_several_names().unknown_names(UnknownNames::are_refused);
  EXPECT_THAT((Talk{strict, asking_for("d.example")}.client.failure()), HasSubstr("unrecognized name"));
  EXPECT_EQ((Talk{strict, asking_for("b.example")}.client.server_name()), "b.example");
}

TEST(LayerName, MayBeLeftOut) {
  const Config strict = of_several_names().unknown_names(UnknownNames::are_refused);
  EXPECT_EQ((Talk{strict, asking_for("")}.client.server_name()), "a.example");
}

// --- clients

TEST(LayerClients, AreSeenByTheApplication) {
  const test::Identity alice = authority().sign_client("Alice, \"the\" Admin\n");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientOptions options = trusting();
    options.identity = &alice;
    options.version = version;
    Talk talk{config().clients(Clients::required, Pem::text(authority().pem())), options};

    EXPECT_THAT(talk.client.received, HasSubstr(R"( CN=Alice\, \"the\" Admin\0A,O=Umbel )"));
    EXPECT_THAT(talk.client.received, ::testing::Not(HasSubstr("O=Umbel 0.")));
  }
}

TEST(LayerClients, WithoutCertificatesAreAnonymousOrRefused) {
  const Pem ca = Pem::text(authority().pem());
  EXPECT_TRUE((Talk{config().clients(Clients::optional, ca), trusting()}.client.received.ends_with("TLSv1.3  0.")));
  Talk refused{config().clients(Clients::required, ca), trusting()};
  EXPECT_THAT(refused.client.failure(), HasSubstr("certificate required"));
  EXPECT_EQ(refused.host.service.served, 0);
}

TEST(LayerClients, OfAnotherAuthorityAreRefused) {
  const Authority other{"Other"};
  const test::Identity mallory = other.sign_client("Mallory");
  ClientOptions options = trusting();
  options.identity = &mallory;
  for (const Clients which : {Clients::optional, Clients::required}) {
    string why;
    Config server = config().clients(which, Pem::text(authority().pem())).on_failure([&](string_view w) { why = w; });
    Talk talk{std::move(server), options};

    EXPECT_THAT(talk.client.failure(), HasSubstr("unknown ca"));
    EXPECT_EQ(talk.host.service.served, 0);
    EXPECT_EQ(why, "A TLS handshake failed: unable to get local issuer certificate");
  }
}

TEST(LayerClients, AreNotAskedUnlessToldSo) {
  const test::Identity alice = authority().sign_client("Alice");
  ClientOptions options = trusting();
  options.identity = &alice;

  EXPECT_TRUE((Talk{config(), options}.client.received.ends_with("TLSv1.3  0.")));
}

// --- resumption and reload

/// A talk with a layer that has been there before.
struct Resumed {
  Resumed(Layer& layer, ClientOptions options, SSL_SESSION* session) : host(layer), client(with(options, session)) {
    client.send(get("/peer"));
    host.talk(client);
  }
  static ClientOptions with(ClientOptions options, SSL_SESSION* session) {
    options.resumes = session;
    return options;
  }
  Host host;
  Client client;
};

TEST(LayerResumption, IsTaken) {
  const test::Identity alice = authority().sign_client("Alice");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Layer layer{config().clients(Clients::required, Pem::text(authority().pem()))};
    ClientOptions options = trusting();
    options.version = version;
    options.identity = &alice;
    const Resumed first{layer, options, nullptr};
    EXPECT_FALSE(first.client.was_resumed());

    const Resumed second{layer, options, first.client.session().get()};

    EXPECT_TRUE(second.client.was_resumed());
    EXPECT_THAT(second.client.received, HasSubstr("CN=Alice"));
    EXPECT_EQ(layer.counts().handshakes, 2U);
    EXPECT_EQ(layer.counts().resumed, 1U);
  }
}

TEST(LayerReload, IsSeenByNewConnectionsAndOldOnesLiveOn) {
  Layer layer{config()};
  Host old_host{layer};
  Client old_client{trusting()};
  old_host.talk(old_client);

  layer.reload(Config{to_certificate(authority().sign_server({"new.example", "a.example"}))});
  Resumed fresh{layer, trusting(), old_client.session().get()};
  old_client.send(get("/hello"));
  old_host.talk(old_client);

  EXPECT_EQ(fresh.client.server_name(), "new.example");
  EXPECT_FALSE(fresh.client.was_resumed());
  EXPECT_EQ(old_client.server_name(), "a.example");
  EXPECT_EQ(count_of(old_client.received, "hello!"), 1);
}

TEST(LayerReload, OfSomethingBrokenLeavesAllAsItWas) {
  Layer layer{config()};

  EXPECT_THROW(layer.reload(Config{Certificate{Pem::text("nonsense"), Pem::text("nonsense")}}), ConfigError);
  layer.reload();

  Host host{layer};
  Client client{trusting()};
  host.talk(client);
  EXPECT_EQ(client.server_name(), "a.example");
}

TEST(LayerReload, InTheMiddleOfAHandshakeDoesNotMatterToIt) {
  Layer layer{config()};
  Host host{layer};
  Client client{trusting()};
  client.step();
  static_cast<void>(host.secure.feed(client.take()));

  layer.reload(Config{to_certificate(authority().sign_server({"new.example"}))});
  host.talk(client);

  EXPECT_EQ(client.server_name(), "a.example");
  EXPECT_TRUE(client.is_open());
}

}  // namespace
}  // namespace umbel::tls
