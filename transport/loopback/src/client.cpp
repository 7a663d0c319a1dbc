// SPDX-License-Identifier: MIT
#include "umbel/loopback/client.hpp"

#include <coroutine>

#include "umbel/core/work_pool.hpp"

namespace umbel::loopback {

namespace {

// One request in flight, awaited by `ask`.
class Asking : public Exchange {
public:
  Asking(Service& service, const Request& request) noexcept : service_(service) {
    body_ = request.body();
    request_ = request;
    request_.set_body({});
  }

  void enter(Env& env) noexcept {
    env_ = &env;
    context_ = env.context;
  }
  bool await_ready() noexcept {
    stopped_.asking = resume_.asking = this;
    stopped_.link(StopToken{env_->stop});
    service_.serve(*this);
    return is_over_;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  Response await_resume() noexcept { return std::move(*response_); }

  bool collect_body(Work&) noexcept override {
    request_.set_body(body_);
    return true;
  }
  void reply(Response&& response) noexcept override {
    stopped_.unlink();
    response_.emplace(std::move(response));
    release();
  }
  void reply_and_hold(Response&& response, Work& sent) noexcept override {
    stopped_.unlink();
    response_.emplace(std::move(response));
    context_->enqueue(sent);
  }
  void release() noexcept override {
    is_over_ = true;
    if (waiting_) context_->enqueue(resume_);
  }

private:
  struct Stopped : StopCallback {
    using StopCallback::StopCallback;
    Asking* asking = nullptr;
  };
  struct Resume : Work {
    using Work::Work;
    Asking* asking = nullptr;
  };
  static void stop(StopCallback& callback) noexcept { static_cast<Stopped&>(callback).asking->stop_.request_stop(); }
  static void resume(Work& work) noexcept { static_cast<Resume&>(work).asking->waiting_.resume(); }

  Service& service_;
  std::string_view body_;
  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
  std::optional<Response> response_;
  bool is_over_ = false;
  Stopped stopped_{stop};
  Resume resume_{resume};
};

// What a service tells when it has opened or closed.
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

}  // namespace

Reply::Reply(Response&& response, Method method) : status_(response.status()), response_(std::move(response)) {
  if (method != Method::head && Response::may_have_body(status_)) body_ = response_.body();
}

Client::Client(Service& service, Options options)
    : service_(service),
      options_(options),
      pool_(std::make_unique<ThreadPool>(ThreadPool::Options{options.threads, options.queue_limit})),
      port_(std::make_unique<BlockingPort>(*pool_)) {
  service_.start(port_->context());
  open();
}

Client::~Client() {
  service_.draining(port_->context());
  Told closed;
  service_.close(port_->context(), closed);
  port_->run_until([&] { return closed.is_told(); });
}

void Client::open() {
  Told opened;
  service_.open(port_->context(), opened);
  port_->run_until([&] { return opened.is_told(); });
  if (opened.error()) throw StartError{opened.error()->message()};
}

Reply Client::post(std::string target, std::string body) {
  OwnedRequest request{Method::post, std::move(target)};
  request.body(std::move(body));
  return send(std::move(request));
}

Task<Reply> Client::ask(OwnedRequest request) {
  const Request view = request.view();
  if (view.body().size() > options_.body_limit) {
    Response refused = Response::json(R"({"detail":"Content Too Large"})", 413);
    co_return Reply{std::move(refused), view.method()};
  }
  Asking asking{service_, view};
  Response response = co_await asking;
  co_return Reply{std::move(response), view.method()};
}

}  // namespace umbel::loopback
