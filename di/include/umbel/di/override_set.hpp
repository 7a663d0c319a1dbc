// SPDX-License-Identifier: MIT
#pragma once
// Overrides that hold for some requests only.

#include <memory>
#include <type_traits>
#include <utility>

#include "umbel/di/app.hpp"

namespace umbel {

/// An App with overrides of its own: a Service for one test client, while others ask the same App as it is.
///
///     OverrideSet set{app};
///     set.override<current_user>([] { return User{"alice"}; });
///     loopback::Client alice{set};
///     loopback::Client anybody{app};
///
/// What the App overrides holds too, unless the set overrides the same. What requests share (Lifetime::app, loop) is
/// the App's: here its replacement is made for each request. Apps that are mounted in the App are left as they are,
/// and so are error mappers and what `Background::call` calls. Overrides last as long as the set. It may change while
/// requests are served, each of which keeps what it started with. Neither is owned; the set outlives its transports,
/// and the App those.
class OverrideSet : public Service {
public:
  /// A set for that App, empty. The App is not owned.
  explicit OverrideSet(App& app);
  ~OverrideSet() override;
  OverrideSet(const OverrideSet&) = delete;
  OverrideSet& operator=(const OverrideSet&) = delete;

  /// As App::override, and throws as it does.
  template <auto& provider, class G>
  OverrideSet& override(G&& replacement) {
    return add(detail::stand_in_for<provider, false, std::decay_t<G>>(std::forward<G>(replacement)));
  }
  /// As App::decorate, and throws as it does.
  template <auto& provider, class G>
  OverrideSet& decorate(G&& decorator) {
    return add(detail::stand_in_for<provider, true, std::decay_t<G>>(std::forward<G>(decorator)));
  }

  void start(Context& context) override { app_.start(context); }
  void used_by(ServiceUser& user) noexcept override { app_.used_by(user); }
  void left_by(ServiceUser& user) noexcept override { app_.left_by(user); }
  void open(Context& context, Notice& opened) noexcept override { app_.open(context, opened); }
  void draining(Context& context) noexcept override { app_.draining(context); }
  void close(Context& context, Notice& closed) noexcept override { app_.close(context, closed); }
  void serve(Exchange& exchange) noexcept override {
    exchange.choose(layer_->variation.load(std::memory_order_acquire));
    app_.serve(exchange);
  }

private:
  OverrideSet& add(std::unique_ptr<detail::StandIn> stand_in);

  App& app_;
  std::shared_ptr<detail::OverrideLayer> layer_;
};

}  // namespace umbel
