// A library that breaks both rules of symbols.py on purpose: it needs a part of torch::jit, and it exports a
// function that is not in Vesta's public API.

#include <torch/csrc/jit/runtime/graph_executor.h>

namespace stranger {

__attribute__((visibility("default"))) bool profiles() { return torch::jit::getExecutorMode(); }

}  // namespace stranger
