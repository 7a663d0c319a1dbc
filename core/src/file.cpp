// SPDX-License-Identifier: MIT
#include "umbel/core/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <system_error>

#include "umbel/core/conditions.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/http_date.hpp"
#include "umbel/core/media_type.hpp"
#include "umbel/core/worked_body.hpp"

namespace umbel {

namespace {

constexpr std::size_t piece_size = 64 * 1024;

/// Reads up to `size` bytes behind what `out` holds. Fewer: the file has ended. Negative: an error.
ssize_t read_at(int fd, Buffer& out, std::size_t size, std::uint64_t offset) noexcept {
  char* const room = out.room(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(fd, room + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  out.grew(done);
  return static_cast<ssize_t>(done);
}

/// A stretch of a file.
class FileBody final : public WorkedBody {
public:
  FileBody(detail::Descriptor file, std::uint64_t first, std::uint64_t size) noexcept
      : file_(std::move(file)), next_(first), left_(size), first_(first), size_(size) {}

  std::optional<std::uint64_t> size() const noexcept override { return size_; }
  FileStretch stretch() const noexcept override { return {file_.get(), first_, size_}; }

private:
  Made make(Buffer& piece) noexcept override {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece_size));
    if (read_at(file_.get(), piece, size, next_) != static_cast<ssize_t>(size)) return Made::failed;
    next_ += size;
    left_ -= size;
    return left_ > 0 ? Made::piece : Made::last_piece;
  }

  detail::Descriptor file_;
  std::uint64_t next_;
  std::uint64_t left_;
  const std::uint64_t first_;
  const std::uint64_t size_;
};

[[noreturn]] void fail(int error, std::string_view path) {
  if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP || error == ENXIO)
    throw HttpError{404};
  if (error == EACCES || error == EPERM) throw HttpError{403};
  throw std::system_error{error, std::generic_category(), "umbel: open " + std::string{path}};
}

detail::Descriptor open_at(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw HttpError{404};
  // O_NONBLOCK: a pipe is refused, not waited for.
  detail::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file) fail(errno, path);
  return file;
}

void append_hex(std::string& out, std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  out.append(digits.data(), end);
}

constexpr bool is_attribute_char(unsigned char c) noexcept {  // RFC 8187 section 3.2.1.
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view{"!#$&+-.^_`|~"}.find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr bool may_name_a_file(unsigned char c) noexcept {
  return c >= ' ' && c != 0x7f && c != '"' && c != '/' && c != '\\';
}

std::string disposition_of(std::string_view name) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string plain;
  std::string encoded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const char kept = may_name_a_file(byte) ? c : '_';
    plain += byte < 0x80 ? kept : '_';
    if (is_attribute_char(static_cast<unsigned char>(kept))) encoded += kept;
    else encoded.append(1, '%').append(1, hex[byte / 16]).append(1, hex[byte % 16]);
  }
  std::string disposition = "attachment; filename=\"" + plain + "\"";
  const bool is_plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x80; });
  // A percent sign in a quoted name is read differently by different browsers (RFC 6266 appendix D).
  if (!is_plain || plain.find('%') != std::string::npos) disposition += "; filename*=UTF-8''" + encoded;
  return disposition;
}

// Times that a clock of nanoseconds does not reach are as far away as it does.
std::chrono::system_clock::time_point time_of(const timespec& time) noexcept {
  const std::chrono::seconds seconds{std::clamp<std::int64_t>(time.tv_sec, -9'000'000'000, 9'000'000'000)};
  return std::chrono::system_clock::time_point{std::chrono::duration_cast<std::chrono::system_clock::duration>(
      seconds + std::chrono::nanoseconds{time.tv_nsec})};
}

}  // namespace

void detail::Descriptor::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

File::File(std::string path) : file_(open_at(path)) { look(path); }

File::File(detail::Descriptor file, std::string_view name) : file_(std::move(file)) { look(name); }

