// SPDX-License-Identifier: MIT
#pragma once
// Included before examples/hello.cpp when it is tested.

#include <cstdio>

inline void announce(int port) {
  std::printf("listening on http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
}
