// The archive is read as for loading, but nothing is given to the reader that could run a method.

#include <vesta/inspect.h>

#include <algorithm>
#include <unordered_set>

#include <ATen/core/class_type.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/graph.h"
#include "ir/operator.h"
#include "ir/support/status.h"
#include "runtime/api/arguments.h"
#include "runtime/api/context.h"
#include "runtime/api/module_tree.h"
#include "runtime/api/native.h"
#include "runtime/api/produced_by.h"
#include "serialization/bytes.h"
#include "serialization/native_reader.h"
#include "serialization/torchscript_reader.h"

namespace vesta {
namespace {

using internal::TreeSlot;

// Elements and bytes of tensors, each storage counted once where it is asked for.
class TensorCounter {
 public:
  void add(const at::Tensor& tensor, int64_t& elements, int64_t& bytes) {
    if (!tensor.defined()) return;
    elements += tensor.numel();
    bytes += tensor.numel() * static_cast<int64_t>(tensor.element_size());
    if (!seen_.insert(tensor.unsafeGetTensorImpl()).second) return;
    total_elements_ += tensor.numel();
    total_bytes_ += tensor.numel() * static_cast<int64_t>(tensor.element_size());
  }
  int64_t total_elements() const { return total_elements_; }
  int64_t total_bytes() const { return total_bytes_; }

 private:
  std::unordered_set<const c10::TensorImpl*> seen_;
  int64_t total_elements_ = 0;
  int64_t total_bytes_ = 0;
};

void count_totals(const internal::ObjectPtr& object, InspectedModule& module) {
  TensorCounter parameters;
  TensorCounter all;
  int64_t unused = 0;
  internal::for_each_module(object, [&](const internal::ObjectPtr& one) {
    internal::walk(*one, false, [&](const TreeSlot& slot) {
      if (slot.is_parameter()) parameters.add(slot.value.toTensor(), unused, unused);
      if (slot.is_parameter() || slot.is_buffer()) all.add(slot.value.toTensor(), unused, unused);
    });
  });
  module.total_parameters = parameters.total_elements();
  module.total_bytes = all.total_bytes();
}

// Makes the tree. What shares modules at many levels, or contains itself, would have a tree without end: it is cut
// after more modules than any model has; totals still count all.
class TreeBuilder {
 public:
  InspectedModule build(const internal::ObjectPtr& object, const std::string& name) {
    InspectedModule module;
    module.name = name;
    module.type = object->type()->annotation_str();
    count_totals(object, module);
    TensorCounter counter;
    ++depth_;
    internal::walk(*object, false, [&](const TreeSlot& slot) {
      if (slot.is_parameter()) counter.add(slot.value.toTensor(), module.parameters, module.parameter_bytes);
      if (slot.is_buffer()) counter.add(slot.value.toTensor(), module.buffers, module.buffer_bytes);
      if (slot.is_module() && depth_ < kMaxDepth && ++modules_ < kMaxModules) {
        module.children.push_back(build(slot.value.toObject(), slot.name));
      }
    });
    --depth_;
    return module;
  }

