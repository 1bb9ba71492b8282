#pragma once

// Threads that run forked tasks.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vesta::runtime {

// Jobs run in the order in which they came. Threads are started with the first job. Thread-safe.
// Jobs never block waiting for other jobs (see task.h), so one thread is enough for any program.
class TaskPool {
 public:
  // At least one thread.
  explicit TaskPool(size_t threads);
  // Drops jobs that have not begun and waits for those that have.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // A pool with a thread for each core, made on first use.
  static TaskPool& standard();

  // Nothing happens where the pool is shutting down.
  void submit(std::function<void()> job);
  // Whether the calling thread is one of a pool.
  static bool in_pool_thread();
  // Runs waiting jobs in the calling thread until `done`; whoever makes it so calls wake().
  void help_until(const std::function<bool()>& done);
  void wake();

 private:
  void work();

  const size_t thread_count_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace vesta::runtime
