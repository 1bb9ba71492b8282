// The loop. Instructions jump to each other through a table of labels. The registers' addresses and the
// instruction pointer are locals; frame->pc is brought up to date before anything that may throw, call or fail.
//
// A jump through the table runs no destructors: an object that owns something must be moved from, or live in a
// function of its own, when its instruction ends.

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "runtime/kernels/elements.h"
#include "runtime/kernels/number.h"
#include "runtime/machine.h"
#include "runtime/objects.h"
#include "runtime/scalar_math.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using kernels::elements_of;

absl::Status index_error(const char* message) {
  return with_exception_class(absl::InvalidArgumentError(message), "IndexError");
}

// False where the index is out of range, after counting from the end.
bool normalize(int64_t& index, size_t size) {
  if (index < 0) index += static_cast<int64_t>(size);
  return index >= 0 && static_cast<size_t>(index) < size;
}

const IValue& attribute(const IValue& object, int32_t slot) {
  const c10::ivalue::Object& held = object.toObjectRef();
  TORCH_CHECK(static_cast<size_t>(slot) < held.slots().size(), "attribute '",
              held.type()->getAttributeName(static_cast<size_t>(slot)), "' is not set");
  return held.getSlot(static_cast<size_t>(slot));
}

const IValue& tuple_element(const IValue& tuple, int32_t index) {
  const auto& elements = tuple.toTupleRef().elements();
  TORCH_CHECK(static_cast<size_t>(index) < elements.size(), "tuple index out of range");
  return elements[static_cast<size_t>(index)];
}

IValue slice_tuple(const IValue& tuple, int32_t begin, int32_t end) {
  const auto& elements = tuple.toTupleRef().elements();
  TORCH_CHECK(static_cast<size_t>(end) <= elements.size(), "tuple slice out of range");
  std::vector<IValue> slice(elements.begin() + begin, elements.begin() + end);
  return c10::ivalue::Tuple::create(std::move(slice));
}

// Replaces the list on the stack, which nothing else is on, by its elements.
absl::Status spread_list(ir::Stack& stack, size_t expected) {
  const IValue list = std::move(stack[0]);
  const std::vector<IValue>& elements = elements_of(list);
  if (elements.size() != expected) {
    const std::string text = absl::StrCat("expected ", expected, " elements in a list but found ", elements.size());
    return with_exception_class(absl::InvalidArgumentError(text), "ValueError");
  }
  stack.assign(elements.begin(), elements.end());
  return absl::OkStatus();
}

int64_t as_int(const IValue& value) { return value.toInt(); }
int64_t as_bool(const IValue& value) { return value.toBool() ? 1 : 0; }
int64_t as_float(const IValue& value) {
  return std::bit_cast<int64_t>(value.isInt() ? static_cast<double>(value.toInt()) : value.toDouble());
}

}  // namespace

#define VESTA_LOAD_int64(index) s[index]
#define VESTA_LOAD_float64(index) std::bit_cast<double>(s[index])
#define VESTA_STORE_int64(value) (value)
#define VESTA_STORE_float64(value) std::bit_cast<int64_t>(value)

// No object with a destructor may be alive here: g++ would not run it, clang refuses it.
#define VESTA_DISPATCH() goto* kLabels[static_cast<size_t>(pc->opcode)]
#define VESTA_NEXT()  \
  do {                \
    ++pc;             \
    VESTA_DISPATCH(); \
  } while (false)
#define VESTA_JUMP(target) \
  do {                     \
    pc = code + (target);  \
    VESTA_DISPATCH();      \
  } while (false)
// Back-edges cost what lies between them and their target.
#define VESTA_LOOP(target)                                               \
  do {                                                                   \
    if (limited) [[unlikely]] {                                          \
      absl::Status status = control_->check(pc - (code + (target)) + 1); \
      if (!status.ok()) return fail(std::move(status), *frame, pc);      \
    }                                                                    \
    VESTA_JUMP(target);                                                  \
  } while (false)
