// One walk: values are numbered as they are defined.

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/native_encoder.h"

namespace vesta::serialization {

class NativeGraphEncoder {
 public:
  explicit NativeGraphEncoder(NativeEncoder& encoder) : encoder_(encoder) {}

  absl::StatusOr<std::unique_ptr<native::GraphT>> write(const ir::Graph& graph) {
    out_ = std::make_unique<native::GraphT>();
    VESTA_ASSIGN_OR_RETURN(out_->block, block(*graph.block()));
    return std::move(out_);
  }

 private:
  absl::Status define(const ir::Value* value) {
    numbers_.emplace(value, static_cast<uint32_t>(out_->types.size()));
    VESTA_ASSIGN_OR_RETURN(const uint32_t type, encoder_.type(value->type()));
    out_->types.push_back(type);
    out_->ids.push_back(static_cast<uint32_t>(value->id()));
    out_->value_names.push_back(value->has_name() ? encoder_.name(value->name()) : 0);
    return absl::OkStatus();
  }

  std::vector<uint32_t> numbers(const std::vector<ir::Value*>& values) const {
    std::vector<uint32_t> result;
    for (const ir::Value* value : values) result.push_back(numbers_.at(value));
    return result;
  }

  absl::StatusOr<std::unique_ptr<native::BlockT>> block(const ir::Block& block) {
    auto out = std::make_unique<native::BlockT>();
    out->inputs = static_cast<uint32_t>(block.inputs().size());
    for (const ir::Value* input : block.inputs()) VESTA_RETURN_IF_ERROR(define(input));
    for (const ir::Node* one : block.nodes()) {
      VESTA_ASSIGN_OR_RETURN(out->nodes.emplace_back(), node(*one));
    }
    out->outputs = numbers(block.outputs());
    return out;
  }

  absl::StatusOr<std::unique_ptr<native::NodeT>> node(const ir::Node& node) {
    auto out = std::make_unique<native::NodeT>();
    out->kind = encoder_.name(node.kind().toQualString());
    if (node.op() != nullptr) out->operator_ref = encoder_.operator_number(*node.op()) + 1;
    out->inputs = numbers(node.inputs());
    out->outputs = static_cast<uint32_t>(node.outputs().size());
    for (const ir::Block* inner : node.blocks()) {
      VESTA_ASSIGN_OR_RETURN(out->blocks.emplace_back(), block(*inner));
    }
    for (const auto& [name, value] : node.attributes()) {
      auto attribute = std::make_unique<native::NodeAttributeT>();
      attribute->name = encoder_.name(name.toUnqualString());
      VESTA_RETURN_IF_ERROR(std::visit([&](const auto& held) { return fill(*attribute, held); }, value));
      out->attributes.push_back(std::move(attribute));
    }
    // A function goes by the name that it has in this file.
    if (node.kind() == ir::prim::Constant && node.outputs().size() == 1) {
      if (const auto* function = node.output()->type()->castRaw<c10::FunctionType>()) {
        for (auto& attribute : out->attributes) {
          if (attribute->kind == native::AttributeKind::String) {
            attribute->text = encoder_.names_.of(*function->function());
          }
        }
      }
    }
    for (const ir::Value* output : node.outputs()) VESTA_RETURN_IF_ERROR(define(output));
    if (node.range().known()) out->range = std::make_unique<native::Range>(encoder_.range(node.range()));
    VESTA_ASSIGN_OR_RETURN(out->inlined_ref, inlined_call(node.inlined_call()));
    return out;
  }

  absl::StatusOr<uint32_t> inlined_call(const std::shared_ptr<const ir::InlinedCall>& call) {
    if (call == nullptr) return 0u;
    if (const auto known = calls_.find(call.get()); known != calls_.end()) return known->second;
    auto out = std::make_unique<native::InlinedCallT>();
    // Chains are as long as calls nest, which passes bound.
    VESTA_ASSIGN_OR_RETURN(out->outer_ref, inlined_call(call->outer));
    out->name = call->name;
    if (call->callee != nullptr) {
      VESTA_ASSIGN_OR_RETURN(const uint32_t callee, encoder_.function(const_cast<ir::Function&>(*call->callee)));
      out->callee_ref = callee + 1;
    }
    if (call->range.known()) out->range = std::make_unique<native::Range>(encoder_.range(call->range));
    out_->inlined_calls.push_back(std::move(out));
    const auto number = static_cast<uint32_t>(out_->inlined_calls.size());
    calls_.emplace(call.get(), number);
    return number;
  }

  using Attribute = native::NodeAttributeT;
  using Kind = native::AttributeKind;

  absl::Status fill(Attribute& out, int64_t value) {
    out.kind = Kind::Int;
    out.integer = value;
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, double value) {
    out.kind = Kind::Float;
    out.real = value;
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const std::string& value) {
    out.kind = Kind::String;
    out.text = value;
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const std::vector<int64_t>& values) {
    out.kind = Kind::Ints;
    out.integers = values;
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const std::vector<std::string>& values) {
    out.kind = Kind::Strings;
    out.texts = values;
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const c10::TypePtr& type) {
    out.kind = Kind::Type;
    VESTA_ASSIGN_OR_RETURN(out.integer, encoder_.type(type));
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const std::vector<c10::TypePtr>& types) {
    out.kind = Kind::Types;
    for (const c10::TypePtr& type : types) {
      VESTA_ASSIGN_OR_RETURN(out.integers.emplace_back(), encoder_.type(type));
    }
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const c10::IValue& value) {
    out.kind = Kind::Value;
    VESTA_ASSIGN_OR_RETURN(out.integer, encoder_.value(value));
    return absl::OkStatus();
  }
  absl::Status fill(Attribute& out, const std::shared_ptr<ir::Graph>& graph) {
    out.kind = Kind::Graph;
    VESTA_ASSIGN_OR_RETURN(out.graph, encoder_.graph(*graph));
    return absl::OkStatus();
  }

  NativeEncoder& encoder_;
  std::unique_ptr<native::GraphT> out_;
  absl::flat_hash_map<const ir::Value*, uint32_t> numbers_;
  absl::flat_hash_map<const ir::InlinedCall*, uint32_t> calls_;
};

absl::StatusOr<std::unique_ptr<native::GraphT>> NativeEncoder::graph(const ir::Graph& graph) {
  return NativeGraphEncoder(*this).write(graph);
}

}  // namespace vesta::serialization
