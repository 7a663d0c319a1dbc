// SPDX-License-Identifier: MIT
#include "umbel/di/provider.hpp"

#include <stdexcept>
#include <string>

namespace umbel::detail {

Status failed_with_current(ErrorBox& error) noexcept {
  try {
    throw;
  } catch (const ValidationError&) {  // Of an Engine::call inside the node: kept whole, with its items.
    error = std::make_unique<Error>(std::current_exception());
  } catch (...) {
    error = std::make_unique<Error>(Error::current());
  }
  return Status::failed;
}

Status failed_with(std::exception_ptr& thrown, ErrorBox& error) noexcept {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (...) {
    return failed_with_current(error);
  }
}

Status failed_to_yield(std::string_view name, ErrorBox& error) noexcept {
  error = std::make_unique<Error>(std::make_exception_ptr(
      std::logic_error{"umbel: the resource " + std::string{name} + " ended without a co_yield"}));
  return Status::failed;
}

Status failed_with_a_second_yield(std::string_view name, ErrorBox& error) noexcept {
  error = std::make_unique<Error>(
      std::make_exception_ptr(std::logic_error{"umbel: the resource " + std::string{name} + " has a second co_yield"}));
  return Status::failed;
}

}  // namespace umbel::detail
