// SPDX-License-Identifier: MIT
// What a request takes from the heap in the steady state: nothing.
#include <gtest/gtest.h>

#include <string>

#include "../support/allocations.hpp"
#include "peer.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/engine.hpp"

namespace umbel::test {
namespace {

template <int n>
struct Ready {
  static Task<int> node(Depends<Ready<n - 1>::node> before, Query<"q", int> q) { co_return *before + *q; }
};
template <>
struct Ready<0> {
  static Task<int> node(Header<"x-token"> token) { co_return static_cast<int>(token->size()); }
};
Task<Response> of_ready_nodes(Path<"id", int> id, Depends<Ready<6>::node> last) {
  co_return Response::text(*id + *last > 0 ? "positive" : "negative");
}

template <int n>
struct Plain {
  static int node(Depends<Plain<n - 1>::node> before) { return *before + 1; }
};
template <>
struct Plain<0> {
  static int node(Path<"id", int> id) { return *id; }
};
Response of_plain_nodes(Depends<Plain<6>::node> last) { return Response::text(*last > 0 ? "positive" : "negative"); }

int tenfold(Path<"id", int> id) { return *id * 10; }
Task<Response> of_mixed_nodes(Depends<Ready<2>::node> one, Depends<Plain<2>::node> two,
                              Depends<on_loop<tenfold>> three) {
  co_return Response::text(*one + *two + *three > 0 ? "positive" : "negative");
}

Task<int> ask(Engine& engine, const Request& request, int times) {
  int ok = 0;
  for (int i = 0; i < times; ++i) {
    const Response response = co_await engine.handle(request);
    ok += response.body() == "positive";
  }
  co_return ok;
}

class Heap : public ::testing::Test {
protected:
  /// Allocations of 1000 requests to `path`, when many have gone before.
  std::size_t allocations_of(std::string path) {
    App app;
    app.get("/ready/{id}", of_ready_nodes);
    app.get("/plain/{id}", of_plain_nodes);
    app.get("/mixed/{id}", of_mixed_nodes);
    ThreadPool pool{{.threads = 1}};
    BlockingPort port{pool};
    Engine engine{app, port.context()};
    OwnedRequest request{Method::get, path + "/42?q=%37"};
    request.header("x-token", "fake");
    const Request view = request.view();
    EXPECT_EQ(port.run(ask(engine, view, 200)), 200);

    const std::size_t before = allocations();
    const int ok = port.run(ask(engine, view, 1000));
    const std::size_t after = allocations();

    EXPECT_EQ(ok, 1000);
    return after - before;
  }
};

TEST_F(Heap, IsNotTouchedByAGraphOf8ReadyCoroutines) {
  if (!blocks_are_recycled) GTEST_SKIP() << "AddressSanitizer wants every block from the heap";
  EXPECT_EQ(allocations_of("/ready"), 0u);
}

TEST_F(Heap, IsNotTouchedByAChainOf8PlainNodes) {
  if (!blocks_are_recycled) GTEST_SKIP() << "AddressSanitizer wants every block from the heap";
  EXPECT_EQ(allocations_of("/plain"), 0u);
}

TEST_F(Heap, IsNotTouchedByAMixedGraph) {
  if (!blocks_are_recycled) GTEST_SKIP() << "AddressSanitizer wants every block from the heap";
  EXPECT_EQ(allocations_of("/mixed"), 0u);
}

}  // namespace
}  // namespace umbel::test
