// SPDX-License-Identifier: MIT
#include "umbel/core/request_id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "umbel/di/access_log.hpp"
#include "umbel/di/app.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

class RequestIds : public ::testing::Test {
protected:
  RequestIds() {
    app.around(RequestId{});
    app.get("/", [](Header<"x-request-id"> id, Header<"x-other", std::string_view, default_to<"-">> other,
                    const Request& request) {
      return std::string{*id} + " " + std::string{*other} + " " + std::to_string(request.headers().size());
    });
    app.post("/", [](Body<> body, Header<"x-request-id">) { return std::string{*body}; });
    app.get("/fails", []() -> std::string { throw HttpError{409}; });
  }
  loopback::Reply ask(const std::vector<std::string>& ids, std::string target = "/") {
    OwnedRequest request{Method::get, std::move(target)};
    for (const std::string& id : ids) request.header("x-request-ID", id);
    request.header("x-other", "kept");
    return loopback::Client{app}.send(std::move(request));
  }
  static std::string id_of(const loopback::Reply& reply) {
    return std::string{reply.header("x-request-id").value_or("")};
  }

  App app;
};

TEST_F(RequestIds, AreTakenOverIfTheyAreWellFormed) {
  const std::vector<std::string> ids{"a", "7f3c-42", "Root=1-67891233-abcdef01:x/y+z_w.v", std::string(128, 'x')};
  for (const std::string& id : ids) {
    const auto reply = ask({id});
    EXPECT_EQ(id_of(reply), id);
    EXPECT_EQ(reply.body(), id + " kept 2");
  }
}

TEST_F(RequestIds, AreMadeOtherwise) {
  std::set<std::string> seen;
  for (const std::string& id :
       {std::string{}, std::string(129, 'x'), std::string{"a b"}, std::string{"a\"b"}, std::string{"a\x80"},
        std::string{"a;b"}, std::string{"<script>"}, std::string{"a%0a"}}) {
    const auto reply = ask({id});
    const std::string made = id_of(reply);
    EXPECT_EQ(made.size(), 32u);
    EXPECT_EQ(made.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(reply.body(), made + " kept 2") << "in place of what was sent";
    EXPECT_TRUE(seen.insert(made).second);
  }
  const auto reply = ask({});
  EXPECT_EQ(reply.body(), id_of(reply) + " kept 2");
}

TEST_F(RequestIds, AreInErrorsAndInWhatNoRouteAnswers) {
  EXPECT_EQ(id_of(ask({"a"}, "/fails")), "a");
  EXPECT_EQ(id_of(ask({"a"}, "/none")), "a");
  EXPECT_EQ(id_of(ask({}, "/none")).size(), 32u);
}

TEST_F(RequestIds, LeaveTheBodyWhereItIs) { EXPECT_EQ(loopback::Client{app}.post("/", "a body").body(), "a body"); }

TEST_F(RequestIds, AreKeptInMountedApps) {
  App outer;
  App inner;
  inner.around(RequestId{"trace"});
  inner.get("/x", [](const Request& request) { return std::string{request.root()} + std::string{request.path()}; });
  outer.mount("/in", inner);

  const auto reply = loopback::Client{outer}.get("/in/x");
  EXPECT_EQ(reply.body(), "/in/x");
  EXPECT_EQ(reply.header("trace").value_or("").size(), 32u);
}

TEST_F(RequestIds, AreInTheAccessLogIfItIsTold) {
  std::vector<std::string> lines;
  AccessLog log{[&](std::string_view line) { lines.emplace_back(line); }};
  app.observe(log.with_request_ids());

  ask({"abc-1"});
  const std::string made = id_of(ask({}));

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].ends_with(" request_id=\"abc-1\"")) << lines[0];
  EXPECT_TRUE(lines[1].ends_with(" request_id=\"" + made + "\"")) << lines[1];
}

TEST_F(RequestIds, NeedTheNameOfAHeader) { EXPECT_THROW(RequestId{"a b"}, std::invalid_argument); }

}  // namespace
}  // namespace umbel::test
