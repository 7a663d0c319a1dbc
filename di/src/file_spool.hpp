// SPDX-License-Identifier: MIT
#pragma once
// Fills an UploadedFile, and works on files away from the loop.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/uploaded_file.hpp"

namespace umbel::detail {

/// Runs `call` on a worker and waits for it; it is not cancelled. `co_await` throws HttpError 503 if the work queue is
/// full. `call` does not throw.
template <class Call>
class OnWorker : Job {
public:
  explicit OnWorker(Call call) noexcept : Job(execute, finished), call_(std::move(call)) {}

  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    is_refused_ = !env_->context->submit(*this);
    return !is_refused_;
  }
  void await_resume() const {
    if (is_refused_) throw HttpError{503, "Too many requests wait for a worker"}.header("retry-after", "1");
  }

private:
  static void execute(Job& job) noexcept { static_cast<OnWorker&>(job).call_(); }
  static void finished(Job& job) noexcept {
    OnWorker& self = static_cast<OnWorker&>(job);
    resume(*self.env_, self.waiting_);
  }

  Call call_;
  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
  bool is_refused_ = false;
};

/// What comes of a file goes to its memory, until that is flushed to a temporary file.
class FileSpool {
public:
  explicit FileSpool(UploadedFile& file) noexcept : file_(&file) {}

  void name(std::string file_name, std::string content_type) noexcept {
    file_->file_name_ = std::move(file_name);
    file_->content_type_ = std::move(content_type);
  }
  void append(std::string_view data) {
    file_->memory_.append(data);
    file_->size_ += data.size();
  }
  /// Bytes that wait in memory.
  std::size_t waiting() const noexcept { return file_->memory_.size(); }
  bool is_in_memory() const noexcept { return file_->is_in_memory(); }
  /// On a worker: what waits goes to the temporary file, which is made if there is none. Returns errno.
  int flush() noexcept;

private:
  UploadedFile* file_;
};

}  // namespace umbel::detail
