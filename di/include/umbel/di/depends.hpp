// SPDX-License-Identifier: MIT
#pragma once
// How a handler or a provider says what it needs of other providers. resolver.hpp tells how the need is met.

#include <cstddef>
#include <type_traits>
#include <utility>

#include "umbel/di/params.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

/// An option of Depends and its like: run the provider for this parameter alone. What it makes never fills the shared
/// place.
struct Uncached {};
/// `Depends<f, uncached>`.
inline constexpr Uncached uncached{};

namespace detail {
template <FixedString... names>
struct ScopesOption {
  static constexpr std::size_t count = sizeof...(names);
  static constexpr std::string_view list[count + 1] = {names.view()..., std::string_view{}};
};
template <class T>
inline constexpr bool is_scopes = false;
template <FixedString... names>
inline constexpr bool is_scopes<ScopesOption<names...>> = true;
}  // namespace detail

/// An option of Depends and its like: what the provider, and whatever it depends on, is asked to check. See Scopes.
template <FixedString... names>
inline constexpr detail::ScopesOption<names...> scopes{};

namespace detail {

template <class T, class Where>
inline constexpr bool has_a_value = false;

template <auto& provider, class T>
class DependsOn {
public:
  using Value = T;

  /// The resolver calls this. A unit test may too, to hand a handler a stand-in, which must outlive us.
  explicit constexpr DependsOn(const T& value) noexcept : value_(&value) {}
  DependsOn(const T&&) = delete;

  constexpr const T& operator*() const noexcept { return *value_; }
  constexpr const T* operator->() const noexcept { return value_; }
  constexpr operator const T&() const noexcept { return *value_; }

private:
  const T* value_;  // Never null. In the request's memory, which outlives every node.
};

template <auto& provider>
class DependsOn<provider, void> {
public:
  using Value = void;

  template <class U = void>
  void operator*() const {
    static_assert(has_a_value<U, ProviderNamed<provider>>,
                  "umbel: this provider returns void, so there is no value to use. Keep the parameter to run it "
                  "first, and drop the `*`; or let the provider return what you need");
  }
  template <class U = void>
  DependsOn* operator->() const {
    static_assert(has_a_value<U, ProviderNamed<provider>>,
                  "umbel: this provider returns void, so there is no value to use. Keep the parameter to run it "
                  "first, and drop the `->`; or let the provider return what you need");
    return nullptr;
  }
};

}  // namespace detail

/// A parameter that is filled by running `provider` first.
///
///     Session open_session(State<Pool> pool);
///     Task<Response> list_orders(Depends<open_session> session, Query<"page", int> page);
///
/// `*` and `->` give the object, and so does a conversion to `const T&`; of a provider that returns nothing there is
/// none. Parameters that name the same provider receive the same object, however far apart they stand in the graph: a
/// provider runs once per request, unless an edge says `Depends<f, uncached>`. Providers that do not need one another
/// run at the same time. The object is const, lies in the request's memory and is destroyed when the request ends, in
/// reverse order of making. If the provider fails, whoever depends on it does not run. `Depends<f, Lifetime::request>`
/// says how long a resource lives.
template <auto& provider, auto... options>
class Depends : public detail::DependsOn<provider, Made<provider>> {
public:
  using detail::DependsOn<provider, Made<provider>>::DependsOn;
};

/// Depends, for one node at a time: nothing else that takes the same provider, by Exclusive or by Depends, runs while
/// the node does. So it may change the object. They run in declaration order.
///
///     User current_user(Header<"x-token"> token, Exclusive<open_session> session);
template <auto& provider, auto... options>
class Exclusive {
public:
  using Value = Made<provider>;
  static_assert(!std::is_void_v<Value>,
                "umbel: this provider returns void, so there is nothing to take exclusively: write After<f>");
  static_assert(!detail::node_of<provider>->is_shared(),
                "umbel: what lives as long as the App or its Context is shared by requests, so no node can have it for "
                "itself: write Depends<f>, and let the object see to its own locking");

  /// The resolver calls this. A unit test may too, with an object that outlives us.
  explicit constexpr Exclusive(Value& value) noexcept : value_(&value) {}

