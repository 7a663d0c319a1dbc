// SPDX-License-Identifier: MIT
// multipart/form-data, in pieces of every size. An input's first line is the content type, if it is one.

#include "form_subject.hpp"

void umbel::fuzz::try_one(std::string_view data) {
  std::string_view type = "multipart/form-data; boundary=b";
  if (data.starts_with("multipart/form-data;")) {
    type = data.substr(0, data.find('\n'));
    data.remove_prefix(std::min(type.size() + 1, data.size()));
  }
  try_all_pieces(type, data);
}
