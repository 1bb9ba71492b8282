// Frames, calls, tasks and failures; interpreter.cc has the loop.
//
// All value registers outside of living frames are None, so a new frame needs no initialization but its scalar
// constants. A frame remembers the instruction at which it called; that instruction's Site tells where results go.
//
// A failure ends a machine: frames are popped from the top, objects of `with` statements are left, tasks that
// were run in place get the error, and the notes of all frames become the message.

#include "runtime/machine.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "runtime/lowering.h"
#include "runtime/objects.h"
#include "runtime/plan/group.h"

namespace vesta::runtime {

using c10::IValue;
using Kind = Operand::Kind;

namespace {

thread_local const std::shared_ptr<RunControl>* innermost_control = nullptr;

// A note for the instruction, and one for each call that was inlined around it, the innermost first.
void add_notes(const Code& code, size_t instruction, std::vector<FrameNote>& notes) {
  support::SourceRange range = code.range(instruction);
  for (const ir::InlinedCall* call = code.inlined_call(instruction); call != nullptr; call = call->outer.get()) {
    notes.push_back({call->name, std::move(range)});
    range = call->range;
  }
  notes.push_back({code.name, std::move(range)});
}

// What __exit__ of an object may do while a failure is on its way.
constexpr int64_t kExitFuel = 100'000'000;

[[noreturn]] void wrong_kind(const char* wanted, const IValue& value) {
  TORCH_CHECK_TYPE(false, "expected a value of type '", wanted, "', got '", value.tagKind(), "'");
}

int64_t unbox(Kind kind, const IValue& value) {
  switch (kind) {
    case Kind::kInt:
      if (value.isInt()) [[likely]]
        return value.toInt();
      if (value.isSymInt()) return value.toInt();
      wrong_kind("int", value);
    case Kind::kFloat:
      if (value.isDouble()) [[likely]]
        return std::bit_cast<int64_t>(value.toDouble());
      if (value.isInt()) return std::bit_cast<int64_t>(static_cast<double>(value.toInt()));
      wrong_kind("float", value);
    default:
      if (value.isBool()) [[likely]]
        return value.toBool() ? 1 : 0;
      wrong_kind("bool", value);
  }
}

}  // namespace

const std::shared_ptr<RunControl>* Machine::current_control() { return innermost_control; }

// ---- Operands

IValue Machine::read(const Frame& frame, Operand operand) {
  const uint32_t index = operand.index();
  switch (operand.kind()) {
    case Kind::kMove:
      return std::move(frame.values[index]);
    case Kind::kCopy:
      return frame.values[index];
    case Kind::kConstant:
      return frame.code->constants[index];
    case Kind::kInt:
      return frame.scalars[index];
    case Kind::kFloat:
      return std::bit_cast<double>(frame.scalars[index]);
    case Kind::kBool:
      return frame.scalars[index] != 0;
    case Kind::kDiscard:
      break;
  }
  return {};
}

// What a Site looks at before its operands are taken; always a value, never a scalar.
const IValue& Machine::first_operand(const Frame& frame, const Site& site) {
  const Operand operand = frame.code->operands[site.first_input];
  return operand.kind() == Kind::kConstant ? frame.code->constants[operand.index()] : frame.values[operand.index()];
}

void Machine::write(const Frame& frame, Operand place, IValue value) {
  if (place.kind() == Kind::kMove) {
    frame.values[place.index()] = std::move(value);
  } else if (place.kind() != Kind::kDiscard) {
    frame.scalars[place.index()] = unbox(place.kind(), value);
  }
}

void Machine::transfer(const Frame& from, Operand operand, const Frame& to, Operand place) {
  if (operand.is_scalar() && place.kind() == operand.kind()) {
    to.scalars[place.index()] = from.scalars[operand.index()];
  } else {
    write(to, place, read(from, operand));
  }
}

void Machine::push_operands(const Frame& frame, const Site& site) {
  const Operand* operand = frame.code->operands.data() + site.first_input;
  for (const Operand* end = operand + site.inputs; operand != end; ++operand) {
    const uint32_t index = operand->index();
    switch (operand->kind()) {
      case Kind::kMove:
        stack_.push_back(std::move(frame.values[index]));
        break;
      case Kind::kCopy:
        stack_.push_back(frame.values[index]);
        break;
      case Kind::kConstant:
        stack_.push_back(frame.code->constants[index]);
        break;
      case Kind::kInt:
        stack_.emplace_back(frame.scalars[index]);
        break;
      case Kind::kFloat:
        stack_.emplace_back(std::bit_cast<double>(frame.scalars[index]));
        break;
      case Kind::kBool:
        stack_.emplace_back(frame.scalars[index] != 0);
        break;
      case Kind::kDiscard:
        stack_.emplace_back();
        break;
    }
  }
}

void Machine::pop_results(const Frame& frame, const Site& site) {
  TORCH_CHECK(stack_.size() == site.outputs, "the operator left ", stack_.size(), " results, expected ", site.outputs);
  const Operand* place = frame.code->operands.data() + site.first_input + site.inputs;
  for (uint32_t i = 0; i < site.outputs; ++i) write(frame, place[i], std::move(stack_[i]));
  stack_.clear();
}

// ---- Frames

Machine::Frame& Machine::push_frame(const Code& code, int64_t depth) {
  const auto value_mark = values_.mark();
  const auto scalar_mark = scalars_.mark();
  IValue* values = values_.allocate(code.value_registers);
  const size_t constants = code.scalar_constants.size();
  int64_t* scalars = scalars_.allocate(code.scalar_registers + constants);
  if (constants != 0) {
    std::memcpy(scalars + code.scalar_registers, code.scalar_constants.data(), constants * sizeof(int64_t));
  }
  frames_.push_back({&code, code.instructions.data(), values, scalars, value_mark, scalar_mark, depth, nullptr});
  if (recording_) [[unlikely]]
    record_call(frames_.back());
  return frames_.back();
}

void Machine::pop_frame() {
  Frame& frame = frames_.back();
  IValue* values = frame.values;
  for (IValue* end = values + frame.code->value_registers; values != end; ++values) {
    if (!values->isNone()) lists_.drop(*values);
  }
  values_.release(frame.value_mark);
  scalars_.release(frame.scalar_mark);
  frames_.pop_back();
}

Machine::FrameExtras& Machine::extras(Frame& frame) {
  if (frame.extras == nullptr) frame.extras = std::make_unique<FrameExtras>();
  return *frame.extras;
}

void Machine::record_call(Frame& frame) {
  auto callbacks = at::getStepCallbacksUnlessEmpty(at::RecordScope::TORCHSCRIPT_FUNCTION);
  if (!callbacks.has_value()) return;
  extras(frame).record = std::make_unique<at::RecordFunction>(std::move(*callbacks));
  frame.extras->record->before(std::string_view(frame.code->name));
}

absl::Status Machine::pass_stack(Frame& frame, ir::Stack& arguments) {
  const std::vector<Parameter>& parameters = frame.code->parameters;
  if (arguments.size() != parameters.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", frame.code->name, "' takes ", parameters.size(), " arguments, got ", arguments.size()));
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Kind kind = parameters[i].place.kind();
    const IValue& value = arguments[i];
    const bool fits = kind == Kind::kInt     ? value.isInt() || value.isSymInt()
                      : kind == Kind::kFloat ? value.isDouble() || value.isInt()
                      : kind == Kind::kBool  ? value.isBool()
                                             : true;
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat("'", frame.code->name, "' takes ", ir::print(*parameters[i].type),
                                                     " for argument ", i, ", got ", ir::print(*value.type())));
    }
    write(frame, parameters[i].place, std::move(arguments[i]));
  }
  arguments.clear();
  return absl::OkStatus();
}

