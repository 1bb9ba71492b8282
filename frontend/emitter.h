#pragma once

// One function's syntax tree to a graph. Internal to frontend/.
//
// Names are resolved to values while the tree is walked: a chain of frames says what each name is at this
// point, and where control flow joins, the frames of both sides are merged into outputs of the `prim::If`
// (emitter_control.cc). So the graph is in SSA form at once.
//
// Leaving early (return, break, continue) becomes data: every statement list ends in an Exit that says
// which ways out may have been taken, with a bool value for each. What follows a statement that may have
// left is put into the branch that has not, or under an `if` on that bool.
//
// Members are defined in emitter*.cc by what they work on.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/ast.h"
#include "frontend/sugar.h"
#include "frontend/unit.h"
#include "ir/graph.h"
#include "ir/operator.h"
#include "ir/program.h"

namespace vesta::frontend {

// How a statement list was left.
struct Exit {
  enum Way : uint8_t { kReturn = 0, kBreak = 1, kContinue = 2, kRaise = 3 };
  // Bits of the ways that some path takes.
  uint8_t may = 0;
  // No path falls through to what follows.
  bool always = false;
  // For kReturn, kBreak, kContinue: a bool that tells whether it was taken; null: always the same (true if
  // the only way of an `always`, else never).
  ir::Value* taken[3] = {nullptr, nullptr, nullptr};
  // What is returned where kReturn was taken.
  ir::Value* result = nullptr;

  bool jumps() const { return (may & 7) != 0; }
  static uint8_t bit(int way) { return static_cast<uint8_t>(1u << way); }
};

struct Refinement {
  std::string name;
  c10::TypePtr type;
};

// A condition: what it is, and what it tells about types where it holds and where it does not.
struct Condition {
  std::optional<bool> known;   // decided by types or constants: no branch is needed
  ir::Value* value = nullptr;  // null only where `known` is set
  std::vector<Refinement> if_true;
  std::vector<Refinement> if_false;
};

struct CallArgument {
  std::string name;  // of a keyword argument
  ir::Value* value = nullptr;
  support::SourceRange range;
};

class Emitter {
 public:
  // `name`: the qualified name of the function, for messages.
  Emitter(Unit& unit, const Scope& scope, std::string name);

  // The graph of a function or method. `function` has its schema; where the result is not declared, it is
  // inferred and the schema completed.
  absl::Status compile(ir::Function& function, const Function& def, bool infer_result);

 private:
  using Kind = Sugar::Kind;
  using Arguments = std::vector<CallArgument>;
  struct Match;

  // --- emitter.cc: frames, values, nodes
  Emitter(Emitter& outer, std::shared_ptr<ir::Graph> graph);
  absl::Status error(const support::SourceRange& range, std::string_view message) const {
    return unit_.error(range, message);
  }
  absl::Status check_size(const support::SourceRange& range) const;
  // What counts against the limit of nodes.
  int64_t size() const { return static_cast<int64_t>(graph_->node_count()) + made_beside_; }
  // One level of blocks: counted as long as it lives.
  class Nesting {
   public:
    explicit Nesting(Emitter& emitter) : depth_(emitter.depth_), level_(emitter.unit_) { ++depth_; }
    Nesting(const Nesting&) = delete;
    ~Nesting() { --depth_; }

