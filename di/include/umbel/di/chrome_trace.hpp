// SPDX-License-Identifier: MIT
#pragma once
// What happens when, as a picture: open the file in https://ui.perfetto.dev or chrome://tracing.

#include <cstddef>
#include <memory>
#include <string>

#include "umbel/di/observer.hpp"

namespace umbel {

/// Writes a file in the Trace Event Format (the JSON array form): where the time of each request goes.
///
///     ChromeTrace trace{"trace.json"};
///     app.observe(trace);
///     ...
///     trace.close();   // when everything that serves has stopped
///
/// A process of the picture is a Context, and a row of it a request in flight: its nodes and their tear-downs lie
/// within the request; those that overlap have rows beside it. Nodes of the work queue are in a process of their own, a
/// row for each that ran at the same time, with an arrow from the request that gave it away. An arrow leads from the
/// start of a request to its reply. A node's `args` say route, number and outcome (ok, error, cancelled), for how long
/// it waited for a worker, and the error's message: the file is for developers, not for clients.
///
/// Any number of Contexts; they wait for one another, and for the disk, whenever `buffer` is full: to look at a
/// program, not to run one. A request in flight costs memory until it ends; the rest is in the buffer.
class ChromeTrace : public Observer {
public:
  /// What is written, and how much of it.
  struct Options {
    std::size_t buffer = 64 * 1024;             ///< Bytes that are kept back before they are written.
    std::size_t most = std::size_t{256} << 20;  ///< Bytes of file; requests that start beyond are left out.
    Duration blocked_after = Duration::zero();  ///< As Observer has it: blocked loops are marked in the picture.
  };

  /// Opens the file, which is overwritten. Throws std::system_error if that fails.
  explicit ChromeTrace(const std::string& path) : ChromeTrace(path, Options{}) {}
  /// Opens the file, and throws std::system_error if it cannot.
  ChromeTrace(const std::string& path, Options options);
  /// Closes, and keeps quiet about what fails.
  ~ChromeTrace() override;
  ChromeTrace(const ChromeTrace&) = delete;
  ChromeTrace& operator=(const ChromeTrace&) = delete;

  /// Makes the file complete; what is unfinished ends here, and what is heard later is dropped. Throws
  /// std::system_error if the file could not be written. Once; later calls do nothing. Any thread.
  void close();
  /// How many requests were left out, since the file was full. Any thread.
  std::size_t left_out() const noexcept;

  /// Notes when the request came.
  void request_started(const RequestEvent& event) noexcept override;
  /// Notes when and where the node ran.
  void node(const NodeEvent& event) noexcept override;
  /// Notes the reply, and writes the request down if it is wanted.
  void replied(const ReplyEvent& event) noexcept override;
  void request_ended(const void* id, Time time) noexcept override;
  Duration blocked_after() const noexcept override;
  /// Notes what kept the loop.
  void loop_blocked(const BlockedEvent& event) noexcept override;

private:
  class Writer;
  std::unique_ptr<Writer> writer_;
};

}  // namespace umbel
