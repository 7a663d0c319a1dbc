// SPDX-License-Identifier: MIT
#pragma once
// Providers that clean up after the request: a coroutine with one co_yield.

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "umbel/core/outcome.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

template <class T>
class Resource;
template <class T>
class SyncResource;

namespace detail {

/// Words of the compiler's message.
struct write_co_yield_of_a_named_object_in_place_of_return {};

enum class ResourcePhase : std::uint8_t { setting_up, yielded, yielded_twice };

/// Hands the value out and waits for the outcome.
template <class Promise>
class YieldAwaiter {
public:
  explicit YieldAwaiter(Promise& promise) noexcept : promise_(promise) {}
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return promise_.continuation.next(); }
  const Outcome& await_resume() const noexcept { return *promise_.outcome; }

private:
  Promise& promise_;
};

template <class T>
struct ResourcePromiseBase : TaskPromiseBase {
  using Yielded = T;

  const Outcome* outcome = nullptr;  // Set before it is resumed to tear down.
  T* value = nullptr;                // What was yielded.
  ResourcePhase phase = ResourcePhase::setting_up;

  void return_void() const noexcept {}

  template <class U>
  auto yield_value(U&& yielded) noexcept {
    static_assert(std::is_lvalue_reference_v<U>,
                  "umbel: co_yield takes an object with a name, which stays in the coroutine while the request uses "
                  "it: write `Session session = ...; co_yield session;`");
    using Given = std::remove_reference_t<U>;
    static_assert(
        std::is_convertible_v<Given*, T*>,
        "umbel: what is yielded is not the T of this Resource<T>, which is handed out by reference: yield a T, "
        "or what is derived from it");
    if constexpr (std::is_lvalue_reference_v<U> && std::is_convertible_v<Given*, T*>) value = std::addressof(yielded);
    phase = phase == ResourcePhase::setting_up ? ResourcePhase::yielded : ResourcePhase::yielded_twice;
    return YieldAwaiter<ResourcePromiseBase>{*this};
  }
};

template <class T>
struct ResourcePromise : ResourcePromiseBase<T> {
  Resource<T> get_return_object() noexcept;
};

template <class T>
struct SyncResourcePromise : ResourcePromiseBase<T> {
  SyncResource<T> get_return_object() noexcept;
  template <class A>
  std::suspend_never await_transform(A&&) {
    static_assert(!sizeof(A*),
                  "umbel: a SyncResource runs on a worker, where nothing can be awaited: make it a Resource, which "
                  "runs on the loop, or call something that blocks");
    return {};
  }
};

}  // namespace detail

/// A provider that is awaited on the loop, hands out an object, and goes on when the request is done with it.
///
///     Resource<Session> open_session(State<Pool> pool) {
///       Session session = co_await pool->connect();
///       const Outcome& outcome = co_yield session;   // lives here while the request uses it
///       if (outcome.ok()) co_await session.commit();
///       else co_await session.rollback();
///     }
///
/// `co_yield` stands there once, takes an object with a name, and gives the outcome of the request. What follows it
/// always runs, after everything that takes the resource is done, in reverse order of making. It is not cancelled, but
/// has a time limit of its own (App::tear_down_limit). It cannot swallow an error; `throw Replace{...}` puts another
/// in its place. Of a `Resource<Result<T>>` that yields an error, the set-up has failed: destructors run, and nothing
/// that stands after the `co_yield`.
template <class T>
class [[nodiscard]] Resource : public detail::CoroutineHolder<detail::ResourcePromise<T>> {
public:
  static_assert(!std::is_reference_v<T> && !std::is_void_v<T>,
                "umbel: a Resource<T> hands out an object: T is no reference and not void");
  using Value = T;
  using detail::CoroutineHolder<detail::ResourcePromise<T>>::CoroutineHolder;
  /// `return` where a resource says `co_yield`.
  template <class U, class Remedy = detail::write_co_yield_of_a_named_object_in_place_of_return>
    requires(!std::is_same_v<std::remove_cvref_t<U>, Resource> && std::is_convertible_v<U &&, T>)
  Resource(U&&) = delete;
};

/// The same for code that blocks: both halves run on the work queue, perhaps on different threads, and nothing can be
/// awaited.
///
///     SyncResource<Connection> open_database(State<Path> path) {
///       Connection connection{*path};
///       co_yield connection;
///     }
template <class T>
class [[nodiscard]] SyncResource : public detail::CoroutineHolder<detail::SyncResourcePromise<T>> {
public:
  static_assert(!std::is_reference_v<T> && !std::is_void_v<T>,
                "umbel: a SyncResource<T> hands out an object: T is no reference and not void");
  using Value = T;
  using detail::CoroutineHolder<detail::SyncResourcePromise<T>>::CoroutineHolder;
  /// `return` where a resource says `co_yield`.
  template <class U, class Remedy = detail::write_co_yield_of_a_named_object_in_place_of_return>
    requires(!std::is_same_v<std::remove_cvref_t<U>, SyncResource> && std::is_convertible_v<U &&, T>)
  SyncResource(U&&) = delete;
};

namespace detail {

template <class T>
Resource<T> ResourcePromise<T>::get_return_object() noexcept {
  return Resource<T>{std::coroutine_handle<ResourcePromise>::from_promise(*this)};
}
template <class T>
SyncResource<T> SyncResourcePromise<T>::get_return_object() noexcept {
  return SyncResource<T>{std::coroutine_handle<SyncResourcePromise>::from_promise(*this)};
}

}  // namespace detail
}  // namespace umbel
