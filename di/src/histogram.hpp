// SPDX-License-Identifier: MIT
#pragma once
// Durations, counted in buckets whose width grows with them.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "umbel/core/context.hpp"

namespace umbel::detail {

/// Nanoseconds below 8 have a bucket each; above, every power of two has 8. From 2^40, 18 minutes, on it is the last.
class Histogram {
public:
  void add(Duration duration) noexcept {
    ++buckets_[bucket_of(duration)];
    ++count_;
  }
  void add(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < size; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
  }

  /// The middle of the bucket that has the smallest duration which at least that share does not exceed. Zero of none.
  Duration quantile(double share) const noexcept {
    if (count_ == 0) return Duration::zero();
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * double(count_))));
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    while ((seen += buckets_[bucket]) < rank) ++bucket;
    return middle_of(bucket);
  }

private:
  static constexpr std::size_t largest_power = 40;
  static constexpr std::size_t size = (largest_power - 2) * 8;

  static std::size_t bucket_of(Duration duration) noexcept {
    const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
    if (value < 8) return static_cast<std::size_t>(value);
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - 4;  // To 8..15.
    return std::min(size - 1, shift * 8 + static_cast<std::size_t>(value >> shift));
  }
  static Duration middle_of(std::size_t bucket) noexcept {
    if (bucket < 16) return std::chrono::nanoseconds{bucket};
    const std::size_t shift = bucket / 8 - 1;
    const std::uint64_t first = (8 + std::uint64_t{bucket % 8}) << shift;
    return std::chrono::nanoseconds{first + ((std::uint64_t{1} << shift) / 2)};
  }

  std::array<std::uint64_t, size> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace umbel::detail
