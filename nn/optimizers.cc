// Each optimizer is described once: a function that names its options and one that names a parameter's state, in
// Python's words. A visitor reads them from a state dict, another writes them into one.

#include <optional>

#include <ATen/core/grad_mode.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <vesta/nn.h>

#include "absl/strings/str_cat.h"

namespace vesta::nn {
namespace {

namespace optim = torch::optim;

std::string below(const std::string& path, std::string_view step) { return absl::StrCat(path, ".", std::string(step)); }

// A number, also one that is a tensor of one element (steps, a capturable learning rate).
absl::StatusOr<double> number_of(const PyValue& value, const std::string& path) {
  if (value.is_tensor() && value.tensor().numel() == 1 && !value.tensor().is_meta()) {
    return value.tensor().detach().to(at::kDouble).item<double>();
  }
  return internal::PyGetter<double>::get(value, path);
}

// Reads fields from a dict; the first error stays.
class Reader {
 public:
  Reader(PyValue from, std::string path, at::Tensor like)
      : from_(std::move(from)), path_(std::move(path)), like_(std::move(like)) {}

  absl::Status status;

  void real(const char* name, double& to) {
    if (const std::optional<PyValue> value = find(name)) keep(number_of(*value, below(path_, name)), to);
  }
  void whole(const char* name, int64_t& to) {
    double number = static_cast<double>(to);
    real(name, number);
    to = static_cast<int64_t>(number);
  }
  void step(const char* name, int64_t& to) { whole(name, to); }
  void flag(const char* name, bool& to) { keep_as<bool>(name, to); }
  void pair(const char* name, std::tuple<double, double>& to) {
    const std::optional<PyValue> value = find(name);
    if (!value) return;
    if (value->items().size() != 2)
      return fail(internal::wrong_py_type("a pair of floats", below(path_, name), *value));
    keep(number_of(value->items()[0], below(path_, name)), std::get<0>(to));
    keep(number_of(value->items()[1], below(path_, name)), std::get<1>(to));
  }
  void optional_whole(const char* name, std::optional<int64_t>& to) { keep_as<std::optional<int64_t>>(name, to); }
  void optional_text(const char* name, std::optional<std::string>& to) {
    keep_as<std::optional<std::string>>(name, to);
  }
  // Undefined where it is missing or None; else of the parameter's shape.
  void tensor(const char* name, at::Tensor& to) {
    const std::optional<PyValue> value = find(name);
    if (!value || value->is_none()) return;
    const absl::StatusOr<at::Tensor> found = internal::PyGetter<at::Tensor>::get(*value, below(path_, name));
    if (!found.ok()) return fail(found.status());
    if (found->sizes() != like_.sizes()) {
      return fail(absl::InvalidArgumentError(absl::StrCat("'", below(path_, name), "' is ", value->summary(),
                                                          ", its parameter is ", PyValue(like_.detach()).summary())));
    }
    to = copied(*found);
  }
  // LBFGS keeps all parameters' values in one row.
  void flat(const char* name, at::Tensor& to) {
    const std::optional<PyValue> value = find(name);
    if (!value || value->is_none()) return;
    if (value->is_tensor()) {
      to = copied(value->tensor());
      return;
    }
    double number = 0;
    keep(number_of(*value, below(path_, name)), number);
    to = torch::tensor(number, like_.options().requires_grad(false));
  }
  void rows(const char* name, std::deque<at::Tensor>& to) {
    const std::optional<PyValue> value = find(name);
    if (!value || value->is_none()) return;
    to.clear();
    for (const PyValue& item : value->items()) {
      if (!item.is_tensor()) return fail(internal::wrong_py_type("List[Tensor]", below(path_, name), *value));
      to.push_back(copied(item.tensor()));
    }
  }
  // Options that C++ does not have must be off.
  void only(const char* name, const PyValue& allowed) {
    const std::optional<PyValue> value = find(name);
    if (!value || value->is_none() || value->is(allowed)) return;
    fail(absl::InvalidArgumentError(absl::StrCat("'", below(path_, name), "' is ", value->summary(),
                                                 "; libtorch's C++ optimizer knows ", allowed.summary(), " only")));
  }
  void constant(const char*, const PyValue&) {}

