// Loops on libtorch's threads.

#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "runtime/plan/parallel.h"

namespace vesta::runtime::plan {
namespace {

class PlanParallelTest : public ::testing::Test {
 protected:
  void TearDown() override { at::set_num_threads(before_); }
  int before_ = at::get_num_threads();
};

TEST_F(PlanParallelTest, EachPartIsWorkedOnOnce) {
  for (int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    for (int64_t count : {0, 1, 2, 3, 7, 64}) {
      std::array<std::atomic<int>, 64> times{};
      for_each_part(count, [&](int64_t part) { ++times.at(static_cast<size_t>(part)); });
      for (int64_t i = 0; i < 64; ++i) EXPECT_EQ(times.at(static_cast<size_t>(i)), i < count ? 1 : 0) << i;
    }
  }
}

TEST_F(PlanParallelTest, SeveralThreadsWork) {
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for_each_part(8, [&](int64_t) {
    const std::lock_guard<std::mutex> lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2U);
}

}  // namespace
}  // namespace vesta::runtime::plan