// ---- Beginning and end

absl::Status Machine::start(const Code& code, ir::Stack& arguments, const std::shared_ptr<RunControl>& control,
                            TaskPool& pool) {
  control_ = control;
  pool_ = &pool;
  is_task_ = false;
  recording_ = at::hasCallbacks();
  autocast_ = AutocastContext();
  error_ = absl::OkStatus();
  results_.clear();
  frames_.reserve(16);
  Frame& frame = push_frame(code, 1);
  const absl::Status status = pass_stack(frame, arguments);
  if (!status.ok()) pop_frame();
  return status;
}

void Machine::start(const std::shared_ptr<Task>& task) {
  control_ = task->control;
  pool_ = task->pool;
  is_task_ = true;
  recording_ = at::hasCallbacks();
  autocast_ = AutocastContext();
  thread_state_ = task->thread_state;
  Frame& frame = push_frame(*task->body, 1);
  extras(frame).task = task;
  error_ = pass_stack(frame, task->arguments);
}

Machine::Outcome Machine::run() {
  const std::shared_ptr<RunControl>* outer = innermost_control;
  innermost_control = &control_;
  Outcome outcome = Outcome::kFailed;
  if (error_.ok()) {
    try {
      outcome = loop();
    } catch (...) {
      error_ = status_of_current_exception();
    }
  }
  if (outcome == Outcome::kFailed) unwind();
  innermost_control = outer;
  if (outcome == Outcome::kDone) control_ = nullptr;
  return outcome;
}

