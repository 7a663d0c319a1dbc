// SPDX-License-Identifier: MIT
#include "umbel/testing/faults.hpp"

#include <exception>
#include <string>
#include <utility>

namespace umbel::testing {

std::unique_ptr<Error> Faults::fail_instead(const NodeEvent& event) noexcept {
  if (!schedule_.node_fails()) return nullptr;
  InjectedFailure failure{"injected in place of " + std::string{event.node}};
  return std::make_unique<Error>(std::make_exception_ptr(std::move(failure)));
}

}  // namespace umbel::testing
