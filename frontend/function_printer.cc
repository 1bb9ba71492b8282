// Statements. Every value has a name of its own, but for what a loop carries: its input, its last value and what comes
// out of it share one. So does what an `if` yields, which both branches assign at their end.

#include "frontend/function_printer.h"

#include "absl/strings/str_cat.h"
#include "frontend/types.h"
#include "ir/operator.h"
#include "ir/support/status.h"

namespace vesta::frontend {

absl::Status FunctionPrinter::unprintable(const ir::Node& node, std::string_view why) const {
  std::string message = absl::StrCat("'", function_name_, "' cannot be written as source: '",
                                     std::string(node.kind().toQualString()), "' ", std::string(why));
  if (node.range().known()) return support::error_at(absl::StatusCode::kUnimplemented, node.range(), message);
  return absl::UnimplementedError(message);
}

void FunctionPrinter::signature(const c10::FunctionSchema& schema, std::string_view name,
                                const std::vector<std::string>& parameters, std::string_view self_type, int depth) {
  out_.line(depth);
  out_ << "def " << name << "(";
  bool keyword_only = false;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    if (i > 0) {
      out_ << ",\n";
      out_.line(depth + 1);
    }
    if (argument.kwarg_only() && !keyword_only) {
      out_ << "*,\n";
      out_.line(depth + 1);
      keyword_only = true;
    }
    out_ << parameters[i] << ": ";
    if (i == 0 && !self_type.empty()) {
      out_ << self_type;
    } else {
      out_ << program_.annotation(*argument.type());
    }
    if (argument.default_value().has_value())
      out_ << "=" << literal(*argument.default_value(), nullptr, program_, constants_);
  }
  out_ << ") -> ";
  out_ << (schema.returns().empty() ? "NoneType" : program_.annotation(*schema.returns()[0].type()));
  out_ << ":\n";
}

absl::Status FunctionPrinter::print_declaration(const c10::FunctionSchema& schema, std::string_view self_type,
                                                int depth) {
  std::vector<std::string> parameters;
  for (const c10::Argument& argument : schema.arguments()) parameters.push_back(argument.name());
  signature(schema, schema.name(), parameters, self_type, depth);
  out_.line(depth + 1);
  out_ << "pass\n";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::print(const ir::Function& function, std::string_view name, bool is_method, int depth) {
  function_name_ = function.qualname().qualifiedName();
  if (function.graph() == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("'", function_name_, "' cannot be written as source: it calls operators that are not known"));
  }
  const std::shared_ptr<ir::Graph> graph = function.graph()->copy();
  make_loops_printable(*graph);
  const InlinePlan plan(*graph);
  ValueNames names(
      *graph, [&plan](const ir::Node& node) { return node.kind() != ir::prim::Constant && !plan.is_inline(&node); });
  plan_ = &plan;
  names_ = &names;
  const c10::FunctionSchema& schema = function.schema();
  if (graph->inputs().size() != schema.arguments().size() || graph->outputs().size() != 1) {
    return absl::InternalError(absl::StrCat("the graph of '", function_name_, "' does not fit its schema"));
  }
  std::vector<std::string> parameters;
  for (size_t i = 0; i < graph->inputs().size(); ++i)
    parameters.push_back(names.parameter(graph->inputs()[i], schema.arguments()[i].name()));
  const std::string self_type = is_method ? program_.annotation(*schema.arguments()[0].type()) : "";
  signature(schema, name, parameters, self_type, depth);
  VESTA_RETURN_IF_ERROR(block(*graph->block(), depth + 1));
  out_.line(depth + 1);
  out_ << "return ";
  VESTA_RETURN_IF_ERROR(use(*graph->outputs()[0]));
  out_ << "\n";
  return absl::OkStatus();
}

namespace {

// The end of the `with` that this node begins, in the same block; null where there is none that a statement can say.
const ir::Node* matching_exit(const ir::Node& enter) {
  int open = 0;  // of the same object
  for (const ir::Node* node = enter.next(); node != nullptr; node = node->next()) {
    const bool same = !node->inputs().empty() && node->input(0) == enter.input(0);
    if (same && node->kind() == ir::prim::Enter) ++open;
    if (same && node->kind() == ir::prim::Exit && open-- == 0) return node->output()->has_uses() ? nullptr : node;
  }
  return nullptr;
}

}  // namespace

absl::Status FunctionPrinter::block(const ir::Block& block, int depth) {
  return statements(block.first(), nullptr, depth);
}