Machine::Outcome Machine::fail(absl::Status status, Frame& frame, const Instruction* pc) {
  error_ = std::move(status);
  frame.pc = pc;
  return Outcome::kFailed;
}

void Machine::shrink() {
  values_.shrink();
  scalars_.shrink();
  if (frames_.capacity() > 64) {
    frames_.shrink_to_fit();
    frames_.reserve(16);
  }
}

c10::intrusive_ptr<c10::ivalue::Future> Machine::suspend() {
  for (Frame& frame : frames_) {
    if (frame.extras != nullptr && frame.extras->record != nullptr) frame.extras->record->_setAsync();
  }
  thread_state_ = at::ThreadLocalState();
  return std::move(awaited_);
}

void Machine::unwind() {
  stack_.clear();
  std::vector<FrameNote> notes;
  bool told_by_part = false;  // The frame above was a part of this one.
  bool called_enter = false;  // The frame above, now gone, was that of __enter__.
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    const auto at = static_cast<size_t>(frame.pc - frame.code->instructions.data());
    // A part's notes tell the whole chain.
    if (!told_by_part) add_notes(*frame.code, at, notes);
    told_by_part = frame.code->is_part;
    const bool entering = called_enter;
    called_enter = frames_.size() > 1 && frames_[frames_.size() - 2].pc->opcode == Opcode::k_enter;
    const std::unique_ptr<FrameExtras> extras = std::move(frame.extras);
    pop_frame();
    if (extras == nullptr) continue;
    if (entering && !extras->entered.empty()) pop_entered(*extras);
    exit_entered(*extras);
    if (extras->task == nullptr) continue;
    error_ = with_call_chain(error_, notes);
    notes.clear();
    if (extras->outer_state.has_value()) at::ThreadLocalState::setThreadLocalState(*extras->outer_state);
    complete(*extras->task, error_);
  }
  error_ = with_call_chain(error_, notes);
  control_ = nullptr;
}

// The innermost first. What goes wrong now does not matter any more: the first failure is reported.
void Machine::exit_entered(FrameExtras& extras) {
  while (!extras.entered.empty()) {
    Entered entered = pop_entered(extras);
    auto code = entered.exit->code([&] { return lower_as_compiled(*entered.exit); });
    if (!code.ok()) continue;
    CallLimits limits;
    limits.fuel = kExitFuel;
    const auto control = std::make_shared<RunControl>(limits, control_->call_depth());
    ir::Stack arguments(entered.exit->num_inputs());
    arguments[0] = std::move(entered.object);
    MachineLease machine;
    if (machine->start(static_cast<const Code&>(**code), arguments, control, *pool_).ok()) machine->run();
  }
}

// ---- Calls