#define VESTA_RELOAD()                       \
  do {                                       \
    frame = &frames_.back();                 \
    code = frame->code->instructions.data(); \
    pc = frame->pc;                          \
    v = frame->values;                       \
    s = frame->scalars;                      \
  } while (false)
#define VESTA_CALL(expression)                                           \
  do {                                                                   \
    frame->pc = pc;                                                      \
    absl::Status status = (expression);                                  \
    if (!status.ok()) [[unlikely]]                                       \
      return fail(std::move(status), frames_.back(), frames_.back().pc); \
  } while (false)

// One instruction of several forms: for IValues, ints, floats and bools.
#define VESTA_GETTER(name, source)   \
  L_##name : {                       \
    frame->pc = pc;                  \
    {                                \
      IValue value = source;         \
      v[pc->a] = std::move(value);   \
    }                                \
    VESTA_NEXT();                    \
  }                                  \
  L_##name##_int : frame->pc = pc;   \
  s[pc->a] = as_int(source);         \
  VESTA_NEXT();                      \
  L_##name##_float : frame->pc = pc; \
  s[pc->a] = as_float(source);       \
  VESTA_NEXT();                      \
  L_##name##_bool : frame->pc = pc;  \
  s[pc->a] = as_bool(source);        \
  VESTA_NEXT();

Machine::Outcome Machine::loop() {
  static const void* const kLabels[] = {
#define VESTA_INSTRUCTION(name, a, b, c) &&L_##name,
#include "runtime/instructions.def"
#undef VESTA_INSTRUCTION
  };

  const bool limited = control_->limited();
  Frame* frame;
  const Instruction* code;
  const Instruction* pc;
  IValue* v;
  int64_t* s;
  VESTA_RELOAD();
  VESTA_DISPATCH();

// Arithmetic and comparisons come straight from the table.
#define VESTA_INSTRUCTION(name, a, b, c)
#define VESTA_UNARY(name, operand, result, expression) \
  L_##name : {                                         \
    const auto x = VESTA_LOAD_##operand(pc->b);        \
    s[pc->a] = VESTA_STORE_##result(expression);       \
    VESTA_NEXT();                                      \
  }
#define VESTA_BINARY(name, operands, result, expression) \
  L_##name : {                                           \
    const auto x = VESTA_LOAD_##operands(pc->b);         \
    const auto y = VESTA_LOAD_##operands(pc->c);         \
    s[pc->a] = VESTA_STORE_##result(expression);         \
    VESTA_NEXT();                                        \
  }
#define VESTA_BY_POSITIVE(name, operands, result, expression) \
  L_##name : {                                                \
    const auto x = VESTA_LOAD_##operands(pc->b);              \
    const auto y = VESTA_LOAD_##operands(pc->c);              \
    const auto r = static_cast<uint64_t>(s[pc->c + 1]);       \
    s[pc->a] = VESTA_STORE_##result(expression);              \
    VESTA_NEXT();                                             \
  }
#define VESTA_TERNARY(name, operands, result, expression) \
  L_##name : {                                            \
    const auto x = VESTA_LOAD_##operands(pc->b);          \
    const auto y = VESTA_LOAD_##operands(pc->c);          \
    const auto z = VESTA_LOAD_##operands(pc->d);          \
    s[pc->a] = VESTA_STORE_##result(expression);          \
    VESTA_NEXT();                                         \
  }
#define VESTA_TERNARY_BY_POSITIVE(name, operands, result, expression) \
  L_##name : {                                                        \
    const auto x = VESTA_LOAD_##operands(pc->b);                      \
    const auto y = VESTA_LOAD_##operands(pc->c);                      \
    const auto z = VESTA_LOAD_##operands(pc->d);                      \
    const auto r = static_cast<uint64_t>(s[pc->d + 1]);               \
    s[pc->a] = VESTA_STORE_##result(expression);                      \
    VESTA_NEXT();                                                     \
  }
