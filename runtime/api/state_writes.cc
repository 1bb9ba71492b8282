// Alias classes by unification (Steensgaard's way): two values that may share memory end up in one class, whatever the
// order of statements. Attributes of modules are values too, one for each attribute of each class, so a class knows
// from which attributes its members may come; an operator that writes to an argument marks the argument's class. Calls
// are analyzed as if inlined, with the module objects that are known, so that two layers of one class do not mix up
// their arguments. A budget bounds the work; recursion and what cannot be followed make the answer "unknown".

#include "runtime/api/state_writes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/interned_strings.h>
#include <ATen/core/jit_type.h>

#include "ir/effects.h"
#include "ir/graph.h"
#include "ir/operator.h"

namespace vesta::internal {
namespace {

constexpr int64_t kMaxNodes = 2'000'000;
constexpr size_t kMaxCallDepth = 200;

bool may_hold_state(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::ComplexType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::NoneType:
    case c10::TypeKind::DeviceObjType:
    case c10::TypeKind::EnumType:
    case c10::TypeKind::FunctionType:
      return false;
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::UnionType:
    case c10::TypeKind::TupleType: {
      const auto parts = type->containedTypes();
      return std::any_of(parts.begin(), parts.end(), may_hold_state);
    }
    default:
      return true;
  }
}

// What is known of a value: its alias class (kNone for plain values), and the value itself for module objects and
// bools.
constexpr size_t kNone = static_cast<size_t>(-1);
struct Known {
  size_t alias = kNone;
  std::optional<c10::IValue> value;
};
using Frame = std::unordered_map<const ir::Value*, Known>;

class Analysis {
 public:
  explicit Analysis(const StateWriteOptions& options) : options_(options) {}

  StateWrites run(const ir::Function& function, const ObjectPtr& object) {
    std::vector<Known> args(function.schema().arguments().size());
    for (size_t i = 0; i < args.size(); ++i) args[i].alias = fresh();
    if (object && !args.empty()) args[0].value = c10::IValue(object);
    call(function, std::move(args));
    collect();
    return std::move(writes_);
  }

 private:
  // --- Alias classes.
  size_t fresh() {
    parent_.push_back(parent_.size());
    written_.push_back(false);
    return parent_.size() - 1;
  }
  size_t find(size_t a) {
    while (parent_[a] != a) a = parent_[a] = parent_[parent_[a]];
    return a;
  }
  void unify(size_t a, size_t b) {
    if (a == kNone || b == kNone) return;
    a = find(a);
    b = find(b);
    if (a == b) return;
    parent_[b] = a;
    written_[a] = written_[a] || written_[b];
  }
  void write(const Known& known) {
    if (known.alias != kNone) written_[find(known.alias)] = true;
  }
  size_t attribute(const c10::ClassType& type, const std::string& name) {
    const auto [it, added] = attributes_.try_emplace({&type, name}, kNone);
    if (added) it->second = fresh();
    return it->second;
  }
  void collect() {
    for (const auto& [attribute, alias] : attributes_) {
      if (written_[find(alias)]) writes_.mutated.insert(attribute);
    }
  }

  // --- Values.
  Known& of(Frame& frame, const ir::Value* value) {
    const auto [it, added] = frame.try_emplace(value);
    if (added && may_hold_state(value->type())) it->second.alias = fresh();
    return it->second;
  }
  void join(Frame& frame, const ir::Value* into, const Known& from) {
    Known& known = of(frame, into);
    unify(known.alias, from.alias);
  }
  void unify_all(Frame& frame, const ir::Node& node) {
    size_t all = kNone;
    const auto add = [&](const ir::Value* value) {
      const size_t alias = of(frame, value).alias;
      if (all == kNone) all = alias;
      unify(all, alias);
    };
    for (const ir::Value* input : node.inputs()) add(input);
    for (const ir::Value* output : node.outputs()) add(output);
  }

