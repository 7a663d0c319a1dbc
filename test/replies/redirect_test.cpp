// SPDX-License-Identifier: MIT
#include "umbel/core/redirect.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace umbel {
namespace {

using namespace std::string_view_literals;

TEST(Redirect, Is307UnlessTold) {
  const Response response = Redirect{"/items/7"}.respond(Request{});

  EXPECT_EQ(response.status(), 307);
  EXPECT_EQ(response.header("location"), "/items/7");
  EXPECT_EQ(response.body(), "");
}

TEST(Redirect, TakesTheFiveStatusesThatLeadElsewhere) {
  for (const int status : {301, 302, 303, 307, 308})
    EXPECT_EQ(Redirect("/", status).respond(Request{}).status(), status);
  for (const int status : {0, 200, 300, 304, 305, 306, 309, 400})
    EXPECT_THROW(Redirect("/", status), std::invalid_argument);
}

TEST(Redirect, EncodesWhatNoUriMayHave) {
  EXPECT_EQ(Redirect("/a b?q=\"x\"<y>").location(), "/a%20b?q=%22x%22%3Cy%3E");
  EXPECT_EQ(Redirect("/m\xC3\xA4rz").location(), "/m%C3%A4rz");
  EXPECT_EQ(Redirect("https://example.org:8/a%20b?c=d&e=f#g[1]@!$'()*+,;~").location(),
            "https://example.org:8/a%20b?c=d&e=f#g[1]@!$'()*+,;~");
}

TEST(Redirect, CannotSplitTheReply) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string location = std::string{"/"} + static_cast<char>(byte) + "set-cookie: a=b";
    const Redirect redirect{location};
    for (const char c : redirect.location()) EXPECT_TRUE(c > ' ' && c < 0x7f) << byte;
  }
  EXPECT_EQ(Redirect("/\r\nx: y\0z"sv).location(), "/%0D%0Ax:%20y%00z");
}

TEST(Redirect, HasALocation) { EXPECT_THROW(Redirect(""), std::invalid_argument); }

}  // namespace
}  // namespace umbel
