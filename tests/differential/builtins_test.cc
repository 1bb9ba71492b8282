// Every row of ir/builtin_ops.def against torch::jit's operator of the same name: same stacks in, the same results
// out, or an error from both; and the same operators under the same names in the same order.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "ir/operator.h"
#include "ir/schema_parser.h"
#include "runtime/kernels/registry.h"
#include "tests/differential/builtin_values.h"
#include "tests/libtorch_versions.h"

namespace vesta::test {
namespace {

using c10::IValue;
using Stack = std::vector<IValue>;
using Oracle = std::shared_ptr<torch::jit::Operator>;

struct LeftOut {
  const char* name;
  const char* reason;
};

constexpr LeftOut kLeftOut[] = {
#define VESTA_LEFT_OUT(name, reason) {name, reason},
#include "tests/differential/builtins_left_out.def"
#undef VESTA_LEFT_OUT
};

std::string text_of(const c10::FunctionSchema& schema) {
  std::ostringstream out;
  out << schema;
  return out.str();
}

// torch::jit's operators of 2.15 that 2.11 did not have.
constexpr LeftOut kCameAfter211[] = {
    {"aten::broadcast_shapes", "came with 2.15; archives and source are compiled as 2.11 has them"},
    {"aten::_is_tracing", "came with 2.15; archives and source are compiled as 2.11 has them"},
};

std::set<std::string> left_out_names() {
  std::set<std::string> names;
  for (const LeftOut& each : kLeftOut) names.insert(each.name);
  if (kIsNewerThan2_11) {
    for (const LeftOut& each : kCameAfter211) names.insert(each.name);
  }
  return names;
}

// In 2.15 the dispatcher has some operators (aten::dim, ...) that only torch::jit had in 2.11: those rows stand back.
bool is_dispatchers(const c10::FunctionSchema& schema) {
  return c10::Dispatcher::singleton().findSchema(schema.operator_name()).has_value();
}

// Two operators of torch::jit bear one name: those are told apart by their text.
Oracle oracle_of(const c10::FunctionSchema& schema) {
  for (const Oracle& op : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(schema.name()))) {
    if (!op->isC10Op() && op->schema() == schema) return op;
  }
  return nullptr;
}

const std::set<std::string> kNotComparable = {
    // Random, or the time, or an address.
    "aten::seed",
    "prim::TimePoint",
    "prim::id",
    // Refused here.
    "aten::save",
    // torch::jit's interpreter does it; torch::jit's takes its arguments in the wrong order.
    "aten::wait",
    "aten::device.with_index",
    // Needs a record of the profiler.
    "profiler::_call_end_callbacks_on_jit_fut",
    "profiler::_call_end_callbacks_on_jit_fut._RecordFunction",
    // Takes what a graph's node gives torch::jit's operator; tests of its own below.
    "prim::tolist",
    "aten::format",
    "aten::percentFormat",
    "prim::Print",
    "aten::einsum.sublist",
    "aten::has_torch_function",
    // Change the process or need a graph of gradients; tests of their own below.
    "aten::set_grad_enabled",
    "aten::backward",
    "aten::backward.TensorList",
    "aten::grad",
    // Unchecked where they write or read; a test of their own below.
    "aten::_unsafe_index.Tensor_hacked_twin",
    "aten::_unsafe_index_put.hacked_twin",
    "aten::_index_put_impl_.hacked_twin",
    // torch::jit asks its own tracer, which stands still here; a warning to the console.
    "aten::warn",
};

// Their results, or torch::jit's time, grow with an int.
const std::set<std::string> kSmallInts = {"aten::mul",
                                          "aten::mul_",
                                          "prim::rangelist",
                                          "aten::center",
                                          "aten::ljust",
                                          "aten::rjust",
                                          "aten::zfill",
                                          "aten::expandtabs",
                                          "aten::split",
                                          "aten::__interpolate",
                                          "aten::__upsample",
                                          "aten::__upsample_nearest",
                                          "aten::__upsample_bilinear",
                                          "aten::_ncf_view",
                                          "aten::_ncf_unsqueeze",
                                          "aten::factorial",
                                          "aten::_infer_size",
                                          "aten::_grad_sum_to_size",
                                          "aten::to",
                                          "prim::ModuleContainerIndex",
                                          "aten::_no_grad_uniform_",
                                          "aten::_no_grad_normal_"};

bool has_nan(const IValue& value) {
  if (value.isDouble()) return std::isnan(value.toDouble());
  if (!value.isList()) return false;
  for (const IValue& element : value.toListRef()) {
    if (has_nan(element)) return true;
  }
  return false;
}

bool is_zero(const IValue& value) { return value.isInt() && value.toInt() == 0; }

// Of ints and floats, their elements too: more than 32 bits hold.
bool is_large(const IValue& value) {
  if (value.isInt()) return value.toInt() != static_cast<int32_t>(value.toInt());
  if (value.isDouble()) return !(std::fabs(value.toDouble()) < 2147483647.0);
  if (!value.isList()) return false;
  const auto elements = value.toListRef();
  return std::any_of(elements.begin(), elements.end(), is_large);
}

// torch::jit's operators for these narrow to 32 bits, or overflow with numbers of 64.
const std::set<std::string> kNarrow = {
    "prim::abs.Scalar", "aten::neg.Scalar",    "aten::floor.Scalar", "aten::ceil.Scalar",  "aten::round.Scalar",
    "aten::Int.Scalar", "aten::Int.float",     "aten::floor.int",    "aten::ceil.int",     "aten::floor.float",
    "aten::ceil.float", "aten::remainder.int", "aten::remainder",    "aten::floordiv.int", "aten::floordiv",
    "aten::sum.int",    "aten::divmod.int",    "aten::slice.t",      "aten::slice.str",    "aten::__range_length",
    "aten::ldexp",      "aten::pop.t",         "aten::Delete.t",     "aten::insert.t",     "aten::gcd.int"};

bool takes_narrow(const std::string& full) { return kNarrow.count(full) != 0 || full.rfind("aten::Complex.", 0) == 0; }

// Where torch::jit's operator crashes, hangs, has undefined behaviour, or fails where Python does not.
bool oracle_is_undefined(const std::string& full, const std::string& name, const Stack& s) {
  if (takes_narrow(full) && std::any_of(s.begin(), s.end(), is_large)) return true;
  if (full == "aten::remainder.int" || full == "aten::remainder" || name == "aten::__round_to_zero_floordiv")
    return is_zero(s[1]);
  if (name == "aten::__lshift__" || name == "aten::__rshift__") return s[1].toInt() < 0 || s[1].toInt() > 63;
  if (full == "aten::divmod.int_float" || full == "aten::divmod.float_int") return true;  // Computes in 32 bits.
  if (name == "aten::to") {  // A copy without a device or dtype dereferences nothing.
    const bool has_device = full == "aten::to.prim_Device" && !s[1].isNone();
    const bool has_dtype = full != "aten::to.prim_other" && !s[full == "aten::to.prim_Device" ? 2 : 1].isNone();
    return s.back().toBool() && !has_device && !has_dtype;
  }
  if (name == "aten::_ncf_view")
    return s[2].toInt() < 0 || s[2].toInt() > static_cast<int64_t>(s[1].toListRef().size());
  if (name == "aten::_grad_sum_to_size") {
    return s[1].isNone() || !at::is_expandable_to(s[1].toIntVector(), s[0].toTensor().sizes());
  }
  // 2.15 orders lists that hold NaN in another way than 2.11, whose way (Python's) is ours.
  if (kIsNewerThan2_11 && (full == "prim::max.float_list" || full == "prim::min.float_list")) {
    const auto has_nan = [](const IValue& list) {
      const std::vector<double> values = list.toDoubleVector();
      return std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
    };
    return std::any_of(s.begin(), s.end(), has_nan);
  }
  if (full == "aten::pow.int_to_int") return true;  // Gives a float where its schema says int.
  if (full == "aten::mul.left_t") return s[1].toInt() < 0;
  if (full == "aten::mul.right_" || name == "prim::rangelist") return s[0].toInt() < 0;
  if (name == "aten::center") return s[1].toInt() < 0;
  if (full == "aten::count") return s[1].toStringRef().empty();
  if (name == "aten::replace") return s[1].toStringRef().empty();
  if (name == "aten::rsplit") return s[1].toStringRef().empty();
  if (name == "aten::sort" || name == "aten::sorted") return has_nan(s[0]);
  if (name == "aten::hash") return s[0].isTensor() || s[0].isList() || s[0].isGenericDict();
  if (name == "aten::popitem") return has_nan(s[0].toGenericDict().begin()->key());
  return false;
}

IValue copy_of(const IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    return tensor.requires_grad() ? tensor.detach().clone().requires_grad_() : tensor.clone();
  }
  if (value.isGenerator()) return value.toGenerator().clone();
  if (value.isTuple()) {
    Stack elements;
    for (const IValue& element : value.toTupleRef().elements()) elements.push_back(copy_of(element));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isList()) {
    c10::impl::GenericList list(value.toList().elementType());
    for (const IValue& element : value.toListRef()) list.push_back(copy_of(element));
    return list;
  }
  if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    c10::impl::GenericDict copy(dict.keyType(), dict.valueType());
    for (const auto& entry : dict) copy.insert(copy_of(entry.key()), copy_of(entry.value()));
    return copy;
  }
  return value;  // immutable
}

