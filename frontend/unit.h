#pragma once

// What one archive, or one text of a user, is while it is compiled: its definitions by name, the queues of
// what is declared and not yet compiled, and what the compilation has found out.
//
// Internal to frontend/: importer.h and compile.h are the doors. One thread.

#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/ast.h"
#include "frontend/importer.h"
#include "frontend/parser.h"
#include "frontend/sugar.h"
#include "frontend/types.h"
#include "ir/program.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::frontend {

// How names of a text are to be read.
struct Scope {
  // Put before a plain name to get the qualified one, with the dot; empty: names are fully qualified.
  std::string type_prefix;
  std::string function_prefix;
  // Written by a user: plain names may be functions and classes of the same unit, types may be inferred.
  bool user_source = false;
};

class Unit {
 public:
  struct Options {
    std::function<absl::StatusOr<std::shared_ptr<const support::Source>>(const std::string&)> find_source;
    std::function<support::SourceRange(const support::SourceRange&)> original_range;
    int64_t version = 0;
    ir::Writer writer;
    // Calls may mean what operators meant when the archive was written.
    bool from_archive = false;
    StringEscapes escapes = StringEscapes::kArchiveBytes;
    Limits limits;
  };

  Unit(std::shared_ptr<ir::Program> program, Options options);
  ~Unit();

  ir::Program& program() { return *program_; }
  const std::shared_ptr<ir::Program>& program_ptr() { return program_; }
  const Limits& limits() const { return options_.limits; }
  int64_t version() const { return options_.version; }
  const ir::Writer& writer() const { return options_.writer; }
  // Whether calls have to be looked up among the historic operators at all.
  bool from_archive() const { return options_.from_archive; }

  // Parses a text and registers its definitions under their qualified names; nothing is declared yet.
  // `names` (may be null) takes the qualified names in source order.
  absl::Status add_source(std::shared_ptr<const support::Source> source, const Scope& scope,
                          std::vector<std::string>* names = nullptr);

  // The type or function of this name, declared if need be (attributes and schemas of what is declared on the
  // way may still be waiting in the queue of declarations). Null where there is none.
  absl::StatusOr<c10::NamedTypePtr> find_type(const std::string& qualified_name);
  absl::StatusOr<ir::Function*> find_function(const std::string& qualified_name);
  // Declares attributes and methods of all types that wait.
  absl::Status declare_pending();
  // Compiles all bodies that wait.
  absl::Status compile_pending();
  // One level of the emitters' recursion, counted as long as it lives: of all emitters together, for a function may be
  // compiled, or taken in, in the middle of an expression of another one.
  class Level {
   public:
    explicit Level(Unit& unit) : unit_(unit) { ++unit_.levels_; }
    Level(const Level&) = delete;
    ~Level() { --unit_.levels_; }

   private:
    Unit& unit_;
  };
  // ResourceExhausted where there are too many.
  absl::Status check_levels(const support::SourceRange& range) const;
  // Makes sure that the result type of `function` is known, by compiling it if it has to be inferred.
  absl::Status ensure_return_type(ir::Function* function, const support::SourceRange& call);

  // Methods of an existing class from `def`s.
  absl::Status define_methods(const c10::ClassTypePtr& type, const std::shared_ptr<const support::Source>& source,
                              const Scope& scope);

  absl::StatusOr<c10::TypePtr> read_type(const Expr& annotation, const Scope& scope);
  support::SourceRange original(const support::SourceRange& range) const {
    return options_.original_range ? options_.original_range(range) : range;
  }
  absl::Status error(const support::SourceRange& range, std::string_view message) const {
    return support::error_at(original(range), message);
  }
  // A constant of a default argument or a class: literals, and tuples, lists and dicts of them.
  absl::StatusOr<c10::IValue> constant_value(const Expr& expr, const c10::TypePtr& type, const Scope& scope);

  // The same for the default of a parameter or a field, which has to be of its type.
  absl::StatusOr<c10::IValue> default_value(std::string_view name, const Expr& expr, const c10::TypePtr& type,
                                            const Scope& scope);

  // `def` to schema. An unannotated parameter is a Tensor; an unannotated result is none (to be inferred).
  // `self` is the type of the first parameter, or null.
  absl::StatusOr<c10::FunctionSchema> signature(const Function& def, const c10::TypePtr& self, const Scope& scope);

  // Whether `__init__` of this class is being compiled to learn the attributes that it assigns.
  bool takes_attributes(const c10::ClassType& type) const { return open_classes_.contains(&type); }

