// Blocks are told apart by their words (`block0(`, `->`, `return`), not by indentation. Before a text is read,
// the numbers of values in it are looked at: values with names get numbers above all of those, so that numbers
// stay unique. A node with a subgraph is printed as `prim::fork_0`, and the subgraph behind the graph as
// `with prim::fork_0 = graph(...)`: the names after `with` are collected first.

#include "ir/ir_parser.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <ATen/core/function.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/constant_reader.h"
#include "ir/program.h"
#include "ir/support/status.h"
#include "ir/text_reader.h"
#include "ir/type_parser.h"

namespace vesta::ir {
namespace {

// Value numbers above this are refused: users of graphs index vectors by them.
constexpr size_t kMaxId = 100'000'000;

bool is_structural(Symbol kind) {
  static const std::unordered_set<std::string_view> kNames = {
#define VESTA_PRIM(name, min_inputs, max_inputs, outputs, blocks) "prim::" #name,
#include "ir/prim_ops.def"
#undef VESTA_PRIM
  };
  return kNames.count(kind.toQualString()) != 0;
}

// ---- Which overload

// How well a node fits a schema: the number of types that agree exactly; -1 where it does not fit.
class SchemaFit {
 public:
  SchemaFit(const Node& node, const c10::FunctionSchema& schema) : node_(node), schema_(schema) {}

  int score() {
    const auto& arguments = schema_.arguments();
    const size_t inputs = node_.inputs().size();
    if (inputs < arguments.size() || (inputs > arguments.size() && !schema_.is_vararg())) return -1;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (!fits(arguments[i].type(), node_.input(i)->type())) return -1;
    }
    const auto& results = schema_.returns();
    if (schema_.is_varret()) return score_;
    if (results.size() != node_.outputs().size()) return -1;
    for (size_t i = 0; i < results.size(); ++i) {
      const c10::TypePtr result = evaluated(results[i].type());
      score_ += result != nullptr && *result == *node_.output(i)->type() ? 1 : 0;
    }
    return score_;
  }

 private:
  c10::TypePtr evaluated(const c10::TypePtr& type) {
    return type->hasFreeVariables() ? c10::tryEvalTypeVariables(type, variables_) : type;
  }

  bool fits(c10::TypePtr formal, const c10::TypePtr& actual) {
    if (formal->hasFreeVariables()) {
      if (!c10::matchTypeVariables(formal, actual, variables_).success()) return false;
      formal = c10::tryEvalTypeVariables(formal, variables_);
      if (formal == nullptr) return true;  // an optional of a variable, given None
    }
    if (!actual->isSubtypeOf(*formal)) return false;
    score_ += *actual == *formal ? 1 : 0;
    return true;
  }

  const Node& node_;
  const c10::FunctionSchema& schema_;
  c10::TypeEnv variables_;
  int score_ = 0;
};

// ---- The parser

// What one graph's text has defined so far.
struct Scope {
  Graph* graph = nullptr;
  std::unordered_map<std::string, Value*> visible;
  std::unordered_set<std::string> defined;
  std::vector<std::string> order;  // of `visible`, to leave blocks
};

class GraphParser {
 public:
  GraphParser(std::shared_ptr<const support::Source> source, const IrParseOptions& options)
      : text_(std::move(source)), options_(options), constants_(text_, options.make_tensor) {}

  absl::StatusOr<std::shared_ptr<Graph>> parse();

 private:
  void look_ahead();
  absl::StatusOr<std::shared_ptr<Graph>> graph();
  absl::Status subgraph();
  absl::Status block(Scope& scope, Block* block, int64_t depth);
  absl::Status node(Scope& scope, Block* block, int64_t depth);
  absl::Status node_kind(Symbol& kind, std::string& subgraph);
  absl::Status finish_node(Node* node);
  absl::Status declared_values(std::vector<std::pair<std::string, c10::TypePtr>>& values, std::string_view end);
  absl::Status name_value(Scope& scope, Value* value, const std::string& name);
  absl::StatusOr<std::vector<Value*>> used_values(Scope& scope);
  absl::StatusOr<c10::TypePtr> type();
  absl::Status attributes(Node* node, const c10::TypePtr& output_type);
  absl::StatusOr<AttributeValue> attribute_value();
  absl::StatusOr<AttributeValue> attribute_element();
  absl::StatusOr<AttributeValue> attribute_list();
  absl::StatusOr<AttributeValue> attribute_number();
  absl::Status resolve(Node* node);

