// `vesta graph`: a method as IR or as bytecode.

#include <algorithm>
#include <memory>

#include <ATen/core/class_type.h>
#include <vesta/load.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ir/printer.h"
#include "ir/program.h"
#include "ir/support/status.h"
#include "runtime/api/context.h"
#include "runtime/api/frozen_methods.h"
#include "runtime/disassembler.h"
#include "runtime/optimize.h"
#include "runtime/runner.h"
#include "serialization/native_reader.h"
#include "serialization/torchscript_reader.h"
#include "tools/archive_options.h"
#include "tools/commands.h"
#include "tools/freeze_options.h"
#include "tools/source_file.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string path;
  std::string method;
  bool ranges = false;
  bool bytecode = false;
  FrozenOptions freeze;
  LoadOptions load;
};

absl::StatusOr<const ir::Function*> find_method(const c10::IValue& root, const std::string& path) {
  std::vector<std::string> names = absl::StrSplit(path, '.');
  const std::string method = std::move(names.back());
  names.pop_back();
  std::shared_ptr<c10::ClassType> type = root.toObjectRef().type();
  for (const std::string& name : names) {
    const c10::TypePtr attribute = type->findAttribute(name);
    type = attribute == nullptr ? nullptr : attribute->cast<c10::ClassType>();
    if (type == nullptr) return absl::NotFoundError(absl::StrCat("'", path, "': there is no module '", name, "'"));
  }
  if (torch::jit::Function* function = type->findMethod(method)) return ir::Function::from(function);
  std::vector<std::string> have;
  for (const torch::jit::Function* one : type->methods()) have.push_back(one->name());
  return absl::NotFoundError(absl::StrCat("'", type->annotation_str(), "' has no method '", method,
                                          "'; it has: ", have.empty() ? "none" : absl::StrJoin(have, ", ")));
}

// The module, with nothing of it executed; it keeps the program alive.
absl::StatusOr<c10::IValue> read_root(const Options& options) {
  const Limits limits;
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes, serialization::read_file(options.path, limits.file_bytes));
  serialization::ReadOptions read;
  read.map_to_cpu = true;
  read.allow_missing_operators = true;
  read.allow_newer = options.load.allow_newer;
  if (serialization::is_native(bytes->view())) {
    VESTA_ASSIGN_OR_RETURN(serialization::LoadedNative loaded,
                           serialization::read_native(std::move(bytes), options.path, "", read));
    return std::move(loaded.module.root);
  }
  VESTA_ASSIGN_OR_RETURN(read.written_by, serialization::named_release(options.load.written_by));
  VESTA_ASSIGN_OR_RETURN(serialization::LoadedModule loaded,
                         serialization::read_torchscript(std::move(bytes), options.path, read));
  return std::move(loaded.root);
}

absl::Status print(const ir::Function& function, const Options& options, Terminal& terminal) {
  if (!options.bytecode) {
    terminal.out << ir::print(*function.graph(), {.ranges = options.ranges}) << "\n";
    return absl::OkStatus();
  }
  VESTA_ASSIGN_OR_RETURN(const runtime::Code* code, runtime::Runner::code(function));
  terminal.out << runtime::disassemble(*code);
  return absl::OkStatus();
}

absl::Status print_source(const Options& options, Terminal& terminal) {
  VESTA_ASSIGN_OR_RETURN(const Method function, function_of_source(options.path, options.method, options.freeze));
  return print(*internal::Access::function(function), options, terminal);
}

absl::Status print_plain(const Options& options, Terminal& terminal) {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue root, read_root(options));
  if (!root.isObject()) return absl::InvalidArgumentError(absl::StrCat(options.path, ": holds no module"));
  VESTA_ASSIGN_OR_RETURN(const ir::Function* method, find_method(root, options.method));
  if (method->graph() == nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        "'", options.method, "' calls operators that are missing; 'vesta inspect ", options.path, "' lists them"));
  }
  return print(*method, options, terminal);
}

// What the optimizer makes of the method, for the object that it belongs to.
absl::Status print_frozen(const Options& options, Terminal& terminal) {
  VESTA_ASSIGN_OR_RETURN(Module loaded, load(options.path, options.load));
  VESTA_ASSIGN_OR_RETURN(const Module whole, frozen(std::move(loaded), options.freeze));
  const size_t dot = options.method.rfind('.');
  const std::string path = dot == std::string::npos ? "" : options.method.substr(0, dot);
  VESTA_ASSIGN_OR_RETURN(const Module module, whole.get_submodule(path));
  VESTA_ASSIGN_OR_RETURN(const Method method, module.get_method(options.method.substr(path.empty() ? 0 : dot + 1)));
  const ir::Function& function = *internal::Access::function(method);
  const internal::ObjectPtr& object = internal::Access::object(module);
  const internal::FrozenMethods& methods = *internal::Access::context(module)->frozen_methods;
  VESTA_ASSIGN_OR_RETURN(const std::shared_ptr<ir::Graph> graph,
                         runtime::optimized_graph(function, methods.context_for(object)));
  if (!options.bytecode) {
    terminal.out << ir::print(*graph, {.ranges = options.ranges}) << "\n";
    return absl::OkStatus();
  }
  VESTA_ASSIGN_OR_RETURN(const std::shared_ptr<const runtime::Code> code,
                         runtime::optimized_code(function, *graph, nullptr));
  terminal.out << runtime::disassemble(*code);
  return absl::OkStatus();
}

}  // namespace

Action add_graph(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->path, "a TorchScript archive, a native file, or source text (.py)")->required();
  command.add_option("-m,--method", options->method,
                     "may be one of a module below: encoder.forward (default: forward)");
  command.add_flag("--ranges", options->ranges, "add the source line to each node");
  command.add_flag("--bytecode", options->bytecode, "what the interpreter runs");
  add_freeze_options(command, options->freeze);
  add_archive_options(command, options->load);
  return [options](Terminal& terminal) {
    if (is_source(options->path)) return print_source(*options, terminal);
    if (options->method.empty()) options->method = "forward";
    return options->freeze.wanted() ? print_frozen(*options, terminal) : print_plain(*options, terminal);
  };
}

}  // namespace vesta::tools
