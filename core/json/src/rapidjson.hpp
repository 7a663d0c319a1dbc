// SPDX-License-Identifier: MIT
#pragma once
// RapidJSON under a name of its own: a program that uses it too may have configured it differently. Hidden, since it is
// none of what a shared library shows.

#include <cstddef>

#define RAPIDJSON_NAMESPACE umbel::detail::rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN \
  namespace umbel::detail {       \
  namespace [[gnu::visibility("hidden")]] rapidjson {
#define RAPIDJSON_NAMESPACE_END \
  }                             \
  }
#define RAPIDJSON_NO_SIZETYPEDEFINE  // Its own SizeType has 32 bits.
namespace umbel::detail::rapidjson {
using SizeType = std::size_t;
}

// RapidJSON's empty stacks add to null pointers, which clang's UndefinedBehaviorSanitizer reports.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/writer.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

namespace umbel {
namespace rapidjson = detail::rapidjson;
}
