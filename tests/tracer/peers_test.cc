// What the tests of other languages' tracers claim (R torch, tch-rs), for this API.

#include <torch/nn.h>

#include <sstream>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

namespace nn = torch::nn;
using at::Tensor;

Module saved_and_loaded(const Module& module) {
  std::stringstream file;
  const absl::Status saved = module.save(file);
  if (!saved.ok()) throw std::runtime_error(std::string(saved.message()));
  return must(load(file));
}

Tensor tensor_of(const absl::StatusOr<c10::IValue>& value) { return must(get<Tensor>(value)); }

TEST(PeersClaims, AFunctionsTraceCanBePrintedSavedAndLoaded) {
  const auto relu = [](const Tensor& x) { return at::relu(x); };
  const Tensor x = at::tensor({-1.0f, 0.0f, 1.0f});
  const Module module = must(trace(relu, {x}));
  EXPECT_THAT(text_of(module), ::testing::StartsWith("graph("));
  EXPECT_TRUE(at::equal(tensor_of(module.forward({x})), relu(x)));
  EXPECT_TRUE(at::equal(tensor_of(saved_and_loaded(module).forward({x})), relu(x)));
}

TEST(PeersClaims, ListsOfTensorsAreTakenAndGiven) {
  const auto stack = [](const std::vector<Tensor>& list) { return std::vector<Tensor>{at::stack(list), list[0] + 1}; };
  const Module module = must(trace(stack, {c10::IValue(std::vector<Tensor>{at::ones({1}), at::zeros({1})})}));
  const std::vector<Tensor> other{at::full({1}, 3.0), at::full({1}, 4.0)};
  EXPECT_EQ(difference(c10::IValue(stack(other)), must(module.forward({c10::IValue(other)}))), "");
  EXPECT_FALSE(module.forward({c10::IValue(std::vector<Tensor>{other[0]})}).ok()) << "a list of another length";
}

TEST(PeersClaims, NamedInputsAndOutputsKeepTheirNames) {
  const auto swap = [](const Inputs& in) {
    const auto dict = in[0].toGenericDict();
    return std::map<std::string, Tensor>{{"x", dict.at("t1").toTensor() * 1}, {"y", dict.at("t2").toTensor() + 1}};
  };
  c10::Dict<std::string, Tensor> example;
  example.insert("t1", at::ones({2}));
  example.insert("t2", at::zeros({2}));
  const Module module = saved_and_loaded(must(trace(swap, {example})));
  c10::Dict<std::string, Tensor> other;
  other.insert("t2", at::full({2}, 5.0));
  other.insert("t1", at::full({2}, 4.0));
  const auto result = must(module.forward({other})).toGenericDict();
  EXPECT_EQ(result.at("x").toTensor().sum().item<float>(), 8);
  EXPECT_EQ(result.at("y").toTensor().sum().item<float>(), 12);
}

TEST(PeersClaims, ATupleStaysATuple) {
  const auto code = [](const Inputs& in) {
    const auto pair = in[0].toTupleRef().elements();
    return std::make_tuple(pair[1].toTensor(), pair[0].toTensor());
  };
  const c10::IValue pair(std::make_tuple(at::ones({1}), at::zeros({1})));
  const Module module = must(trace(code, {pair}));
  EXPECT_EQ(difference(c10::IValue(std::make_tuple(at::zeros({1}), at::ones({1}))), must(module.forward({pair}))), "");
  const auto list = module.forward({c10::IValue(std::vector<Tensor>{at::ones({1}), at::zeros({1})})});
  EXPECT_THAT(message(list), HasSubstr("Tuple[Tensor, Tensor]"));
}

TEST(PeersClaims, AnotherNumberOfArgumentsIsRefused) {
  const auto code = [](const Tensor& x, const Tensor& y) { return x + y; };
  EXPECT_THAT(message(trace(code, {at::ones({1})})), HasSubstr("takes 2 arguments, got 1"));
  const Module module = must(trace(code, {at::ones({1}), at::ones({1})}, {.input_names = {"left", "right"}}));
  EXPECT_FALSE(module.forward({at::ones({1})}).ok());
  EXPECT_EQ(tensor_of(module.forward({at::ones({1})}, {{"right", at::ones({1})}})).item<float>(), 2);
}

// --- A module with several methods.

struct SeveralImpl : nn::Module {
  nn::Linear linear{nullptr};
  nn::BatchNorm1d norm{nullptr};
  Tensor par, buff;
  double constant = 1;
  std::vector<Tensor> hello{torch::tensor({1.0f}), torch::tensor({2.0f})};

  SeveralImpl() {
    linear = register_module("linear", nn::Linear(10, 10));
    norm = register_module("norm", nn::BatchNorm1d(10));
    par = register_parameter("par", torch::tensor({2.0f}));
    buff = register_buffer("buff", torch::randn({10, 5}));
  }
  Tensor forward(const Tensor& x) { return par * x; }
  Tensor testing(const Tensor& x) { return linear(x); }
  Tensor test_constant(const Tensor& x) { return x + constant + hello[1]; }
};
TORCH_MODULE(Several);