absl::Status Machine::call(Frame& caller, const Site& site, const ir::Function& callee) {
  const ir::CompiledCode* compiled = callee.code_if_made();
  if (compiled == nullptr) [[unlikely]] {
    VESTA_ASSIGN_OR_RETURN(compiled, callee.code([&callee] { return lower_as_compiled(callee); }));
  }
  const Code& code = static_cast<const Code&>(*compiled);
  const int64_t depth = caller.depth + 1;
  if (depth > control_->call_depth()) [[unlikely]] {
    return with_exception_class(
        absl::ResourceExhaustedError(absl::StrCat("calls are nested more than ", control_->call_depth(), " deep")),
        "RecursionError");
  }
  if (control_->limited()) [[unlikely]] {
    VESTA_RETURN_IF_ERROR(control_->check(static_cast<int64_t>(code.instructions.size())));
  }
  if (code.parameters.size() != site.inputs) [[unlikely]] {
    return absl::InternalError(
        absl::StrCat("'", code.name, "' takes ", code.parameters.size(), " arguments, got ", site.inputs));
  }
  const size_t caller_index = frames_.size() - 1;
  const Operand* operands = caller.code->operands.data() + site.first_input;
  const Frame& frame = push_frame(code, depth);  // `caller` may have moved.
  const Frame& from = frames_[caller_index];
  for (uint32_t i = 0; i < site.inputs; ++i) transfer(from, operands[i], frame, code.parameters[i].place);
  return absl::OkStatus();
}

bool Machine::run_group(Frame& frame, const Site& site) {
  push_operands(frame, site);
  if (!autocast_.on() && site.group->run(stack_)) {
    pop_results(frame, site);
    return true;
  }
  const Code* const made = site.group->plain();
  const Code& body = made != nullptr ? *made : *site.body;
  Frame& plain = push_frame(body, frame.depth);  // `frame` may have moved.
  for (size_t i = 0; i < stack_.size(); ++i) write(plain, body.parameters[i].place, std::move(stack_[i]));
  stack_.clear();
  return false;
}

absl::StatusOr<const ir::Function*> Machine::find_method(const Frame& frame, const Site& site) const {
  const IValue& object = first_operand(frame, site);
  if (!object.isObject())
    return absl::InvalidArgumentError(absl::StrCat("a value without methods: no '", site.name, "'"));
  const std::shared_ptr<c10::ClassType> type = object.toObjectRef().type();
  const MethodCache::Entry* last = site.cache->last.load(std::memory_order_acquire);
  if (last != nullptr && last->type == type.get()) return last->method;
  torch::jit::Function* found = type->findMethod(site.name);
  if (found == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("'", ir::print(*type), "' has no method '", site.name, "'"));
  }
  constexpr size_t kMaxEntries = 16;
  const ir::Function* method = ir::Function::from(found);
  std::lock_guard<std::mutex> lock(site.cache->mutex);
  if (site.cache->entries.size() < kMaxEntries) {
    site.cache->entries.push_back({type.get(), method, type});
    site.cache->last.store(&site.cache->entries.back(), std::memory_order_release);
  }
  return method;
}

// Scalars are boxed into `boxes`, which own nothing and so need no destructor.
absl::Status Machine::call_direct(const Frame& frame, const Site& site) {
  const Operand* operands = frame.code->operands.data() + site.first_input;
  alignas(IValue) std::byte boxes[kMaxDirectArguments][sizeof(IValue)];
  const IValue* arguments[kMaxDirectArguments];
  IValue results[kMaxDirectResults];
  for (uint32_t i = 0; i < site.inputs; ++i) {
    const uint32_t index = operands[i].index();
    switch (operands[i].kind()) {
      case Kind::kMove:
      case Kind::kCopy:
        arguments[i] = &frame.values[index];
        break;
      case Kind::kConstant:
        arguments[i] = &frame.code->constants[index];
        break;
      case Kind::kInt:
        arguments[i] = new (boxes[i]) IValue(frame.scalars[index]);
        break;
      case Kind::kFloat:
        arguments[i] = new (boxes[i]) IValue(std::bit_cast<double>(frame.scalars[index]));
        break;
      case Kind::kBool:
        arguments[i] = new (boxes[i]) IValue(frame.scalars[index] != 0);
        break;
      case Kind::kDiscard:
        arguments[i] = new (boxes[i]) IValue();
        break;
    }
  }
  VESTA_RETURN_IF_ERROR(site.direct->call(arguments, results));
  if (site.autocast == AutocastPolicy::kAskCuda && autocast_.cuda) results[0] = true;
  if (site.autocast == AutocastPolicy::kAskCpu && autocast_.cpu) results[0] = true;
  for (uint32_t i = 0; i < site.inputs; ++i) {
    if (operands[i].kind() == Kind::kMove) frame.values[operands[i].index()] = IValue();
  }
  const Operand* places = operands + site.inputs;
  for (uint32_t i = 0; i < site.outputs; ++i) write(frame, places[i], std::move(results[i]));
  return absl::OkStatus();
}

