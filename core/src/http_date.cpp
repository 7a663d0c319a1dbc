// SPDX-License-Identifier: MIT
#include "umbel/core/http_date.hpp"

#include <array>
#include <cstdio>

namespace umbel {

namespace {

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Reads a text from its front. What does not fit fails it for good.
class Reader {
public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  Reader& text(std::string_view expected) noexcept {
    if (ok_ && rest_.starts_with(expected)) rest_.remove_prefix(expected.size());
    else ok_ = false;
    return *this;
  }
  template <std::size_t size>
  Reader& one_of(const std::array<std::string_view, size>& words, int& index) noexcept {
    for (std::size_t i = 0; ok_ && i < size; ++i) {
      if (!rest_.starts_with(words[i])) continue;
      index = static_cast<int>(i);
      return text(words[i]);
    }
    ok_ = false;
    return *this;
  }
  Reader& number(std::size_t digits, int& out) noexcept {
    out = 0;
    for (; digits > 0; --digits) {
      if (!ok_ || rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return ok_ = false, *this;
      out = out * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return *this;
  }
  bool may_be(std::string_view text) const noexcept { return rest_.starts_with(text); }
  bool is_done() const noexcept { return ok_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool ok_ = true;
};

struct Parts {
  int weekday = 0;
  int day = 0;
  int month = 0;  // From 0.
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

Reader& read_clock(Reader& reader, Parts& parts) noexcept {
  return reader.number(2, parts.hour).text(":").number(2, parts.minute).text(":").number(2, parts.second);
}

bool read_fixdate(std::string_view text, Parts& parts) noexcept {
  Reader reader{text};
  reader.one_of(days, parts.weekday).text(", ").number(2, parts.day).text(" ").one_of(months, parts.month).text(" ");
  reader.number(4, parts.year).text(" ");
  return read_clock(reader, parts).text(" GMT").is_done();
}

// Sunday, 06-Nov-94 08:49:37 GMT
bool read_rfc850(std::string_view text, Parts& parts) noexcept {
  Reader reader{text};
  reader.one_of(long_days, parts.weekday).text(", ").number(2, parts.day).text("-").one_of(months, parts.month);
  reader.text("-").number(2, parts.year).text(" ");
  return read_clock(reader, parts).text(" GMT").is_done();
}

// Sun Nov  6 08:49:37 1994
bool read_asctime(std::string_view text, Parts& parts) noexcept {
  Reader reader{text};
  reader.one_of(days, parts.weekday).text(" ").one_of(months, parts.month).text(" ");
  if (reader.may_be(" ")) reader.text(" ").number(1, parts.day);
  else reader.number(2, parts.day);
  reader.text(" ");
  return read_clock(reader, parts).text(" ").number(4, parts.year).is_done();
}

std::optional<std::chrono::sys_seconds> to_time(const Parts& parts) noexcept {
  using namespace std::chrono;
  const year_month_day date{year{parts.year}, month{static_cast<unsigned>(parts.month + 1)},
                            day{static_cast<unsigned>(parts.day)}};
  // A leap second is a second that a date may have.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  return sys_days{date} + hours{parts.hour} + minutes{parts.minute} + seconds{parts.second};
}

}  // namespace

std::string to_http_date(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                days[std::chrono::weekday{day}.c_encoding()].data(), static_cast<unsigned>(date.day()),
                months[static_cast<unsigned>(date.month()) - 1].data(), static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<std::chrono::sys_seconds> http_date_from(std::string_view text, std::chrono::sys_seconds now) {
  Parts parts;
  if (read_fixdate(text, parts) || read_asctime(text, parts)) return to_time(parts);
  if (!read_rfc850(text, parts)) return std::nullopt;
  const int this_year{std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(now)}.year()};
  parts.year += this_year / 100 * 100;
  if (parts.year > this_year + 50) parts.year -= 100;
  return to_time(parts);
}

}  // namespace umbel
