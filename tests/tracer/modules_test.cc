// Modules: names, modes, several methods, other devices and dtypes, modules that were compiled before.

#include <ATen/autocast_mode.h>
#include <torch/nn.h>

#include <sstream>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

namespace nn = torch::nn;
using at::Tensor;

struct NetImpl : nn::Module {
  nn::Linear encoder{nullptr}, decoder{nullptr};
  nn::Dropout dropout{nullptr};
  Tensor offset;

  NetImpl() {
    encoder = register_module("encoder", nn::Linear(4, 3));
    dropout = register_module("dropout", nn::Dropout(0.5));
    decoder = register_module("decoder", nn::Linear(3, 4));
    offset = register_buffer("offset", torch::ones({4}));
  }
  Tensor encode(const Tensor& x) { return torch::relu(encoder(x)); }
  Tensor decode(const Tensor& x) { return decoder(x) + offset; }
  Tensor forward(const Tensor& x) { return decode(dropout(encode(x))); }
};
TORCH_MODULE(Net);

std::vector<std::string> names_of(const std::vector<Named<Tensor>>& tensors) {
  std::vector<std::string> names;
  for (const auto& tensor : tensors) names.push_back(tensor.name);
  return names;
}

TEST(TraceModule, KeepsNamesAndTree) {
  Net net;
  const Module module = must(trace(net, {at::randn({2, 4})}, {.name = "Net"}));
  EXPECT_THAT(names_of(module.named_parameters()),
              ::testing::UnorderedElementsAre("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"));
  EXPECT_THAT(names_of(module.named_buffers()), ::testing::ElementsAre("offset"));
  EXPECT_TRUE(must(module.get_submodule("encoder")).has_attr("weight"));
  EXPECT_EQ(module.type_name(), "__torch__.Net");
  EXPECT_TRUE(module.is_training());
  EXPECT_THAT(text_of(module), HasSubstr("%encoder : __torch__.Net.encoder = prim::GetAttr[name=\"encoder\"](%self)"));
}

TEST(TraceModule, HoldersPointersAndReferencesAreTheSame) {
  Net net;
  net->eval();
  const Tensor x = at::randn({2, 4});
  const Tensor expected = net->forward(x);
  for (const auto& module : {trace(net, {x}), trace(*net, {x}), trace(net.ptr(), {x})}) {
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_TRUE(at::allclose(must(get<Tensor>(module->forward({x}))), expected));
  }
}

TEST(TraceModule, ParametersAreSharedSoChangesTakeEffect) {
  Net net;
  net->eval();
  const Module module = must(trace(net, {at::randn({2, 4})}));
  {
    const at::NoGradGuard no_grad;
    net->encoder->weight.mul_(3);
    net->decoder->bias.fill_(1);
  }
  const Tensor x = at::randn({2, 4});
  EXPECT_TRUE(at::allclose(must(get<Tensor>(module.forward({x}))), net->forward(x)));
  // And the other way round: the trace can be trained.
  must(get<Tensor>(module.forward({x}))).sum().backward();
  EXPECT_TRUE(net->encoder->weight.grad().defined());
}

TEST(TraceModule, TracingLeavesTheModuleAlone) {
  nn::BatchNorm2d norm(3);
  const Tensor mean = norm->running_mean.clone();
  must(trace(norm, {at::randn({2, 3, 4, 4})}));
  EXPECT_TRUE(at::equal(norm->running_mean, mean));
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 0);
  EXPECT_TRUE(norm->is_training());
}

TEST(TraceModule, BatchNormTrainsAndEvaluates) {
  nn::BatchNorm2d norm(3);
  Module module = must(trace(norm, {at::randn({2, 3, 4, 4})}));
  EXPECT_EQ(count(module, "aten::batch_norm"), 1) << text_of(module);
  EXPECT_EQ(count(module, "aten::add_"), 1);
  EXPECT_EQ(count(module, "prim::If"), 1) << "counting batches is for training alone";
  const Tensor x = at::randn({2, 3, 4, 4}) + 5;
  must(module.forward({x}));
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 1);
  EXPECT_GT(norm->running_mean.mean().item<float>(), 0.3);
  ASSERT_TRUE(module.eval().ok());
  must(module.forward({x}));
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 1);
}