   private:
    int64_t& depth_;
    const Unit::Level level_;
  };
  absl::Status check_depth(std::string_view what, const support::SourceRange& range) const;
  ir::Node* insert(c10::Symbol kind, std::initializer_list<ir::Value*> inputs, size_t outputs,
                   const support::SourceRange& range);
  ir::Node* insert(c10::Symbol kind, std::span<ir::Value* const> inputs, size_t outputs,
                   const support::SourceRange& range);
  ir::Value* insert_typed(c10::Symbol kind, std::span<ir::Value* const> inputs, c10::TypePtr type,
                          const support::SourceRange& range);
  ir::Value* insert_typed(c10::Symbol kind, std::initializer_list<ir::Value*> inputs, c10::TypePtr type,
                          const support::SourceRange& range);
  ir::Value* constant(c10::IValue value, const support::SourceRange& range, c10::TypePtr type = nullptr);
  ir::Value* none(const support::SourceRange& range) { return constant(c10::IValue(), range); }
  ir::Value* uninitialized(c10::TypePtr type, const support::SourceRange& range);
  ir::Value* list_of(const c10::TypePtr& element, std::span<ir::Value* const> values,
                     const support::SourceRange& range);
  ir::Value* tuple_of(std::span<ir::Value* const> values, const support::SourceRange& range,
                      c10::TypePtr type = nullptr);
  ir::Value* retype(ir::Value* value, c10::TypePtr type, const support::SourceRange& range);
  // A tuple of these, counted against the limit of nodes: statements can double a tuple without many nodes.
  absl::StatusOr<Sugar> sugar_tuple(std::vector<Sugar> elements, const support::SourceRange& range);
  std::vector<ir::Value*> unpack_tuple(ir::Value* tuple, const support::SourceRange& range);
  absl::StatusOr<Sugar> lookup(const Name& name);
  // For messages: what could have been written where a name is.
  std::vector<std::string> names_in_reach() const;
  Sugar capture(const std::string& name);
  absl::Status set_name(const std::string& name, Sugar sugar, const support::SourceRange& range,
                        c10::TypePtr declared = nullptr);
  absl::StatusOr<ir::Value*> as_value(const Sugar& sugar, const support::SourceRange& range,
                                      const c10::TypePtr& hint = nullptr);
  absl::StatusOr<c10::TypePtr> read_type(const Expr& annotation) { return unit_.read_type(annotation, scope_); }
  // Destroys what nothing reads: refinements of names, constants, outputs of `if`s, what loops carry for nobody.
  static void remove_unread(ir::Block& block);
  // Of all joins of the function's returned values: its result's type, which is known when all returns have been seen.
  c10::TypePtr set_type_of_results();
  absl::Status finish_results(ir::Function& function, const Exit& exit, const support::SourceRange& range,
                              bool infer_result);
  // Emits a `def` in place with these arguments (a closure, or a builtin that has TorchScript source).
  absl::StatusOr<Sugar> inline_call(const Function& def, std::shared_ptr<Frame> frame,
                                    const std::vector<ir::Value*>& arguments, const support::SourceRange& range);

  // --- emitter_statements.cc
  absl::StatusOr<Exit> emit_block(std::span<const Stmt* const> statements);
  absl::StatusOr<Exit> emit_rest(const Exit& before, std::span<const Stmt* const> rest);
  absl::StatusOr<Exit> emit_rest_of(const Exit& before, std::span<const Stmt* const> rest);
  absl::StatusOr<Exit> emit_statement(const Stmt& stmt);
  absl::Status emit_assign(const Assign& stmt);
  absl::Status emit_augmented(const AugmentedAssign& stmt);
  absl::Status emit_delete(const Delete& stmt);
  absl::StatusOr<Exit> emit_return(const Return& stmt);
  absl::StatusOr<Exit> emit_raise(const Raise& stmt);
  absl::Status emit_assert(const Assert& stmt);
  absl::StatusOr<Exit> emit_with(const With& stmt);
  absl::Status raise(ir::Value* message, const std::string& exception, const support::SourceRange& range);
  absl::Status emit_expression_statement(const ExprStmt& stmt);

