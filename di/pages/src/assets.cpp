// SPDX-License-Identifier: MIT
#include "assets.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "asset_table.hpp"
#include "umbel/core/body_source.hpp"
#include "umbel/core/conditions.hpp"

// What pages.S has the assembler include.
extern "C" const char umbel_pages_bytes[];

namespace umbel::detail {

namespace {

struct Assets {
  std::vector<Asset> all;
  std::vector<std::string> etags, packed_etags;

  Assets() : all(asset_count), etags(asset_count), packed_etags(asset_count) {
    for (std::size_t i = 0; i < asset_count; ++i) {
      const AssetEntry& entry = asset_table[i];
      etags[i].append("\"").append(entry.tag).append("\"");
      packed_etags[i].append("\"").append(entry.tag).append("-gzip\"");
      all[i] = {entry.name,
                entry.type,
                etags[i],
                packed_etags[i],
                std::string_view{umbel_pages_bytes + entry.bytes, entry.byte_count},
                std::string_view{umbel_pages_bytes + entry.packed, entry.packed_count}};
    }
  }
};

/// Bytes that are always there, so that they are not copied.
class LastingBody final : public BodySource {
public:
  explicit LastingBody(std::string_view bytes) noexcept : size_(bytes.size()), left_(bytes) {}

  Pulled pull(Context&, std::string_view& chunk, Work&) noexcept override {
    if (left_.empty()) return Pulled::end;
    chunk = left_.substr(0, std::size_t{64} * 1024);
    left_.remove_prefix(chunk.size());
    return Pulled::chunk;
  }
  void drop() noexcept override { delete this; }
  std::optional<std::uint64_t> size() const noexcept override { return size_; }

private:
  const std::size_t size_;
  std::string_view left_;
};

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && equal_ignoring_case(a, b);
}

/// Calls `f` for each element of a list in all fields of that name.
template <class F>
void for_each_element(const Request& request, std::string_view name, F f) {
  for (const auto& field : request.headers()) {
    if (!same_word(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      f(trimmed(rest.substr(0, comma)));
      rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
    }
  }
}

/// `q=0`, `q=0.`, `q=0.000`.
bool is_refused(std::string_view parameters) noexcept {
  const std::string_view weight = trimmed(parameters);
  return (weight.starts_with("q=0") || weight.starts_with("Q=0")) && weight.find_first_not_of("0.", 3) == weight.npos;
}

}  // namespace

const Asset* find_asset(std::string_view name) noexcept {
  static const Assets assets;
  const auto found = std::ranges::find(assets.all, name, &Asset::name);
  return found == assets.all.end() ? nullptr : &*found;
}

bool accepts_gzip(const Request& request) noexcept {
  std::optional<bool> gzip, any;
  for_each_element(request, "accept-encoding", [&](std::string_view one) {
    const std::size_t semicolon = std::min(one.find(';'), one.size());
    const std::string_view coding = trimmed(one.substr(0, semicolon));
    const bool is_taken = semicolon == one.size() || !is_refused(one.substr(semicolon + 1));
    if (same_word(coding, "gzip")) gzip = is_taken;
    if (coding == "*") any = is_taken;
  });
  return gzip.value_or(any.value_or(false));
}

Response reply_with(const Asset& asset, const Request& request) {
  const bool is_packed = accepts_gzip(request);
  const std::string_view etag = is_packed ? asset.packed_etag : asset.etag;
  Response response{304};
  if (check_conditions(request, {.etag = etag}) != Condition::not_modified) {
    const std::string_view bytes = is_packed ? asset.packed : asset.bytes;
    response = Response::stream(asset.type, BodySourcePtr{new LastingBody{bytes}});
    if (is_packed) response.header("content-encoding", "gzip");
  }
  response.header("etag", etag).header("vary", "accept-encoding");
  return response;
}

}  // namespace umbel::detail
