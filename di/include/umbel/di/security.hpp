// SPDX-License-Identifier: MIT
#pragma once
// Ready-made providers for credentials: Bearer tokens, HTTP Basic, API keys. They find what the client sent and answer
// 401 if it sent nothing; whether it is right is for a node of yours to say.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/error.hpp"
#include "umbel/di/depends.hpp"

namespace umbel {

/// What stands behind `Bearer` in the Authorization field (RFC 6750 section 2.1). Never empty.
struct BearerToken {
  std::string_view token;  // Valid until the request ends.
};

/// Who the client says it is, by HTTP Basic (RFC 7617).
struct BasicCredentials {
  /// Both are taken over.
  BasicCredentials(std::string name, std::string secret) : username(std::move(name)), password(std::move(secret)) {}

  std::string username;  // Without a colon; may be empty.
  std::string password;  // May be empty.
};

/// Whether two texts are equal, in a time that does not tell where they differ: only that of the longer one. For
/// passwords and keys, where `==` would answer sooner the sooner it fails.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

namespace detail {

using AuthorizationField = Header<"authorization", std::optional<std::string_view>>;
using SentKey = std::optional<std::string_view>;

std::optional<BearerToken> find_bearer(std::optional<std::string_view> authorization) noexcept;
/// Empty: there are none. An error: they cannot be read.
Result<std::optional<BasicCredentials>> find_basic(std::optional<std::string_view> authorization,
                                                   std::string_view realm);
/// 401 with a challenge of that scheme.
HttpError not_authenticated(std::string_view scheme, std::string_view realm = {});
/// A key that is not empty.
Result<std::string_view> require_key(SentKey key);
SentKey find_key(SentKey key) noexcept;

struct Bearer {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr SecurityInfo umbel_security{SecurityInfo::Kind::bearer};
  Result<BearerToken> operator()(AuthorizationField authorization) const;
};
struct OptionalBearer {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr SecurityInfo umbel_security{.kind = SecurityInfo::Kind::bearer, .is_optional = true};
  std::optional<BearerToken> operator()(AuthorizationField authorization) const noexcept;
};

template <FixedString realm>
struct Basic {
  static_assert(realm.view().find_first_of("\"\\\r\n") == std::string_view::npos,
                "umbel: a realm is sent between quotes: it has no quotes, backslashes or line ends of its own");
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr SecurityInfo umbel_security{SecurityInfo::Kind::basic};
  Result<BasicCredentials> operator()(AuthorizationField authorization) const {
    auto found = find_basic(*authorization, realm.view());
    if (!found) return std::move(found).error();
    if (!*found) return not_authenticated("Basic", realm.view());
    return **std::move(found);
  }
};
template <FixedString realm>
struct OptionalBasic {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr SecurityInfo umbel_security{.kind = SecurityInfo::Kind::basic, .is_optional = true};
  Result<std::optional<BasicCredentials>> operator()(AuthorizationField authorization) const {
    return find_basic(*authorization, realm.view());
  }
};

/// `Place`: its parameter.
template <class Place>
constexpr SecurityInfo key_security(bool is_optional) noexcept {
  using Traits = ParameterTraits<Place>;
  return {SecurityInfo::Kind::api_key, Traits::source, Traits::name, is_optional};
}

/// `Place`: Header<name, ...>, Query<...> or Cookie<...> of an optional text.
template <class Place>
struct ApiKey {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr SecurityInfo umbel_security = key_security<Place>(false);
  Result<std::string_view> operator()(Place key) const { return require_key(*key); }
};
template <class Place>
struct OptionalApiKey {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  static constexpr SecurityInfo umbel_security = key_security<Place>(true);
  SentKey operator()(Place key) const noexcept { return find_key(*key); }
};

}  // namespace detail

/// Gives the BearerToken of `Authorization: Bearer ...`. None, or another scheme: 401 "Not authenticated" with
/// `WWW-Authenticate: Bearer`. What is in the token is for a node of yours:
///
///     Result<User> current_user(Depends<bearer> bearer, State<Users> users) {
///       if (const User* user = users->of_token(bearer->token)) return *user;
///       return HttpError{401, "Invalid token"}.header("www-authenticate", "Bearer");
///     }
inline constexpr detail::Bearer bearer{};

/// The same as std::optional<BearerToken>, without refusing anybody.
inline constexpr detail::OptionalBearer optional_bearer{};

/// Gives the BasicCredentials of `Authorization: Basic ...`. None, or another scheme: 401 "Not authenticated" with
/// `WWW-Authenticate: Basic`. What is no Base64 (RFC 4648 section 4, with its padding), has no colon, or has control
/// characters: 401 "Invalid authentication credentials". Compare passwords with constant_time_equal.
inline constexpr detail::Basic<""> basic{};
/// The same with a realm in the challenge: `Depends<basic_realm<"staff">>`.
template <FixedString realm>
inline constexpr detail::Basic<realm> basic_realm{};

/// As std::optional<BasicCredentials>. Credentials that cannot be read are refused all the same.
inline constexpr detail::OptionalBasic<""> optional_basic{};
/// The same with a realm in the challenge.
template <FixedString realm>
inline constexpr detail::OptionalBasic<realm> optional_basic_realm{};

/// Give the key that a header field, a query parameter or a cookie of that name has, as std::string_view, valid until
/// the request ends. None, or an empty one: 401 "Not authenticated" with `WWW-Authenticate: APIKey`.
///
///     void check(Depends<api_key_header<"x-key">> key, State<Keys> keys);
template <FixedString name>
inline constexpr detail::ApiKey<Header<name, std::optional<std::string_view>>> api_key_header{};
/// Of a query parameter: as `api_key_header`.
template <FixedString name>
inline constexpr detail::ApiKey<Query<name, std::optional<std::string_view>>> api_key_query{};
/// Of a cookie: as `api_key_header`.
template <FixedString name>
inline constexpr detail::ApiKey<Cookie<name, std::optional<std::string_view>>> api_key_cookie{};

/// The same as std::optional<std::string_view>, without refusing anybody.
template <FixedString name>
inline constexpr detail::OptionalApiKey<Header<name, std::optional<std::string_view>>> optional_api_key_header{};
/// Of a query parameter: as `optional_api_key_header`.
template <FixedString name>
inline constexpr detail::OptionalApiKey<Query<name, std::optional<std::string_view>>> optional_api_key_query{};
/// Of a cookie: as `optional_api_key_header`.
template <FixedString name>
inline constexpr detail::OptionalApiKey<Cookie<name, std::optional<std::string_view>>> optional_api_key_cookie{};

}  // namespace umbel
