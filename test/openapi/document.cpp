// SPDX-License-Identifier: MIT
// Prints the document of the rich App.
#include <cstdio>
#include <string>

#include "rich_app.hpp"

int main() {
  const rich::RichApp app;
  const std::string document = umbel::openapi_document(app, rich::RichApp::options);
  return std::fwrite(document.data(), 1, document.size(), stdout) == document.size() ? 0 : 1;
}
