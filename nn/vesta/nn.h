#pragma once

// Checkpoints of Python's torch.nn and torch.optim into and out of libtorch's C++ modules and optimizers (library
// vesta_nn). What Python calls state_dict() and load_state_dict() has the same names, order and values here, so
// training goes on in the other language with the same next step.
//
//   auto checkpoint = vesta::load_checkpoint("epoch12.pt");
//   auto report = vesta::nn::load_state_dict(*model, *checkpoint->at("model_state_dict"));
//   absl::Status loaded = vesta::nn::load_state_dict(adam, *checkpoint->at("optimizer_state_dict"));
//
// Not thread-safe for one module or optimizer.

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include <vesta/checkpoint.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::nn {

// Parameters and buffers as Python's state_dict() has them: a module's own parameters, then its buffers, then its
// children's. The tensors share memory with the module's.
StateDict state_dict(const torch::nn::Module& module);
// The same as a value to be saved.
PyValue state_dict_value(const torch::nn::Module& module);

// Copies the values into the module's tensors (converting dtype and device). Missing, unexpected and mismatched names
// are all found before anything is written: see Module::load_state_dict. `state`: a state dict or a pickled module.
absl::StatusOr<LoadReport> load_state_dict(torch::nn::Module& module, const PyValue& state,
                                           const StateDictOptions& options = {});

// As Python's optimizer.state_dict(): {'state': {0: {...}, ...}, 'param_groups': [...]}. SGD, Adam, AdamW, RMSprop,
// Adagrad and LBFGS; Unimplemented for others. `like`, the state dict that was loaded before, gives what C++'s
// optimizers have no place for (`initial_lr` of a scheduler, `foreach`). The tensors share memory with the optimizer's.
absl::StatusOr<PyValue> state_dict(const torch::optim::Optimizer& optimizer, const PyValue& like = {});

// Takes groups' options, steps and state over; tensors are copied. InvalidArgument, and nothing is changed, where the
// groups have other counts of parameters, a state has another shape than its parameter, or an option is on that C++'s
// optimizer does not have (`maximize`); messages have the path.
absl::Status load_state_dict(torch::optim::Optimizer& optimizer, const PyValue& state);

}  // namespace vesta::nn