  TextReader text_;
  const IrParseOptions& options_;
  ConstantReader constants_;
  TypeResolver types_;
  std::unordered_set<std::string> subgraph_names_;          // behind `with`
  std::unordered_map<std::string, Node*> subgraph_owners_;  // nodes that wait for theirs
  size_t next_named_id_ = 0;
  int64_t nodes_ = 0;
};

// Finds the largest number of a value and the names of subgraphs.
void GraphParser::look_ahead() {
  const std::string_view text = text_.text();
  for (size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    size_t id = 0, end = at + 1;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0 && id <= kMaxId) {
      id = id * 10 + static_cast<size_t>(text[end++] - '0');
    }
    if (id <= kMaxId) next_named_id_ = std::max(next_named_id_, id + 1);
  }
  constexpr std::string_view kWith = "\nwith ";
  for (size_t at = text.find(kWith); at != std::string_view::npos; at = text.find(kWith, at + 1)) {
    text_.set_position(at + kWith.size());
    subgraph_names_.emplace(text_.word(":."));
  }
  text_.set_position(0);
}

absl::StatusOr<std::shared_ptr<Graph>> GraphParser::parse() {
  types_ = [known = resolver_of(options_.program)](std::string_view name) -> c10::TypePtr {
    // The type of a function's constant follows from the function's name: see finish_node.
    if (name == "Function") return c10::AnyType::get();
    return known(name);
  };
  if (static_cast<int64_t>(text_.text().size()) > options_.limits.source_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("a graph's text of ", text_.text().size(),
                                                     " bytes is above the limit of ", options_.limits.source_bytes));
  }
  look_ahead();
  VESTA_ASSIGN_OR_RETURN(std::shared_ptr<Graph> main, graph());
  while (text_.peek("with ")) VESTA_RETURN_IF_ERROR(subgraph());
  if (!text_.at_end()) return text_.expected("the end of the graph");
  if (!subgraph_owners_.empty()) {
    const auto& [name, owner] = *subgraph_owners_.begin();
    return support::error_at(owner->range(),
                             absl::StrCat("the graph of '", name, "' is missing: 'with ", name, " = graph(...)'"));
  }
  return main;
}

// graph(%x : Tensor): nodes return (%y)
absl::StatusOr<std::shared_ptr<Graph>> GraphParser::graph() {
  auto graph = std::make_shared<Graph>();
  Scope scope;
  scope.graph = graph.get();
  std::vector<std::pair<std::string, c10::TypePtr>> inputs;
  VESTA_RETURN_IF_ERROR(text_.expect("graph"));
  VESTA_RETURN_IF_ERROR(text_.expect("("));
  VESTA_RETURN_IF_ERROR(declared_values(inputs, ")"));
  VESTA_RETURN_IF_ERROR(text_.expect(":"));
  for (auto& [name, type] : inputs) VESTA_RETURN_IF_ERROR(name_value(scope, graph->add_input(std::move(type)), name));
  VESTA_RETURN_IF_ERROR(block(scope, graph->block(), 0));
  VESTA_RETURN_IF_ERROR(text_.expect("return"));
  VESTA_ASSIGN_OR_RETURN(const std::vector<Value*> outputs, used_values(scope));
  for (Value* output : outputs) graph->add_output(output);
  return graph;
}

// with prim::fork_0 = graph(...)...
absl::Status GraphParser::subgraph() {
  text_.take("with");
  text_.skip_blanks();
  const size_t begin = text_.position();
  const std::string name(text_.word(":."));
  const auto owner = subgraph_owners_.find(name);
  if (owner == subgraph_owners_.end()) {
    return support::error_at(text_.range_from(begin), absl::StrCat("no node before here is called '", name, "'"));
  }
  Node* node = owner->second;
  subgraph_owners_.erase(owner);
  VESTA_RETURN_IF_ERROR(text_.expect("="));
  VESTA_ASSIGN_OR_RETURN(std::shared_ptr<Graph> graph, this->graph());
  node->set(attr::Subgraph, std::move(graph));
  return absl::OkStatus();
}

