// One handler for each kind of structural node, and the typed forms of common operators. An operator without a
// typed form is called through its kernel or the dispatcher.

#include <ATen/core/function.h>
#include <ATen/core/interned_strings.h>

#include "absl/strings/str_cat.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "runtime/lowering.h"
#include "runtime/lowering_context.h"
#include "runtime/machine.h"
#include "runtime/plan/group.h"

namespace vesta::runtime {
namespace {

using ir::Node;
using ir::Value;
using support::error_at;
namespace aten = c10::aten;
namespace attr = c10::attr;
namespace prim = c10::prim;

// Typed instructions stand in the order value, int, float, bool.
Opcode for_bank(Opcode first, Bank bank) {
  return static_cast<Opcode>(static_cast<int>(first) + static_cast<int>(bank));
}
static_assert(static_cast<int>(Opcode::k_get_attr_bool) == static_cast<int>(Opcode::k_get_attr) + 3);
static_assert(static_cast<int>(Opcode::k_set_attr_bool) == static_cast<int>(Opcode::k_set_attr) + 3);
static_assert(static_cast<int>(Opcode::k_tuple_get_bool) == static_cast<int>(Opcode::k_tuple_get) + 3);
static_assert(static_cast<int>(Opcode::k_list_get_bool) == static_cast<int>(Opcode::k_list_get) + 3);
static_assert(static_cast<int>(Opcode::k_list_set_bool) == static_cast<int>(Opcode::k_list_set) + 3);
static_assert(static_cast<int>(Opcode::k_list_append_bool) == static_cast<int>(Opcode::k_list_append) + 3);

bool is_list(const Value* value) { return value->type()->kind() == c10::TypeKind::ListType; }
bool is_string(const Value* value) { return value->type()->kind() == c10::TypeKind::StringType; }
bool is_tensor(const Value* value) { return value->type()->kind() == c10::TypeKind::TensorType; }

}  // namespace

const absl::flat_hash_map<c10::Symbol, LoweringContext::Handler>& LoweringContext::handlers() {
  using L = LoweringContext;
  static const auto* const table = new absl::flat_hash_map<c10::Symbol, Handler>{
      {prim::If, &L::lower_if},
      {prim::Loop, &L::lower_loop},
      {prim::GetAttr, &L::lower_get_attr},
      {prim::SetAttr, &L::lower_set_attr},
      {prim::CreateObject, &L::lower_create_object},
      {prim::CallMethod, &L::lower_call_method},
      {prim::CallFunction, &L::lower_call_function},
      {prim::ListConstruct, &L::lower_construct},
      {prim::DictConstruct, &L::lower_construct},
      {prim::TupleConstruct, &L::lower_construct},
      {prim::TupleUnpack, &L::lower_unpack},
      {prim::TupleIndex, &L::lower_tuple_index},
      {prim::TupleSlice, &L::lower_tuple_slice},
      {prim::ListUnpack, &L::lower_list_unpack},
      {prim::unchecked_cast, &L::lower_cast},
      {prim::isinstance, &L::lower_isinstance},
      {prim::RaiseException, &L::lower_raise},
      {prim::fork, &L::lower_fork},
      {prim::awaitable, &L::lower_fork},
      {aten::wait, &L::lower_wait},
      {c10::Symbol::prim("PlannedGroup"), &L::lower_group},
      {prim::EnumName, &L::lower_enum},
      {prim::EnumValue, &L::lower_enum},
      {prim::Enter, &L::lower_context},
      {prim::Exit, &L::lower_context},
  };
  return *table;
}

absl::Status LoweringContext::lower_node(const Node* node) {
  if (auto handler = handlers().find(node->kind()); handler != handlers().end()) return (this->*handler->second)(node);
  if (lower_scalar(node) || lower_typed(node)) return absl::OkStatus();
  return lower_operator(node);
}

absl::Status LoweringContext::lower_operator(const Node* node) {
  const ir::Operator* op = node->op();
  if (op == nullptr) return unimplemented(node);
  Site site;
  site.op = op;
  if (op->is_builtin()) {
    site.kernel = builtin_kernel(op->builtin);
    site.variadic = op->schema.is_vararg();
    const DirectKernel& direct = builtin_direct_kernel(op->builtin);
    const bool fits = direct.call != nullptr && direct.arguments == node->inputs().size() &&
                      direct.results == node->outputs().size() && direct.arguments <= Machine::kMaxDirectArguments &&
                      direct.results <= Machine::kMaxDirectResults;
    if (fits) site.direct = &direct;
  } else {
    site.handle = &*op->handle;
    site.enums = enum_arguments(op->schema);
    std::erase_if(site.enums, [this, node](const EnumArgument& argument) {
      const c10::IValue* constant = constant_of(root(node->input(argument.position)));
      return constant != nullptr && check_enum_value(argument.kind, *constant).ok();
    });
  }
  if (autocasts_) site.autocast = autocast_policy(*op, has_dtype(*node));
  const bool scalar_constant = take_number_out(node, site);
  emit_site(op->is_builtin() ? Opcode::k_call_builtin : Opcode::k_call_operator, node, node->inputs(), std::move(site));
  if (scalar_constant) replace_constant(code_.sites.back(), 1);
  return absl::OkStatus();
}

bool LoweringContext::has_dtype(const Node& node) const {
  const auto& arguments = node.op()->schema.arguments();
  for (size_t i = 0; i < arguments.size() && i < node.inputs().size(); ++i) {
    if (arguments[i].name() != "dtype") continue;
    const c10::IValue* constant = constant_of(root(node.input(i)));
    return constant == nullptr || !constant->isNone();
  }
  return false;
}

// Traces hold Python's numbers as tensors without dimensions, of type double or long. In `x * 0.5` they must not decide
// the result's type where `x` has no dimensions either: as in torch::jit such a constant is a number again.
bool LoweringContext::take_number_out(const Node* node, Site& site) const {
  static const auto* const kNames =
      new absl::flat_hash_set<std::string>{"aten::add", "aten::sub", "aten::mul", "aten::div"};
  if (site.handle == nullptr || site.op->schema.overload_name() != "Tensor") return false;
  if (!kNames->contains(site.op->schema.name())) return false;
  const c10::IValue* constant = constant_of(root(node->input(1)));
  if (constant == nullptr || !constant->isTensor() || !constant->toTensor().defined()) return false;
  const at::Tensor& tensor = constant->toTensor();
  if (tensor.dim() != 0 || tensor.layout() != c10::kStrided || !tensor.device().is_cpu()) return false;
  const ir::Operator* scalar_form = ir::OperatorCatalog::standard().find(site.op->schema.name(), "Scalar");
  if (scalar_form == nullptr || !scalar_form->handle.has_value()) return false;
  site.op = scalar_form;
  site.handle = &*scalar_form->handle;
  return true;
}

void LoweringContext::replace_constant(const Site& site, size_t input) {
  Operand& operand = code_.operands[site.first_input + input];
  const at::Tensor tensor = code_.constants[operand.index()].toTensor();
  operand = Operand(Operand::Kind::kConstant, code_.constants.size());
  code_.constants.emplace_back(tensor.item());
}

// ---- Typed forms of operators on lists and tensors

// Emits the form of `first` for the output's bank.
void LoweringContext::emit_element(const Node* node, Opcode first, int32_t b, int32_t c, const Value* output) {
  const bool unread = live_.last_user(output, node->owning_block()) == nullptr;
  const Place result = unread ? allocate(bank_of_value(output)) : define(output);
  emit(for_bank(first, result.bank), result.index, b, c);
  if (unread) {
    if (result.is_value()) emit(Opcode::k_drop, result.index);
    release(result);
  }
}

bool LoweringContext::lower_typed(const Node* node) {
  using Lowerer = bool (LoweringContext::*)(const Node*);
  using L = LoweringContext;
  static const auto* const table = new absl::flat_hash_map<c10::Symbol, Lowerer>{
      {aten::len, &L::lower_length},        {aten::__getitem__, &L::lower_getitem},
      {aten::_set_item, &L::lower_setitem}, {aten::append, &L::lower_append},
      {aten::dim, &L::lower_size},          {aten::size, &L::lower_size},
      {aten::__is__, &L::lower_identity},   {aten::__isnot__, &L::lower_identity},
      {aten::eq, &L::lower_byte_test},      {aten::ne, &L::lower_byte_test},
  };
  auto it = table->find(node->kind());
  return it != table->end() && (this->*it->second)(node);
}

bool LoweringContext::lower_length(const Node* node) {
  const bool list = is_list(node->input(0));
  if (!(list || is_string(node->input(0))) || bank_of_value(node->output()) != Bank::kInt) return false;
  const bool unread = live_.last_user(node->output(), node->owning_block()) == nullptr;
  const int32_t held = value_register(node->input(0));
  const Place result = unread ? allocate(Bank::kInt) : define(node->output());
  emit(list ? Opcode::k_list_length : Opcode::k_string_length, result.index, held);
  if (unread) release(result);
  drop_deaths(node, {result});
  return true;
}

bool LoweringContext::lower_getitem(const Node* node) {
  if (bank_of_value(node->input(1)) != Bank::kInt) return false;
  if (is_element_of_sizes(node))
    return lower_size_number(node, Opcode::k_tensor_size_get, node->input(0)->node()->input(0), node->input(1));
  if (is_string(node->input(0))) return lower_byte(node);
  if (!is_list(node->input(0))) return false;
  const int32_t list = value_register(node->input(0));
  const int32_t index = scalar(node->input(1));
  emit_element(node, Opcode::k_list_get, list, index, node->output());
  auto held = places_.find(node->output());
  drop_deaths(node, held == places_.end() ? std::vector<Place>() : std::vector<Place>{held->second});
  return true;
}

// Whether the node reads `value` for the last time, so that it may leave its register for `container`: it is then taken
// off the node's deaths.
bool LoweringContext::moves_into(const Node* node, const Value* value, const Value* container) {
  const Value* source = root(value);
  if (constant_of(source) != nullptr || source == root(container) || !dies_at(source, node)) return false;
  std::erase(deaths_[node], source);
  release(places_.at(source));
  return true;
}

bool LoweringContext::lower_setitem(const Node* node) {
  const bool result_is_read = !node->outputs().empty() && node->output(0)->has_uses();
  if (!is_list(node->input(0)) || bank_of_value(node->input(1)) != Bank::kInt || result_is_read) return false;
  const Bank element = bank_of(*node->input(0)->type()->expectRef<c10::ListType>().getElementType());
  const Bank given = bank_of_value(node->input(2));
  if (element != given && element != Bank::kValue) return false;
  const int32_t list = value_register(node->input(0));
  const int32_t value = given == Bank::kValue ? value_register(node->input(2)) : scalar(node->input(2));
  const bool last = given == Bank::kValue && moves_into(node, node->input(2), node->input(0));
  emit(last ? Opcode::k_list_set_last : for_bank(Opcode::k_list_set, given), list, scalar(node->input(1)), value);
  drop_deaths(node);
  return true;
}

bool LoweringContext::lower_append(const Node* node) {
  const bool result_is_read = !node->outputs().empty() && node->output(0)->has_uses();
  if (!is_list(node->input(0)) || node->inputs().size() != 2 || result_is_read) return false;
  const Bank element = bank_of(*node->input(0)->type()->expectRef<c10::ListType>().getElementType());
  const Bank given = bank_of_value(node->input(1));
  if (element != given && element != Bank::kValue) return false;
  const int32_t list = value_register(node->input(0));
  const int32_t value = given == Bank::kValue ? value_register(node->input(1)) : scalar(node->input(1));
  const bool last = given == Bank::kValue && moves_into(node, node->input(1), node->input(0));
  emit(last ? Opcode::k_list_append_last : for_bank(Opcode::k_list_append, given), list, value);
  drop_deaths(node);
  return true;
}

bool LoweringContext::lower_size(const Node* node) {
  const bool is_size = node->kind() == aten::size;
  if (is_size && node->inputs().size() == 1 && node->output()->uses().size() == 1) {
    const Node* reader = node->output()->uses()[0].user;
    if (!is_element_of_sizes(reader)) return false;
    // The reader does it all, and so the tensor is read there for the last time.
    std::vector<const Value*>& ending = deaths_[reader];
    if (auto dying = deaths_.find(node); dying != deaths_.end()) {
      ending.insert(ending.end(), dying->second.begin(), dying->second.end());
    }
    return true;
  }
  if (!is_tensor(node->input(0)) || node->inputs().size() != (is_size ? 2 : 1)) return false;
  if (is_size && bank_of_value(node->input(1)) != Bank::kInt) return false;
  return lower_size_number(node, is_size ? Opcode::k_tensor_size : Opcode::k_tensor_dim, node->input(0),
                           is_size ? node->input(1) : nullptr);
}

// `x.shape[i]`, with nothing in between that could change the tensor's sizes.
bool LoweringContext::is_element_of_sizes(const Node* node) const {
  if (node->kind() != aten::__getitem__ || bank_of_value(node->input(1)) != Bank::kInt ||
      bank_of_value(node->output()) != Bank::kInt) {
    return false;
  }
  const Node* sizes = node->input(0)->node();
  if (sizes->kind() != aten::size || sizes->inputs().size() != 1 || !is_tensor(sizes->input(0)) ||
      sizes->output()->uses().size() != 1) {
    return false;
  }
  const Node* next = sizes->next();
  while (next != node && next->kind() == prim::Constant) next = next->next();
  return next == node;
}

// An int of the tensor; `dim` may be null.
bool LoweringContext::lower_size_number(const Node* node, Opcode opcode, const Value* tensor, const Value* dim) {
  if (bank_of_value(node->output()) != Bank::kInt) return false;
  const int32_t held = value_register(tensor);
  const int32_t which = dim != nullptr ? scalar(dim) : 0;
  const bool unread = live_.last_user(node->output(), node->owning_block()) == nullptr;
  const Place result = unread ? allocate(Bank::kInt) : define(node->output());
  emit(opcode, result.index, held, which);
  if (unread) release(result);
  drop_deaths(node, {result});
  return true;
}

// `x is None`, `x is not None`.
bool LoweringContext::lower_identity(const Node* node) {
  auto is_none = [this](const Value* value) {
    const c10::IValue* constant = constant_of(root(value));
    return constant != nullptr && constant->isNone() && root(value)->node()->kind() == prim::Constant;
  };
  const bool second = is_none(node->input(1));
  if (!second && !is_none(node->input(0))) return false;
  const Value* tested = node->input(second ? 0 : 1);
  if (bank_of_value(root(tested)) != Bank::kValue) return false;
  const int32_t value = value_register(tested);
  const bool unread = live_.last_user(node->output(), node->owning_block()) == nullptr;
  const Place result = unread ? allocate(Bank::kBool) : define(node->output());
  emit(Opcode::k_is_none, result.index, value);
  if (node->kind() == aten::__isnot__) emit(Opcode::k_not_bool, result.index, result.index);
  if (unread) release(result);
  drop_deaths(node, {result});
  return true;
}

// ---- Tuples, lists, dicts

absl::Status LoweringContext::lower_construct(const Node* node) {
  Site site;
  site.type = node->output()->type();
  const Opcode opcode = node->kind() == prim::ListConstruct   ? Opcode::k_make_list
                        : node->kind() == prim::DictConstruct ? Opcode::k_make_dict
                                                              : Opcode::k_make_tuple;
  const c10::TypeKind wanted = opcode == Opcode::k_make_list   ? c10::TypeKind::ListType
                               : opcode == Opcode::k_make_dict ? c10::TypeKind::DictType
                                                               : c10::TypeKind::TupleType;
  if (site.type->kind() != wanted) {
    return error_at(node->range(), absl::StrCat("'", node->kind().toQualString(), "' cannot make a value of type '",
                                                ir::print(*site.type), "'"));
  }
  emit_site(opcode, node, node->inputs(), std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_unpack(const Node* node) {
  int32_t tuple = value_register(node->input(0));
  std::vector<Place> results;
  for (const Value* output : node->outputs()) {
    if (live_.last_user(output, node->owning_block()) == nullptr) {
      results.push_back({Bank::kValue, -1});
      continue;
    }
    results.push_back(define(output));
  }
  const Place held{Bank::kValue, tuple};
  if (std::find(results.begin(), results.end(), held) != results.end()) {
    // A result has the tuple's own register: the tuple steps aside.
    const Place aside = allocate(Bank::kValue);
    temporaries_.push_back(aside);
    emit(Opcode::k_move_value, aside.index, tuple);
    tuple = aside.index;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].index < 0) continue;
    emit(for_bank(Opcode::k_tuple_get, results[i].bank), results[i].index, tuple, static_cast<int64_t>(i));
  }
  if (!temporaries_.empty()) emit(Opcode::k_drop, tuple);
  drop_deaths(node, results);
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_tuple_index(const Node* node) {
  const c10::IValue* index = constant_of(root(node->input(1)));
  auto tuple_type = node->input(0)->type()->cast<c10::TupleType>();
  if (index == nullptr || !index->isInt() || tuple_type == nullptr) {
    return error_at(node->range(), "the index of a tuple must be a constant int");
  }
  const auto size = static_cast<int64_t>(tuple_type->elements().size());
  const int64_t position = index->toInt() < 0 ? index->toInt() + size : index->toInt();
  if (position < 0 || position >= size) {
    return error_at(node->range(), absl::StrCat("tuple index ", index->toInt(), " is out of range: the tuple has ",
                                                size, " elements"));
  }
  const int32_t tuple = value_register(node->input(0));
  emit_element(node, Opcode::k_tuple_get, tuple, static_cast<int32_t>(position), node->output());
  auto held = places_.find(node->output());
  drop_deaths(node, held == places_.end() ? std::vector<Place>() : std::vector<Place>{held->second});
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_tuple_slice(const Node* node) {
  auto tuple_type = node->input(0)->type()->cast<c10::TupleType>();
  if (tuple_type == nullptr) return error_at(node->range(), "'prim::TupleSlice' takes a tuple");
  const auto size = static_cast<int64_t>(tuple_type->elements().size());
  const int64_t begin = node->i(attr::beg);
  const int64_t end = node->i(attr::end);
  if (begin < 0 || end < begin || end > size) {
    return error_at(node->range(), absl::StrCat("tuple slice [", begin, ":", end, "] of ", size, " elements"));
  }
  Site site;
  site.type = node->output()->type();
  emit_site(Opcode::k_tuple_slice, node, node->inputs(), std::move(site), static_cast<int32_t>(begin),
            static_cast<int32_t>(end));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_list_unpack(const Node* node) {
  emit_site(Opcode::k_unpack_list, node, node->inputs(), Site());
  return absl::OkStatus();
}

// Between banks: the others have vanished.
absl::Status LoweringContext::lower_cast(const Node* node) {
  const Value* source = root(node->input(0));
  if (live_.last_user(node->output(), node->owning_block()) == nullptr) {
    drop_deaths(node);
    return absl::OkStatus();
  }
  const bool constant = constant_of(source) != nullptr;
  const Place from = constant ? Place{} : places_.at(source);
  const Place to = define(node->output());
  emit_move({source, from, constant, false, to}, false);
  drop_deaths(node, {to});
  return absl::OkStatus();
}

// ---- Objects

// Of the attribute that prim::GetAttr and prim::SetAttr name.
absl::StatusOr<int32_t> LoweringContext::attribute_slot(const Node& node) {
  const std::string& name = node.s(attr::name);
  auto type = node.input(0)->type()->cast<c10::ClassType>();
  const std::optional<size_t> slot = type == nullptr ? std::nullopt : type->findAttributeSlot(name);
  if (!slot.has_value()) {
    return error_at(node.range(),
                    absl::StrCat("'", ir::print(*node.input(0)->type()), "' has no attribute '", name, "'"));
  }
  return static_cast<int32_t>(*slot);
}

absl::Status LoweringContext::lower_get_attr(const Node* node) {
  VESTA_ASSIGN_OR_RETURN(const int32_t slot, attribute_slot(*node));
  const int32_t object = value_register(node->input(0));
  emit_element(node, Opcode::k_get_attr, object, slot, node->output());
  auto held = places_.find(node->output());
  drop_deaths(node, held == places_.end() ? std::vector<Place>() : std::vector<Place>{held->second});
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_set_attr(const Node* node) {
  VESTA_ASSIGN_OR_RETURN(const int32_t slot, attribute_slot(*node));
  const int32_t object = value_register(node->input(0));
  const Bank given = bank_of_value(node->input(1));
  const int32_t value = given == Bank::kValue ? value_register(node->input(1)) : scalar(node->input(1));
  emit(for_bank(Opcode::k_set_attr, given), object, value, slot);
  drop_deaths(node);
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_create_object(const Node* node) {
  Site site;
  site.type = node->output()->type();
  if (site.type->kind() != c10::TypeKind::ClassType) {
    return error_at(node->range(), absl::StrCat("'", ir::print(*site.type), "' is not a class"));
  }
  emit_site(Opcode::k_make_object, node, {}, std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_isinstance(const Node* node) {
  Site site;
  site.types = node->get<std::vector<c10::TypePtr>>(attr::types);
  emit_site(Opcode::k_is_instance, node, node->inputs(), std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_enum(const Node* node) {
  const int32_t holder = value_register(node->input(0));
  const bool unread = live_.last_user(node->output(), node->owning_block()) == nullptr;
  const Bank bank = bank_of_value(node->output());
  const Place result = unread ? allocate(bank) : define(node->output());
  const Opcode opcode = node->kind() == prim::EnumName ? Opcode::k_enum_name : Opcode::k_enum_value;
  if (result.is_value()) {
    emit(opcode, result.index, holder);
  } else {
    const Place boxed = allocate(Bank::kValue);
    emit(opcode, boxed.index, holder);
    emit_move({nullptr, boxed, false, false, result}, true);
    emit(Opcode::k_drop, boxed.index);
    release(boxed);
  }
  if (unread) release(result);
  drop_deaths(node, {result});
  return absl::OkStatus();
}

// ---- Calls

absl::Status LoweringContext::resolve_method(const Node* node, const std::string& name, Site& site,
                                             bool& is_interface) {
  const c10::TypePtr& type = node->input(0)->type();
  is_interface = type->kind() == c10::TypeKind::InterfaceType;
  if (is_interface) {
    if (type->expectRef<c10::InterfaceType>().getMethod(name) == nullptr) {
      return error_at(node->range(), absl::StrCat("interface '", ir::print(*type), "' has no method '", name, "'"));
    }
    site.name = name;
    site.cache = &code_.caches.emplace_back();
    return absl::OkStatus();
  }
  auto class_type = type->cast<c10::ClassType>();
  torch::jit::Function* method = class_type == nullptr ? nullptr : class_type->findMethod(name);
  if (method == nullptr) {
    return error_at(node->range(), absl::StrCat("'", ir::print(*type), "' has no method '", name, "'"));
  }
  site.callee = dynamic_cast<const ir::Function*>(method);
  if (site.callee == nullptr) site.registered = method;
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_call_method(const Node* node) {
  Site site;
  bool is_interface = false;
  VESTA_RETURN_IF_ERROR(resolve_method(node, node->s(attr::name), site, is_interface));
  if (site.registered != nullptr) {
    const size_t wanted = site.registered->num_inputs();
    if (wanted != node->inputs().size()) {
      return error_at(node->range(), absl::StrCat("'", node->s(attr::name), "' takes ", wanted, " arguments, got ",
                                                  node->inputs().size()));
    }
    emit_site(Opcode::k_call_registered, node, node->inputs(), std::move(site));
    return absl::OkStatus();
  }
  if (!is_interface && site.callee->num_inputs() != node->inputs().size()) {
    return error_at(node->range(), absl::StrCat("'", node->s(attr::name), "' takes ", site.callee->num_inputs(),
                                                " arguments, got ", node->inputs().size()));
  }
  emit_site(is_interface ? Opcode::k_call_interface : Opcode::k_call_function, node, node->inputs(), std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_call_function(const Node* node) {
  auto type = root(node->input(0))->type()->cast<c10::FunctionType>();
  if (type == nullptr) return error_at(node->range(), "what is called is not a function");
  Site site;
  site.callee = ir::Function::from(type->function());
  const std::span<Value* const> arguments(node->inputs().data() + 1, node->inputs().size() - 1);
  if (site.callee->num_inputs() != arguments.size()) {
    return error_at(node->range(), absl::StrCat("'", site.callee->qualname().name(), "' takes ",
                                                site.callee->num_inputs(), " arguments, got ", arguments.size()));
  }
  emit_site(Opcode::k_call_function, node, arguments, std::move(site));
  return absl::OkStatus();
}

// __enter__(self) and __exit__(self, type, value, trace).
absl::Status LoweringContext::lower_context(const Node* node) {
  Site site;
  bool is_interface = false;
  const bool entering = node->kind() == prim::Enter;
  VESTA_RETURN_IF_ERROR(resolve_method(node, entering ? "__enter__" : "__exit__", site, is_interface));
  if (is_interface || site.callee == nullptr)
    return error_at(node->range(), "the object of a 'with' statement must be of a class of the program");
  if (node->input(0)->type()->expectRef<c10::ClassType>().findMethod("__exit__") == nullptr) {
    return error_at(node->range(), absl::StrCat("'", ir::print(*node->input(0)->type()), "' has no method '__exit__'"));
  }
  std::span<Value* const> arguments(node->inputs());
  const size_t wanted = site.callee->num_inputs();
  if (arguments.size() > wanted) arguments = arguments.first(wanted);
  if (arguments.size() != wanted) {
    return error_at(node->range(), absl::StrCat("'", site.callee->qualname().name(), "' takes ", wanted, " arguments"));
  }
  emit_site(entering ? Opcode::k_enter : Opcode::k_leave, node, arguments, std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_raise(const Node* node) {
  emit_site(Opcode::k_raise, node, node->inputs(), Site());
  return absl::OkStatus();
}

// ---- Tasks

absl::Status LoweringContext::lower_fork(const Node* node) {
  const auto* body = node->has(attr::Subgraph) ? &node->get<std::shared_ptr<ir::Graph>>(attr::Subgraph) : nullptr;
  const bool deferred = node->kind() == prim::awaitable;
  const c10::Type& made = *node->output()->type();
  if (body == nullptr || *body == nullptr ||
      made.kind() != (deferred ? c10::TypeKind::AwaitType : c10::TypeKind::FutureType) ||
      (*body)->inputs().size() != node->inputs().size() || (*body)->outputs().size() != 1) {
    return error_at(node->range(), absl::StrCat("'", node->kind().toQualString(),
                                                "' needs a subgraph that takes its inputs and gives one result"));
  }
  const std::string& forking = node->inlined_call() != nullptr ? node->inlined_call()->name : code_.name;
  absl::StatusOr<std::unique_ptr<Code>> code =
      lower(**body, absl::StrCat("<fork in ", forking, ">"), code_.program, derived_constants_);
  if (!code.ok()) return std::move(code).status();
  Site site;
  site.body = code->get();
  site.type = made.containedTypes()[0];
  site.deferred = deferred;
  code_.bodies.push_back(*std::move(code));
  code_.forks = true;
  emit_site(Opcode::k_fork, node, node->inputs(), std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_group(const Node* node) {
  const auto* body = node->has(attr::Subgraph) ? &node->get<std::shared_ptr<ir::Graph>>(attr::Subgraph) : nullptr;
  if (body == nullptr || *body == nullptr || (*body)->inputs().size() != node->inputs().size() ||
      (*body)->outputs().size() != node->outputs().size()) {
    return error_at(node->range(), "'prim::PlannedGroup' needs a subgraph that takes its inputs and gives its results");
  }
  absl::StatusOr<std::unique_ptr<Code>> code = lower(**body, code_.name, code_.program, derived_constants_);
  if (!code.ok()) return std::move(code).status();
  (*code)->is_part = true;
  Site site;
  site.body = code->get();
  code_.groups.push_back(
      std::make_shared<const plan::PlannedGroup>(*body, code_.name, code_.program, derived_constants_));
  site.group = code_.groups.back().get();
  code_.bodies.push_back(*std::move(code));
  emit_site(Opcode::k_run_group, node, node->inputs(), std::move(site));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_wait(const Node* node) {
  if (node->inputs().size() != 1 || node->input(0)->type()->kind() != c10::TypeKind::FutureType) {
    return lower_operator(node);
  }
  emit_site(Opcode::k_wait, node, node->inputs(), Site());
  return absl::OkStatus();
}

}  // namespace vesta::runtime
