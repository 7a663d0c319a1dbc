// SPDX-License-Identifier: MIT
// A task owns what it makes.
// words: a Task returns a value, not a reference: return a pointer, or T by value
// words g++: Task<int&>
// words clang: Task<int &>
// words: [here]
#include "umbel/core/task.hpp"

using namespace umbel;

int total = 7;
#ifdef MUST_FAIL
Task<int&> count() { co_return total; }  // here
#else
Task<int*> count() { co_return &total; }
#endif