Stack deep_copy(const Stack& stack) {
  Stack copy;
  for (const IValue& value : stack) copy.push_back(copy_of(value));
  return copy;
}

struct Outcome {
  bool ok = false;
  std::string error;
  Stack arguments;  // after the call: they may have been changed
  Stack results;
};

template <class Call>
Outcome run(const Stack& stack, Call call) {
  Outcome outcome;
  outcome.arguments = deep_copy(stack);
  outcome.results = outcome.arguments;
  at::manual_seed(7);
  try {
    outcome.error = call(outcome.results);
    outcome.ok = outcome.error.empty();
  } catch (const std::exception& error) {
    outcome.error = error.what();
  }
  return outcome;
}

std::string sequence_difference(const Stack& ours, const Stack& theirs) {
  if (ours.size() != theirs.size()) return "the numbers of values";
  for (size_t i = 0; i < ours.size(); ++i) {
    const std::string difference = exact_difference(ours[i], theirs[i]);
    if (!difference.empty()) return difference;
  }
  return "";
}

// Which arguments the results are, or share storage with.
std::string aliases(const Outcome& outcome) {
  std::string text;
  for (const IValue& result : outcome.results) {
    for (size_t i = 0; i < outcome.arguments.size(); ++i) {
      const IValue& argument = outcome.arguments[i];
      const bool same = result.isPtrType() && argument.isPtrType() && !result.isString() && result.is(argument);
      const bool tensors = result.isTensor() && argument.isTensor() && result.toTensor().defined();
      const bool shares = tensors && result.toTensor().is_alias_of(argument.toTensor());
      text += same ? 's' : shares ? 'a' : '-';
    }
    text += ' ';
  }
  return text;
}

