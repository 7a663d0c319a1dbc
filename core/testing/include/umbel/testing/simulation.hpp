// SPDX-License-Identifier: MIT
#pragma once
// An App in a world of its own: virtual time, virtual workers, peers that come and go, everything in an order that a
// Schedule decides.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "umbel/core/context.hpp"
#include "umbel/core/exchange.hpp"
#include "umbel/core/pulling.hpp"
#include "umbel/core/service.hpp"
#include "umbel/testing/manual_port.hpp"
#include "umbel/testing/schedule.hpp"

namespace umbel::testing {

class Simulation;

/// A request in a Simulation, and its reply. Owned by it.
class SimulatedRequest final : private Exchange {
public:
  /// What was asked.
  using Exchange::request;
  using Exchange::stop_reason;

  /// 0 while there is no reply.
  int status() const noexcept { return response_ ? response_->status() : 0; }
  /// Throws std::bad_optional_access if there is none.
  const Response& response() const { return response_.value(); }
  /// Of one that is made while it is sent: what has come so far.
  std::string body() const { return streamed_ + std::string{response().body()}; }
  /// All of the body has come. False, too, if it has broken off.
  bool is_complete() const noexcept { return replies_ > 0 && !source_ && !broken_off_; }
  /// The first field of that name in the reply; empty if there is none. Only when it was answered.
  std::string header(std::string_view name) const { return std::string{response().header(name).value_or("")}; }
  /// How often it was answered: 1 if all is well.
  std::size_t replies() const noexcept { return replies_; }

  /// The service has seen it.
  bool has_arrived() const noexcept { return arrived_; }
  /// It has its reply, and the service wants nothing more of it.
  bool is_over() const noexcept { return replies_ > 0 && !held_ && !source_; }

  /// The peer may leave at any moment, or stay. Before it arrives, or when it is over, nothing happens.
  SimulatedRequest& may_leave() noexcept { return may_leave_ = true, *this; }
  /// The peer leaves now. Harmless when it is over.
  void leave() noexcept { cancel(CancelReason::disconnected); }
  /// Its peer is gone.
  bool has_left() const noexcept { return stop_.stop_requested(); }
  /// Asks the service to stop, for any reason.
  void cancel(CancelReason reason) noexcept;
  /// As a transport tells it. Before it arrives.
  SimulatedRequest& deadline(Time when) noexcept { return deadline_ = when, *this; }
  /// The body cannot be read: 413, 408. Before it arrives.
  SimulatedRequest& body_fails(int status) noexcept { return failing_body_ = status, *this; }

private:
  friend class Simulation;
  SimulatedRequest(Simulation& simulation, OwnedRequest asked);
  ~SimulatedRequest() = default;

  void deliver_body() noexcept;
  void pull() noexcept;
  void pull_later();
  void drop_source() noexcept;
  void tell_sent();
  bool collect_body(Work& ready) noexcept override;
  Pulled read_body(std::string_view& chunk, Work& ready) noexcept override;
  bool withdraw_body() noexcept override { return std::exchange(body_ready_, nullptr) != nullptr; }
  void reply(Response&& response) noexcept override;
  void reply_and_hold(Response&& response, Work& sent) noexcept override;
  void release() noexcept override;
  /// Pulls the reply's body.
  struct Pull : Pulling {
    explicit Pull(SimulatedRequest& r) noexcept
        : Pulling([](Pulling& pulling) noexcept { static_cast<Pull&>(pulling).request.pull_later(); },
                  [](Pulling&) noexcept {}),
          request(r) {}
    SimulatedRequest& request;
  };
  struct Delete {
    void operator()(SimulatedRequest* request) const noexcept { delete request; }
  };

