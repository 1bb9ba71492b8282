#include <vesta/trace.h>

#include <ATen/ops/is_nonzero.h>
#include <c10/util/Exception.h>

#include "tracer/control_flow.h"

namespace vesta {
namespace {

bool holds(const at::Tensor& predicate) {
  TORCH_CHECK(predicate.defined() && predicate.numel() == 1, "a condition is a tensor of one element");
  const tracer::Deaf deaf;
  return at::is_nonzero(predicate);
}

}  // namespace

TensorList cond(const at::Tensor& predicate, const std::function<TensorList()>& then,
                const std::function<TensorList()>& otherwise) {
  const bool taken = holds(predicate);
  tracer::Recorder* recorder = tracer::Recorder::current();
  if (recorder == nullptr) return taken ? then() : otherwise();
  return tracer::record_cond(*recorder, predicate, taken, then, otherwise);
}

TensorList while_loop(const std::function<at::Tensor(const TensorList&)>& condition,
                      const std::function<TensorList(const TensorList&)>& body, TensorList state) {
  if (tracer::Recorder* recorder = tracer::Recorder::current()) {
    return tracer::record_while(*recorder, condition, body, std::move(state), holds);
  }
  while (holds(condition(state))) {
    state = body(state);
    TORCH_CHECK(!state.empty(), "the body of a loop returns no state");
  }
  return state;
}

}  // namespace vesta
