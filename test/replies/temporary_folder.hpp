// SPDX-License-Identifier: MIT
#pragma once
// A folder that a test fills, and that is gone after it.

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace umbel::test {

class TemporaryFolder {
public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "umbel_XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) throw std::system_error{errno, std::generic_category(), "mkdtemp"};
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const noexcept { return path_; }
  std::string path_of(std::string_view name) const { return path_ + "/" + std::string{name}; }

  /// Makes a file, and the folders that it is in, last changed then: long ago unless told. Gives its path.
  std::string write(std::string_view name, std::string_view content, std::time_t changed = 784'111'777) const {
    const std::string path = path_of(name);
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::ofstream{path, std::ios::binary} << content;
    const timespec times[2] = {{changed, 0}, {changed, 0}};
    ::utimensat(AT_FDCWD, path.c_str(), times, 0);
    return path;
  }

private:
  std::string path_;
};

}  // namespace umbel::test
