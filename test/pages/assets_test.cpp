// SPDX-License-Identifier: MIT
#include "assets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "umbel/testing/manual_port.hpp"

namespace umbel::test {
namespace {

using detail::accepts_gzip;
using detail::Asset;
using detail::find_asset;
using detail::reply_with;

class Asked {
public:
  explicit Asked(std::vector<HeaderField> fields) : fields_(std::move(fields)) {}
  operator Request() const { return Request{Method::get, "/", Headers{fields_}}; }

private:
  std::vector<HeaderField> fields_;
};

bool takes_gzip(std::string_view value) { return accepts_gzip(Asked{{{"Accept-Encoding", value}}}); }

TEST(Assets, GzipIsSentToWhoAcceptsIt) {
  EXPECT_TRUE(takes_gzip("gzip"));
  EXPECT_TRUE(takes_gzip("GZip"));
  EXPECT_TRUE(takes_gzip("br, gzip;q=0.5"));
  EXPECT_TRUE(takes_gzip("deflate , \tgzip ; q=1"));
  EXPECT_TRUE(takes_gzip("*"));
  EXPECT_TRUE(takes_gzip("gzip;q=0.001"));
}

TEST(Assets, GzipIsNotSentToWhoDoesNot) {
  EXPECT_FALSE(accepts_gzip(Asked{{}}));
  EXPECT_FALSE(takes_gzip(""));
  EXPECT_FALSE(takes_gzip("br"));
  EXPECT_FALSE(takes_gzip("gzip;q=0"));
  EXPECT_FALSE(takes_gzip("gzip; q=0.000"));
  EXPECT_FALSE(takes_gzip("*;q=0"));
  EXPECT_FALSE(takes_gzip("gzip;q=0, *"));
  EXPECT_FALSE(takes_gzip("xgzip"));
}

TEST(Assets, EncodingsOfSeveralFieldsAreOneList) {
  EXPECT_TRUE(accepts_gzip(Asked{{{"accept-encoding", "br"}, {"accept-encoding", "gzip"}}}));
}

/// "swagger-ui.css" -> that with the part that changes.
const Asset& asset(std::string_view page, std::string_view stem, std::string_view suffix) {
  const std::string_view text = find_asset(page)->bytes;
  for (std::size_t at = text.find(stem); at != text.npos; at = text.find(stem, at + 1)) {
    const std::string_view name = text.substr(at, text.find('"', at) - at);
    if (name.ends_with(suffix)) return *find_asset(name);
  }
  throw std::logic_error{"the page does not name it"};
}

TEST(Assets, EachThatAPageNamesIsThere) {
  for (const std::string_view page : {"docs.html", "graph.html"}) {
    const std::string_view text = find_asset(page)->bytes;
    std::size_t found = 0;
    for (std::size_t at = text.find("/files/"); at != text.npos; at = text.find("/files/", at + 1)) {
      const std::size_t begin = at + 7;
      const std::string_view name = text.substr(begin, text.find('"', begin) - begin);
      EXPECT_NE(find_asset(name), nullptr) << name;
      ++found;
    }
    EXPECT_GE(found, 6u);
  }
  EXPECT_EQ(find_asset("page.css"), nullptr);
}

std::string sent(Response response) {
  BodySource* const source = response.source();
  if (!source) return std::string{response.body()};
  std::string text;
  std::string_view chunk;
  Work ready{[](Work&) noexcept {}};
  testing::ManualPort port;
  while (source->pull(port.context(), chunk, ready) == Pulled::chunk) text += chunk;
  return text;
}

TEST(Assets, AreSentAsTheyAre) {
  const Asset& script = asset("docs.html", "swagger-ui.", ".js");
  Response response = reply_with(script, Asked{{}});

  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.content_type(), "text/javascript; charset=utf-8");
  EXPECT_FALSE(response.header("content-encoding"));
  EXPECT_EQ(response.source()->size(), script.bytes.size());
  EXPECT_EQ(sent(std::move(response)), script.bytes);
}

TEST(Assets, AreSentPackedWithATagOfTheirOwn) {
  const Asset& script = asset("docs.html", "swagger-ui.", ".js");
  Response plain = reply_with(script, Asked{{}});
  Response packed = reply_with(script, Asked{{{"accept-encoding", "gzip"}}});

  EXPECT_EQ(packed.header("content-encoding"), "gzip");
  EXPECT_EQ(packed.header("vary"), "accept-encoding");
  EXPECT_NE(packed.header("etag"), plain.header("etag"));
  EXPECT_LT(script.packed.size(), script.bytes.size() / 2);
  EXPECT_EQ(sent(std::move(packed)), script.packed);
}

TEST(Assets, WhoHasThemIsToldSo) {
  const Asset& sheet = asset("docs.html", "page.", ".css");
  const std::string other_and_it = "\"other\", W/" + std::string{sheet.etag};

  EXPECT_EQ(reply_with(sheet, Asked{{{"if-none-match", sheet.etag}}}).status(), 304);
  EXPECT_EQ(reply_with(sheet, Asked{{{"if-none-match", other_and_it}}}).status(), 304);
  EXPECT_EQ(reply_with(sheet, Asked{{{"if-none-match", "*"}}}).status(), 304);
  EXPECT_EQ(reply_with(sheet, Asked{{{"if-none-match", "\"other\""}}}).status(), 200);
  EXPECT_EQ(reply_with(sheet, Asked{{{"if-none-match", sheet.packed_etag}}}).status(), 200);
}

}  // namespace
}  // namespace umbel::test
