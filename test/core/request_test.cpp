// SPDX-License-Identifier: MIT
#include "umbel/core/request.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace umbel {
namespace {

TEST(Method, NamesAndTextAreInverse) {
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::delete_,
                              Method::options, Method::connect, Method::trace}) {
    EXPECT_EQ(method_from(to_string(method)), method);
  }
}

TEST(Method, IsCaseSensitiveAndEveryOtherTokenIsOther) {
  EXPECT_EQ(method_from("get"), Method::other);
  EXPECT_EQ(method_from("OTHER"), Method::other);
  EXPECT_EQ(method_from("PROPFIND"), Method::other);
  EXPECT_EQ(method_from(""), Method::other);
}

TEST(EqualIgnoringCase, ComparesAsciiOnly) {
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));  // They differ by the same bit as letters do.
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
}

TEST(EqualIgnoringCase, LooksAtEveryByte) {
  const auto is_letter = [](int c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  for (std::size_t size = 1; size <= 25; ++size)
    for (std::size_t place = 0; place < size; ++place)
      for (int byte = 0; byte < 256; ++byte) {
        std::vector<char> a(size, 'x');  // On the heap and exactly as long, for AddressSanitizer.
        std::vector<char> b(size, 'X');
        a[place] = static_cast<char>(byte);
        b[place] = static_cast<char>(byte ^ 0x20);
        const std::string_view text(a.data(), size);
        const std::string_view other(b.data(), size);
        ASSERT_EQ(equal_ignoring_case(text, other), is_letter(byte)) << text << ' ' << other;
        b[place] = static_cast<char>(byte);
        ASSERT_TRUE(equal_ignoring_case(text, other));
        b[place] = static_cast<char>(byte ^ 0x01);
        ASSERT_FALSE(equal_ignoring_case(text, other));
      }
}

TEST(Headers, FindsTheFirstFieldOfANameWhateverItsCase) {
  const std::array<HeaderField, 3> fields{{{"Host", "a"}, {"X-Token", "one"}, {"x-token", "two"}}};
  const Headers headers{fields};

  EXPECT_EQ(headers.get("x-TOKEN"), "one");
  EXPECT_EQ(headers.find("X-Token"), &fields[1]);
  EXPECT_EQ(headers.get("x-toke"), std::nullopt);
  EXPECT_EQ(headers.size(), 3u);
}

TEST(Request, SplitsItsTargetAtTheFirstQuestionMark) {
  const Request request{Method::get, "/a/b?x=1?y", {}};

  EXPECT_EQ(request.target(), "/a/b?x=1?y");
  EXPECT_EQ(request.path(), "/a/b");
  EXPECT_EQ(request.query(), "x=1?y");
  EXPECT_EQ((Request{Method::get, "/a", {}}.query()), "");
  EXPECT_EQ((Request{Method::get, "/a?", {}}.path()), "/a");
}

TEST(Request, MovesPartsOfItsPathToTheRoot) {
  Request request{Method::get, "/a/b/c?x=1", {}};

  request.enter(2);
  EXPECT_EQ(request.root(), "/a");
  EXPECT_EQ(request.path(), "/b/c");
  request.enter(4);

  EXPECT_EQ(request.root(), "/a/b/c");
  EXPECT_EQ(request.path(), "/") << "nothing is left";
  EXPECT_EQ(request.query(), "x=1");
  EXPECT_EQ(request.target(), "/a/b/c?x=1");
}

TEST(OwnedRequest, KeepsTheRootOfWhatItCopies) {
  Request request{Method::get, "/a/b", {}};
  request.enter(2);

  OwnedRequest copy{Method::get, "/"};
  copy = OwnedRequest{request};

  EXPECT_EQ(copy.view().root(), "/a");
  EXPECT_EQ(copy.view().path(), "/b");
  request.enter(2);
  EXPECT_EQ(OwnedRequest{request}.view().path(), "/");
}

TEST(OwnedRequest, KeepsItsTextWhileItIsMovedAndGrows) {
  OwnedRequest request{Method::post, "/i?q=1"};
  for (int i = 0; i < 100; ++i) request.header("x-" + std::to_string(i), std::to_string(i));
  request.body("body");

  const OwnedRequest moved{std::move(request)};
  const Request view = moved.view();

  EXPECT_EQ(view.method(), Method::post);
  EXPECT_EQ(view.path(), "/i");
  EXPECT_EQ(view.body(), "body");
  EXPECT_EQ(view.headers().size(), 100u);
  EXPECT_EQ(view.header("x-42"), "42");
}

TEST(OwnedRequest, AViewOutlivesAMoveOfItsOwner) {
  OwnedRequest request{Method::get, "/s"};
  request.header("a", "b").body("c");
  const Request view = request.view();

  const OwnedRequest moved{std::move(request)};

  EXPECT_EQ(view.target(), "/s");
  EXPECT_EQ(view.body(), "c");
}

TEST(OwnedRequest, CopiesEverythingThatARequestRefersTo) {
  std::string target = "/x", value = "v", body = "b";
  const std::array<HeaderField, 1> fields{{{"n", value}}};
  const OwnedRequest owned{Request{Method::put, target, Headers{fields}, body}};
  target = value = body = "?";

  const OwnedRequest copy = owned;
  OwnedRequest assigned{Method::get, "/"};
  assigned = copy;

  for (const OwnedRequest* request : {&owned, &copy, &std::as_const(assigned)}) {
    EXPECT_EQ(request->view().method(), Method::put);
    EXPECT_EQ(request->view().target(), "/x");
    EXPECT_EQ(request->view().header("N"), "v");
    EXPECT_EQ(request->view().body(), "b");
  }
}

}  // namespace
}  // namespace umbel
