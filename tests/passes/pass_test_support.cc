#include "tests/passes/pass_test_support.h"

#include <cmath>
#include <map>
#include <sstream>
#include <stdexcept>

#include <ATen/ATen.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ir/ir_parser.h"
#include "ir/printer.h"
#include "runtime/api/deep_copy.h"
#include "runtime/api/frozen_methods.h"
#include "runtime/evaluate_operator.h"
#include "runtime/runner.h"

namespace vesta::passes::testing {
namespace {

at::Tensor pattern(const std::vector<int64_t>& sizes, c10::ScalarType type, double start) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  const at::Tensor angles = at::arange(count, at::kDouble) * 0.7 + start;
  return (at::sin(angles) * 1.5).reshape(sizes).to(type);
}

template <class T>
T must(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return *std::move(result);
}
void must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

struct Shape {
  bool integers = false;
  std::vector<int64_t> sizes = {2, 3};
};

std::map<std::string, Shape> shapes_of(std::string_view text) {
  std::map<std::string, Shape> shapes;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  for (const std::string& line : lines) {
    const size_t colon = line.find(": ");
    if (!absl::StartsWith(line, "# ") || colon == std::string::npos) continue;
    Shape shape;
    shape.sizes.clear();
    const std::string rest = line.substr(colon + 2);
    shape.integers = absl::StartsWith(rest, "int64 ");
    const size_t open = rest.find('[');
    const size_t close = rest.find(']');
    if (open == std::string::npos || close == std::string::npos) continue;
    const std::vector<std::string> words =
        absl::StrSplit(rest.substr(open + 1, close - open - 1), ',', absl::SkipWhitespace());
    for (const std::string& word : words) {
      int64_t size = 0;
      if (absl::SimpleAtoi(word, &size)) shape.sizes.push_back(size);
    }
    shapes[line.substr(2, colon - 2)] = shape;
  }
  return shapes;
}

c10::IValue argument_for(const c10::TypePtr& type, const Shape& shape, uint64_t seed) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      if (shape.integers) return at::randint(0, 3, shape.sizes, at::TensorOptions(at::kLong));
      return at::randn(shape.sizes);
    case c10::TypeKind::IntType:
      return static_cast<int64_t>(seed % 5);
    case c10::TypeKind::FloatType:
      return 0.5 + static_cast<double>(seed % 7);
    case c10::TypeKind::BoolType:
      return seed % 2 == 0;
    case c10::TypeKind::StringType:
      return std::string("text");
    case c10::TypeKind::OptionalType:
      if (seed % 2 == 0) return {};
      return argument_for(type->expectRef<c10::OptionalType>().getElementType(), shape, seed);
    case c10::TypeKind::ListType: {
      const c10::TypePtr element = type->expectRef<c10::ListType>().getElementType();
      c10::List<c10::IValue> list(element);
      for (uint64_t i = 0; i < 3; ++i) list.push_back(argument_for(element, shape, seed + i));
      return c10::IValue(list);
    }
    case c10::TypeKind::TupleType: {
      std::vector<c10::IValue> elements;
      for (const auto& element : type->containedTypes()) elements.push_back(argument_for(element, shape, seed));
      return c10::ivalue::Tuple::create(std::move(elements));
    }
    case c10::TypeKind::NoneType:
      return {};
    default:
      throw std::runtime_error(absl::StrCat("no argument of type ", ir::print(*type)));
  }
}

std::string compare(const c10::IValue& a, const c10::IValue& b, double relative, const std::string& where) {
  if (a.tagKind() != b.tagKind()) return absl::StrCat(where, ": ", a.tagKind(), " and ", b.tagKind(), "\n");
  if (a.isTensor()) {
    const at::Tensor& x = a.toTensor();
    const at::Tensor& y = b.toTensor();
    if (x.defined() != y.defined()) return where + ": one is undefined\n";
    if (!x.defined()) return {};
    if (x.scalar_type() != y.scalar_type() || x.sizes() != y.sizes() || x.strides() != y.strides()) {
      return where + ": another dtype, shape or strides\n";
    }
    if (at::allclose(x.to(at::kDouble), y.to(at::kDouble), relative, relative * 1e-1, true)) return {};
    std::ostringstream out;
    out << where << ": elements differ\n" << x << "\n" << y << "\n";
    return out.str();
  }
  std::string result;
  if (a.isTuple() || a.isList()) {
    const auto x = a.isTuple() ? a.toTupleRef().elements().vec() : a.toListRef().vec();
    const auto y = b.isTuple() ? b.toTupleRef().elements().vec() : b.toListRef().vec();
    if (x.size() != y.size()) return where + ": another number of elements\n";
    for (size_t i = 0; i < x.size(); ++i) result += compare(x[i], y[i], relative, absl::StrCat(where, "[", i, "]"));
    return result;
  }
  if (a.isDouble() && std::abs(a.toDouble() - b.toDouble()) <= relative * std::abs(b.toDouble())) return {};
  if (a == b) return {};
  std::ostringstream out;
  out << where << ": " << a << " and " << b << "\n";
  return out.str();
}

