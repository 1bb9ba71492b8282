#include "runtime/api/trace_run.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <mutex>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/api/deep_copy.h"
#include "runtime/api/guard.h"

namespace vesta::internal {
namespace {

constexpr uint64_t kSeed = 20110;

std::string input_name(const std::vector<std::string>& names, size_t i, size_t count) {
  if (i < names.size()) return names[i];
  return count == 1 ? "x" : absl::StrCat("x", i);
}

// A tensor that is given for two arguments gets a second handle: arguments are told apart by identity.
void tell_apart(std::vector<c10::IValue>& inputs) {
  std::unordered_set<const c10::TensorImpl*> seen;
  for (c10::IValue& input : inputs) {
    if (!input.isTensor() || !input.toTensor().defined()) continue;
    const at::Tensor tensor = input.toTensor();
    if (!seen.insert(tensor.unsafeGetTensorImpl()).second) {
      input = tensor.detach().set_requires_grad(tensor.requires_grad());
    }
  }
}

// Puts `.grad` of a module's parameters back: backward() in the code makes new tensors there, which no journal sees.
class KeptGradients {
 public:
  explicit KeptGradients(const tracer::Surroundings& surroundings) {
    for (const auto& [impl, name] : surroundings.tensors) {
      if (impl->requires_grad()) kept_.emplace_back(const_cast<c10::TensorImpl*>(impl), impl->grad());
    }
  }
  ~KeptGradients() {
    for (auto& [impl, gradient] : kept_) {
      if (!impl->grad().is_same(gradient)) impl->mutable_grad() = std::move(gradient);
    }
  }
  KeptGradients(const KeptGradients&) = delete;
  KeptGradients& operator=(const KeptGradients&) = delete;

 private:
  std::vector<std::pair<c10::TensorImpl*, at::Tensor>> kept_;
};

}  // namespace

KnownRandomNumbers::KnownRandomNumbers() : generator_(at::detail::getDefaultCPUGenerator()) {
  const std::lock_guard<std::mutex> lock(generator_.mutex());
  state_ = at::Tensor(generator_.unsafeGetGeneratorImpl()->get_state());
  generator_.set_current_seed(kSeed);
}

KnownRandomNumbers::~KnownRandomNumbers() {
  const std::lock_guard<std::mutex> lock(generator_.mutex());
  generator_.unsafeGetGeneratorImpl()->set_state(*state_.unsafeGetTensorImpl());
}

absl::StatusOr<std::vector<c10::IValue>> copy_values(const std::vector<c10::IValue>& values) {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy,
                         DeepCopier(DeepCopier::Options()).copy(c10::ivalue::Tuple::create(values)));
  const auto elements = copy.toTupleRef().elements();
  return std::vector<c10::IValue>(elements.begin(), elements.end());
}

absl::StatusOr<RecordedRun> record_run(const TraceFunction& function, const Example& example,
                                       const std::vector<std::string>& input_names,
                                       const tracer::Surroundings& surroundings, const std::string& title) {
  VESTA_RETURN_IF_ERROR(tracer::install_hook());
  if (tracer::listener() != nullptr) {
    return absl::FailedPreconditionError("a trace cannot be made inside of another trace of the same thread");
  }
  for (size_t i = 0; i < example.size(); ++i) {
    if (!example[i].isTensor() || example[i].toTensor().defined()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("input '", input_name(input_names, i, example.size()), "' cannot be traced: an undefined tensor"));
  }
  RecordedRun run;
  VESTA_ASSIGN_OR_RETURN(run.inputs, copy_values(example));
  VESTA_RETURN_IF_ERROR(guard([&] { tell_apart(run.inputs); }));
  run.recorder = std::make_unique<tracer::Recorder>(surroundings, title);
  tracer::Recorder& recorder = *run.recorder;
  for (size_t i = 0; i < example.size(); ++i) {
    VESTA_RETURN_IF_ERROR(recorder.add_input(input_name(input_names, i, example.size()), run.inputs[i]));
  }
  const KnownRandomNumbers random;
  const KeptGradients gradients(surroundings);
  const c10::AutoGradMode grad_mode(c10::GradMode::is_enabled());
  absl::Status recorded;
  absl::Status status = guard([&] {
    const Inputs inputs(run.inputs);
    const tracer::Listening listening(recorder);
    run.result = function(inputs);
    recorded = recorder.finish(run.result);
  });
  if (status.ok()) status = std::move(recorded);
  // Before what the run wrote is undone: the result may look at it.
  if (status.ok()) {
    absl::StatusOr<std::vector<c10::IValue>> copies = copy_values({run.result});
    if (copies.ok()) run.result = std::move((*copies)[0]);
    status = copies.status();
  }
  recorder.roll_back();
  if (!status.ok()) return status;
  return run;
}

}  // namespace vesta::internal
