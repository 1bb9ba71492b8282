#pragma once

// Tracing: running code becomes a Module.
//
//   auto traced = vesta::trace([](const at::Tensor& x) { return x.relu() + 1; }, {example});
//   auto traced = vesta::trace(net, {example});       // any torch::nn module: its forward, under its parameters' names
//   auto result = traced->forward({other});
//
// The code runs on copies of the examples, and every operator that it calls on this thread is recorded, at the level of
// aten::conv2d. What it does to parameters, buffers and captured tensors is undone afterwards. What a graph cannot know
// is told in a report: docs/tracing.md says what each finding means.
//
// Thread-safety: traces may run in several threads at once, over different modules. A trace inside of a trace is
// refused. While code runs for a trace, the CPU's default generator starts from a known seed; afterwards it goes on as
// before.

#include <concepts>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vesta/export.h>
#include <vesta/module.h>
#include <vesta/value.h>

#include "absl/status/statusor.h"

namespace vesta {

// The arguments of one call of the traced code.
class Inputs {
 public:
  Inputs(std::vector<c10::IValue> values) : values_(std::move(values)) {}
  const c10::IValue& operator[](size_t i) const { return values_.at(i); }
  at::Tensor tensor(size_t i) const { return values_.at(i).toTensor(); }
  size_t size() const { return values_.size(); }
  const std::vector<c10::IValue>& values() const { return values_; }

 private:
  std::vector<c10::IValue> values_;
};

using TraceFunction = std::function<c10::IValue(const Inputs&)>;
// Arguments: tensors, int, float, bool, str, and tuples, lists and dicts of them.
using Example = std::vector<c10::IValue>;

struct TraceFinding {
  enum class Kind {
    kValueRead,         // a number was read out of a tensor (item(), a condition): what followed is as it was then
    kRawWrite,          // memory was written past the operators; its content is a constant of the trace
    kSizeBaked,         // a number that looks like a size is a constant
    kDeviceBaked,       // a device= argument stays as it is when the module moves
    kDtypeBaked,        // a dtype= argument stays as it is when the module's dtype changes
    kCaptured,          // a tensor from outside became a buffer
    kRandom,            // a random operator
    kGeneratorDropped,  // a random operator used a generator of its own; the trace uses the default one
    kConstantOutput,    // a result does not depend on the inputs
    kUnusedInput,       // an input is not read
    kScalarBaked,       // an int, float, bool or str argument is baked in; the trace refuses other values
    kInputWritten,      // an input is written in place, and will be by the trace
    kGradChanged,       // requires_grad was changed inside
    kBackward,          // gradients were computed inside
    kStructure,         // another example, or the other mode, ran other operators
    kReplayDiffers,     // on inputs that were made up the trace gives another result than the code
    kNotChecked,        // a check could not be made
  };
  Kind kind;
  std::string message;
  std::string scope;  // module or ScopeName: "layer1.0.conv1"; "" at the top
  std::string where;  // "function (binary+0x1234)" of the calling code; "" where nothing is known

