#pragma once

// Reads Python pickles of protocol 0 to 5 into c10::IValue, without executing anything: a handler
// says what each global, call and persistent id means, and there is no other way out.
//
// Source of the format: CPython's `pickletools` (opcodes, arguments).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"

namespace vesta::serialization {

// What a pickle holds that an IValue has no kind for, as a capsule. Handlers make them for their own
// use; none may be left in the values that a reader gives to its users.
struct PickleObject : torch::CustomClassHolder {
  enum class Kind {
    kGlobal,   // module, name
    kBytes,    // bytes
    kBigInt,   // bytes: two's complement, little endian, more than 8
    kSet,      // items
    kStorage,  // items[0]: the c10::Storage, number: its scalar type (-1: bytes)
    kObject,   // module, name; items: whatever the handler keeps
  };
  Kind kind = Kind::kObject;
  std::string module;
  std::string name;
  std::string bytes;
  int64_t number = 0;
  std::vector<c10::IValue> items;

  explicit PickleObject(Kind k) : kind(k) {}
  // "module.name"
  std::string qualified_name() const;
  // The capsule's object; null for every other IValue.
  static PickleObject* from(const c10::IValue& value);
  static c10::IValue wrap(c10::intrusive_ptr<PickleObject> object);
};

// Gives meaning to what a pickle refers to. Messages of errors are completed by the reader with the
// file, the opcode and its offset.
class PickleHandler {
 public:
  virtual ~PickleHandler() = default;
  // EMPTY_DICT, DICT. By default a Dict[Any, Any].
  virtual c10::IValue empty_dict();
  // GLOBAL, STACK_GLOBAL. By default a PickleObject of kind kGlobal.
  virtual absl::StatusOr<c10::IValue> global(std::string_view module, std::string_view name);
  // BINPERSID, PERSID (a string).
  virtual absl::StatusOr<c10::IValue> persistent(const c10::IValue& id) = 0;
  // REDUCE: a call of `callable`. Python writes a tuple of arguments; torch's C++ writer also single values.
  virtual absl::StatusOr<c10::IValue> reduce(const c10::IValue& callable, c10::IValue arguments) = 0;
  // NEWOBJ, NEWOBJ_EX (keyword arguments, else None), INST and OBJ.
  virtual absl::StatusOr<c10::IValue> new_object(const c10::IValue& type, c10::IValue arguments,
                                                 c10::IValue keyword_arguments) = 0;
  // BUILD: gives `object` its state; the result takes its place on the stack (not in the memo).
  virtual absl::StatusOr<c10::IValue> build(c10::IValue object, c10::IValue state) = 0;
  // APPEND(S) and SETITEM(S) on something that is neither list nor dict. By default an error.
  virtual absl::Status append(const c10::IValue& target, c10::IValue value);
  virtual absl::Status set_item(const c10::IValue& target, c10::IValue key, c10::IValue value);
};

struct PickleOptions {
  Limits limits;
  // torch 1.1 and 1.2 wrote negative numbers as BININT1 and read it as a signed byte.
  bool signed_binint1 = false;
  // Objects of Python may hold themselves. Then PickleResult::containers has to be kept while `value` is looked at.
  bool allow_cycles = false;
};

class ContainerSet;

struct PickleResult {
  c10::IValue value;
  // Bytes read, with STOP.
  size_t size = 0;
  // Whether `value` is or holds a PickleObject.
  bool holds_pickle_objects = false;
  // With `allow_cycles`: takes the value apart when it is destroyed; else null.
  std::shared_ptr<ContainerSet> containers;
};

// Reads the first pickle of `bytes`; `name` (file and member) starts every message. Lists and dicts
// come with element types of Any; what is shared in the pickle is shared in the result. Nesting,
// cycles, the count of operations, and the count of nodes with sharing undone are bounded.
// Errors: DataLoss (malformed, a cycle), ResourceExhausted (a limit), and what the handler returns.
absl::StatusOr<PickleResult> read_pickle(std::string_view bytes, std::string_view name, PickleHandler& handler,
                                         const PickleOptions& options);

}  // namespace vesta::serialization
