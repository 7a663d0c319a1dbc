// SPDX-License-Identifier: MIT
#include "umbel/uv/work_queue.hpp"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <memory>

#include "umbel/core/work_pool.hpp"

namespace umbel {

namespace {

constexpr int jobs_per_turn = 64;

// As libuv reads it (threadpool.c): 4 if unset, 1 to 1024.
std::size_t pool_size() noexcept {
  const char* const text = std::getenv("UV_THREADPOOL_SIZE");
  if (!text) return 4;
  return static_cast<std::size_t>(std::clamp(std::atoi(text), 1, 1024));
}

std::size_t width(std::size_t workers) noexcept {
  return workers ? workers : std::max<std::size_t>(2, pool_size()) - 1;
}

}  // namespace

// Everything but `queue` belongs to the loop's thread.
class WorkQueue::Impl {
public:
  Impl(uv_loop_t* loop, std::size_t limit, std::size_t workers)
      : loop_(loop), queue_(limit), width_(width(workers)), items_(std::make_unique<Item[]>(width_)) {
    for (std::size_t i = 0; i < width_; ++i) put_aside(items_[i]);
  }

  bool submit(Job& job) noexcept {
    if (!queue_.push(job)) return false;
    // A running item may have taken the job by now; and one that just missed it looks again in `ended`.
    if (idle_ && queue_.size() > 0) start_one();
    return true;
  }

  void abandon() noexcept {
    assert(queue_.size() == 0 && "a WorkQueue was destroyed while jobs waited in it");
    abandoned_ = true;
    if (running_ == 0) delete this;
  }

  bool reserve(std::size_t jobs) noexcept { return queue_.reserve(jobs); }
  void unreserve(std::size_t jobs) noexcept { queue_.unreserve(jobs); }
  std::size_t waiting() const noexcept { return queue_.size(); }
  std::size_t workers() const noexcept { return width_; }

private:
  struct Item {
    uv_work_t request{};
    Impl* owner = nullptr;
    Item* next = nullptr;  // Among those that do not run.
  };

  void put_aside(Item& item) noexcept {
    item.owner = this;
    item.next = idle_;
    idle_ = &item;
  }

  void start_one() noexcept {
    Item& item = *idle_;
    idle_ = item.next;
    ++running_;
    queue_item(item);
  }

  void queue_item(Item& item) noexcept {
    item.request.data = &item;
    uv_queue_work(loop_, &item.request, drain, ended);
  }

  // On a thread of the pool. A job's owner may destroy the WorkQueue as soon as the job is home; we stay until `ended`.
  static void drain(uv_work_t* request) {
    JobQueue& queue = static_cast<Item*>(request->data)->owner->queue_;
    for (int i = 0; i < jobs_per_turn; ++i) {
      Job* const job = queue.pop();
      if (!job) return;
      job->run_and_return();
    }
  }

  static void ended(uv_work_t* request, int) {
    Item& item = *static_cast<Item*>(request->data);
    Impl& self = *item.owner;
    if (self.queue_.size() > 0) return self.queue_item(item);
    self.put_aside(item);
    if (--self.running_ == 0 && self.abandoned_) delete &self;
  }

  uv_loop_t* const loop_;
  JobQueue queue_;
  const std::size_t width_;
  std::unique_ptr<Item[]> items_;
  Item* idle_ = nullptr;
  std::size_t running_ = 0;
  bool abandoned_ = false;
};

WorkQueue::WorkQueue(uv_loop_t* loop, std::size_t queue_limit, std::size_t workers)
    : impl_(new Impl{loop, queue_limit, workers}) {}
WorkQueue::~WorkQueue() { impl_->abandon(); }

bool WorkQueue::submit(Job& job) noexcept { return impl_->submit(job); }
bool WorkQueue::reserve(std::size_t jobs) noexcept { return impl_->reserve(jobs); }
void WorkQueue::unreserve(std::size_t jobs) noexcept { impl_->unreserve(jobs); }
std::size_t WorkQueue::waiting() const noexcept { return impl_->waiting(); }
std::size_t WorkQueue::workers() const noexcept { return impl_->workers(); }

}  // namespace umbel
