#include "runtime/code_verifier.h"

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/machine.h"
#include "runtime/scalar_math.h"

namespace vesta::runtime {
namespace {

class Verifier {
 public:
  explicit Verifier(const Code& code) : code_(code) {}

  absl::Status run() {
    if (code_.range_of.size() != code_.instructions.size()) return fail("has no range for each instruction");
    for (uint32_t range : code_.range_of) {
      if (range >= code_.ranges.size()) return fail("has a range that does not exist");
    }
    for (const Parameter& parameter : code_.parameters) VESTA_RETURN_IF_ERROR(check_result(parameter.place));
    for (at_ = 0; at_ < code_.instructions.size(); ++at_) VESTA_RETURN_IF_ERROR(check(code_.instructions[at_]));
    if (code_.instructions.empty() || !ends(code_.instructions.back().opcode)) return fail("runs past its end");
    return absl::OkStatus();
  }

 private:
  static bool ends(Opcode opcode) {
    return opcode == Opcode::k_return_values || opcode == Opcode::k_jump || opcode == Opcode::k_loop;
  }

  absl::Status fail(const std::string& what) const {
    return absl::InternalError(absl::StrCat("code of '", code_.name, "', instruction ", at_, ": ", what));
  }

  absl::Status check(const Instruction& instruction) {
    if (static_cast<size_t>(instruction.opcode) >= kOpcodeCount) return fail("has an unknown opcode");
    const OpcodeInfo& info = opcode_info(instruction.opcode);
    const auto fields = instruction.fields();
    for (size_t i = 0; i < kFields; ++i) VESTA_RETURN_IF_ERROR(check_field(info.roles[i], fields[i]));
    return absl::OkStatus();
  }

  absl::Status check_field(Role role, int32_t field) {
    if (role == Role::None || role == Role::Slot) return absl::OkStatus();
    const auto index = static_cast<size_t>(field);
    const size_t scalars = code_.scalar_registers;
    const size_t limit = role == Role::VOut || role == Role::VIn       ? code_.value_registers
                         : role == Role::SOut                          ? scalars
                         : role == Role::SIn || role == Role::Positive ? scalars + code_.scalar_constants.size()
                         : role == Role::Const                         ? code_.constants.size()
                         : role == Role::Target                        ? code_.instructions.size()
                                                                       : code_.sites.size();
    if (field < 0 || index >= limit) {
      return fail(absl::StrCat("'", std::string(opcode_info(code_.instructions[at_].opcode).name), "' names ", field,
                               ", of ", limit));
    }
    if (role == Role::Positive && !is_positive(index)) {
      return fail(absl::StrCat("'", std::string(opcode_info(code_.instructions[at_].opcode).name),
                               "' needs a constant above 1 and its reciprocal"));
    }
    return role == Role::Site ? check_site(code_.sites[index]) : absl::OkStatus();
  }

  bool is_positive(size_t index) const {
    const std::vector<int64_t>& constants = code_.scalar_constants;
    if (index < code_.scalar_registers || index - code_.scalar_registers + 1 >= constants.size()) return false;
    const size_t at = index - code_.scalar_registers;
    return constants[at] > 1 && static_cast<uint64_t>(constants[at + 1]) == reciprocal(constants[at]);
  }

  absl::Status check_site(const Site& site) {
    const size_t operands = code_.operands.size();
    if (site.first_input > operands || site.inputs > operands - site.first_input ||
        site.outputs > operands - site.first_input - site.inputs) {
      return fail("has operands that do not exist");
    }
    for (uint32_t i = 0; i < site.inputs; ++i) VESTA_RETURN_IF_ERROR(check_input(code_.operands[site.first_input + i]));
    for (uint32_t i = 0; i < site.outputs; ++i) {
      VESTA_RETURN_IF_ERROR(check_result(code_.operands[site.first_input + site.inputs + i]));
    }
    return check_kind(site);
  }

  absl::Status check_kind(const Site& site) {
    switch (code_.instructions[at_].opcode) {
      case Opcode::k_call_operator:
        return site.handle != nullptr ? absl::OkStatus() : fail("calls no operator");
      case Opcode::k_run_group:
        return site.group != nullptr && site.body != nullptr ? absl::OkStatus() : fail("runs no group");
      case Opcode::k_call_builtin:
        if (site.kernel == nullptr) return fail("calls no kernel");
        if (site.direct == nullptr) return absl::OkStatus();
        return site.direct->call != nullptr && site.inputs == site.direct->arguments &&
                       site.outputs == site.direct->results && site.inputs <= Machine::kMaxDirectArguments &&
                       site.outputs <= Machine::kMaxDirectResults
                   ? absl::OkStatus()
                   : fail("calls a kernel with the wrong number of operands");
      case Opcode::k_call_function:
      case Opcode::k_enter:
      case Opcode::k_leave:
        return site.callee != nullptr ? absl::OkStatus() : fail("calls no function");
      case Opcode::k_call_registered:
        return site.registered != nullptr ? absl::OkStatus() : fail("calls no method");
      case Opcode::k_call_interface:
        return site.cache != nullptr && site.inputs > 0 ? absl::OkStatus() : fail("calls no method");
      case Opcode::k_fork:
        return site.body != nullptr && site.type != nullptr ? absl::OkStatus() : fail("forks nothing");
      case Opcode::k_make_list:
      case Opcode::k_make_dict:
      case Opcode::k_make_tuple:
      case Opcode::k_make_object:
        return site.type != nullptr ? absl::OkStatus() : fail("makes nothing");
      default:
        return absl::OkStatus();
    }
  }

  absl::Status check_input(Operand operand) {
    switch (operand.kind()) {
      case Operand::Kind::kMove:
      case Operand::Kind::kCopy:
        return operand.index() < code_.value_registers ? absl::OkStatus() : fail("reads a value that does not exist");
      case Operand::Kind::kConstant:
        return operand.index() < code_.constants.size() ? absl::OkStatus()
                                                        : fail("reads a constant that does not exist");
      case Operand::Kind::kInt:
      case Operand::Kind::kFloat:
      case Operand::Kind::kBool:
        return operand.index() < code_.scalar_registers ? absl::OkStatus() : fail("reads a scalar that does not exist");
      case Operand::Kind::kDiscard:
        break;
    }
    return fail("reads nothing");
  }

  absl::Status check_result(Operand operand) {
    switch (operand.kind()) {
      case Operand::Kind::kDiscard:
        return absl::OkStatus();
      case Operand::Kind::kCopy:
      case Operand::Kind::kConstant:
        return fail("writes what cannot be written");
      default:
        return check_input(operand);
    }
  }

  const Code& code_;
  size_t at_ = 0;
};

}  // namespace

absl::Status verify_code(const Code& code) { return Verifier(code).run(); }

}  // namespace vesta::runtime
