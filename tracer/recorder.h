#pragma once

// Records what a thread's code does with tensors as a graph.
//
// Tensors are told apart by identity: each TensorImpl stands for the value that an operator gave it last, so in-place
// operators, views and `out=` are recorded as what they are. A tensor that no operator made is one from outside: it
// becomes a prim::Constant at the top of the graph that holds that very tensor, for the owner of the graph to turn into
// an attribute. Raw memory that is read before recorded operators have written it becomes a constant with its content.
//
// One recorder serves one run of the code, on one thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "absl/status/status.h"
#include "ir/graph.h"
#include "tracer/findings.h"
#include "tracer/hook.h"
#include "tracer/memory.h"
#include "tracer/operator_facts.h"

namespace vesta::tracer {

namespace prim = c10::prim;

// What code is expected to use.
struct Surroundings {
  std::unordered_map<const c10::TensorImpl*, std::string> tensors;  // parameters and buffers by dotted name
  std::unordered_set<const c10::ivalue::Object*> modules;           // whose methods are called, not inlined
};

// Sizes that a value had in the recorded run.
using SizeTable = std::unordered_map<const ir::Value*, std::vector<int64_t>>;

class Recorder final : public Listener {
  struct Known {
    WeakTensor tensor;  // keeps the address from being used again
    ir::Value* value = nullptr;
    bool requires_grad = false;
    bool depends = false;
  };

 public:
  // `surroundings` must outlive the recorder. `title` is the file name in the nodes' source ranges.
  Recorder(const Surroundings& surroundings, std::string title);
  ~Recorder() override;

  // The recorder that hears this thread; null where none does.
  static Recorder* current() { return dynamic_cast<Recorder*>(listener()); }

  const std::shared_ptr<ir::Graph>& graph() const { return graph_; }
  // A graph input named `name`; tensors in the value become known by what takes them out of it.
  // InvalidArgument for values that cannot be inputs.
  absl::Status add_input(const std::string& name, const c10::IValue& value);
  // The value in the graph, put together from its tensors.
  ir::Value* value_of(const c10::IValue& value);
  // Call at the end, with what the code returned.
  absl::Status finish(const c10::IValue& result);

  // Inputs that nothing reads and results that follow from no input. After finish(), and once expressions have taken
  // the place of numbers in the graph.
  void tell_of_constants(Findings& findings) const;

  // The first thing that could not be recorded.
  const absl::Status& status() const { return status_; }
  Findings& findings() { return findings_; }
  const SizeTable& sizes() const { return sizes_; }
  // The scalar inputs, which nothing reads yet.
  const std::vector<std::pair<ir::Value*, c10::IValue>>& scalar_inputs() const { return scalar_inputs_; }

  // Undoes what the run has written to memory that was there before.
  void roll_back() { journals_.front().roll_back(); }

  void called(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack) override;

  // Whether calls of the object's methods stand in the graph as such.
  bool calls(const c10::ivalue::Object* object) const { return unrecorded_ == 0 && modules_.contains(object); }
  // Operators within are not recorded, but what they write is undone as everything else is.
  void run_unrecorded(const std::function<void()>& code);
  // Tensors in `value` stand for what takes them out of `whole`.
  absl::Status bind_parts(const c10::IValue& value, ir::Value* whole, const std::string& name);
  ir::Value* constant(const c10::IValue& value, const c10::TypePtr& type = nullptr);

  // --- For control flow.
  // Nodes go to the end of `block` while it lives; then tensors stand again for what they stood for before, and what
  // was written to older memory is undone if `undo`.
  class InBlock {
   public:
    InBlock(Recorder& recorder, ir::Block* block, bool undo);
    ~InBlock();
    InBlock(const InBlock&) = delete;
    InBlock& operator=(const InBlock&) = delete;

   private:
    Recorder& recorder_;
    ir::Block* outer_;
    std::unordered_map<const c10::TensorImpl*, Known> saved_;
    bool undo_;
  };
  void bind(const at::Tensor& tensor, ir::Value* value, bool depends);
  bool knows(const at::Tensor& tensor) const { return values_.contains(tensor.unsafeGetTensorImpl()); }
  ir::Node* emit(std::string_view op, std::string_view overload, const std::vector<ir::Value*>& inputs);
  ir::Node* emit(c10::Symbol kind, const std::vector<ir::Value*>& inputs, const std::vector<c10::TypePtr>& outputs);
  void fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  void note(FindingKind kind, std::string message);

 private:
  struct Call;
  struct Result {
    std::string name;
    bool depends;  // on the inputs' content
  };

  const OperatorFacts& facts(const c10::OperatorHandle& op);
  bool steps_inside(const c10::OperatorHandle& op, c10::DispatchKeySet below) const;
  void sync_grad_mode();
  using Leaf = std::function<absl::Status(const c10::IValue& value, ir::Value* place, const std::string& name)>;
  absl::Status take_apart(const c10::IValue& value, ir::Value* whole, const std::string& name, const Leaf& leaf);
  absl::Status add_leaf_input(const c10::IValue& value, ir::Value* place, const std::string& name);

  ir::Value* value(const at::Tensor& tensor);
  ir::Value* same_memory(const at::Tensor& tensor);
  ir::Value* from_outside(const at::Tensor& tensor);
  ir::Value* constant_tensor(const at::Tensor& tensor);
  ir::Value* argument(Call& call, const c10::IValue& value, const c10::TypePtr& formal, Use use);
  void prepare(Call& call, const c10::Stack& stack);
  void add_statistics(const OperatorFacts& facts, const c10::Stack& stack, std::vector<at::Tensor>& written) const;
  void called_unrecorded(const c10::OperatorHandle& op, const OperatorFacts& facts, c10::DispatchKeySet below,
                         c10::Stack& stack);
  void conclude(Call& call, const c10::Stack& stack);
  void bind_result(const Call& call, const c10::IValue& result, ir::Value* value);
  void about_to_write(const at::Tensor& tensor);
  void read_content(const at::Tensor& tensor);
  void freeze_raw_memory(MemoryRecord& record, const at::Tensor& tensor);
  void drop_needless_copies();
  void drop_unused();
  ir::Node* insert(ir::Node* node);
  void log_line(ir::Node* node);

  const std::unordered_map<const c10::TensorImpl*, std::string>& names_;
  const std::unordered_set<const c10::ivalue::Object*>& modules_;
  int unrecorded_ = 0;
  std::shared_ptr<support::Source> source_;
  std::shared_ptr<ir::Graph> graph_;
  ir::Node* prologue_ = nullptr;  // last node of the constants at the top
  std::unordered_map<const c10::TensorImpl*, Known> values_;
  MemoryBook memory_;
  std::vector<Journal> journals_;
  uint64_t births_ = 0;
  SizeTable sizes_;
  std::unordered_map<const void*, std::unique_ptr<OperatorFacts>> facts_;
  std::vector<std::pair<ir::Value*, c10::IValue>> scalar_inputs_;
  std::vector<std::pair<std::string, ir::Value*>> leaf_inputs_;
  std::vector<Result> results_;
  std::vector<std::pair<ir::Node*, at::Tensor>> frozen_;  // clones of raw memory's content, and that memory
  bool grad_at_start_;
  bool grad_recorded_;
  ir::Value* saved_grad_ = nullptr;
  bool gradients_told_ = false;
  std::string scope_;  // of the operator that is being recorded
  absl::Status status_;
  Findings findings_;
};

// Names what this thread runs between the two, in reports and source positions: "encoder.layer1".
void enter_scope(std::string_view name);
void leave_scope();
std::string current_scope();

}  // namespace vesta::tracer