  // --- emitter_assign.cc
  absl::Status assign(const Expr& target, Sugar value, const support::SourceRange& range);
  absl::Status assign_sequence(const std::vector<const Expr*>& targets, const Sugar& value,
                               const support::SourceRange& target_range, const support::SourceRange& range);
  absl::Status assign_attribute(const Attribute& target, ir::Value* value, const support::SourceRange& range);
  absl::Status assign_subscript(const Subscript& target, ir::Value* value, const support::SourceRange& range);
  absl::StatusOr<std::vector<Sugar>> unpack(const Sugar& value, size_t at_least, bool exactly,
                                            const support::SourceRange& range);
  absl::StatusOr<ir::Value*> augmented_value(BinaryOp op, ir::Value* left, ir::Value* right,
                                             const support::SourceRange& range);

  // --- emitter_control.cc
  absl::StatusOr<Exit> emit_if(const If& stmt, size_t branch, std::span<const Stmt* const> rest, bool& took_rest);
  absl::StatusOr<Exit> emit_while(const While& stmt);
  absl::StatusOr<Exit> emit_for(const For& stmt);
  // Creates `prim::If`, emits both sides in frames of their own, and joins them.
  using BlockEmitter = absl::FunctionRef<absl::StatusOr<Exit>()>;
  absl::StatusOr<Exit> branch(ir::Value* condition, const support::SourceRange& range,
                              const std::vector<Refinement>& if_true, const std::vector<Refinement>& if_false,
                              BlockEmitter then, BlockEmitter otherwise);
  absl::StatusOr<Exit> join(ir::Node* node, const std::shared_ptr<Frame>& then_frame,
                            const std::shared_ptr<Frame>& else_frame, const Exit& then_exit, const Exit& else_exit,
                            const support::SourceRange& range);
  void join_exits(ir::Node* node, const Exit& then_exit, const Exit& else_exit, Exit& joined,
                  const support::SourceRange& range);
  absl::Status join_name(ir::Node* node, const std::string& name, Frame& then_frame, Frame& else_frame,
                         const Exit& then_exit, const Exit& else_exit, const support::SourceRange& range);
  // Yields a value from each side of an `if`; null: the side never gets there.
  ir::Value* join_values(ir::Node* node, ir::Value* then_value, ir::Value* else_value, c10::TypePtr type,
                         const support::SourceRange& range);
  // Whether a way was taken, as a bool at the insert point.
  ir::Value* taken(const Exit& exit, int way, const support::SourceRange& range);
  // A bool that is true where any of `ways` was taken; null: never.
  absl::StatusOr<ir::Value*> any_taken(const Exit& exit, uint8_t ways, const support::SourceRange& range);
  absl::Status refine(const std::vector<Refinement>& refinements, const support::SourceRange& range);
  // A loop over a body that is emitted by `body(iteration number)`; `condition` (may be null) is emitted
  // before the first and after every iteration.
  struct LoopParts {
    ir::Value* trip_count = nullptr;
    const Expr* condition = nullptr;
    std::set<std::string> assigned;
    support::SourceRange range;
  };
  using LoopBody = absl::FunctionRef<absl::StatusOr<Exit>(ir::Value* iteration)>;
  absl::StatusOr<Exit> emit_loop(const LoopParts& parts, LoopBody body);
  struct Carried {
    std::string name;
    ir::Value* initial = nullptr;
    ir::Value* input = nullptr;  // of the body
    ir::Value* last = nullptr;   // at the body's end
  };
  std::vector<Carried> carry_names(const LoopParts& parts, ir::Block* body);
  absl::StatusOr<ir::Value*> next_condition(const LoopParts& parts, const Exit& exit);
  void close_loop(ir::Node* loop, std::vector<Carried>& carried, Exit& exit);
  Exit carry_result(ir::Node* loop, const Exit& exit, const support::SourceRange& range);
  absl::StatusOr<Exit> emit_unrolled(const std::vector<Sugar>& items, size_t first, const For& stmt);

