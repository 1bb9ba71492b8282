#pragma once

// What an expression of source text stands for before it is known to be a value: a value of the graph, or
// something that exists only while compiling, such as `torch`, a function, a class, `range(n)`.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/jit_type.h>

#include "frontend/ast.h"
#include "ir/graph.h"
#include "ir/program.h"

namespace vesta::frontend {

struct Frame;

// Calls that see their arguments' syntax, or whose result is not a plain value.
enum class Special : uint8_t {
  kAnnotate,
  kUninitialized,
  kUncheckedCast,
  kIsInstance,
  kHasAttr,
  kGetAttr,
  kFork,
  kAwaitable,
  kInt,
  kFloat,
  kBool,
  kComplex,
  kStr,
  kRange,
  kEnumerate,
  kZip,
  kReversed,
  kList,
  kDict,
  kTuple,
  kSuper,
  kTrue,   // is_scripting(): known while compiling
  kFalse,  // is_tracing()
  kIdentity,
};

struct Sugar {
  enum class Kind : uint8_t {
    kVoid,             // the result of something that gives none; None where a value is wanted
    kValue,            // value
    kNamespace,        // name: "torch", "torch.nn.functional", "math", "ops", "ops.aten"
    kQualified,        // name: "__torch__.a", part of a qualified name
    kConstants,        // `CONSTANTS`
    kOperator,         // name: "aten::add"; value: the receiver, or null
    kSpecial,          // special
    kFunction,         // function; value: the receiver of a method, or null
    kInterfaceMethod,  // name, value: an object of interface type
    kType,             // type: a class, NamedTuple or enum as a callable; or any type by name
    kNew,              // type: `C.__new__`
    kTuple,            // elements; type: the NamedTuple type, or null
    kRange,            // elements: start, stop, step (values); flag: only `stop` was given
    kEnumerate,        // elements: what is enumerated, the start
    kZip,              // elements
    kClosure,          // closure, in `frame`
    kException,        // name
    kUndefined,        // name: why it cannot be used
  };

  Kind kind = Kind::kVoid;
  Special special = Special::kIdentity;
  bool flag = false;
  ir::Value* value = nullptr;
  c10::TypePtr type;
  std::string name;
  // Ours, or a method of a custom class of libtorch's registry.
  torch::jit::Function* function = nullptr;
  const Function* closure = nullptr;
  std::weak_ptr<Frame> frame;  // Where the closure was defined; that frame's names hold this.
  std::vector<Sugar> elements;

  bool is(Kind k) const { return kind == k; }
  static Sugar of(ir::Value* value) {
    Sugar sugar(Kind::kValue);
    sugar.value = value;
    return sugar;
  }
  static Sugar named(Kind kind, std::string name, ir::Value* value = nullptr) {
    Sugar sugar(kind);
    sugar.name = std::move(name);
    sugar.value = value;
    return sugar;
  }
  static Sugar of_special(Special special) {
    Sugar sugar(Kind::kSpecial);
    sugar.special = special;
    return sugar;
  }
  static Sugar of_function(torch::jit::Function* function, ir::Value* receiver = nullptr) {
    Sugar sugar(Kind::kFunction);
    sugar.function = function;
    sugar.value = receiver;
    return sugar;
  }
  static Sugar of_type(c10::TypePtr type, Kind kind = Kind::kType) {
    Sugar sugar(kind);
    sugar.type = std::move(type);
    return sugar;
  }
  static Sugar of_elements(Kind kind, std::vector<Sugar> elements) {
    Sugar sugar(kind);
    sugar.elements = std::move(elements);
    return sugar;
  }

  Sugar() = default;
  explicit Sugar(Kind k) : kind(k) {}
};

// Whether both stand for the same thing.
bool same_meaning(const Sugar& a, const Sugar& b);
// Whether it has a part that is computed where it was made: a method's object, the end of a range.
bool holds_values(const Sugar& sugar);

// "a function", "the module 'torch'": for messages.
std::string describe(const Sugar& sugar);

// A name's meaning in a frame.
struct Binding {
  Sugar sugar;
  // What a later assignment in an inner block must fit.
  c10::TypePtr type;
};

// The names that one block of the program has assigned; lookups go on in the parent.
struct Frame {
  std::shared_ptr<Frame> parent;
  // Names in the order of their first assignment, so that merging is deterministic.
  std::vector<std::string> order;
  std::unordered_map<std::string, Binding> names;

  const Binding* find_here(const std::string& name) const {
    auto it = names.find(name);
    return it == names.end() ? nullptr : &it->second;
  }
  const Binding* find(const std::string& name) const {
    for (const Frame* frame = this; frame != nullptr; frame = frame->parent.get()) {
      if (const Binding* binding = frame->find_here(name)) return binding;
    }
    return nullptr;
  }
  void set(const std::string& name, Binding binding) {
    auto [it, added] = names.insert_or_assign(name, std::move(binding));
    if (added) order.push_back(name);
  }
};

}  // namespace vesta::frontend
