// SPDX-License-Identifier: MIT
#include "umbel/json/pattern.hpp"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>

namespace umbel::test {
namespace {

template <FixedString pattern>
bool finds(std::string_view text) {
  return detail::CompiledPattern<pattern>::found_in(text);
}
template <FixedString pattern>
constexpr detail::PatternError error_of = detail::CompiledPattern<pattern>::sizes.error;

using detail::PatternError;

TEST(Pattern, IsLookedForAnywhere) {
  EXPECT_TRUE(finds<"b">("abc"));
  EXPECT_TRUE(finds<"">(""));
  EXPECT_TRUE(finds<"">("x"));
  EXPECT_TRUE(finds<"bc">("abbc"));
  EXPECT_FALSE(finds<"bd">("abc"));
  EXPECT_FALSE(finds<"a">(""));
}

TEST(Pattern, IsAnchoredToTheWholeText) {
  EXPECT_TRUE(finds<"^ab$">("ab"));
  EXPECT_FALSE(finds<"^ab$">("abb"));
  EXPECT_FALSE(finds<"^ab$">("aab"));
  EXPECT_FALSE(finds<"^a$">("a\n")) << "a line feed is no end";
  EXPECT_FALSE(finds<"^b">("a\nb"));
  EXPECT_TRUE(finds<R"(\Aab\z)">("ab"));
  EXPECT_TRUE(finds<"a|^b">("ca"));
  EXPECT_FALSE(finds<"a|^b">("cb"));
  EXPECT_TRUE(finds<"(^a|b)c">("xbc"));
  EXPECT_FALSE(finds<"x^">("x"));
  EXPECT_TRUE(finds<"^$">(""));
}

TEST(Pattern, RepeatsWhatStandsBefore) {
  EXPECT_TRUE(finds<"^a*$">(""));
  EXPECT_TRUE(finds<"^a*$">("aaa"));
  EXPECT_FALSE(finds<"^a+$">(""));
  EXPECT_TRUE(finds<"^a+$">("aa"));
  EXPECT_TRUE(finds<"^ab?c$">("ac"));
  EXPECT_TRUE(finds<"^ab??c$">("abc"));
  EXPECT_FALSE(finds<"^ab?c$">("abbc"));
  EXPECT_TRUE(finds<"^(ab){2}$">("abab"));
  EXPECT_FALSE(finds<"^(ab){2}$">("ab"));
  EXPECT_FALSE(finds<"^(ab){2}$">("ababab"));
  EXPECT_TRUE(finds<"^a{2,}$">("aaaa"));
  EXPECT_FALSE(finds<"^a{2,}$">("a"));
  EXPECT_TRUE(finds<"^a{1,3}$">("aaa"));
  EXPECT_FALSE(finds<"^a{1,3}$">("aaaa"));
  EXPECT_TRUE(finds<"^a{0}$">(""));
  EXPECT_TRUE(finds<"^(a*)*b$">("aaab"));
  EXPECT_TRUE(finds<"^(a*?)+$">("aaa"));
}

TEST(Pattern, GroupsAndChooses) {
  EXPECT_TRUE(finds<"^(?:cat|dog|)s$">("dogs"));
  EXPECT_TRUE(finds<"^(?:cat|dog|)s$">("s"));
  EXPECT_FALSE(finds<"^(?:cat|dog)s$">("cogs"));
  EXPECT_TRUE(finds<"^(?P<year>[0-9]{4})-(?<month>[0-9]{2})$">("2026-11"));
}

TEST(Pattern, KnowsClassesOfCharacters) {
  EXPECT_TRUE(finds<"^[a-cx_-]+$">("abcx_-"));
  EXPECT_FALSE(finds<"^[a-c]$">("d"));
  EXPECT_TRUE(finds<"^[^a-c]$">("d"));
  EXPECT_TRUE(finds<"^[^a-c]$">("\n"));
  EXPECT_FALSE(finds<"^[^a-c]$">("b"));
  EXPECT_TRUE(finds<"^[]x]+$">("]x"));
  EXPECT_TRUE(finds<R"(^[\]\\]+$)">("\\]"));
  EXPECT_TRUE(finds<R"(^\d\D\w\W\s\S$)">("1a_- x"));
  EXPECT_FALSE(finds<R"(\d)">("a"));
  EXPECT_TRUE(finds<R"(^[\d.]+$)">("1.2"));
  EXPECT_TRUE(finds<"^.$">("x"));
  EXPECT_FALSE(finds<".">("\n"));
}

TEST(Pattern, KnowsEscapes) {
  EXPECT_TRUE(finds<R"(^\n\t\r\f\v$)">("\n\t\r\f\v"));
  EXPECT_TRUE(finds<R"(^\.\*\-\/$)">(".*-/"));
  EXPECT_FALSE(finds<R"(\.)">("x"));
  EXPECT_TRUE(finds<R"(^\x41\u00e9\x{1F600}\u{e9}$)">("A\u00e9\U0001F600\u00e9"));
}

TEST(Pattern, KnowsTheEdgesOfWords) {
  EXPECT_TRUE(finds<R"(\bcat\b)">("a cat."));
  EXPECT_FALSE(finds<R"(\bcat\b)">("concat"));
  EXPECT_TRUE(finds<R"(\Bcat)">("concat"));
  EXPECT_FALSE(finds<R"(\b)">(""));
}

TEST(Pattern, ReadsCodePoints) {
  EXPECT_TRUE(finds<"^.$">("\u00e9"));
  EXPECT_TRUE(finds<"^.{2}$">("\U0001F600\u20ac"));
  EXPECT_TRUE(finds<"^[\u00e0-\u00ff]$">("\u00e9"));
  EXPECT_FALSE(finds<"^[^\u00e9]$">("\u00e9"));
  EXPECT_TRUE(finds<R"(^[^\w]$)">("\u00e9")) << "\\w is ASCII";
}

TEST(Pattern, TakesWhatIsNoUtf8ByteByByte) {
  for (const char* text : {"\xff", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_TRUE(finds<R"(^\x{FFFD}+$)">(text));
    EXPECT_FALSE(finds<"[a-z/]">(text));
  }
  EXPECT_TRUE(
      finds<"^.b$">("\xc3"
                    "b"));
}

TEST(Pattern, IsReadOnceWhateverItIs) {
  const std::string text(100'000, 'a');

  EXPECT_FALSE(finds<"^(a|a)*(a*)*b$">(text));
  EXPECT_TRUE(finds<"(x+x+)+y|a$">(text));
}

TEST(Pattern, ThatIsNoneIsTold) {
  EXPECT_EQ(error_of<"(">, PatternError::syntax);
  EXPECT_EQ(error_of<")">, PatternError::syntax);
  EXPECT_EQ(error_of<"a)b">, PatternError::syntax);
  EXPECT_EQ(error_of<"[a">, PatternError::syntax);
  EXPECT_EQ(error_of<"[">, PatternError::syntax);
  EXPECT_EQ(error_of<"[a-">, PatternError::syntax);
  EXPECT_EQ(error_of<"[z-a]">, PatternError::syntax);
  EXPECT_EQ(error_of<"*">, PatternError::syntax);
  EXPECT_EQ(error_of<"a|+">, PatternError::syntax);
  EXPECT_EQ(error_of<"a{">, PatternError::syntax);
  EXPECT_EQ(error_of<"a{2,1}">, PatternError::syntax);
  EXPECT_EQ(error_of<"a{x}">, PatternError::syntax);
  EXPECT_EQ(error_of<"\\">, PatternError::syntax);
  EXPECT_EQ(error_of<R"(\x4)">, PatternError::syntax);
  EXPECT_EQ(error_of<R"(\x{110000})">, PatternError::syntax);
  EXPECT_EQ(error_of<"(?<name">, PatternError::syntax);
  EXPECT_EQ(error_of<"(?=a)">, PatternError::unsupported);
  EXPECT_EQ(error_of<"(?<=a)">, PatternError::unsupported);
  EXPECT_EQ(error_of<"(?i)a">, PatternError::unsupported);
  EXPECT_EQ(error_of<R"((a)\1)">, PatternError::unsupported);
  EXPECT_EQ(error_of<R"(\p{L})">, PatternError::unsupported);
  EXPECT_EQ(error_of<"[[:alpha:]]">, PatternError::unsupported);
  EXPECT_EQ(error_of<"(a{100}){100}">, PatternError::too_large);
  EXPECT_EQ(error_of<"a{5000}">, PatternError::too_large);
  EXPECT_EQ(error_of<"a{0,900}">, PatternError::too_large);
  EXPECT_EQ(error_of<"a{900}">, PatternError::none);
}

/// The library's regular expressions are the judge.
template <FixedString pattern>
void agree_with_std_regex() {
  const std::regex judge{std::string{pattern.view()}};
  std::mt19937 random{7};
  for (int i = 0; i < 3000; ++i) {
    std::string text(random() % 9, ' ');
    for (char& c : text) c = "ab1 -_c"[random() % 7];
    EXPECT_EQ(finds<pattern>(text), std::regex_search(text, judge)) << pattern.view() << " in '" << text << "'";
  }
}

TEST(Pattern, MeansWhatItMeansElsewhere) {
  agree_with_std_regex<"^(a|b)*1">();
  agree_with_std_regex<"(ab|a)(bc|c)$">();
  agree_with_std_regex<"^[ab]+ ?[^1]*$">();
  agree_with_std_regex<R"(\b\w{2,3}\b)">();
  agree_with_std_regex<"a{2,3}b{0,1}1|c c|-$">();
  agree_with_std_regex<R"(^(\w+-?)+\s*\d$)">();
  agree_with_std_regex<"(a?b?){3}c">();
  agree_with_std_regex<"(^|[^a])b(a|$)">();
}

}  // namespace
}  // namespace umbel::test
