// SPDX-License-Identifier: MIT
#pragma once
// What the fuzzers of the graph have in common: an App that is asked in process, and the two ways to run one. Each
// program has `try_one`, which ends the process if something is not as it should be. Without libFuzzer it replays the
// files and folders that it is given.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/exchange.hpp"
#include "umbel/core/request.hpp"
#include "umbel/di/app.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::fuzz {

/// The program's own.
void try_one(std::string_view data);

[[noreturn]] inline void fail(const char* what, std::string_view one, std::string_view other = {}) {
  std::fprintf(stderr, "%s\n--- one\n%.*s\n--- other\n%.*s\n", what, static_cast<int>(one.size()), one.data(),
               static_cast<int>(other.size()), other.data());
  std::abort();
}

/// What came back.
struct Answer {
  int status = 0;
  std::string body;
  bool operator==(const Answer&) const = default;
};

/// One request, whose body comes in pieces of `piece` bytes, each in memory of its own size, so that a sanitizer sees
/// what is read behind it.
class Asked final : public Exchange {
public:
  Asked(Context& context, OwnedRequest asked, std::string_view body, std::size_t piece)
      : asked_(std::move(asked)), body_(body), piece_(piece) {
    request_ = asked_.view();
    context_ = &context;
  }

  const Answer& answer() const {
    if (answer_.status == 0) fail("no answer", body_);
    return answer_;
  }

  bool collect_body(Work&) noexcept override {
    request_.set_body(body_);
    return true;
  }
  Pulled read_body(std::string_view& chunk, Work&) noexcept override {
    given_ = std::string{body_.substr(0, piece_)};
    body_.remove_prefix(given_.size());
    given_.shrink_to_fit();
    chunk = given_;
    return given_.empty() ? Pulled::end : Pulled::chunk;
  }
  void reply(Response&& response) noexcept override { answer_ = {response.status(), std::string{response.body()}}; }
  void reply_and_hold(Response&& response, Work& sent) noexcept override {
    reply(std::move(response));
    context_->enqueue(sent);
  }
  void release() noexcept override {}

private:
  OwnedRequest asked_;
  std::string_view body_;
  std::size_t piece_;
  std::string given_;
  Answer answer_;
};

/// An App that has started, and its Context.
class Subject {
public:
  template <class AddRoutes>
  explicit Subject(AddRoutes add_routes) {
    add_routes(app_);
    app_.start(port_.context());
  }

  Answer ask(OwnedRequest request, std::string_view body = {}, std::size_t piece = 1 << 20) {
    Asked asked{port_.context(), std::move(request), body, piece};
    app_.serve(asked);
    do port_.run();
    while (port_.pool().run_all() > 0);
    const Answer& answer = asked.answer();
    if (answer.status >= 400) check_json(answer.body);
    return answer;
  }

private:
  /// Whatever a client sends, what it reads is JSON.
  static void check_json(const std::string& body) {
    try {
      JsonReader{body};
    } catch (const JsonError& error) {
      fail(error.what(), body);
    }
  }

  App app_;
  testing::ManualPort port_;
};

inline void check_status(const Answer& answer, std::initializer_list<int> allowed) {
  for (const int status : allowed) {
    if (answer.status == status) return;
  }
  fail("a status that should not be", std::to_string(answer.status), answer.body);
}

}  // namespace umbel::fuzz

#ifdef UMBEL_FUZZ_REPLAY

#include <filesystem>
#include <fstream>
#include <iterator>

namespace umbel::fuzz {

inline int replay(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{path}) count += replay(entry.path());
    return count;
  }
  std::ifstream file{path, std::ios::binary};
  const std::string data{std::istreambuf_iterator<char>{file}, {}};
  std::fprintf(stderr, "%s\n", path.c_str());
  try_one(data);
  return 1;
}

}  // namespace umbel::fuzz

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) count += umbel::fuzz::replay(argv[i]);
  std::printf("%d inputs, all as they should be\n", count);
  return count > 0 ? 0 : 1;
}

#else

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  umbel::fuzz::try_one({reinterpret_cast<const char*>(data), size});
  return 0;
}

#endif
