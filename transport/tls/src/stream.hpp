// SPDX-License-Identifier: MIT
#pragma once
// One connection's TLS.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "credentials.hpp"
#include "openssl.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/core/context.hpp"
#include "umbel/core/lane.hpp"
#include "umbel/core/peer.hpp"
#include "umbel/http1/filter.hpp"

namespace umbel::tls {

/// What the streams of a Layer have in common. Any thread.
struct Shared {
  explicit Shared(std::size_t at_once) noexcept
      : lane({.limit = at_once, .queue_limit = 1 << 20}), uses_pool(at_once > 0) {}

  Lane lane;
  const bool uses_pool;
  std::atomic<std::uint64_t> handshakes{0};
  std::atomic<std::uint64_t> resumed{0};
  std::atomic<std::uint64_t> failed{0};
  BioMethodPtr method;  // How OpenSSL reads and writes a Stream.
};

/// While a step of the handshake is away, a worker has the SSL, both buffers and what is learnt of the peer; the loop
/// touches none of them.
class Stream final : public http1::Filter {
public:
  /// Null if OpenSSL has no memory.
  static std::unique_ptr<Stream> make(Shared& shared, std::shared_ptr<const Credentials> credentials, Context& context,
                                      http1::Session::Host& host) noexcept;
  /// Throws std::bad_alloc. For `Shared`.
  static BioMethodPtr make_method();
  ~Stream() override;

  State state() const noexcept override { return state_; }
  std::span<char> prepare() noexcept override;
  void commit(std::size_t bytes) noexcept override;
  std::size_t read(std::span<char> room) noexcept override;
  bool readable() const noexcept override;
  bool in_piece() const noexcept override;
  std::size_t write(std::string_view bytes) noexcept override;
  void close() noexcept override;
  std::string_view output() const noexcept override;
  void consumed(std::size_t bytes) noexcept override;
  void abort() noexcept override;
  bool busy() const noexcept override { return away_; }
  const Peer* peer() const noexcept override { return &peer_; }

private:
  Stream(Shared& shared, std::shared_ptr<const Credentials> credentials, Context& context,
         http1::Session::Host& host) noexcept;

  struct Handshake : Job {
    explicit Handshake(Stream& s) noexcept : Job(on_worker, at_home), stream(s) {}
    Stream& stream;
  };

  bool open();
  std::size_t complete_records() const noexcept;
  void shake_hands() noexcept;
  void step() noexcept;
  void settle() noexcept;
  void remember_peer();
  void refuse_plain_http() noexcept;
  void fail(std::string_view what) noexcept;
  bool check(int error) noexcept;
  void drop_input() noexcept;
  void drop_output() noexcept;
  std::size_t pending() const noexcept { return output_.size() - sent_; }

  static void on_worker(Job& job) noexcept;
  static void at_home(Job& job) noexcept;
  static int read_outer(BIO* bio, char* out, std::size_t size, std::size_t* done) noexcept;
  static int write_outer(BIO* bio, const char* bytes, std::size_t size, std::size_t* done) noexcept;
  static long control(BIO* bio, int command, long number, void* pointer) noexcept;

  Shared& shared_;
  std::shared_ptr<const Credentials> credentials_;
  Context& context_;
  http1::Session::Host& host_;
  SslPtr ssl_;
  Handshake handshake_;

  State state_ = State::opening;
  bool away_ = false;
  bool aborted_ = false;
  bool begun_ = false;               // Outer bytes have come.
  int error_ = SSL_ERROR_WANT_READ;  // Of the last step of the handshake.

  char* input_ = nullptr;  // Outer bytes from `begin_` to `end_`; OpenSSL is shown those before `shown_`.
  std::size_t begin_ = 0;
  std::size_t shown_ = 0;
  std::size_t end_ = 0;
  Buffer output_;  // Outer bytes; the first `sent_` are consumed.
  std::size_t sent_ = 0;

  Peer peer_;
  std::string subject_;
  std::string certificate_;
};

}  // namespace umbel::tls
