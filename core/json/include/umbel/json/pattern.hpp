// SPDX-License-Identifier: MIT
#pragma once
// Regular expressions that are compiled with the program: the text of pattern<"..."> becomes a small machine, which
// reads an input once, from front to back. docs/decisions tells why there is no library behind it.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "umbel/json/fixed_string.hpp"

namespace umbel::detail {

/// What is wrong with a pattern.
enum class PatternError : std::uint8_t { none, syntax, unsupported, too_large };

/// Code points from `first` to `last`, both of them in it.
struct PatternRange {
  char32_t first;
  char32_t last;
};

/// One step of the machine. Targets are relative, so that a piece can be copied.
struct PatternStep {
  enum class Kind : std::uint8_t {
    one_of,
    none_of,
    either,
    jump,
    text_begin,
    text_end,
    word_edge,
    no_word_edge,
    match
  };

  Kind kind;
  std::int16_t to = 0;     // either, jump: where to go on.
  std::int16_t or_to = 0;  // either: or where.
  std::uint16_t ranges = 0;
  std::uint16_t range_count = 0;  // one_of, none_of: that many, from `ranges` on.
};

inline constexpr std::size_t most_pattern_steps = 1000;
inline constexpr std::size_t most_pattern_ranges = 1000;
inline constexpr char32_t last_code_point = 0x10FFFF;

constexpr bool is_word_character(char32_t c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Takes one code point off the front. What is no UTF-8 counts as U+FFFD, byte by byte.
constexpr char32_t take_code_point(std::string_view& text) noexcept {
  constexpr char32_t broken = 0xFFFD;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  char32_t point = size == 1 ? lead : size == 0 ? broken : lead & (0x7Fu >> size);
  bool is_whole = size != 0 && size <= text.size();
  for (std::size_t i = 1; is_whole && i < size; ++i) {
    is_whole = (byte(i) & 0xC0) == 0x80;
    point = point << 6 | (byte(i) & 0x3Fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  is_whole = is_whole && point >= least[size] && point <= last_code_point && (point < 0xD800 || point > 0xDFFF);
  text.remove_prefix(is_whole ? size : 1);
  return is_whole ? point : broken;
}

/// From a pattern's text to its steps, at compile time. A template only so that programs without patterns do not
/// compile it.
template <class Step = PatternStep, class Range = PatternRange>
class PatternParser {
public:
  using Steps = std::vector<Step>;
  using Ranges = std::vector<Range>;

  explicit constexpr PatternParser(std::string_view text) : rest_(text) {}

  constexpr Steps parse() {
    Steps steps = alternatives();
    if (!rest_.empty()) fail(PatternError::syntax);  // A closing bracket that nothing opened.
    steps.push_back({Kind::match});
    if (steps.size() > most_pattern_steps || ranges_.size() > most_pattern_ranges) fail(PatternError::too_large);
    return steps;
  }
  constexpr const Ranges& ranges() const { return ranges_; }
  constexpr PatternError error() const { return error_; }

private:
  using Kind = typename Step::Kind;
  static constexpr unsigned no_limit = ~0u;

  constexpr void fail(PatternError error) {
    if (error_ == PatternError::none) error_ = error;
    rest_ = {};  // So that every loop ends.
  }
  constexpr bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  constexpr bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  constexpr void append(Steps& steps, const Steps& more) {
    if (steps.size() + more.size() > most_pattern_steps) return fail(PatternError::too_large);
    steps.insert(steps.end(), more.begin(), more.end());
  }
  static constexpr std::int16_t distance(std::size_t steps) { return static_cast<std::int16_t>(steps); }

  constexpr Steps alternatives() {
    Steps first = sequence();
    if (!take("|")) return first;
    const Steps others = alternatives();
    Steps both{{Kind::either, 1, distance(first.size() + 2)}};
    append(both, first);
    both.push_back({Kind::jump, distance(others.size() + 1)});
    append(both, others);
    return both;
  }

  constexpr Steps sequence() {
    Steps all;
    while (!rest_.empty() && !next_is('|') && !next_is(')')) append(all, repeated());
    return all;
  }

  constexpr Steps repeated() {
    Steps piece = atom();
    while (!rest_.empty()) {
      unsigned least = 0;
      unsigned most = no_limit;
      if (take("*")) {
      } else if (take("+")) {
        least = 1;
      } else if (take("?")) {
        most = 1;
      } else if (take("{")) {
        counts(least, most);
      } else {
        break;
      }
      take("?");  // Lazy or greedy: whether there is a match is the same.
      piece = times(piece, least, most);
    }
    return piece;
  }

  constexpr void counts(unsigned& least, unsigned& most) {
    least = most = number();
    if (take(",")) most = next_is('}') ? no_limit : number();
    if (!take("}") || most < least) fail(PatternError::syntax);
  }

  constexpr unsigned number() {
    unsigned value = 0;
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return fail(PatternError::syntax), 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1)) {
      value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
      if (value > most_pattern_steps) return fail(PatternError::too_large), 0;
    }
    return value;
  }

  constexpr Steps times(const Steps& piece, unsigned least, unsigned most) {
    Steps all;
    for (unsigned i = 0; i < least && error_ == PatternError::none; ++i) append(all, piece);
    if (most == no_limit) {
      append(all, {{Kind::either, 1, distance(piece.size() + 2)}});
      append(all, piece);
      append(all, {{Kind::jump, distance(piece.size() + 1)}});
      all.back().to = static_cast<std::int16_t>(-all.back().to);
      return all;
    }
    for (unsigned i = least; i < most && error_ == PatternError::none; ++i) {
      append(all, {{Kind::either, 1, distance(piece.size() + 1)}});
      append(all, piece);
    }
    return all;
  }

  constexpr Steps atom() {
    const char c = rest_.front();
    if (c == '*' || c == '+' || c == '?' || c == '{') return fail(PatternError::syntax), Steps{};
    if (take("(")) return group();
    if (take("[")) return character_class();
    if (take("^")) return {{Kind::text_begin}};
    if (take("$")) return {{Kind::text_end}};
    if (take(".")) return set(Kind::none_of, {{'\n', '\n'}});
    if (take("\\")) return escape();
    const char32_t point = take_code_point(rest_);
    return set(Kind::one_of, {{point, point}});
  }

  constexpr Steps group() {
    if (take("?P<") || (!rest_.starts_with("?<=") && !rest_.starts_with("?<!") && take("?<"))) {
      while (!rest_.empty() && is_word_character(static_cast<unsigned char>(rest_.front()))) rest_.remove_prefix(1);
      if (!take(">")) fail(PatternError::syntax);
    } else if (!take("?:") && next_is('?')) {
      fail(PatternError::unsupported);  // Look-around, flags.
    }
    Steps inner = alternatives();
    if (!take(")")) fail(PatternError::syntax);
    return inner;
  }

  constexpr Steps set(Kind kind, const Ranges& ranges) {
    Step step{kind};
    step.ranges = static_cast<std::uint16_t>(ranges_.size());
    step.range_count = static_cast<std::uint16_t>(ranges.size());
    if (ranges_.size() + ranges.size() > most_pattern_ranges) return fail(PatternError::too_large), Steps{};
    ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
    return {step};
  }

  constexpr Steps escape() {
    if (take("b")) return {{Kind::word_edge}};
    if (take("B")) return {{Kind::no_word_edge}};
    if (take("A")) return {{Kind::text_begin}};
    if (take("z")) return {{Kind::text_end}};
    Ranges ranges;
    if (named_class(ranges)) return set(Kind::one_of, ranges);
    const char32_t point = escaped_character();
    return set(Kind::one_of, {{point, point}});
  }

  /// d, w, s and their opposites, of ASCII.
  constexpr bool named_class(Ranges& ranges) {
    const auto add = [&](std::initializer_list<Range> more) { ranges.insert(ranges.end(), more); };
    if (take("d")) return add({{'0', '9'}}), true;
    if (take("D")) return add({{0, '/'}, {':', last_code_point}}), true;
    if (take("w")) return add({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}), true;
    if (take("W")) return add({{0, '/'}, {':', '@'}, {'[', '^'}, {'`', '`'}, {'{', last_code_point}}), true;
    if (take("s")) return add({{'\t', '\r'}, {' ', ' '}}), true;
    if (take("S")) return add({{0, '\b'}, {14, 31}, {'!', last_code_point}}), true;
    return false;
  }

  /// Behind the backslash.
  constexpr char32_t escaped_character() {
    constexpr std::string_view letters = "ntrfv";
    constexpr std::string_view stand_for = "\n\t\r\f\v";
    if (rest_.empty()) return fail(PatternError::syntax), 0;
    if (take("x{")) return hexadecimal(1, 6, true);
    if (take("x")) return hexadecimal(2, 2, false);
    if (take("u{")) return hexadecimal(1, 6, true);
    if (take("u")) return hexadecimal(4, 4, false);
    const char c = rest_.front();
    if (const std::size_t at = letters.find(c); at != std::string_view::npos)
      return rest_.remove_prefix(1), static_cast<char32_t>(stand_for[at]);
    // Letters and digits may mean something to others: \p{...}, \1, \k<name>.
    if (is_word_character(static_cast<unsigned char>(c))) return fail(PatternError::unsupported), 0;
    return take_code_point(rest_);
  }

  constexpr char32_t hexadecimal(unsigned least, unsigned most, bool in_braces) {
    char32_t value = 0;
    unsigned count = 0;
    for (; count < most && !rest_.empty(); ++count) {
      const char c = rest_.front();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) break;
      value = value * 16 + static_cast<char32_t>(digit);
      rest_.remove_prefix(1);
    }
    if (count < least || value > last_code_point || (in_braces && !take("}"))) fail(PatternError::syntax);
    return value;
  }

  constexpr Steps character_class() {
    const Kind kind = take("^") ? Kind::none_of : Kind::one_of;
    Ranges ranges;
    bool is_first = true;  // Where a `]` stands for itself.
    while (!rest_.empty() && (is_first || !next_is(']'))) {
      is_first = false;
      class_item(ranges);
    }
    if (!take("]")) fail(PatternError::syntax);
    return set(kind, ranges);
  }

  constexpr void class_item(Ranges& ranges) {
    if (rest_.starts_with("[:") || rest_.starts_with("&&")) return fail(PatternError::unsupported);
    const bool is_escape = take("\\");
    if (is_escape && named_class(ranges)) return;
    const char32_t first = is_escape ? escaped_character() : take_code_point(rest_);
    char32_t last = first;
    if (next_is('-') && !rest_.starts_with("-]")) {
      rest_.remove_prefix(1);
      if (rest_.empty()) return fail(PatternError::syntax);
      last = take("\\") ? escaped_character() : take_code_point(rest_);
    }
    if (last < first) return fail(PatternError::syntax);
    ranges.push_back({first, last});
  }

  std::string_view rest_;
  Ranges ranges_;
  PatternError error_ = PatternError::none;
};

/// Looks for a match anywhere in a text. Time grows with the text's length times the pattern's, whatever they are;
/// nothing is allocated, and the stack does not grow.
class PatternSearch {
public:
  constexpr PatternSearch(std::span<const PatternStep> steps, const PatternRange* ranges,
                          std::string_view text) noexcept
      : steps_(steps), ranges_(ranges), text_(text) {
    for (std::size_t i = 0; i < steps.size(); ++i) seen_[i] = 0;
  }

