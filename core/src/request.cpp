// SPDX-License-Identifier: MIT
#include "umbel/core/request.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace umbel {

namespace {

constexpr std::array<std::string_view, 10> method_names{"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                                        "DELETE", "OPTIONS", "CONNECT", "TRACE", "OTHER"};

std::uint64_t load(const char* at, std::size_t bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, bytes);
  return word;
}

// The bits in which two texts of that size differ, from wherever in a word they do. Steps may overlap. Each word is
// looked at as `seen` has it.
template <class Seen>
std::uint64_t difference(const char* a, const char* b, std::size_t size, Seen seen) noexcept {
  const auto at = [&](std::size_t i, std::size_t step) { return seen(load(a + i, step)) ^ seen(load(b + i, step)); };
  std::uint64_t bits = 0;
  if (size >= 8) {
    for (std::size_t i = 0; i < size - 8; i += 8) bits |= at(i, 8);
    return bits | at(size - 8, 8);
  }
  if (size >= 4) return at(0, 4) | at(size - 4, 4);
  for (std::size_t i = 0; i < size; ++i) bits |= at(i, 1);
  return bits;
}

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t case_bits = 0x20 * ones;

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// The same of each byte in a word: the uppermost bit of a byte says that its lower seven reach 'A', and not beyond 'Z'.
constexpr std::uint64_t lower_word(std::uint64_t word) noexcept {
  const std::uint64_t sevens = word & 0x7f * ones;
  const std::uint64_t reaches_a = sevens + (0x80 - 'A') * ones;
  const std::uint64_t beyond_z = sevens + (0x7f - 'Z') * ones;
  return word | (~word & 0x80 * ones & reaches_a & ~beyond_z) >> 2;
}

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
  const std::uint64_t bits = difference(a.data(), b.data(), a.size(), [](std::uint64_t word) { return word; });
  if (bits == 0) return true;
  if (bits & ~case_bits) return false;
  return difference(a.data(), b.data(), a.size(), lower_word) == 0;
}

std::string in_lower_case(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = lower(c);
  return result;
}

OwnedRequest::OwnedRequest(Method method, std::string target)
    : method_(method), target_(std::make_unique<std::string>(std::move(target))) {}

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
  const std::string& own_name = texts_.emplace_front(name);
  const std::string& own_value = texts_.emplace_front(value);
  fields_.push_back(HeaderField{own_name, own_value});
  return *this;
}

OwnedRequest& OwnedRequest::body(std::string body) {
  body_ = std::make_unique<std::string>(std::move(body));
  return *this;
}

}  // namespace umbel
