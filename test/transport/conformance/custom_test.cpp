// SPDX-License-Identifier: MIT
// The conformance kit against examples/custom_transport, which was written from docs/transports.md.
#include <cctype>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../../../examples/custom_transport/mailbox.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/transport_conformance.hpp"

namespace umbel {
namespace {

// [harness]
class Harness final : public testing::TransportHarness {
public:
  Harness(Service& service, const Limits& limits)
      : box_(service, port_.context(), {.in_flight = limits.in_flight, .body = limits.body}) {}

  Transport& transport() override { return box_; }
  Context& context() override { return port_.context(); }
  void start() override { box_.start(); }
  void turn() override { port_.context().run_ready(); }
  std::unique_ptr<Peer> connect() override { return std::make_unique<Sender>(box_); }

private:
  class Sender final : public Peer {
  public:
    explicit Sender(mailbox::Mailbox& box) : box_(box) {}

    void ask(const Question& question) override {
      question_ = question;
      body_.clear();
    }
    void send(std::string_view piece) override { body_ += piece; }
    void end(const Fields&) override {
      OwnedRequest request{method_from(question_.method), question_.target};
      for (const auto& [name, value] : question_.headers) request.header(name, value);
      request.body(body_);
      mailbox::Letter letter{std::move(request), [got = got_](mailbox::Reply reply) { *got = std::move(reply); }};
      if (question_.patience.count() > 0) letter.deadline = Clock::now() + question_.patience;
      box_.deliver(std::move(letter));
    }
    std::size_t unsent() const override { return 0; }
    void receive(Answer& answer) override {
      if (!*got_) return;
      answer.status = (*got_)->status;
      answer.body = (*got_)->body;
      for (std::string_view lines = (*got_)->headers; !lines.empty(); lines.remove_prefix(lines.find('\n') + 1)) {
        std::string name{lines.substr(0, lines.find(':'))};
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        const std::size_t value = name.size() + 2;
        answer.headers.emplace_back(name, lines.substr(value, lines.find('\r') - value));
      }
      answer.is_complete = answer.status != 0;
      answer.is_broken = answer.status == 0;
      got_->reset();
    }

  private:
    mailbox::Mailbox& box_;
    Question question_;
    std::string body_;
    // The reply may come when we are gone.
    std::shared_ptr<std::optional<mailbox::Reply>> got_ = std::make_shared<std::optional<mailbox::Reply>>();
  };

  ThreadPool pool_;
  BlockingPort port_{pool_};
  mailbox::Mailbox box_;
};

const bool mailbox_conforms = testing::check_transport<Harness>("Mailbox");
// [harness]

}  // namespace
}  // namespace umbel
