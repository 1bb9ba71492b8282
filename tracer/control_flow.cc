// The results of a recorded branch or loop are fresh tensors over the same memory: a branch may return a tensor that
// the code goes on using, which must not stand for the result from then on.

#include "tracer/control_flow.h"

#include <limits>

#include <c10/util/Exception.h>

namespace vesta::tracer {
namespace {

at::Tensor another_handle(const at::Tensor& tensor) {
  const Deaf deaf;
  return tensor.alias();
}

Tensors handles(const Tensors& tensors) {
  Tensors result;
  for (const at::Tensor& tensor : tensors) result.push_back(another_handle(tensor));
  return result;
}

ir::Value* as_bool(Recorder& recorder, const at::Tensor& tensor) {
  return recorder.emit("aten::Bool", "Tensor", {recorder.value_of(tensor)})->output();
}

Tensors run_in(Recorder& recorder, ir::Block* block, bool undo, const std::function<Tensors()>& code) {
  const Recorder::InBlock in_block(recorder, block, undo);
  Tensors results = code();
  for (const at::Tensor& result : results) {
    TORCH_CHECK(result.defined(), "a branch of vesta::cond returns an undefined tensor");
    block->add_output(recorder.value_of(result));
  }
  // The memory of results may be written to by what is undone now.
  return undo ? Tensors() : handles(results);
}

}  // namespace

Tensors record_cond(Recorder& recorder, const at::Tensor& predicate, bool taken, const std::function<Tensors()>& then,
                    const std::function<Tensors()>& otherwise) {
  ir::Node* branch = recorder.emit(prim::If, {as_bool(recorder, predicate)}, {});
  ir::Block* first = branch->add_block();
  ir::Block* second = branch->add_block();
  // The branch that is not taken runs first, on the state that it would have met.
  Tensors results;
  if (taken) {
    run_in(recorder, second, true, otherwise);
    results = run_in(recorder, first, false, then);
  } else {
    run_in(recorder, first, true, then);
    results = run_in(recorder, second, false, otherwise);
  }
  TORCH_CHECK(first->outputs().size() == second->outputs().size(), "the branches of vesta::cond return ",
              first->outputs().size(), " and ", second->outputs().size(), " tensors");
  for (const at::Tensor& result : results) {
    recorder.bind(result, branch->add_output(c10::TensorType::get()), /*depends=*/true);
  }
  return results;
}

Tensors record_while(Recorder& recorder, const std::function<at::Tensor(const Tensors&)>& condition,
                     const std::function<Tensors(const Tensors&)>& body, Tensors state,
                     const std::function<bool(const at::Tensor&)>& holds) {
  ir::Graph& graph = *recorder.graph();
  std::vector<ir::Value*> inputs{graph.insert_constant(std::numeric_limits<int64_t>::max()),
                                 as_bool(recorder, condition(state))};
  for (const at::Tensor& tensor : state) inputs.push_back(recorder.value_of(tensor));
  ir::Node* loop = recorder.emit(prim::Loop, inputs, std::vector<c10::TypePtr>(state.size(), c10::TensorType::get()));
  ir::Block* block = loop->add_block();
  block->add_input(c10::IntType::get());
  {
    const Recorder::InBlock in_block(recorder, block, /*undo=*/true);
    const Tensors carried = handles(state);
    for (const at::Tensor& tensor : carried) {
      recorder.bind(tensor, block->add_input(c10::TensorType::get()), /*depends=*/true);
    }
    const Tensors next = body(carried);
    TORCH_CHECK(next.size() == state.size(), "the body of vesta::while_loop returns ", next.size(), " tensors for ",
                state.size());
    // The condition comes first among the outputs, but is computed from the rest.
    std::vector<ir::Value*> outputs;
    for (const at::Tensor& tensor : next) outputs.push_back(recorder.value_of(tensor));
    block->add_output(as_bool(recorder, condition(next)));
    for (ir::Value* output : outputs) block->add_output(output);
  }
  {
    const Deaf deaf;
    while (holds(condition(state))) state = body(state);
  }
  const Tensors results = handles(state);
  for (size_t i = 0; i < results.size(); ++i) recorder.bind(results[i], loop->output(i), /*depends=*/true);
  return results;
}

}  // namespace vesta::tracer
