// SPDX-License-Identifier: MIT
#include "umbel/di/security.hpp"

#include <algorithm>

#include "umbel/core/base64.hpp"

namespace umbel {

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  // Volatile, so that no compiler finds out that it may stop early.
  volatile unsigned char difference = a.size() != b.size();
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const auto left = static_cast<unsigned char>(i < a.size() ? a[i] : 0);
    const auto right = static_cast<unsigned char>(i < b.size() ? b[i] : 0);
    difference = static_cast<unsigned char>(difference | (left ^ right));
  }
  return difference == 0;
}

namespace detail {

namespace {

/// What follows the scheme, if it is this one (RFC 9110 section 11.4: whatever its case).
std::optional<std::string_view> credentials_of(std::optional<std::string_view> field,
                                               std::string_view scheme) noexcept {
  if (!field || !equal_ignoring_case(field->substr(0, field->find(' ')), scheme)) return std::nullopt;
  const std::size_t start = field->find_first_not_of(' ', scheme.size());
  return start == std::string_view::npos ? std::string_view{} : field->substr(start);
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

HttpError challenge(std::string detail, std::string_view scheme, std::string_view realm) {
  std::string value{scheme};
  if (!realm.empty()) value.append(" realm=\"").append(realm).append("\"");
  return HttpError{401, std::move(detail)}.header("www-authenticate", value);
}

}  // namespace

HttpError not_authenticated(std::string_view scheme, std::string_view realm) {
  return challenge("Not authenticated", scheme, realm);
}

std::optional<BearerToken> find_bearer(std::optional<std::string_view> authorization) noexcept {
  const auto token = credentials_of(authorization, "bearer");
  return token && !token->empty() ? std::optional{BearerToken{*token}} : std::nullopt;
}

Result<std::optional<BasicCredentials>> find_basic(std::optional<std::string_view> authorization,
                                                   std::string_view realm) {
  const auto sent = credentials_of(authorization, "basic");
  if (!sent) return std::optional<BasicCredentials>{};
  const auto text = from_base64(*sent);
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos || std::any_of(text->begin(), text->end(), is_control))
    return challenge("Invalid authentication credentials", "Basic", realm);
  return std::optional{BasicCredentials{text->substr(0, colon), text->substr(colon + 1)}};
}

SentKey find_key(SentKey key) noexcept { return key && !key->empty() ? key : std::nullopt; }

Result<std::string_view> require_key(SentKey key) {
  if (const SentKey found = find_key(key)) return *found;
  return not_authenticated("APIKey");
}

Result<BearerToken> Bearer::operator()(AuthorizationField authorization) const {
  if (const auto found = find_bearer(*authorization)) return *found;
  return not_authenticated("Bearer");
}

std::optional<BearerToken> OptionalBearer::operator()(AuthorizationField authorization) const noexcept {
  return find_bearer(*authorization);
}

}  // namespace detail
}  // namespace umbel
