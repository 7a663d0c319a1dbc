// SPDX-License-Identifier: MIT
#pragma once
// Who is at the other end.

#include <string_view>

namespace umbel {

/// What a transport has found out about its peer, beyond doubt: not what a header says. Views, valid as long as the
/// exchange that it was asked of.
struct Peer {
  std::string_view protocol;     // What keeps the connection secret: "TLSv1.3". Empty: nothing does.
  std::string_view subject;      // Of the certificate that the peer has shown and that was verified, as RFC 4514 writes
                                 // it: "CN=alice,O=Example". Empty if it has shown none.
  std::string_view certificate;  // The same certificate, in DER.
};

}  // namespace umbel