// torch::jit's overloads for Scalar round their results to 32 bits on the way; ours do not.
void round_to_float(Outcome& outcome) {
  for (IValue& result : outcome.results) {
    if (result.isDouble()) result = static_cast<double>(static_cast<float>(result.toDouble()));
  }
}

std::string describe(const Stack& stack) {
  std::ostringstream out;
  for (const IValue& value : stack) {
    const bool has_data = !value.isTensor() || !value.toTensor().is_meta();
    has_data ? out << value << " | " : out << "meta | ";
  }
  return out.str().substr(0, 300);
}

// What differs, "" where nothing does.
std::string disagreement(const Outcome& ours, const Outcome& theirs) {
  if (ours.ok != theirs.ok) return "error: ours '" + ours.error + "', theirs '" + theirs.error.substr(0, 200) + "'";
  if (!ours.ok) return "";
  std::string text = sequence_difference(ours.results, theirs.results);
  if (!text.empty())
    return "results: " + text + "; ours " + describe(ours.results) + ", theirs " + describe(theirs.results);
  text = sequence_difference(ours.arguments, theirs.arguments);
  if (!text.empty()) return "arguments afterwards: " + text;
  return aliases(ours) == aliases(theirs) ? "" : "aliases: ours " + aliases(ours) + ", theirs " + aliases(theirs);
}

void compare(const std::string& name, const Stack& stack, const Outcome& ours, const Outcome& theirs) {
  EXPECT_EQ(disagreement(ours, theirs), "") << name << "(" << describe(stack) << ")";
}

Outcome run_ours(ir::BuiltinId row, const Stack& stack) {
  return run(stack, [&](Stack& s) {
    const absl::Status status = runtime::builtin_kernel(row)(s);
    return status.ok() ? std::string() : std::string(status.message()) + " ";
  });
}

c10::FunctionSchema schema_of(ir::BuiltinId row) {
  return *ir::parse_schema(ir::builtin_schema_texts()[static_cast<size_t>(row)]);
}