  // --- emitter_iterables.cc
  // Something to loop over: either a fixed list of items, or a length and a way to get item i.
  struct Iterable {
    std::optional<std::vector<Sugar>> items;
    ir::Value* length = nullptr;  // null: endless
    Sugar source;
    std::vector<Iterable> parts;  // of zip and enumerate
  };
  absl::StatusOr<Iterable> iterable(const Sugar& sugar, const support::SourceRange& range);
  absl::StatusOr<Sugar> item(const Iterable& iterable, ir::Value* index, const support::SourceRange& range);
  absl::StatusOr<Sugar> emit_comprehension(const Comprehension& expr, const c10::TypePtr& hint);
  absl::Status emit_comprehension_clause(const Comprehension& expr, size_t clause, ir::Value* result,
                                         c10::TypePtr& element, c10::TypePtr& mapped);
  absl::Status emit_comprehension_item(const Comprehension& expr, ir::Value* result, c10::TypePtr& element,
                                       c10::TypePtr& mapped);
  absl::Status emit_comprehension_body(const Comprehension& expr, size_t clause, size_t condition, ir::Value* result,
                                       c10::TypePtr& element, c10::TypePtr& mapped);

  // --- emitter_conditions.cc
  absl::StatusOr<Condition> emit_condition(const Expr& expr);
  absl::StatusOr<Condition> emit_logical(const BoolOp& expr, size_t first);
  absl::StatusOr<Condition> emit_identity(const Compare& expr);
  absl::StatusOr<Condition> emit_isinstance(const Call& call);
  absl::StatusOr<Condition> emit_hasattr(const Call& call);
  absl::StatusOr<Sugar> emit_compare(const Compare& expr);
  absl::StatusOr<ir::Value*> condition_value(const Condition& condition, const support::SourceRange& range);
  absl::StatusOr<ir::Value*> to_bool(ir::Value* value, const support::SourceRange& range);
  // Lists, dicts and strings: true where they are not empty.
  static bool has_length(const c10::Type& type);
  absl::StatusOr<ir::Value*> is_not_empty(ir::Value* value, const support::SourceRange& range);
  absl::StatusOr<Sugar> emit_ternary(const Conditional& expr, const c10::TypePtr& hint);
  absl::StatusOr<std::vector<c10::TypePtr>> isinstance_types(const Expr& expr);
  bool is_special_call(const Call& call, Special special);

