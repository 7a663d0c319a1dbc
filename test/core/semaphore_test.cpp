// SPDX-License-Identifier: MIT
#include "umbel/core/semaphore.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "../support/allocations.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using testing::ManualPort;

class NotedWaiter : public Semaphore::Waiter {
public:
  NotedWaiter(std::vector<int>& notes, int name) noexcept : Waiter(granted), notes_(notes), name_(name) {}

private:
  static void granted(Waiter& waiter) noexcept {
    auto& self = static_cast<NotedWaiter&>(waiter);
    self.notes_.push_back(self.name_);
  }
  std::vector<int>& notes_;
  const int name_;
};

TEST(Semaphore, GrantsAtOnceAsLongAsThereArePermits) {
  Semaphore semaphore{2};
  ManualPort port;
  std::vector<int> notes;
  NotedWaiter one{notes, 1}, two{notes, 2}, three{notes, 3};

  EXPECT_TRUE(semaphore.acquire(port.context(), one));
  EXPECT_TRUE(semaphore.acquire(port.context(), two));
  EXPECT_EQ(semaphore.available(), 0u);
  EXPECT_FALSE(semaphore.acquire(port.context(), three));
  port.run();
  EXPECT_TRUE(notes.empty()) << "neither who has one nor who has none yet is called";

  semaphore.release();
  EXPECT_TRUE(notes.empty()) << "not inside release";
  port.run();
  EXPECT_EQ(notes, (std::vector<int>{3}));
  semaphore.release();
  semaphore.release();
  EXPECT_EQ(semaphore.available(), 2u);
}

TEST(Semaphore, GrantsInTheOrderOfAskingWhicheverContextAsks) {
  Semaphore semaphore{1};
  ManualPort port, other;
  std::vector<int> notes;
  std::deque<NotedWaiter> waiters;
  for (int i = 0; i < 6; ++i) {
    NotedWaiter& waiter = waiters.emplace_back(notes, i);
    EXPECT_EQ(semaphore.acquire(i % 2 ? other.context() : port.context(), waiter), i == 0);
  }

  for (int i = 0; i < 5; ++i) {
    semaphore.release();
    other.run();
    port.run();
  }

  EXPECT_EQ(notes, (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST(Semaphore, APermitThatIsHandedOverCannotBeTakenAway) {
  Semaphore semaphore{1};
  ManualPort port, other;
  std::vector<int> notes;
  NotedWaiter holder{notes, 1}, waiting{notes, 2}, late{notes, 3};
  semaphore.acquire(port.context(), holder);
  semaphore.acquire(other.context(), waiting);

  semaphore.release();
  EXPECT_FALSE(semaphore.acquire(port.context(), late)) << "although nobody has been called yet";
  other.run();
  port.run();
  EXPECT_EQ(notes, (std::vector<int>{2}));
  semaphore.release();
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{2, 3}));
}

TEST(Semaphore, AWithdrawnWaiterIsNeverCalledAndTheNextIsGranted) {
  Semaphore semaphore{1};
  ManualPort port;
  std::vector<int> notes;
  NotedWaiter one{notes, 1}, two{notes, 2}, three{notes, 3};
  semaphore.acquire(port.context(), one);
  semaphore.acquire(port.context(), two);
  semaphore.acquire(port.context(), three);

  EXPECT_TRUE(semaphore.withdraw(two));
  semaphore.release();
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{3}));
}

TEST(Semaphore, WithdrawIsTooLateWhenTheGrantIsOnItsWay) {
  Semaphore semaphore{1};
  ManualPort port;
  std::vector<int> notes;
  NotedWaiter one{notes, 1}, two{notes, 2};
  semaphore.acquire(port.context(), one);
  semaphore.acquire(port.context(), two);
  semaphore.release();

  EXPECT_FALSE(semaphore.withdraw(two));
  EXPECT_EQ(semaphore.available(), 0u);
  port.run();
  EXPECT_EQ(notes, (std::vector<int>{2}));
  semaphore.release();

  EXPECT_EQ(semaphore.available(), 1u);
}

TEST(Semaphore, AWaiterMayWaitAgainAfterItWasGrantedOrWithdrawn) {
  Semaphore semaphore{0};
  ManualPort port;
  std::vector<int> notes;
  NotedWaiter waiter{notes, 1};
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(semaphore.acquire(port.context(), waiter));
    EXPECT_TRUE(semaphore.withdraw(waiter));
    EXPECT_FALSE(semaphore.acquire(port.context(), waiter));
    semaphore.release();
    port.run();
  }

  EXPECT_EQ(notes, (std::vector<int>{1, 1, 1}));
}

TEST(Semaphore, HoldsTheLoopOfWhoeverWaits) {
  Semaphore semaphore{1};
  ManualPort port;
  std::vector<int> notes;
  NotedWaiter one{notes, 1}, two{notes, 2}, three{notes, 3};
  semaphore.acquire(port.context(), one);
  EXPECT_EQ(port.holds(), 0u);
  semaphore.acquire(port.context(), two);
  semaphore.acquire(port.context(), three);
  EXPECT_EQ(port.holds(), 2u);

  semaphore.withdraw(three);
  EXPECT_EQ(port.holds(), 1u);
  semaphore.release();
  EXPECT_EQ(port.holds(), 1u) << "until the grant has arrived";
  port.run();

  EXPECT_EQ(port.holds(), 0u);
}

