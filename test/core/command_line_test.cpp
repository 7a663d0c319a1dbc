// SPDX-License-Identifier: MIT
#include "umbel/core/command_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace umbel {
namespace {

std::string target(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "program");
  return std::string{command_line(static_cast<int>(arguments.size()), arguments.data()).view().target()};
}

TEST(CommandLine, IsARequestOfWordsAndOptions) {
  EXPECT_EQ(target({}), "/");
  EXPECT_EQ(target({"items", "7", "--color=red", "--verbose"}), "/items/7?color=red&verbose=true");
  EXPECT_EQ(target({"list", "--limit", "5", "--all", "--name", "x"}), "/list?limit=5&all=true&name=x");
  EXPECT_EQ(target({"list", "--limit=", "5"}), "/list/5?limit=");
  EXPECT_EQ(target({"list", "--tag=a", "--tag=b"}), "/list?tag=a&tag=b");
}

TEST(CommandLine, TakesWordsOnlyBehindTwoDashes) {
  EXPECT_EQ(target({"list", "--", "--strange", "--limit=5"}), "/list/--strange/--limit%3D5");
}

TEST(CommandLine, EncodesWhatARequestCannotCarry) {
  EXPECT_EQ(target({"a b", "c/d?e", "--q=50% \xC3\xBC&x=1", "--we ird=1"}),
            "/a%20b/c%2Fd%3Fe?q=50%25%20%C3%BC%26x%3D1&we%20ird=1");
}

TEST(CommandLine, IsAGet) {
  const char* const arguments[] = {"program", "list"};
  EXPECT_EQ(command_line(2, arguments).view().method(), Method::get);
  EXPECT_EQ(command_line(0, nullptr).view().target(), "/");
}

}  // namespace
}  // namespace umbel
