// Bodies. Values are numbered as they are defined, and a node may only read numbers that are; that they are in scope
// too, and that types agree, is the verifier's part.

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/operator.h"
#include "ir/support/status.h"
#include "ir/verifier.h"
#include "serialization/conform.h"
#include "serialization/native_decoder.h"
#include "serialization/utf8.h"

namespace vesta::serialization {

using c10::IValue;
using c10::TypePtr;

namespace {
// Of blocks and subgraphs within each other.
constexpr int kMaxBlockDepth = 600;
}  // namespace

class NativeGraphDecoder {
 public:
  NativeGraphDecoder(NativeDecoder& decoder, const native::Graph& in, const ir::Function* function, int depth)
      : decoder_(decoder), in_(in), function_(function), depth_(depth), graph_(std::make_shared<ir::Graph>()) {}

  // Null where operators are missing.
  absl::StatusOr<std::shared_ptr<ir::Graph>> read() {
    if (in_.block() == nullptr || size_of(in_.types()) != size_of(in_.ids()) ||
        size_of(in_.types()) != size_of(in_.value_names())) {
      return damaged("a graph lacks a part");
    }
    if (size_of(in_.types()) > decoder_.options_.limits.ir_nodes) {
      return absl::ResourceExhaustedError(absl::StrFormat("a graph has more values than the limit 'ir_nodes' of %d",
                                                          decoder_.options_.limits.ir_nodes));
    }
    VESTA_RETURN_IF_ERROR(read_calls());
    VESTA_RETURN_IF_ERROR(block(*in_.block(), graph_->block()));
    if (values_.size() != size_of(in_.types())) return damaged("a graph has another number of values than it says");
    if (misses_operators_) return std::shared_ptr<ir::Graph>();
    return std::move(graph_);
  }

 private:
  absl::Status read_calls() {
    for (uint32_t i = 0; i < size_of(in_.inlined_calls()); ++i) {
      const native::InlinedCall& in = *in_.inlined_calls()->Get(i);
      auto call = std::make_shared<ir::InlinedCall>();
      call->name = string_of(in.name());
      if (in.callee_ref() != 0) {
        VESTA_ASSIGN_OR_RETURN(call->callee, decoder_.function(in.callee_ref() - 1));
      }
      VESTA_ASSIGN_OR_RETURN(call->range, decoder_.range(in.range()));
      if (in.outer_ref() > i) return damaged("an inlined call lies within one that comes behind it");
      if (in.outer_ref() != 0) call->outer = calls_[in.outer_ref() - 1];
      calls_.push_back(std::move(call));
    }
    return absl::OkStatus();
  }

  // The type of the value that is defined next.
  absl::StatusOr<TypePtr> next_type() const {
    if (values_.size() >= size_of(in_.types())) return damaged("a graph defines more values than it says");
    return decoder_.type(in_.types()->Get(static_cast<uint32_t>(values_.size())));
  }

  absl::Status define(ir::Value* value) {
    const auto number = static_cast<uint32_t>(values_.size());
    const uint32_t id = in_.ids()->Get(number);
    if (!ids_.insert(id).second) return damaged("two values of a graph have one number");
    graph_->set_id(value, id);
    const uint32_t name = in_.value_names()->Get(number);
    if (name >= size_of(decoder_.in_.names())) return damaged("a value's name is not there");
    if (name != 0) value->set_name(text_of(decoder_.in_.names()->Get(name)));
    values_.push_back(value);
    return absl::OkStatus();
  }

  absl::StatusOr<ir::Value*> defined(uint32_t number) const {
    if (number < values_.size()) return values_[number];
    return damaged("a node reads a value before it is defined");
  }

  absl::Status block(const native::Block& in, ir::Block* out) {
    if (depth_ >= kMaxBlockDepth) return damaged("blocks nest too deep");
    ++depth_;
    for (uint32_t i = 0; i < in.inputs(); ++i) {
      VESTA_ASSIGN_OR_RETURN(TypePtr type, next_type());
      VESTA_RETURN_IF_ERROR(define(out->add_input(std::move(type))));
    }
    for (uint32_t i = 0; i < size_of(in.nodes()); ++i) VESTA_RETURN_IF_ERROR(node(*in.nodes()->Get(i), out));
    for (uint32_t i = 0; i < size_of(in.outputs()); ++i) {
      VESTA_ASSIGN_OR_RETURN(ir::Value* const value, defined(in.outputs()->Get(i)));
      out->add_output(value);
    }
    --depth_;
    return absl::OkStatus();
  }