  // --- Calls.
  std::vector<Known> call(const ir::Function& function, std::vector<Known> args) {
    const bool recursive = std::find(stack_.begin(), stack_.end(), &function) != stack_.end();
    if (function.graph() == nullptr || stack_.size() >= kMaxCallDepth ||
        (recursive && std::count(stack_.begin(), stack_.end(), &function) >= 8)) {
      writes_.unknown = true;
      return {};
    }
    stack_.push_back(&function);
    std::vector<Known> results = graph(*function.graph(), std::move(args));
    stack_.pop_back();
    return results;
  }

  std::vector<Known> graph(const ir::Graph& body, std::vector<Known> args) {
    Frame frame;
    for (size_t i = 0; i < std::min(args.size(), body.inputs().size()); ++i) {
      if (!may_hold_state(body.inputs()[i]->type())) args[i].alias = kNone;
      frame.emplace(body.inputs()[i], std::move(args[i]));
    }
    block(frame, *body.block());
    std::vector<Known> results;
    for (const ir::Value* output : body.outputs()) results.push_back(of(frame, output));
    return results;
  }

  void block(Frame& frame, const ir::Block& body) {
    for (const ir::Node* current : body.nodes()) {
      if (writes_.unknown || ++nodes_ > kMaxNodes) {
        writes_.unknown = true;
        return;
      }
      node(frame, *current);
    }
  }

  void results(Frame& frame, const ir::Node& node, const std::vector<Known>& values) {
    for (size_t i = 0; i < std::min(values.size(), node.outputs().size()); ++i) {
      Known& known = of(frame, node.output(i));
      unify(known.alias, values[i].alias);
      known.value = values[i].value;
    }
  }

  void call_function(Frame& frame, const ir::Node& node, const ir::Function& callee, size_t first_argument) {
    std::vector<Known> args;
    for (size_t i = first_argument; i < node.inputs().size(); ++i) args.push_back(of(frame, node.input(i)));
    results(frame, node, call(callee, std::move(args)));
  }

  // --- Nodes.
  void node(Frame& frame, const ir::Node& node) {
    if (node.op() != nullptr) return operation(frame, node);
    const auto it = handlers().find(node.kind());
    if (it != handlers().end()) return (this->*it->second)(frame, node);
    if (!node.blocks().empty()) {
      writes_.unknown = true;
      return;
    }
    unify_all(frame, node);
  }

  using Handler = void (Analysis::*)(Frame&, const ir::Node&);
  static const std::unordered_map<c10::Symbol, Handler>& handlers() {
    static const auto* table = new std::unordered_map<c10::Symbol, Handler>{
        {c10::prim::Constant, &Analysis::constant},
        {c10::prim::Uninitialized, &Analysis::nothing},
        {c10::prim::GetAttr, &Analysis::get_attribute},
        {c10::prim::SetAttr, &Analysis::set_attribute},
        {c10::prim::CallMethod, &Analysis::call_method},
        {c10::prim::CallFunction, &Analysis::call_known_function},
        {c10::prim::If, &Analysis::branch},
        {c10::prim::Loop, &Analysis::loop},
        {c10::prim::fork, &Analysis::fork},
        {c10::prim::Enter, &Analysis::enter_or_exit},
        {c10::prim::Exit, &Analysis::enter_or_exit},
        {c10::prim::RaiseException, &Analysis::nothing},
        {c10::prim::isinstance, &Analysis::nothing},
        {c10::Symbol::fromQualString("prim::unchecked_cast"), &Analysis::cast},
    };
    return *table;
  }

  void nothing(Frame& frame, const ir::Node& node) {
    for (const ir::Value* output : node.outputs()) of(frame, output);
  }

  void constant(Frame& frame, const ir::Node& node) {
    Known& known = of(frame, node.output());
    const ir::AttributeValue* value = node.find(c10::attr::value);
    if (value == nullptr || !std::holds_alternative<c10::IValue>(*value)) return;
    const c10::IValue& content = std::get<c10::IValue>(*value);
    if (content.isBool()) known.value = content;
  }

  void cast(Frame& frame, const ir::Node& node) {
    const Known from = of(frame, node.input(0));
    Known& known = of(frame, node.output());
    unify(known.alias, from.alias);
    known.value = from.value;
  }