  constexpr bool found() noexcept {
    const bool only_at_begin = steps_[0].kind == Kind::text_begin;
    for (std::string_view rest = text_;;) {
      ++round_;
      at_ = text_.size() - rest.size();
      next_count_ = 0;
      const bool starts_here = at_ == 0 || !only_at_begin;
      for (std::size_t i = 0; i < count_; ++i) {
        if (follow(current_[i])) return true;
      }
      if (starts_here && follow(0)) return true;
      if (rest.empty() || (next_count_ == 0 && only_at_begin)) return false;
      step_over(take_code_point(rest));
    }
  }

private:
  using Kind = PatternStep::Kind;
  using Index = std::uint16_t;

  /// Goes wherever one can from `from` without a character. True at a match.
  constexpr bool follow(Index from) noexcept {
    Index waiting[most_pattern_steps];
    std::size_t count = 0;
    const auto visit = [&](int index) {
      if (seen_[index] == round_) return;
      seen_[index] = round_;
      waiting[count++] = static_cast<Index>(index);
    };
    visit(from);
    while (count != 0) {
      const Index index = waiting[--count];
      const PatternStep& step = steps_[index];
      if (step.kind == Kind::match) return true;
      if (step.kind == Kind::one_of || step.kind == Kind::none_of) next_[next_count_++] = index;
      else if (step.kind == Kind::jump || step.kind == Kind::either) visit(index + step.to);
      else if (holds(step.kind)) visit(index + 1);
      if (step.kind == Kind::either) visit(index + step.or_to);
    }
    return false;
  }

