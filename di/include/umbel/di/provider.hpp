// SPDX-License-Identifier: MIT
#pragma once
// From a callable to a NodeInfo: the code that runs one node, generated from its signature.

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "umbel/di/names.hpp"
#include "umbel/di/resolver.hpp"
#include "umbel/di/signature.hpp"

namespace umbel {

/// Specialised for every kind of parameter that a node may take. Users do not.
template <class P>
struct ParameterTraits;

/// What a node may take.
template <class P>
concept Parameter = requires { ParameterTraits<P>::source; };

namespace detail {

/// Names the node in the compiler's message.
template <auto& provider>
struct ProviderNamed {};
template <class Handler>
struct HandlerNamed {};

// The checks are instantiated where a provider or handler is named, so that what the compiler prints begins with the
// culprit and ends with the user's own line.

/// Of a parameter that is none.
template <class P, class Where>
struct CheckParameter {
  using Plain = std::remove_cvref_t<P>;
  static_assert(!Parameter<Plain>, "umbel: a node takes this parameter by value: write it without the `&`");
  static_assert(!Parameter<const Plain&>,
                "umbel: a node takes this parameter by const reference: write `const Request&`");
  static_assert(
      Parameter<Plain> || Parameter<const Plain&>,
      "umbel: this node takes a parameter that nothing provides (the message names it and the node). A node may "
      "take Depends<f>, State<T>, Path<\"name\", T>, Query<\"name\", T>, Header<\"name\", T>, "
      "Body<std::string_view> and StopToken, each by value, and const Request&. To pass what another function "
      "returns, write Depends<that_function>");
  static constexpr bool value = true;  // Told once, not again by those who ask.
};

template <class... P>
constexpr bool are_parameters(TypeList<P...>) {
  return (Parameter<P> && ... && true);
}

template <class List, class Where, bool pass = are_parameters(List{})>
struct CheckParameters : std::true_type {};
template <class... P, class Where>
struct CheckParameters<TypeList<P...>, Where, false> {
  static constexpr bool value =
      (std::conditional_t<Parameter<P>, std::true_type, CheckParameter<P, Where>>::value && ...);
};

/// What a callable takes and makes, and whether a node can be made of it.
template <class F, class Where, bool pass = HasSignature<F>>
struct CheckCallable {
  static_assert(HasOneCallOperator<F> || !std::is_class_v<F>,
                "umbel: a provider or handler is a function, or an object with one call operator that is no template: "
                "write out its parameter types, since they say what it needs");
  static_assert(
      !HasOneCallOperator<F>,
      "umbel: the call operator of a provider or handler must be const, since requests share it: drop `mutable`");
  static_assert(std::is_class_v<F>, "umbel: a provider or handler must be something that can be called");
  using Result = void;
  using Parameters = TypeList<>;
  static constexpr bool ok = false;
};
template <class F, class Where>
struct CheckCallable<F, Where, true> {
  using Result = std::remove_reference_t<typename Signature<F>::Result>;
  using Parameters = typename Signature<F>::Parameters;
  static_assert(
      std::is_same_v<Result, typename Signature<F>::Result>,
      "umbel: a node returns its value, which the request then owns: return a pointer in place of a reference");
  static_assert(CheckParameters<Parameters, Where>::value);
  static constexpr bool ok = std::is_same_v<Result, typename Signature<F>::Result> && are_parameters(Parameters{});
};

template <auto& provider>
struct CheckProvider : CheckCallable<std::remove_cvref_t<decltype(provider)>, ProviderNamed<provider>> {
  static_assert(std::is_function_v<std::remove_reference_t<decltype(provider)>> ||
                    std::is_const_v<std::remove_reference_t<decltype(provider)>>,
                "umbel: a provider object must be const: declare it `inline constexpr`");
};
template <class Handler>
using CheckHandler = CheckCallable<Handler, HandlerNamed<Handler>>;

template <class F>
concept SaysItsKind = requires { F::umbel_node_kind; };

/// How a callable is reached: providers are known to the compiler, handlers live in the App.
template <auto& provider>
struct CallProvider {
  using Function = std::remove_cvref_t<decltype(provider)>;
  using Where = ProviderNamed<provider>;
  using Check = CheckProvider<provider>;
  template <class... P>
  static decltype(auto) call(const void*, P&&... parameters) {
    return provider(std::forward<P>(parameters)...);
  }
};
template <class Handler>
struct CallHandler {
  using Function = Handler;
  using Where = HandlerNamed<Handler>;
  using Check = CheckHandler<Handler>;
  template <class... P>
  static decltype(auto) call(const void* handler, P&&... parameters) {
    return (*static_cast<const Handler*>(handler))(std::forward<P>(parameters)...);
  }
};

template <class Slot>
void destroy_slot(void* slot) noexcept {
  static_cast<Slot*>(slot)->~Slot();
}

/// A Result<T> that holds an error is a failed node.
template <class R>
Status check_slot(void* slot, ErrorBox& error) noexcept {
  if constexpr (Returned<R>::is_result) {
    auto* const result = static_cast<typename Returned<R>::Slot*>(slot);
    if (!result->ok()) [[unlikely]] {
      error = std::make_unique<Error>(std::move(*result).error());
      std::destroy_at(result);
      return Status::failed;
    }
  }
  return Status::done;
}

[[gnu::cold]] inline Status failed_with_current(ErrorBox& error) noexcept {
  try {
    throw;
  } catch (const ValidationError&) {  // Of an Engine::call inside the node: kept whole, with its items.
    error = std::make_unique<Error>(std::current_exception());
  } catch (...) {
    error = std::make_unique<Error>(Error::current());
  }
  return Status::failed;
}

template <class Call, class R, class List>
struct NodeCode;

template <class Call, class R, class... P>
struct NodeCode<Call, R, TypeList<P...>> {
  using Slot = typename Returned<R>::Slot;

