// One method after the other: each example is run and recorded, the recordings become one graph, the graph a method.
// Only then are the methods checked, because the first may be run no more once the module has changed.

#include <vesta/trace.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "runtime/api/context.h"
#include "runtime/api/guard.h"
#include "runtime/api/module_tree.h"
#include "runtime/api/trace_build.h"
#include "runtime/api/trace_check.h"
#include "runtime/api/trace_examples.h"
#include "runtime/api/trace_run.h"
#include "tracer/generalize.h"
#include "tracer/merge_modes.h"
#include "tracer/retarget.h"

namespace vesta {
namespace {

using tracer::FindingKind;
using Graph = std::shared_ptr<ir::Graph>;

// What the code gave, for the trace to be held against.
struct Expectation {
  const TraceMethod* method;
  bool training;
  const Example* example;
  std::string title;  // "example 0"
  c10::IValue result;
  std::vector<c10::IValue> inputs;
  bool made_up;  // the user has not shown it: a difference is told, but no error
};

// An argument, or part of one, that is no tensor and is baked in.
struct ScalarGuard {
  ir::Value* value;
  std::optional<size_t> input;  // where it is an argument itself
  c10::IValue example;
};
using ScalarGuards = std::vector<ScalarGuard>;

class Tracing {
 public:
  Tracing(const TraceTarget& target, const TraceOptions& options)
      : target_(target), options_(options), builder_(options.name) {}

  absl::StatusOr<Module> run(const std::vector<TraceMethod>& methods) {
    VESTA_RETURN_IF_ERROR(builder_.declare(target_));
    for (const Named<Module>& module : options_.modules) VESTA_RETURN_IF_ERROR(builder_.declare(module));
    const absl::Status status = run_methods(methods);
    // The module that is traced stays in its mode, whatever happened.
    if (target_.train) VESTA_RETURN_IF_ERROR(internal::guard([&] { target_.train(target_.training); }));
    if (options_.report != nullptr) *options_.report = report();
    VESTA_RETURN_IF_ERROR(status);
    if (options_.strict) VESTA_RETURN_IF_ERROR(refuse_doubtful());
    return builder_.module();
  }

 private:
  absl::Status run_methods(const std::vector<TraceMethod>& methods) {
    for (const TraceMethod& method : methods) {
      VESTA_ASSIGN_OR_RETURN(const Graph graph, record(method));
      VESTA_RETURN_IF_ERROR(builder_.define(method.name, graph));
    }
    if (!options_.check) return absl::OkStatus();
    for (const Expectation& expectation : expectations_) VESTA_RETURN_IF_ERROR(check_example(expectation));
    for (const TraceMethod& method : methods) VESTA_RETURN_IF_ERROR(check_made_up(method));
    return absl::OkStatus();
  }

  absl::Status set_mode(bool training) {
    if (!target_.train) return absl::OkStatus();
    return internal::guard([&] { target_.train(training); });
  }

  absl::StatusOr<Graph> record(const TraceMethod& method) {
    ScalarGuards guards;
    VESTA_ASSIGN_OR_RETURN(Graph graph, record_mode(method, target_.training, guards));
    Graph other;
    if (target_.train && !options_.freeze_mode) {
      ScalarGuards same_guards;
      VESTA_ASSIGN_OR_RETURN(other, record_mode(method, !target_.training, same_guards));
      if (!target_.training) {
        std::swap(graph, other);
        std::swap(guards, same_guards);
      }
    }
    // Guards point into it.
    const Graph recorded = graph;
    if (other != nullptr) graph = tracer::merge_modes(graph, other);
    VESTA_RETURN_IF_ERROR(guard_scalars(graph, guards));
    tracer::retarget(*graph, anchor(), findings_);
    return graph;
  }

  // What devices and dtypes follow.
  at::Tensor anchor() const {
    for (const auto& parameter : target_.parameters) {
      if (parameter.value.defined() && parameter.value.is_floating_point()) return parameter.value;
    }
    return {};
  }

