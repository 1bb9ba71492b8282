#pragma once

// One strand of execution: frames, their registers, and the loop that runs them.
//
// Frames are explicit: a call between functions of a program pushes one and does not recurse in C++. A machine
// that waits for a task can be left where it is and resumed by another thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <ATen/ThreadLocalState.h>
#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>

#include "absl/status/status.h"
#include "ir/program.h"
#include "runtime/arena.h"
#include "runtime/bytecode.h"
#include "runtime/errors.h"
#include "runtime/list_pool.h"
#include "runtime/run_control.h"
#include "runtime/task.h"

namespace vesta::runtime {

// Used by one thread at a time. Reusable after each run.
class Machine {
 public:
  // What a DirectKernel may take and give to be called as one.
  static constexpr uint32_t kMaxDirectArguments = 6;
  static constexpr uint32_t kMaxDirectResults = 3;

  enum class Outcome { kDone, kFailed, kSuspended };

  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Prepares a call: arguments are taken from the stack. REQUIRES: nothing is running.
  // InvalidArgument where an argument is not what the code's unboxed parameters need.
  absl::Status start(const Code& code, ir::Stack& arguments, const std::shared_ptr<RunControl>& control,
                     TaskPool& pool);
  // Prepares a task; a failure shows when it runs. The task's future is completed at the end.
  void start(const std::shared_ptr<Task>& task);

  // Runs until the end, a failure, or (tasks only) a future that is not complete.
  Outcome run();
  // After kDone, for calls: the results replace what is in the stack.
  void take_results(ir::Stack& stack) { stack.swap(results_), results_.clear(); }
  // After kFailed.
  const absl::Status& error() const { return error_; }
  // After kSuspended: the future that is awaited. Saves the thread's state for the thread that goes on.
  c10::intrusive_ptr<c10::ivalue::Future> suspend();

  const at::ThreadLocalState& thread_state() const { return *thread_state_; }
  TaskPool* pool() const { return pool_; }
  const std::shared_ptr<RunControl>& control() const { return control_; }
  // Gives back memory that only deep calls needed. REQUIRES: nothing is running.
  void shrink();

  // The limits of the innermost call of this thread; null outside of calls.
  static const std::shared_ptr<RunControl>* current_control();

 private:
  struct Entered {
    c10::IValue object;
    const ir::Function* exit;
    AutocastContext outer;  // Before it was entered.
  };
  // What few frames have.
  struct FrameExtras {
    std::unique_ptr<at::RecordFunction> record;
    std::shared_ptr<Task> task;                       // The frame is the task's first one.
    std::optional<at::ThreadLocalState> outer_state;  // Of the waiter that runs the task in place.
    std::vector<Entered> entered;                     // Objects of `with` statements, the innermost last.
  };
  struct Frame {
    const Code* code;
    const Instruction* pc;  // The instruction that runs, or called.
    c10::IValue* values;
    int64_t* scalars;
    Arena<c10::IValue>::Mark value_mark;
    Arena<int64_t>::Mark scalar_mark;
    int64_t depth;
    std::unique_ptr<FrameExtras> extras;
  };
  enum class WaitResult { kReady, kPushed, kSuspended, kFailed };

  Outcome loop();
  Outcome fail(absl::Status status, Frame& frame, const Instruction* pc);

  Frame& push_frame(const Code& code, int64_t depth);
  void pop_frame();
  FrameExtras& extras(Frame& frame);
  void record_call(Frame& frame);
  absl::Status pass_stack(Frame& frame, ir::Stack& arguments);
  // Moves an operand of `from` to a place in `to`.
  static void transfer(const Frame& from, Operand operand, const Frame& to, Operand place);
  static c10::IValue read(const Frame& frame, Operand operand);
  static const c10::IValue& first_operand(const Frame& frame, const Site& site);
  static void write(const Frame& frame, Operand place, c10::IValue value);
  void push_operands(const Frame& frame, const Site& site);
  void pop_results(const Frame& frame, const Site& site);

  absl::Status call(Frame& caller, const Site& site, const ir::Function& callee);
  // True: by a plan. False: a frame of the plain code was pushed.
  bool run_group(Frame& frame, const Site& site);
  absl::StatusOr<const ir::Function*> find_method(const Frame& frame, const Site& site) const;
  absl::Status call_builtin(const Frame& frame, const Site& site);
  // Without the stack: operands are read where they are.
  absl::Status call_direct(const Frame& frame, const Site& site);
  // The frame's results go to its caller, its task or results_. False: the machine is done.
  bool return_from(Frame& frame, const Site& site);
  void fork(Frame& frame, const Site& site);
  static c10::IValue run_now(const Task& task);
  WaitResult wait(Frame& frame, const Site& site);
  void enter(Frame& frame, const Site& site);
  void leave(Frame& frame);
  // Takes the innermost object of the frame's `with` statements off.
  Entered pop_entered(FrameExtras& extras);
  absl::Status raise(const Frame& frame, const Site& site) const;

  void unwind();
  void exit_entered(FrameExtras& extras);
  void block_on(c10::ivalue::Future& future);

  std::vector<Frame> frames_;
  Arena<c10::IValue> values_{512};
  Arena<int64_t> scalars_{1024};
  ListPool lists_;
  ir::Stack stack_;  // Arguments and results of operators.
  ir::Stack results_;
  absl::Status error_;
  std::shared_ptr<RunControl> control_;
  TaskPool* pool_ = nullptr;
  bool is_task_ = false;
  bool recording_ = false;
  AutocastContext autocast_;
  c10::intrusive_ptr<c10::ivalue::Future> awaited_;
  std::optional<at::ThreadLocalState> thread_state_;
};

// A machine for one call, from a few that each thread keeps.
class MachineLease {
 public:
  MachineLease();
  ~MachineLease();
  MachineLease(const MachineLease&) = delete;
  MachineLease& operator=(const MachineLease&) = delete;
  Machine& operator*() const { return *machine_; }
  Machine* operator->() const { return machine_.get(); }

 private:
  std::unique_ptr<Machine> machine_;
};

}  // namespace vesta::runtime
