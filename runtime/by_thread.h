#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace vesta::runtime {

// Small and different for threads of about the same age.
inline size_t thread_number() {
  static std::atomic<size_t> next{0};
  thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// What a thread keeps from call to call: taken out while a call uses it, so that nothing is locked or counted at which
// threads would wait for each other. Each has a place by its number; where two share one, or a call is made within
// another, the one that comes later finds nothing and makes its own. Thread-safe.
template <class T>
class ByThread {
 public:
  ByThread() = default;
  ByThread(const ByThread&) = delete;
  ByThread& operator=(const ByThread&) = delete;
  ~ByThread() { clear(); }

  // Null where there is nothing.
  std::unique_ptr<T> take() { return std::unique_ptr<T>(mine().exchange(nullptr, std::memory_order_acquire)); }
  // In the place of what is there by now.
  void put(std::unique_ptr<T> value) {
    // Acquired, too: what lies there was left by another thread.
    delete mine().exchange(value.release(), std::memory_order_acq_rel);
  }
  // Of all threads; not what is in use.
  void clear() {
    for (Place& place : places_) delete place.value.exchange(nullptr, std::memory_order_acquire);
  }

 private:
  struct alignas(64) Place {
    std::atomic<T*> value{nullptr};
  };
  std::atomic<T*>& mine() { return places_[thread_number() % places_.size()].value; }

  std::array<Place, 8> places_;
};

}  // namespace vesta::runtime