Module trace_several(Several& net) {
  const auto method = [&](Tensor (SeveralImpl::*function)(const Tensor&)) {
    return TraceFunction([&net, function](const Inputs& in) { return c10::IValue(((*net).*function)(in.tensor(0))); });
  };
  return must(trace_module(target_of(*net), {{"forward", method(&SeveralImpl::forward), {at::randn({1})}},
                                             {"testing", method(&SeveralImpl::testing), {at::randn({10, 10})}},
                                             {"test_constant", method(&SeveralImpl::test_constant), {at::ones({1})}}}));
}

void expect_several(const Module& module, Several& net) {
  EXPECT_EQ(module.parameters().size(), 5u);
  EXPECT_EQ(module.named_modules().size(), 3u);
  const Tensor two = at::tensor({2.0f});
  EXPECT_EQ(tensor_of(module.forward({two})).item<float>(), 4);
  EXPECT_EQ(tensor_of(module.run_method("test_constant", {two})).item<float>(), 5);
  const Tensor x = at::randn({10, 10});
  EXPECT_EQ(difference(net->testing(x), must(module.run_method("testing", {x}))), "");
  const at::NoGradGuard no_grad;
  must(module.attr("par")).toTensor().zero_();
  EXPECT_EQ(tensor_of(module.forward({two})).item<float>(), 0);
  must(module.attr("linear.weight")).toTensor().zero_().add_(1);
  net->linear->weight.zero_().add_(1);
  EXPECT_EQ(difference(net->testing(x), must(module.run_method("testing", {x}))), "");
}

TEST(PeersClaims, MethodsShareParametersThatAreChangedInPlace) {
  Several net;
  expect_several(trace_several(net), net);
}

TEST(PeersClaims, ModulesWithSeveralMethodsAreSavedAndLoaded) {
  Several net;
  const Module module = saved_and_loaded(trace_several(net));
  EXPECT_EQ(module.named_buffers().size(), 5u) << "the captured tensor is one";
  expect_several(module, net);
}

TEST(PeersClaims, AMethodThatWasNotTracedIsNamed) {
  Several net;
  const Module module = trace_several(net);
  const auto missing = must(module.get_submodule("linear")).forward({at::randn({10, 10})});
  EXPECT_THAT(message(missing), HasSubstr("forward"));
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
}

TEST(PeersClaims, AMethodOutlivesTheModuleThatItWasTakenFrom) {
  std::optional<Method> forward;
  {
    const Module module = must(trace(nn::Linear(10, 10), {at::randn({10, 10})}));
    forward = must(module.get_method("forward"));
  }
  EXPECT_TRUE((*forward)({at::randn({3, 10})}).ok());
}

TEST(PeersClaims, ErrorsOfTheCodeReachTheCaller) {
  struct Failing : nn::Module {
    Tensor forward(const Tensor&) { throw std::runtime_error("the error abcde"); }
  };
  Failing failing;
  EXPECT_THAT(message(trace(failing, {at::ones({1})})), HasSubstr("the error abcde"));
  EXPECT_TRUE(trace(nn::Linear(2, 2), {at::ones({1, 2})}).ok());
}

// A module with a traced module inside.
struct OuterImpl : nn::Module {
  vesta::Module inner;
  explicit OuterImpl(vesta::Module inner) : inner(std::move(inner)) {}
  Tensor forward(const Tensor& x) { return tensor_of(inner.forward({x})) + 1; }
};
TORCH_MODULE(Outer);

TEST(PeersClaims, ATracedModuleCanBePartOfCodeThatIsTraced) {
  nn::Linear linear(10, 10);
  Outer outer(must(trace(linear, {at::randn({10, 10})})));
  const Module module = must(trace(outer, {at::randn({10, 10})}));
  const Tensor x = at::randn({4, 10});
  EXPECT_EQ(difference(outer->forward(x), must(module.forward({x}))), "");
  EXPECT_EQ(difference(linear->forward(x), must(outer->inner.forward({x}))), "");
  ASSERT_EQ(module.parameters().size(), 2u) << "they are the inner module's own";
  EXPECT_TRUE(module.parameters()[0].is_same(linear->weight) || module.parameters()[1].is_same(linear->weight));
}

TEST(PeersClaims, AMethodMayHaveAnyName) {
  const auto sum = [](const Inputs& in) { return c10::IValue(in.tensor(0) + in.tensor(1)); };
  const Module module = saved_and_loaded(must(trace_module(
      TraceTarget(), {{"MyFn", sum, {at::scalar_tensor(0.0), at::scalar_tensor(1.0)}}}, {.name = "MyModule"})));
  const Tensor result =
      tensor_of(module.run_method("MyFn", {at::tensor({1.0, 2.0, 3.0}), at::tensor({41.0, 1335.0, 0.25})}));
  EXPECT_TRUE(at::equal(result, at::tensor({42.0, 1337.0, 3.25})));
  EXPECT_FALSE(module.has_method("forward"));
}

TEST(PeersClaims, FrozenParametersOfCodeBecomeTheTracesState) {
  nn::Linear linear(3, 2);
  for (Tensor& parameter : linear->parameters()) parameter.set_requires_grad(false);
  const Module module = must(trace([&](const Tensor& x) { return linear->forward(x); }, {at::randn({2, 3})}));
  EXPECT_EQ(module.state_dict().size(), 2u);
  const Tensor x = at::randn({5, 3});
  EXPECT_EQ(difference(linear->forward(x), must(saved_and_loaded(module).forward({x}))), "");
}

}  // namespace
}  // namespace vesta::test
