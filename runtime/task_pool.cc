#include "runtime/task_pool.h"

#include <algorithm>
#include <utility>

namespace vesta::runtime {
namespace {

thread_local bool is_pool_thread = false;

}  // namespace

TaskPool::TaskPool(size_t threads) : thread_count_(std::max<size_t>(threads, 1)) {}

TaskPool::~TaskPool() {
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

TaskPool& TaskPool::standard() {
  static TaskPool pool(std::thread::hardware_concurrency());
  return pool;
}

void TaskPool::submit(std::function<void()> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    if (threads_.size() < thread_count_) threads_.emplace_back([this] { work(); });
  }
  ready_.notify_one();
}

bool TaskPool::in_pool_thread() { return is_pool_thread; }

void TaskPool::wake() {
  { std::lock_guard<std::mutex> lock(mutex_); }  // Whoever has looked at its condition waits by now.
  ready_.notify_all();
}

void TaskPool::help_until(const std::function<bool()>& done) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    ready_.wait(lock, [&] { return done() || !jobs_.empty(); });
    if (done()) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

void TaskPool::work() {
  is_pool_thread = true;
  help_until([this] { return stopping_; });
}

}  // namespace vesta::runtime
