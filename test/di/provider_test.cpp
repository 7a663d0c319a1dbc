// SPDX-License-Identifier: MIT
#include "umbel/di/provider.hpp"

#include <gtest/gtest.h>

#include <type_traits>

#include "umbel/di/depends.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/signature.hpp"

namespace umbel::test {
namespace {

int function() { return 1; }
Result<int> result() { return 1; }
Task<int> coroutine() { co_return 1; }
Task<Result<int>> result_coroutine() { co_return 1; }
Task<Result<void>> check() { co_return Result<void>{}; }
struct Paging {
  Query<"page", int, 1> page;
};

TEST(Signature, IsThatOfAnythingThatCanBeCalled) {
  using detail::HasSignature;
  using detail::Signature;
  using detail::TypeList;
  struct Functor {
    int operator()(long) const;
  };
  struct Overloaded {
    int operator()(int) const;
    int operator()(long) const;
  };
  struct Mutable {
    int operator()();
  };
  auto generic = [](auto) {};

  static_assert(std::is_same_v<Signature<int(long)>::Parameters, TypeList<long>>);
  static_assert(std::is_same_v<Signature<int(long) noexcept>::Result, int>);
  static_assert(std::is_same_v<Signature<int (*)(long)>::Parameters, TypeList<long>>);
  static_assert(std::is_same_v<Signature<int (*)() noexcept>::Parameters, TypeList<>>);
  static_assert(std::is_same_v<Signature<Functor>::Parameters, TypeList<long>>);
  static_assert(!HasSignature<Overloaded> && !HasSignature<Mutable> && !HasSignature<decltype(generic)>);
  static_assert(!HasSignature<int>);
}

TEST(Made, IsWhatDependentsSee) {
  static_assert(std::is_same_v<Made<function>, int>);
  static_assert(std::is_same_v<Made<result>, int>);
  static_assert(std::is_same_v<Made<coroutine>, int>);
  static_assert(std::is_same_v<Made<result_coroutine>, int>);
  static_assert(std::is_same_v<Made<check>, void>);
  static_assert(std::is_same_v<Made<make<Paging>>, Paging>);
}

}  // namespace
}  // namespace umbel::test
