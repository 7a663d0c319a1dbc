// SPDX-License-Identifier: MIT
#pragma once
// The application: routes, state, and what wraps everything. A Service for any transport.

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/lane.hpp"
#include "umbel/core/service.hpp"
#include "umbel/di/around.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/error_mapper.hpp"
#include "umbel/di/graph.hpp"
#include "umbel/di/observers.hpp"
#include "umbel/di/override.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/readiness.hpp"
#include "umbel/di/router.hpp"

namespace umbel {

namespace detail {
struct Endpoint;
struct RoutesOfApp;

/// Is told that an App starts: its routes are all there, and none has been served.
class StartHook {
public:
  virtual ~StartHook() = default;
  /// Under the App's mutex. Mistakes are appended to `problems`.
  virtual void app_starts(const App& app, std::vector<std::string>& problems) = 0;
};
}  // namespace detail

/// What a server answers with.
///
///     App app;
///     app.state(Pool{"shop.db"});
///     app.get("/items/{item_id}", read_item);
///     return http1::serve(app, {.port = 8000});
///
/// Built up on one thread; once it is started (by the first transport or Engine) it never changes, overrides aside, and
/// the Contexts of any number of threads share it without locks. What only the whole application shows - a State that
/// is missing, routes that conflict - is a StartError then.
///
/// Must outlive every transport and Engine that has it open: an assertion in debug builds of the library. In others the
/// destructor stops them, as `Transport::stop` does, and waits until what was in flight is over; those of other threads
/// are waited for as long as their loops turn. A transport that is left then answers 503, or starts no more.
class App : public Router<>, public Service, detail::CallPlans {
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

  /// Has `other` answer every path that is `at`, or starts with `at` and a slash, with its own routes, state, guards,
  /// `around` and observer; what is around us is around it, our guards are not.
  ///
  ///     App app, shop;
  ///     app.mount("/shop", shop);   // GET /shop/items/7 is GET /items/7 of shop
  ///
  /// It sees the path without `at`, and `Request::root()` tells what went before; `target()` and `query()` stay as they
  /// came. `/shop` itself is its `/`, as `/shop/` is. Routes of ours come first where they fit better, as a route does
  /// that ends in `{rest:path}`: `/shop/help`, `/shop/{page}`; so does a mount with a longer prefix; `/{rest:path}`
  /// does not. What it does not know is its own 404. Starts when we start. Not owned: it outlives who has us
  /// open, as we do, else the same happens to them; and without it we cannot start. It may be mounted
  /// several times, and serve by itself; an App that leads back to us is a std::logic_error.
  App& mount(RoutePrefix at, App& other);

  /// For every route that does not say otherwise by itself, nor has a router that does.
  App& policy(Policy policy);

  /// Has `f` answer every request that fails with an E: what a node or a tear-down threw, a ValidationError, an
  /// HttpError. Of several that fit, the first one given. It may take dependencies after the error, which run for it
  /// anew, since those of the request are torn down; a path parameter or the body's type it cannot take.
  ///
  ///     app.on_error<DatabaseDown>([](const DatabaseDown& error, State<Metrics> metrics) {
  ///       metrics->count(error);
  ///       return Response::text("Try again later", 503);
  ///     });
  template <class E, class F>
  App& on_error(F f) {
    add_mapper(detail::make_mapper<E>(std::move(f)));
    return *this;
  }

  /// Gives a lane to providers that name it: `provider<f>.lane("db")`. At most `limit` of its jobs run at once, in all
  /// threads; a request for which there is no place in the lane is a 503 before anything of it runs. The same name
  /// again is a std::logic_error.
  App& lane(std::string_view name, LaneOptions options = {});

  /// How long the tear-down of one resource may take before it is asked to stop. 5 s unless told.
  App& tear_down_limit(Duration limit);