  absl::Status node(const native::Node& in, ir::Block* out) {
    VESTA_ASSIGN_OR_RETURN(const c10::Symbol kind, decoder_.symbol(in.kind(), true));
    ir::Node* node = graph_->create(kind, {}, 0);
    out->append(node);
    for (uint32_t i = 0; i < size_of(in.inputs()); ++i) {
      VESTA_ASSIGN_OR_RETURN(ir::Value* const value, defined(in.inputs()->Get(i)));
      node->add_input(value);
    }
    VESTA_ASSIGN_OR_RETURN(support::SourceRange place, decoder_.range(in.range()));
    if (in.operator_ref() != 0) VESTA_RETURN_IF_ERROR(set_operator(node, in.operator_ref() - 1, place));
    node->set_range(std::move(place));
    if (in.inlined_ref() > calls_.size()) return damaged("a node came with a call that is not there");
    if (in.inlined_ref() != 0) node->set_inlined_call(calls_[in.inlined_ref() - 1]);
    for (uint32_t i = 0; i < size_of(in.blocks()); ++i)
      VESTA_RETURN_IF_ERROR(block(*in.blocks()->Get(i), node->add_block()));
    for (uint32_t i = 0; i < in.outputs(); ++i) {
      VESTA_ASSIGN_OR_RETURN(TypePtr type, next_type());
      VESTA_RETURN_IF_ERROR(define(node->add_output(std::move(type))));
    }
    for (uint32_t i = 0; i < size_of(in.attributes()); ++i) {
      VESTA_RETURN_IF_ERROR(attribute(node, *in.attributes()->Get(i)));
    }
    return absl::OkStatus();
  }

  absl::Status set_operator(ir::Node* node, uint32_t number, const support::SourceRange& place) {
    VESTA_ASSIGN_OR_RETURN(const ir::Operator* const op, decoder_.find_operator(number));
    if (op != nullptr) {
      node->set_op(op);
      return absl::OkStatus();
    }
    misses_operators_ = true;
    decoder_.missing_.push_back({string_of(decoder_.in_.operators()->Get(number)->name()), place,
                                 function_ != nullptr ? function_->qualname().qualifiedName() : std::string()});
    return absl::OkStatus();
  }

  absl::Status attribute(ir::Node* node, const native::NodeAttribute& in) {
    VESTA_ASSIGN_OR_RETURN(const c10::Symbol name, decoder_.symbol(in.name(), false));
    if (node->has(name)) return damaged("a node has an attribute twice");
    const auto number = [](int64_t integer) -> uint32_t {
      return integer < 0 || integer > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(integer);
    };
    switch (in.kind()) {
      case native::AttributeKind::Int:
        node->set(name, in.integer());
        break;
      case native::AttributeKind::Float:
        node->set(name, in.real());
        break;
      case native::AttributeKind::String:
        node->set(name, string_of(in.text()));
        break;
      case native::AttributeKind::Ints:
        node->set(name, ints(in.integers()));
        break;
      case native::AttributeKind::Strings: {
        std::vector<std::string> texts;
        for (uint32_t i = 0; i < size_of(in.texts()); ++i) texts.push_back(string_of(in.texts()->Get(i)));
        node->set(name, std::move(texts));
        break;
      }
      case native::AttributeKind::Type: {
        VESTA_ASSIGN_OR_RETURN(TypePtr type, decoder_.type(number(in.integer())));
        node->set(name, std::move(type));
        break;
      }
      case native::AttributeKind::Types: {
        std::vector<TypePtr> types;
        for (const int64_t type : ints(in.integers())) {
          VESTA_ASSIGN_OR_RETURN(types.emplace_back(), decoder_.type(number(type)));
        }
        node->set(name, std::move(types));
        break;
      }
      case native::AttributeKind::Value: {
        VESTA_ASSIGN_OR_RETURN(IValue value, decoder_.value(number(in.integer())));
        if (node->kind() == ir::prim::Constant && node->outputs().size() == 1) {
          VESTA_RETURN_IF_ERROR(conform(value, node->output()->type(), "a constant", decoder_.options_.limits));
        }
        node->set(name, std::move(value));
        break;
      }
      case native::AttributeKind::Graph: {
        if (in.graph() == nullptr) return damaged("a node lacks its subgraph");
        NativeGraphDecoder inner(decoder_, *in.graph(), function_, depth_);
        VESTA_ASSIGN_OR_RETURN(std::shared_ptr<ir::Graph> graph, inner.read());
        misses_operators_ = misses_operators_ || graph == nullptr;
        // The verifier of the graph around it does not look into attributes.
        if (const absl::Status broken = graph == nullptr ? absl::OkStatus() : ir::verify(*graph); !broken.ok()) {
          return damaged(std::string(broken.message()));
        }
        node->set(name, std::move(graph));
        break;
      }
      default:
        return damaged("a node's attribute is of no known kind");
    }
    return absl::OkStatus();
  }