absl::Status FunctionPrinter::statements(const ir::Node* first, const ir::Node* end, int depth) {
  for (const ir::Node* node = first; node != end; node = node->next()) {
    if (node->kind() == ir::prim::Constant || plan_->is_inline(node)) continue;
    const ir::Node* exit = node->kind() == ir::prim::Enter ? matching_exit(*node) : nullptr;
    if (exit != nullptr && (end == nullptr || exit->is_before(end))) {
      VESTA_RETURN_IF_ERROR(with_statement(*node, *exit, depth));
      node = exit;
      continue;
    }
    VESTA_RETURN_IF_ERROR(statement(*node, depth));
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::with_statement(const ir::Node& enter, const ir::Node& exit, int depth) {
  out_.line(depth);
  out_.mark(exit.range());
  out_ << "with ";
  out_.mark(plan_->place(enter));
  VESTA_RETURN_IF_ERROR(use(*enter.input(0)));
  if (enter.output()->has_uses() || enter.output()->has_name()) out_ << " as " << names_->declare(enter.output());
  out_ << ":\n";
  const size_t before = out_.text().size();
  VESTA_RETURN_IF_ERROR(statements(enter.next(), &exit, depth + 1));
  if (out_.text().size() == before) {
    out_.line(depth + 1);
    out_ << "pass\n";
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::statement(const ir::Node& node, int depth) {
  if (node.kind() == ir::prim::If) return if_statement(node, depth);
  if (node.kind() == ir::prim::Loop) return loop(node, depth);
  if (node.kind() == ir::prim::SetAttr) return set_attribute(node, depth);
  if (node.find(ir::attr::Subgraph) != nullptr) return closure(node, depth);
  out_.line(depth);
  const size_t count = node.outputs().size();
  const bool unpacks = node.kind() == ir::prim::TupleUnpack || node.kind() == ir::prim::ListUnpack;
  if (unpacks) {
    out_.mark(node.range());
    if (count == 0) return unprintable(node, "gives nothing");
  }
  if (is_plain_tuple(node)) out_.mark(node.range());  // It is made by the assignment.
  const bool unused = count == 1 && !node.output()->has_uses() && !node.output()->has_name();
  if (count > 0 && (!unused || unpacks)) {
    const std::string automatic = count == 1 ? automatic_name(*node.output()) : "";
    for (size_t i = 0; i < count; ++i) {
      out_ << (i > 0 ? ", " : "")
           << (automatic.empty() ? names_->declare(node.output(i)) : names_->declare_as(node.output(i), automatic));
    }
    out_ << (count == 1 && unpacks ? ", = " : " = ");
  }
  VESTA_RETURN_IF_ERROR(unpacks ? use(*node.input(0)) : expression(node));
  out_ << "\n";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::set_attribute(const ir::Node& node, int depth) {
  const std::string& name = node.s(ir::attr::name);
  if (!is_plain_name(name)) return unprintable(node, absl::StrCat("assigns '", name, "', which is no identifier"));
  out_.line(depth);
  out_.mark(node.range());
  VESTA_RETURN_IF_ERROR(base(*node.input(0)));
  out_ << "." << name << " = ";
  VESTA_RETURN_IF_ERROR(use(*node.input(1)));
  out_ << "\n";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::assign(const std::string& target, const ir::Value& value, const c10::TypePtr& type,
                                     int depth) {
  out_.line(depth);
  if (is_plain_tuple(*value.node()) && plan_->is_inline(value.node())) out_.mark(value.node()->range());
  out_ << target << " = ";
  VESTA_RETURN_IF_ERROR(use_as(value, type));
  out_ << "\n";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::if_statement(const ir::Node& node, int depth) {
  for (const ir::Value* output : node.outputs()) names_->declare(output);
  out_.line(depth);
  out_.mark(node.range());
  out_ << "if ";
  VESTA_RETURN_IF_ERROR(use(*node.input(0)));
  out_ << ":\n";
  VESTA_RETURN_IF_ERROR(branch(node, 0, depth + 1));
  const ir::Block& otherwise = *node.block(1);
  bool empty = node.outputs().empty();
  for (const ir::Node* inner : otherwise.nodes()) empty = empty && inner->kind() == ir::prim::Constant;
  if (empty) return absl::OkStatus();
  out_.line(depth);
  out_ << "else:\n";
  return branch(node, 1, depth + 1);
}

absl::Status FunctionPrinter::branch(const ir::Node& node, size_t side, int depth) {
  const size_t before = out_.text().size();
  VESTA_RETURN_IF_ERROR(block(*node.block(side), depth));
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    const ir::Value& yielded = *node.block(side)->outputs()[i];
    const c10::TypePtr& type = node.output(i)->type();
    // Both sides together tell the type, mostly.
    const std::optional<c10::TypePtr> unified = c10::unifyTypes(
        node.block(0)->outputs()[i]->type(), node.block(1)->outputs()[i]->type(), /*default_to_union=*/true);
    const bool told = unified.has_value() && program_.annotation(**unified) == program_.annotation(*type);
    VESTA_RETURN_IF_ERROR(assign(*names_->find(node.output(i)), yielded, told ? yielded.type() : type, depth));
  }
  if (out_.text().size() == before) {
    out_.line(depth);
    out_ << "pass\n";
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::loop(const ir::Node& node, int depth) {
  const ir::Block& body = *node.block(0);
  const bool counts = loop_form(node) == LoopForm::kFor;
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    const ir::Value* named = node.output(i)->has_name() ? node.output(i) : body.inputs()[i + 1];
    const std::string name = names_->declare(node.output(i), named);
    names_->alias(body.inputs()[i + 1], name);
    VESTA_RETURN_IF_ERROR(assign(name, *node.input(i + 2), body.inputs()[i + 1]->type(), depth));
  }
  std::string condition;
  if (counts) {
    const std::string variable = names_->declare(body.inputs()[0]);
    out_.line(depth);
    out_ << "for " << variable << " in ";
    out_.mark(node.range());
    out_ << "range(";
    VESTA_RETURN_IF_ERROR(use(*node.input(0)));
    out_ << "):\n";
  } else {
    condition = names_->name_like(condition_name(node));
    VESTA_RETURN_IF_ERROR(assign(condition, *node.input(1), node.input(1)->type(), depth));
    out_.line(depth);
    out_ << "while ";
    out_.mark(node.range());
    out_ << condition << ":\n";
  }
  return loop_body(node, condition, depth + 1);
}

// What is carried is assigned at once: a later value may be computed from what an earlier one replaces.
absl::Status FunctionPrinter::loop_body(const ir::Node& node, const std::string& condition, int depth) {
  const ir::Block& body = *node.block(0);
  const size_t before = out_.text().size();
  VESTA_RETURN_IF_ERROR(block(body, depth));
  std::vector<std::pair<std::string, const ir::Value*>> next;
  if (!condition.empty()) next.emplace_back(condition, body.outputs()[0]);
  for (size_t i = 0; i < node.outputs().size(); ++i)
    next.emplace_back(*names_->find(node.output(i)), body.outputs()[i + 1]);
  if (!next.empty()) {
    out_.line(depth);
    for (size_t i = 0; i < next.size(); ++i) out_ << (i > 0 ? ", " : "") << next[i].first;
    out_ << " = ";
    for (size_t i = 0; i < next.size(); ++i) {
      out_ << (i > 0 ? ", " : "");
      VESTA_RETURN_IF_ERROR(use(*next[i].second));
    }
    out_ << "\n";
  }
  if (out_.text().size() == before) {
    out_.line(depth);
    out_ << "pass\n";
  }
  return absl::OkStatus();
}

// A forked graph becomes a function without parameters: it reads what is around it by name.
absl::Status FunctionPrinter::closure(const ir::Node& node, int depth) {
  const ir::Graph& graph = *std::get<std::shared_ptr<ir::Graph>>(*node.find(ir::attr::Subgraph));
  const bool forks = node.kind() == ir::prim::fork;
  if (graph.inputs().size() != node.inputs().size() || graph.outputs().size() != 1 || node.outputs().size() != 1)
    return unprintable(node, "has a body that does not fit it");
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const ir::Value* inner = graph.inputs()[i];
    const ir::Value* outer = node.input(i);
    while (captured_.contains(outer)) outer = captured_.at(outer);
    captured_[inner] = outer;
  }
  const std::string stem = forks ? "__forked_function" : "__awaitable_function";
  std::string name = stem;
  for (size_t i = 0; !closures_.insert(name).second; ++i) name = absl::StrCat(stem, i);
  out_.line(depth);
  out_ << "def " << name << "():\n";
  VESTA_RETURN_IF_ERROR(block(*graph.block(), depth + 1));
  out_.line(depth + 1);
  out_ << "return ";
  VESTA_RETURN_IF_ERROR(use(*graph.outputs()[0]));
  out_ << "\n";
  out_.line(depth);
  if (node.output()->has_uses() || node.output()->has_name()) out_ << names_->declare(node.output()) << " = ";
  out_.mark(node.range());
  out_ << (forks ? "fork(" : "awaitable(") << name << ")\n";
  return absl::OkStatus();
}

}  // namespace vesta::frontend