TEST(TraceModule, DropoutFollowsTheModesAndFrozenModesDoNot) {
  Net net;
  const Tensor x = at::randn({2, 4});
  Module module = must(trace(net, {x}));
  EXPECT_EQ(count(module, "prim::If"), 0) << "only an argument differs\n" << text_of(module);
  ASSERT_TRUE(module.eval().ok());
  EXPECT_TRUE(at::equal(must(get<Tensor>(module.forward({x}))), must(get<Tensor>(module.forward({x})))));
  net->eval();
  Module frozen = must(trace(net, {x}, {.freeze_mode = true}));
  ASSERT_TRUE(frozen.train().ok());
  EXPECT_TRUE(at::equal(must(get<Tensor>(frozen.forward({x}))), must(get<Tensor>(frozen.forward({x})))));
}

struct ModalImpl : nn::Module {
  nn::Linear linear{nullptr};
  ModalImpl() { linear = register_module("linear", nn::Linear(4, 4)); }
  Tensor forward(Tensor x) {
    if (is_training()) {
      x = x + 1;
      x = x * 2;
    } else {
      x = x.tanh();
    }
    const Tensor y = linear(x);
    return is_training() ? y.sum() : y;
  }
};
TORCH_MODULE(Modal);

TEST(TraceModule, OtherOperatorsInEachModeBecomeABranch) {
  Modal modal;
  Module module = must(trace(modal, {at::randn({2, 4})}));
  EXPECT_EQ(count(module, "aten::addmm"), 1) << text_of(module);
  for (const bool training : {true, false, true}) {
    modal->train(training);
    ASSERT_TRUE(module.train(training).ok());
    const Tensor x = at::randn({3, 4});
    EXPECT_EQ(difference(modal->forward(x), must(module.forward({x}))), "") << text_of(module);
  }
}

struct ConstantModeImpl : nn::Module {
  Tensor forward(const Tensor& x) { return torch::dropout(x, 0.5, /*train=*/true); }
};
TORCH_MODULE(ConstantMode);

TEST(TraceModule, AModeThatTheCodeFixesStaysFixed) {
  ConstantMode mode;
  Module module = must(trace(mode, {at::ones({50})}));
  ASSERT_TRUE(module.eval().ok());
  EXPECT_FALSE(at::equal(must(get<Tensor>(module.forward({at::ones({50})}))), at::ones({50})));
}

TEST(TraceModule, SeveralMethodsShareTheParameters) {
  Net net;
  net->eval();
  const auto encode = [&](const Inputs& in) { return c10::IValue(net->encode(in.tensor(0))); };
  const auto decode = [&](const Inputs& in) { return c10::IValue(net->decode(in.tensor(0))); };
  const absl::StatusOr<Module> module = trace_module(
      target_of(*net),
      {{"encode", encode, {at::randn({2, 4})}, {"image"}}, {"decode", decode, {at::randn({2, 3})}, {"code"}}});
  ASSERT_TRUE(module.ok()) << module.status();
  const Tensor x = at::randn({5, 4});
  const c10::IValue code = must(module->run_method("encode", {x}));
  EXPECT_EQ(difference(net->decode(net->encode(x)), must(module->run_method("decode", {code}))), "");
  EXPECT_EQ(must(module->get_method("decode")).signature(), "decode(code: Tensor) -> Tensor");
  EXPECT_EQ(module->parameters().size(), 4u);
  EXPECT_FALSE(module->has_method("forward"));
  const auto clash = trace_module(target_of(*net), {{"encoder", encode, {at::randn({2, 4})}}});
  EXPECT_THAT(message(clash), HasSubstr("'encoder' cannot be the name of a method"));
}

TEST(TraceModule, AMethodOutlivesItsModuleAndItsCode) {
  std::optional<Method> method;
  Tensor expected;
  const Tensor x = at::randn({2, 4});
  {
    Net net;
    net->eval();
    expected = net->forward(x);
    method = must(must(trace(net, {x})).get_method("forward"));
  }
  EXPECT_TRUE(at::allclose(must(get<Tensor>((*method)({x}))), expected));
}

