// A native file holds the portable program always. What was optimized ahead is beside it, and is left out where it was
// made for another target: then the module is optimized at its first call, as after freeze().

#include "runtime/api/native.h"

#include <ostream>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <vesta/version.h>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/api/arguments.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"
#include "runtime/api/deep_copy.h"
#include "runtime/api/frozen_methods.h"
#include "runtime/api/live_methods.h"
#include "runtime/api/stream_sink.h"
#include "runtime/optimize.h"
#include "runtime/plan/tuning.h"
#include "serialization/native_reader.h"
#include "serialization/native_writer.h"

namespace vesta {

using internal::Access;
using serialization::NativeExample;
using serialization::NativeModule;

namespace {

constexpr int kCallsWithState = 2;

OptimizationLevel level_of(int level) {
  return level == 0 ? OptimizationLevel::kO0 : level == 1 ? OptimizationLevel::kO1 : OptimizationLevel::kO2;
}

serialization::NativeOrigin origin_of(const ProducedBy& produced_by) {
  serialization::NativeOrigin origin;
  origin.torch = produced_by.torch;
  origin.evidence = produced_by.evidence;
  origin.version = produced_by.version;
  for (const UpgradedCall& call : produced_by.upgraded_calls) {
    origin.upgraded_calls.push_back({call.name, call.reason, call.function, call.call_site});
  }
  return origin;
}

absl::StatusOr<NativeModule> contents_of(const Module& module, const NativeOptions& options) {
  const internal::ContextPtr& context = Access::context(module);
  if (options.packed && !context->frozen) {
    return absl::FailedPreconditionError(
        "'packed' keeps what was optimized ahead, and the module is not frozen: freeze() it and call optimize_for()");
  }
  NativeModule contents;
  contents.root = module.value();
  contents.extra_files.insert(options.extra_files.begin(), options.extra_files.end());
  contents.origin = origin_of(module.produced_by());
  contents.examples = context->examples;
  contents.producer = absl::StrCat("vesta ", internal::as_absl(version()));
  if (context->frozen) {
    const OptimizationOptions& freeze = context->frozen_methods->options();
    serialization::NativeOptimization optimization;
    optimization.level = static_cast<int>(freeze.level);
    optimization.without = freeze.without;
    if (options.packed) {
      optimization.target = internal::native_target();
      optimization.methods = context->frozen_methods->optimized();
    }
    contents.optimization = std::move(optimization);
  }
  return contents;
}

void add_facts(const std::string& name, const c10::IValue& value, std::vector<NativeExample::Facts>& facts) {
  if (value.isTensor() && value.toTensor().defined()) {
    facts.push_back({name, value.toTensor().scalar_type(), value.toTensor().sizes().vec()});
  } else if (value.isTuple()) {
    for (size_t i = 0; i < value.toTupleRef().size(); ++i) {
      add_facts(absl::StrCat(name, ".", i), value.toTupleRef().elements()[i], facts);
    }
  }
}

}  // namespace

namespace internal {

const std::string& native_target() {
  static const auto* const target = new std::string(absl::StrCat(
      "vesta ", as_absl(version()), ", libtorch ", as_absl(libtorch_version()), ", ", runtime::optimization_target()));
  return *target;
}

ProducedBy produced_by(const serialization::NativeOrigin& origin) {
  ProducedBy result;
  result.torch = origin.torch;
  result.evidence = origin.evidence;
  result.version = origin.version;
  for (const serialization::NativeOrigin::UpgradedCall& call : origin.upgraded_calls) {
    result.upgraded_calls.push_back({call.name, call.reason, call.function, call.call_site});
  }
  return result;
}

absl::StatusOr<Module> load_native(serialization::SharedBytes bytes, const std::string& name,
                                   const LoadOptions& options,
                                   const std::function<void(std::map<std::string, std::string>)>& give_extra_files,
                                   const std::function<absl::Status(const ir::Function&, ir::Stack&)>& run) {
  serialization::ReadOptions read;
  read.limits = options.limits;
  read.trust_weights = options.immutable_file;
  read.run = run;
  VESTA_ASSIGN_OR_RETURN(serialization::LoadedNative loaded,
                         serialization::read_native(std::move(bytes), name, native_target(), read));
  if (!loaded.module.root.toObjectRef().type()->is_module()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": the file holds no module"));
  }
  auto context = std::make_shared<Context>();
  context->program = loaded.program;
  context->produced_by = std::make_shared<const ProducedBy>(produced_by(loaded.module.origin));
  context->examples = std::move(loaded.module.examples);
  prepare(*loaded.program);
  c10::IValue root = std::move(loaded.module.root);
  const bool moves = options.device.has_value() && !options.device->is_cpu();
  if (moves) {
    VESTA_ASSIGN_OR_RETURN(root, DeepCopier({.device = options.device}).copy(root));
  }
  if (loaded.module.optimization.has_value()) {
    context->frozen = true;
    OptimizationOptions freeze;
    freeze.level = level_of(loaded.module.optimization->level);
    freeze.without = loaded.module.optimization->without;
    absl::StatusOr<std::shared_ptr<const FrozenMethods>> methods = FrozenMethods::create(root.toObject(), freeze);
    if (!methods.ok()) return support::with_context(methods.status(), name);
    context->frozen_methods = *std::move(methods);
    if (!moves) context->frozen_methods->restore(loaded.module.optimization->methods);
  } else {
    VESTA_ASSIGN_OR_RETURN(context->live_methods, LiveMethods::create(root.toObject(), options.optimization));
  }
  give_extra_files(std::move(loaded.module.extra_files));
  return Access::module(std::move(context), root.toObject());
}

}  // namespace internal

absl::Status Module::save_native(const std::string& path, const NativeOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(const NativeModule contents, contents_of(*this, options));
  return serialization::write_native(contents, path, {.run = internal::run_while_loading});
}

absl::Status Module::save_native(std::ostream& stream, const NativeOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(const NativeModule contents, contents_of(*this, options));
  return internal::write_to_stream(stream, [&](const auto& sink) {
    return serialization::write_native(contents, sink, {.run = internal::run_while_loading});
  });
}

absl::Status Module::optimize_for(std::vector<c10::IValue> args, const PreparationOptions& options,
                                  const Kwargs& kwargs) {
  VESTA_ASSIGN_OR_RETURN(const Module other, instance());
  VESTA_ASSIGN_OR_RETURN(const Method method, other.get_method("forward"));
  // As the call has them: in the order of the schema.
  VESTA_ASSIGN_OR_RETURN(const std::vector<c10::IValue> bound,
                         internal::bind_arguments(method.schema(), 1, args, kwargs));
  const c10::NoGradGuard no_grad;
  std::optional<runtime::plan::TuningScope> tuning;
  if (options.tune) tuning.emplace();
  VESTA_ASSIGN_OR_RETURN(const c10::IValue result, method(args, kwargs));
  // What a method keeps may lead its next calls elsewhere: the states of a recurrent network.
  const int more = method.writes_state() ? kCallsWithState : 0;
  for (int i = 0; i < more; ++i) {
    VESTA_RETURN_IF_ERROR(method(args, kwargs).status());
  }
  NativeExample example;
  example.method = "forward";
  for (size_t i = 0; i < bound.size(); ++i) {
    add_facts(method.schema().arguments()[i + 1].name(), bound[i], example.inputs);
  }
  add_facts("output", result, example.outputs);
  auto context = std::make_shared<internal::Context>(*context_);
  context->examples.push_back(std::move(example));
  context_ = std::move(context);
  return absl::OkStatus();
}

}  // namespace vesta