TEST(Builtins, EveryRowGivesWhatTorchJitGives) {
  constexpr int kTrials = 40;
  const auto rows = static_cast<ir::BuiltinId>(ir::builtin_schema_texts().size());
  size_t compared = 0, without = 0;
  for (ir::BuiltinId row = 0; row < rows; ++row) {
    const c10::FunctionSchema schema = schema_of(row);
    const std::string name = c10::toString(schema.operator_name());
    if (kNotComparable.count(name) != 0) continue;
    SCOPED_TRACE(name);
    const Oracle oracle = oracle_of(schema);
    if (kIsNewerThan2_11 && is_dispatchers(schema)) continue;
    ASSERT_NE(oracle, nullptr) << name;
    ArgumentMaker maker(static_cast<uint32_t>(row) + 1);
    int done = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const std::optional<Stack> stack = maker.arguments(schema, kSmallInts.count(schema.name()) != 0);
      if (!stack.has_value()) break;
      Outcome ours = run_ours(row, *stack);  // Must not crash wherever torch::jit would.
      ++done;
      if (oracle_is_undefined(name, schema.name(), *stack)) continue;
      Outcome theirs = run(*stack, [&](Stack& s) {
        oracle->getOperation()(s);
        return std::string();
      });
      if (schema.overload_name() == "Scalar") {
        round_to_float(ours);
        round_to_float(theirs);
      }
      if (name == "aten::sum.complex") theirs.arguments = ours.arguments;  // torch::jit's empties its argument.
      compare(name, *stack, ours, theirs);
      if (!disagreement(ours, theirs).empty()) break;  // One failure a row tells enough.
    }
    done > 0 ? ++compared : ++without;
  }
  EXPECT_GE(compared, 680u);
  EXPECT_LE(without, 8u);
}

// For `...` torch::jit's interpreter pushes the number of arguments, as ours does.
void compare_variadic(const char* name, const char* overload, const Stack& arguments) {
  const ir::Operator* op = ir::OperatorCatalog::standard().find(name, overload);
  ASSERT_NE(op, nullptr);
  Stack stack = arguments;
  stack.emplace_back(static_cast<int64_t>(arguments.size()));
  compare(name, stack, run_ours(op->builtin, stack),
          run(stack, [&](Stack& s) { return oracle_of(op->schema)->getOperation()(s), std::string(); }));
}

TEST(Builtins, FormattingMatches) {
  const c10::List<int64_t> list({1, 2});
  const c10::List<std::string> words({"a", "b"});
  const IValue tensor = at::Tensor(at::empty({2, 2}).fill_(1.5));
  const IValue pair = c10::ivalue::Tuple::create(IValue(1), IValue("x"));
  const std::vector<IValue> values = {
      1,    2.5,   1e20,   1e-7,     100000.0, 12345678.9, true,      "text",
      list, words, tensor, IValue(), pair,     NAN,        -INFINITY, c10::complex<double>(1, 2)};
  for (const char* pattern : {"{}", "a{}b", "{} {}", "{0} {}", "{:.2f}", "}{", "{{}}", ""}) {
    for (const IValue& value : values) {
      compare_variadic("aten::format", "", {pattern, value});
      compare_variadic("aten::format", "", {pattern, value, 3});
    }
    compare_variadic("aten::format", "", {pattern});
  }
  for (const char* pattern :
       {"%s", "%d", "%i", "%f", "%F", "%e", "%E", "%c", "%g", "%%", "a%", "%s %s", "%d%%", "x", "%x"}) {
    for (const IValue& value : values) {
      if (value.isDouble() && !(std::fabs(value.toDouble()) < 1e9)) {
        if (std::string(pattern).find_first_of("di") != std::string::npos) continue;  // Undefined in torch::jit.
      }
      compare_variadic("aten::percentFormat", "", {pattern, value});
      compare_variadic("aten::percentFormat", "", {pattern, c10::ivalue::Tuple::create(value, value)});
    }
  }
}

TEST(Builtins, VariadicOperatorsMatch) {
  const IValue matrix = at::Tensor(at::arange(6.0).reshape({2, 3}));
  const c10::List<int64_t> ij({0, 1}), jk({1, 27}), ik({0, 27}), bad({0, 60});
  const IValue other = at::Tensor(at::arange(6.0).reshape({3, 2}));
  compare_variadic("aten::einsum", "sublist", {matrix, ij, other, jk, ik});
  compare_variadic("aten::einsum", "sublist", {matrix, ij, other, jk});
  compare_variadic("aten::einsum", "sublist", {matrix, bad});

  // torch::jit's leaves its arguments on the stack.
  const ir::Operator* op = ir::OperatorCatalog::standard().find("aten::has_torch_function", "");
  Stack stack{matrix, 1, 2};
  EXPECT_TRUE(runtime::builtin_kernel(op->builtin)(stack).ok());
  ASSERT_EQ(stack.size(), 1u);
  EXPECT_FALSE(stack[0].toBool());
}

