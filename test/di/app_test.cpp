// SPDX-License-Identifier: MIT
#include "umbel/di/app.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "journal.hpp"

namespace umbel::test {
namespace {

TEST(App, IsDestroyedInReverseOrderOfGiving) {
  journal().take();
  struct One {
    explicit One(std::string n) : name(std::move(n)) {}
    One(One&& other) noexcept : name(std::exchange(other.name, {})) {}
    ~One() {
      if (!name.empty()) journal().write("~" + name);
    }
    std::string name;
  };
  {
    App app;
    app.state(One{"first"}).state<"b">(One{"second"}).state<"c">(One{"third"});
  }

  EXPECT_EQ(journal().take(), "~third ~second ~first");
}

}  // namespace
}  // namespace umbel::test