TEST(Semaphore, AllocatesNothing) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  Semaphore semaphore{1};
  ManualPort port;
  std::vector<int> notes;
  notes.reserve(8);
  NotedWaiter one{notes, 1}, two{notes, 2}, three{notes, 3};
  const std::size_t before = test::allocations();

  semaphore.acquire(port.context(), one);
  semaphore.acquire(port.context(), two);
  semaphore.acquire(port.context(), three);
  semaphore.withdraw(two);
  semaphore.release();
  port.run();
  semaphore.release();

  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(notes, (std::vector<int>{3}));
}

// --- several Contexts, on threads -----------------------------------------------------------------------------------

// A pool of connections, which must never have more users than it has connections.
struct Pool {
  explicit Pool(int size) : semaphore(static_cast<std::size_t>(size)), size_(size) {}
  void enter() noexcept {
    if (++users_ > size_) exceeded = true;
  }
  void leave() noexcept {
    --users_;
    semaphore.release();
  }

  Semaphore semaphore;
  std::atomic<bool> exceeded{false};

private:
  std::atomic<int> users_{0};
  const int size_;
};

// Takes two pools in their one order, uses them in a job, gives them back, from a worker or at home; and begins again.
class Client {
public:
  Client(Context& context, Pool& first, Pool& second, int rounds)
      : context_(context), first_(first), second_(second), left_(rounds) {
    waiter_.client = job_.client = this;
    job_.set_class(JobClass::reserved);
  }

  void start() noexcept { ask_first(); }
  bool is_done() const noexcept { return left_ == 0; }
  bool waits() const noexcept { return waits_; }

  /// Gives up waiting, and asks again: at the end of the queue.
  void ask_again() noexcept {
    Pool& pool = has_first_ ? second_ : first_;
    if (!pool.semaphore.withdraw(waiter_)) return;
    waits_ = false;
    has_first_ ? ask_second() : ask_first();
  }

private:
  struct Waiter : Semaphore::Waiter {
    Waiter() noexcept : Semaphore::Waiter(granted) {}
    static void granted(Semaphore::Waiter& waiter) noexcept { static_cast<Waiter&>(waiter).client->arrived(); }
    Client* client = nullptr;
  };
  struct Use : Job {
    Use() noexcept : Job(execute, finish) {}
    static void execute(Job& job) noexcept { static_cast<Use&>(job).client->use(); }
    static void finish(Job& job) noexcept { static_cast<Use&>(job).client->used(); }
    Client* client = nullptr;
  };

  void ask_first() noexcept {
    if (first_.semaphore.acquire(context_, waiter_)) has_it();
    else waits_ = true;
  }
  void ask_second() noexcept {
    if (second_.semaphore.acquire(context_, waiter_)) has_both();
    else waits_ = true;
  }
  void arrived() noexcept {
    waits_ = false;
    has_first_ ? has_both() : has_it();
  }
  void has_it() noexcept {
    has_first_ = true;
    first_.enter();
    ask_second();
  }
  void has_both() noexcept {
    second_.enter();
    context_.submit(job_);
  }
  void use() noexcept {
    std::this_thread::yield();
    second_.leave();
  }
  void used() noexcept {
    has_first_ = false;
    first_.leave();
    if (--left_ > 0) ask_first();
  }

  Context& context_;
  Pool& first_;
  Pool& second_;
  int left_;
  bool has_first_ = false;
  bool waits_ = false;
  Waiter waiter_;
  Use job_;
};

TEST(Semaphore, TwoPoolsTakenInOneOrderByManyClientsOfManyContextsNeverStopThem) {
  constexpr unsigned contexts = 4;
  constexpr int clients_each = 10, rounds = 50;
  Pool first{2}, second{1};
  ThreadPool workers{{.threads = 2}};
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (unsigned seed = 0; seed < contexts; ++seed) {
    threads.emplace_back([&, seed] {
      BlockingPort port{workers};
      std::mt19937 random{seed};
      std::deque<Client> clients;
      for (int i = 0; i < clients_each; ++i) clients.emplace_back(port.context(), first, second, rounds).start();
      const auto all_done = [&] {
        Client& some = clients[random() % clients_each];
        if (some.waits()) some.ask_again();
        return std::all_of(clients.begin(), clients.end(), [](const Client& client) { return client.is_done(); });
      };
      port.run_until(all_done);
      done += clients_each;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(done, static_cast<int>(contexts) * clients_each);
  EXPECT_FALSE(first.exceeded);
  EXPECT_FALSE(second.exceeded);
  EXPECT_EQ(first.semaphore.available(), 2u);
  EXPECT_EQ(second.semaphore.available(), 1u);
}

}  // namespace
}  // namespace umbel
