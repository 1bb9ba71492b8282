#pragma once

// Classes of Python's torch that programs use by name (`torch.no_grad`), as TorchScript source. Archives carry such
// classes themselves; a program given as text finds them here.

#include <memory>
#include <string>
#include <string_view>

#include "ir/support/source.h"

namespace vesta::frontend {

// The source of a qualifier ("__torch__.torch.autograd.grad_mode"); null where there is none. Thread-safe.
std::shared_ptr<const support::Source> library_source(const std::string& qualifier);

// The qualified name of the class that a dotted name of Python stands for: "torch.no_grad" ->
// "__torch__.torch.autograd.grad_mode.no_grad". "" where there is none.
std::string library_class(const std::string& dotted_name);

}  // namespace vesta::frontend