  void get_attribute(Frame& frame, const ir::Node& node) {
    const Known object = of(frame, node.input(0));
    const std::string& name = node.s(c10::attr::name);
    const std::shared_ptr<c10::ClassType> type = class_of(object, node.input(0));
    Known& known = of(frame, node.output());
    if (type == nullptr || !type->is_module()) return unify(known.alias, object.alias);
    if (known.alias != kNone && !node.output()->type()->is_module()) unify(known.alias, attribute(*type, name));
    if (!object.value.has_value()) return;
    const std::optional<size_t> index = type->findAttributeSlot(name);
    if (!index.has_value()) return;
    c10::IValue value = slot(object.value->toObjectRef(), *index);
    if (value.isObject() || (value.isBool() && options_.use_current_values)) known.value = std::move(value);
  }

  void set_attribute(Frame& frame, const ir::Node& node) {
    const Known object = of(frame, node.input(0));
    const Known value = of(frame, node.input(1));
    const std::string& name = node.s(c10::attr::name);
    const std::shared_ptr<c10::ClassType> type = class_of(object, node.input(0));
    if (type == nullptr || !type->is_module()) {
      unify(object.alias, value.alias);
      return write(object);
    }
    writes_.assigned.insert({type.get(), name});
    if (value.alias != kNone) unify(attribute(*type, name), value.alias);
  }

  static std::shared_ptr<c10::ClassType> class_of(const Known& known, const ir::Value* value) {
    if (known.value.has_value() && known.value->isObject()) return known.value->toObjectRef().type();
    return value->type()->cast<c10::ClassType>();
  }

  void call_method(Frame& frame, const ir::Node& node) {
    const std::shared_ptr<c10::ClassType> type = class_of(of(frame, node.input(0)), node.input(0));
    torch::jit::Function* method = type == nullptr ? nullptr : type->findMethod(node.s(c10::attr::name));
    const auto* callee = dynamic_cast<const ir::Function*>(method);
    if (callee == nullptr) {
      writes_.unknown = true;  // an interface whose object is not known, or a method written in C++
      return;
    }
    call_function(frame, node, *callee, 0);
  }

  void call_known_function(Frame& frame, const ir::Node& node) {
    const auto type = node.input(0)->type()->cast<c10::FunctionType>();
    const auto* callee = type == nullptr ? nullptr : dynamic_cast<const ir::Function*>(type->function());
    if (callee == nullptr) {
      writes_.unknown = true;
      return;
    }
    call_function(frame, node, *callee, 1);
  }

  void enter_or_exit(Frame& frame, const ir::Node& node) {
    nothing(frame, node);
    const std::shared_ptr<c10::ClassType> type = class_of(of(frame, node.input(0)), node.input(0));
    if (type == nullptr) return;
    torch::jit::Function* method = type->findMethod(node.kind() == c10::prim::Enter ? "__enter__" : "__exit__");
    // The runtime's own contexts (no_grad) have neither, or none with a body.
    const auto* callee = dynamic_cast<const ir::Function*>(method);
    if (callee != nullptr && callee->graph() != nullptr) call_function(frame, node, *callee, 0);
  }

  void branch(Frame& frame, const ir::Node& node) {
    const std::optional<c10::IValue> condition = of(frame, node.input(0)).value;
    for (size_t b = 0; b < 2; ++b) {
      if (condition.has_value() && condition->isBool() && condition->toBool() != (b == 0)) continue;
      block(frame, *node.block(b));
      for (size_t i = 0; i < node.outputs().size(); ++i) {
        const Known yielded = of(frame, node.block(b)->outputs()[i]);
        join(frame, node.output(i), yielded);
        if (condition.has_value()) of(frame, node.output(i)).value = yielded.value;
      }
    }
  }

  // Unification needs no fixpoint: once through the body finds all classes.
  void loop(Frame& frame, const ir::Node& node) {
    const ir::Block& body = *node.block(0);
    for (size_t i = 0; i + 2 < node.inputs().size(); ++i) {
      const Known carried = of(frame, node.input(i + 2));
      join(frame, body.inputs()[i + 1], carried);
      join(frame, node.output(i), carried);
    }
    block(frame, body);
    for (size_t i = 0; i + 1 < body.outputs().size(); ++i) {
      const Known carried = of(frame, body.outputs()[i + 1]);
      join(frame, body.inputs()[i + 1], carried);
      join(frame, node.output(i), carried);
    }
  }

