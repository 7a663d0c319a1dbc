// SPDX-License-Identifier: MIT
#pragma once
// A list whose links lie in its elements: what waits, waits without an allocation.

namespace umbel::detail {

/// What an element has for each list that it can be in.
template <class T>
struct Link {
  T* next = nullptr;
  T* previous = nullptr;
};

/// First in, first out, and out of the middle. `link` is a member of T. An element is in one list at most by the same
/// link, and lives as long as it is in it. No locks.
template <class T, Link<T> T::* link>
class IntrusiveList {
public:
  IntrusiveList() noexcept = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool is_empty() const noexcept { return !first_; }
  /// Null if the list is empty.
  T* front() const noexcept { return first_; }
  /// Looks through the list.
  bool contains(const T& element) const noexcept {
    const T* found = first_;
    while (found && found != &element) found = (found->*link).next;
    return found != nullptr;
  }

  void push_back(T& element) noexcept {
    element.*link = Link<T>{nullptr, last_};
    (last_ ? (last_->*link).next : first_) = &element;
    last_ = &element;
  }

  /// Null if the list is empty.
  T* pop_front() noexcept {
    T* const element = first_;
    if (!element) return nullptr;
    first_ = (element->*link).next;
    (first_ ? (first_->*link).previous : last_) = nullptr;
    return element;
  }

  /// Only an element that is in this list.
  void remove(T& element) noexcept {
    const Link<T> around = element.*link;
    (around.previous ? (around.previous->*link).next : first_) = around.next;
    (around.next ? (around.next->*link).previous : last_) = around.previous;
  }

private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace umbel::detail