 private:
  static constexpr int kMaxDepth = 200;
  static constexpr int kMaxModules = 20'000;
  int depth_ = 0;
  int modules_ = 0;
};

void count_operators(const ir::Block& block, std::map<std::string, int64_t>& counts) {
  for (const ir::Node* node : block.nodes()) {
    if (node->op() != nullptr) ++counts[node->op()->schema.name()];
    for (const ir::Block* inner : node->blocks()) count_operators(*inner, counts);
    const ir::AttributeValue* subgraph = node->find(c10::attr::Subgraph);
    if (subgraph != nullptr && std::holds_alternative<std::shared_ptr<ir::Graph>>(*subgraph)) {
      count_operators(*std::get<std::shared_ptr<ir::Graph>>(*subgraph)->block(), counts);
    }
  }
}

std::string format_name(serialization::FileKind kind) {
  switch (kind) {
    case serialization::FileKind::kMobileScript:
      return "TorchScript archive for mobile (run by its code/)";
    case serialization::FileKind::kModelJson:
      return "TorchScript archive of torch 1.0 to 1.2";
    default:
      return "TorchScript archive";
  }
}

MissingOperator convert_missing(const frontend::MissingOperator& missing) {
  return {missing.name, missing.function, missing.call_site.short_description(), missing.call_site.excerpt()};
}

std::string facts_text(const std::vector<serialization::NativeExample::Facts>& facts) {
  std::string text;
  for (const auto& one : facts) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", one.name, " ", c10::toString(one.dtype), "[",
                    absl::StrJoin(one.sizes, ", "), "]");
  }
  return text.empty() ? "nothing" : text;
}

// What a native file says of itself.
std::vector<std::string> native_facts(const serialization::NativeModule& module) {
  std::vector<std::string> facts{absl::StrCat("written by ", module.producer)};
  if (!module.optimization.has_value()) {
    facts.push_back("not frozen");
    return facts;
  }
  const serialization::NativeOptimization& optimization = *module.optimization;
  facts.push_back(absl::StrCat(
      "frozen at -O", optimization.level,
      optimization.without.empty() ? "" : absl::StrCat(", without ", absl::StrJoin(optimization.without, ", "))));
  for (const serialization::NativeExample& example : module.examples) {
    facts.push_back(absl::StrCat("optimized for ", example.method, "(", facts_text(example.inputs), ") -> ",
                                 facts_text(example.outputs)));
  }
  if (!optimization.target.empty()) {
    facts.push_back(absl::StrCat("packed for ", optimization.target,
                                 optimization.target == internal::native_target() ? "" : ": not this one, so unused"));
  }
  return facts;
}

void describe_program(const c10::IValue& loaded_root, const ir::Program& program,
                      const std::map<std::string, std::string>& extra_files,
                      const std::vector<frontend::MissingOperator>& missing, Inspection& result) {
  for (const auto& [name, contents] : extra_files) {
    result.extra_files.emplace_back(name, static_cast<int64_t>(contents.size()));
  }
  if (loaded_root.isObject()) {
    const c10::ivalue::Object& root = loaded_root.toObjectRef();
    for (const torch::jit::Function* method : root.type()->methods()) {
      result.methods.push_back({method->name(), internal::signature(method->getSchema(), 1)});
    }
    if (root.type()->is_module()) result.root = TreeBuilder().build(loaded_root.toObject(), "");
  }
  for (const auto& function : program.functions()) {
    if (function->graph() != nullptr) count_operators(*function->graph()->block(), result.operators);
  }
  for (const frontend::MissingOperator& one : missing) result.missing.push_back(convert_missing(one));
}

}  // namespace

absl::StatusOr<Inspection> inspect(const std::string& path, const LoadOptions& options) {
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes, serialization::read_file(path, options.limits.file_bytes));
  serialization::ReadOptions read;
  read.limits = options.limits;
  read.allow_newer = options.allow_newer;
  VESTA_ASSIGN_OR_RETURN(read.written_by, serialization::named_release(options.written_by));
  read.map_to_cpu = true;
  read.allow_missing_operators = true;
  Inspection result;
  result.file_bytes = static_cast<int64_t>(bytes->size());
  if (serialization::is_native(bytes->view())) {
    VESTA_ASSIGN_OR_RETURN(const serialization::LoadedNative loaded,
                           serialization::read_native(std::move(bytes), path, internal::native_target(), read));
    result.format = "native file";
    result.version = serialization::kNativeVersion;
    result.produced_by = internal::produced_by(loaded.module.origin);
    result.native = native_facts(loaded.module);
    describe_program(loaded.module.root, *loaded.program, loaded.module.extra_files, loaded.missing_operators, result);
    return result;
  }
  VESTA_ASSIGN_OR_RETURN(const serialization::LoadedModule loaded,
                         serialization::read_torchscript(std::move(bytes), path, read));
  result.format = format_name(loaded.kind);
  result.version = loaded.version;
  result.produced_by = internal::produced_by(loaded);
  describe_program(loaded.root, *loaded.program, loaded.extra_files, loaded.missing_operators, result);
  return result;
}

}  // namespace vesta