  NativeDecoder& decoder_;
  const native::Graph& in_;
  const ir::Function* function_;
  int depth_;
  std::shared_ptr<ir::Graph> graph_;
  std::vector<ir::Value*> values_;
  absl::flat_hash_set<uint32_t> ids_;
  std::vector<std::shared_ptr<const ir::InlinedCall>> calls_;
  bool misses_operators_ = false;
};

absl::StatusOr<const ir::Operator*> NativeDecoder::find_operator(uint32_t number) {
  if (number >= operators_.size()) return damaged("there is no such operator");
  if (operators_[number] == nullptr) {
    const native::Operator& in = *in_.operators()->Get(number);
    operators_[number] = ir::OperatorCatalog::standard().find(text_of(in.name()), text_of(in.overload()));
  }
  return operators_[number];
}

absl::StatusOr<support::SourceRange> NativeDecoder::range(const native::Range* in) {
  if (in == nullptr || in->source_ref() == 0) return support::SourceRange();
  if (in->source_ref() > sources_.size()) return damaged("there is no such source");
  std::shared_ptr<const support::Source>& source = sources_[in->source_ref() - 1];
  if (source == nullptr) {
    const native::Source& table = *in_.sources()->Get(in->source_ref() - 1);
    auto made = std::make_shared<support::Source>();
    made->text = string_of(table.text());
    made->filename = string_of(table.filename());
    made->first_line = table.first_line();
    source = std::move(made);
  }
  if (in->begin() > in->end() || in->end() > source->text.size()) return damaged("a place is beyond its source's end");
  return support::SourceRange(source, in->begin(), in->end());
}

absl::StatusOr<c10::Symbol> NativeDecoder::symbol(uint32_t number, bool qualified) {
  if (number >= symbols_.size()) return damaged("there is no such name");
  c10::Symbol& made = qualified ? symbols_[number].first : symbols_[number].second;
  if (made == c10::Symbol()) {
    const std::string name = string_of(in_.names()->Get(number));
    if (name.empty() || qualified != (name.find("::") != name.npos)) return damaged("a name is of another kind");
    made = qualified ? c10::Symbol::fromQualString(name) : c10::Symbol::attr(name);
  }
  return made;
}

absl::StatusOr<std::shared_ptr<ir::Graph>> NativeDecoder::graph(const native::Graph* in, const ir::Function* function,
                                                                BodyKind kind) {
  if (in == nullptr) return damaged("a function has no body");
  VESTA_ASSIGN_OR_RETURN(std::shared_ptr<ir::Graph> made, NativeGraphDecoder(*this, *in, function, 0).read());
  if (made == nullptr) return made;
  const std::vector<c10::Argument>& arguments = function->schema().arguments();
  bool agrees = made->inputs().size() == arguments.size();
  for (size_t i = 0; agrees && i < arguments.size(); ++i) {
    const c10::TypePtr& type = made->inputs()[i]->type();
    const bool is_absent = kind == BodyKind::kOptimized && type->kind() == c10::TypeKind::NoneType &&
                           arguments[i].type()->kind() == c10::TypeKind::OptionalType;
    agrees = is_absent || arguments[i].type()->isSubtypeOf(*type);
  }
  const std::string name = printable(function->qualname().qualifiedName());
  if (!agrees) return damaged(absl::StrFormat("the body of '%s' takes other arguments than its signature", name));
  const absl::Status status = ir::verify(*made);
  if (status.ok()) return made;
  return damaged(absl::StrFormat("the body of '%s': %s", name, status.message()));
}

absl::Status NativeDecoder::make_bodies() {
  for (uint32_t i = 0; i < functions_.size(); ++i) {
    const native::Function& in = *in_.functions()->Get(i);
    VESTA_ASSIGN_OR_RETURN(support::SourceRange place, range(in.range()));
    functions_[i]->set_range(std::move(place));
    VESTA_ASSIGN_OR_RETURN(std::shared_ptr<ir::Graph> body, graph(in.graph(), functions_[i], BodyKind::kPortable));
    if (body != nullptr) functions_[i]->set_graph(std::move(body));
  }
  bodies_are_made_ = true;
  return absl::OkStatus();
}

}  // namespace vesta::serialization