TEST(TraceModule, DefaultArgumentsAndOptionalOnesAreTheCodesOwn) {
  nn::LSTM lstm(nn::LSTMOptions(3, 5));
  const Tensor x = at::randn({4, 2, 3});
  const Module alone = must(trace(lstm, {x}));
  EXPECT_EQ(difference(internal::to_value(lstm->forward(x)), must(alone.forward({x}))), "");
  const auto state = std::make_tuple(at::randn({1, 2, 5}), at::randn({1, 2, 5}));
  const Module both = must(trace(lstm, {x, c10::IValue(state)}));
  EXPECT_EQ(difference(internal::to_value(lstm->forward(x, state)), must(both.forward({x, c10::IValue(state)}))), "");
  EXPECT_THAT(message(trace(lstm, {x, c10::IValue(state), x})),
              HasSubstr("'forward' takes at most 2 arguments, got 3"));
  EXPECT_THAT(message(trace(lstm, {int64_t{3}})), HasSubstr("argument 0: expected Tensor, got int"));
}

TEST(TraceModule, ScopesAreThoseOfTheParameters) {
  Net net;
  TraceReport report;
  const Module module = must(trace(net, {at::randn({2, 4})}, {.name = "Net", .report = &report}));
  const auto wrong = module.forward({at::randn({2, 5})});
  EXPECT_THAT(message(wrong), HasSubstr("encoder: aten::addmm"));
}

// --- Devices and dtypes.

struct BakedImpl : nn::Module {
  nn::Linear linear{nullptr};
  BakedImpl() { linear = register_module("linear", nn::Linear(3, 3)); }
  Tensor forward(const Tensor& x) {
    const auto options = torch::TensorOptions().dtype(torch::kFloat).device(torch::kCPU);
    return linear(x + torch::ones({3}, options)) + torch::full({1}, 2, options) + torch::tensor({1.0f, 2.0f, 3.0f});
  }
};
TORCH_MODULE(Baked);

TEST(TraceModule, DevicesAndDtypesFollowAModuleThatMoves) {
  Baked baked;
  TraceReport report;
  Module module = must(trace(baked, {at::randn({2, 3})}, {.report = &report}));
  EXPECT_FALSE(report.has(Kind::kDeviceBaked) || report.has(Kind::kDtypeBaked)) << report.text();
  const Tensor x = at::randn({2, 3});
  const Tensor expected = baked->forward(x);
  Module moved = must(module.deepcopy());
  ASSERT_TRUE(moved.to(at::kDouble).ok());
  const Tensor result = must(get<Tensor>(moved.forward({x.to(at::kDouble)})));
  EXPECT_EQ(result.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::allclose(result, expected.to(at::kDouble), 1e-5, 1e-5));
  const Module meta = must(module.deepcopy(c10::Device(at::kMeta)));
  EXPECT_TRUE(must(get<Tensor>(meta.forward({x.to(at::kMeta)}))).is_meta());
}

TEST(TraceModule, AutocastsCastsAreInTheTrace) {
  nn::Linear linear(4, 4);
  const auto code = [&](const Tensor& x) {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const Tensor y = at::linear(x, linear->weight, linear->bias);
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    return y;
  };
  const Tensor x = at::randn({2, 4});
  const Module module = must(trace(code, {x}));
  const Tensor expected = code(x);
  ASSERT_EQ(expected.scalar_type(), at::kBFloat16);
  EXPECT_EQ(difference(expected, must(module.forward({x}))), "") << text_of(module);
  EXPECT_EQ(count(module, "aten::linear"), 1) << text_of(module);
  EXPECT_GE(count(module, "aten::to"), 2) << text_of(module);
}

// --- Modules that were compiled.

TEST(TraceLoaded, ACompiledModuleIsRetracedWithItsLoopsUnrolled) {
  Module source("Source");
  ASSERT_TRUE(source.register_parameter("weight", at::randn({3, 3})).ok());
  const absl::Status defined = source.define(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "  for i in range(3):\n"
      "    x = torch.tanh(torch.mm(x, self.weight))\n"
      "  return x\n");
  ASSERT_TRUE(defined.ok()) << defined;
  const Module module = must(trace(source, {at::randn({2, 3})}));
  EXPECT_EQ(count(module, "aten::mm"), 3) << text_of(module);
  EXPECT_EQ(count(module, "prim::Loop"), 0);
  EXPECT_THAT(names_of(module.named_parameters()), ::testing::ElementsAre("weight"));
  const Tensor x = at::randn({5, 3});
  EXPECT_EQ(difference(must(source.forward({x})), must(module.forward({x}))), "");
}

