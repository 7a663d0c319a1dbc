// SPDX-License-Identifier: MIT
#include "umbel/http1/endpoint.hpp"

#include <time.h>

#include <cstring>
#include <new>
#include <string_view>

#include "parser.hpp"

namespace umbel::http1 {

namespace {

void put_two(char* at, int number) noexcept {
  at[0] = static_cast<char>('0' + number / 10 % 10);
  at[1] = static_cast<char>('0' + number % 10);
}

// The date of RFC 9110 section 5.6.7, by hand: strftime follows the host's locale.
void put_date(char* at, const tm& utc) noexcept {
  constexpr std::string_view days = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::memcpy(at, days.data() + 3 * utc.tm_wday, 3);
  put_two(at + 5, utc.tm_mday);
  std::memcpy(at + 8, months.data() + 3 * utc.tm_mon, 3);
  const int year = utc.tm_year + 1900;
  put_two(at + 12, year / 100);
  put_two(at + 14, year % 100);
  put_two(at + 17, utc.tm_hour);
  put_two(at + 20, utc.tm_min);
  put_two(at + 23, utc.tm_sec);
}

}  // namespace

Endpoint::~Endpoint() {
  if (spare_input_) detail::BlockPool::give(spare_input_, input_size);
  if (spare_parser_) free_parser(spare_parser_);
  if (spare_output_) free_output(spare_output_);
}

Parser* Endpoint::make_parser() { return ::new (detail::BlockPool::take(sizeof(Parser))) Parser{limits_}; }

void Endpoint::free_parser(Parser* parser) noexcept {
  parser->~Parser();
  detail::BlockPool::give(parser, sizeof(Parser));
}

Buffer* Endpoint::make_output() { return ::new (detail::BlockPool::take(sizeof(Buffer))) Buffer; }

void Endpoint::free_output(Buffer* output) noexcept {
  output->~Buffer();
  detail::BlockPool::give(output, sizeof(Buffer));
}

void Endpoint::make_date(Time now) noexcept {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  tm utc{};
  gmtime_r(&wall.tv_sec, &utc);
  constexpr std::string_view pattern = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
  std::memcpy(head_.data(), pattern.data(), head_.size());
  put_date(head_.data() + pattern.find("Thu"), utc);
  date_is_stale_ = now + std::chrono::nanoseconds{1'000'000'000 - wall.tv_nsec};
}

}  // namespace umbel::http1
