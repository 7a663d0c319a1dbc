// SPDX-License-Identifier: MIT
#pragma once
// What answers an exception: a function that takes it, and may take dependencies.

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "umbel/core/error.hpp"
#include "umbel/di/handler.hpp"

namespace umbel::detail {

/// The exception, in the mapper's plan.
template <class E>
class Thrown {
public:
  explicit Thrown(const E& error) noexcept : error_(&error) {}
  const E& operator*() const noexcept { return *error_; }

private:
  const E* error_;  // Kept by whoever runs the mapper.
};

template <class E, class F, class List>
struct MapperOf {
  static_assert(!std::is_same_v<F, F>,
                "umbel: app.on_error<E>(f) takes a function whose first parameter is `const E&`, and that may take "
                "dependencies after it");
};
template <class E, class F, class... P>
struct MapperOf<E, F, TypeList<const E&, P...>> {
  using Result = typename Signature<F>::Result;
  static_assert(!Returned<Result>::is_stream,
                "umbel: an error is answered by a whole reply: return a Response, not a Stream");
  Result operator()(Thrown<E> error, P... parameters) const { return f(*error, static_cast<P&&>(parameters)...); }
  F f;
};

/// Finds an E in an error; null if it holds something else. Valid as long as the error.
template <class E>
const void* find_thrown(const Error& error) noexcept {
  if (const HttpError* const http = error.http()) {
    if constexpr (std::is_base_of_v<E, HttpError>) return static_cast<const E*>(http);
    else return nullptr;
  }
  try {
    error.rethrow();
  } catch (const E& found) {  // The error keeps it alive.
    return &found;
  } catch (...) {
    return nullptr;
  }
}

/// A mapper as it was given to the App.
struct ErrorMapper {
  const void* (*find)(const Error& error) noexcept;
  HandlerBox handler;
  std::string name;
};

template <class E, class F>
ErrorMapper make_mapper(F f) {
  using Mapper = MapperOf<E, F, typename Signature<F>::Parameters>;
  return {&find_thrown<E>, HandlerBox::of<Mapper>(Mapper{std::move(f)}), std::string{type_name<E>}};
}

}  // namespace umbel::detail

template <class E>
struct umbel::ParameterTraits<umbel::detail::Thrown<E>> {
  static constexpr detail::Source source = detail::Source::thrown;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static detail::Thrown<E> get(detail::Resolver& resolver, const detail::Step&, detail::Input) noexcept {
    return detail::Thrown<E>{*static_cast<const E*>(resolver.thrown())};
  }
};