  // True for what makes the trace differ from the code for some inputs, or may; `strict` refuses those. The others
  // (kRandom, kUnusedInput, kInputWritten, kCaptured) are worth knowing.
  bool doubtful() const;
};

struct TraceReport {
  std::vector<TraceFinding> findings;
  bool has(TraceFinding::Kind kind) const;
  // A line for each finding.
  std::string text() const;
};

// A dimension of a tensor argument that will have other sizes.
struct DynamicSize {
  size_t input = 0;
  int64_t dimension = 0;
};

struct TraceOptions {
  // The class of the module: "Net".
  std::string name = "Traced";
  // Names of the arguments; where there are none, "x" or "x0", "x1".
  std::vector<std::string> input_names;
  // Inputs of other sizes (or other ints): numbers in the graph that differ between examples become expressions of
  // sizes. Two are enough: further sizes are made up, to choose between expressions and to check them.
  std::vector<Example> more_examples;
  // Instead of a second example: dimensions that will have other sizes. The example is made up, twice as large there.
  std::vector<DynamicSize> dynamic;
  // Modules that the code calls (as vesta::Module) and that become modules of the trace under these names, their
  // methods called with the loops and branches that they have. Those that are not named here are recorded as what they
  // run.
  std::vector<Named<Module>> modules;
  // Findings that make the trace doubtful are an error.
  bool strict = false;
  // Runs the trace on the examples and on made-up inputs, against the code. A difference on the examples is an error.
  bool check = true;
  // Relative and absolute tolerance of the check.
  double tolerance = 1e-5;
  // Keeps the mode that the module is in: train() and eval() change nothing in the trace.
  bool freeze_mode = false;
  // Receives the report. Not owned.
  TraceReport* report = nullptr;
};

// What there is to know of a module whose methods are traced. Names may be dotted: "layer1.0.conv1.weight".
struct TraceTarget {
  std::vector<Named<at::Tensor>> parameters;
  std::vector<Named<at::Tensor>> buffers;
  // Tensors that are neither.
  std::vector<Named<at::Tensor>> attributes;
  // Switches between training and evaluation; empty where there are no modes.
  std::function<void(bool)> train;
  bool training = false;
};

struct TraceMethod {
  std::string name;
  TraceFunction function;
  Example example;
  std::vector<std::string> input_names;
  std::vector<Example> more_examples;
};

// Methods over the same parameters. Errors: InvalidArgument for inputs and results that cannot be traced and for what
// the code throws; Unimplemented for operators that the catalog lacks; FailedPrecondition inside another trace, where
// the trace does not give the code's result on an example, and for doubtful findings where `strict`.
VESTA_API absl::StatusOr<Module> trace_module(const TraceTarget& target, const std::vector<TraceMethod>& methods,
                                              const TraceOptions& options = {});

// A name for what runs while it lives, in reports and in positions of errors. Costs nothing where nothing is traced.
class VESTA_API TraceScope {
 public:
  explicit TraceScope(std::string_view name);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;
};

// A branch that traces keep. Where nothing is traced, the branch that the predicate (one element) chooses runs, and no
// other. In a trace both run, and stand in the graph; what the one that is not chosen writes is undone. Branches return
// as many tensors each. Throws as at::Tensor's functions do.
using TensorList = std::vector<at::Tensor>;
VESTA_API TensorList cond(const at::Tensor& predicate, const std::function<TensorList()>& then,
                          const std::function<TensorList()>& otherwise);
// A loop that traces keep: while condition(state), state = body(state). In a trace the body runs once more, for the
// recording, on the first state; what that writes is undone.
VESTA_API TensorList while_loop(const std::function<at::Tensor(const TensorList&)>& condition,
                                const std::function<TensorList(const TensorList&)>& body, TensorList state);
// The same for one tensor.
inline at::Tensor cond(const at::Tensor& predicate, const std::function<at::Tensor()>& then,
                       const std::function<at::Tensor()>& otherwise) {
  return cond(
      predicate, [&] { return TensorList{then()}; }, [&] { return TensorList{otherwise()}; })[0];
}

namespace internal {

// What code returns as a value: everything that IValue takes, and std::map, std::pair and std::tuple.
template <class T>
struct ToValue {
  static c10::IValue of(T value) { return c10::IValue(std::move(value)); }
};
template <class T>
c10::IValue to_value(T&& value) {
  return ToValue<std::decay_t<T>>::of(std::forward<T>(value));
}
template <class V>
struct ToValue<std::map<std::string, V>> {
  static c10::IValue of(const std::map<std::string, V>& map) {
    c10::Dict<std::string, V> dict;
    for (const auto& [key, value] : map) dict.insert(key, value);
    return dict;
  }
};
template <class A, class B>
struct ToValue<std::pair<A, B>> {
  static c10::IValue of(const std::pair<A, B>& pair) {
    return c10::ivalue::Tuple::create(to_value(pair.first), to_value(pair.second));
  }
};
template <class... Ts>
struct ToValue<std::tuple<Ts...>> {
  static c10::IValue of(const std::tuple<Ts...>& tuple) {
    return std::apply([](const Ts&... items) { return c10::ivalue::Tuple::create({to_value(items)...}); }, tuple);
  }
};

// Argument `i` as the code takes it. Ends the trace with a clear error where it is something else; a parameter behind
// the last argument has no value.
template <class T>
std::decay_t<T> argument(const Inputs& inputs, size_t i) {
  absl::StatusOr<std::decay_t<T>> value = get<std::decay_t<T>>(inputs[i]);
  TORCH_CHECK(value.ok(), "argument ", i, ": ", std::string(value.status().message()));
  return *std::move(value);
}

template <class F>
struct Signature;
template <class R, class... Args>
struct Signature<R (*)(Args...)> {
  using Parameters = std::tuple<std::decay_t<Args>...>;
};
template <class C, class R, class... Args>
struct Signature<R (C::*)(Args...)> : Signature<R (*)(Args...)> {};
template <class C, class R, class... Args>
struct Signature<R (C::*)(Args...) const> : Signature<R (*)(Args...)> {};
template <class C, class R, class... Args>
struct Signature<R (C::*)(Args...) noexcept> : Signature<R (*)(Args...)> {};
template <class C, class R, class... Args>
struct Signature<R (C::*)(Args...) const noexcept> : Signature<R (*)(Args...)> {};

template <class F>
struct Callable : Signature<decltype(&F::operator())> {};
template <class R, class... Args>
struct Callable<R (*)(Args...)> : Signature<R (*)(Args...)> {};

// Code over Inputs, or over typed parameters.
template <class F>
TraceFunction adapt(F code) {
  if constexpr (std::is_invocable_v<F&, const Inputs&>) {
    return [code = std::move(code)](const Inputs& inputs) mutable { return to_value(code(inputs)); };
  } else {
    using Parameters = typename Callable<F>::Parameters;
    return [code = std::move(code)](const Inputs& inputs) mutable {
      constexpr size_t kCount = std::tuple_size_v<Parameters>;
      TORCH_CHECK(inputs.size() == kCount, "the traced code takes ", kCount, " arguments, got ", inputs.size());
      return [&]<size_t... I>(std::index_sequence<I...>) {
        return to_value(code(argument<std::tuple_element_t<I, Parameters>>(inputs, I)...));
      }
      (std::make_index_sequence<kCount>());
    };
  }
}

template <class M>
concept NeuralModule = !std::same_as<M, Module> && requires(M & module) {
  module.named_parameters();
  module.named_buffers();
  module.train(true);
  module.is_training();
};
template <class H>
concept NeuralHolder = requires(H& holder) {
  *holder;
}
&&NeuralModule<std::remove_cvref_t<decltype(*std::declval<H&>())>>;

// Whether get<T>() is there.
template <class T>
    struct Gettable : std::bool_constant < requires {
  sizeof(Getter<T>);
} > {};
template <class T>
struct Gettable<std::optional<T>> : Gettable<T> {};
template <class T>
struct Gettable<std::vector<T>> : Gettable<T> {};
template <class... Ts>
struct Gettable<std::tuple<Ts...>> : std::conjunction<Gettable<Ts>...> {};

template <class Parameters, class M, size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  if constexpr ((true && ... && Gettable<std::tuple_element_t<I, Parameters>>::value)) {
    return requires(M & module, std::tuple_element_t<I, Parameters>... arguments) { module.forward(arguments...); };
  } else {
    return false;
  }
}

// Calls forward with the first N parameters for N arguments, so that its default arguments hold.
template <class Parameters, size_t N = 0, class M>
c10::IValue forward_with(M& module, const Inputs& inputs) {
  if (inputs.size() == N) {
    return [&]<size_t... I>(std::index_sequence<I...>)->c10::IValue {
      if constexpr (takes<Parameters, M>(std::index_sequence<I...>())) {
        return to_value(module.forward(argument<std::tuple_element_t<I, Parameters>>(inputs, I)...));
      } else {
        TORCH_CHECK(false, "'forward' cannot be called with ", N, " arguments");
      }
    }
    (std::make_index_sequence<N>());
  }
  if constexpr (N < std::tuple_size_v<Parameters>) {
    return forward_with<Parameters, N + 1>(module, inputs);
  } else {
    TORCH_CHECK(false, "'forward' takes at most ", N, " arguments, got ", inputs.size());
  }
}

template <class M>
TraceFunction forward_of(M& module) {
  return [&module](const Inputs& inputs) {
    if constexpr (requires { &M::forward; }) {
      return forward_with<typename Signature<decltype(&M::forward)>::Parameters>(module, inputs);
    } else {
      // A template, as Sequential's: of tensors.
      return forward_with<std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>>(module, inputs);
    }
  };
}

VESTA_API absl::StatusOr<Module> trace_loaded(const Module& module, Example example, const TraceOptions& options);

}  // namespace internal