  // All examples in one mode.
  absl::StatusOr<Graph> record_mode(const TraceMethod& method, bool training, ScalarGuards& guards) {
    VESTA_RETURN_IF_ERROR(set_mode(training));
    std::vector<internal::RecordedRun> runs;
    for (size_t i = 0; i <= method.more_examples.size(); ++i) {
      const Example& example = i == 0 ? method.example : method.more_examples[i - 1];
      VESTA_ASSIGN_OR_RETURN(internal::RecordedRun run,
                             record_example(method, training, example, absl::StrCat("example ", i)));
      runs.push_back(std::move(run));
    }
    const Graph graph = runs[0].recorder->graph();
    if (runs.size() == 1) {
      tracer::tell_of_sizes(*graph, runs[0].recorder->sizes(), findings_);
    } else {
      VESTA_RETURN_IF_ERROR(generalize(method, training, *graph, runs));
    }
    runs[0].recorder->tell_of_constants(findings_);
    guards = find_guards(*graph, runs);
    return graph;
  }

  absl::Status generalize(const TraceMethod& method, bool training, ir::Graph& graph,
                          const std::vector<internal::RecordedRun>& runs) {
    std::vector<tracer::Sample> samples;
    for (const internal::RecordedRun& run : runs) samples.push_back(sample_of(run));
    // Sizes that nobody has shown decide between what explains the shown ones; another one is only checked.
    std::vector<internal::RecordedRun> further;
    bool taken = false;
    for (const internal::Growth growth :
         {internal::Growth::kUneven, internal::Growth::kApart, internal::Growth::kTogether}) {
      if (growth == internal::Growth::kTogether && taken) break;
      std::optional<internal::RecordedRun> run = make_up(method, training, growth);
      if (!run.has_value()) continue;
      taken = true;
      tracer::Findings differences;
      if (tracer::same_operators(graph, {samples[0], sample_of(*run)}, differences)) {
        samples.push_back(sample_of(*run));
        further.push_back(*std::move(run));
      } else {
        findings_.add(FindingKind::kStructure, absl::StrCat("with a size that was made up, the code of '", method.name,
                                                            "' runs other operators"));
      }
    }
    if (!taken) {
      findings_.add(FindingKind::kNotChecked,
                    absl::StrCat("the code of '", method.name, "' takes none of the further sizes that were made up"));
    }
    tracer::generalize(graph, samples, findings_);
    make_up(method, training, internal::Growth::kCloser);
    return absl::OkStatus();
  }

  static tracer::Sample sample_of(const internal::RecordedRun& run) {
    return {run.recorder->graph().get(), &run.recorder->sizes(), &run.recorder->scalar_inputs()};
  }

  // A run with sizes that no example has, to be checked in the end; nullopt where the code takes none.
  std::optional<internal::RecordedRun> make_up(const TraceMethod& method, bool training, internal::Growth growth) {
    std::vector<const Example*> examples{&method.example};
    for (const Example& example : method.more_examples) examples.push_back(&example);
    absl::StatusOr<Example> made = internal::another_size(examples, growth);
    if (!made.ok()) return std::nullopt;
    absl::StatusOr<internal::RecordedRun> run =
        internal::record_run(method.function, *made, names_of(method), builder_.surroundings(), source_title(method));
    if (!run.ok()) return std::nullopt;
    made_up_.push_back(std::make_unique<Example>(*std::move(made)));
    expectations_.push_back(
        {&method, training, made_up_.back().get(), "a size that was made up", run->result, run->inputs, true});
    return *std::move(run);
  }

  // Numbers and strings that the graph does not read are baked into it. What differed between the examples without
  // making a difference is no matter.
  static ScalarGuards find_guards(const ir::Graph& graph, const std::vector<internal::RecordedRun>& runs) {
    ScalarGuards guards;
    const auto& scalars = runs[0].recorder->scalar_inputs();
    for (size_t i = 0; i < scalars.size(); ++i) {
      const auto& [value, example] = scalars[i];
      bool constant = !value->has_uses();
      for (const internal::RecordedRun& run : runs) {
        constant &= internal::difference(example, run.recorder->scalar_inputs()[i].second, 0, "").empty();
      }
      if (!constant) continue;
      std::optional<size_t> input;
      if (value->node() == graph.block()->param_node()) input = value->offset();
      guards.push_back({value, input, example});
    }
    return guards;
  }