  static Status run(Resolver& resolver, const Step& step, ErrorBox& error) noexcept {
    return run_with(resolver, step, error, std::index_sequence_for<P...>{});
  }

  /// Ends a coroutine that has finished.
  static Status settle(void* coroutine, void* slot, ErrorBox& error) noexcept {
    if constexpr (Returned<R>::is_coroutine) {
      const auto handle = R::Handle::from_address(coroutine);
      if (handle.promise().thrown) [[unlikely]] {
        take_thrown(handle.promise().thrown, error);
        handle.destroy();
        return Status::failed;
      }
      handle.destroy();
    }
    return check_slot<R>(slot, error);
  }

private:
  [[gnu::cold]] static void take_thrown(std::exception_ptr& thrown, ErrorBox& error) noexcept {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (...) {
      failed_with_current(error);
    }
  }

  template <std::size_t... I>
  static Status run_with(Resolver& resolver, const Step& step, ErrorBox& error, std::index_sequence<I...>) noexcept {
    try {
      if constexpr (Returned<R>::is_coroutine) {
        auto& node = *::new (resolver.at(step.env)) NodeRun;
        node.env.context = &resolver.context();
        const auto handle =
            Call::call(step.callable, ParameterTraits<P>::get(resolver, step, step.inputs[I])...).release();
        auto& promise = handle.promise();
        promise.env = &node.env;
        promise.out = resolver.at(step.slot);
        handle.resume();
        if (handle.done()) return settle(handle.address(), resolver.at(step.slot), error);
        promise.continuation.set(static_cast<Ending&>(node.late));
        node.late.settle = settle;
        node.late.coroutine = handle.address();
        return Status::pending;
      } else if constexpr (std::is_void_v<R>) {
        Call::call(step.callable, ParameterTraits<P>::get(resolver, step, step.inputs[I])...);
        return Status::done;
      } else {
        ::new (resolver.at(step.slot))
            R(Call::call(step.callable, ParameterTraits<P>::get(resolver, step, step.inputs[I])...));
        return check_slot<R>(resolver.at(step.slot), error);
      }
    } catch (...) {
      return failed_with_current(error);
    }
  }
};

template <class List, class Where>
struct NeedsOf;
template <class... P, class Where>
struct NeedsOf<TypeList<P...>, Where> {
  static constexpr std::size_t count = sizeof...(P);
  static constexpr Need all[count + 1] = {ParameterTraits<P>::template need<Where>()..., Need{}};
};

/// The path parameters of a node's whole graph, merged from those of its needs: so each provider is looked at once,
/// however often it is named.
template <class Needs>
struct PathsOf {
  static constexpr std::size_t bound() {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < Needs::count; ++i) {
      const Need& need = Needs::all[i];
      if (need.source == Source::path) ++sum;
      if (need.source == Source::node) sum += need.node->path_count;
    }
    return sum;
  }
  struct List {
    PathNeed paths[bound() + 1]{};
    std::size_t count = 0;

