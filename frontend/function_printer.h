#pragma once

// One function's graph as TorchScript source. Internal to frontend/: source_printer.h is the door.

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "frontend/inline_plan.h"
#include "frontend/printed_literals.h"
#include "frontend/printed_names.h"
#include "frontend/source_text.h"
#include "ir/graph.h"
#include "ir/program.h"

namespace vesta::frontend {

class FunctionPrinter {
 public:
  // `operators` takes what the function calls. All outlive the printer.
  FunctionPrinter(ProgramNames& program, ConstantTable& constants,
                  std::unordered_map<const ir::Operator*, int>& operators, SourceText& out)
      : program_(program), constants_(constants), operators_(operators), out_(out) {}

  // `def name(...): ...` at this depth of indentation. `self`: a method's or hook's.
  // Unimplemented for a graph that source cannot say.
  absl::Status print(const ir::Function& function, std::string_view name, bool is_method, int depth);
  // A signature alone, as in an interface.
  absl::Status print_declaration(const c10::FunctionSchema& schema, std::string_view self_type, int depth);

 private:
  struct Call;

  // --- function_printer.cc: signatures, statements, control flow
  void signature(const c10::FunctionSchema& schema, std::string_view name, const std::vector<std::string>& parameters,
                 std::string_view self_type, int depth);
  absl::Status block(const ir::Block& block, int depth);
  // The nodes from `first` up to `end` (null: to the block's end).
  absl::Status statements(const ir::Node* first, const ir::Node* end, int depth);
  absl::Status statement(const ir::Node& node, int depth);
  absl::Status with_statement(const ir::Node& enter, const ir::Node& exit, int depth);
  absl::Status if_statement(const ir::Node& node, int depth);
  absl::Status branch(const ir::Node& node, size_t side, int depth);
  absl::Status loop(const ir::Node& node, int depth);
  absl::Status loop_body(const ir::Node& node, const std::string& condition, int depth);
  absl::Status closure(const ir::Node& node, int depth);
  absl::Status assign(const std::string& target, const ir::Value& value, const c10::TypePtr& type, int depth);
  absl::Status set_attribute(const ir::Node& node, int depth);

  // --- expression_printer.cc
  absl::Status use(const ir::Value& value);
  // In front of `.name`, `[i]` or `(...)`.
  absl::Status base(const ir::Value& value);
  // As a value of `type`, which it may only be below.
  absl::Status use_as(const ir::Value& value, const c10::TypePtr& type);
  absl::Status constant(const ir::Value& value);
  absl::Status expression(const ir::Node& node);
  absl::Status structural(const ir::Node& node);
  absl::Status attribute(const ir::Node& node);
  absl::Status list(const ir::Node& node);
  absl::Status dict(const ir::Node& node);
  absl::Status tuple(const ir::Node& node);
  absl::Status tuple_index(const ir::Node& node);
  absl::Status is_instance(const ir::Node& node);
  absl::Status call_method(const ir::Node& node);
  absl::Status call_function(const ir::Node& node);
  absl::Status call_operator(const ir::Node& node);
  // True where an operator has a form of its own and was printed.
  absl::StatusOr<bool> special_operator(const ir::Node& node);
  absl::Status wrapped(std::string_view before, const ir::Value& value, std::string_view after);
  absl::Status arguments(const ir::Node& node, size_t first_input, const c10::FunctionSchema* schema,
                         size_t first_argument, size_t count);
  absl::Status sequence(const ir::Node& node, size_t first);
  std::string annotation(const ir::Value& value) { return program_.annotation(*value.type()); }

  absl::Status unprintable(const ir::Node& node, std::string_view why) const;

  ProgramNames& program_;
  ConstantTable& constants_;
  std::unordered_map<const ir::Operator*, int>& operators_;
  SourceText& out_;
  const InlinePlan* plan_ = nullptr;
  ValueNames* names_ = nullptr;
  // Inputs of closures: what they capture.
  std::unordered_map<const ir::Value*, const ir::Value*> captured_;
  std::unordered_set<std::string> closures_;
  std::string function_name_;
  // Ranges of the expressions around the one that is being printed.
  std::vector<support::SourceRange> ranges_;
};

// How many of an operator's arguments its text has to show: constants at the end that are the defaults are left out,
// where the call still means this operator.
size_t needed_arguments(const ir::Node& node);
// The same for a function's or method's; `first_input` stands for the argument `first_argument`.
size_t needed_arguments(const ir::Node& node, size_t first_input, const c10::FunctionSchema& schema,
                        size_t first_argument);

}  // namespace vesta::frontend
