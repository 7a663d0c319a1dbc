// SPDX-License-Identifier: MIT
#pragma once
// The least coroutine type that the lint's cases need. They are read by clang, never run.

#include <coroutine>
#include <optional>
#include <string>
#include <utility>

template <class T>
class Task {
public:
  struct promise_type {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    // As real tasks do: the task becomes an argument of a call that nobody wrote.
    template <class U>
    Task<U>&& await_transform(Task<U>&& task) {
      return std::move(task);
    }
    template <class U>
    std::suspend_never yield_value(U&&) {
      return {};
    }
    std::suspend_never yield_value(T) { return {}; }
    void return_value(T made) { value = std::move(made); }
    void unhandled_exception() {}

    std::optional<T> value;
  };

  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) { return coroutine_; }
  T await_resume() { return std::move(*coroutine_.promise().value); }

private:
  std::coroutine_handle<promise_type> coroutine_;
};

struct Item {  // An aggregate with a member that has a destructor.
  std::string name;
  int count = 0;
};

struct Point {  // An aggregate of trivial members: right everywhere.
  int x = 0;
  int y = 0;
};

class Label {  // A class with a constructor: right everywhere.
public:
  explicit Label(std::string text) : text_(std::move(text)) {}

private:
  std::string text_;
};

Task<bool> ask();
Task<int> number();
Task<std::string> text();
Task<int> save(Item item);
Task<int> mark(Label label);