  constexpr Value& operator*() const noexcept { return *value_; }
  constexpr Value* operator->() const noexcept { return value_; }
  constexpr operator Value&() const noexcept { return *value_; }

private:
  Value* value_;  // Never null. In the request's memory.
};

/// Runs after `provider`, and takes nothing of it.
template <auto& provider, auto... options>
class After {};

/// Depends, in the guard stage: the provider, and all that it depends on, runs before the other parameters of the graph
/// are checked, before a byte of the body is read and before anything else of the graph that is no guard. If it fails,
/// nothing else starts. What it depends on cannot take the body.
///
///     Task<Response> add_item(Guard<require_admin> admin, Body<> item);
template <auto& provider, auto... options>
class Guard : public detail::DependsOn<provider, Made<provider>> {
public:
  using detail::DependsOn<provider, Made<provider>>::DependsOn;
};

/// In a function that was given to App::decorate: what it decorates.
template <auto& provider, auto... options>
class Original : public detail::DependsOn<provider, Made<provider>> {
public:
  using detail::DependsOn<provider, Made<provider>>::DependsOn;
};

namespace detail {

template <class T>
inline constexpr bool is_edge_option = std::is_same_v<T, Uncached> || std::is_same_v<T, Lifetime> || is_scopes<T>;

template <auto option>
constexpr void add_option(Need& need) {
  using Option = std::remove_cvref_t<decltype(option)>;
  if constexpr (std::is_same_v<Option, Uncached>) need.uncached = true;
  if constexpr (std::is_same_v<Option, Lifetime>) need.lifetime = option;
  if constexpr (is_scopes<Option>) need.scopes = {Option::list, Option::count};
}

/// What all parameters that name a provider have in common.
template <class P, auto& provider, Take take, auto... options>
struct EdgeTraits {
  static_assert((is_edge_option<std::remove_cvref_t<decltype(options)>> && ...),
                "umbel: what may follow the provider is `uncached`, a Lifetime and scopes: "
                "Depends<f, uncached>, Depends<f, Lifetime::request>, Depends<f, scopes<\"items:read\">>");
  static constexpr Source source = Source::node;

  template <class Where>
  static constexpr Need need() {
    Need need{Source::node};
    need.take = take;
    need.node = node_of<provider>;
    (add_option<options>(need), ...);
    static_assert(CheckEdge<provider, take, Lifetime{edge_lifetime()}, Where>::value);
    return need;
  }
  static constexpr Lifetime edge_lifetime() {
    Need need{Source::node};
    (add_option<options>(need), ...);
    return need.lifetime;
  }
};

/// Of those that read the value.
template <class P, auto& provider, Take take, auto... options>
struct ReadTraits : EdgeTraits<P, provider, take, options...> {
  static P get(Resolver& resolver, const Step&, Input input) noexcept {
    if constexpr (std::is_void_v<Made<provider>>) return P{};
    else return P{resolver.value<Made<provider>>(input)};
  }
};

}  // namespace detail

template <auto& provider, auto... options>
struct ParameterTraits<Depends<provider, options...>>
    : detail::ReadTraits<Depends<provider, options...>, provider, detail::Take::share, options...> {};
template <auto& provider, auto... options>
struct ParameterTraits<Exclusive<provider, options...>>
    : detail::ReadTraits<Exclusive<provider, options...>, provider, detail::Take::exclusive, options...> {};
template <auto& provider, auto... options>
struct ParameterTraits<Guard<provider, options...>>
    : detail::ReadTraits<Guard<provider, options...>, provider, detail::Take::guard, options...> {};
template <auto& provider, auto... options>
struct ParameterTraits<Original<provider, options...>>
    : detail::ReadTraits<Original<provider, options...>, provider, detail::Take::share, options...> {
  template <class Where>
  static constexpr detail::Need need() {
    detail::Need need = detail::EdgeTraits<Original<provider, options...>, provider, detail::Take::share,
                                           options...>::template need<Where>();
    need.original = true;
    return need;
  }
};
template <auto& provider, auto... options>
struct ParameterTraits<After<provider, options...>>
    : detail::EdgeTraits<After<provider, options...>, provider, detail::Take::order, options...> {
  static After<provider, options...> get(detail::Resolver&, const detail::Step&, detail::Input) noexcept { return {}; }
};

