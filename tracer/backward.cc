// A file of its own: what get_current_node() gives differs between releases of libtorch, so it takes their header,
// which is large.

#include "tracer/backward.h"

#include <torch/csrc/autograd/function.h>

namespace vesta::tracer {

bool is_in_backward() { return torch::autograd::get_current_node() != nullptr; }

}  // namespace vesta::tracer
