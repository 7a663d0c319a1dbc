// SPDX-License-Identifier: MIT
#include "umbel/core/media_type.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace umbel {
namespace {

int wanted(std::string accept, std::string_view type) {
  OwnedRequest request{Method::get, "/"};
  request.header("Accept", accept);
  return acceptance(request.view(), type);
}

TEST(MediaType, IsKnownByTheExtension) {
  EXPECT_EQ(media_type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("a/b.c/PHOTO.JPG"), "image/jpeg");
  EXPECT_EQ(media_type_of("site.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of("app.wasm"), "application/wasm");
  EXPECT_EQ(media_type_of("a.7z"), "application/x-7z-compressed");
  EXPECT_EQ(media_type_of("a.zst"), "application/zstd");
  for (const char* name : {"", "README", "a.b/README", ".", "x.", "x.unknown", "x.an_extension_that_is_long"})
    EXPECT_EQ(media_type_of(name), "application/octet-stream") << name;
}

TEST(Accept, TakesEverythingIfItIsNotSent) { EXPECT_EQ(acceptance(Request{}, "text/html"), 1000); }

TEST(Accept, GoesByTheMostSpecificRange) {
  // RFC 9110 section 12.5.1.
  const std::string example =
      "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, "
      "*/*;q=0.5";
  EXPECT_EQ(wanted(example, "text/plain;format=flowed"), 1000);
  EXPECT_EQ(wanted(example, "text/plain"), 700);
  EXPECT_EQ(wanted(example, "text/html"), 300);
  EXPECT_EQ(wanted(example, "image/jpeg"), 500);
  EXPECT_EQ(wanted(example, "text/plain; format=fixed"), 400);
  EXPECT_EQ(wanted("text/html, */*;q=0", "image/png"), 0);
  EXPECT_EQ(wanted("text/html;q=0, */*", "text/html"), 0);
  EXPECT_EQ(wanted("TEXT/HTML", "text/html; charset=utf-8"), 1000);
}

TEST(Accept, ReadsWeights) {
  EXPECT_EQ(wanted("a/b;q=0.001", "a/b"), 1);
  EXPECT_EQ(wanted("a/b ; Q=0.25 ; ext=1", "a/b"), 250);
  EXPECT_EQ(wanted("a/b;q=1.000", "a/b"), 1000);
  EXPECT_EQ(wanted("a/b;q=1.", "a/b"), 1000);
  EXPECT_EQ(wanted(R"(a/b;x="1,2;q=0";q=0.5, c/d)", "a/b;x=\"1,2;q=0\""), 500);
}

TEST(Accept, PassesOverWhatIsMalformed) {
  for (const char* accept :
       {"a/b;q=2", "a/b;q=1.001", "a/b;q=0.0001", "a/b;q=x", "a/b;q=", "a/b;q=-1", "/", "a", "a/", "*/b"})
    EXPECT_EQ(wanted(accept, "a/b"), 0) << accept;
  EXPECT_EQ(wanted("a/b;q=x, a/*;q=0.5", "a/b"), 500);
  EXPECT_EQ(wanted(" , ,", "a/b"), 1000);
  EXPECT_EQ(wanted("a/b;x=\"\\", "a/b;x=1"), 0);
}

TEST(Accept, ChoosesWhatIsWantedMost) {
  const std::vector<std::string_view> offered{"application/json", "text/html", "text/csv"};
  const auto chosen = [&](std::string accept) {
    OwnedRequest request{Method::get, "/"};
    request.header("Accept", accept);
    return choose_media_type(request.view(), offered);
  };

  EXPECT_EQ(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), 1u);
  EXPECT_EQ(chosen("*/*"), 0u);
  EXPECT_EQ(chosen("text/*"), 1u);
  EXPECT_EQ(chosen("text/csv, text/html;q=0.9"), 2u);
  EXPECT_EQ(chosen("image/png"), std::nullopt);
  EXPECT_EQ(chosen("application/json;q=0"), std::nullopt);
  EXPECT_EQ(choose_media_type(Request{}, offered), 0u);
}

TEST(Accept, OfAnySizeIsReadInOneGo) {
  std::string accept;
  for (int i = 0; i < 50'000; ++i) accept += "a/b;q=\"\\\",";

  EXPECT_EQ(wanted(accept, "x/y"), 0);
}

}  // namespace
}  // namespace umbel
