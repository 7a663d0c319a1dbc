// SPDX-License-Identifier: MIT
#include "iso_8601.hpp"

#include <cstdint>

namespace umbel::detail {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t seconds_per_day = 86'400;

// Reads from the front. The first mistake is kept, and everything after it is passed over.
class Scanner {
public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  std::string_view mistake() const noexcept { return mistake_; }
  bool is_at_end() const noexcept { return rest_.empty(); }
  bool is_at(char c) const noexcept { return !rest_.empty() && rest_[0] == c; }
  bool is_at_digit() const noexcept { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }

  unsigned number(std::size_t digits, std::string_view mistake) noexcept {
    unsigned value = 0;
    for (; digits > 0; --digits) {
      if (rest_.empty()) return fail("input is too short"), 0;
      if (!is_at_digit()) return fail(mistake), 0;
      value = value * 10 + static_cast<unsigned>(rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  bool one_of(std::string_view characters, std::string_view mistake) noexcept {
    if (rest_.empty()) return fail("input is too short"), false;
    if (characters.find(rest_[0]) == std::string_view::npos) return fail(mistake), false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip() noexcept { rest_.remove_prefix(1); }
  void need(bool holds, std::string_view mistake) noexcept {
    if (!holds) fail(mistake);
  }

private:
  void fail(std::string_view mistake) noexcept {
    if (mistake_.empty()) mistake_ = mistake;
    rest_ = {};
  }

  std::string_view rest_;
  std::string_view mistake_;
};

year_month_day scan_date(Scanner& scan) noexcept {
  const unsigned year = scan.number(4, "invalid character in year");
  scan.one_of("-", "invalid date separator, expected `-`");
  const unsigned month = scan.number(2, "invalid character in month");
  scan.need(month >= 1 && month <= 12, "month value is outside expected range of 1-12");
  scan.one_of("-", "invalid date separator, expected `-`");
  const unsigned day = scan.number(2, "invalid character in day");
  const year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month},
                            std::chrono::day{day}};
  scan.need(date.ok(), "day value is outside expected range");
  return date;
}

// Digits beyond the ninth are dropped.
std::uint32_t scan_fraction(Scanner& scan) noexcept {
  scan.need(scan.is_at_digit(), "second fraction is missing after `.`");
  std::uint32_t nanoseconds = 0;
  for (std::uint32_t unit = 100'000'000; scan.is_at_digit(); unit /= 10) nanoseconds += unit * scan.number(1, {});
  return nanoseconds;
}

std::int64_t scan_time(Scanner& scan, std::uint32_t& nanoseconds) noexcept {
  const unsigned hour = scan.number(2, "invalid character in hour");
  scan.need(hour <= 23, "hour value is outside expected range of 0-23");
  scan.one_of(":", "invalid time separator, expected `:`");
  const unsigned minute = scan.number(2, "invalid character in minute");
  scan.need(minute <= 59, "minute value is outside expected range of 0-59");
  unsigned second = 0;
  if (scan.is_at(':')) {
    scan.skip();
    second = scan.number(2, "invalid character in second");
    scan.need(second <= 59, "second value is outside expected range of 0-59");
    if (scan.is_at('.')) scan.skip(), nanoseconds = scan_fraction(scan);
  }
  return std::int64_t{hour} * 3600 + minute * 60 + second;
}

std::int64_t scan_offset(Scanner& scan) noexcept {
  if (scan.is_at('Z') || scan.is_at('z')) return scan.skip(), 0;
  const bool is_west = scan.is_at('-');
  scan.one_of("+-", "invalid timezone sign");
  const unsigned hour = scan.number(2, "invalid character in timezone hour");
  if (scan.is_at(':')) scan.skip();
  const unsigned minute = scan.number(2, "invalid character in timezone minute");
  scan.need(hour <= 23 && minute <= 59, "timezone offset must be less than 24 hours");
  const std::int64_t seconds = std::int64_t{hour} * 3600 + minute * 60;
  return is_west ? -seconds : seconds;
}

void put(MomentText& out, char c) noexcept { out.text[out.size++] = c; }
void put(MomentText& out, std::uint64_t number, unsigned digits) noexcept {
  for (unsigned i = digits; i-- > 0; number /= 10) out.text[out.size + i] = static_cast<char>('0' + number % 10);
  out.size += digits;
}

}  // namespace

std::string_view parse_date(std::string_view text, year_month_day& out) noexcept {
  Scanner scan{text};
  out = scan_date(scan);
  scan.need(scan.is_at_end(), "unexpected extra characters at the end of the input");
  return scan.mistake();
}

std::string_view parse_moment(std::string_view text, Moment& out, bool& has_offset) noexcept {
  Scanner scan{text};
  const year_month_day date = scan_date(scan);
  scan.one_of("Tt ", "invalid datetime separator, expected `T`, `t`, `_` or space");
  out = {};
  const std::int64_t time = scan_time(scan, out.nanoseconds);
  has_offset = !scan.is_at_end();
  const std::int64_t offset = has_offset ? scan_offset(scan) : 0;
  scan.need(scan.is_at_end(), "unexpected extra characters at the end of the input");
  if (scan.mistake().empty()) out.seconds = sys_days{date}.time_since_epoch().count() * seconds_per_day + time - offset;
  return scan.mistake();
}

MomentText to_text(year_month_day date) noexcept {
  MomentText out;
  const int year = static_cast<int>(date.year());
  if (!date.ok() || year < 0 || year > 9999) return out;
  put(out, static_cast<std::uint64_t>(year), 4);
  put(out, '-');
  put(out, static_cast<unsigned>(date.month()), 2);
  put(out, '-');
  put(out, static_cast<unsigned>(date.day()), 2);
  return out;
}

MomentText to_text(Moment moment, unsigned digits) noexcept {
  constexpr std::int64_t first = -62'167'219'200;  // Of the years 0000 to 9999.
  constexpr std::int64_t last = 253'402'300'799;
  if (moment.seconds < first || moment.seconds > last) return {};
  std::int64_t day = moment.seconds / seconds_per_day;
  std::int64_t second = moment.seconds % seconds_per_day;
  if (second < 0) --day, second += seconds_per_day;
  MomentText out = to_text(year_month_day{sys_days{days{day}}});
  put(out, 'T');
  put(out, static_cast<std::uint64_t>(second / 3600), 2);
  put(out, ':');
  put(out, static_cast<std::uint64_t>(second / 60 % 60), 2);
  put(out, ':');
  put(out, static_cast<std::uint64_t>(second % 60), 2);
  if (moment.nanoseconds != 0 && digits > 0) {
    std::uint32_t fraction = moment.nanoseconds;
    for (unsigned i = digits; i < 9; ++i) fraction /= 10;
    put(out, '.');
    put(out, fraction, digits);
  }
  put(out, 'Z');
  return out;
}

}  // namespace umbel::detail
