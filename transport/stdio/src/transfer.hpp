// SPDX-License-Identifier: MIT
#pragma once
// One direction of a descriptor of any kind.

#include <cstddef>
#include <mutex>
#include <thread>

#include "umbel/core/context.hpp"

namespace umbel::stdio {

/// Reads or writes a descriptor on a thread of its own. Files cannot be polled by an event loop, and what is shared
/// with others, as a terminal is, cannot be made non-blocking; poll(2) and a blocking call behind it suit them all.
///
/// On the Context's thread, all of it.
class Transfer {
public:
  enum class Direction { in, out };
  class Owner {
  public:
    /// What was started is over. `error`: 0, or an errno; ECANCELED after `cancel`. In: `size` is 0 at the end of the
    /// input. Out: less than all only with an error.
    virtual void on_transferred(Transfer& transfer, std::size_t size, int error) noexcept = 0;
    /// Out: nobody will read what is written, found out while nothing is. Once.
    virtual void on_gone() noexcept = 0;

  protected:
    ~Owner() = default;
  };

  /// The owner outlives us, and the descriptor stays open while we are.
  Transfer(Context& context, int fd, Direction direction, Owner& owner);
  ~Transfer();

  /// Begins. Throws std::system_error if the descriptor is none, or there is no thread to be had.
  void open();
  /// Reads into `data`, or writes all of it; it stays where it is until the owner is told. One at a time.
  void start(char* data, std::size_t size);
  /// The owner is told soon. Does nothing if nothing was started.
  void cancel() noexcept;
  bool is_busy() const noexcept { return busy_; }
  /// Ends; not while it is busy. False if the owner is still to be told something: then once more, later.
  bool close() noexcept;

private:
  struct Report : Work {
    explicit Report(Transfer& t) noexcept : Work(run), transfer(t) {}
    static void run(Work& work) noexcept { static_cast<Report&>(work).transfer.tell(); }
    Transfer& transfer;
  };
  // Between the threads.
  struct Shared {
    char* data = nullptr;
    std::size_t size = 0;
    std::size_t done = 0;
    int error = 0;
    bool asked = false;
    bool cancelled = false;
    bool ended = false;
    bool is_over = false;  // To be told, and so is the next one.
    bool is_gone = false;
    bool posted = false;
  };

  void run() noexcept;
  bool look(Shared& seen) noexcept;
  void wait(const Shared& seen) noexcept;
  void step(const Shared& seen) noexcept;
  void finish(std::size_t done, int error) noexcept;
  void find_gone() noexcept;
  void post(std::unique_lock<std::mutex> lock) noexcept;
  void wake() noexcept;
  void tell() noexcept;

  Context& context_;
  const int fd_;
  const Direction direction_;
  Owner& owner_;
  std::size_t most_at_once_ = 0;  // That does not block when poll(2) says so.
  int wake_ = -1;                 // An eventfd.
  bool busy_ = false;
  bool watches_ = false;  // The thread's own: nobody has been found to be gone.
  std::mutex mutex_;
  Shared shared_;
  Report report_;
  std::thread thread_;
};

}  // namespace umbel::stdio
