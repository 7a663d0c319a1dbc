// SPDX-License-Identifier: MIT
#include "tiny_task.hpp"

template <class Task>
struct Promise {
  Task get_return_object() { return {}; }
  std::suspend_never initial_suspend() { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_void() {}
  void unhandled_exception() {}
};

struct Broken {
  struct promise_type : Promise<Broken> {};
  ~Broken() noexcept(false) {}  // LINT: throwing-task-destructor
};

template <class T>
struct BrokenTemplate {
  using promise_type = Promise<BrokenTemplate>;
  ~BrokenTemplate() noexcept(false) {}  // LINT: throwing-task-destructor
};

struct Throwing {
  ~Throwing() noexcept(false) {}
};
struct BrokenMember {  // LINT: throwing-task-destructor
  using promise_type = Promise<BrokenMember>;
  Throwing member;
};

struct Right {
  struct promise_type : Promise<Right> {};
  ~Right() {}
};

template <class T>
struct RightTemplate {
  using promise_type = Promise<RightTemplate>;
  ~RightTemplate() {}
};

Broken broken() { co_return; }
BrokenTemplate<int> broken_template() { co_return; }
BrokenMember broken_member() { co_return; }
Right right() { co_return; }
RightTemplate<int> right_template() { co_return; }
