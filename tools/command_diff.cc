// `vesta diff`: two files of values, or modules, tensor by tensor. Names are matched; a tensor that is in both is
// compared by shape and dtype, then element by element.

#include <cmath>
#include <map>
#include <memory>

#include <vesta/checkpoint.h>
#include <vesta/load.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "tools/checkpoint_report.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string a;
  std::string b;
  std::string strip_prefix;
  double tolerance = 0;
};

using Tensors = std::vector<std::pair<std::string, PyValue>>;

// Every tensor and plain value by its path; of a program its state dict.
absl::StatusOr<Tensors> read_values(const std::string& path, const std::string& strip_prefix) {
  Tensors result;
  const auto add = [&](const std::string& name, const PyValue& value) {
    result.emplace_back(
        !strip_prefix.empty() && name.starts_with(strip_prefix) ? name.substr(strip_prefix.size()) : name, value);
  };
  if (!is_value_file(path)) {
    LoadOptions load_options;
    load_options.device = c10::Device(c10::kCPU);
    VESTA_ASSIGN_OR_RETURN(const Module module, load(path, load_options));
    for (const Named<at::Tensor>& entry : module.state_dict()) add(entry.name, PyValue(entry.value));
    return result;
  }
  CheckpointOptions load_options;
  load_options.device = c10::Device(c10::kCPU);
  VESTA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, load_checkpoint(path, load_options));
  checkpoint.root().walk([&](const std::string& at, const PyValue& value) {
    if (value.children().empty() || value.is_tensor()) add(at, value);
    return true;
  });
  return result;
}

// "" where they are the same, else what differs.
std::string compare(const PyValue& a, const PyValue& b, double tolerance) {
  if (!a.is_tensor() || !b.is_tensor()) {
    return a.summary() == b.summary() ? "" : absl::StrCat(a.summary(), " -> ", b.summary());
  }
  const at::Tensor x = a.tensor();
  const at::Tensor y = b.tensor();
  if (x.sizes() != y.sizes() || x.scalar_type() != y.scalar_type() || x.layout() != y.layout()) {
    return absl::StrCat(a.summary(), " -> ", b.summary());
  }
  if (x.layout() != c10::kStrided || x.is_meta() || y.is_meta()) {
    return x.is_meta() != y.is_meta() || (!x.is_meta() && !x.to_dense().equal(y.to_dense())) ? "its values differ" : "";
  }
  if (tensor_bytes(x) == tensor_bytes(y)) return "";
  if (x.is_quantized()) return "its values differ";
  const c10::ScalarType wide = c10::isComplexType(x.scalar_type()) ? at::kComplexDouble : at::kDouble;
  const at::Tensor difference = x.detach().to(wide).sub(y.detach().to(wide)).abs();
  const int64_t count = difference.ne(0).sum().item<int64_t>();
  const double largest = difference.max().item<double>();
  if (std::isfinite(largest) && largest <= tolerance) return "";
  return absl::StrFormat("%d of %d elements differ, at most by %.3g", count, x.numel(), largest);
}

absl::Status diff(const Options& options, Terminal& terminal) {
  VESTA_ASSIGN_OR_RETURN(const Tensors a, read_values(options.a, options.strip_prefix));
  VESTA_ASSIGN_OR_RETURN(const Tensors b, read_values(options.b, options.strip_prefix));
  std::map<std::string, const PyValue*> in_b;
  for (const auto& [name, value] : b) in_b.emplace(name, &value);
  std::map<std::string, bool> in_a;
  std::vector<std::vector<std::string>> rows;
  int64_t same = 0;
  for (const auto& [name, value] : a) {
    in_a.emplace(name, true);
    const auto found = in_b.find(name);
    if (found == in_b.end()) {
      rows.push_back({"-", name, value.summary()});
      continue;
    }
    const std::string difference = compare(value, *found->second, options.tolerance);
    if (difference.empty()) {
      ++same;
    } else {
      rows.push_back({"~", name, difference});
    }
  }
  for (const auto& [name, value] : b) {
    if (in_a.count(name) == 0) rows.push_back({"+", name, value.summary()});
  }
  const auto differing = static_cast<int64_t>(rows.size());
  terminal.out << table(rows, {}, 0) << with_commas(same) << " the same, " << with_commas(differing) << " not\n";
  if (differing == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(options.a, " and ", options.b, " differ"));
}

}  // namespace

Action add_diff(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("a", options->a, "a checkpoint, safetensors, or TorchScript archive")->required();
  command.add_option("b", options->b, "another")->required();
  command.add_option("--strip-prefix", options->strip_prefix, "left out of names in both: module.");
  command.add_option("--tolerance", options->tolerance, "largest difference of elements that counts as none");
  return [options](Terminal& terminal) { return diff(*options, terminal); };
}

}  // namespace vesta::tools