  /// Has a provider of lifetime `app` or `loop` made although no route takes it: a worker's, or what Engine::call
  /// needs.
  template <auto& provider>
  App& keep() {
    static_assert(detail::node_of<provider>->is_shared(),
                  "umbel: only what lives as long as the App or its Context can be kept: "
                  "provider<f>.lifetime(Lifetime::app)");
    kept_.push_back(detail::node_of<provider>);
    return *this;
  }

  /// Has `replacement` run wherever a route, a guard, an error mapper or Engine::call takes `provider`, as long as the
  /// result lives.
  ///
  ///     auto o = app.override<current_user>([] { return User{"alice"}; });
  ///
  /// It is any callable that a provider may be and makes the same, of any kind; it is kept until the App is gone. What
  /// it takes itself is provided; what `provider` takes is not run for it. Not chained: what it takes may be overridden
  /// in turn, but it is never replaced itself. Of several for one provider the last one counts, until it is gone.
  /// `on_loop<f>` and `f` are two providers, so are `provider<f>...` and `f`.
  ///
  /// Throws StartError, and changes nothing, if no route takes `provider`, a State is missing, a Path that a route's
  /// template lacks, a lifetime does not fit what stands around it, or it leads back to itself; std::logic_error if its
  /// own lifetime is longer than a request and not that of `provider`. Before the start that is checked at the start.
  ///
  /// Any thread may install and destroy, while others serve. The plans that are concerned are made anew, once each, and
  /// put in place one by one; a request keeps the plan that it started with. Plans and replacements are kept until the
  /// App is gone, and used again when the same overrides are in force again. A route that cannot be planned without the
  /// override - a State is missing - answers 500 when it is gone.
  ///
  /// What requests share (Lifetime::app, loop) is made once: with what is in force at the start, which then stays in
  /// its place for good. Overridden later, routes have the replacement made per request, and what is there already
  /// keeps what it has. Nor are Apps concerned that are mounted here.
  template <auto& named_provider, class G>
  Override override(G&& replacement) {
    return install(detail::stand_in_for<named_provider, false, std::decay_t<G>>(std::forward<G>(replacement)));
  }
  /// The same for what uses the real one: `decorator` takes an Original<provider>.
  ///
  ///     auto d = app.decorate<price_of>([](Original<price_of> price) { return *price * 2; });
  ///
  /// That is always the real one, with whatever overrides below it are in force, never another decorator.
  template <auto& named_provider, class G>
  Override decorate(G&& decorator) {
    return install(detail::stand_in_for<named_provider, true, std::decay_t<G>>(std::forward<G>(decorator)));
  }

  /// Has `observer` hear what happens; several hear it in the order in which they were given. Not owned; outlives the
  /// App. Throws std::logic_error once the App has started.
  App& observe(Observer& observer);

  /// Every route's plan, those of routers and mounted Apps at their full paths. Before the start it shows what there is
  /// so far; a State that is missing does not matter.
  Graph graph() const;

  /// Checks everything and makes the plans; the first call does, later ones see that it is done. Throws StartError,
  /// whose text lists every mistake, those of mounted Apps as well. Any thread.
  void start(Context& context) override;

  /// Makes the providers of lifetime `app` (on the first Context) and `loop`, in dependency order. Those of lifetime
  /// `app` are shared by all threads.
  void open(Context& context, Notice& opened) noexcept override;
  /// The Readiness says so, that of mounted Apps, too.
  void draining(Context& context) noexcept override;
  /// Tears them down in reverse; what lives as long as the App, with the last Context, on its thread.
  void close(Context& context, Notice& closed) noexcept override;

  void serve(Exchange& exchange) noexcept override;

  /// Remembers who has it open, so that an App that goes too early can stop them.
  void used_by(ServiceUser& user) noexcept override;
  /// Forgets them.
  void left_by(ServiceUser& user) noexcept override;

private:
  friend class Engine;
  friend struct detail::RoutesOfApp;
  friend class Override;
  friend class OverrideSet;
  struct Started;
  struct Lock;
  class Replanning;
  class Opening;
  class OpenedTogether;
  class GraphNames;
  struct Mount {
    std::string prefix;
    App* app;  // Null: it has gone before us.
  };