#define VESTA_COMPARE(name, operands, expression) \
  L_##name : {                                    \
    const auto x = VESTA_LOAD_##operands(pc->b);  \
    const auto y = VESTA_LOAD_##operands(pc->c);  \
    s[pc->a] = (expression) ? 1 : 0;              \
    VESTA_NEXT();                                 \
  }                                               \
  L_jump_if_##name : {                            \
    const auto x = VESTA_LOAD_##operands(pc->b);  \
    const auto y = VESTA_LOAD_##operands(pc->c);  \
    if (expression) VESTA_JUMP(pc->a);            \
    VESTA_NEXT();                                 \
  }                                               \
  L_jump_unless_##name : {                        \
    const auto x = VESTA_LOAD_##operands(pc->b);  \
    const auto y = VESTA_LOAD_##operands(pc->c);  \
    if (!(expression)) VESTA_JUMP(pc->a);         \
    VESTA_NEXT();                                 \
  }                                               \
  L_loop_if_##name : {                            \
    const auto x = VESTA_LOAD_##operands(pc->b);  \
    const auto y = VESTA_LOAD_##operands(pc->c);  \
    if (expression) VESTA_LOOP(pc->a);            \
    VESTA_NEXT();                                 \
  }
#include "runtime/instructions.def"
#undef VESTA_INSTRUCTION

L_floordiv_int:
  if (s[pc->c] == 0) [[unlikely]]
    return fail(kernels::zero_division("division by 0"), *frame, pc);
  s[pc->a] = python_floordiv(s[pc->b], s[pc->c]);
  VESTA_NEXT();
L_mod_int:
  if (s[pc->c] == 0) [[unlikely]]
    return fail(kernels::zero_division("modulo by 0"), *frame, pc);
  s[pc->a] = python_mod(s[pc->b], s[pc->c]);
  VESTA_NEXT();

L_pow_float : {
  const double x = VESTA_LOAD_float64(pc->b);
  const double y = VESTA_LOAD_float64(pc->c);
  if (x == 0 && y < 0) [[unlikely]]
    return fail(kernels::zero_to_negative_power(), *frame, pc);
  s[pc->a] = VESTA_STORE_float64(std::pow(x, y));
  VESTA_NEXT();
}

// ---- Ints from floats
#define VESTA_TO_INT(name, function)                          \
  L_##name : {                                                \
    const double x = function(VESTA_LOAD_float64(pc->b));     \
    if (!fits_int(x)) [[unlikely]]                            \
      return fail(kernels::truncate(x).status(), *frame, pc); \
    s[pc->a] = static_cast<int64_t>(x);                       \
    VESTA_NEXT();                                             \
  }
  VESTA_TO_INT(floor_float, std::floor)
  VESTA_TO_INT(ceil_float, std::ceil)
  VESTA_TO_INT(float_to_int, std::trunc)
#undef VESTA_TO_INT

  // ---- Moves
L_move_scalar:
  s[pc->a] = s[pc->b];
  VESTA_NEXT();
L_move_value:
  v[pc->a] = std::move(v[pc->b]);
  VESTA_NEXT();
L_copy_value:
  v[pc->a] = v[pc->b];
  VESTA_NEXT();
L_load_constant:
  v[pc->a] = frame->code->constants[static_cast<size_t>(pc->b)];
  VESTA_NEXT();
L_drop:
  lists_.drop(v[pc->a]);
  VESTA_NEXT();
L_box_int:
  v[pc->a] = IValue(s[pc->b]);
  VESTA_NEXT();
L_box_float:
  v[pc->a] = IValue(std::bit_cast<double>(s[pc->b]));
  VESTA_NEXT();
L_box_bool:
  v[pc->a] = IValue(s[pc->b] != 0);
  VESTA_NEXT();
