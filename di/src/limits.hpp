// SPDX-License-Identifier: MIT
#pragma once
// What all requests of an App have only so much of: lanes of the work queue, and resources with a capacity.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/lane.hpp"
#include "umbel/core/semaphore.hpp"
#include "umbel/di/node.hpp"

namespace umbel::detail {

class Limits {
public:
  /// False if there is one of that name.
  bool add_lane(std::string_view name, LaneOptions options) {
    if (lane(name)) return false;
    lanes_.push_back({std::string{name}, std::make_unique<Lane>(options)});
    return true;
  }
  /// Null if there is none.
  Lane* lane(std::string_view name) const noexcept {
    for (const NamedLane& lane : lanes_) {
      if (lane.name == name) return lane.lane.get();
    }
    return nullptr;
  }

  /// Permits of a provider with a capacity, numbered in the order in which every request takes them.
  std::size_t number_of(const NodeInfo& node) {
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      if (pools_[i].node == &node) return i;
    }
    pools_.push_back({&node, std::make_unique<Semaphore>(node.options.capacity)});
    return pools_.size() - 1;
  }
  Semaphore& permits(std::size_t number) const noexcept { return *pools_[number].permits; }

private:
  struct NamedLane {
    std::string name;
    std::unique_ptr<Lane> lane;
  };
  struct Pool {
    const NodeInfo* node;
    std::unique_ptr<Semaphore> permits;
  };

  std::vector<NamedLane> lanes_;
  std::vector<Pool> pools_;
};

}  // namespace umbel::detail
