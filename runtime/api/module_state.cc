// The state as a whole: dicts, devices, training mode, gradients. In-place changes of tensors run without grad mode, as
// optimizers' do.

#include <vesta/module.h>
#include <vesta/value.h>

#include <unordered_map>
#include <unordered_set>

#include <ATen/core/Dict.h>
#include <ATen/core/grad_mode.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "runtime/api/context.h"
#include "runtime/api/guard.h"
#include "runtime/api/module_tree.h"

namespace vesta {

using internal::TreeSlot;

namespace {

absl::Status frozen_error(std::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(internal::as_absl(what), ": the module is frozen"));
}

// Parameters and buffers of a module, then those of its children.
void collect_state(const c10::ivalue::Object& module, const std::string& prefix,
                   std::unordered_set<const c10::ivalue::Object*>& path, StateDict& into) {
  if (!path.insert(&module).second) return;
  const auto collect = [&](bool (TreeSlot::*kind)() const) {
    internal::walk(module, false, [&](const TreeSlot& slot) {
      if ((slot.*kind)()) into.push_back({prefix + slot.name, slot.value.toTensor()});
    });
  };
  collect(&TreeSlot::is_parameter);
  collect(&TreeSlot::is_buffer);
  internal::walk(module, false, [&](const TreeSlot& slot) {
    if (slot.is_module()) collect_state(slot.value.toObjectRef(), prefix + slot.name + ".", path, into);
  });
  path.erase(&module);
}

std::string shape(const at::Tensor& tensor) { return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "]"); }

void append_section(std::string& text, std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  absl::StrAppend(&text, "\n  ", internal::as_absl(title), ": ", absl::StrJoin(names, ", "));
}

absl::Status report_error(const std::string& type, const LoadReport& report) {
  std::string text = absl::StrCat("the state dict does not fit '", type, "'; nothing was loaded");
  append_section(text, "missing", report.missing);
  append_section(text, "unexpected", report.unexpected);
  for (const std::string& mismatch : report.mismatched) absl::StrAppend(&text, "\n  mismatched: ", mismatch);
  return absl::InvalidArgumentError(text);
}

// Each tensor once, however many names it has.
std::vector<at::Tensor> distinct_tensors(const internal::ObjectPtr& root) {
  std::vector<at::Tensor> tensors;
  std::unordered_set<const c10::TensorImpl*> seen;
  internal::for_each_module(root, [&](const internal::ObjectPtr& module) {
    internal::walk(*module, false, [&](const TreeSlot& slot) {
      if (!slot.is_parameter() && !slot.is_buffer()) return;
      const at::Tensor& tensor = slot.value.toTensor();
      if (tensor.defined() && seen.insert(tensor.unsafeGetTensorImpl()).second) tensors.push_back(tensor);
    });
  });
  return tensors;
}

// All conversions are made before any tensor is changed, so that a failure (no such device, no memory) changes nothing.
absl::Status convert_tensors(const internal::ObjectPtr& root, std::optional<c10::Device> device,
                             std::optional<c10::ScalarType> dtype) {
  if (dtype.has_value() && !c10::isFloatingType(*dtype) && !c10::isComplexType(*dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a module's dtype is floating point or complex, not ", c10::toString(*dtype)));
  }
  return internal::guard([&] {
    const at::NoGradGuard no_grad;
    std::vector<std::pair<at::Tensor, at::Tensor>> changes;
    for (const at::Tensor& tensor : distinct_tensors(root)) {
      const bool cast = dtype.has_value() && (tensor.is_floating_point() || tensor.is_complex());
      const c10::ScalarType type = cast ? *dtype : tensor.scalar_type();
      const at::Tensor converted = tensor.to(device.value_or(tensor.device()), type);
      if (!converted.is_same(tensor)) changes.emplace_back(tensor, converted);
    }
    for (const auto& [tensor, converted] : changes) {
      tensor.set_data(converted);
      if (tensor.grad().defined())
        tensor.mutable_grad() = tensor.grad().to(converted.device(), converted.scalar_type());
    }
  });
}

}  // namespace

StateDict Module::state_dict() const {
  StateDict result;
  std::unordered_set<const c10::ivalue::Object*> path;
  collect_state(*object_, "", path, result);
  return result;
}