// Nodes up to the word that ends the block, which is left to the caller.
absl::Status GraphParser::block(Scope& scope, Block* block, int64_t depth) {
  if (depth > options_.limits.source_nesting) {
    return support::error_at(absl::StatusCode::kResourceExhausted, text_.here(),
                             absl::StrCat("blocks nest deeper than ", options_.limits.source_nesting, " levels"));
  }
  while (text_.peek("%") || text_.peek("=")) VESTA_RETURN_IF_ERROR(node(scope, block, depth));
  return absl::OkStatus();
}

// %a : int, %b : int = ns::kind[attribute=1](%x, %y) block0(...): ...
absl::Status GraphParser::node(Scope& scope, Block* block, int64_t depth) {
  text_.skip_blanks();
  const size_t begin = text_.position();
  if (++nodes_ > options_.limits.ir_nodes) {
    return support::error_at(absl::StatusCode::kResourceExhausted, text_.here(),
                             absl::StrCat("the graph has more than ", options_.limits.ir_nodes, " nodes"));
  }
  std::vector<std::pair<std::string, c10::TypePtr>> outputs;
  VESTA_RETURN_IF_ERROR(declared_values(outputs, "="));
  Symbol kind;
  std::string subgraph;
  VESTA_RETURN_IF_ERROR(node_kind(kind, subgraph));
  Node* node = scope.graph->create(kind, std::initializer_list<Value*>{}, 0);
  block->append(node);
  VESTA_RETURN_IF_ERROR(attributes(node, outputs.empty() ? nullptr : outputs[0].second));
  VESTA_ASSIGN_OR_RETURN(const std::vector<Value*> inputs, used_values(scope));
  node->set_range(text_.range_from(begin));
  if (!subgraph.empty() && !subgraph_owners_.emplace(subgraph, node).second) {
    return support::error_at(node->range(), absl::StrCat("a second node is called '", subgraph, "'"));
  }
  for (Value* input : inputs) node->add_input(input);
  for (size_t i = 0; text_.peek("block"); ++i) {
    const size_t mark = scope.order.size();
    VESTA_RETURN_IF_ERROR(text_.expect(absl::StrCat("block", i)));
    VESTA_RETURN_IF_ERROR(text_.expect("("));
    std::vector<std::pair<std::string, c10::TypePtr>> block_inputs;
    VESTA_RETURN_IF_ERROR(declared_values(block_inputs, ")"));
    VESTA_RETURN_IF_ERROR(text_.expect(":"));
    Block* inner = node->add_block();
    for (auto& [name, type] : block_inputs) {
      VESTA_RETURN_IF_ERROR(name_value(scope, inner->add_input(std::move(type)), name));
    }
    VESTA_RETURN_IF_ERROR(this->block(scope, inner, depth + 1));
    VESTA_RETURN_IF_ERROR(text_.expect("->"));
    VESTA_ASSIGN_OR_RETURN(const std::vector<Value*> yielded, used_values(scope));
    for (Value* value : yielded) inner->add_output(value);
    for (; scope.order.size() > mark; scope.order.pop_back()) scope.visible.erase(scope.order.back());
  }
  for (auto& [name, type] : outputs) {
    VESTA_RETURN_IF_ERROR(name_value(scope, node->add_output(std::move(type)), name));
  }
  return finish_node(node);
}

// "prim::fork_0" is kind prim::fork with the subgraph of that name, if `with prim::fork_0` follows somewhere.
absl::Status GraphParser::node_kind(Symbol& kind, std::string& subgraph) {
  text_.skip_blanks();
  const size_t begin = text_.position();
  std::string name(text_.word(":."));
  const size_t colons = name.find("::");
  if (colons == std::string::npos || colons == 0 || colons + 2 == name.size() ||
      name.find(':', colons + 2) != std::string::npos) {
    text_.set_position(begin);
    return text_.expected("the name of an operator, such as 'aten::add'");
  }
  if (subgraph_names_.count(name) != 0) {
    subgraph = name;
    // The printer puts "_0" behind the name of the operator; an underscore of the namespace is no part of that.
    const size_t underscore = name.rfind('_');
    if (underscore != std::string::npos && underscore > colons + 2) name.resize(underscore);
  }
  kind = Symbol::fromQualString(name);
  return absl::OkStatus();
}

absl::Status GraphParser::finish_node(Node* node) {
  if (node->kind() == prim::Constant && node->has(attr::name)) {
    const auto* name = std::get_if<std::string>(node->find(attr::name));
    Function* function =
        options_.program != nullptr && name != nullptr ? options_.program->find_function(*name) : nullptr;
    if (function == nullptr || node->outputs().size() != 1) {
      return support::error_at(node->range(),
                               absl::StrCat("there is no function '", name != nullptr ? *name : "", "'"));
    }
    node->output()->set_type(c10::FunctionType::create(function));
  }
  return resolve(node);
}