  constexpr bool holds(Kind assertion) const noexcept {
    if (assertion == Kind::text_begin) return at_ == 0;
    if (assertion == Kind::text_end) return at_ == text_.size();
    const bool before = at_ != 0 && is_word_character(static_cast<unsigned char>(text_[at_ - 1]));
    const bool behind = at_ != text_.size() && is_word_character(static_cast<unsigned char>(text_[at_]));
    return (before != behind) == (assertion == Kind::word_edge);
  }

  constexpr void step_over(char32_t c) noexcept {
    count_ = 0;
    for (std::size_t i = 0; i < next_count_; ++i) {
      if (takes(steps_[next_[i]], c)) current_[count_++] = static_cast<Index>(next_[i] + 1);
    }
  }

  constexpr bool takes(const PatternStep& step, char32_t c) const noexcept {
    bool is_in = false;
    for (std::size_t i = 0; i < step.range_count; ++i) {
      const PatternRange& range = ranges_[step.ranges + i];
      is_in = is_in || (c >= range.first && c <= range.last);
    }
    return is_in == (step.kind == Kind::one_of);
  }

  std::span<const PatternStep> steps_;
  const PatternRange* ranges_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t count_ = 0;
  std::size_t next_count_ = 0;
  std::uint32_t round_ = 0;
  // The first so many of each are used, as many as there are steps.
  Index current_[most_pattern_steps];       // Where to go on at this place.
  Index next_[most_pattern_steps];          // What waits for a character.
  std::uint32_t seen_[most_pattern_steps];  // The round in which a step was reached last.
};

/// The machine of one pattern.
template <FixedString text>
struct CompiledPattern {
  struct Sizes {
    PatternError error;
    std::size_t steps;
    std::size_t ranges;
  };
  static consteval Sizes measure() {
    PatternParser<> parser{text.view()};
    const std::size_t steps = parser.parse().size();
    return {parser.error(), steps, parser.ranges().size()};
  }
  static constexpr Sizes sizes = measure();
  static constexpr bool ok = sizes.error == PatternError::none;

  struct Machine {
    PatternStep steps[ok ? sizes.steps : 1]{};
    PatternRange ranges[ok ? sizes.ranges + 1 : 1]{};
  };
  static consteval Machine compile() {
    Machine made;
    PatternParser<> parser{text.view()};
    const auto steps = parser.parse();
    for (std::size_t i = 0; ok && i < steps.size(); ++i) made.steps[i] = steps[i];
    for (std::size_t i = 0; ok && i < parser.ranges().size(); ++i) made.ranges[i] = parser.ranges()[i];
    return made;
  }
  static constexpr Machine machine = compile();

  static constexpr bool found_in(std::string_view input) noexcept {
    return PatternSearch{machine.steps, machine.ranges, input}.found();
  }
};

}  // namespace umbel::detail