  std::vector<c10::IValue>& constants() { return constants_; }
  // Notes an operator that the catalog does not have.
  void add_missing(std::string name, const support::SourceRange& call, const std::string& function);
  // What the source that `scope` belongs to defines, by the names that it uses itself; for messages.
  std::vector<std::string> defined_names(const Scope& scope) const;
  const std::vector<MissingOperator>& missing() const { return missing_; }
  // Notes a call that was compiled as the replacement of a historic operator.
  void add_upgraded(const HistoricOperator& op, const support::SourceRange& call, const std::string& function) {
    upgraded_.push_back({&op, original(call), function});
  }
  const std::vector<UpgradedCall>& upgraded() const { return upgraded_; }

 private:
  struct Definition {
    const Stmt* stmt = nullptr;
    std::shared_ptr<Arena> arena;
    Scope scope;
  };
  // A declared function without a graph.
  struct Body {
    ir::Function* function = nullptr;
    const Function* def = nullptr;
    c10::TypePtr self;
    std::shared_ptr<Arena> arena;
    Scope scope;
    bool running = false;
  };
  struct PendingClass {
    c10::ClassTypePtr type;
    const Class* def = nullptr;
    Definition definition;
  };

  absl::Status load_qualifier(const std::string& qualifier);
  absl::StatusOr<const Definition*> find_definition(const std::string& qualified_name);
  absl::Status check_class_body(const Class& def, const Scope& scope) const;
  absl::StatusOr<c10::NamedTypePtr> make_type(const std::string& name, const Class& def, const Definition& definition);
  absl::StatusOr<c10::NamedTypePtr> make_enum(const std::string& name, const Class& def, const Definition& definition);
  absl::StatusOr<c10::NamedTypePtr> make_named_tuple(const std::string& name, const Class& def,
                                                     const Definition& definition);
  absl::StatusOr<c10::NamedTypePtr> make_interface(const std::string& name, const Class& def, bool is_module);
  absl::StatusOr<c10::NamedTypePtr> custom_class(const std::string& name);
  absl::Status declare_class(const PendingClass& pending);
  absl::Status declare_interface(const c10::InterfaceTypePtr& type, const Class& def, const Definition& definition);
  absl::Status declare_attribute(c10::ClassType& type, const std::string& name, const Expr& annotation,
                                 const Expr* value, const std::unordered_set<std::string>& parameters,
                                 const std::unordered_set<std::string>& buffers, const Scope& scope);
  enum class MethodKind { kMethod, kStatic, kHook, kPreHook };
  absl::StatusOr<ir::Function*> declare_method(const c10::ClassTypePtr& type, const Function& def,
                                               const Definition& definition, MethodKind kind);
  absl::StatusOr<c10::IValue> constant_sequence(const Expr& expr, const std::vector<const Expr*>& elements,
                                                const c10::TypePtr& type, const Scope& scope);
  absl::StatusOr<c10::IValue> constant_name(const Expr& expr, const c10::TypePtr& type, const Scope& scope);
  absl::Status declare_methods(const PendingClass& pending, const std::vector<std::string>& pre_hooks,
                               const std::vector<std::string>& hooks);
  absl::Status declare_property(const c10::ClassTypePtr& type, const Function& def, const Definition& definition,
                                bool is_setter);
  void queue_body(ir::Function* function, const Function* def, c10::TypePtr self, const Definition& definition);
  absl::Status compile_body(Body& body);

  std::shared_ptr<ir::Program> program_;
  Options options_;
  std::unordered_map<std::string, Definition> definitions_;
  std::unordered_set<std::string> user_names_;  // of a user's source, without the prefixes
  std::unordered_set<std::string> loaded_qualifiers_;
  std::deque<PendingClass> pending_classes_;
  std::deque<std::pair<c10::InterfaceTypePtr, Definition>> pending_interfaces_;
  std::unordered_map<ir::Function*, Body> bodies_;
  std::deque<ir::Function*> queue_;
  std::vector<c10::IValue> constants_;
  std::vector<MissingOperator> missing_;
  std::vector<UpgradedCall> upgraded_;
  std::unordered_set<std::string> missing_seen_;
  std::unordered_set<const c10::ClassType*> open_classes_;
  int64_t nesting_ = 0;
  int64_t levels_ = 0;
  bool declaring_ = false;
};

// Runs a door of the frontend. c10 throws where a type is used in a way that nobody has foreseen: that is our bug,
// and a status to callers.
template <typename F>
auto without_exceptions(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception& e) {
    return absl::InternalError(std::string("the frontend failed: ") + e.what());
  }
}

}  // namespace vesta::frontend
