// SPDX-License-Identifier: MIT
#pragma once
// From a callable to a NodeInfo: the code that runs one node, generated from its signature.

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/di/names.hpp"
#include "umbel/di/resolver.hpp"
#include "umbel/di/signature.hpp"
#include "umbel/json/fixed_string.hpp"

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
// culprit and ends with the user's own line. What a check asserts is a claim about its culprits, a variable template:
// g++ prints it with its arguments in the first note, clang in the error itself.

template <class P, class Where>
inline constexpr bool is_taken_by_value = !Parameter<std::remove_cvref_t<P>>;
template <class P, class Where>
inline constexpr bool is_taken_by_const_reference = !Parameter<const std::remove_cvref_t<P>&>;
template <class P, class Where>
inline constexpr bool is_taken_by_reference = !Parameter<std::remove_cvref_t<P>&>;
/// What a client could send. T may be incomplete.
template <class T>
inline constexpr bool may_be_sent = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <>
inline constexpr bool may_be_sent<std::string> = true;
template <>
inline constexpr bool may_be_sent<std::string_view> = true;
template <>
inline constexpr bool may_be_sent<const char*> = true;
template <class T>
inline constexpr bool may_be_sent<std::optional<T>> = may_be_sent<T>;
template <class T>
inline constexpr bool may_be_sent<std::vector<T>> = may_be_sent<T>;

/// False of what is no parameter at all, and T by itself.
template <class T>
concept AnyParameter = Parameter<T> || Parameter<const T&> || Parameter<T&>;
template <class P, class Where>
inline constexpr bool has_a_place_in_the_request =
    AnyParameter<std::remove_cvref_t<P>> || !may_be_sent<std::remove_cvref_t<P>>;
template <class P, class Where>
inline constexpr bool is_provided = AnyParameter<std::remove_cvref_t<P>> || may_be_sent<std::remove_cvref_t<P>>;