  Simulation& simulation_;
  OwnedRequest asked_;
  std::optional<Response> response_;
  std::size_t replies_ = 0;
  int failing_body_ = 0;
  bool may_leave_ = false;
  bool arrived_ = false;
  bool held_ = false;
  bool broken_off_ = false;
  Work* body_ready_ = nullptr;  // Who waits for the request's body.
  std::size_t read_ = 0;        // Of it, in pieces.
  Work* sent_ = nullptr;        // Who waits for the end of the reply's.
  BodySourcePtr source_;
  std::string streamed_;
  Pull pull_{*this};
};

/// How time goes by in a Simulation.
enum class Pace : std::uint8_t {
  instant,  // Code takes no time: the clock moves when there is nothing else to do.
  any,      // The next timer may be due at any moment: the machine is slow.
};

/// Runs a Service - an App - on a Context without threads and without real time. Of all that may come next - a piece of
/// ready work, one of the jobs that wait for a worker, a request that arrives, a body, the end of a reply, a peer that
/// leaves, an answer of a fake, the next piece of a body in either direction - the Schedule decides what does. Timers
/// that are due at the same time fire in any order, too.
///
///     App app;
///     app.get("/items/{id}", read_item);
///     testing::Simulation sim{app, 17};
///     auto& item = sim.request("/items/1");
///     auto& other = sim.request("/items/2").may_leave();
///     sim.run();
///     EXPECT_EQ(item.status(), 200);
///     EXPECT_EQ(sim.mistake(), "");
///
/// It notes as a mistake when a request gets no reply or two, when something never ends, and when something is left
/// over at the end. The Service outlives it. One thread.
class Simulation : private Port {
public:
  /// Starts and opens the service. Throws what `Service::start` does.
  Simulation(Service& service, std::uint64_t seed);
  /// The schedule outlives the simulation.
  Simulation(Service& service, Schedule& schedule);
  /// Closes the service, if `close` did not, and runs to the end.
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// A request that arrives when its turn comes. It stays where it is as long as the simulation does.
  SimulatedRequest& request(OwnedRequest request);
  /// A GET of that target.
  SimulatedRequest& request(std::string target) { return request(OwnedRequest{Method::get, std::move(target)}); }

  /// Calls `answer` when its turn comes: what a fake uses in place of a network. Only on the simulation's thread.
  ///
  ///     Task<Price> ask(testing::Simulation& sim) {
  ///       Completion<Price> price;
  ///       sim.later([set = price.setter()]() mutable { set.value(Price{3}); });
  ///       co_return co_await price;
  ///     }
  void later(std::function<void()> answer) { later_.push_back(std::move(answer)); }

  /// Until nothing is left to be done, time passing by itself.
  void run();
  /// Does one thing. False if there was nothing to do.
  bool step();
  /// Closes the service, as a transport does after its last exchange, and runs to the end.
  void close();

  /// How requests come in and bodies move.
  Simulation& pace(Pace pace) noexcept { return pace_ = pace, *this; }
  /// How many jobs may wait for a worker. What is not admitted is refused.
  Simulation& worker_limit(std::size_t jobs) noexcept { return pool_.set_limit(jobs), *this; }
  /// A simulation that takes more turns than this never ends.
  Simulation& turn_limit(std::size_t turns) noexcept { return turn_limit_ = turns, *this; }

  /// Where everything of it runs.
  Context& context() noexcept { return context_; }
  /// What it decides by.
  Schedule& schedule() noexcept { return schedule_; }
  Time now() noexcept override { return now_; }
  /// How often it has turned.
  std::size_t turns() const noexcept { return turns_; }
  /// Those that were made, in their order.
  const std::vector<SimulatedRequest*>& requests() const noexcept { return shown_; }

  /// The first thing that went wrong, and how to run it again; empty if all is well.
  std::string mistake() const;

private:
  friend class SimulatedRequest;
  struct Opened : Notice {
    using Notice::Notice;
    Simulation* simulation = nullptr;
  };

  void wake() noexcept override { woken_ = true; }
  void arm(Time when) noexcept override { alarm_ = when; }

  void open();
  void leave_as_told();
  bool turn_is_due() const noexcept { return woken_ || alarm_ <= now_; }
  std::size_t possible() const noexcept { return (turn_is_due() ? 1 : 0) + pool_.waiting() + later_.size(); }
  void act(std::size_t chosen);
  void act_rarely();
  bool pass_time() noexcept;
  bool wants(const SimulatedRequest& request) const noexcept;
  void judge();
  static void opened(Notice& notice, const Error* error) noexcept;
  static void closed(Notice& notice, const Error* error) noexcept;

  Service& service_;
  std::optional<Schedule> own_;
  Schedule& schedule_;
  Time now_{std::chrono::hours{1}};  // Not zero, so that a test can name times before it.
  Time alarm_ = Time::max();
  bool woken_ = false;
  bool is_open_ = false;
  bool is_closed_ = false;
  Pace pace_ = Pace::instant;
  std::size_t turn_limit_ = 1'000'000;
  std::size_t turns_ = 0;
  ManualPool pool_;
  std::vector<std::function<void()>> later_;
  std::vector<std::unique_ptr<SimulatedRequest, SimulatedRequest::Delete>> requests_;
  std::vector<SimulatedRequest*> shown_;
  Opened open_notice_{opened};
  Opened close_notice_{closed};
  Context context_;
};

}  // namespace umbel::testing
