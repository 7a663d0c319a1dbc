// SPDX-License-Identifier: MIT
#pragma once
// The application: routes, state, and what wraps everything. A Service for any transport.

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/service.hpp"
#include "umbel/di/around.hpp"
#include "umbel/di/graph.hpp"
#include "umbel/di/observers.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/router.hpp"

namespace umbel {

/// What a server answers with.
///
///     App app;
///     app.state(Pool{"shop.db"});
///     app.get("/items/{item_id}", read_item);
///     return http1::serve(app, {.port = 8000});
///
/// Built up on one thread; once it is started (by the first transport or Engine) it never changes, and the Contexts of
/// any number of threads share it without locks. What only the whole application shows - a State that is missing,
/// routes that conflict - is a StartError then. Must outlive every transport and Engine that uses it.
class App : public Router, public Service {
public:
  App();
  ~App() override;
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Gives the application a T, which `State<T>` shares with every request. Owned; destroyed with the App, in reverse
  /// order of giving. `app.state<"replica">(Pool{...})` is for `State<Pool, "replica">`. The same type and name
  /// again is a std::logic_error.
  template <FixedString name = "", class T>
  App& state(T value) {
    auto owned = std::unique_ptr<void, void (*)(void*)>{new T(std::move(value)),
                                                        [](void* object) { delete static_cast<T*>(object); }};
    add_state(detail::StateTitle<T, name>::info, owned.get());
    owned_.push_back(std::move(owned));
    return *this;
  }
  /// The same with an object that the program keeps, and that outlives the App.
  template <FixedString name = "", class T>
  App& borrow(T& object) {
    add_state(detail::StateTitle<T, name>::info, &object);
    return *this;
  }

  /// Wraps everything, what no route answers included: CORS, request ids, timing. What is added later is outside.
  ///
  ///     app.around([](const Request& request, Next next) -> Task<Response> {
  ///       Response response = co_await next(request);
  ///       response.header("x-served-by", "umbel");
  ///       co_return response;
  ///     });
  ///
  /// Errors are replies already when `next` gives them. What the function itself throws is answered like a handler's.
  template <class F>
  App& around(F f) {
    static_assert(detail::can_go_around<F>,
                  "umbel: app.around takes a function, const, of the form Task<Response>(const Request&, Next)");
    add_around(std::make_unique<detail::AroundService<F>>(std::move(f)));
    return *this;
  }

  /// For every route that does not say otherwise by itself.
  App& policy(Policy policy);

  /// Has `observer` hear what happens; several hear it in the order in which they were given. Not owned; outlives the
  /// App. Throws std::logic_error once the App has started.
  App& observe(Observer& observer);

  /// Every route's plan. Before the start it shows what there is so far; a State that is missing does not matter.
  Graph graph() const;

  /// Checks everything and makes the plans; the first call does, later ones see that it is done. Throws StartError,
  /// whose text lists every mistake. Any thread.
  void start(Context& context) override;

  void serve(Exchange& exchange) noexcept override;

private:
  friend class Engine;
  struct Started;
  struct Lock;

  void add_state(const detail::StateInfo& info, void* object);
  void add_around(std::unique_ptr<detail::Around> around);
  std::unique_ptr<Started> make_plans(std::vector<std::string>& problems) const;
  void dispatch(Exchange& exchange) noexcept;
  void reply_unrouted(Exchange& exchange, Response response) noexcept;

  /// What answers when everything around it has had its say.
  class Core : public Service {
  public:
    explicit Core(App& app) noexcept : app_(app) {}
    void serve(Exchange& exchange) noexcept override { app_.dispatch(exchange); }

  private:
    App& app_;
  };

  std::vector<std::unique_ptr<void, void (*)(void*)>> owned_;
  detail::StateTable states_;
  std::vector<std::unique_ptr<detail::Around>> arounds_;
  Policy policy_ = Policy::concurrent;
  Observers observers_;
  Observer* observer_ = nullptr;  // The only one, or `observers_`. Null: nobody listens.
  Core core_{*this};
  Service* outermost_ = nullptr;  // Null: nothing is around.
  std::unique_ptr<Started> started_;
  std::unique_ptr<Lock> lock_;  // Several Contexts may start us at the same time.
};

}  // namespace umbel