 private:
  std::optional<PyValue> find(const char* name) const {
    const absl::StatusOr<PyValue> found = from_.at(name);
    return found.ok() ? std::optional<PyValue>(*found) : std::nullopt;
  }
  void fail(absl::Status error) {
    if (status.ok()) status = std::move(error);
  }
  template <class T>
  void keep(absl::StatusOr<T> value, T& to) {
    value.ok() ? void(to = *std::move(value)) : fail(value.status());
  }
  template <class T>
  void keep_as(const char* name, T& to) {
    if (const std::optional<PyValue> value = find(name))
      keep(internal::PyGetter<T>::get(*value, below(path_, name)), to);
  }
  // As Python does: floating-point state takes the parameter's dtype and device.
  at::Tensor copied(const at::Tensor& from) const {
    const at::Tensor detached = from.detach();
    return detached.is_floating_point() ? detached.to(like_.device(), like_.scalar_type(), false, /*copy=*/true)
                                        : detached.to(like_.device(), detached.scalar_type(), false, /*copy=*/true);
  }

  PyValue from_;
  std::string path_;
  at::Tensor like_;
};

// Writes fields into a dict, in Python's order.
class Writer {
 public:
  explicit Writer(PyValue to) : to_(std::move(to)) {}
  void real(const char* name, double value) { put(name, value); }
  void whole(const char* name, int64_t value) { put(name, value); }
  // Python counts steps in a tensor of float32.
  void step(const char* name, int64_t value) { put(name, torch::tensor(static_cast<float>(value))); }
  void flag(const char* name, bool value) { put(name, value); }
  void pair(const char* name, const std::tuple<double, double>& value) {
    put(name, PyValue::tuple({std::get<0>(value), std::get<1>(value)}));
  }
  void optional_whole(const char* name, const std::optional<int64_t>& value) {
    put(name, value ? PyValue(*value) : PyValue());
  }
  void optional_text(const char* name, const std::optional<std::string>& value) {
    put(name, value ? PyValue(*value) : PyValue());
  }
  void tensor(const char* name, const at::Tensor& value) {
    if (value.defined()) put(name, value.detach());
  }
  void flat(const char* name, const at::Tensor& value) {
    put(name, value.defined() ? PyValue(value.detach()) : PyValue());
  }
  void rows(const char* name, const std::deque<at::Tensor>& value) {
    put(name, PyValue::list(std::vector<PyValue>(value.begin(), value.end())));
  }
  void only(const char* name, const PyValue& value) { put(name, value); }
  void constant(const char* name, const PyValue& value) { put(name, value); }