namespace detail {

template <auto& provider, class R, class List>
struct OnLoop;
template <auto& provider, class R, class... P>
struct OnLoop<provider, R, TypeList<P...>> {
  static_assert(
      !Returned<R>::is_coroutine && !Returned<R>::is_resource,
      "umbel: on_loop<f> is for plain functions; a coroutine runs on the loop anyway: name it without on_loop");
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr const NodeInfo* umbel_wrapped() noexcept { return node_of<provider>; }
  R operator()(P... parameters) const { return provider(static_cast<P&&>(parameters)...); }
};

template <class T, class List>
struct MakeFrom;
template <class T, class... P>
struct MakeFrom<T, TypeList<P...>> {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  T operator()(P... parameters) const { return T{static_cast<P&&>(parameters)...}; }
};

/// Initialises a member of any type: how the members of an aggregate are counted.
struct AnyMember {
  template <class P>
  operator P() const;
};

template <class T, std::size_t... I>
constexpr bool has_members(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), AnyMember{})...}; };
}

inline constexpr std::size_t most_made_members = 12;

/// How many members T has; one more than we can take apart if there are too many.
template <class T, std::size_t most = most_made_members + 1>
constexpr std::size_t count_members() {
  if constexpr (most == 0 || has_members<T>(std::make_index_sequence<most>{})) return most;
  else return count_members<T, most - 1>();
}

template <class... P>
TypeList<P...> list_of(P&...) {
  return {};
}

/// The member types of an aggregate of parameters.
template <class T>
auto members_of(T& object) {
  constexpr std::size_t count = count_members<T>();
  static_assert(
      count > 0 && count <= most_made_members,
      "umbel: make<T> takes an aggregate of one to twelve members that are parameters (Depends<f>, Query<...>, "
      "State<...>); for a constructor write make<T(Parameters...)>");
  if constexpr (count == 1) {
    auto& [a] = object;
    return list_of(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = object;
    return list_of(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = object;
    return list_of(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = object;
    return list_of(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = object;
    return list_of(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = object;
    return list_of(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = object;
    return list_of(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = object;
    return list_of(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = object;
    return list_of(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = object;
    return list_of(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = object;
    return list_of(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = object;
    return list_of(a, b, c, d, e, f, g, h, i, j, k, l);
  }
}

template <class T>
struct MakeOf {
  static_assert(std::is_aggregate_v<T>,
                "umbel: make<T> takes an aggregate whose members are parameters; for a constructor write "
                "make<T(Depends<db>, State<Pool>)>");
  using Type = MakeFrom<T, decltype(members_of(std::declval<T&>()))>;
};
template <class T, class... P>
struct MakeOf<T(P...)> {
  static_assert(std::is_constructible_v<T, P...>,
                "umbel: make<T(Parameters...)> names a constructor of T, and T has none that takes these");
  using Type = MakeFrom<T, TypeList<P...>>;
};

}  // namespace detail

/// A provider that runs the plain function `f` on the loop: the author's promise that it is quick and never blocks. A
/// hop to a worker and back is saved. A provider of its own: naming both `f` and `on_loop<f>` in one graph is an error.
///
///     Page page_of(Query<"page", int, 1> page);
///     Task<Response> list(Depends<on_loop<page_of>> page);
///     app.get("/health", on_loop<health>);
template <auto& f>
inline constexpr detail::OnLoop<f, detail::ProviderResult<f>, typename detail::CheckProvider<f>::Parameters> on_loop{};

/// A provider that makes a T on the loop: an aggregate whose members are parameters, or by a constructor, spelled out.
///
///     struct Paging { Query<"page", int, 1> page; Query<"size", int, 20> size; };
///     Task<Response> list(Depends<make<Paging>> paging);
///     Task<Response> report(Depends<make<Reporter(Depends<open_db>, State<Clock>)>> reporter);
template <class T>
inline constexpr typename detail::MakeOf<T>::Type make{};

}  // namespace umbel
