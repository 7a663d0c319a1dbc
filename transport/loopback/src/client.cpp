// SPDX-License-Identifier: MIT
#include "umbel/loopback/client.hpp"

#include "umbel/core/work_pool.hpp"

namespace umbel::loopback {

namespace {

// Whether the service has opened.
class Told : public Notice {
public:
  Told() noexcept : Notice(hear) {}
  bool is_told() const noexcept { return is_told_; }
  const std::optional<Error>& error() const noexcept { return error_; }

private:
  static void hear(Notice& notice, const Error* error) noexcept {
    auto& self = static_cast<Told&>(notice);
    self.is_told_ = true;
    if (error) self.error_ = *error;
  }

  bool is_told_ = false;
  std::optional<Error> error_;
};

struct Done : Work {
  Done() noexcept : Work([](Work& work) noexcept { static_cast<Done&>(work).is_done = true; }) {}
  bool is_done = false;
};

}  // namespace

Client::Client(Service& service, Options options)
    : pool_(std::make_unique<ThreadPool>(ThreadPool::Options{options.threads, options.queue_limit})),
      port_(std::make_unique<BlockingPort>(*pool_)),
      server_(std::make_unique<Server>(service, port_->context(), Server::Options{.body_limit = options.body_limit})) {
  Told opened;
  server_->start();
  server_->when_open(opened);
  port_->run_until([&] { return opened.is_told(); });
  if (opened.error()) throw StartError{opened.error()->message()};
}

Client::~Client() {
  Done done;
  server_->drain({.limit = std::chrono::milliseconds::max()}, done);
  port_->run_until([&] { return done.is_done && server_->is_left(); });
}

Reply Client::post(std::string target, std::string body) {
  OwnedRequest request{Method::post, std::move(target)};
  request.body(std::move(body));
  return send(std::move(request));
}

}  // namespace umbel::loopback
