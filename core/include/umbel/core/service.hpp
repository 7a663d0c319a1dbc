// SPDX-License-Identifier: MIT
#pragma once
// Who answers: an App, or whatever a program puts in its place or around it.

#include "umbel/core/error.hpp"
#include "umbel/core/exchange.hpp"
#include "umbel/core/intrusive_list.hpp"

namespace umbel {

/// Told once when a service has opened or closed on a Context. Intrusive: whoever passes one owns it and keeps it alive
/// until it is told. On that Context's thread, perhaps before `open` or `close` returns.
class Notice {
public:
  /// `error` is null if all went well, and lives as long as the call.
  using Function = void (*)(Notice& notice, const Error* error) noexcept;
  /// The function that is called when the time has come.
  explicit Notice(Function function) noexcept : function_(function) {}
  Notice(const Notice&) = delete;
  Notice& operator=(const Notice&) = delete;

  /// For services, once. The notice may be gone when this returns.
  void tell(const Error* error = nullptr) noexcept { function_(*this, error); }

private:
  Function function_;
};

/// Who has a service open: a transport from its start to its end, an Engine. A service that goes too early can see who
/// is left, and get rid of them: they are used by it alone.
class ServiceUser {
public:
  /// The Context that it has the service open on.
  virtual Context& home() noexcept = 0;
  /// Ends as at once as it can: what is in flight is asked to stop, and nothing is asked of the service afterwards but
  /// what its `close` takes; then comes `left_by`. On the Context's thread.
  virtual void stop_using() noexcept = 0;
  /// Lets what is in flight get on, on the Context's thread and outside of its loop.
  virtual void turn() noexcept { home().run_ready(); }

  detail::Link<ServiceUser> link;  // The service's.

protected:
  ~ServiceUser() = default;
};

/// Answers exchanges. Shared by the Contexts of all threads once it is started.
class Service {
public:
  virtual ~Service() = default;

  /// Called by a transport before the first exchange, once per Context, on its thread or before it runs. Throws
  /// StartError if the service cannot work.
  virtual void start(Context&) {}

  /// Tells who is about to `open`, before it does. Any thread.
  virtual void used_by(ServiceUser&) noexcept {}
  /// Tells, after `close` or after an `open` that failed, that it has no more to do with the service: the last call
  /// that it makes. Any thread.
  virtual void left_by(ServiceUser&) noexcept {}

  /// Called after each `start`: makes what must exist before the first request, things of application lifetime. May
  /// take its time: `opened` is told when they are there, or why they cannot be; then the service cannot work, has torn
  /// down what it had made, and the transport stops and says so. Exchanges that are served meanwhile wait inside the
  /// service.
  virtual void open(Context&, Notice& opened) noexcept { opened.tell(); }
  /// A transport on this Context begins to end: it soon takes no requests any more. Those that it has and those that
  /// come meanwhile are served as before. Once for each `open` that went well, before its `close`. For whoever answers
  /// readiness checks.
  virtual void draining(Context&) noexcept {}
  /// Tears down what `open` made. Once for each `open` that went well, after the last exchange of this transport.
  virtual void close(Context&, Notice& closed) noexcept { closed.tell(); }

  /// Sees to it that `exchange` gets its one reply, now or later. On the thread of the exchange's Context; several
  /// Contexts may call at the same time. Nothing is thrown: a failure is a reply.
  virtual void serve(Exchange& exchange) noexcept = 0;
};

}  // namespace umbel