  // Makes the trace refuse other values of what is baked in.
  absl::Status guard_scalars(const Graph& graph, const ScalarGuards& guards) {
    for (const ScalarGuard& guard : guards) {
      ir::Value* value = guard.input.has_value() ? graph->inputs()[*guard.input] : guard.value;
      if (value->graph() != graph.get()) {
        return absl::UnimplementedError(
            "numbers inside of containers are baked in, and training and evaluation run other operators; trace with "
            "freeze_mode, or give the numbers as arguments of their own");
      }
      findings_.add(FindingKind::kScalarBaked,
                    absl::StrCat("argument '", value->name(), "' is baked in as ", ir::print_constant(guard.example),
                                 "; the trace refuses other values"));
      internal::guard_scalar(*graph, {value, guard.example});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<internal::RecordedRun> record_example(const TraceMethod& method, bool training, const Example& example,
                                                       const std::string& title) {
    absl::StatusOr<internal::RecordedRun> run =
        internal::record_run(method.function, example, names_of(method), builder_.surroundings(), source_title(method));
    if (!run.ok()) return support::with_context(run.status(), absl::StrCat("trace of '", method.name, "', ", title));
    findings_.merge(run->recorder->findings());
    expectations_.push_back({&method, training, &example, title, run->result, run->inputs, false});
    return run;
  }

  const std::vector<std::string>& names_of(const TraceMethod& method) const {
    return method.input_names.empty() ? options_.input_names : method.input_names;
  }

  std::string source_title(const TraceMethod& method) const {
    return absl::StrCat("<trace of ", options_.name, ".", method.name, ">");
  }

  // The trace's method as code, to be run as the code is; what it writes is undone, that is all.
  absl::StatusOr<internal::RecordedRun> replay(const TraceMethod& method, const Example& example) {
    const TraceFunction call = [&](const Inputs& inputs) {
      absl::StatusOr<c10::IValue> result = absl::InternalError("the trace was not run");
      tracer::Recorder::current()->run_unrecorded(
          [&] { result = builder_.module().run_method(method.name, inputs.values()); });
      TORCH_CHECK(result.ok(), std::string(result.status().message()));
      return *std::move(result);
    };
    return internal::record_run(call, example, {}, builder_.surroundings(), "<replay>");
  }

  // "" where the trace does what was expected.
  absl::StatusOr<std::string> compare(const TraceMethod& method, const Example& example, const c10::IValue& result,
                                      const std::vector<c10::IValue>& inputs) {
    VESTA_ASSIGN_OR_RETURN(const internal::RecordedRun again, replay(method, example));
    std::string why = internal::difference(result, again.result, options_.tolerance, "result");
    for (size_t i = 0; i < inputs.size() && why.empty(); ++i) {
      why = internal::difference(inputs[i], again.inputs[i], options_.tolerance,
                                 absl::StrCat("input ", i, " afterwards"));
    }
    return why;
  }

  absl::Status check_example(const Expectation& expected) {
    Module module = builder_.module();
    if (builder_.has_modes()) VESTA_RETURN_IF_ERROR(module.train(expected.training));
    absl::StatusOr<std::string> why = compare(*expected.method, *expected.example, expected.result, expected.inputs);
    if (!why.ok()) why = std::string(why.status().message());
    if (builder_.has_modes()) VESTA_RETURN_IF_ERROR(module.train(target_.training));
    if (why->empty()) return absl::OkStatus();
    if (expected.made_up) {
      findings_.add(FindingKind::kReplayDiffers,
                    absl::StrCat("with ", expected.title, " the trace of '", expected.method->name,
                                 "' differs from the code: ", *why));
      return absl::OkStatus();
    }
    const bool explained = findings_.has(FindingKind::kSizeBaked) || findings_.has(FindingKind::kStructure);
    return absl::FailedPreconditionError(absl::StrCat(
        "the trace of '", expected.method->name, "' does not do what the code does with ", expected.title,
        expected.training ? " in training mode: " : ": ", *why,
        explained ? "; the report tells why:\n" : "; something passes by the operators\n", report().text()));
  }

  absl::Status check_made_up(const TraceMethod& method) {
    const auto not_checked = [&](const absl::Status& status) {
      findings_.add(FindingKind::kNotChecked,
                    absl::StrCat("the trace of '", method.name, "' was not run on made-up inputs: ", status.message()));
      return absl::OkStatus();
    };
    absl::StatusOr<Example> example = internal::made_up(method.example);
    if (!example.ok()) return not_checked(example.status());
    VESTA_RETURN_IF_ERROR(set_mode(target_.training));
    const absl::StatusOr<internal::RecordedRun> expected =
        internal::record_run(method.function, *example, {}, builder_.surroundings(), "<check>");
    if (!expected.ok()) return not_checked(expected.status());
    const absl::StatusOr<std::string> why = compare(method, *example, expected->result, expected->inputs);
    const std::string text = why.ok() ? *why : std::string(why.status().message());
    if (!text.empty()) {
      findings_.add(FindingKind::kReplayDiffers,
                    absl::StrCat("on made-up inputs the trace of '", method.name, "' differs from the code: ", text));
    }
    return absl::OkStatus();
  }

  TraceReport report() const {
    TraceReport report;
    for (const tracer::Finding& finding : findings_.all()) {
      report.findings.push_back(
          {static_cast<TraceFinding::Kind>(finding.kind), finding.message, finding.scope, finding.where});
    }
    return report;
  }

  absl::Status refuse_doubtful() const {
    TraceReport doubtful;
    for (const TraceFinding& finding : report().findings) {
      if (finding.doubtful()) doubtful.findings.push_back(finding);
    }
    if (doubtful.findings.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("the trace is refused, as 'strict' asks:\n", doubtful.text()));
  }

  const TraceTarget& target_;
  const TraceOptions& options_;
  internal::TraceBuilder builder_;
  tracer::Findings findings_;
  std::vector<Expectation> expectations_;
  std::vector<std::unique_ptr<Example>> made_up_;
};

}  // namespace

absl::StatusOr<Module> trace_module(const TraceTarget& target, const std::vector<TraceMethod>& methods,
                                    const TraceOptions& options) {
  std::vector<TraceMethod> all = methods;
  for (TraceMethod& method : all) {
    if (!options.dynamic.empty()) {
      VESTA_ASSIGN_OR_RETURN(Example larger, internal::twice_as_large(method.example, options.dynamic));
      method.more_examples.push_back(std::move(larger));
    }
    method.more_examples.insert(method.more_examples.end(), options.more_examples.begin(), options.more_examples.end());
    for (const Example& example : method.more_examples) {
      if (example.size() != method.example.size()) {
        return absl::InvalidArgumentError(absl::StrCat("the examples of '", method.name, "' have ",
                                                       method.example.size(), " and ", example.size(), " arguments"));
      }
    }
  }
  return Tracing(target, options).run(all);
}

namespace internal {

absl::StatusOr<Module> trace_loaded(const Module& module, Example example, const TraceOptions& options) {
  TraceTarget target;
  target.parameters = module.named_parameters();
  target.buffers = module.named_buffers();
  walk(*Access::object(module), true, [&](const TreeSlot& slot) {
    if (slot.value.isTensor() && !slot.is_parameter() && !slot.is_buffer()) {
      target.attributes.push_back({slot.name, slot.value.toTensor()});
    }
  });
  if (!module.is_frozen()) {
    target.train = [handle = module](bool on) mutable {
      const absl::Status status = handle.train(on);
      TORCH_CHECK(status.ok(), std::string(status.message()));
    };
    target.training = module.is_training();
  }
  const TraceFunction forward = [&module](const Inputs& inputs) {
    absl::StatusOr<c10::IValue> result = module.forward(inputs.values());
    TORCH_CHECK(result.ok(), std::string(result.status().message()));
    return *std::move(result);
  };
  return trace_module(target, {{"forward", forward, std::move(example)}}, options);
}

}  // namespace internal

TraceScope::TraceScope(std::string_view name) { tracer::enter_scope(name); }
TraceScope::~TraceScope() { tracer::leave_scope(); }

}  // namespace vesta
