// SPDX-License-Identifier: MIT
#pragma once
// What every transport does alike, as tests that a transport's author runs against theirs.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "umbel/core/transport.hpp"

namespace umbel::testing {

/// A transport and its peers, all on the test's thread: what a transport's author writes to have it tested.
///
///     class WireHarness final : public testing::TransportHarness {
///     public:
///       WireHarness(Service& service, const Limits& limits);  // makes the transport, and does not start it
///       ...
///     };
///     const bool wire_conforms = testing::check_transport<WireHarness>("Wire");   // with gtest_main, that is all
///
/// Its destructor destroys the transport as it is, perhaps with requests in flight. Nothing here waits.
class TransportHarness {
public:
  /// What the cases choose of a transport's options.
  struct Limits {
    std::size_t in_flight = 4096;      // Exchanges. One more is answered with 503 and Retry-After.
    std::uint64_t body = 1024 * 1024;  // Bytes of a body, unless the service says otherwise. More is 413.
  };

  /// Names and values of fields, in their order.
  using Fields = std::vector<std::pair<std::string, std::string>>;

  /// What a peer asks. The body follows in pieces.
  struct Question {
    /// In capitals.
    std::string method = "GET";
    std::string target = "/";                 // As it is sent.
    Fields headers = {};                      // The transport may add others.
    std::optional<std::uint64_t> length = 0;  // Of the body. Nullopt: the peer does not know it yet.
    std::chrono::milliseconds patience{0};    // If the transport can tell deadlines: how long the peer waits. 0: long.
  };

  /// What has come of a reply.
  struct Answer {
    int status = 0;       // 0: nothing has come.
    Fields headers = {};  // Names in lower case.
    /// All of it that came.
    std::string body = {};
    /// The body has come to its end.
    bool is_complete = false;
    bool is_broken = false;  // Nothing more will come, and it is not complete.
  };

  /// Somebody who asks. Is left, as by one who is gone suddenly, when destroyed; goes before the harness.
  class Peer {
  public:
    Peer() = default;
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    virtual ~Peer() = default;

    /// Begins a request. Once; but if the transport has `keep_alive`, again after a complete answer.
    virtual void ask(const Question& question) = 0;
    /// The next piece of its body. What the transport does not take yet waits in the peer.
    virtual void send(std::string_view piece) = 0;
    /// The body is complete. Trailers are given only if the transport has them.
    virtual void end(const Fields& trailers) = 0;
    /// How much of what was sent the transport has not taken yet, about.
    virtual std::size_t unsent() const = 0;
    /// Adds what has come since the last time to the answer. Who does not call it is a slow reader.
    virtual void receive(Answer& answer) = 0;
  };

  TransportHarness() = default;
  TransportHarness(const TransportHarness&) = delete;
  TransportHarness& operator=(const TransportHarness&) = delete;
  virtual ~TransportHarness() = default;

  /// The same at any time.
  virtual Transport& transport() = 0;
  /// That the service is asked on.
  virtual Context& context() = 0;
  /// Starts the transport, or starts it again. Throws StartError if the service does.
  virtual void start() = 0;
  /// Lets everything go on that can, once: input, output, the Context, its timers. Does not wait for any.
  virtual void turn() = 0;
  /// A new peer. If nobody is let in, its answers are broken.
  virtual std::unique_ptr<Peer> connect() = 0;
};

/// Starts the transport that is looked at, on a service that outlives it.
using MakeHarness = std::unique_ptr<TransportHarness> (*)(Service& service, const TransportHarness::Limits& limits);

/// Adds all cases to GoogleTest, each as `<name>Mapping.GivesTheMethod` and the like; before RUN_ALL_TESTS. Those that
/// need what the transport's Capabilities do not promise are skipped, and say so. True.
bool add_transport_cases(std::string_view name, MakeHarness make);

/// The same, in one line of a test.
template <class Harness>
bool check_transport(std::string_view name) {
  return add_transport_cases(
      name, [](Service& service, const TransportHarness::Limits& limits) -> std::unique_ptr<TransportHarness> {
        return std::make_unique<Harness>(service, limits);
      });
}

}  // namespace umbel::testing
