// SPDX-License-Identifier: MIT
#include "umbel/uv/end_signals.hpp"

#include <uv.h>

#include <array>
#include <csignal>
#include <utility>

namespace umbel {

class EndSignals::Impl {
public:
  Impl(Loop& loop, Function function, void* state) : loop_(loop), function_(function), state_(state) {
    for (Signal& signal : signals_) {
      sigaction(signal.number, nullptr, &signal.before);
      uv_signal_init(loop.native(), &signal.handle);
      signal.handle.data = this;
      uv_signal_start(&signal.handle, on_signal, signal.number);
      ++open_;
    }
  }
  ~Impl() {
    close();
    while (open_ > 0) uv_run(loop_.native(), UV_RUN_ONCE);
    for (const Signal& signal : signals_) sigaction(signal.number, &signal.before, nullptr);
  }

private:
  struct Signal {
    int number;
    uv_signal_t handle{};
    struct sigaction before{};
  };

  static void on_signal(uv_signal_t* handle, int) {
    auto& self = *static_cast<Impl*>(handle->data);
    ++self.received_;
    self.function_(self.state_, self.received_);
    if (self.received_ == 2) self.close();  // The third one is the system's.
  }

  void close() noexcept {
    if (std::exchange(closing_, true)) return;
    for (Signal& signal : signals_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&signal.handle),
               [](uv_handle_t* handle) { --static_cast<Impl*>(handle->data)->open_; });
    }
  }

  Loop& loop_;
  Function function_;
  void* state_;
  std::array<Signal, 2> signals_{Signal{SIGINT}, Signal{SIGTERM}};
  int open_ = 0;
  int received_ = 0;
  bool closing_ = false;
};

EndSignals::EndSignals(Loop& loop, Function function, void* state)
    : impl_(std::make_unique<Impl>(loop, function, state)) {}
EndSignals::~EndSignals() = default;

}  // namespace umbel
