// SPDX-License-Identifier: MIT
#include "umbel/di/static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "umbel/core/file.hpp"
#include "umbel/core/redirect.hpp"
#include "umbel/di/params.hpp"

namespace umbel {

namespace {

using detail::Descriptor;

struct Folder {
  Folder(std::string folder, const StaticFileOptions& options)
      : path(std::move(folder)),
        index(options.index),
        cache_control(options.cache_control),
        link_flag(options.symlinks == Symlinks::refused ? O_NOFOLLOW : 0),
        hidden(options.hidden) {}

  std::string path;
  std::string index;
  std::string cache_control;
  int link_flag;
  HiddenFiles hidden;
};

[[noreturn]] void fail(int error) {
  if (error == EACCES || error == EPERM) throw HttpError{403};
  if (error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO)
    throw std::system_error{error, std::generic_category(), "umbel: a static file"};
  throw HttpError{404};
}

Descriptor open_root(const std::string& path) {
  return Descriptor{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

Descriptor open_in(const Descriptor& parent, const std::string& name, int flags) {
  Descriptor file{::openat(parent.get(), name.c_str(), flags | O_CLOEXEC)};
  if (!file) fail(errno);
  return file;
}

bool is_folder(const Descriptor& file) {
  struct stat status{};
  return ::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode);
}

void check_segment(std::string_view segment, HiddenFiles hidden) {
  const bool is_special = segment.empty() || segment == "." || segment == "..";
  const bool is_hidden = segment.starts_with('.') && hidden == HiddenFiles::refused;
  if (is_special || is_hidden || segment.find('\0') != std::string_view::npos) throw HttpError{404};
}

/// The handler: `path` is decoded.
class StaticHandler {
public:
  explicit StaticHandler(std::shared_ptr<const Folder> folder) : folder_(std::move(folder)) {}

protected:
  Response answer(std::string_view path, const Request& request) const {
    Descriptor at = open_root(folder_->path);
    if (!at) fail(errno);
    std::string name;
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      name = path.substr(0, slash);
      check_segment(name, folder_->hidden);
      if (slash == path.size()) return answer_last(at, name, request);
      at = open_in(at, name, O_PATH | O_DIRECTORY | folder_->link_flag);
      path.remove_prefix(slash + 1);
    }
    return send(open_index(at), folder_->index, request);
  }

private:
  Response answer_last(const Descriptor& parent, const std::string& name, const Request& request) const {
    // O_NONBLOCK: a pipe is refused, not waited for.
    Descriptor file = open_in(parent, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | folder_->link_flag);
    if (!is_folder(file)) return send(std::move(file), name, request);
    open_index(file);
    return to_slash(request);
  }

  Descriptor open_index(const Descriptor& parent) const {
    if (folder_->index.empty()) throw HttpError{404};
    return open_in(parent, folder_->index, O_RDONLY | O_NONBLOCK | O_NOCTTY | folder_->link_flag);
  }

  Response send(Descriptor file, std::string_view name, const Request& request) const {
    File found{std::move(file), name};
    if (!folder_->cache_control.empty()) found.header("cache-control", folder_->cache_control);
    return std::move(found).respond(request);
  }

  // Relative to the request's own path: `//evil.example` as a path must not become the name of a host, nor `x:y` a
  // scheme.
  static Response to_slash(const Request& request) {
    const std::string_view path = request.path();
    std::string location = "./" + std::string{path.substr(path.rfind('/') + 1)} + "/";
    if (!request.query().empty()) location.append("?").append(request.query());
    return Redirect{location}.respond(request);
  }

  std::shared_ptr<const Folder> folder_;
};

class ServeFile : StaticHandler {
public:
  using StaticHandler::StaticHandler;
  Response operator()(Path<"path"> path, const Request& request) const { return answer(*path, request); }
};

class ServeRoot : StaticHandler {
public:
  using StaticHandler::StaticHandler;
  Response operator()(const Request& request) const { return answer({}, request); }
};

}  // namespace

Router<> static_files(std::string folder, const StaticFileOptions& options) {
  if (!options.cache_control.empty()) detail::check_header("cache-control", options.cache_control);
  if (!open_root(folder))
    throw std::system_error{errno, std::generic_category(), "umbel: static_files(\"" + folder + "\")"};
  const auto shared = std::make_shared<const Folder>(std::move(folder), options);
  Router<> router;
  router.get("/", ServeRoot{shared});
  router.get("/{path:path}", ServeFile{shared});
  return router;
}

}  // namespace umbel
