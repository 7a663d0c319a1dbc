// SPDX-License-Identifier: MIT
#include "multipart.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace umbel::detail {
namespace {

/// What the reader tells of a body in pieces of that size: `[name|file|type]contents.`, `END`, `WRONG`.
std::string told(std::string_view body, std::size_t size, std::size_t head_limit = 4096) {
  MultipartReader reader{"b", head_limit};
  std::string text;
  while (!body.empty()) {
    const std::string piece{body.substr(0, size)};  // So that a sanitizer sees what is read behind it.
    body.remove_prefix(piece.size());
    reader.feed(piece);
    for (PartEvent event = reader.next(); event != PartEvent::more; event = reader.next()) {
      if (event == PartEvent::wrong) return text + "WRONG";
      if (event == PartEvent::nameless) return text + "NAMELESS";
      if (event == PartEvent::end) text += "END";
      if (event == PartEvent::part) text += '.';
      if (event == PartEvent::data) text += reader.data();
      if (event != PartEvent::head) continue;
      const PartHead& head = reader.head();
      text += '[' + head.name + '|' + head.file_name.value_or("-") + '|' + head.content_type + ']';
    }
  }
  return reader.is_complete() ? text : text + "OPEN";
}

/// The same, however it is cut.
std::string told(std::string_view body) {
  const std::string whole = told(body, body.size());
  for (std::size_t size = 1; size < body.size(); ++size) EXPECT_EQ(told(body, size), whole) << "pieces of " << size;
  return whole;
}

const std::string field = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";

TEST(Multipart, HasPartsWithNames) {
  EXPECT_EQ(told(field + "one\r\n--b--\r\n"), "[a|-|]one.END");
  EXPECT_EQ(told(field + "one\r\n" + field + "two\r\n--b--"), "[a|-|]one.[a|-|]two.END");
  EXPECT_EQ(told("--b--"), "END") << "none at all";
}

TEST(Multipart, HasFilesWithNamesAndTypes) {
  EXPECT_EQ(told("--b\r\ncontent-type: text/plain; charset=utf-8\r\n"
                 "CONTENT-DISPOSITION: Form-Data ;name=a; FileName=\"x y.txt\"\r\nX-Other: 1\r\n\r\nabc\r\n--b--\r\n"),
            "[a|x y.txt|text/plain; charset=utf-8]abc.END");
  EXPECT_EQ(told("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\n\r\n--b--"), "[a||].END");
}

TEST(Multipart, MayBeginAndEndWithWhatNobodyReads) {
  EXPECT_EQ(told("This is MIME.\r\n" + field + "x\r\n--b--"), "[a|-|]x.END");
  EXPECT_EQ(told("\r\n" + field + "x\r\n--b--\r\n--b\r\nnonsense"), "[a|-|]x.END");
  EXPECT_EQ(told("-" + field), "OPEN") << "a delimiter stands at the begin of a line";
}

TEST(Multipart, HasContentsThatLookLikeDelimiters) {
  for (const std::string text : {"\r", "\n", "\r\n", "\r\n-", "\r\n--", "\r\n--c", "\r\r\n--", "\r\n--\r\n--\r\n-",
                                 "--b", "x--b--", "\r\r\r\r\n\n\n", "\r\n-\r\n--a\r\n"}) {
    EXPECT_EQ(told(field + text + "\r\n--b--"), "[a|-|]" + text + ".END");
  }
  EXPECT_EQ(told(field + "\r\n--b--"), "[a|-|].END") << "nothing at all";
}

TEST(Multipart, HasSpaceBehindADelimiter) {  // RFC 2046 section 5.1.1: transport padding.
  EXPECT_EQ(told("--b \t \r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--  "), "[a|-|]x.END");
  EXPECT_EQ(told(std::string("--b") + std::string(5000, ' ') + "\r\n", 100), "WRONG");
}

TEST(Multipart, HasNamesInQuotes) {
  const auto name = [](const std::string& written) {
    return told("--b\r\nContent-Disposition: form-data; name=" + written + "\r\n\r\n\r\n--b--");
  };
  EXPECT_EQ(name(R"("a\"b")"), R"([a"b|-|].END)");
  EXPECT_EQ(name(R"("C:\dir\x\\y")"), R"([C:\dir\x\y|-|].END)");
  EXPECT_EQ(name(R"("a;b=c")"), "[a;b=c|-|].END");
  EXPECT_EQ(name("\"\xc3\xa9\""), "[\xc3\xa9|-|].END");
  EXPECT_EQ(name(R"("")"), "[|-|].END");
  EXPECT_EQ(name(R"("a%22b")"), "[a%22b|-|].END") << "as it was sent";
}

TEST(Multipart, HasFileNamesAsTheyWereSent) {  // RFC 7578 section 4.2: there is no filename*.
  const auto name = [](const std::string& written) {
    return told("--b\r\nContent-Disposition: form-data; name=f; " + written + "\r\n\r\n\r\n--b--");
  };
  EXPECT_EQ(name(R"(filename="../../etc/passwd")"), "[f|../../etc/passwd|].END");
  EXPECT_EQ(name(R"(filename="C:\temp\a.txt")"), R"([f|C:\temp\a.txt|].END)");
  EXPECT_EQ(name(R"(filename="say \"hi\".txt")"), R"([f|say "hi".txt|].END)");
  EXPECT_EQ(name("filename=\"\xc3\xa9.txt\""), "[f|\xc3\xa9.txt|].END");
  EXPECT_EQ(name("filename=plain; filename*=UTF-8''%C3%A9"), "[f|plain|].END");
  EXPECT_EQ(name("filename*=UTF-8''%C3%A9"), "[f|-|].END") << "a text";
}

TEST(Multipart, WithoutANameIsToldApart) {
  EXPECT_EQ(told("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"), "NAMELESS");
  EXPECT_EQ(told("--b\r\n\r\nx\r\n--b--"), "NAMELESS");
  EXPECT_EQ(told("--b\r\nContent-Disposition: form-data; filename=x\r\n\r\nx\r\n--b--"), "NAMELESS");
}

TEST(Multipart, ThatIsMalformedIsWrong) {
  for (const std::string body :
       {"--bx\r\n",
        "--b\r\r\n",
        "--b\n",
        "--b-x",
        "--b -",
        "--b\r\nno colon\r\n\r\n",
        "--b\r\n: x\r\n\r\n",
        "--b\r\na : x\r\n\r\n",
        "--b\r\nx: y\n\r\n",
        "--b\r\nx: a\rb\r\n\r\n",
        "--b\r\nx: a\x01\r\n\r\n",
        "--b\r\n folded: x\r\n\r\n",
        "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"a\" x\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; =a\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=a; filename=x; filename=y\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n"}) {
    EXPECT_EQ(told(body), "WRONG") << body;
  }
}

TEST(Multipart, ThatEndsTooEarlyIsOpen) {
  const std::string body = field + "x\r\n--b--";
  for (std::size_t size = 1; size < body.size(); ++size) {
    EXPECT_TRUE(told(std::string_view{body}.substr(0, size), size).ends_with("OPEN")) << size;
  }
}

TEST(Multipart, HasHeadsOfALimitedSize) {
  const std::string body = field + "x\r\n--b--";

  EXPECT_EQ(told(body, body.size(), field.size() - 5), "[a|-|]x.END");
  EXPECT_EQ(told(body, body.size(), field.size() - 6), "WRONG");
  EXPECT_EQ(told(body, 1, field.size() - 6), "WRONG");
}

TEST(Boundary, IsAParameter) {
  EXPECT_EQ(field_parameter("multipart/form-data; boundary=abc", "boundary"), "abc");
  EXPECT_EQ(field_parameter("multipart/form-data;charset=utf-8;BOUNDARY=\"a b\" ; x=y", "boundary"), "a b");
  EXPECT_EQ(field_parameter("multipart/form-data; x=\"boundary=1\"; boundary=2", "boundary"), "2");
  EXPECT_EQ(field_parameter("multipart/form-data", "boundary"), std::nullopt);
  EXPECT_EQ(field_parameter("multipart/form-data; boundary", "boundary"), std::nullopt);
  EXPECT_EQ(field_parameter("multipart/form-data; boundary=\"a", "boundary"), std::nullopt);
  EXPECT_EQ(media_type(" Multipart/Form-Data ; boundary=x"), "multipart/form-data");
}

TEST(Boundary, HasOneToSeventyCharacters) {  // RFC 2046 section 5.1.1.
  EXPECT_TRUE(is_boundary("----WebKitFormBoundary7MA4YWxkTrZu0gW"));
  EXPECT_TRUE(is_boundary("a '()+_,-./:=?"));
  EXPECT_TRUE(is_boundary(std::string(70, 'x')));
  EXPECT_FALSE(is_boundary(std::string(71, 'x')));
  EXPECT_FALSE(is_boundary(""));
  EXPECT_FALSE(is_boundary("a "));
  EXPECT_FALSE(is_boundary("a\rb"));
  EXPECT_FALSE(is_boundary(std::string(1, '\0')));
}

}  // namespace
}  // namespace umbel::detail