absl::StatusOr<LoadReport> Module::load_state_dict(const StateDict& state, bool strict) {
  if (context_->frozen) return frozen_error("a state dict cannot be loaded");
  std::unordered_map<std::string_view, const at::Tensor*> given;
  LoadReport report;
  for (const Named<at::Tensor>& entry : state) {
    if (!entry.value.defined()) {
      report.mismatched.push_back(absl::StrCat(entry.name, ": an undefined tensor is given"));
    } else {
      given[entry.name] = &entry.value;
    }
  }
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  const StateDict own = state_dict();
  std::unordered_set<std::string_view> known;
  for (const Named<at::Tensor>& entry : own) {
    known.insert(entry.name);
    const auto it = given.find(entry.name);
    if (it == given.end()) {
      report.missing.push_back(entry.name);
    } else if (entry.value.sizes() != it->second->sizes()) {
      report.mismatched.push_back(
          absl::StrCat(entry.name, ": shape ", shape(entry.value), " in the module, ", shape(*it->second), " given"));
    } else {
      copies.emplace_back(entry.value, *it->second);
    }
  }
  for (const Named<at::Tensor>& entry : state) {
    if (known.count(entry.name) == 0) report.unexpected.push_back(entry.name);
  }
  if (!report.mismatched.empty() || (strict && !report.clean())) return report_error(type_name(), report);
  VESTA_RETURN_IF_ERROR(internal::guard([&] {
    const at::NoGradGuard no_grad;
    for (auto& [target, source] : copies) target.copy_(source);
  }));
  return report;
}

absl::StatusOr<LoadReport> Module::load_state_dict(const c10::IValue& state, bool strict) {
  if (!state.isGenericDict()) return internal::wrong_type("a state dict: Dict[str, Tensor]", state);
  StateDict entries;
  for (const auto& entry : state.toGenericDict()) {
    if (!entry.key().isString()) return internal::wrong_type("a state dict with keys of type str", entry.key());
    if (!entry.value().isTensor()) {
      return support::with_context(internal::wrong_type("Tensor", entry.value()),
                                   absl::StrCat("'", entry.key().toStringRef(), "'"));
    }
    entries.push_back({entry.key().toStringRef(), entry.value().toTensor()});
  }
  return load_state_dict(entries, strict);
}

absl::Status Module::to(c10::Device device) {
  if (context_->frozen) return frozen_error("it cannot be moved");
  return convert_tensors(object_, device, std::nullopt);
}

absl::Status Module::to(c10::ScalarType dtype) {
  if (context_->frozen) return frozen_error("it cannot be converted");
  return convert_tensors(object_, std::nullopt, dtype);
}

absl::Status Module::to(c10::Device device, c10::ScalarType dtype) {
  if (context_->frozen) return frozen_error("it cannot be moved");
  return convert_tensors(object_, device, dtype);
}

absl::Status Module::train(bool on) {
  if (context_->frozen && on) return frozen_error("it cannot be trained");
  internal::for_each_module(object_, [on](const internal::ObjectPtr& object) {
    const std::shared_ptr<c10::ClassType> type = object->type();
    const std::optional<size_t> index = type->findAttributeSlot("training");
    if (index.has_value() && type->getAttribute(*index)->kind() == c10::TypeKind::BoolType) object->setSlot(*index, on);
  });
  return absl::OkStatus();
}

bool Module::is_training() const {
  const absl::StatusOr<c10::IValue> value = attr("training");
  return !value.ok() || !value->isBool() || value->toBool();
}

void Module::apply(const std::function<void(Module&)>& function) {
  for (Named<Module>& child : named_children()) child.value.apply(function);
  function(*this);
}

absl::Status Module::zero_grad(bool set_to_none) {
  return internal::guard([&] {
    for (const at::Tensor& parameter : parameters()) {
      if (!parameter.grad().defined()) continue;
      if (set_to_none) {
        parameter.mutable_grad() = at::Tensor();
      } else {
        parameter.mutable_grad() = parameter.grad().detach().zero_();
      }
    }
  });
}

absl::Status Module::requires_grad_(bool on) {
  if (context_->frozen) return frozen_error("its parameters take no gradients");
  return internal::guard([&] {
    for (const at::Tensor& parameter : parameters()) parameter.set_requires_grad(on);
  });
}

}  // namespace vesta
