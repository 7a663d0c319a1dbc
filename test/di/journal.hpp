// SPDX-License-Identifier: MIT
#pragma once
// Providers that write down what they do, so that a test can spell a graph in one line and read its order in another.

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "umbel/core/sleep.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/json/fixed_string.hpp"

namespace umbel::test {

/// Words in the order in which they were written. Any thread.
class Journal {
public:
  void write(std::string_view word) {
    const std::lock_guard lock{mutex_};
    text_.append(text_.empty() ? "" : " ").append(word);
  }
  /// What was written so far, and starts afresh.
  std::string take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(text_, {});
  }

private:
  std::mutex mutex_;
  std::string text_;
};

/// Names of this namespace as a reader thinks of them; compilers qualify them or not.
inline std::string unqualified(std::string text) {
  for (const std::string_view scope : {"umbel::test::", "{anonymous}::", "(anonymous namespace)::"}) {
    for (std::size_t at = text.find(scope); at != text.npos; at = text.find(scope)) text.erase(at, scope.size());
  }
  return text;
}

inline Journal& journal() {
  static Journal the_journal;
  return the_journal;
}

// A coroutine that is ready at once.
template <FixedString name, auto&... needs>
Task<int> ready(Depends<needs>...) {
  journal().write(name.view());
  co_return 1;
}

// A coroutine that takes time: `name+` when it starts, `name-` when it ends, `name!` when it is asked to stop.
template <FixedString name, int milliseconds, auto&... needs>
Task<int> slow(Depends<needs>...) {
  journal().write(std::string{name.view()} + "+");
  try {
    co_await sleep(std::chrono::milliseconds{milliseconds});
  } catch (const Cancelled&) {
    journal().write(std::string{name.view()} + "!");
    throw;
  }
  journal().write(std::string{name.view()} + "-");
  co_return 1;
}

// A plain function.
template <FixedString name, auto&... needs>
int plain(Depends<needs>...) {
  journal().write(name.view());
  return 1;
}

// Fails with `status`, after some time if there is any.
template <FixedString name, int status, int milliseconds, auto&... needs>
Task<int> failing(Depends<needs>...) {
  if (milliseconds > 0) co_await sleep(std::chrono::milliseconds{milliseconds});
  journal().write(name.view());
  throw HttpError{status, std::string{name.view()}};
  co_return 0;
}

template <FixedString name, int status, auto&... needs>
int failing_plain(Depends<needs>...) {
  journal().write(name.view());
  throw HttpError{status, std::string{name.view()}};
}

// A handler that needs these.
template <auto&... needs>
Task<Response> handler(Depends<needs>...) {
  journal().write("h");
  co_return Response::text("done");
}

template <auto&... needs>
Response plain_handler(Depends<needs>...) {
  journal().write("h");
  return Response::text("done");
}

}  // namespace umbel::test