L_unbox_int:
  frame->pc = pc;
  s[pc->a] = as_int(v[pc->b]);
  VESTA_NEXT();
L_unbox_float:
  frame->pc = pc;
  s[pc->a] = as_float(v[pc->b]);
  VESTA_NEXT();
L_unbox_bool:
  frame->pc = pc;
  s[pc->a] = as_bool(v[pc->b]);
  VESTA_NEXT();

  // ---- Jumps
L_jump:
  VESTA_JUMP(pc->a);
L_jump_if:
  if (s[pc->b] != 0) VESTA_JUMP(pc->a);
  VESTA_NEXT();
L_jump_unless:
  if (s[pc->b] == 0) VESTA_JUMP(pc->a);
  VESTA_NEXT();
L_loop:
  VESTA_LOOP(pc->a);
L_loop_if:
  if (s[pc->b] != 0) VESTA_LOOP(pc->a);
  VESTA_NEXT();
L_loop_for:
  if (++s[pc->b] < s[pc->c]) VESTA_LOOP(pc->a);
  VESTA_NEXT();

  // ---- Values
L_is_none:
  s[pc->a] = v[pc->b].isNone() ? 1 : 0;
  VESTA_NEXT();
  VESTA_GETTER(get_attr, attribute(v[pc->b], pc->c))
  VESTA_GETTER(tuple_get, tuple_element(v[pc->b], pc->c))
L_set_attr:
  frame->pc = pc;
  v[pc->a].toObjectRef().setSlot(static_cast<size_t>(pc->c), v[pc->b]);
  VESTA_NEXT();
L_set_attr_int:
  frame->pc = pc;
  v[pc->a].toObjectRef().setSlot(static_cast<size_t>(pc->c), s[pc->b]);
  VESTA_NEXT();
L_set_attr_float:
  frame->pc = pc;
  v[pc->a].toObjectRef().setSlot(static_cast<size_t>(pc->c), std::bit_cast<double>(s[pc->b]));
  VESTA_NEXT();
L_set_attr_bool:
  frame->pc = pc;
  v[pc->a].toObjectRef().setSlot(static_cast<size_t>(pc->c), s[pc->b] != 0);
  VESTA_NEXT();

  // ---- Lists
L_list_length:
  frame->pc = pc;
  s[pc->a] = static_cast<int64_t>(elements_of(v[pc->b]).size());
  VESTA_NEXT();
#define VESTA_LIST_GET(name, store)                                    \
  L_##name : {                                                         \
    frame->pc = pc;                                                    \
    const std::vector<IValue>& elements = elements_of(v[pc->b]);       \
    int64_t index = s[pc->c];                                          \
    if (!normalize(index, elements.size())) [[unlikely]]               \
      return fail(index_error("list index out of range"), *frame, pc); \
    const IValue& element = elements[static_cast<size_t>(index)];      \
    { store; }                                                         \
    VESTA_NEXT();                                                      \
  }
  VESTA_LIST_GET(list_get, IValue copy = element; v[pc->a] = std::move(copy))
  VESTA_LIST_GET(list_get_int, s[pc->a] = as_int(element))
  VESTA_LIST_GET(list_get_float, s[pc->a] = as_float(element))
  VESTA_LIST_GET(list_get_bool, s[pc->a] = as_bool(element))
#define VESTA_LIST_SET(name, value)                                    \
  L_##name : {                                                         \
    frame->pc = pc;                                                    \
    std::vector<IValue>& elements = elements_of(v[pc->a]);             \
    int64_t index = s[pc->b];                                          \
    if (!normalize(index, elements.size())) [[unlikely]]               \
      return fail(index_error("list index out of range"), *frame, pc); \
    elements[static_cast<size_t>(index)] = value;                      \
    VESTA_NEXT();                                                      \
  }
  VESTA_LIST_SET(list_set, v[pc->c])
  VESTA_LIST_SET(list_set_int, s[pc->c])
  VESTA_LIST_SET(list_set_float, std::bit_cast<double>(s[pc->c]))
  VESTA_LIST_SET(list_set_bool, s[pc->c] != 0)
  VESTA_LIST_SET(list_set_last, std::move(v[pc->c]))