void File::look(std::string_view name) {
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) fail(errno, name);
  if (!S_ISREG(status.st_mode)) throw HttpError{404};
  type_ = media_type_of(name);
  size_ = static_cast<std::uint64_t>(status.st_size);
  const auto now = std::chrono::system_clock::now();
  const auto changed = time_of(status.st_mtim);
  last_modified_ = std::chrono::floor<std::chrono::seconds>(std::min(changed, now));
  // The kernel's clock for files ticks some milliseconds apart, that of others up to two seconds.
  if (changed + std::chrono::seconds{2} > now) etag_ = "W/";
  append_hex(etag_ += '"', static_cast<std::uint64_t>(changed.time_since_epoch().count()));
  append_hex(etag_ += '-', size_);
  etag_ += '"';
  read_if_small();
}

// Saves the way to another worker.
void File::read_if_small() {
  if (size_ > piece_size) return;
  if (read_at(file_.get(), content_, static_cast<std::size_t>(size_), 0) < 0)
    throw std::system_error{errno, std::generic_category(), "umbel: read"};
  size_ = content_.size();
  file_.close();
}

File& File::content_type(std::string_view type) & {
  detail::check_header("content-type", type);
  type_ = type;
  return *this;
}

File& File::download(std::string_view name) & { return disposition_ = disposition_of(name), *this; }

File& File::header(std::string_view name, std::string_view value) & { return headers_.append(name, value), *this; }

// What 200, 206 and 304 have in common (RFC 9110 section 15.4.5).
Response File::whole(int status) const {
  Response response{status};
  response.header("last-modified", to_http_date(last_modified_)).header("etag", etag_);
  detail::for_each_field(headers_.lines(), [&](std::string_view name, std::string_view value) {
    if (!equal_ignoring_case(name, "content-type")) response.append_header(name, value);
  });
  return response;
}

Response File::part(int status, std::uint64_t first, std::uint64_t size) {
  Response response = whole(status);
  response.header("content-type", headers_.get("content-type").value_or(type_)).header("accept-ranges", "bytes");
  if (!disposition_.empty()) response.header("content-disposition", disposition_);
  if (file_) response.body(BodySourcePtr{new FileBody{std::move(file_), first, size}});
  else if (size == size_) response.body(std::move(content_));
  else response.body(Buffer{content_.view().substr(static_cast<std::size_t>(first), static_cast<std::size_t>(size))});
  return response;
}

Response File::respond(const Request& request) && {
  if (request.method() != Method::get && request.method() != Method::head) return part(200, 0, size_);
  const Validators validators{etag_, last_modified_};
  switch (check_conditions(request, validators)) {
    case Condition::not_modified:
      return whole(304);
    case Condition::failed:
      throw HttpError{412};
    case Condition::holds:
      break;
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const AskedRange asked = check_range(request, validators, size_, now);
  if (asked.kind == AskedRange::Kind::whole) return part(200, 0, size_);
  const std::string of = "/" + std::to_string(size_);
  if (asked.kind == AskedRange::Kind::unsatisfiable) throw HttpError{416}.header("content-range", "bytes *" + of);
  const auto [first, size] = asked.range;
  Response response = part(206, first, size);
  response.header("content-range", "bytes " + std::to_string(first) + "-" + std::to_string(first + size - 1) + of);
  return response;
}

namespace {

/// Opens a file on a worker, and resumes who awaits it.
class Opening : Job {
public:
  explicit Opening(std::string path) noexcept : Job(execute, come_home), path_(std::move(path)) {}

  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    return env_->context->submit(*this);
  }
  File await_resume() {
    if (thrown_) std::rethrow_exception(thrown_);
    if (!file_) throw HttpError{503}.header("retry-after", "1");
    return std::move(*file_);
  }

private:
  static void execute(Job& job) noexcept {
    auto& opening = static_cast<Opening&>(job);
    try {
      opening.file_.emplace(std::move(opening.path_));
    } catch (...) {
      opening.thrown_ = std::current_exception();
    }
  }
  static void come_home(Job& job) noexcept {
    auto& opening = static_cast<Opening&>(job);
    detail::resume(*opening.env_, opening.waiting_);
  }

  std::string path_;
  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
  std::optional<File> file_;
  std::exception_ptr thrown_;
};

}  // namespace

Task<File> open_file(std::string path) {
  Opening opening{std::move(path)};
  co_return co_await opening;
}

}  // namespace umbel
