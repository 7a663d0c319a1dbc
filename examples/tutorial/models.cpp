// SPDX-License-Identifier: MIT
// docs/models.md.
#include <umbel/json/tag.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "show.hpp"

using namespace umbel;

enum class Size { small, large };

struct Card {
  Tag<"card"> kind;
  Text<pattern<"^[0-9]{4}$">> last_digits;
};
struct Transfer {
  Tag<"transfer"> kind;
  std::string iban;
};

struct Line {
  std::string title;
  Bounded<int, ge<1>, le<100>> count;
  Defaulted<Size> size = Size::small;
};

struct Order {
  Text<min_length<1>, max_length<80>> customer;
  std::optional<std::string> note;
  std::chrono::year_month_day wanted;
  Constrained<std::vector<Line>, min_length<1>> lines;
  std::variant<Card, Transfer> payment;
};

Created<Order> create_order(Body<Order> order) { return Created<Order>{*order}.header("location", "/orders/7"); }

struct Stay {
  int from;
  int until;
};

std::optional<std::string> validate(const Stay& stay) {
  if (stay.until < stay.from) return "until lies before from";
  return std::nullopt;
}

NoContent book(Body<Stay, "stay"> stay, Body<std::string, "guest"> guest) {
  static_cast<void>(stay->from), static_cast<void>(guest->size());
  return {};
}

struct Mail {
  std::string sender;
  int priority = 0;
};

template <>
struct umbel::ModelTraits<Mail> {
  using Members = MemberList<Member<"from", &Mail::sender>, Member<"x-priority", &Mail::priority>>;
  static constexpr bool forbids_extra = true;
};

std::map<std::string, Mail> inbox(Body<std::vector<Mail>> mails) {
  std::map<std::string, Mail> first;
  for (const Mail& mail : *mails) first.try_emplace(mail.sender, mail);
  return first;
}

namespace {

void post(loopback::Client& client, std::string target, std::string body) {
  tutorial::print("POST " + target + "  " + body);
  OwnedRequest request{Method::post, std::move(target)};
  request.header("content-type", "application/json").body(std::move(body));
  const auto reply = client.send(std::move(request));
  tutorial::print("  -> " + std::to_string(reply.status()) + (reply.body().empty() ? "" : " " + reply.body()));
}

}  // namespace

int main() {
  App app;
  app.post("/orders", create_order);
  app.post("/stays", book);
  app.post("/inbox", inbox);

  loopback::Client client{app};
  post(client, "/orders",
       R"({"customer":"Ann","wanted":"2026-12-24","lines":[{"title":"lamp","count":2}],)"
       R"("payment":{"kind":"card","last_digits":"4711"}})");
  post(client, "/orders",
       R"({"customer":"","wanted":"soon","lines":[{"title":"lamp","count":0}],"payment":{"kind":"cash"}})");
  post(client, "/stays", R"({"stay":{"from":3,"until":2},"guest":"Ann"})");
  post(client, "/inbox", R"([{"from":"ann","x-priority":1,"to":"bob"}])");
  post(client, "/inbox", R"([{"from":"ann","x-priority":1}])");
}
