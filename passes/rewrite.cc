#include "passes/rewrite.h"

#include <algorithm>

namespace vesta::passes {

using c10::TypeKind;
using ir::Block;
using ir::Node;
using ir::Value;

const c10::IValue* constant_of(const Value* value) {
  static const c10::IValue none;
  const Node* node = value->node();
  if (node->kind() != c10::prim::Constant) return nullptr;
  const ir::AttributeValue* held = node->find(c10::attr::value);
  if (held == nullptr) return node->has(c10::attr::name) ? nullptr : &none;
  return std::get_if<c10::IValue>(held);
}

bool is_constant(const Value* value, bool wanted) {
  const c10::IValue* constant = constant_of(value);
  return constant != nullptr && constant->isBool() && constant->toBool() == wanted;
}

c10::TypePtr type_of_constant(const c10::IValue& value, const c10::TypePtr& declared) {
  if (value.isNone()) return c10::NoneType::get();
  if (const auto optional = declared->cast<c10::OptionalType>()) return optional->getElementType();
  return declared;
}

Value* constant_before(Node* node, c10::IValue value, const c10::TypePtr& declared) {
  c10::TypePtr type = type_of_constant(value, declared);
  Node* constant = node->graph()->create_constant(std::move(value), std::move(type));
  constant->set_place_of(*node);
  constant->insert_before(node);
  return constant->output();
}

void move_nodes_before(Node* node, Block* block) {
  while (Node* first = block->first()) first->insert_before(node);
}

std::vector<Value*> copy_nodes_before(Node* node, const Block& from, std::unordered_map<const Value*, Value*>& map,
                                      const std::function<void(Node*)>& visit) {
  Node* const holder = node->graph()->create(c10::prim::If, {}, 0);
  Block* const copy = holder->add_block();
  copy->append_copy(from, map);
  if (visit) for_each_node(copy, visit);
  std::vector<Value*> outputs(copy->outputs().begin(), copy->outputs().end());
  move_nodes_before(node, copy);
  holder->destroy();
  return outputs;
}

bool is_immutable(const c10::TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::IntType:
    case TypeKind::FloatType:
    case TypeKind::BoolType:
    case TypeKind::ComplexType:
    case TypeKind::NumberType:
    case TypeKind::StringType:
    case TypeKind::NoneType:
    case TypeKind::DeviceObjType:
    case TypeKind::EnumType:
    case TypeKind::FunctionType:
    case TypeKind::SymIntType:
    case TypeKind::SymFloatType:
    case TypeKind::SymBoolType:
    case TypeKind::LayoutType:
    case TypeKind::ScalarTypeType:
    case TypeKind::MemoryFormatType:
    case TypeKind::QSchemeType:
      return true;
    case TypeKind::OptionalType:
    case TypeKind::UnionType:
    case TypeKind::TupleType: {
      const auto parts = type->containedTypes();
      return std::all_of(parts.begin(), parts.end(), is_immutable);
    }
    default:
      return false;
  }
}

bool hands_on(const Node& node) {
  return node.kind() == c10::prim::GetAttr || node.kind() == c10::prim::TupleIndex ||
         node.kind() == c10::prim::TupleUnpack || node.kind() == c10::prim::unchecked_cast;
}

bool changes_modes(const ir::Graph& graph) {
  static const c10::Symbol set_grad_enabled = c10::Symbol::fromQualString("aten::set_grad_enabled");
  bool changes = false;
  for_each_node(graph.block(), [&](const Node* node) {
    changes = changes || node->kind() == c10::prim::Enter || node->kind() == c10::prim::Exit ||
              node->kind() == set_grad_enabled;
  });
  return changes;
}

const ir::Operator* operator_named(std::string_view name, std::string_view overload) {
  return ir::OperatorCatalog::standard().find(name, overload);
}

}  // namespace vesta::passes
