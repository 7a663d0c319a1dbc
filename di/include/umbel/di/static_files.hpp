// SPDX-License-Identifier: MIT
#pragma once
// A folder's files as routes.

#include <cstdint>
#include <string>
#include <string_view>

#include "umbel/di/router.hpp"

namespace umbel {

/// What becomes of symbolic links in a folder that is served.
enum class Symlinks : std::uint8_t {
  refused,   // They are not there: 404. The folder itself may be one.
  followed,  // Wherever they lead, out of the folder too: whoever may write into it decides.
};

/// What becomes of files and folders whose names begin with a dot: `.git`, `.env`, `.well-known`.
enum class HiddenFiles : std::uint8_t {
  refused,  // They are not there: 404.
  served,   // As all others.
};

/// How a folder is served.
struct StaticFileOptions {
  std::string_view index = "index.html";      // What answers for a folder. Empty: nothing does.
  std::string_view cache_control = {};        // A header of every file: "public, max-age=3600". Empty: none.
  Symlinks symlinks = Symlinks::refused;      // Of the folder's insides.
  HiddenFiles hidden = HiddenFiles::refused;  // At any depth.
};

/// The files below a folder, as a Router to be included.
///
///     app.include("/static", static_files("public"));            // GET /static/css/site.css is public/css/site.css
///     app.include(static_files("public", {.hidden = HiddenFiles::served}));
///
/// Each is answered as a File is: types, ETag, ranges. A folder is answered by its index; if the path lacks the slash
/// at its end, by a redirect to the one that has it, so that the document's own links are right. Folders are never
/// listed. What is not there, what is no regular file, and what a path may not have is the 404 that any
/// `HttpError{404}` is, so that `on_error` has its say; what we may not read is a 403.
///
/// No path leads out of the folder. The router has decoded it, once; its segments are looked up one by one, each in the
/// folder that was opened before it, so that nothing is decided by comparing texts and nothing can change in between.
/// Empty segments, `.` and `..`, and NUL are refused before the disk is asked; a backslash is a letter like others.
///
/// Files are looked up and opened on workers. The folder is opened anew for each request, so that it may be replaced
/// as a whole. Throws std::system_error if there is no such folder now.
Router<> static_files(std::string folder, const StaticFileOptions& options = {});

}  // namespace umbel