  void fork(Frame& frame, const ir::Node& node) {
    unify_all(frame, node);
    std::vector<Known> args;
    for (const ir::Value* input : node.inputs()) args.push_back(of(frame, input));
    const auto& body = node.get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph);
    if (stack_.size() >= kMaxCallDepth) {
      writes_.unknown = true;
      return;
    }
    stack_.push_back(nullptr);
    for (const Known& result : graph(*body, std::move(args))) join(frame, node.output(0), result);
    stack_.pop_back();
  }

  // --- Operators.
  void operation(Frame& frame, const ir::Node& node) {
    const c10::FunctionSchema& schema = node.op()->schema;
    const size_t count = std::min(node.inputs().size(), schema.arguments().size());
    bool wildcard = false;
    const auto is_wildcard = [](const c10::AliasInfo* info) {
      return info != nullptr &&
             (info->isWildcardAfter() || info->isWildcardBefore() || !info->containedTypes().empty());
    };
    for (const c10::Argument& result : schema.returns()) wildcard = wildcard || is_wildcard(result.alias_info());
    for (size_t i = 0; i < count; ++i) {
      const c10::AliasInfo* info = schema.arguments()[i].alias_info();
      wildcard = wildcard || is_wildcard(info);
      if (ir::may_write(*node.op(), i)) write(of(frame, node.input(i)));
    }
    // A schema of variable arguments says nothing about them.
    if (wildcard || ir::aliases_silently(*node.op()) || schema.is_vararg() || schema.is_varret()) {
      unify_all(frame, node);
    } else {
      annotated_aliases(frame, node, schema, count);
    }
    const ir::StatisticsWriter* writer = ir::statistics_writer(*node.op());
    if (writer != nullptr && count > writer->training) statistics(frame, node, *writer);
  }

  void annotated_aliases(Frame& frame, const ir::Node& node, const c10::FunctionSchema& schema, size_t count) {
    for (size_t r = 0; r < std::min(node.outputs().size(), schema.returns().size()); ++r) {
      const size_t result = of(frame, node.output(r)).alias;
      const c10::AliasInfo* info = schema.returns()[r].alias_info();
      // TorchScript's own operators hand containers and their elements on without saying so.
      const bool opaque = info == nullptr && schema.returns()[r].type()->kind() != c10::TypeKind::TensorType &&
                          schema.returns()[r].type()->kind() != c10::TypeKind::ListType;
      if (info == nullptr && !opaque) continue;
      for (size_t i = 0; i < count; ++i) {
        const c10::AliasInfo* argument = schema.arguments()[i].alias_info();
        if (opaque || (argument != nullptr && overlap(*info, *argument))) unify(result, of(frame, node.input(i)).alias);
      }
    }
  }

  static bool overlap(const c10::AliasInfo& a, const c10::AliasInfo& b) {
    for (const c10::Symbol& set : a.beforeSets()) {
      if (b.beforeSets().count(set) > 0) return true;
    }
    return false;
  }

  void statistics(Frame& frame, const ir::Node& node, const ir::StatisticsWriter& writer) {
    const std::optional<c10::IValue>& training = of(frame, node.input(writer.training)).value;
    if (training.has_value() && training->isBool() && !training->toBool()) return;
    write(of(frame, node.input(writer.mean)));
    write(of(frame, node.input(writer.variance)));
  }

  StateWriteOptions options_;
  StateWrites writes_;
  std::vector<size_t> parent_;
  std::vector<bool> written_;
  std::map<StateWrites::Attribute, size_t> attributes_;
  std::vector<const ir::Function*> stack_;
  int64_t nodes_ = 0;
};

}  // namespace

void StateWrites::merge(StateWrites other) {
  assigned.merge(std::move(other.assigned));
  mutated.merge(std::move(other.mutated));
  unknown = unknown || other.unknown;
}

StateWrites find_state_writes(const ir::Function& function, const ObjectPtr& object, const StateWriteOptions& options) {
  return Analysis(options).run(function, object);
}

}  // namespace vesta::internal
