// Tasks are found by their future's address: c10's Future cannot be subclassed. The table holds a task, and
// so its future, until it is done; an address in it is never stale.

#include "runtime/task.h"

#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "runtime/errors.h"
#include "runtime/machine.h"

namespace vesta::runtime {
namespace {

struct TaskTable {
  std::mutex mutex;
  absl::flat_hash_map<const c10::ivalue::Future*, std::shared_ptr<Task>> tasks;
};

TaskTable& table() {
  static auto* const tasks = new TaskTable();
  return *tasks;
}

void forget(const c10::ivalue::Future* future) {
  std::shared_ptr<Task> last;  // Destroyed outside of the lock.
  std::lock_guard<std::mutex> lock(table().mutex);
  auto it = table().tasks.find(future);
  if (it == table().tasks.end()) return;
  last = std::move(it->second);
  table().tasks.erase(it);
}

}  // namespace

void launch(const std::shared_ptr<Task>& task) {
  {
    std::lock_guard<std::mutex> lock(table().mutex);
    table().tasks.emplace(task->future.get(), task);
  }
  task->pool->submit([task] {
    if (!task->claim()) return;
    auto machine = std::make_shared<Machine>();
    machine->start(task);
    resume(machine);
  });
}

std::shared_ptr<Task> find_task(const c10::ivalue::Future* future) {
  std::lock_guard<std::mutex> lock(table().mutex);
  auto it = table().tasks.find(future);
  return it == table().tasks.end() ? nullptr : it->second;
}

void complete(const Task& task, c10::IValue value) {
  const c10::intrusive_ptr<c10::ivalue::Future> future = task.future;
  forget(future.get());
  future->markCompleted(std::move(value));
}

void complete(const Task& task, const absl::Status& error) {
  const c10::intrusive_ptr<c10::ivalue::Future> future = task.future;
  forget(future.get());
  future->setError(std::make_exception_ptr(StatusException(error)));
}

void resume(const std::shared_ptr<Machine>& machine) {
  c10::intrusive_ptr<c10::ivalue::Future> awaited;
  TaskPool* pool = nullptr;
  {
    const at::ThreadLocalStateGuard guard(machine->thread_state());
    const PrintHandler print = [control = machine->control()](std::string_view text) { control->print(text); };
    const PrintScope scope(&print);
    if (machine->run() != Machine::Outcome::kSuspended) return;
    awaited = machine->suspend();
    pool = machine->pool();
  }
  awaited->addCallback([machine, pool](c10::ivalue::Future&) { pool->submit([machine] { resume(machine); }); }, false);
}

}  // namespace vesta::runtime