L_list_append:
  frame->pc = pc;
  elements_of(v[pc->a]).push_back(v[pc->b]);
  VESTA_NEXT();
L_list_append_last:
  frame->pc = pc;
  elements_of(v[pc->a]).push_back(std::move(v[pc->b]));
  VESTA_NEXT();
L_list_append_int:
  frame->pc = pc;
  elements_of(v[pc->a]).emplace_back(s[pc->b]);
  VESTA_NEXT();
L_list_append_float:
  frame->pc = pc;
  elements_of(v[pc->a]).emplace_back(std::bit_cast<double>(s[pc->b]));
  VESTA_NEXT();
L_list_append_bool:
  frame->pc = pc;
  elements_of(v[pc->a]).emplace_back(s[pc->b] != 0);
  VESTA_NEXT();

  // ---- Strings
L_string_length:
  frame->pc = pc;
  s[pc->a] = static_cast<int64_t>(v[pc->b].toStringView().size());
  VESTA_NEXT();
L_string_byte : {
  frame->pc = pc;
  const std::string_view text = v[pc->b].toStringView();
  int64_t index = s[pc->c];
  if (!normalize(index, text.size())) [[unlikely]]
    return fail(absl::InvalidArgumentError("string index out of range"), *frame, pc);
  s[pc->a] = static_cast<unsigned char>(text[static_cast<size_t>(index)]);
  VESTA_NEXT();
}

  // ---- Tensors and enums
L_tensor_dim:
  frame->pc = pc;
  s[pc->a] = v[pc->b].toTensor().dim();
  VESTA_NEXT();
L_tensor_size:
  frame->pc = pc;
  s[pc->a] = v[pc->b].toTensor().size(s[pc->c]);
  VESTA_NEXT();
L_tensor_size_get:
  frame->pc = pc;
  {
    const at::IntArrayRef sizes = v[pc->b].toTensor().sizes();
    int64_t index = s[pc->c];
    if (!normalize(index, sizes.size())) [[unlikely]]
      return fail(index_error("list index out of range"), *frame, pc);
    s[pc->a] = sizes[static_cast<size_t>(index)];
  }
  VESTA_NEXT();
L_enum_name:
  frame->pc = pc;
  {
    IValue name = v[pc->b].toEnumHolder()->name();
    v[pc->a] = std::move(name);
  }
  VESTA_NEXT();
L_enum_value:
  frame->pc = pc;
  {
    IValue value = v[pc->b].toEnumHolder()->value();
    v[pc->a] = std::move(value);
  }
  VESTA_NEXT();

  // ---- Operators
L_call_operator : {
  const Site& site = frame->code->site(pc->a);
  frame->pc = pc;
  push_operands(*frame, site);
  if (!site.enums.empty()) [[unlikely]]
    VESTA_CALL(check_enum_arguments(site.op->schema, site.enums, stack_));
  if (site.autocast != AutocastPolicy::kNone && autocast_.on()) [[unlikely]]
    autocast_arguments(site.autocast, autocast_, stack_, site.inputs);
  site.handle->callBoxed(stack_);
  pop_results(*frame, site);
  VESTA_NEXT();
}
L_call_builtin:
  VESTA_CALL(call_builtin(*frame, frame->code->site(pc->a)));
  VESTA_NEXT();

  // ---- Calls and returns
L_call_function : {
  const Site& site = frame->code->site(pc->a);
  VESTA_CALL(call(*frame, site, *site.callee));
  VESTA_RELOAD();
  VESTA_DISPATCH();
}
L_run_group:
  frame->pc = pc;
  if (run_group(*frame, frame->code->site(pc->a))) VESTA_NEXT();
  VESTA_RELOAD();
  VESTA_DISPATCH();