// `%a : int, %b : Tensor` up to and with `end`; may be none.
absl::Status GraphParser::declared_values(std::vector<std::pair<std::string, c10::TypePtr>>& values,
                                          std::string_view end) {
  while (!text_.take(end)) {
    if (!values.empty()) VESTA_RETURN_IF_ERROR(text_.expect(","));
    VESTA_RETURN_IF_ERROR(text_.expect("%"));
    std::string name(text_.word("."));
    if (name.empty()) return text_.expected("a value's name");
    VESTA_RETURN_IF_ERROR(text_.expect(":"));
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, this->type());
    values.emplace_back(std::move(name), std::move(type));
  }
  return absl::OkStatus();
}

absl::Status GraphParser::name_value(Scope& scope, Value* value, const std::string& name) {
  if (!scope.defined.insert(name).second) {
    return support::error_at(text_.here(), absl::StrCat("'%", name, "' is defined twice before here"));
  }
  scope.visible.emplace(name, value);
  scope.order.push_back(name);
  size_t id = 0;
  if (std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
    const bool canonical = name == "0" || name[0] != '0';
    if (!canonical || !absl::SimpleAtoi(name, &id) || id > kMaxId) {
      return support::error_at(text_.here(), absl::StrCat("'%", name, "' is no number of a value"));
    }
    scope.graph->set_id(value, id);
    return absl::OkStatus();
  }
  scope.graph->set_id(value, next_named_id_++);
  value->set_name(name);
  if (value->name() == name) return absl::OkStatus();
  return support::error_at(text_.here(), absl::StrCat("'%", name, "' is no name of a value"));
}

// (%a, %b)
absl::StatusOr<std::vector<Value*>> GraphParser::used_values(Scope& scope) {
  std::vector<Value*> values;
  VESTA_RETURN_IF_ERROR(text_.expect("("));
  while (!text_.take(")")) {
    if (!values.empty()) VESTA_RETURN_IF_ERROR(text_.expect(","));
    text_.skip_blanks();
    const size_t begin = text_.position();
    VESTA_RETURN_IF_ERROR(text_.expect("%"));
    const std::string name(text_.word("."));
    const auto found = scope.visible.find(name);
    if (found == scope.visible.end()) {
      const char* why =
          scope.defined.count(name) != 0 ? "' is not visible here: it belongs to another block" : "' is not defined";
      return support::error_at(text_.range_from(begin), absl::StrCat("'%", name, why));
    }
    values.push_back(found->second);
  }
  return values;
}

absl::StatusOr<c10::TypePtr> GraphParser::type() {
  text_.skip_blanks();
  const support::SourceRange begin = text_.here();
  size_t position = text_.position();
  absl::StatusOr<c10::TypePtr> type = parse_type_at(text_.text(), position, types_, options_.limits);
  if (!type.ok()) {
    // The type parser's message quotes the whole text it was given, so it is told anew.
    const bool too_deep = type.status().code() == absl::StatusCode::kResourceExhausted;
    return support::error_at(type.status().code(), begin,
                             too_deep ? "this type nests too deep" : "this is no known type");
  }
  text_.set_position(position);
  return type;
}

