// SPDX-License-Identifier: MIT
#pragma once
// Who asks, as a parameter.

#include "umbel/core/peer.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

/// A node may take a `Peer`: what the transport has found out about who asks. All of it is empty if that is nothing.
///
///     Staff staff_member(Peer peer) {
///       if (peer.subject.empty()) throw HttpError{403, "A certificate is needed"};
///       return Staff{peer.subject};
///     }
template <>
struct ParameterTraits<Peer> {
  static constexpr detail::Source source = detail::Source::peer;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static Peer get(detail::Resolver& resolver, const detail::Step&, detail::Input) noexcept {
    const Peer* const peer = resolver.peer();
    return peer ? *peer : Peer{};
  }
};

}  // namespace umbel
