// SPDX-License-Identifier: MIT
#pragma once
// Ready-made handlers for those who look after the program: is it alive, does it want requests?

#include <array>
#include <string_view>

#include "umbel/core/response.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/names.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/readiness.hpp"
#include "umbel/di/try.hpp"

namespace umbel {

namespace detail {

/// `failed` are the names of checks; only what is not empty counts.
Response readiness_reply(TransportState state, const std::string_view* failed, std::size_t count);

struct Livez {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static Response umbel_before_open();
  Response operator()() const { return umbel_before_open(); }
};

template <auto&... checks>
struct Readyz {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static Response umbel_before_open() { return readiness_reply(TransportState::starting, nullptr, 0); }
  Response operator()(State<Readiness> readiness, Try<checks>... outcomes) const {
    const std::array<std::string_view, sizeof...(checks) + 1> failed{
        (outcomes.ok() ? std::string_view{} : object_name<checks>)...};
    return readiness_reply(readiness->state(), failed.data(), sizeof...(checks));
  }
};

}  // namespace detail

/// Answers 200, `{"status":"alive"}`, as long as the loop turns: who gets no answer in time may kill the program.
///
///     app.get("/livez", umbel::livez);
///
/// Says nothing of databases and the like: a new process would not mend them. Answered while the App opens, too, before
/// any guard; of a mounted App, if the one around it has opened. A server that is over its limit of requests in flight
/// answers 503 to this as well: who wants to kill none of those gives it a server of its own, on another port.
inline constexpr detail::Livez livez{};

/// Answers 200, `{"status":"ready"}`, when the App's Readiness says so, and else 503, with its state for a status:
/// `starting` while the App opens, `draining` from the first moment of a drain on. Who deals out requests asks this.
///
///     app.get("/readyz", umbel::readyz);
///
/// Guards, `{.guards = guards<f>}`, may make it fail for reasons of their own; while the App opens they do not run.
inline constexpr detail::Readyz<> readyz{};

/// The same with checks, each a provider that fails when it is not ready; all are tried, at the same time. If one has
/// failed the reply is 503, `{"status":"failing","failed":["database_answers"]}`.
///
///     Task<void> database_answers(Depends<pool> pool);   // throws HttpError{503}
///     app.get("/readyz", umbel::readyz_if<database_answers>, {.deadline = 1s});
template <auto&... checks>
inline constexpr detail::Readyz<checks...> readyz_if{};

}  // namespace umbel