TEST(Builtins, TolistMatches) {
  const ir::Operator* op = ir::OperatorCatalog::standard().find("prim::tolist", "");
  const std::vector<at::Tensor> tensors = {
      at::arange(6).reshape({2, 3}), at::arange(6.0).reshape({3, 2}).t(), at::ones({}, at::kBool),   at::zeros({2, 0}),
      at::zeros({2}, at::kInt),      at::ones({1, 1}, at::kComplexFloat), at::full({}, 5, at::kLong)};
  for (const at::Tensor& tensor : tensors) {
    for (int64_t dims = 0; dims <= 3; ++dims) {
      for (int64_t kind = 0; kind <= 3; ++kind) {
        const Stack plain{tensor, dims, kind};
        Stack counted = plain;
        counted.emplace_back(3);
        Outcome ours = run_ours(op->builtin, counted);
        ours.arguments.pop_back();
        compare("tolist", plain, ours,
                run(plain, [&](Stack& s) { return oracle_of(op->schema)->getOperation()(s), std::string(); }));
      }
    }
  }
}

TEST(Builtins, IndexingByListsOfTensorsMatches) {
  const IValue matrix = at::Tensor(at::arange(12.0).reshape({3, 4}));
  const c10::List<at::Tensor> rows({at::arange(2)}), cells({at::arange(2), at::arange(1, 3)});
  const IValue values = at::Tensor(at::full({}, 7.0));
  const std::map<std::string, std::vector<IValue>> rest = {
      {"aten::index.Tensor_hacked_twin", {}},
      {"aten::_unsafe_index.Tensor_hacked_twin", {}},
      {"aten::index_put.hacked_twin", {values, false}},
      {"aten::index_put_.hacked_twin", {values, true}},
      {"aten::_unsafe_index_put.hacked_twin", {values, true}},
      {"aten::_index_put_impl_.hacked_twin", {values, false, true}}};
  for (const auto& [full, arguments] : rest) {
    const size_t dot = full.find('.');
    const ir::Operator* op = ir::OperatorCatalog::standard().find(full.substr(0, dot), full.substr(dot + 1));
    ASSERT_NE(op, nullptr) << full;
    for (const c10::List<at::Tensor>& indices : {rows, cells}) {
      Stack stack{matrix, indices};
      stack.insert(stack.end(), arguments.begin(), arguments.end());
      compare(full, stack, run_ours(op->builtin, stack),
              run(stack, [&](Stack& s) { return oracle_of(op->schema)->getOperation()(s), std::string(); }));
    }
  }
}

// A row for each operator that only torch::jit has, but for those left out for a reason.
TEST(Builtins, EveryOperatorOfTorchJitIsARowOrLeftOut) {
  std::set<std::string> left_out;
  for (const LeftOut& each : kLeftOut) {
    EXPECT_GT(std::string(each.reason).size(), 10u) << each.name;
    EXPECT_TRUE(left_out.insert(each.name).second) << each.name << " twice";
  }
  std::set<std::string> rows;
  for (std::string_view text : ir::builtin_schema_texts()) {
    const c10::FunctionSchema schema = *ir::parse_schema(text);
    if (!kIsNewerThan2_11 || !is_dispatchers(schema)) {
      EXPECT_NE(oracle_of(schema), nullptr) << text << ": torch::jit has no such operator";
    }
    EXPECT_TRUE(rows.insert(text_of(schema)).second) << text << " twice";
    EXPECT_EQ(left_out.count(c10::toString(schema.operator_name())), 0u) << text;
  }
  std::set<std::string> known;
  for (const Oracle& op : torch::jit::getAllOperators()) {
    if (op->isC10Op()) continue;
    const std::string name = c10::toString(op->schema().operator_name());
    known.insert(name);
    bool is_row = false;
    for (const ir::Operator* ours : ir::OperatorCatalog::standard().candidates(op->schema().name()))
      is_row |= ours->schema == op->schema();
    EXPECT_TRUE(is_row || left_out_names().count(name) != 0) << text_of(op->schema());
  }
  for (const std::string& name : left_out)
    EXPECT_EQ(known.count(name), 1u) << name << " is left out but does not exist";
}

TEST(Builtins, OverloadsAreTriedInTorchJitsOrder) {
  const std::set<std::string> left_out = left_out_names();
  std::set<std::string> names;
  for (const Oracle& op : torch::jit::getAllOperators()) names.insert(op->schema().name());
  for (const std::string& name : names) {
    std::vector<std::string> ours, theirs;
    for (const Oracle& op : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name))) {
      if (left_out.count(c10::toString(op->schema().operator_name())) == 0)
        theirs.push_back(op->schema().overload_name());
    }
    for (const ir::Operator* op : ir::OperatorCatalog::standard().candidates(name))
      ours.push_back(op->schema.overload_name());
    EXPECT_EQ(ours, theirs) << name;
  }
}

}  // namespace
}  // namespace vesta::test