  // --- emitter_expressions.cc
  absl::StatusOr<ir::Value*> emit(const Expr& expr, const c10::TypePtr& hint = nullptr);
  absl::StatusOr<Sugar> emit_sugar(const Expr& expr, const c10::TypePtr& hint = nullptr);
  absl::StatusOr<Sugar> emit_leaf(const Expr& expr, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_list(const List& expr, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_dict(const Dict& expr, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_tuple(const Tuple& expr, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_joined_string(const JoinedString& expr);
  absl::StatusOr<Sugar> emit_unary(const Unary& expr);
  absl::StatusOr<Sugar> apply_binary(const Binary& expr, const Sugar& left);
  absl::StatusOr<ir::Value*> binary(BinaryOp op, ir::Value* left, ir::Value* right, const support::SourceRange& range);
  absl::StatusOr<ir::Value*> compare(CompareOp op, ir::Value* left, ir::Value* right,
                                     const support::SourceRange& range);
  absl::StatusOr<std::optional<ir::Value*>> magic_method(const char* method, ir::Value* left,
                                                         std::initializer_list<ir::Value*> arguments,
                                                         const support::SourceRange& range);
  absl::StatusOr<c10::TypePtr> unify(const std::vector<c10::TypePtr>& types, const support::SourceRange& range,
                                     std::string_view what);

  // --- emitter_attributes.cc
  absl::StatusOr<Sugar> attribute(const Sugar& base, const std::string& name, const support::SourceRange& range);
  absl::StatusOr<Sugar> value_attribute(ir::Value* base, const std::string& name, const support::SourceRange& range);
  absl::StatusOr<Sugar> object_attribute(ir::Value* base, const c10::ClassTypePtr& type, const std::string& name,
                                         const support::SourceRange& range);
  absl::StatusOr<Sugar> type_attribute(const Sugar& base, const std::string& name, const support::SourceRange& range);
  absl::StatusOr<Sugar> qualified(const std::string& name);
  bool has_attribute(const Sugar& base, const std::string& name);

  // --- emitter_index.cc
  absl::StatusOr<Sugar> subscript(const Sugar& base, const Subscript& expr, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> index_tuple(const Sugar& base, const Subscript& expr);
  absl::StatusOr<Sugar> slice_tuple(const Sugar& base, const Slice& slice, const support::SourceRange& range);
  absl::StatusOr<ir::Value*> slice_sequence(ir::Value* base, const Slice& slice, const support::SourceRange& range);
  // `select`, `slice`, `unsqueeze` of the int, slice and None indices; the tensor indices (None: no index) are left.
  struct TensorIndex {
    ir::Value* base = nullptr;
    std::vector<ir::Value*> indices;
  };
  absl::StatusOr<TensorIndex> index_tensor(ir::Value* base, const Expr& index, const support::SourceRange& range);
  absl::StatusOr<ir::Value*> tensor_indices(const TensorIndex& index, const support::SourceRange& range);
  absl::StatusOr<ir::Value*> tensor_of_number(ir::Value* value, ir::Value* like, const support::SourceRange& range);
  absl::StatusOr<ir::Value*> emit_or_none(const Expr* expr, const support::SourceRange& range);

  // --- emitter_calls.cc
  absl::StatusOr<Sugar> apply_call(const Call& call, const Sugar& callee, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> call_sugar(const Sugar& callee, Arguments arguments, const support::SourceRange& range,
                                   const c10::TypePtr& hint);
  absl::StatusOr<Arguments> emit_arguments(const Call& call, size_t first = 0);
  absl::StatusOr<Sugar> call_function(torch::jit::Function* function, ir::Value* receiver, const Arguments& arguments,
                                      const support::SourceRange& range);
  absl::StatusOr<Sugar> call_interface(const Sugar& method, const Arguments& arguments,
                                       const support::SourceRange& range);
  absl::StatusOr<Sugar> call_type(const c10::TypePtr& type, const Arguments& arguments,
                                  const support::SourceRange& range);
  absl::StatusOr<Sugar> call_method(ir::Value* object, const std::string& name, std::vector<ir::Value*> arguments,
                                    const support::SourceRange& range);
  absl::StatusOr<ir::Value*> call_operator(const std::string& name, std::initializer_list<ir::Value*> inputs,
                                           const support::SourceRange& range);
  absl::StatusOr<Sugar> call_operator(const std::string& name, ir::Value* receiver, const Arguments& arguments,
                                      const support::SourceRange& range, const c10::TypePtr& hint = nullptr);
  // Calls that are no operators of the catalog, or whose result type only this place knows.
  absl::StatusOr<std::optional<Sugar>> call_structural(const std::string& name, ir::Value* receiver,
                                                       const Arguments& arguments, const support::SourceRange& range,
                                                       const c10::TypePtr& hint);
  Sugar insert_operator(const ir::Operator& op, const Match& match, const support::SourceRange& range);
  // Emits the replacement of a historic operator that matches; nullopt where none does.
  absl::StatusOr<std::optional<Sugar>> call_historic(const std::vector<const HistoricOperator*>& operators,
                                                     ir::Value* receiver, const Arguments& arguments, bool conversions,
                                                     const support::SourceRange& range);
  Sugar note_missing(const std::string& name, const support::SourceRange& range, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_tolist(ir::Value* tensor, const support::SourceRange& range, const c10::TypePtr& hint);

  // --- emitter_special.cc
  absl::StatusOr<Sugar> call_special(const Call& call, Special special, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_cast(const Call& call, Special special);
  absl::StatusOr<Sugar> emit_getattr(const Call& call);
  absl::StatusOr<Sugar> emit_list_call(const Call& call, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_dict_call(const Call& call, const c10::TypePtr& hint);
  absl::StatusOr<Sugar> emit_tuple_call(const Call& call);
  absl::StatusOr<Sugar> list_from(const Sugar& source, const support::SourceRange& range);
  absl::StatusOr<Sugar> emit_range(const Call& call);
  absl::StatusOr<Sugar> emit_fork(const Call& call, bool awaitable);
  absl::StatusOr<Sugar> emit_subgraph_call(const Sugar& callee, const Arguments& arguments, bool awaitable,
                                           const support::SourceRange& range);

  // --- emitter_matching.cc: arguments to a schema
  // Whether a value of this type (and this very value: an empty list literal fits every list) becomes `target`,
  // and the type that it has then; null: it does not.
  c10::TypePtr converted_type(ir::Value* value, const c10::TypePtr& from, const c10::TypePtr& target,
                              bool conversions) const;
  ir::Value* convert(ir::Value* value, const c10::TypePtr& target, bool conversions, const support::SourceRange& range);
  // Null where it does not fit.
  absl::StatusOr<ir::Value*> convert_to(ir::Value* value, const c10::TypePtr& target, const support::SourceRange& range,
                                        std::string_view what);
  bool match(const c10::FunctionSchema& schema, ir::Value* receiver, const Arguments& arguments, bool conversions,
             Match& match, std::string* why) const;
  bool match_one(const c10::Argument& formal, ir::Value* value, bool conversions, Match& match, std::string* why) const;
  std::vector<ir::Value*> materialize(const Match& match, const support::SourceRange& range);
  // Of candidates that all fail: those that fit most of the arguments.
  std::vector<const c10::FunctionSchema*> closest(const std::vector<const c10::FunctionSchema*>& candidates,
                                                  ir::Value* receiver, const Arguments& arguments) const;
  absl::Status mismatch(const std::string& name, const std::vector<const c10::FunctionSchema*>& candidates,
                        ir::Value* receiver, const Arguments& arguments, const support::SourceRange& range) const;
  absl::StatusOr<std::vector<ir::Value*>> match_schema(const c10::FunctionSchema& schema, const std::string& name,
                                                       ir::Value* receiver, const Arguments& arguments,
                                                       const support::SourceRange& range);

  Unit& unit_;
  Scope scope_;
  std::string name_;
  std::string returning_;               // the function whose body this is: a nested one, or the one of `name_`
  Emitter* outer_ = nullptr;            // of a body that captures values (fork)
  std::shared_ptr<Frame> outer_frame_;  // what it may capture
  std::vector<ir::Value*> captured_;    // outer values, in the order of this graph's inputs
  std::unordered_map<ir::Value*, ir::Value*> capture_map_;
  std::shared_ptr<ir::Graph> graph_;
  std::shared_ptr<Frame> frame_;
  c10::TypePtr result_type_;  // declared; null: inferred
  bool infer_result_ = false;
  c10::TypePtr inferred_type_;                           // of the returns seen so far
  std::unordered_set<const ir::Value*> empty_literals_;  // of `[]` and `{}` without a type
  std::unordered_set<const ir::Value*> results_;         // joins of returned values, typed at the end
  bool missing_operator_ = false;
  // The call that a historic operator's replacement is being emitted for; null outside of replacements.
  const support::SourceRange* replaced_call_ = nullptr;
  int64_t depth_ = 0;
  // Beside the graph's nodes: elements of tuples that were made and unpacked, nodes of subgraphs and of the graphs
  // around.
  int64_t made_beside_ = 0;
  int loop_depth_ = 0;
  c10::ClassTypePtr self_type_;
};

// The value of a constant; null where `value` is none, or is None.
const c10::IValue* constant_of(const ir::Value* value);

// The names that statements assign, in this function.
void assigned_names(const Block& statements, std::set<std::string>& names);
void assigned_names(const Expr& target, std::set<std::string>& names);

}  // namespace vesta::frontend
