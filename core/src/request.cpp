// SPDX-License-Identifier: MIT
#include "umbel/core/request.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace umbel {

namespace {

constexpr std::array<std::string_view, 10> method_names{"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                                        "DELETE", "OPTIONS", "CONNECT", "TRACE", "OTHER"};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

std::string_view to_string(Method method) noexcept { return method_names[static_cast<std::size_t>(method)]; }

Method method_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i + 1 < method_names.size(); ++i) {
    if (method_names[i] == name) return static_cast<Method>(i);
  }
  return Method::other;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  if (std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

OwnedRequest::OwnedRequest(Method method, std::string target)
    : method_(method),
      target_(std::make_unique<std::string>(std::move(target))),
      body_(std::make_unique<std::string>()) {}

OwnedRequest::OwnedRequest(const Request& request) : OwnedRequest(request.method(), std::string{request.target()}) {
  for (const HeaderField& field : request.headers()) header(field.name, field.value);
  body(std::string{request.body()});
  root_size_ = request.root().size();
}

OwnedRequest& OwnedRequest::operator=(OwnedRequest other) noexcept {
  method_ = other.method_;
  root_size_ = other.root_size_;
  target_ = std::move(other.target_);
  body_ = std::move(other.body_);
  texts_ = std::move(other.texts_);
  fields_ = std::move(other.fields_);
  return *this;
}

OwnedRequest& OwnedRequest::header(std::string_view name, std::string_view value) {
  const std::string& own_name = texts_.emplace_back(name);
  const std::string& own_value = texts_.emplace_back(value);
  fields_.push_back(HeaderField{own_name, own_value});
  return *this;
}

OwnedRequest& OwnedRequest::body(std::string body) {
  *body_ = std::move(body);
  return *this;
}

}  // namespace umbel