// The parameters, buffers and modes of a torch::nn module.
template <internal::NeuralModule M>
TraceTarget target_of(M& module) {
  TraceTarget target;
  for (const auto& item : module.named_parameters()) target.parameters.push_back({item.key(), item.value()});
  for (const auto& item : module.named_buffers()) target.buffers.push_back({item.key(), item.value()});
  target.train = [&module](bool on) { module.train(on); };
  target.training = module.is_training();
  return target;
}

// Code: a callable over Inputs or over typed parameters ((const at::Tensor&, int64_t) -> at::Tensor), which becomes
// `forward`; or a torch::nn module, or a holder of one, whose `forward` is traced; or a vesta::Module. Errors:
// as for trace_module().
template <class Code>
absl::StatusOr<Module> trace(Code&& code, Example example, const TraceOptions& options = {}) {
  using Plain = std::remove_cvref_t<Code>;
  if constexpr (std::same_as<Plain, Module>) {
    return internal::trace_loaded(code, std::move(example), options);
  } else if constexpr (internal::NeuralModule<Plain>) {
    return trace_module(target_of(code), {{"forward", internal::forward_of(code), std::move(example)}}, options);
  } else if constexpr (internal::NeuralHolder<Plain>) {
    return trace(*code, std::move(example), options);
  } else {
    return trace_module(TraceTarget(), {{"forward", internal::adapt(std::decay_t<Code>(code)), std::move(example)}},
                        options);
  }
}

}  // namespace vesta
