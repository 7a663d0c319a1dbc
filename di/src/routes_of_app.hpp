// SPDX-License-Identifier: MIT
#pragma once
// What those who document an App may see of it.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "umbel/di/app.hpp"

namespace umbel::detail {

struct RoutesOfApp {
  static std::vector<PlacedRoute> placed_routes(const App& app, std::vector<std::string>& problems) {
    return app.contents().placed_routes(problems);
  }
  static void add(App& app, std::shared_ptr<StartHook> hook) { app.start_hooks_.push_back(std::move(hook)); }
};

}  // namespace umbel::detail
