// SPDX-License-Identifier: MIT
#pragma once
// Sockets that listen on a loop, and what they accept.

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "sockets.hpp"
#include "umbel/http1/filter.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel::http1 {

/// Accepts connections as long as its owner has room for them. Without room, or without descriptors, it does not watch
/// its sockets, and further connections wait in the kernel's queue.
class Listeners {
public:
  class Owner {
  public:
    virtual bool has_room() const noexcept = 0;
    /// Takes the descriptor, which does not block. `layer` is the socket's.
    virtual void accepted(int fd, Layer* layer) noexcept = 0;

  protected:
    ~Owner() = default;
  };

  struct Options {
    int backlog;                                // That the sockets listen with.
    std::chrono::milliseconds patience{1'000};  // Without room: until it is looked for again, if `go_on` is not called.
  };

  Listeners(Loop& loop, const Options& options, Owner& owner);
  /// Closes. libuv lets go of the handles in a later turn of the loop.
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  /// `layer` stands before the sessions of its connections; null: none. `path` is the file of a unix socket that is
  /// removed with it. Throws std::system_error if the loop cannot watch it.
  void add(Descriptor socket, Layer* layer, std::string path = {});
  /// The owner has room again.
  void go_on() noexcept;
  /// Accepts those whom the kernel has told already that they are connected: each may have sent a request.
  void accept_the_rest() noexcept;
  void close() noexcept;

  /// libuv has let go of all of them.
  bool are_closed() const noexcept { return *open_ == 0; }

private:
  struct Listener {
    uv_poll_t poll;
    Listeners* all;  // Gone, perhaps, when the handle closes.
    int fd;
    Layer* layer;
    std::string path;
    std::shared_ptr<std::size_t> open;
  };
  struct Resume : Timer {
    explicit Resume(Listeners& l) noexcept : Timer(run), listeners(l) {}
    static void run(Timer& timer) noexcept { static_cast<Resume&>(timer).listeners.go_on(); }
    Listeners& listeners;
  };

  void start(Listener& listener) noexcept;
  void accept_from(const Listener& listener) noexcept;
  bool may_take_descriptor(int any) const noexcept;
  void pause() noexcept;
  static void close(Listener* listener) noexcept;

  Loop& loop_;
  Owner& owner_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::shared_ptr<std::size_t> open_ = std::make_shared<std::size_t>(0);  // With those that close.
  const Options options_;
  const int descriptor_limit_;
  bool paused_ = false;
  bool is_near_limit_ = false;  // A connection has got the last descriptor that is ours to take, or a later one.
  Resume resume_;
};

}  // namespace umbel::http1
