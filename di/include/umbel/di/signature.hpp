// SPDX-License-Identifier: MIT
#pragma once
// What a callable takes and gives: functions, function pointers, lambdas, functors, `noexcept` or not.

#include <type_traits>

#include "umbel/core/error.hpp"
#include "umbel/core/event_stream.hpp"
#include "umbel/core/stream.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/resource.hpp"

namespace umbel::detail {

template <class... P>
struct TypeList {};

template <class R, class... P>
struct SignatureOf {
  using Result = R;
  using Parameters = TypeList<P...>;
};

/// Empty for what has no single signature: overloaded and generic call operators, things that cannot be called.
template <class F>
struct Signature {};

template <class R, class... P>
struct Signature<R(P...)> : SignatureOf<R, P...> {};
template <class R, class... P>
struct Signature<R(P...) noexcept> : SignatureOf<R, P...> {};
template <class R, class... P>
struct Signature<R (*)(P...)> : SignatureOf<R, P...> {};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : SignatureOf<R, P...> {};

/// Call operators that may be used on a const object, as a shared provider or handler must be.
template <class M>
struct CallOperator {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const> : SignatureOf<R, P...> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const noexcept> : SignatureOf<R, P...> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const&> : SignatureOf<R, P...> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const & noexcept> : SignatureOf<R, P...> {};

template <class F>
  requires requires { &F::operator(); }
struct Signature<F> : CallOperator<decltype(&F::operator())> {};

template <class F>
concept HasSignature = requires { typename Signature<F>::Result; };
template <class F>
concept HasOneCallOperator = requires { &F::operator(); };

/// What a node's return type means.
template <class R>
struct Returned {
  static constexpr bool is_coroutine = false;
  static constexpr bool is_result = false;
  static constexpr bool is_resource = false;
  static constexpr bool is_sync_resource = false;
  static constexpr bool is_stream = false;
  using Slot = R;   // What lies in the request's memory.
  using Value = R;  // What dependents see.
};
template <class T>
struct Returned<Result<T>> : Returned<T> {
  static constexpr bool is_result = true;
  using Slot = Result<T>;
};
template <class T>
struct Returned<Task<T>> : Returned<T> {
  static constexpr bool is_coroutine = true;
};
template <class T>
struct Returned<Resource<T>> : Returned<T> {
  static constexpr bool is_resource = true;
  using Slot = const void*;  // Where the value is, in the coroutine.
};
template <>
struct Returned<Stream> : Returned<int> {
  static constexpr bool is_stream = true;
  using Slot = StreamRun;
  using Value = Stream;
};
template <>
struct Returned<EventStream> : Returned<Stream> {
  using Value = EventStream;
};
template <class T>
struct Returned<SyncResource<T>> : Returned<Resource<T>> {
  static constexpr bool is_sync_resource = true;
};

}  // namespace umbel::detail
