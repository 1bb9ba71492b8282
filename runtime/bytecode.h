#pragma once

// Bytecode of one function: what the lowering makes of an ir::Graph and the interpreter runs.
//
// A frame has two banks of registers, one of c10::IValues and one of unboxed 8-byte scalars (int, float, bool). The
// scalar constants of a function lie behind its scalar registers and are copied there when a frame begins.
// Instructions have four fields; those that take any number of operands name a Site.
//
// Immutable once made (but for the caches of interface calls, which are atomic); many threads run one Code.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "ir/graph.h"
#include "ir/operator.h"
#include "ir/program.h"
#include "ir/support/source.h"
#include "runtime/autocast.h"
#include "runtime/enum_arguments.h"
#include "runtime/kernels/registry.h"

namespace vesta::runtime::plan {
class DerivedConstants;
class PlannedGroup;
}  // namespace vesta::runtime::plan

namespace vesta::runtime {

enum class Opcode : uint16_t {
#define VESTA_INSTRUCTION(name, a, b, c) k_##name,
#include "runtime/instructions.def"
#undef VESTA_INSTRUCTION
};
inline constexpr size_t kOpcodeCount = 0
#define VESTA_INSTRUCTION(name, a, b, c) +1
#include "runtime/instructions.def"
#undef VESTA_INSTRUCTION
    ;

enum class Role : uint8_t { None, VOut, VIn, SOut, SIn, Positive, Const, Target, Slot, Site };
inline constexpr size_t kFields = 4;

struct OpcodeInfo {
  std::string_view name;
  Role roles[kFields];
};
const OpcodeInfo& opcode_info(Opcode opcode);

struct Instruction {
  Opcode opcode;
  int32_t a = 0;
  int32_t b = 0;
  int32_t c = 0;
  int32_t d = 0;
  std::array<int32_t, kFields> fields() const { return {a, b, c, d}; }
};

// Where a Site's operand comes from or its result goes to.
class Operand {
 public:
  enum class Kind : uint8_t {
    kMove,      // value register, which is left None; as a result: value register
    kCopy,      // value register; not for results
    kConstant,  // value constant; not for results
    kInt,       // scalar registers, boxed and unboxed
    kFloat,
    kBool,
    kDiscard,  // a result that nobody reads
  };
  Operand() = default;
  Operand(Kind kind, size_t index) : bits_(static_cast<uint32_t>(kind) << kShift | static_cast<uint32_t>(index)) {}
  Kind kind() const { return static_cast<Kind>(bits_ >> kShift); }
  uint32_t index() const { return bits_ & ((1u << kShift) - 1); }
  bool is_scalar() const { return kind() == Kind::kInt || kind() == Kind::kFloat || kind() == Kind::kBool; }

 private:
  static constexpr uint32_t kShift = 28;
  uint32_t bits_ = 0;
};
inline constexpr size_t kMaxRegisters = size_t{1} << 27;

class Code;

// The method that an interface call met last, by class.
struct MethodCache {
  struct Entry {
    const c10::ClassType* type;
    const ir::Function* method;
    std::shared_ptr<const c10::ClassType> owner;  // Keeps the address from being used again.
  };
  std::atomic<const Entry*> last{nullptr};
  std::mutex mutex;
  std::deque<Entry> entries;  // Bounded; guarded by mutex.
};

// What an instruction with any number of operands calls or makes.
struct Site {
  uint32_t first_input = 0;  // Into Code::operands; the results follow the inputs.
  uint32_t inputs = 0;
  uint32_t outputs = 0;
  bool variadic = false;                        // call_builtin: the number of arguments goes on top.
  Kernel kernel = nullptr;                      // call_builtin
  const DirectKernel* direct = nullptr;         // call_builtin: where it has one that fits the operands
  const c10::OperatorHandle* handle = nullptr;  // call_operator
  std::vector<EnumArgument> enums;              // call_operator: those of its arguments that a call has to check
  const ir::Operator* op = nullptr;
  const ir::Function* callee = nullptr;             // call_function
  torch::jit::Function* registered = nullptr;       // call_registered
  MethodCache* cache = nullptr;                     // call_interface, enter, leave
  const Code* body = nullptr;                       // fork; run_group: what runs where there is no plan
  const plan::PlannedGroup* group = nullptr;        // run_group
  bool deferred = false;                            // fork: makes an Await, which runs the body when it is waited for
  std::string name;                                 // call_interface: of the method
  c10::TypePtr type;                                // of what is made: list, dict, tuple, class, future
  std::vector<c10::TypePtr> types;                  // is_instance
  AutocastPolicy autocast = AutocastPolicy::kNone;  // call_operator, call_builtin; in programs that use autocast
};

enum class Bank : uint8_t { kValue, kInt, kFloat, kBool };

// How a value of static type `type` lives: int, float and bool unboxed, all else as an IValue.
Bank bank_of(const c10::Type& type);

// Where an argument arrives. Its operand's kind is kMove, kInt, kFloat, kBool or kDiscard.
struct Parameter {
  Operand place;
  c10::TypePtr type;
};

class Code final : public ir::CompiledCode {
 public:
  ~Code() override;
  const Site& site(int32_t index) const { return sites[static_cast<size_t>(index)]; }
  // Where instruction `index` comes from; unknown where nobody knows.
  const support::SourceRange& range(size_t index) const { return ranges[range_of[index]]; }
  // The innermost of the inlined calls that brought instruction `index` here; null where it is the function's own.
  const ir::InlinedCall* inlined_call(size_t index) const { return inlined_calls[range_of[index]].get(); }
  bool reads_parameter(size_t index) const { return parameters[index].place.kind() != Operand::Kind::kDiscard; }

  std::string name;                      // "Foo.forward", for messages.
  const ir::Program* program = nullptr;  // Null for a graph that is run on its own. Not owned.
  size_t value_registers = 0;
  size_t scalar_registers = 0;            // Without the constants.
  std::vector<int64_t> scalar_constants;  // Bit patterns; registers scalar_registers...
  std::vector<c10::IValue> constants;
  std::vector<Instruction> instructions;
  std::vector<Operand> operands;
  std::vector<Site> sites;
  std::vector<Parameter> parameters;
  size_t results = 1;
  std::vector<support::SourceRange> ranges;
  std::vector<std::shared_ptr<const ir::InlinedCall>> inlined_calls;  // Beside ranges.
  std::vector<uint32_t> range_of;                                     // By instruction.
  std::deque<MethodCache> caches;
  std::vector<std::unique_ptr<Code>> bodies;  // Of forks and groups.
  std::vector<std::shared_ptr<const plan::PlannedGroup>> groups;
  bool forks = false;    // Some of the bodies are those of forks, which may outlive a call.
  bool is_part = false;  // Of the code that calls it, in the eyes of a program's author: a group.
};

}  // namespace vesta::runtime
