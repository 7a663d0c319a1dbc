// SPDX-License-Identifier: MIT
#pragma once
// A transport's way from its start to its end, for those who write one.

#include <chrono>
#include <optional>
#include <vector>

#include "umbel/core/error.hpp"
#include "umbel/core/service.hpp"
#include "umbel/core/transport.hpp"

namespace umbel {

/// The states of a Transport, and what its service is told: all of the contract but the requests. Derive from it, and
///
/// - begin with `begin`, let requests in while `lets_in` says so, and call `exchange_is_over` behind each;
/// - cancel what is in flight in `cancel_all`;
/// - call `finish` in your destructor.
///
/// On the Context's thread, all of it. docs/transports.md has a whole transport.
class TransportCourse : public Transport, private ServiceUser {
public:
  /// What it does now.
  TransportState state() const noexcept final { return state_; }
  void when_open(Notice& opened) noexcept final;
  void drain(const DrainOptions& options, Work& done) final;
  void stop() noexcept final;

protected:
  /// Neither is owned; both outlive the transport.
  TransportCourse(Service& service, Context& context) noexcept : service_(service), context_(context) {}
  ~TransportCourse() override = default;

  /// What answers the requests. Not owned.
  Service& service() const noexcept { return service_; }
  Context& context() const noexcept { return context_; }

  /// Starts the service and opens it; does nothing if that was done. Throws StartError if the service cannot start:
  /// then nothing has happened.
  void begin();
  /// False when nobody new is let in: behind the delay of a drain, when it was stopped, before it begins.
  bool lets_in() const noexcept { return lets_in_; }
  /// There is one less in flight. If it was the last, the service is closed; not before this returns.
  void exchange_is_over() noexcept;
  /// For the most derived destructor: stops, and runs the Context until all is over.
  void finish() noexcept;

  /// The delay is over: whoever is not in yet stays outside, and `lets_in()` is false. Called once for each `begin`.
  virtual void close_entrance() noexcept {}
  /// Asks all that is in flight to stop, for CancelReason::shutdown; perhaps more than once. The service replies in its
  /// own time.
  virtual void cancel_all() noexcept = 0;

private:
  template <class Base>
  struct Part : Base {
    Part(typename Base::Function function, TransportCourse& c) noexcept : Base(function), course(c) {}
    TransportCourse& course;
  };

  Context& home() noexcept final { return context_; }
  void stop_using() noexcept final;
  static void on_time(Timer& timer) noexcept;
  static void on_opened(Notice& notice, const Error* error) noexcept;
  static void on_closed(Notice& notice, const Error* error) noexcept;
  static void on_over(Work& work) noexcept;

  void finish_over_there() noexcept;
  void opened(const Error* error) noexcept;
  void begin_to_end() noexcept;
  void shut() noexcept;
  void wait(std::chrono::milliseconds time);
  void end_if_over() noexcept;
  void ended() noexcept;

  Service& service_;
  Context& context_;
  TransportState state_ = TransportState::stopped;
  bool is_open_ = false;  // The service is.
  bool lets_in_ = false;
  bool is_closing_ = false;
  bool has_service_ = true;         // It has not gone before us.
  bool looks_soon_ = false;         // `over_` is in the queue.
  std::optional<Error> failure_{};  // Why the service cannot open.
  std::chrono::milliseconds limit_{0};
  std::vector<Notice*> openers_{};  // Who waits in `when_open`.
  std::vector<Work*> enders_{};     // And in `drain`.
  Part<Timer> timer_{on_time, *this};
  Part<Notice> opened_{on_opened, *this};
  Part<Notice> closed_{on_closed, *this};
  Part<Work> over_{on_over, *this};
};

}  // namespace umbel
