// SPDX-License-Identifier: MIT
#include "umbel/di/response_head.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "merged_head.hpp"
#include "run_state.hpp"
#include "umbel/core/http_date.hpp"
#include "umbel/core/request.hpp"
#include "umbel/di/plan.hpp"

namespace umbel {

namespace {

constexpr std::string_view content_type = "content-type";

/// Calls `f(flags, name, value)` for each line of a log, which has a character of flags before it.
template <class F>
void for_each_record(std::string_view log, F f) {
  while (!log.empty()) {
    const std::size_t end = log.find('\n') + 1;
    detail::for_each_field(log.substr(1, end - 1),
                           [&](std::string_view name, std::string_view value) { f(log.front(), name, value); });
    log.remove_prefix(end);
  }
}

// RFC 6265 section 4.1.1.
constexpr bool is_cookie_octet(unsigned char c) noexcept {
  return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}
constexpr bool is_attribute_octet(unsigned char c) noexcept { return c >= 0x20 && c < 0x7f && c != ';'; }

template <class Allowed>
void check_cookie(std::string_view text, Allowed is_allowed, const char* words) {
  if (!std::all_of(text.begin(), text.end(), is_allowed)) throw std::invalid_argument{words};
}

void check_cookie(std::string_view name, std::string_view value, const CookieOptions& options) {
  detail::check_header(name, {});
  check_cookie(value, is_cookie_octet, "umbel: a cookie's value has a character that cookies cannot carry: encode it");
  check_cookie(options.domain, is_attribute_octet, "umbel: a cookie's domain has a character that would end it");
  check_cookie(options.path, is_attribute_octet, "umbel: a cookie's path has a character that would end it");
  if (options.same_site == SameSite::none && !options.secure)
    throw std::invalid_argument{"umbel: browsers drop a cookie of SameSite::none that is not `secure`"};
}

std::string_view to_attribute(SameSite same_site) noexcept {
  switch (same_site) {
    case SameSite::unstated:
      return {};
    case SameSite::lax:
      return "; SameSite=Lax";
    case SameSite::strict:
      return "; SameSite=Strict";
    case SameSite::none:
      return "; SameSite=None";
  }
  return {};
}

}  // namespace

void ResponseHead::Field::on_error() && noexcept { head_.log_.data()[at_] |= survives; }

void ResponseHead::status(int status) {
  if (status < 200 || status > 999) throw std::invalid_argument{"umbel: a reply's status is between 200 and 999"};
  status_ = status;
}

ResponseHead::Field ResponseHead::set(std::string_view name, std::string_view value) { return add(0, name, value); }

ResponseHead::Field ResponseHead::append(std::string_view name, std::string_view value) {
  return add(equal_ignoring_case(name, content_type) ? char{0} : appended, name, value);
}

ResponseHead::Field ResponseHead::add(char flags, std::string_view name, std::string_view value) {
  detail::check_header(name, value);
  const std::size_t at = log_.size();
  Buffer record;  // The value may be one of ours, which would not outlive our growth.
  record.push_back(flags);
  for (const std::string_view part : {name, std::string_view{": "}, value, std::string_view{"\r\n"}})
    record.append(part);
  log_.append(record.view());
  return {*this, at};
}

ResponseHead::Field ResponseHead::set_cookie(std::string_view name, std::string_view value,
                                             const CookieOptions& options) {
  check_cookie(name, value, options);
  Buffer cookie{name};
  const auto put = [&](std::string_view attribute, std::string_view text) {
    cookie.append(attribute);
    cookie.append(text);
  };
  put("=", value);
  if (options.expires) put("; Expires=", to_http_date(*options.expires));
  if (options.max_age) put("; Max-Age=", std::to_string(options.max_age->count()));
  if (!options.domain.empty()) put("; Domain=", options.domain);
  if (!options.path.empty()) put("; Path=", options.path);
  if (options.secure) cookie.append("; Secure");
  if (options.http_only) cookie.append("; HttpOnly");
  cookie.append(to_attribute(options.same_site));
  return append("set-cookie", cookie.view());
}

ResponseHead::Field ResponseHead::delete_cookie(std::string_view name, CookieOptions options) {
  options.expires = std::chrono::sys_seconds{};
  options.max_age = std::chrono::seconds{0};
  return set_cookie(name, {}, options);
}

std::optional<std::string_view> ResponseHead::get(std::string_view name) const noexcept {
  std::optional<std::string_view> found;
  for_each_record(log_.view(), [&](char, std::string_view own, std::string_view value) {
    if (equal_ignoring_case(own, name)) found = value;
  });
  return found;
}

namespace detail {

void MergedHead::add(const ResponseHead& patch, Take take) {
  if (take == Take::all && patch.status_ != 0) status_ = patch.status_;
  for_each_record(patch.log_.view(), [&](char flags, std::string_view name, std::string_view value) {
    if (take == Take::on_error && !(flags & ResponseHead::survives)) return;
    if (flags & ResponseHead::appended) return appended_.append(name, value);
    appended_.remove(name);
    set_.set(name, value);
  });
}

void MergedHead::complete(Response& response) {
  ResponseHeaders before;
  for_each_field(set_.lines(), [&](std::string_view name, std::string_view value) {
    if (response.header(name)) return;
    if (!equal_ignoring_case(name, content_type)) before.append(name, value);
    else if (Response::may_have_body(response.status())) response.header(name, value);
  });
  for_each_field(appended_.lines(), [&](std::string_view name, std::string_view value) { before.append(name, value); });
  response.prepend_headers(std::move(before));
}

void MergedHead::shape(Response& response) {
  if (status_ != 0) response.status(status_);
  if (!Response::may_have_body(response.status())) {
    response = Response{response.status()};
  } else if (const auto type = set_.get(content_type)) {
    response.header(content_type, *type);
  }
  complete(response);
}

/// Only what nodes wrote that ran well, and headers that survive an error.
void Resolver::merge_heads(Response& response) noexcept {
  const bool is_good = succeeded();
  MergedHead head;
  for (std::uint32_t i = 0; i < values_made_; ++i) {
    const PlannedValue& value = plan_->values_[i];
    if (value.info->source != Source::response_head) continue;
    const bool counts = is_good && !AsyncState::test(async_->soft(), value.index);
    head.add(*static_cast<const ResponseHead*>(at(value.slot)),
             counts ? MergedHead::Take::all : MergedHead::Take::on_error);
  }
  if (is_good && !plan_->returns_response_) head.shape(response);
  else head.complete(response);
}

}  // namespace detail
}  // namespace umbel