L_call_registered : {
  const Site& site = frame->code->site(pc->a);
  frame->pc = pc;
  push_operands(*frame, site);
  site.registered->run(stack_);
  pop_results(*frame, site);
  VESTA_NEXT();
}
L_call_interface : {
  const Site& site = frame->code->site(pc->a);
  frame->pc = pc;
  const ir::Function* callee = nullptr;
  {
    absl::StatusOr<const ir::Function*> method = find_method(*frame, site);
    if (!method.ok()) return fail(method.status(), *frame, pc);
    callee = *method;
  }
  VESTA_CALL(call(*frame, site, *callee));
  VESTA_RELOAD();
  VESTA_DISPATCH();
}
L_enter : {
  const Site& site = frame->code->site(pc->a);
  frame->pc = pc;
  enter(*frame, site);
  if (absl::Status status = call(*frame, site, *site.callee); !status.ok()) {
    leave(frames_.back());
    return fail(std::move(status), frames_.back(), pc);
  }
  VESTA_RELOAD();
  VESTA_DISPATCH();
}
L_leave : {
  const Site& site = frame->code->site(pc->a);
  leave(*frame);
  VESTA_CALL(call(*frame, site, *site.callee));
  VESTA_RELOAD();
  VESTA_DISPATCH();
}
L_return_values:
  frame->pc = pc;
  if (!return_from(*frame, frame->code->site(pc->a))) return Outcome::kDone;
  VESTA_RELOAD();
  VESTA_DISPATCH();
L_raise:
  return fail(raise(*frame, frame->code->site(pc->a)), *frame, pc);

  // ---- Making and taking apart
#define VESTA_MAKE(name, expression)             \
  L_##name : {                                   \
    const Site& site = frame->code->site(pc->a); \
    frame->pc = pc;                              \
    push_operands(*frame, site);                 \
    {                                            \
      IValue made = expression;                  \
      stack_.clear();                            \
      stack_.push_back(std::move(made));         \
    }                                            \
    pop_results(*frame, site);                   \
    VESTA_NEXT();                                \
  }
  VESTA_MAKE(make_list, lists_.make(site.type->expectRef<c10::ListType>().getElementType(), stack_))
  VESTA_MAKE(make_dict, runtime::make_dict(*site.type, stack_))
  VESTA_MAKE(make_tuple, runtime::make_tuple(site.type, stack_))
  VESTA_MAKE(make_object, runtime::make_object(site.type, frame->code->program))
  VESTA_MAKE(tuple_slice, slice_tuple(stack_[0], pc->b, pc->c))
  VESTA_MAKE(is_instance, IValue(std::any_of(site.types.begin(), site.types.end(), [this](const c10::TypePtr& type) {
               return runtime::is_instance(stack_[0], *type);
             })))
L_unpack_list : {
  const Site& site = frame->code->site(pc->a);
  frame->pc = pc;
  push_operands(*frame, site);
  VESTA_CALL(spread_list(stack_, site.outputs));
  pop_results(*frame, site);
  VESTA_NEXT();
}

  // ---- Tasks
L_fork:
  frame->pc = pc;
  fork(*frame, frame->code->site(pc->a));
  VESTA_NEXT();
L_wait:
  frame->pc = pc;
  switch (wait(*frame, frame->code->site(pc->a))) {
    case WaitResult::kReady:
      VESTA_NEXT();
    case WaitResult::kPushed:
      VESTA_RELOAD();
      VESTA_DISPATCH();
    case WaitResult::kSuspended:
      return Outcome::kSuspended;
    case WaitResult::kFailed:
      return Outcome::kFailed;
  }
  return Outcome::kFailed;
}

}  // namespace vesta::runtime