    constexpr void add(std::string_view name, void (*blame)()) {
      for (std::size_t i = 0; i < count; ++i) {
        if (paths[i].name == name) return;
      }
      paths[count++] = {name, blame};
    }
  };
  static constexpr List collect() {
    List list;
    for (std::size_t i = 0; i < Needs::count; ++i) {
      const Need& need = Needs::all[i];
      if (need.source == Source::path) list.add(need.value->name, need.blame);
      if (need.source != Source::node) continue;
      for (std::size_t k = 0; k < need.node->path_count; ++k)
        list.add(need.node->paths[k].name, need.node->paths[k].blame);
    }
    return list;
  }
  static constexpr List all = collect();
};

/// The kind that a callable's type decides.
template <class F>
constexpr NodeKind kind_of() {
  if constexpr (SaysItsKind<F>) return F::umbel_node_kind;
  else return Returned<typename Signature<F>::Result>::is_coroutine ? NodeKind::coroutine : NodeKind::plain;
}

template <class Call>
constexpr NodeInfo make_node(std::string_view name, const NodeInfo* wraps) {
  using F = typename Call::Function;
  NodeInfo info{};
  if constexpr (Call::Check::ok) {
    using R = typename Signature<F>::Result;
    using List = typename Signature<F>::Parameters;
    using Slot = typename Returned<R>::Slot;
    using Needs = NeedsOf<List, typename Call::Where>;
    using Paths = PathsOf<Needs>;
    info.name = name;
    info.kind = kind_of<F>();
    info.needs = Needs::all;
    info.need_count = Needs::count;
    info.paths = Paths::all.paths;
    info.path_count = Paths::all.count;
    info.align = 1;
    info.run = &NodeCode<Call, R, List>::run;
    info.wraps = wraps;
    if constexpr (!std::is_void_v<Slot>) {
      static_assert(alignof(Slot) <= BlockPool::granule,
                    "umbel: a node's value is aligned to 64 at the most: return a std::unique_ptr to it");
      info.size = sizeof(Slot);
      info.align = alignof(Slot);
      if constexpr (!std::is_trivially_destructible_v<Slot>) info.destroy = &destroy_slot<Slot>;
    }
  }
  return info;
}

template <class F>
concept WrapsProvider = requires { F::umbel_wrapped(); };

template <auto& provider>
struct ProviderNode {
  using F = std::remove_cvref_t<decltype(provider)>;
  static constexpr NodeInfo make() {
    if constexpr (WrapsProvider<F>)
      return make_node<CallProvider<provider>>(F::umbel_wrapped()->name, F::umbel_wrapped());
    else return make_node<CallProvider<provider>>(object_name<provider>, nullptr);
  }
  static constexpr NodeInfo info = make();
};

/// The one NodeInfo of a provider: its address is the provider's identity.
template <auto& provider>
inline constexpr const NodeInfo* node_of = &ProviderNode<provider>::info;

template <auto& provider>
using ProviderResult = typename CheckProvider<provider>::Result;

}  // namespace detail

/// What dependents of a provider see: T for `T f()`, `Task<T> f()`, `Result<T> f()` and `Task<Result<T>> f()`.
template <auto& provider>
using Made = typename detail::Returned<detail::ProviderResult<provider>>::Value;

}  // namespace umbel
