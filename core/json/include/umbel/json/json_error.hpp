// SPDX-License-Identifier: MIT
#pragma once
// What JsonReader and JsonWriter throw.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace umbel {

/// JSON that cannot be read or written. `what()` is a sentence in plain words. Of the document it quotes nothing but
/// the names of members, which are as long and as odd as the sender made them.
class JsonError : public std::runtime_error {
public:
  /// The sentence, and where in the document, in bytes from its begin.
  explicit JsonError(const std::string& sentence, std::optional<std::size_t> offset = std::nullopt)
      : std::runtime_error(sentence), offset_(offset) {}

  /// Where the text goes wrong, in bytes from its beginning. Empty if that is not known, and for every error that is
  /// not about the text: a member of the wrong type, a value that cannot be written.
  std::optional<std::size_t> offset() const noexcept { return offset_; }

private:
  std::optional<std::size_t> offset_;
};

}  // namespace umbel
