#pragma once

// The names that types, functions and values have in printed source.

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/jit_type.h>

#include "ir/graph.h"
#include "ir/program.h"

namespace vesta::frontend {

// Qualified names. A type keeps its own name; where another type (of another program) has it already, it gets the
// next free mangled one, "__torch__.___torch_mangle_0.Net". Names outside of "__torch__." are put below it.
class ProgramNames {
 public:
  // The type's name; types that are met for the first time are appended to types().
  const std::string& of(const c10::NamedTypePtr& type);
  // The name by which a body calls `function`: a free function's own (new ones are appended to functions()), or that of
  // a class's method or hook, below the class's.
  std::string of(torch::jit::Function& function);
  // The text of a type: "List[__torch__.Net]".
  std::string annotation(const c10::Type& type);

  const std::vector<c10::NamedTypePtr>& types() const { return types_; }
  // A function that is a value somewhere: its type has no text. Null: there is none.
  const torch::jit::Function* function_value() const { return function_value_; }
  const std::vector<const ir::Function*>& functions() const { return functions_; }
  bool has(const c10::NamedType& type) const { return type_names_.contains(&type); }

 private:
  std::string unique(std::string name);

  std::unordered_map<const c10::NamedType*, std::string> type_names_;
  std::unordered_map<const torch::jit::Function*, std::string> function_names_;
  std::unordered_set<std::string> taken_;
  std::vector<c10::NamedTypePtr> types_;
  std::vector<const ir::Function*> functions_;
  const torch::jit::Function* function_value_ = nullptr;
};

// A class, interface, enum or tuple type as what has a name; null for others.
c10::NamedTypePtr named_type(const c10::Type& type);

// Whether the printed class holds `type`'s fields by name: a NamedTuple of a program. What an operator gives by name
// ("max(values, indices)") is printed as a plain tuple.
bool is_program_tuple(const c10::TupleType& type);

// Classes that are registered in C++: they have no source.
bool is_registered_class(const c10::Type& type);

bool is_plain_name(std::string_view name);

// "x.3" -> "x"
std::string_view name_stem(std::string_view name);

// Identifiers of one function, closures in it included. Values keep the stem of their names, made unique by digits at
// the end; values without a name are "_0", "_1", ..., except those that the function has already.
class ValueNames {
 public:
  // `is_printed`: whether a node's values get names (constants and operands that are printed in place do not).
  using IsPrinted = std::function<bool(const ir::Node&)>;
  ValueNames(const ir::Graph& graph, IsPrinted is_printed);

  // Names a parameter: kept where it can be.
  const std::string& parameter(const ir::Value* value, const std::string& name);
  // Names a value; `like` gives the stem (default: the value itself).
  const std::string& declare(const ir::Value* value, const ir::Value* like = nullptr);
  const std::string& declare_as(const ir::Value* value, const std::string& stem);
  std::string fresh();
  // A name for something that is no value of the graph, with the stem of this one's; null: any.
  std::string name_like(const ir::Value* like);
  void alias(const ir::Value* value, const std::string& name) { names_[value] = name; }
  // Null where it was not declared.
  const std::string* find(const ir::Value* value) const;
  // Whether a parameter hides this builtin name.
  bool is_hidden(std::string_view builtin) const { return hidden_.contains(std::string(builtin)); }

 private:
  void collect_temporaries(const ir::Block& block);
  std::string unique(std::string base);

  IsPrinted is_printed_;
  std::unordered_map<const ir::Value*, std::string> names_;
  std::unordered_set<std::string> taken_;
  std::unordered_set<std::string> temporaries_;
  std::unordered_set<std::string> hidden_;
  size_t next_ = 0;
};

}  // namespace vesta::frontend
