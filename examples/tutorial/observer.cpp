// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

using namespace umbel;
using namespace std::chrono_literals;

/// What the client is not told, and what every reply was.
class Log : public Observer {
public:
  void node_failed(const Failure& failure) noexcept override {
    tutorial::print("  log: " + std::string{failure.route} + ", " + std::string{failure.node} + ": " +
                    failure.error.message());
  }
  void replied(const ReplyEvent& reply) noexcept override {
    tutorial::print("  log: " + std::string{reply.route} + " " + std::to_string(reply.status));
  }
  void late_error(const LateError& late) noexcept override {
    tutorial::print("  log: too late for the client: " + late.error.message());
  }
  Duration blocked_after() const noexcept override { return 100ms; }  // A node that keeps the loop longer is named:
  void loop_blocked(const BlockedEvent& blocked) noexcept override {
    tutorial::print("  log: " + std::string{blocked.node} + " blocks the loop");
  }
};

Task<int> load() { throw std::runtime_error{"disk 3 is full"}; }
Task<std::string> show_item(Depends<load> number) { co_return std::to_string(*number); }

int main() {
  Log log;
  App app;
  app.observe(log);
  app.get("/item", show_item);

  loopback::Client client{app};
  tutorial::show(client, "/item");
}
