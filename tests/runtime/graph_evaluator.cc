#include "tests/runtime/graph_evaluator.h"

#include <map>
#include <stdexcept>
#include <string>

namespace vesta::runtime::testing {
namespace {

using c10::IValue;
using ir::Block;
using ir::Node;
using ir::Value;

// Rounded towards minus infinity.
int64_t quotient(int64_t x, int64_t y) { return x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0); }

class Evaluator {
 public:
  std::map<const Value*, IValue> values;

  std::vector<IValue> run(const Block& block) {
    for (const Node* node : block.nodes()) visit(node);
    std::vector<IValue> results;
    for (const Value* output : block.outputs()) results.push_back(values.at(output));
    return results;
  }

 private:
  int64_t integer(const Node* node, size_t i) { return values.at(node->input(i)).toInt(); }
  bool boolean(const Node* node, size_t i) { return values.at(node->input(i)).toBool(); }

  void visit(const Node* node) {
    const std::string kind = node->kind().toQualString();
    if (kind == "prim::If") return define(node, run(*node->block(boolean(node, 0) ? 0 : 1)));
    if (kind == "prim::Loop") return loop(node);
    if (kind == "prim::TupleUnpack") return define(node, values.at(node->input(0)).toTupleRef().elements().vec());
    if (node->outputs().empty()) return apply(node, kind);
    values[node->output()] = compute(node, kind);
  }

  void define(const Node* node, const std::vector<IValue>& results) {
    for (size_t i = 0; i < node->outputs().size(); ++i) values[node->output(i)] = results.at(i);
  }

  void loop(const Node* node) {
    const Block& body = *node->block(0);
    std::vector<IValue> carried;
    for (size_t i = 2; i < node->inputs().size(); ++i) carried.push_back(values.at(node->input(i)));
    bool go_on = boolean(node, 1);
    for (int64_t i = 0; go_on && i < integer(node, 0); ++i) {
      values[body.inputs()[0]] = i;
      for (size_t k = 0; k < carried.size(); ++k) values[body.inputs()[k + 1]] = carried[k];
      std::vector<IValue> results = run(body);
      go_on = results[0].toBool();
      carried.assign(results.begin() + 1, results.end());
    }
    define(node, carried);
  }

  void apply(const Node* node, const std::string& kind) {
    if (kind != "aten::append") throw std::logic_error("unknown node " + kind);
    values.at(node->input(0)).toIntList().push_back(integer(node, 1));
  }

  IValue compute(const Node* node, const std::string& kind) {
    if (kind == "prim::Constant") {
      return node->has(ir::attr::value) ? node->get<IValue>(ir::attr::value) : IValue();
    }
    if (kind == "prim::TupleConstruct") {
      std::vector<IValue> elements;
      for (const Value* input : node->inputs()) elements.push_back(values.at(input));
      return c10::ivalue::Tuple::create(std::move(elements));
    }
    if (kind == "prim::ListConstruct") {
      c10::List<int64_t> list;
      for (size_t i = 0; i < node->inputs().size(); ++i) list.push_back(integer(node, i));
      return list;
    }
    if (kind == "prim::unchecked_cast") return values.at(node->input(0));
    if (kind == "aten::__is__") return values.at(node->input(0)).isNone();
    if (kind == "aten::len") return static_cast<int64_t>(values.at(node->input(0)).toListRef().size());
    if (kind == "aten::__getitem__") {
      const auto elements = values.at(node->input(0)).toListRef();
      const int64_t i = integer(node, 1);
      return elements[static_cast<size_t>(i < 0 ? i + static_cast<int64_t>(elements.size()) : i)];
    }
    if (kind == "aten::__not__") return !boolean(node, 0);
    const int64_t x = integer(node, 0);
    const int64_t y = integer(node, 1);
    if (kind == "aten::add") return x + y;
    if (kind == "aten::sub") return x - y;
    if (kind == "aten::mul") return x * y;
    if (kind == "aten::remainder") return x - y * quotient(x, y);
    if (kind == "aten::floordiv") return quotient(x, y);
    if (kind == "aten::__and__") return x & y;
    if (kind == "aten::lt") return x < y;
    if (kind == "aten::ge") return x >= y;
    if (kind == "aten::eq") return x == y;
    throw std::logic_error("unknown node " + kind);
  }
};

}  // namespace

std::vector<IValue> evaluate(const ir::Graph& graph, const std::vector<IValue>& arguments) {
  Evaluator evaluator;
  for (size_t i = 0; i < arguments.size(); ++i) evaluator.values[graph.inputs()[i]] = arguments[i];
  return evaluator.run(*graph.block());
}

}  // namespace vesta::runtime::testing