absl::Status Machine::call_builtin(const Frame& frame, const Site& site) {
  if (site.direct != nullptr && !recording_) [[likely]]
    return call_direct(frame, site);
  push_operands(frame, site);
  if (site.variadic) stack_.emplace_back(static_cast<int64_t>(site.inputs));
  if (!recording_) [[likely]] {
    VESTA_RETURN_IF_ERROR(site.kernel(stack_));
  } else {
    RECORD_FUNCTION(site.op->schema.name(), c10::ArrayRef<const IValue>(stack_.data(), stack_.size()));
    VESTA_RETURN_IF_ERROR(site.kernel(stack_));
  }
  if (site.autocast == AutocastPolicy::kAskCuda && autocast_.cuda) stack_.back() = true;
  if (site.autocast == AutocastPolicy::kAskCpu && autocast_.cpu) stack_.back() = true;
  pop_results(frame, site);
  return absl::OkStatus();
}

bool Machine::return_from(Frame& frame, const Site& site) {
  const Operand* operands = frame.code->operands.data() + site.first_input;
  FrameExtras* extras = frame.extras.get();
  if (extras != nullptr && extras->task != nullptr) [[unlikely]] {
    const std::shared_ptr<Task> task = std::move(extras->task);
    const std::optional<at::ThreadLocalState> outer_state = std::move(extras->outer_state);
    IValue result = read(frame, operands[0]);
    pop_frame();
    if (outer_state.has_value()) at::ThreadLocalState::setThreadLocalState(*outer_state);
    complete(*task, std::move(result));
    return !frames_.empty();  // The waiter, which finds the future complete.
  }
  if (frames_.size() == 1) {
    for (uint32_t i = 0; i < site.inputs; ++i) results_.push_back(read(frame, operands[i]));
    pop_frame();
    return false;
  }
  Frame& caller = frames_[frames_.size() - 2];
  const Site& call_site = caller.code->site(caller.pc->a);
  const Operand* places = caller.code->operands.data() + call_site.first_input + call_site.inputs;
  const uint32_t results = std::min(site.inputs, call_site.outputs);
  for (uint32_t i = 0; i < results; ++i) transfer(frame, operands[i], caller, places[i]);
  pop_frame();
  ++caller.pc;
  return true;
}

absl::Status Machine::raise(const Frame& frame, const Site& site) const {
  const Operand* operands = frame.code->operands.data() + site.first_input;
  const IValue message = read(frame, operands[0]);
  const IValue name = site.inputs > 1 ? read(frame, operands[1]) : IValue();
  std::string text = message.isString() ? message.toStringRef() : "";
  const std::string class_name = name.isString() ? name.toStringRef() : "";
  if (!class_name.empty()) text = absl::StrCat(class_name.substr(class_name.rfind('.') + 1), ": ", text);
  return with_exception_class(absl::InvalidArgumentError(text), class_name);
}

// ---- Objects of `with` statements

void Machine::enter(Frame& frame, const Site& site) {
  const IValue& held = first_operand(frame, site);
  torch::jit::Function* exit = held.isObject() ? held.toObjectRef().type()->findMethod("__exit__") : nullptr;
  TORCH_CHECK(exit != nullptr, "the object of a 'with' statement has no method '__exit__'");
  extras(frame).entered.push_back({held, ir::Function::from(exit), autocast_});
  autocast_ = autocast_entered(held, autocast_);
}

void Machine::leave(Frame& frame) {
  if (frame.extras != nullptr && !frame.extras->entered.empty()) pop_entered(*frame.extras);
}

Machine::Entered Machine::pop_entered(FrameExtras& extras) {
  Entered entered = std::move(extras.entered.back());
  extras.entered.pop_back();
  autocast_ = entered.outer;
  return entered;
}