TEST(TraceLoaded, AModuleThatIsNamedIsCalledAndKeepsItsBranches) {
  Module steps("Steps");
  ASSERT_TRUE(steps.register_buffer("calls", at::zeros({1})).ok());
  const absl::Status defined = steps.define(
      "def forward(self, x: Tensor, limit: float = 8.) -> Tuple[Tensor, int]:\n"
      "  self.calls.add_(1)\n"
      "  n = 0\n"
      "  while bool(x.sum() < limit):\n"
      "    x = x * 2\n"
      "    n += 1\n"
      "  return x, n\n");
  ASSERT_TRUE(defined.ok()) << defined;
  const auto code = [&steps](const Tensor& x) {
    const c10::IValue result = must(steps.forward({x + 1}));
    return result.toTupleRef().elements()[0].toTensor() - 1;
  };
  const absl::StatusOr<Module> traced = trace(code, {at::ones({3})}, {.modules = {{"steps", steps}}});
  ASSERT_TRUE(traced.ok()) << traced.status();
  EXPECT_EQ(count(*traced, "prim::CallMethod"), 1) << text_of(*traced);
  EXPECT_EQ(count(*traced, "aten::mul"), 0);
  EXPECT_EQ(must(steps.attr("calls")).toTensor().item<float>(), 0) << "what the method writes is undone";
  EXPECT_THAT(names_of(traced->named_buffers()), ::testing::ElementsAre("steps.calls"));
  std::stringstream file;
  ASSERT_TRUE(traced->save(file).ok());
  const Module loaded = must(load(file));
  for (const double start : {0.0, 0.1, 20.0}) {
    const Tensor x = at::full({3}, start);
    EXPECT_EQ(difference(code(x), must(traced->forward({x}))), "");
    EXPECT_EQ(difference(code(x), must(loaded.forward({x}))), "");
  }
  const auto inlined = must(trace(code, {at::ones({3})}));
  EXPECT_EQ(count(inlined, "prim::CallMethod"), 0);
  EXPECT_GT(count(inlined, "aten::mul"), 0);
  const auto dotted = trace(code, {at::ones({3})}, {.modules = {{"a.b", steps}}});
  EXPECT_THAT(message(dotted), HasSubstr("'a.b' cannot be the name of a module"));
}

TEST(TraceLoaded, ATraceMayCallATraceAndBeSaved) {
  nn::Linear linear(3, 3);
  const Module inner = must(trace(linear, {at::randn({2, 3})}));
  const auto code = [&inner](const Tensor& x) { return must(inner.forward({x})).toTensor().relu(); };
  const Tensor x = at::randn({5, 3});
  // The second one's class has the name of the inner one's, in another program.
  for (const std::string name : {"Outer", "Traced"}) {
    const absl::StatusOr<Module> outer =
        trace(code, {at::randn({2, 3})}, {.name = name, .modules = {{"inner", inner}}});
    ASSERT_TRUE(outer.ok()) << outer.status();
    std::stringstream file;
    const absl::Status saved = outer->save(file);
    ASSERT_TRUE(saved.ok()) << saved;
    EXPECT_EQ(difference(code(x), must(must(load(file)).forward({x}))), "");
  }
}

TEST(TraceLoaded, ATraceIsAModuleAsAnyOther) {
  Net net;
  net->eval();
  const Tensor x = at::randn({2, 4});
  const Module module = must(trace(net, {x}));
  const Module again = must(trace(module, {x}));
  EXPECT_EQ(difference(net->forward(x), must(again.forward({x}))), "");
  const Module copy = must(module.clone());
  EXPECT_EQ(difference(net->forward(x), must(copy.forward({x}))), "");
  const Module frozen = must(module.freeze());
  EXPECT_EQ(difference(net->forward(x), must(frozen.forward({x}))), "");
  EXPECT_EQ(module.state_dict().size(), 5u);
}

}  // namespace
}  // namespace vesta::test
