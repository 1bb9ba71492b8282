#pragma once

// Forked calls.
//
// A task is claimed once: by a thread of the pool, or by whoever waits for its future first and then runs it
// in place. Waiting for a task that runs elsewhere suspends a pool thread's machine until the future completes,
// so no thread of the pool ever blocks; a thread of the user blocks.

#include <atomic>
#include <memory>

#include <ATen/ThreadLocalState.h>
#include <ATen/core/ivalue.h>

#include "ir/program.h"
#include "runtime/bytecode.h"
#include "runtime/run_control.h"
#include "runtime/task_pool.h"

namespace vesta::runtime {

class Machine;

struct Task {
  // True for one caller only, who then runs the task.
  bool claim() { return !claimed.exchange(true, std::memory_order_acq_rel); }

  const Code* body = nullptr;
  ir::Stack arguments;
  c10::intrusive_ptr<c10::ivalue::Future> future;
  std::shared_ptr<torch::jit::CompilationUnit> program;  // Kept alive; null for a graph on its own.
  std::shared_ptr<RunControl> control;
  at::ThreadLocalState thread_state;  // Of the thread that forked: grad mode and the like.
  TaskPool* pool = nullptr;
  std::atomic<bool> claimed{false};
};

// The task gets known by its future and is queued.
void launch(const std::shared_ptr<Task>& task);
// The task whose future this is, unless it is done; null for other futures.
std::shared_ptr<Task> find_task(const c10::ivalue::Future* future);
// Completes the future, after which find_task() does not know it any more.
void complete(const Task& task, c10::IValue value);
void complete(const Task& task, const absl::Status& error);

// Runs a machine of a pool thread until its task is done or waits for another one.
void resume(const std::shared_ptr<Machine>& machine);

}  // namespace vesta::runtime
