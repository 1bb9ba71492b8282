// `vesta inspect`: what vesta::inspect found, as text for people (greppable: one fact a line) or as JSON.

#include <algorithm>
#include <memory>

#include <vesta/inspect.h>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ir/support/status.h"
#include "tools/archive_options.h"
#include "tools/checkpoint_report.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string path;
  bool json = false;
  int depth = -1;
  LoadOptions load;
};

// The last part of a class's name, which is what people call it.
std::string short_type(const std::string& type) {
  const size_t dot = type.rfind('.');
  return dot == std::string::npos ? type : type.substr(dot + 1);
}

void add_rows(const InspectedModule& module, int depth, int limit, std::vector<std::vector<std::string>>& rows) {
  const std::string indent(2 * static_cast<size_t>(depth), ' ');
  rows.push_back({absl::StrCat(indent, module.name.empty() ? "(root)" : module.name), short_type(module.type),
                  with_commas(module.total_parameters), byte_size(module.total_bytes)});
  if (limit >= 0 && depth >= limit) return;
  for (const InspectedModule& child : module.children) add_rows(child, depth + 1, limit, rows);
}

// Nothing where nothing had to be done, which is so for every new archive.
void print_upgraded(const std::vector<UpgradedCall>& calls, std::ostream& out) {
  if (calls.empty()) return;
  out << "calls that keep their old meaning: " << calls.size() << "\n";
  for (const UpgradedCall& one : calls) {
    out << "  " << one.name << " in '" << one.function << "'";
    if (!one.call_site.empty()) out << " at " << one.call_site;
    out << ": " << one.reason << "\n";
  }
  out << "\n";
}

void print_missing(const std::vector<MissingOperator>& missing, std::ostream& out) {
  if (missing.empty()) {
    out << "missing operators: none\n";
    return;
  }
  out << "missing operators: " << missing.size() << (missing.size() == 1 ? " call site\n" : " call sites\n");
  for (const MissingOperator& one : missing) {
    out << "  " << one.name << " in '" << one.function << "'";
    if (!one.call_site.empty()) out << " at " << one.call_site;
    out << "\n";
    for (const absl::string_view line : absl::StrSplit(one.excerpt, '\n', absl::SkipEmpty()))
      out << "  " << line << "\n";
  }
}

std::string writer_of(const ProducedBy& produced_by) {
  if (produced_by.torch.empty()) return "Vesta";  // A native file of what was compiled, traced or built here.
  return absl::StrCat("torch ", produced_by.torch, " (", produced_by.evidence, ")");
}

