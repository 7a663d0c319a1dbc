// SPDX-License-Identifier: MIT
#include "umbel/tls/layer.hpp"

#include <mutex>
#include <utility>

#include "credentials.hpp"
#include "stream.hpp"

namespace umbel::tls {

class Layer::Impl {
public:
  Impl(Config config, const LayerOptions& options)
      : shared_(options.handshakes),
        credentials_(std::make_shared<const Credentials>(config)),
        config_(std::move(config)) {
    shared_.method = Stream::make_method();
  }

  Config config() const {
    const std::lock_guard lock{mutex_};
    return config_;
  }
  std::shared_ptr<const Credentials> credentials() const noexcept {
    const std::lock_guard lock{mutex_};
    return credentials_;
  }
  // The old ones may be the last of their kind: they go outside of the lock.
  void replace(Config config) {
    std::shared_ptr<const Credentials> credentials = std::make_shared<const Credentials>(config);
    const std::lock_guard lock{mutex_};
    std::swap(config_, config);
    std::swap(credentials_, credentials);
  }
  Shared& shared() noexcept { return shared_; }

private:
  Shared shared_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> credentials_;
  Config config_;
};

Layer::Layer(Config config, const LayerOptions& options) : impl_(std::make_unique<Impl>(std::move(config), options)) {}
Layer::~Layer() = default;

void Layer::reload() { impl_->replace(impl_->config()); }
void Layer::reload(Config config) { impl_->replace(std::move(config)); }

Layer::Counts Layer::counts() const noexcept {
  const Shared& shared = impl_->shared();
  return {shared.handshakes.load(std::memory_order_relaxed), shared.resumed.load(std::memory_order_relaxed),
          shared.failed.load(std::memory_order_relaxed)};
}

std::unique_ptr<http1::Filter> Layer::make(Context& context, http1::Session::Host& host) noexcept {
  return Stream::make(impl_->shared(), impl_->credentials(), context, host);
}

}  // namespace umbel::tls
