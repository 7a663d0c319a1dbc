// SPDX-License-Identifier: MIT
#pragma once
// A body in pieces, which whoever sends or reads it pulls.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "umbel/core/context.hpp"

namespace umbel {

/// What a pull has given.
enum class Pulled : std::uint8_t {
  chunk,    // The next bytes, at least one.
  end,      // The body is complete.
  pending,  // Nothing yet: the Work that was given is enqueued when it is worth to ask again.
  failed    // Nothing further will come, and the body is not complete.
};

/// Bytes of an open file.
struct FileStretch {
  int file = -1;             // A descriptor, open for reading.
  std::uint64_t offset = 0;  // Of the first byte.
  std::uint64_t size = 0;    // In bytes. 0: there is none.
};

/// The body of a reply that is made while it is sent. The transport pulls: it asks for the next chunk when the peer has
/// taken enough of the last ones. So a slow peer holds up whoever makes the body, and nothing piles up in between.
///
/// On the Context's thread. Belongs to itself: the Response that carries it, and whoever sends that, tells it once when
/// it is of no use any more.
class BodySource {
public:
  /// The next chunk, which stays valid until the next call of either function. After `pending` it is asked again when
  /// `ready` was enqueued on `context` and has run, or dropped; after `end` or `failed`, only dropped. What `failed`
  /// means is known to the source; the transport breaks the reply off, so that the peer can tell. The Context is the
  /// same in all calls, and outlives the source.
  virtual Pulled pull(Context& context, std::string_view& chunk, Work& ready) noexcept = 0;
  /// Nothing more will be asked: all was pulled, the peer is gone, or nobody wants it; perhaps before the first pull.
  /// Once, and at last: the source may be gone. A `ready` that it has been given and not enqueued yet is not enqueued
  /// any more; one that has been may still run, so that whoever pulls uses a Pulling. Not while `pull` runs.
  virtual void drop() noexcept = 0;
  /// All bytes together, if that is known before the first pull. A body that then comes to another size is broken off.
  virtual std::optional<std::uint64_t> size() const noexcept { return std::nullopt; }
  /// What all pulls would give, bytes of a regular file: for a transport that can have the kernel send them. Then
  /// `size` is theirs. Before the first pull; the transport then pulls nothing, or all. The descriptor is the source's,
  /// open until it is dropped.
  virtual FileStretch stretch() const noexcept { return {}; }

protected:
  ~BodySource() = default;
};

/// Ends a BodySource: the deleter of BodySourcePtr.
struct DropBody {
  /// Never of null.
  void operator()(BodySource* source) const noexcept { source->drop(); }
};
/// A source that is dropped with its holder, unless it was handed on.
using BodySourcePtr = std::unique_ptr<BodySource, DropBody>;

}  // namespace umbel