// ---- Tasks

// What an Await does when it is first waited for, on the waiter's thread. c10 takes failures as exceptions.
IValue Machine::run_now(const Task& task) {
  ir::Stack stack = task.arguments;
  MachineLease machine;
  const absl::Status started = machine->start(*task.body, stack, task.control, *task.pool);
  if (!started.ok()) throw StatusException(started);
  if (machine->run() == Outcome::kFailed) throw StatusException(machine->error());
  machine->take_results(stack);
  return std::move(stack.back());
}

void Machine::fork(Frame& frame, const Site& site) {
  auto task = std::make_shared<Task>();
  task->body = site.body;
  push_operands(frame, site);
  task->arguments.assign(std::make_move_iterator(stack_.begin()), std::make_move_iterator(stack_.end()));
  stack_.clear();
  if (frame.code->program != nullptr) {
    task->program = const_cast<ir::Program*>(frame.code->program)->compilation_unit();
  }
  task->control = control_;
  task->pool = pool_;
  const Operand result = frame.code->operands[site.first_input + site.inputs];
  if (site.deferred)
    return write(frame, result, c10::make_intrusive<c10::ivalue::Await>(site.type, [task] { return run_now(*task); }));
  task->future = c10::make_intrusive<c10::ivalue::Future>(site.type);
  const IValue future(task->future);
  launch(task);
  write(frame, result, future);
}

// A thread of the user, or one of the pool with a C++ caller in between: that one must not idle.
void Machine::block_on(c10::ivalue::Future& future) {
  if (TaskPool::in_pool_thread()) {
    TaskPool* pool = pool_;
    future.addCallback([pool](c10::ivalue::Future&) { pool->wake(); }, false);
    pool->help_until([&future] { return future.completed(); });
  }
  future.wait();
}

Machine::WaitResult Machine::wait(Frame& frame, const Site& site) {
  const Operand* operands = frame.code->operands.data() + site.first_input;
  const IValue& held = first_operand(frame, site);
  TORCH_CHECK(held.isFuture(), "'aten::wait' takes a future");
  const c10::intrusive_ptr<c10::ivalue::Future> future = held.toFuture();
  if (!future->completed()) {
    const std::shared_ptr<Task> task = find_task(future.get());
    if (task != nullptr && task->claim()) {
      std::optional<at::ThreadLocalState> outer_state{std::in_place};
      at::ThreadLocalState::setThreadLocalState(task->thread_state);
      Frame& body = push_frame(*task->body, 1);
      extras(body).task = task;
      extras(body).outer_state = std::move(outer_state);
      error_ = pass_stack(body, task->arguments);
      return error_.ok() ? WaitResult::kPushed : WaitResult::kFailed;
    }
    if (is_task_) {
      awaited_ = future;
      return WaitResult::kSuspended;
    }
    block_on(*future);
  }
  if (future->hasError()) {
    try {
      std::rethrow_exception(future->exception_ptr());
    } catch (...) {
      error_ = status_of_current_exception();
    }
    return WaitResult::kFailed;
  }
  IValue value = future->value();
  if (operands[0].kind() == Kind::kMove) frame.values[operands[0].index()] = IValue();
  write(frame, operands[1], std::move(value));
  return WaitResult::kReady;
}

// ---- Leases

namespace {

constexpr size_t kKeptMachines = 4;

std::vector<std::unique_ptr<Machine>>& kept_machines() {
  thread_local std::vector<std::unique_ptr<Machine>> machines;
  return machines;
}

}  // namespace

MachineLease::MachineLease() {
  std::vector<std::unique_ptr<Machine>>& kept = kept_machines();
  if (kept.empty()) {
    machine_ = std::make_unique<Machine>();
    return;
  }
  machine_ = std::move(kept.back());
  kept.pop_back();
}

MachineLease::~MachineLease() {
  std::vector<std::unique_ptr<Machine>>& kept = kept_machines();
  if (kept.size() >= kKeptMachines) return;
  machine_->shrink();
  kept.push_back(std::move(machine_));
}

}  // namespace vesta::runtime
