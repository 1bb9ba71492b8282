#pragma once

// Branches and loops that the traced code tells of.

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "tracer/recorder.h"

namespace vesta::tracer {

using Tensors = std::vector<at::Tensor>;

// Records prim::If with both branches. Both run; what the one that is not taken writes is undone. The results are those
// of the branch that is taken. Throws what the branches throw, and c10::Error where they do not fit together. `taken`:
// the predicate's value.
Tensors record_cond(Recorder& recorder, const at::Tensor& predicate, bool taken, const std::function<Tensors()>& then,
                    const std::function<Tensors()>& otherwise);

// Records prim::Loop; the body runs once for the recording, on copies of the state, with what it writes undone, and
// then as often as the condition wants. `holds` reads a condition's value.
Tensors record_while(Recorder& recorder, const std::function<at::Tensor(const Tensors&)>& condition,
                     const std::function<Tensors(const Tensors&)>& body, Tensors state,
                     const std::function<bool(const at::Tensor&)>& holds);

}  // namespace vesta::tracer
