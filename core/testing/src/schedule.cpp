// SPDX-License-Identifier: MIT
#include "umbel/testing/schedule.hpp"

#include <charconv>
#include <exception>
#include <stdexcept>
#include <utility>

#include "umbel/core/block_pool.hpp"

namespace umbel::testing {

namespace {

/// Cuts a text into words and numbers.
class Words {
public:
  explicit Words(std::string_view text) noexcept : all_(text), left_(text) { skip(); }

  bool empty() const noexcept { return left_.empty(); }
  bool take(std::string_view word) noexcept {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    skip();
    return true;
  }
  bool has_number() const noexcept { return !left_.empty() && left_[0] >= '0' && left_[0] <= '9'; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    const auto end = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    if (end.ec != std::errc{}) fail();
    left_.remove_prefix(static_cast<std::size_t>(end.ptr - left_.data()));
    skip();
    return value;
  }
  [[noreturn]] void fail() const {
    throw std::invalid_argument{"umbel: \"" + std::string{all_} + "\" is not the text of a Schedule"};
  }

private:
  void skip() noexcept {
    while (left_.starts_with(' ')) left_.remove_prefix(1);
  }

  std::string_view all_;
  std::string_view left_;
};

}  // namespace

Schedule Schedule::replay(std::string_view text) {
  Words words{text};
  std::optional<Schedule> schedule;
  if (words.take("seed")) {
    schedule.emplace(words.number());
  } else if (words.take("choices")) {
    std::vector<std::uint32_t> choices;
    while (words.has_number()) choices.push_back(static_cast<std::uint32_t>(words.number()));
    schedule.emplace(std::move(choices));
  } else {
    words.fail();
  }
  if (words.take("fail")) schedule->fail_at(words.number());
  if (words.take("leave")) {
    const std::size_t request = words.number();
    if (!words.take("at")) words.fail();
    schedule->leave_at(words.number(), request);
  }
  if (!words.empty()) words.fail();
  return std::move(*schedule);
}

std::string Schedule::text() const {
  std::string text;
  if (seed_) {
    text = "seed " + std::to_string(*seed_);
  } else {
    text = "choices";
    for (const Choice& choice : choices_) text += " " + std::to_string(choice.chosen);
  }
  if (fail_at_) text += " fail " + std::to_string(fail_at_);
  if (leaving_) text += " leave " + std::to_string(leaving_->request) + " at " + std::to_string(leaving_->turn);
  return text;
}

// SplitMix64: the standard's distributions differ from library to library, and a seed must not.
std::uint64_t Schedule::next_random() noexcept {
  std::uint64_t z = (random_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::size_t Schedule::choose(std::size_t limit) {
  if (limit < 2) return 0;
  if (seed_) return next_random() % limit;
  const std::size_t given = decided_ < given_.size() ? given_[decided_] : 0;
  ++decided_;
  const std::size_t chosen = given < limit ? given : limit - 1;
  choices_.push_back({static_cast<std::uint32_t>(chosen), static_cast<std::uint32_t>(limit)});
  return chosen;
}

bool Schedule::once_in(std::size_t times) {
  if (seed_) return next_random() % times == 0;
  return choose(2) == 1;
}

/// Runs schedules, and keeps the account.
struct Scenarios {
  const Scenario& scenario;
  bool (*has_failed)();
  Exploration result{};

  /// False if there was a mistake.
  bool run(Schedule& schedule) {
    const std::size_t blocks = detail::BlockPool::in_use();
    try {
      scenario(schedule);
    } catch (const std::exception& thrown) {
      schedule.check(false, std::string{"it threw: "} + thrown.what());
    } catch (...) {
      schedule.check(false, "it threw something");
    }
    // What the first run leaves behind may be made once and kept.
    schedule.check(result.schedules == 0 || detail::BlockPool::in_use() <= blocks,
                   "memory of the pools was not given back");
    schedule.check(!has_failed || !has_failed(), "a check of the test framework failed");
    ++result.schedules;
    if (schedule.mistake().empty()) return true;
    result.mistake = schedule.mistake() + "; to see it again: Schedule::replay(\"" + schedule.text() + "\")";
    return false;
  }

  static std::size_t turns(const Schedule& schedule) noexcept { return schedule.turns_; }
  static std::size_t requests(const Schedule& schedule) noexcept { return schedule.requests_; }
};

namespace {

/// The list after this one, in order; false if it was the last.
bool next_list(const std::vector<Schedule::Choice>& choices, std::vector<std::uint32_t>& list) {
  std::size_t length = choices.size();
  while (length > 0 && choices[length - 1].chosen + 1 == choices[length - 1].limit) --length;
  if (length == 0) return false;
  list.clear();
  for (std::size_t i = 0; i < length; ++i) list.push_back(choices[i].chosen);
  ++list.back();
  return true;
}

}  // namespace

Exploration explore(const Scenario& scenario, ExploreOptions options) {
  Scenarios runs{scenario, options.has_failed};
  std::vector<std::uint32_t> list;
  while (runs.result.schedules < options.max_schedules) {
    Schedule schedule{list};
    if (!runs.run(schedule)) break;
    if (next_list(schedule.choices(), list)) continue;
    runs.result.is_complete = true;
    break;
  }
  return std::move(runs.result);
}

Exploration for_each_seed(const Scenario& scenario, SeedOptions options) {
  Scenarios runs{scenario, options.has_failed};
  for (std::size_t i = 0; i < options.count; ++i) {
    Schedule schedule{options.first + i};
    if (!runs.run(schedule)) break;
  }
  return std::move(runs.result);
}

Exploration for_each_step(const Scenario& scenario, StepOptions options) {
  Scenarios runs{scenario, options.has_failed};
  Schedule undisturbed{options.seed};
  if (!runs.run(undisturbed)) return std::move(runs.result);
  for (std::size_t node = 1; node <= undisturbed.nodes(); ++node) {
    Schedule schedule{options.seed};
    if (!runs.run(schedule.fail_at(node))) return std::move(runs.result);
  }
  for (std::size_t request = 0; request < Scenarios::requests(undisturbed); ++request) {
    for (std::size_t turn = 0; turn < Scenarios::turns(undisturbed); ++turn) {
      Schedule schedule{options.seed};
      if (!runs.run(schedule.leave_at(turn, request))) return std::move(runs.result);
    }
  }
  runs.result.is_complete = true;
  return std::move(runs.result);
}

}  // namespace umbel::testing
