// SPDX-License-Identifier: MIT
#pragma once
// A body whose pieces are made on workers.

#include <cstdint>
#include <optional>
#include <string_view>

#include "umbel/core/body_source.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/core/context.hpp"

namespace umbel {

/// What blocks, or takes long, to make: a file, a compressed text. Each piece is a job of the Context's pool, and while
/// the transport sends one, the next is made: never more than two are there. A full pool does not stop a reply that has
/// begun: then its job goes in as a clean-up.
///
///     class Dump final : public WorkedBody {
///       Made make(Buffer& piece) noexcept override { ... }   // on a worker
///     };
///     Response::stream("application/x-dump", BodySourcePtr{new Dump});
///
/// Belongs to itself: made by `new`, gone when it was dropped and its job, if one is away, has come home.
class WorkedBody : public BodySource, private Job {
public:
  WorkedBody() noexcept : Job(execute, come_home) {}
  WorkedBody(const WorkedBody&) = delete;
  WorkedBody& operator=(const WorkedBody&) = delete;

  Pulled pull(Context& context, std::string_view& chunk, umbel::Work& ready) noexcept final;
  void drop() noexcept final;

protected:
  /// On a worker, or on the Context's thread by `drop`.
  virtual ~WorkedBody() = default;

  /// What a job has made.
  enum class Made : std::uint8_t {
    piece,       // Some bytes, and there may be more.
    last_piece,  // The last bytes.
    end,         // None; there are no more.
    failed,      // The body cannot be completed.
  };
  /// Appends the next piece, at least a byte, to `piece`, which is empty. On a worker; one at a time, and each sees
  /// what the one before did.
  virtual Made make(Buffer& piece) noexcept = 0;

private:
  static void execute(Job& job) noexcept;
  static void come_home(Job& job) noexcept;
  void begin() noexcept;

  Context* context_ = nullptr;
  umbel::Work* ready_ = nullptr;  // Of a pull that waits.
  Buffer given_;                  // What the transport has.
  Buffer next_;                   // What the job fills.
  Made made_ = Made::piece;
  bool is_away_ = false;
  bool has_next_ = false;  // `made_` tells of a job that is home, and was not given yet.
  bool is_dropped_ = false;
};

}  // namespace umbel