  void add_state(const detail::StateInfo& info, void* object);
  void add_around(std::unique_ptr<detail::Around> around);
  void add_mapper(detail::ErrorMapper mapper);
  void add_mappers(Started& started, std::vector<std::string>& problems) const;
  bool leads_to(const App& other) const noexcept;
  std::vector<std::string> try_start(Context& context);
  std::unique_ptr<Started> make_plans(std::vector<std::string>& problems) const;
  void add_routes(Started& started, std::vector<std::string>& problems) const;
  void add_mounts(Started& started, std::vector<std::string>& problems) const;
  void name_nodes(GraphRoute& route, const detail::Plan& plan, const Started& started, GraphNames& names) const;
  void surround() noexcept;
  Override install(std::unique_ptr<detail::StandIn> stand_in);
  void put_in_force(detail::OverrideLayer& layer, std::unique_ptr<detail::StandIn> stand_in);
  void undo(detail::OverrideLayer& layer, const detail::StandIn& stand_in) noexcept;
  void add_set(const std::shared_ptr<detail::OverrideLayer>& layer);
  void remove_set(detail::OverrideLayer& layer) noexcept;
  std::shared_ptr<const detail::OverrideTable> overrides_in(const detail::OverrideLayer& layer) const;
  /// Those of `layer` from `first` on.
  void check_use(const detail::OverrideLayer& layer, const Started& started, std::size_t first,
                 std::vector<std::string>& problems) const;
  void forget_overrides() noexcept;
  detail::PlanRequest request_of(const detail::NodeInfo& root, std::string_view title, std::string name,
                                 Started& started) const;
  const std::atomic<const detail::Plan*>& plan_of_call(const detail::NodeInfo& node) const override;
  detail::SharedNodes* shared() const noexcept;  // Once it has started.
  void open_own(Context& context, Notice& opened) noexcept;
  void close_own(Context& context, Notice& closed) noexcept;
  void dismiss_users() noexcept;
  std::vector<App*> outer_apps() const;
  void dismiss_outer_users() noexcept;
  /// One that is mounted here goes before us.
  void lose(const App& mounted) noexcept;
  const detail::Plan* varied(const detail::Plan& plan, const Exchange& exchange) const noexcept;
  OpenedTogether* opening_on(const Context& context) const noexcept;
  void serve_before_open(Exchange& exchange) noexcept;
  void serve_over_there(Exchange& exchange) noexcept;
  void dispatch(Exchange& exchange) noexcept;
  /// `endpoint` is null if no template fits.
  void answer_without_plan(const detail::Endpoint* endpoint, Exchange& exchange) noexcept;
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
  Readiness readiness_;  // Is among the states.
  detail::StateTable states_;
  std::vector<std::unique_ptr<detail::Around>> arounds_;
  std::vector<Mount> mounts_;
  Policy policy_ = Policy::concurrent;
  Duration tear_down_limit_ = std::chrono::seconds{5};
  std::vector<const detail::NodeInfo*> kept_;
  std::vector<detail::ErrorMapper> mappers_;
  std::vector<std::shared_ptr<detail::StartHook>> start_hooks_;
  std::unique_ptr<detail::Limits> limits_;
  bool is_plain_ = false;    // It has started, and is nothing but routes: nothing around, mounted, to be made first.
  bool has_shared_ = false;  // Some nodes are.
  Observers observers_;
  Observer* observer_ = nullptr;  // The only one, or `observers_`. Null: nobody listens.
  Core core_{*this};
  Service* outermost_ = nullptr;  // Null: nothing is around.
  std::shared_ptr<detail::OverrideLayer> overrides_;
  std::vector<std::shared_ptr<detail::OverrideLayer>> sets_;
  std::vector<std::unique_ptr<detail::StandIn>> stand_ins_;  // All that a plan may refer to.
  std::unique_ptr<Started> started_;
  std::shared_ptr<Lock> lock_;  // Several Contexts may start us at the same time.
};

}  // namespace umbel
