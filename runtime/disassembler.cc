#include "runtime/disassembler.h"

#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/printer.h"
#include "runtime/lowering.h"

namespace vesta::runtime {
namespace {

// Bits of small ints are denormal floats, and those of usual floats are huge ints.
std::string scalar_text(int64_t bits) {
  const auto number = std::bit_cast<double>(bits);
  if (!std::isnormal(number) || bits == INT64_MAX || bits < 0) {
    if (std::isnormal(number) && bits < 0 && std::fabs(number) > 1e-30 && std::fabs(number) < 1e30) {
      return absl::StrCat("#", number, number == std::floor(number) ? ".0" : "");
    }
    return absl::StrCat("#", bits);
  }
  return absl::StrCat("#", number, number == std::floor(number) && std::fabs(number) < 1e6 ? ".0" : "");
}

class Disassembler {
 public:
  Disassembler(const Code& code, const DisassemblyOptions& options) : code_(code), options_(options) {}

  void print(const std::string& indent, std::string& out) const {
    absl::StrAppend(&out, indent, "code '", code_.name, "' (values ", code_.value_registers, ", scalars ",
                    code_.scalar_registers, ")\n");
    if (!code_.parameters.empty()) {
      std::vector<std::string> parameters;
      for (const Parameter& parameter : code_.parameters) {
        parameters.push_back(absl::StrCat(result(parameter.place), " ", ir::print(*parameter.type)));
      }
      absl::StrAppend(&out, indent, "  parameters: ", absl::StrJoin(parameters, ", "), "\n");
    }
    for (size_t i = 0; i < code_.instructions.size(); ++i) {
      absl::StrAppend(&out, indent, "  ", i, ": ", instruction(code_.instructions[i]));
      if (options_.ranges && code_.range(i).known()) {
        absl::StrAppend(&out, "  # ", code_.range(i).short_description());
      }
      out.push_back('\n');
    }
    for (const auto& body : code_.bodies) Disassembler(*body, options_).print(indent + "  ", out);
  }

 private:
  std::string instruction(const Instruction& instruction) const {
    const OpcodeInfo& info = opcode_info(instruction.opcode);
    std::string text(info.name);
    const auto fields = instruction.fields();
    const char* separator = " ";
    for (size_t i = 0; i < kFields; ++i) {
      if (info.roles[i] == Role::None) continue;
      absl::StrAppend(&text, separator, field(instruction, info.roles[i], fields[i]));
      separator = ", ";
    }
    return text;
  }

  std::string field(const Instruction& instruction, Role role, int32_t value) const {
    switch (role) {
      case Role::VOut:
      case Role::VIn:
        return absl::StrCat("v", value);
      case Role::SOut:
        return absl::StrCat("s", value);
      case Role::SIn:
      case Role::Positive: {
        const auto index = static_cast<size_t>(value);
        if (index < code_.scalar_registers) return absl::StrCat("s", value);
        return scalar_text(code_.scalar_constants[index - code_.scalar_registers]);
      }
      case Role::Const:
        return ir::print_constant(code_.constants[static_cast<size_t>(value)]);
      case Role::Target:
        return absl::StrCat("@", value);
      case Role::Slot:
        return absl::StrCat(value);
      case Role::Site:
        return site(instruction.opcode, code_.site(value));
      case Role::None:
        break;
    }
    return "";
  }

  std::string site(Opcode opcode, const Site& site) const {
    std::vector<std::string> inputs;
    std::vector<std::string> results;
    for (uint32_t i = 0; i < site.inputs; ++i) inputs.push_back(input(code_.operands[site.first_input + i]));
    for (uint32_t i = 0; i < site.outputs; ++i) {
      results.push_back(result(code_.operands[site.first_input + site.inputs + i]));
    }
    std::string text = absl::StrCat(subject(opcode, site), "(", absl::StrJoin(inputs, ", "), ")");
    if (!results.empty()) absl::StrAppend(&text, " -> ", absl::StrJoin(results, ", "));
    return text;
  }

  static std::string subject(Opcode opcode, const Site& site) {
    if (site.op != nullptr) {
      const std::string& overload = site.op->schema.overload_name();
      return absl::StrCat(site.op->schema.name(), overload.empty() ? "" : ".", overload);
    }
    if (site.callee != nullptr) return site.callee->display_name();
    if (opcode == Opcode::k_is_instance) {
      std::vector<std::string> types;
      for (const c10::TypePtr& type : site.types) types.push_back(ir::print(*type));
      return absl::StrJoin(types, "|");
    }
    if (!site.name.empty()) return site.name;
    return site.type == nullptr ? "" : ir::print(*site.type);
  }

  std::string input(Operand operand) const {
    switch (operand.kind()) {
      case Operand::Kind::kMove:
        return absl::StrCat("v", operand.index(), "!");
      case Operand::Kind::kCopy:
        return absl::StrCat("v", operand.index());
      case Operand::Kind::kConstant:
        return ir::print_constant(code_.constants[operand.index()]);
      case Operand::Kind::kDiscard:
        return "_";
      default:
        return absl::StrCat("s", operand.index());
    }
  }
  static std::string result(Operand operand) {
    if (operand.kind() == Operand::Kind::kDiscard) return "_";
    return absl::StrCat(operand.is_scalar() ? "s" : "v", operand.index());
  }

  const Code& code_;
  const DisassemblyOptions& options_;
};

}  // namespace

std::string disassemble(const Code& code, const DisassemblyOptions& options) {
  std::string text;
  Disassembler(code, options).print("", text);
  return text;
}

}  // namespace vesta::runtime
