#include <set>
#include <unordered_map>

#include <ATen/core/grad_mode.h>
#include <vesta/nn.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace vesta::nn {
namespace {

void collect(const torch::nn::Module& module, const std::string& prefix, StateDict& into) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    if (item.value().defined()) into.push_back({prefix + item.key(), item.value()});
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    if (item.value().defined()) into.push_back({prefix + item.key(), item.value()});
  }
  for (const auto& item : module.named_children()) collect(*item.value(), prefix + item.key() + ".", into);
}

std::string shape(const at::Tensor& tensor) { return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "]"); }

std::string report_text(const std::string& type, const LoadReport& report) {
  std::string text = absl::StrCat("the state dict does not fit '", type, "'; nothing was loaded");
  if (!report.missing.empty()) absl::StrAppend(&text, "\n  missing: ", absl::StrJoin(report.missing, ", "));
  if (!report.unexpected.empty()) absl::StrAppend(&text, "\n  unexpected: ", absl::StrJoin(report.unexpected, ", "));
  for (const std::string& mismatch : report.mismatched) absl::StrAppend(&text, "\n  mismatched: ", mismatch);
  return text;
}

}  // namespace

StateDict state_dict(const torch::nn::Module& module) {
  StateDict result;
  collect(module, "", result);
  return result;
}

PyValue state_dict_value(const torch::nn::Module& module) { return vesta::state_dict_value(state_dict(module)); }

absl::StatusOr<LoadReport> load_state_dict(torch::nn::Module& module, const PyValue& state,
                                           const StateDictOptions& options) {
  const absl::StatusOr<StateDict> given = state_dict_of(state, options.strip_prefix);
  if (!given.ok()) return given.status();
  std::unordered_map<std::string_view, const at::Tensor*> by_name;
  for (const Named<at::Tensor>& entry : *given) by_name[entry.name] = &entry.value;
  const StateDict own = state_dict(module);
  std::set<std::string_view> known;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  LoadReport report;
  for (const Named<at::Tensor>& entry : own) {
    known.insert(entry.name);
    const auto found = by_name.find(entry.name);
    if (found == by_name.end()) {
      report.missing.push_back(entry.name);
    } else if (found->second->sizes() != entry.value.sizes()) {
      report.mismatched.push_back(absl::StrCat(entry.name, ": shape ", shape(entry.value), " in the module, ",
                                               shape(*found->second), " given"));
    } else {
      copies.emplace_back(entry.value, *found->second);
    }
  }
  for (const Named<at::Tensor>& entry : *given) {
    if (known.count(entry.name) == 0) report.unexpected.push_back(entry.name);
  }
  if (!report.mismatched.empty() || (options.strict && !report.clean())) {
    return absl::InvalidArgumentError(report_text(module.name(), report));
  }
  try {
    const at::NoGradGuard no_grad;
    for (auto& [target, source] : copies) target.copy_(source);
  } catch (const c10::Error& error) {
    return absl::InvalidArgumentError(error.what_without_backtrace());
  }
  return report;
}

}  // namespace vesta::nn