void print_text(const Inspection& inspection, const Options& options, std::ostream& out) {
  out << options.path << "\n"
      << "  format: " << inspection.format << ", version " << inspection.version << "\n"
      << "  written by: " << writer_of(inspection.produced_by) << "\n"
      << "  size: " << byte_size(inspection.file_bytes) << "\n";
  for (const std::string& fact : inspection.native) out << "  " << fact << "\n";
  out << "\nmethods\n";
  for (const InspectedMethod& method : inspection.methods) out << "  " << method.signature << "\n";
  if (inspection.methods.empty()) out << "  none\n";

  std::vector<std::vector<std::string>> rows{{"modules", "class", "parameters", "size"}};
  std::vector<std::vector<std::string>> tree;
  add_rows(inspection.root, 0, options.depth, tree);
  for (std::vector<std::string>& row : tree) {
    row[0].insert(0, "  ");
    rows.push_back(std::move(row));
  }
  out << "\n" << table(rows, {2, 3}, 0);

  int64_t calls = 0;
  std::vector<std::pair<std::string, int64_t>> operators(inspection.operators.begin(), inspection.operators.end());
  for (const auto& [name, count] : operators) calls += count;
  std::stable_sort(operators.begin(), operators.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  out << "\noperators: " << operators.size() << " in " << calls << " call sites\n";
  rows.clear();
  for (const auto& [name, count] : operators) rows.push_back({absl::StrCat(count), name});
  out << table(rows, {0}, 2) << "\n";

  print_upgraded(inspection.produced_by.upgraded_calls, out);
  print_missing(inspection.missing, out);
  if (inspection.extra_files.empty()) return;
  out << "\nextra files\n";
  rows.clear();
  for (const auto& [name, size] : inspection.extra_files) rows.push_back({name, byte_size(size)});
  out << table(rows, {1}, 2);
}

ordered_json json_of(const InspectedModule& module) {
  ordered_json children = ordered_json::array();
  for (const InspectedModule& child : module.children) children.push_back(json_of(child));
  return {{"name", module.name},
          {"type", module.type},
          {"parameters", module.parameters},
          {"parameter_bytes", module.parameter_bytes},
          {"buffers", module.buffers},
          {"buffer_bytes", module.buffer_bytes},
          {"total_parameters", module.total_parameters},
          {"total_bytes", module.total_bytes},
          {"children", std::move(children)}};
}

void print_json(const Inspection& inspection, const Options& options, std::ostream& out) {
  ordered_json methods = ordered_json::array();
  for (const InspectedMethod& method : inspection.methods) {
    methods.push_back({{"name", method.name}, {"signature", method.signature}});
  }
  ordered_json operators = ordered_json::object();
  for (const auto& [name, count] : inspection.operators) operators[name] = count;
  ordered_json missing = ordered_json::array();
  for (const MissingOperator& one : inspection.missing) {
    missing.push_back({{"name", one.name}, {"function", one.function}, {"call_site", one.call_site}});
  }
  ordered_json upgraded = ordered_json::array();
  for (const UpgradedCall& one : inspection.produced_by.upgraded_calls) {
    upgraded.push_back(
        {{"name", one.name}, {"reason", one.reason}, {"function", one.function}, {"call_site", one.call_site}});
  }
  ordered_json extra = ordered_json::array();
  for (const auto& [name, size] : inspection.extra_files) extra.push_back({{"name", name}, {"bytes", size}});
  ordered_json all = {{"path", options.path},
                      {"format", inspection.format},
                      {"version", inspection.version},
                      {"producer", "torch " + inspection.produced_by.torch},
                      {"evidence", inspection.produced_by.evidence},
                      {"file_bytes", inspection.file_bytes},
                      {"methods", std::move(methods)},
                      {"module", json_of(inspection.root)},
                      {"operators", std::move(operators)},
                      {"upgraded_calls", std::move(upgraded)},
                      {"missing_operators", std::move(missing)},
                      {"extra_files", std::move(extra)}};
  if (!inspection.native.empty()) all["native"] = inspection.native;
  // Names come from a file: bytes that are not UTF-8 are replaced.
  out << all.dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
}

absl::Status inspect_file(const Options& options, Terminal& terminal) {
  if (is_value_file(options.path)) {
    return options.json ? print_value_file_json(options.path, terminal.out)
                        : print_value_file(options.path, options.depth, terminal.out);
  }
  VESTA_ASSIGN_OR_RETURN(const Inspection inspection, inspect(options.path, options.load));
  options.json ? print_json(inspection, options, terminal.out) : print_text(inspection, options, terminal.out);
  return absl::OkStatus();
}

}  // namespace

Action add_inspect(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command
      .add_option("model", options->path,
                  "a TorchScript archive, a native file, a checkpoint of torch.save, or safetensors")
      ->required();
  command.add_flag(
      "--json", options->json,
      "for programs; of a checkpoint each tensor with a checksum, 'crc32:' and zlib's CRC-32 of its elements "
      "in C order, little endian: zlib.crc32(t.contiguous().view(torch.uint8).numpy().tobytes()) in Python "
      "(int_repr() of a quantized tensor)");
  command.add_option("--depth", options->depth, "levels to show; all if it is not given");
  add_archive_options(command, options->load);
  return [options](Terminal& terminal) { return inspect_file(*options, terminal); };
}

}  // namespace vesta::tools