 private:
  void put(const char* name, PyValue value) { (void)to_.set(name, std::move(value)); }
  PyValue to_;
};

// ---- the six optimizers, in the words of Python's state dicts

template <class V>
void usual_switches(V& v) {
  v.only("maximize", false);
  v.constant("foreach", PyValue());
}

template <class V>
void options(V& v, optim::SGDOptions& o) {
  v.real("lr", o.lr());
  v.real("momentum", o.momentum());
  v.real("dampening", o.dampening());
  v.real("weight_decay", o.weight_decay());
  v.flag("nesterov", o.nesterov());
  usual_switches(v);
  v.constant("differentiable", false);
  v.constant("fused", PyValue());
}
template <class V>
void state(V& v, optim::SGDParamState& s) {
  v.tensor("momentum_buffer", s.momentum_buffer());
}

template <class V, class Adam>
void adam_options(V& v, Adam& o, bool decoupled) {
  v.real("lr", o.lr());
  v.pair("betas", o.betas());
  v.real("eps", o.eps());
  v.real("weight_decay", o.weight_decay());
  v.flag("amsgrad", o.amsgrad());
  usual_switches(v);
  v.constant("capturable", false);
  v.constant("differentiable", false);
  v.constant("fused", PyValue());
  v.only("decoupled_weight_decay", decoupled);
}
template <class V, class State>
void adam_state(V& v, State& s) {
  v.step("step", s.step());
  v.tensor("exp_avg", s.exp_avg());
  v.tensor("exp_avg_sq", s.exp_avg_sq());
  v.tensor("max_exp_avg_sq", s.max_exp_avg_sq());
}
template <class V>
void options(V& v, optim::AdamOptions& o) {
  adam_options(v, o, false);
}
template <class V>
void state(V& v, optim::AdamParamState& s) {
  adam_state(v, s);
}
template <class V>
void options(V& v, optim::AdamWOptions& o) {
  adam_options(v, o, true);
}
template <class V>
void state(V& v, optim::AdamWParamState& s) {
  adam_state(v, s);
}

template <class V>
void options(V& v, optim::RMSpropOptions& o) {
  v.real("lr", o.lr());
  v.real("momentum", o.momentum());
  v.real("alpha", o.alpha());
  v.real("eps", o.eps());
  v.flag("centered", o.centered());
  v.real("weight_decay", o.weight_decay());
  v.constant("capturable", false);
  usual_switches(v);
  v.constant("differentiable", false);
}
template <class V>
void state(V& v, optim::RMSpropParamState& s) {
  v.step("step", s.step());
  v.tensor("square_avg", s.square_avg());
  v.tensor("momentum_buffer", s.momentum_buffer());
  v.tensor("grad_avg", s.grad_avg());
}

template <class V>
void options(V& v, optim::AdagradOptions& o) {
  v.real("lr", o.lr());
  v.real("lr_decay", o.lr_decay());
  v.real("eps", o.eps());
  v.real("weight_decay", o.weight_decay());
  v.real("initial_accumulator_value", o.initial_accumulator_value());
  usual_switches(v);
  v.constant("differentiable", false);
  v.constant("fused", PyValue());
}
template <class V>
void state(V& v, optim::AdagradParamState& s) {
  v.step("step", s.step());
  v.tensor("sum", s.sum());
}

template <class V>
void options(V& v, optim::LBFGSOptions& o) {
  v.real("lr", o.lr());
  v.whole("max_iter", o.max_iter());
  v.optional_whole("max_eval", o.max_eval());
  v.real("tolerance_grad", o.tolerance_grad());
  v.real("tolerance_change", o.tolerance_change());
  v.whole("history_size", o.history_size());
  v.optional_text("line_search_fn", o.line_search_fn());
}
template <class V>
void state(V& v, optim::LBFGSParamState& s) {
  v.whole("func_evals", s.func_evals());
  v.whole("n_iter", s.n_iter());
  v.flat("d", s.d());
  v.real("t", s.t());
  v.rows("old_dirs", s.old_dirs());
  v.rows("old_stps", s.old_stps());
  v.rows("ro", s.ro());
  v.flat("H_diag", s.H_diag());
  v.flat("prev_flat_grad", s.prev_flat_grad());
  v.real("prev_loss", s.prev_loss());
}

// ---- whole optimizers

using Groups = std::vector<optim::OptimizerParamGroup>;
using StateMap = ska::flat_hash_map<void*, std::unique_ptr<optim::OptimizerParamState>>;

// What `like` has and the dict has not.
void add_missing(PyValue& to, const absl::StatusOr<PyValue>& like) {
  if (!like.ok()) return;
  for (const PyEntry& entry : like->entries()) {
    const bool there = std::any_of(to.entries().begin(), to.entries().end(),
                                   [&](const PyEntry& own) { return own.first.is(entry.first); });
    // Switches of Python's, that C++ has no meaning for, stay as they were.
    const bool constant = entry.first.text() == "foreach" || entry.first.text() == "fused" ||
                          entry.first.text() == "capturable" || entry.first.text() == "differentiable";
    if (!there || constant) (void)to.set(entry.first, entry.second);
  }
}

template <class Options, class State>
PyValue write_all(const optim::Optimizer& optimizer, const PyValue& like) {
  PyValue states = PyValue::dict();
  PyValue groups = PyValue::list();
  int64_t index = 0;
  for (size_t g = 0; g < optimizer.param_groups().size(); ++g) {
    const optim::OptimizerParamGroup& group = optimizer.param_groups()[g];
    PyValue written = PyValue::dict();
    Writer writer(written);
    auto& group_options = const_cast<Options&>(static_cast<const Options&>(group.options()));
    options(writer, group_options);
    add_missing(written, like.at(absl::StrCat("param_groups.", g)));
    (void)written.erase("params");
    PyValue parameters = PyValue::list();
    for (const at::Tensor& parameter : group.params()) {
      (void)parameters.append(index);
      const auto found = optimizer.state().find(parameter.unsafeGetTensorImpl());
      if (found != optimizer.state().end()) {
        PyValue one = PyValue::dict();
        Writer state_writer(one);
        state(state_writer, static_cast<State&>(*found->second));
        (void)states.set(index, one);
      }
      ++index;
    }
    (void)written.set("params", parameters);
    (void)groups.append(written);
  }
  return PyValue::dict({{"state", states}, {"param_groups", groups}});
}

template <class Options, class State>
absl::Status read_all(optim::Optimizer& optimizer, const PyValue& from) {
  const absl::StatusOr<PyValue> groups = from.at("param_groups");
  const absl::StatusOr<PyValue> states = from.at("state");
  if (!groups.ok()) return groups.status();
  if (!states.ok()) return states.status();
  Groups& own = optimizer.param_groups();
  if (groups->items().size() != own.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'param_groups' has ", groups->items().size(), " groups, the optimizer has ", own.size()));
  }
  std::vector<std::unique_ptr<Options>> new_options;
  StateMap new_states;
  for (size_t g = 0; g < own.size(); ++g) {
    const std::string path = absl::StrCat("param_groups.", g);
    const PyValue& group = groups->items()[g];
    const auto indices = group.get<std::vector<int64_t>>("params");
    if (!indices.ok()) return absl::InvalidArgumentError(absl::StrCat("'", path, "': ", indices.status().message()));
    if (indices->size() != own[g].params().size()) {
      return absl::InvalidArgumentError(absl::StrCat("'", path, ".params' has ", indices->size(),
                                                     " parameters, the optimizer's group has ",
                                                     own[g].params().size()));
    }
    auto read_options = std::make_unique<Options>(static_cast<const Options&>(own[g].options()));
    Reader reader(group, path, own[g].params().empty() ? at::Tensor() : own[g].params()[0]);
    options(reader, *read_options);
    if (!reader.status.ok()) return reader.status;
    new_options.push_back(std::move(read_options));
    for (size_t p = 0; p < indices->size(); ++p) {
      const std::string key = absl::StrCat((*indices)[p]);
      const absl::StatusOr<PyValue> one = states->at(key);
      if (!one.ok()) continue;
      const at::Tensor& parameter = own[g].params()[p];
      auto made = std::make_unique<State>();
      Reader state_reader(*one, absl::StrCat("state.", key), parameter);
      state(state_reader, *made);
      if (!state_reader.status.ok()) return state_reader.status;
      new_states[parameter.unsafeGetTensorImpl()] = std::move(made);
    }
  }
  for (size_t g = 0; g < own.size(); ++g) own[g].set_options(std::move(new_options[g]));
  optimizer.state() = std::move(new_states);
  return absl::OkStatus();
}

struct Kind {
  bool (*is)(const optim::Optimizer& optimizer);
  PyValue (*write)(const optim::Optimizer& optimizer, const PyValue& like);
  absl::Status (*read)(optim::Optimizer& optimizer, const PyValue& from);
};

template <class Optimizer, class Options, class State>
constexpr Kind kind_of() {
  return {[](const optim::Optimizer& optimizer) { return dynamic_cast<const Optimizer*>(&optimizer) != nullptr; },
          &write_all<Options, State>, &read_all<Options, State>};
}

const Kind* find_kind(const optim::Optimizer& optimizer) {
  static constexpr Kind kKinds[] = {
      kind_of<optim::SGD, optim::SGDOptions, optim::SGDParamState>(),
      kind_of<optim::Adam, optim::AdamOptions, optim::AdamParamState>(),
      kind_of<optim::AdamW, optim::AdamWOptions, optim::AdamWParamState>(),
      kind_of<optim::RMSprop, optim::RMSpropOptions, optim::RMSpropParamState>(),
      kind_of<optim::Adagrad, optim::AdagradOptions, optim::AdagradParamState>(),
      kind_of<optim::LBFGS, optim::LBFGSOptions, optim::LBFGSParamState>(),
  };
  for (const Kind& kind : kKinds) {
    if (kind.is(optimizer)) return &kind;
  }
  return nullptr;
}

absl::Status unknown_optimizer() {
  return absl::UnimplementedError("state dicts are known of SGD, Adam, AdamW, RMSprop, Adagrad and LBFGS");
}

}  // namespace

absl::StatusOr<PyValue> state_dict(const optim::Optimizer& optimizer, const PyValue& like) {
  const Kind* kind = find_kind(optimizer);
  if (kind == nullptr) return unknown_optimizer();
  const at::NoGradGuard no_grad;
  return kind->write(optimizer, like);
}

absl::Status load_state_dict(optim::Optimizer& optimizer, const PyValue& from) {
  const Kind* kind = find_kind(optimizer);
  if (kind == nullptr) return unknown_optimizer();
  try {
    const at::NoGradGuard no_grad;
    return kind->read(optimizer, from);
  } catch (const c10::Error& error) {
    return absl::InvalidArgumentError(error.what_without_backtrace());
  }
}

}  // namespace vesta::nn