// [name="x", beg=1, types=[int, str]]
absl::Status GraphParser::attributes(Node* node, const c10::TypePtr& output_type) {
  if (!text_.take("[")) return absl::OkStatus();
  for (bool first = true; !text_.take("]"); first = false) {
    if (!first) VESTA_RETURN_IF_ERROR(text_.expect(","));
    const std::string name(text_.word());
    if (name.empty()) return text_.expected("an attribute's name");
    VESTA_RETURN_IF_ERROR(text_.expect("="));
    const Symbol symbol = Symbol::attr(name);
    if (node->has(symbol)) return text_.expected(absl::StrCat("one attribute '", name, "' only, before here"));
    if (node->kind() == prim::Constant && symbol == attr::value && output_type != nullptr) {
      VESTA_ASSIGN_OR_RETURN(c10::IValue value, constants_.read(output_type));
      node->set(symbol, std::move(value));
    } else {
      VESTA_ASSIGN_OR_RETURN(AttributeValue value, attribute_value());
      node->set(symbol, std::move(value));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<AttributeValue> GraphParser::attribute_number() {
  const size_t begin = text_.position();
  const std::string word(text_.word(".+-"));
  int64_t integer = 0;
  double number = 0;
  if (word.find_first_of(".en") == std::string::npos && absl::SimpleAtoi(word, &integer))
    return AttributeValue(integer);
  if (absl::SimpleAtod(word, &number)) return AttributeValue(number);
  text_.set_position(begin);
  return text_.expected("a number");
}

absl::StatusOr<AttributeValue> GraphParser::attribute_value() {
  return text_.peek("[") ? attribute_list() : attribute_element();
}

absl::StatusOr<AttributeValue> GraphParser::attribute_element() {
  text_.skip_blanks();
  const char next = text_.at_end() ? '\0' : text_.text()[text_.position()];
  if (next == '"') {
    VESTA_ASSIGN_OR_RETURN(std::string value, text_.quoted());
    return AttributeValue(std::move(value));
  }
  const size_t begin = text_.position();
  const std::string_view word = text_.word("-");
  text_.set_position(begin);
  const bool is_number =
      std::isdigit(static_cast<unsigned char>(next)) != 0 || next == '-' || word == "inf" || word == "nan";
  if (is_number) return attribute_number();
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, this->type());
  return AttributeValue(std::move(type));
}

// Ints, strings or types, by the first element; an empty list is one of ints.
absl::StatusOr<AttributeValue> GraphParser::attribute_list() {
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  std::vector<c10::TypePtr> types;
  VESTA_RETURN_IF_ERROR(text_.expect("["));
  for (bool first = true; !text_.take("]"); first = false) {
    if (!first) VESTA_RETURN_IF_ERROR(text_.expect(","));
    VESTA_ASSIGN_OR_RETURN(AttributeValue value, attribute_element());
    if (auto* text = std::get_if<std::string>(&value)) {
      strings.push_back(std::move(*text));
    } else if (const auto* number = std::get_if<int64_t>(&value)) {
      ints.push_back(*number);
    } else if (auto* type = std::get_if<c10::TypePtr>(&value)) {
      types.push_back(std::move(*type));
    } else {
      return text_.expected("a list of ints, strings or types before here");
    }
  }
  const int kinds = (ints.empty() ? 0 : 1) + (strings.empty() ? 0 : 1) + (types.empty() ? 0 : 1);
  if (kinds > 1) return text_.expected("a list of elements of one kind before here");
  if (!strings.empty()) return AttributeValue(std::move(strings));
  if (!types.empty()) return AttributeValue(std::move(types));
  return AttributeValue(std::move(ints));
}

absl::Status GraphParser::resolve(Node* node) {
  if (options_.catalog == nullptr || is_structural(node->kind())) return absl::OkStatus();
  node->set_op(find_operator_of(*node, *options_.catalog));
  if (node->op() != nullptr) return absl::OkStatus();
  const std::string name = node->kind().toQualString();
  if (options_.catalog->candidates(name).empty()) {
    return support::error_at(node->range(), absl::StrCat("unknown operator '", name, "'"));
  }
  const std::string types = absl::StrJoin(
      node->inputs(), ", ", [](std::string* out, const Value* input) { out->append(input->type()->str()); });
  return support::error_at(node->range(), absl::StrCat("no overload of '", name, "' takes (", types, ") and gives ",
                                                       node->outputs().size(), " values"));
}

}  // namespace

const Operator* find_operator_of(const Node& node, const OperatorCatalog& catalog) {
  const Operator* best = nullptr;
  int best_score = -1;
  for (const Operator* candidate : catalog.candidates(node.kind().toQualString())) {
    const int score = SchemaFit(node, candidate->schema).score();
    if (score <= best_score) continue;
    best = candidate;
    best_score = score;
  }
  return best;
}

absl::StatusOr<std::shared_ptr<Graph>> parse_graph(std::shared_ptr<const support::Source> source,
                                                   const IrParseOptions& options) {
  return GraphParser(std::move(source), options).parse();
}

absl::StatusOr<std::shared_ptr<Graph>> parse_graph(std::string_view text, const IrParseOptions& options) {
  return parse_graph(std::make_shared<support::Source>(support::Source{std::string(text), "graph.ir", 1}), options);
}

}  // namespace vesta::ir