/// Of a parameter that is none.
template <class P, class Where>
struct CheckParameter {
  static_assert(is_taken_by_value<P, Where>, "umbel: a node takes this parameter by value: write it without the `&`");
  static_assert(is_taken_by_const_reference<P, Where>,
                "umbel: a node takes this parameter by const reference: write `const Request&`");
  static_assert(is_taken_by_reference<P, Where>,
                "umbel: a node takes this parameter by reference: write `ResponseHead&`, `Background&`");
  static_assert(
      has_a_place_in_the_request<P, Where>,
      "umbel: this node takes a parameter that nothing provides. What the client sends has a place and a name: write "
      "Path<\"name\", T>, Query<\"name\", T>, Header<\"name\", T>, Cookie<\"name\", T> or Body<>, and `*` for the "
      "value. "
      "To pass what another function returns, write Depends<that_function>");
  static_assert(
      is_provided<P, Where>,
      "umbel: this node takes a parameter that nothing provides. To pass what another function returns, write "
      "Depends<that_function>; what app.state(...) was given, State<T>; the request's body, Body<>. A node may take "
      "Depends<f>, Exclusive<f>, Guard<f>, Lazy<f>, Try<f>, After<f>, State<T>, Path<\"name\", T>, Query<\"name\", T>, "
      "Header<\"name\", T>, Cookie<\"name\", T>, Body<>, Scopes, Deadline, Peer and StopToken, each by value, and "
      "const "
      "Request&, ResponseHead&, Background& and BodyStream&; lazy.hpp, try.hpp, scopes.hpp, deadline.hpp, peer.hpp, "
      "response_head.hpp, background.hpp and body_stream.hpp have those that app.hpp has not");
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

template <class F, class Where>
inline constexpr bool has_one_signature = HasOneCallOperator<F> || !std::is_class_v<F>;
template <class F, class Where>
inline constexpr bool is_called_as_const = !HasOneCallOperator<F>;
template <class F, class Where>
inline constexpr bool can_be_called = std::is_class_v<F>;
template <class R, class Where>
inline constexpr bool is_returned_by_value = !std::is_reference_v<R>;

/// What a callable takes and makes, and whether a node can be made of it.
template <class F, class Where, bool pass = HasSignature<F>>
struct CheckCallable {
  static_assert(has_one_signature<F, Where>,
                "umbel: a provider or handler is a function, or an object with one call operator that is no template: "
                "write out its parameter types, since they say what it needs");
  static_assert(
      is_called_as_const<F, Where>,
      "umbel: the call operator of a provider or handler must be const, since requests share it: drop `mutable`");
  static_assert(
      can_be_called<F, Where>,
      "umbel: a provider or handler must be something that can be called: a function, or a lambda with a name");
  using Result = void;
  using Parameters = TypeList<>;
  static constexpr bool ok = false;
};
template <class F, class Where>
struct CheckCallable<F, Where, true> {
  using Result = std::remove_reference_t<typename Signature<F>::Result>;
  using Parameters = typename Signature<F>::Parameters;
  static_assert(
      is_returned_by_value<typename Signature<F>::Result, Where>,
      "umbel: a node returns its value, which the request then owns: return a pointer in place of a reference");
  static_assert(CheckParameters<Parameters, Where>::value);
  static constexpr bool ok = std::is_same_v<Result, typename Signature<F>::Result> && are_parameters(Parameters{});
};

template <auto& provider>
inline constexpr bool is_const = std::is_function_v<std::remove_reference_t<decltype(provider)>> ||
                                 std::is_const_v<std::remove_reference_t<decltype(provider)>>;
template <auto& provider, class R>
inline constexpr bool makes_a_value = !Returned<R>::is_stream;

template <auto& provider>
struct CheckProvider : CheckCallable<std::remove_cvref_t<decltype(provider)>, ProviderNamed<provider>> {
  static_assert(is_const<provider>,
                "umbel: a provider object must be const: declare it `inline constexpr`; what a lambda would capture it "
                "takes as a parameter, State<T>");
  static_assert(
      makes_a_value<provider, typename CheckProvider::Result>,
      "umbel: a Stream is a reply, and nothing that another node could take: make it the handler, or the body "
      "of the handler's Response: Response::stream(\"text/csv\", rows())");
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

/// Where a slot's value is, if the slot is not the value.
template <class T>
const void* view_result(void* slot) noexcept {
  return std::addressof(**static_cast<Result<T>*>(slot));
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

/// Fills `error` with what a catch block holds now.
[[gnu::cold]] Status failed_with_current(ErrorBox& error) noexcept;
[[gnu::cold]] Status failed_with(std::exception_ptr& thrown, ErrorBox& error) noexcept;
/// A resource that did not keep to one co_yield.
[[gnu::cold]] Status failed_to_yield(std::string_view name, ErrorBox& error) noexcept;
[[gnu::cold]] Status failed_with_a_second_yield(std::string_view name, ErrorBox& error) noexcept;

/// The code of a node that is a resource: both its halves.
template <class Call, class R, class... P>
struct ResourceCode {
  using Handle = typename R::Handle;
  static constexpr bool waits = !Returned<R>::is_sync_resource;

  template <std::size_t... I>
  static Status run(Resolver& resolver, const Step& step, ErrorBox& error, std::index_sequence<I...>) {
    auto& kept = *::new (resolver.at(step.record)) ResourceRun;
    if constexpr (waits) ::new (resolver.at(step.env)) NodeRun;
    const auto handle = Call::call(step.callable, ParameterTraits<P>::get(resolver, step, step.inputs[I])...).release();
    kept.coroutine = handle.address();
    enter(resolver, step, handle);
    handle.resume();
    if (handle.promise().phase != ResourcePhase::setting_up || handle.done())
      return settle(handle.address(), resolver.at(step.slot), error, step);
    wait(resolver, step, handle, settle_late);
    return Status::pending;
  }

  static Status tear_down(Resolver& resolver, const Step& step, const Outcome& outcome, ErrorBox& error) noexcept {
    const auto handle = Handle::from_address(static_cast<ResourceRun*>(resolver.at(step.record))->coroutine);
    auto& promise = handle.promise();
    promise.outcome = &outcome;
    promise.continuation = Continuation{};
    if constexpr (waits) {  // A stop that was asked of the set-up is not meant for the tear-down.
      Env& env = static_cast<NodeRun*>(resolver.at(step.env))->env;
      env.~Env();
      ::new (&env) Env{};
    }
    enter(resolver, step, handle);
    handle.resume();
    if (handle.done() || promise.phase == ResourcePhase::yielded_twice)
      return settle_torn_down(handle.address(), nullptr, error, step);
    wait(resolver, step, handle, settle_torn_down);
    return Status::pending;
  }

private:
  static void enter([[maybe_unused]] Resolver& resolver, [[maybe_unused]] const Step& step, Handle handle) noexcept {
    handle.promise().env = nullptr;
    if constexpr (waits) {
      Env& env = static_cast<NodeRun*>(resolver.at(step.env))->env;
      env.context = &resolver.context();
      handle.promise().env = &env;
    }
  }

  static void wait(Resolver& resolver, const Step& step, Handle handle, NodeRun::Late::Settle settle) noexcept {
    auto& late = static_cast<NodeRun*>(resolver.at(step.env))->late;
    handle.promise().continuation.set(static_cast<Ending&>(late));
    late.settle = settle;
    late.coroutine = handle.address();
  }

  static Status settle(void* coroutine, void* slot, ErrorBox& error, const Step& step) noexcept {
    const auto handle = Handle::from_address(coroutine);
    auto& promise = handle.promise();
    if (promise.phase == ResourcePhase::yielded) [[likely]] {
      if constexpr (!Returned<R>::is_result) {
        *static_cast<const void**>(slot) = promise.value;
        return Status::done;
      } else if (promise.value->ok()) {
        *static_cast<const void**>(slot) = std::addressof(**promise.value);
        return Status::done;
      } else {
        error = std::make_unique<Error>(std::move(*promise.value).error());
      }
    } else if (promise.thrown) {
      failed_with(promise.thrown, error);
    } else {
      failed_to_yield(step.info->name, error);
    }
    handle.destroy();
    return Status::failed;
  }
  static Status settle_late(void* coroutine, void* slot, ErrorBox& error, const Step& step) noexcept {
    return settle(coroutine, slot, error, step);
  }

  static Status settle_torn_down(void* coroutine, void*, ErrorBox& error, const Step& step) noexcept {
    const auto handle = Handle::from_address(coroutine);
    auto& promise = handle.promise();
    Status status = Status::done;
    if (promise.phase == ResourcePhase::yielded_twice) status = failed_with_a_second_yield(step.info->name, error);
    else if (promise.thrown) [[unlikely]] status = failed_with(promise.thrown, error);
    handle.destroy();
    return status;
  }
};

template <class Call, class R, class List>
struct NodeCode;

template <class Call, class R, class... P>
struct NodeCode<Call, R, TypeList<P...>> {
  using Slot = typename Returned<R>::Slot;

  static Status run(Resolver& resolver, const Step& step, ErrorBox& error) noexcept {
    return run_with(resolver, step, error, std::index_sequence_for<P...>{});
  }

  /// Ends a coroutine that has finished; of a stream, looks how it has begun.
  static Status settle(void* coroutine, void* slot, ErrorBox& error, const Step&) noexcept {
    if constexpr (Returned<R>::is_stream) {
      auto& stream = *static_cast<StreamRun*>(slot);
      if (!stream.thrown()) return Status::done;
      failed_with(stream.thrown(), error);
      std::destroy_at(&stream);
      return Status::failed;
    }
    if constexpr (Returned<R>::is_coroutine) {
      const auto handle = R::Handle::from_address(coroutine);
      if (handle.promise().thrown) [[unlikely]] {
        failed_with(handle.promise().thrown, error);
        handle.destroy();
        return Status::failed;
      }
      handle.destroy();
    }
    return check_slot<R>(slot, error);
  }

  static constexpr auto tear_down() {
    Status (*function)(Resolver&, const Step&, const Outcome&, ErrorBox&) noexcept = nullptr;
    if constexpr (Returned<R>::is_resource) function = &ResourceCode<Call, R, P...>::tear_down;
    return function;
  }

  static constexpr auto view() {
    const void* (*function)(void*) noexcept = nullptr;
    if constexpr (Returned<R>::is_result && !Returned<R>::is_resource && !std::is_void_v<typename Returned<R>::Value>)
      function = &view_result<typename Returned<R>::Value>;
    return function;
  }

private:
  template <std::size_t... I>
  static Status run_with(Resolver& resolver, const Step& step, ErrorBox& error,
                         std::index_sequence<I...> all) noexcept {
    try {
      if constexpr (Returned<R>::is_resource) {
        return ResourceCode<Call, R, P...>::run(resolver, step, error, all);
      } else if constexpr (Returned<R>::is_coroutine) {
        auto& node = *::new (resolver.at(step.env)) NodeRun;
        node.env.context = &resolver.context();
        const auto handle =
            Call::call(step.callable, ParameterTraits<P>::get(resolver, step, step.inputs[I])...).release();
        auto& promise = handle.promise();
        promise.env = &node.env;
        promise.out = resolver.at(step.slot);
        handle.resume();
        if (handle.done()) return settle(handle.address(), resolver.at(step.slot), error, step);
        promise.continuation.set(static_cast<Ending&>(node.late));
        node.late.settle = settle;
        node.late.coroutine = handle.address();
        return Status::pending;
      } else if constexpr (Returned<R>::is_stream) {
        auto& node = *::new (resolver.at(step.env)) NodeRun;
        node.env.context = &resolver.context();
        auto& stream = *::new (resolver.at(step.slot)) StreamRun{
            Call::call(step.callable, ParameterTraits<P>::get(resolver, step, step.inputs[I])...).release(), node.env};
        if (stream.resume(node.late)) return settle(nullptr, &stream, error, step);
        node.late.settle = settle;
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
  using R = Returned<typename Signature<F>::Result>;
  if constexpr (SaysItsKind<F>) return F::umbel_node_kind;
  else if constexpr (R::is_sync_resource) return NodeKind::sync_resource;
  else if constexpr (R::is_resource) return NodeKind::resource;
  else return R::is_coroutine || R::is_stream ? NodeKind::coroutine : NodeKind::plain;
}

constexpr bool comes_with_the_request(Source source) noexcept {
  return source != Source::node && source != Source::state && source != Source::stop_token;
}

/// What a node's needs mean for those who take the node.
constexpr void add_needs(NodeInfo& info) {
  for (std::size_t i = 0; i < info.need_count; ++i) {
    const Need& need = info.needs[i];
    info.takes_body |= need.source == Source::body || need.source == Source::body_stream;
    info.takes_request |= comes_with_the_request(need.source);
    info.reads_scopes |= need.source == Source::scopes;
    if (need.source != Source::node) continue;
    const NodeInfo& node = *need.node;
    info.takes_body |= node.takes_body;
    info.takes_request |= node.takes_request && !node.is_shared();
    info.reads_scopes |= node.reads_scopes;
    // Through a resource we do not look: it has been held against what it uses itself.
    const bool ends = node.is_resource() || node.is_shared();
    const Lifetime life = ends ? lifetime_of(need) : node.shortest.lifetime;
    if (life < info.shortest.lifetime) info.shortest = {life, &need};
  }
}

template <class Call>
constexpr NodeInfo make_node(std::string_view name, const NodeInfo* wraps, ProviderOptions options = {}) {
  using F = typename Call::Function;
  NodeInfo info{};
  info.options = options;
  if constexpr (Call::Check::ok) {
    using R = typename Signature<F>::Result;
    using List = typename Signature<F>::Parameters;
    using Slot = typename Returned<R>::Slot;
    using Needs = NeedsOf<List, typename Call::Where>;
    using Paths = PathsOf<Needs>;
    using Code = NodeCode<Call, R, List>;
    info.name = name;
    info.kind = kind_of<F>();
    info.needs = Needs::all;
    info.need_count = Needs::count;
    info.paths = Paths::all.paths;
    info.path_count = Paths::all.count;
    info.align = 1;
    info.run = &Code::run;
    info.tear_down = Code::tear_down();
    info.view = Code::view();
    info.is_pointer = Returned<R>::is_resource;
    info.wraps = wraps;
    if constexpr (requires { F::umbel_security; }) info.security = &F::umbel_security;
    if constexpr (!std::is_void_v<Slot>) {
      static_assert(alignof(Slot) <= BlockPool::granule,
                    "umbel: a node's value is aligned to 64 at the most: return a std::unique_ptr to it");
      info.size = sizeof(Slot);
      info.align = alignof(Slot);
      if constexpr (!std::is_trivially_destructible_v<Slot>) info.destroy = &destroy_slot<Slot>;
    }
    add_needs(info);
  }
  return info;
}

template <class F>
concept WrapsProvider = requires { F::umbel_wrapped(); };
template <class F>
concept HasOptions = requires(const F& f) {
  { f.umbel_options() } -> std::same_as<ProviderOptions>;
};

template <auto& provider>
struct ProviderNode {
  using F = std::remove_cvref_t<decltype(provider)>;
  static constexpr ProviderOptions options() {
    if constexpr (HasOptions<F>) return provider.umbel_options();
    else return {};
  }
  static constexpr NodeInfo make() {
    if constexpr (HasOptions<F>)  // A name of its own: it is another provider than what it wraps.
      return make_node<CallProvider<provider>>(object_name<provider>, F::umbel_wrapped(), options());
    else if constexpr (WrapsProvider<F>)
      return make_node<CallProvider<provider>>(F::umbel_wrapped()->name, F::umbel_wrapped(), options());
    else return make_node<CallProvider<provider>>(object_name<provider>, nullptr);
  }
  static constexpr NodeInfo info = make();
};

/// The one NodeInfo of a provider: its address is the provider's identity.
template <auto& provider>
inline constexpr const NodeInfo* node_of = &ProviderNode<provider>::info;

/// How long the edge's resource lives.
template <auto& provider>
constexpr Lifetime life_on_edge(Lifetime said) {
  Need need{Source::node};
  need.node = node_of<provider>;
  need.lifetime = said;
  return lifetime_of(need);
}

constexpr std::string_view to_string(Lifetime lifetime) noexcept {
  switch (lifetime) {
    case Lifetime::last_use:
      return "last_use";
    case Lifetime::request:
      return "request";
    case Lifetime::loop:
      return "loop";
    case Lifetime::app:
      return "app";
    default:
      return "handler";
  }
}

/// One name on the way from a resource to the one that it outlives.
template <std::size_t N>
struct LifeStep {
  char text[N]{};
};

/// From a resource to the one that it outlives, in words: what the compiler's message shows. In pieces, since clang
/// cuts long texts short.
template <auto& provider, Lifetime lifetime>
struct LifePath {
  struct Words {
    char text[80]{};
    std::size_t size = 0;
    constexpr void add(std::string_view part) {
      for (const char c : part) {
        if (size + 1 < sizeof text) text[size++] = c;
      }
    }
    constexpr void add(Lifetime life) {
      add(" (");
      add(to_string(life));
      add(")");
    }
  };
  static constexpr bool ends_at(const Need& via) { return via.node->is_resource() || via.node->is_shared(); }
  static constexpr const Need* next(const Need& via) { return ends_at(via) ? nullptr : via.node->shortest.via; }
  static constexpr std::size_t count() {
    std::size_t count = 1;
    for (const Need* via = node_of<provider>->shortest.via; via; via = next(*via)) ++count;
    return count;
  }
  static constexpr Words piece(std::size_t index) {
    Words words;
    if (index == 0) {
      words.add(node_of<provider>->name);
      words.add(lifetime);
      return words;
    }
    const Need* via = node_of<provider>->shortest.via;
    while (--index > 0) via = next(*via);
    words.add("-> ");
    words.add(via->node->name);
    if (ends_at(*via)) words.add(lifetime_of(*via));
    return words;
  }
  template <std::size_t index>
  static constexpr auto fit() {
    constexpr Words words = piece(index);
    LifeStep<words.size + 1> fitted;
    for (std::size_t i = 0; i < words.size; ++i) fitted.text[i] = words.text[i];
    return fitted;
  }
};

template <LifeStep... path>
inline constexpr bool ends_before_what_it_uses = false;
template <LifeStep... path>
struct ThePath {
  static_assert(
      ends_before_what_it_uses<path...>,
      "umbel: this resource outlives what it uses (the message shows the path). Give it a shorter Lifetime, or "
      "what it uses a longer one: Depends<f, Lifetime::request>, provider<f>.lifetime(Lifetime::request)");
  static constexpr bool value = true;
};
template <class Path, std::size_t... index>
constexpr bool show_path(std::index_sequence<index...>) {
  return ThePath<Path::template fit<index>()...>::value;
}

/// What is wrong with naming this provider here.
template <auto& provider, Take take, Lifetime said, class Where>
struct CheckEdge {
  static constexpr const NodeInfo& node = *node_of<provider>;
  static constexpr Lifetime lifetime = life_on_edge<provider>(said);
  static constexpr bool has_life = node.is_resource() || node.is_shared();
  static constexpr bool check_life() {
    using Path = LifePath<provider, lifetime>;
    if constexpr (has_life && node.shortest.lifetime < lifetime)
      return show_path<Path>(std::make_index_sequence<Path::count()>{});
    else return true;
  }
  static_assert(check_life());
  static_assert(
      take != Take::guard || !node.takes_body,
      "umbel: a guard, or what it depends on, takes the body, which is read only when all guards have passed: "
      "take the provider by Depends");
  static_assert(said < Lifetime::loop,
                "umbel: `app` and `loop` belong to the provider, not to one who takes it: "
                "inline constexpr auto db = provider<open_db>.lifetime(Lifetime::app);");
  static_assert(!node.is_shared() || !node.takes_request,
                "umbel: what lives as long as the App or its Context is made before any request: it cannot take "
                "parameters of a request, nor depend on what does");
  static constexpr bool value = true;
};

/// Makes a parameter that each node has one of.
template <class T>
bool make_own(Resolver&, std::uint32_t, void* slot) {
  ::new (slot) T;
  return true;
}

/// A parameter that is taken by reference, and is its node's own.
template <class T, Source own_source, FixedString title>
struct OwnTraits {
  static constexpr Source source = own_source;
  static constexpr ValueInfo info{source, {}, title.view(), sizeof(T), alignof(T), make_own<T>, destroy_slot<T>};
  template <class Where>
  static constexpr Need need() {
    Need need{source};
    need.value = &info;
    return need;
  }
  static T& get(Resolver& resolver, const Step&, Input input) noexcept {
    return *static_cast<T*>(resolver.at(input.at.offset));
  }
};

template <auto& provider>
using ProviderResult = typename CheckProvider<provider>::Result;

}  // namespace detail

/// What dependents of a provider see: T for `T f()`, `Task<T> f()`, `Result<T> f()` and `Task<Result<T>> f()`.
template <auto& provider>
using Made = typename detail::Returned<detail::ProviderResult<provider>>::Value;

}  // namespace umbel
