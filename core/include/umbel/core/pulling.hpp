// SPDX-License-Identifier: MIT
#pragma once
// For whoever pulls a BodySource.

#include <string_view>

#include "umbel/core/body_source.hpp"
#include "umbel/core/context.hpp"

namespace umbel {

/// The Work that is given to a source, for owners that may drop the source while it is waited for, and then go. Nobody
/// can tell then whether the source has enqueued it already: `forget` enqueues another behind it, and the owner stays
/// until that has run.
///
/// A member of its owner, whose functions are called from the Context's queue.
class Pulling {
public:
  using Function = void (*)(Pulling& pulling) noexcept;
  /// `ready`: it is worth to ask again. `forgotten`: the owner may go.
  Pulling(Function ready, Function forgotten) noexcept : ready_(ready), forgotten_(forgotten) {}

  /// Asks the source for the next piece. If it says `wait`, the function is called when there is one; one pull at a
  /// time.
  Pulled pull(Context& context, BodySource& source, std::string_view& chunk) noexcept {
    const Pulled pulled = source.pull(context, chunk, came_);
    is_awaited_ = pulled == Pulled::pending;
    return pulled;
  }
  /// The last pull was `pending`, and `ready` was not called since.
  bool is_awaited() const noexcept { return is_awaited_; }

  /// The source is about to be dropped: `ready` is not called any more. True if `forgotten` will be.
  bool forget(Context& context) noexcept {
    if (!is_awaited_) return false;
    is_awaited_ = false;
    is_forgotten_ = true;
    context.enqueue(last_);
    return true;
  }
  /// The owner has to stay for now.
  bool is_forgotten() const noexcept { return is_forgotten_; }

private:
  struct Part : Work {
    Part(Work::Function function, Pulling& p) noexcept : Work(function), pulling(p) {}
    Pulling& pulling;
  };
  static void come(Work& work) noexcept {
    Pulling& pulling = static_cast<Part&>(work).pulling;
    if (!pulling.is_awaited_) return;
    pulling.is_awaited_ = false;
    pulling.ready_(pulling);
  }
  static void end(Work& work) noexcept {
    Pulling& pulling = static_cast<Part&>(work).pulling;
    pulling.is_forgotten_ = false;
    pulling.forgotten_(pulling);
  }

  Function ready_;
  Function forgotten_;
  bool is_awaited_ = false;
  bool is_forgotten_ = false;
  Part came_{come, *this};
  Part last_{end, *this};
};

}  // namespace umbel