// Which tensors among the values share storage, as numbers in the order of appearance.
void sharing(const c10::IValue& value, std::map<const void*, size_t>& names, std::vector<size_t>& result) {
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return;
    const void* storage = value.toTensor().storage().unsafeGetStorageImpl();
    result.push_back(names.emplace(storage, names.size()).first->second);
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements()) sharing(element, names, result);
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) sharing(element, names, result);
  }
}

}  // namespace

std::vector<size_t> sharing(const RunResult& run) {
  std::map<const void*, size_t> names;
  std::vector<size_t> result;
  for (const c10::IValue& value : run.arguments) sharing(value, names, result);
  for (const c10::IValue& value : run.results) sharing(value, names, result);
  return result;
}

std::shared_ptr<ir::Graph> parse(std::string_view text) {
  ir::IrParseOptions options;
  double start = 0;
  options.make_tensor = [&start](c10::ScalarType type, const std::vector<int64_t>& sizes) {
    return pattern(sizes, type, start += 1);
  };
  return must(ir::parse_graph(text, options));
}

Module module_of(std::string_view source) {
  Module inner("Inner");
  must(inner.register_parameter("weight", pattern({3, 3}, at::kFloat, 5)));
  must(inner.define("def forward(self, x: Tensor) -> Tensor:\n  return torch.relu(torch.matmul(x, self.weight))\n"));
  Module module("Net");
  must(module.register_parameter("weight", pattern({3, 3}, at::kFloat, 1)));
  must(module.register_parameter("bias", pattern({3}, at::kFloat, 2)));
  must(module.register_attribute("missing", c10::OptionalType::create(c10::TensorType::get()), c10::IValue()));
  must(module.register_attribute("scale", 2.5));
  must(module.register_attribute("steps", int64_t{3}));
  must(module.register_attribute("sizes", c10::List<int64_t>({2, 3})));
  must(module.register_attribute("name", "net"));
  must(module.register_attribute("training", true));
  must(module.register_attribute("count", int64_t{0}));
  must(module.register_buffer("buffer", pattern({3}, at::kFloat, 3)));
  must(module.register_module("inner", inner));
  must(module.define(source));
  OptimizationOptions options;
  options.level = OptimizationLevel::kO0;
  return must(module.freeze(options));
}

std::shared_ptr<ir::Graph> graph_of(const Module& module) {
  const Method forward = must(module.get_method("forward"));
  return internal::Access::function(forward)->graph()->copy();
}

PassContext plain_context(Level level) {
  PassContext context;
  context.level = level;
  context.evaluate = runtime::evaluate_operator;
  return context;
}

PassContext context_of(const Module& module, Level level) {
  PassContext context = plain_context(level);
  const internal::ObjectPtr& object = internal::Access::object(module);
  context.function = internal::Access::function(must(module.get_method("forward")));
  context.may_inline_from = [](const ir::Program&) { return true; };
  context.self = object;
  const auto state = std::make_shared<internal::FrozenState>(object, /*live=*/false);
  context.frozen_attribute = [state](const c10::ivalue::Object& holder, const std::string& name) {
    return state->attribute(holder, name);
  };
  return context;
}

std::vector<c10::IValue> arguments_for(const ir::Graph& graph, std::string_view text, uint64_t seed, size_t skip) {
  const std::map<std::string, Shape> shapes = shapes_of(text);
  at::manual_seed(seed);
  std::vector<c10::IValue> result;
  for (size_t i = skip; i < graph.inputs().size(); ++i) {
    const auto shape = shapes.find(graph.inputs()[i]->name());
    result.push_back(
        argument_for(graph.inputs()[i]->type(), shape == shapes.end() ? Shape() : shape->second, seed + i));
  }
  return result;
}

RunResult run(const ir::Graph& graph, const std::vector<c10::IValue>& arguments) {
  RunResult result;
  const c10::IValue copy =
      must(internal::DeepCopier({}).copy(c10::ivalue::Tuple::create(std::vector<c10::IValue>(arguments))));
  result.arguments = copy.toTupleRef().elements().vec();
  result.results = result.arguments;
  at::manual_seed(1);
  result.status = runtime::Runner::standard().run(graph, result.results);
  if (!result.status.ok()) result.results.clear();
  return result;
}

std::string difference(const RunResult& a, const RunResult& b, double relative) {
  if (!a.status.ok() || !b.status.ok()) {
    if (a.status.message() == b.status.message()) return {};
    return absl::StrCat("one fails:\n", a.status.message(), "\nthe other:\n", b.status.message());
  }
  std::string result;
  for (size_t i = 0; i < a.results.size(); ++i) {
    result += compare(a.results[i], b.results[i], relative, absl::StrCat("result ", i));
  }
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    if (a.arguments[i].isObject()) continue;
    result += compare(a.arguments[i], b.arguments[i], relative, absl::StrCat("argument ", i, " afterwards"));
  }
  return result;
}

}  // namespace vesta::passes::testing
