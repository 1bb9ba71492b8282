#pragma once

// Programs as data: the functions, classes, enums, interfaces and NamedTuples of one archive, trace or
// compilation, under their qualified names.
//
// Types are c10's. A class type is identified by its name and its program: each Program hands out a
// `std::shared_ptr<torch::jit::CompilationUnit>` that points to itself and is never dereferenced as what it
// claims to be. c10 keeps it in objects, so an object that escapes keeps its program, with its methods, alive.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/function.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/qualified_name.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "ir/support/source.h"

namespace vesta::ir {

class Function;
class Program;

using Stack = std::vector<c10::IValue>;

// Executable form of a function, made and owned by the runtime, kept beside the graph.
struct CompiledCode {
  virtual ~CompiledCode() = default;
};

// Runs functions on behalf of callers that know only c10 (sorting objects by `__lt__`, for example) or
// that lie below the runtime (`__setstate__` while an archive is read). Thread-safe.
class FunctionRunner {
 public:
  virtual ~FunctionRunner() = default;
  // Arguments (the object first, for a method; all of them, in schema order) are replaced by the result.
  virtual absl::Status run(const Function& function, Stack& stack) const = 0;
};

// A function or method. Its address is stable for the life of its Program.
// Written by one thread while the program is built, then read by many.
class Function final : public torch::jit::Function {
 public:
  Function(Program* program, c10::QualifiedName name, c10::FunctionSchema schema);
  ~Function() override;

  // c10 keeps methods of classes as torch::jit::Function*; all those of our programs are ours.
  static Function* from(torch::jit::Function* function) { return static_cast<Function*>(function); }
  static const Function* from(const torch::jit::Function* function) { return static_cast<const Function*>(function); }

  Program* program() const { return program_; }
  const c10::FunctionSchema& schema() const { return schema_; }
  // As messages name it: "Foo.forward" for a method of class `__torch__.Foo`, "foo" for a function.
  std::string display_name() const;
  // Null until the body is defined.
  const std::shared_ptr<Graph>& graph() const { return graph_; }
  // Drops compiled code. REQUIRES: no call is running.
  void set_graph(std::shared_ptr<Graph> graph);
  const support::SourceRange& range() const { return range_; }
  void set_range(support::SourceRange range) { range_ = std::move(range); }

  // The code, made by `compile` if there is none yet. Concurrent callers wait for the first; a failure is
  // not kept.
  absl::StatusOr<const CompiledCode*> code(
      const std::function<absl::StatusOr<std::unique_ptr<CompiledCode>>()>& compile) const;
  // The code if it was made already, else null: the fast path of a call.
  const CompiledCode* code_if_made() const { return code_.load(std::memory_order_acquire); }

  // torch::jit::Function. run() throws c10::Error where the program fails, as c10's callers expect.
  void run(Stack& stack) override;
  const c10::QualifiedName& qualname() const override { return name_; }
  void ensure_defined() override {}
  const c10::FunctionSchema& getSchema() const override { return schema_; }
  size_t num_inputs() const override { return schema_.arguments().size(); }
  torch::jit::Function& setSchema(c10::FunctionSchema schema) override;
  std::string_view doc_string() const override { return doc_string_; }
  void set_doc_string(std::string text) { doc_string_ = std::move(text); }

 private:
  Program* program_;
  c10::QualifiedName name_;
  c10::FunctionSchema schema_;
  std::shared_ptr<Graph> graph_;
  support::SourceRange range_;
  std::string doc_string_;
  mutable std::mutex code_mutex_;
  mutable std::atomic<const CompiledCode*> code_{nullptr};
  mutable std::unique_ptr<CompiledCode> code_owner_;
};

// Owns its functions and types. Built by one thread; afterwards immutable and safe to read from many.
class Program : public std::enable_shared_from_this<Program> {
 public:
  static std::shared_ptr<Program> create();
  ~Program();

  // What c10 takes for the owner of class types; shares ownership of this Program.
  std::shared_ptr<torch::jit::CompilationUnit> compilation_unit();

  // A class type of this program, registered under its name. REQUIRES: the name is free.
  c10::ClassTypePtr create_class(const c10::QualifiedName& name, bool is_module);
  // Registers a NamedTuple, enum or interface type (or a class made elsewhere). REQUIRES: the name is free.
  void add_type(c10::NamedTypePtr type);
  // Null where there is none.
  c10::NamedTypePtr find_type(std::string_view qualified_name) const;
  // In the order of registration.
  const std::vector<c10::NamedTypePtr>& types() const { return types_; }

  // A function without an object. REQUIRES: the name is free.
  Function* create_function(const c10::QualifiedName& name, c10::FunctionSchema schema);
  // A method of `type` (argument 0 of the schema is self). REQUIRES: the class has no such method.
  Function* create_method(c10::ClassType& type, const std::string& name, c10::FunctionSchema schema);
  // A function that no name finds: forward hooks, bodies of forks, closures.
  Function* create_anonymous(const c10::QualifiedName& name, c10::FunctionSchema schema);
  Function* find_function(std::string_view qualified_name) const;
  // All functions and methods, in the order in which they were made.
  const std::vector<std::unique_ptr<Function>>& functions() const { return functions_; }

  // "Foo" -> "Foo", then "___torch_mangle_0.Foo"...: a qualified name that is free.
  c10::QualifiedName unique_name(const c10::QualifiedName& wanted) const;

  // Set once by the runtime that loads the program; not owned, must outlive it.
  void set_runner(const FunctionRunner* runner) { runner_ = runner; }
  const FunctionRunner* runner() const { return runner_; }

 private:
  Program() = default;

  std::vector<std::unique_ptr<Function>> functions_;
  std::map<std::string, Function*, std::less<>> functions_by_name_;
  std::vector<c10::NamedTypePtr> types_;
  std::map<std::string, c10::NamedTypePtr, std::less<>> types_by_name_;
  const FunctionRunner* runner_ = nullptr;
};

}  // namespace vesta::ir
