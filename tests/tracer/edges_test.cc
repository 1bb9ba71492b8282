// Rare tensors, rare results, gradients of code's own.

#include <torch/csrc/autograd/custom_function.h>

#include <sstream>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

using at::Tensor;

TEST(TraceEdges, InputsMayBeResultsAndResultsMayBeTheSame) {
  const auto code = [](const Tensor& x, const Tensor& y) {
    const Tensor z = x + y;
    return std::make_tuple(x, z, z, z.view({-1}), y.t());
  };
  const Module module = check_trace(code, {at::randn({2, 3}), at::randn({2, 3})}, {{at::randn({4, 5}), at::ones({5})}});
  const Tensor x = at::randn({2, 3});
  const auto results = must(module.forward({x, at::ones({2, 3})})).toTupleRef().elements();
  EXPECT_TRUE(results[0].toTensor().is_same(x));
  EXPECT_TRUE(results[1].toTensor().is_same(results[2].toTensor()));
  EXPECT_TRUE(results[3].toTensor().is_alias_of(results[1].toTensor()));
}

TEST(TraceEdges, EmptyTensorsScalarsBoolsAndComplexNumbers) {
  const auto code = [](const Tensor& empty, const Tensor& scalar, const Tensor& mask, const Tensor& z) {
    return std::make_tuple(empty.sum() + scalar, mask.logical_not().any(), at::view_as_real(z * 2).sum(-1), z.conj());
  };
  const auto arguments = [] {
    return Example{at::randn({0, 3}), at::randn({}), at::rand({4}) > 0.5, at::randn({3}, at::kComplexFloat)};
  };
  check_trace(code, arguments(), {arguments()});
}

TEST(TraceEdges, SparseAndQuantizedTensorsInside) {
  const auto sparse = [](const Tensor& x, const Tensor& y) {
    return at::mm(x.to_sparse(), y) + x.to_sparse().to_dense().sum();
  };
  check_trace(sparse, {at::randn({2, 3}), at::randn({3, 2})}, {{at::randn({4, 3}), at::randn({3, 5})}});
  const auto quantized = [](const Tensor& x) {
    return at::dequantize(at::quantize_per_tensor(x, 0.1, 10, at::kQUInt8)) + 1;
  };
  check_trace(quantized, {at::randn({2, 3})}, {{at::randn({4, 3})}});
}

TEST(TraceEdges, InputsThatShareMemorySeeEachOthersWrites) {
  const Tensor whole = at::zeros({4});
  const auto code = [](const Tensor& a, const Tensor& b) {
    a.add_(1);
    return b * 2;
  };
  const Module module = must(trace(code, {whole.slice(0, 0, 3), whole.slice(0, 1, 4)}));
  const Tensor other = at::zeros({4});
  const Tensor result = must(get<Tensor>(module.forward({other.slice(0, 0, 3), other.slice(0, 1, 4)})));
  EXPECT_TRUE(at::equal(result, at::tensor({2.0f, 2.0f, 0.0f})));
}

TEST(TraceEdges, NamedTuplesGoInAndAreSaved) {
  const auto type =
      c10::TupleType::createNamed(c10::QualifiedName("__torch__.Pair"), std::vector<std::string>{"left", "right"},
                                  std::vector<c10::TypePtr>{c10::TensorType::get(), c10::TensorType::get()});
  const auto pair = [&] { return c10::ivalue::Tuple::createNamed({at::randn({2}), at::randn({2})}, type); };
  const auto code = [](const Inputs& in) {
    const auto elements = in[0].toTupleRef().elements();
    return c10::IValue(elements[0].toTensor() - elements[1].toTensor());
  };
  const Module module = must(trace(code, {c10::IValue(pair())}));
  EXPECT_THAT(must(module.get_method("forward")).signature(), HasSubstr("Pair"));
  const c10::IValue other(pair());
  EXPECT_EQ(difference(code(Inputs({other})), must(module.forward({other}))), "");
  std::stringstream file;
  ASSERT_TRUE(module.save(file).ok());
  const Module loaded = must(load(file));
  const c10::IValue theirs = must(loaded.types().make("Pair", {at::ones({2}), at::zeros({2})}));
  EXPECT_TRUE(at::equal(must(get<Tensor>(loaded.forward({theirs}))), at::ones({2})));
}

TEST(TraceEdges, GradientsFlowThroughTheTraceAsThroughTheCode) {
  const auto code = [](const Tensor& x, const Tensor& w) {
    Tensor y = at::zeros({2, 3});
    y.select(0, 0).copy_(x * w);
    y.select(0, 1).add_(x.exp());
    return (y * y).sum();
  };
  const Module module = must(trace(code, {at::randn({3}), at::randn({3})}));
  const Tensor x = at::randn({3});
  const Tensor mine = x.clone().requires_grad_();
  const Tensor theirs = x.clone().requires_grad_();
  code(mine, at::ones({3})).backward();
  must(get<Tensor>(module.forward({theirs, at::ones({3})}))).backward();
  EXPECT_TRUE(at::allclose(mine.grad(), theirs.grad()));
}

struct Reversal : torch::autograd::Function<Reversal> {
  static Tensor forward(torch::autograd::AutogradContext*, const Tensor& x) { return x * 1; }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*, torch::autograd::variable_list g) {
    return {-g[0]};
  }
};

TEST(TraceEdges, GradientsOfTheCodesOwnAreTold) {
  const auto code = [](const Tensor& x) { return Reversal::apply(x) * 2; };
  TraceReport report;
  const Module module = must(trace(code, {at::randn({3}).requires_grad_()}, {.report = &report}));
  EXPECT_TRUE(report.has(Kind::kGradChanged)) << report.text();
  const Tensor x = at::randn({3});
  EXPECT_TRUE(at::equal(must(get<Tensor>(module.forward({x}))), x * 2));
}

TEST(TraceEdges, GradientsInsideGiveWhatTheyGave) {
  const auto code = [](const Tensor& x) {
    const Tensor w = x.detach().clone().requires_grad_();
    (w * w * x).sum().backward();
    return w.grad() + 1;
  };
  TraceReport report;
  const Module module = must(trace(code, {at::randn({3})}, {.report = &report}));
  EXPECT_TRUE(report.has(Kind::kBackward)) << report.text();
  const Tensor x = at::randn({3});
  EXPECT_EQ(difference(code(x), must(module.forward({x}))), "") << text_of(module);
}

TEST(TraceEdges, GradOfParametersIsPutBack) {
  const Tensor weight = at::ones({3}).requires_grad_();
  TraceTarget target;
  target.parameters = {{"weight", weight}};
  const TraceFunction step = [&](const Inputs& in) {
    const Tensor loss = (in.tensor(0) * weight).sum();
    loss.backward();
    return c10::IValue(loss.detach());
  };
  ASSERT_TRUE(trace_module(target, {{"forward", step, {at::ones({3})}}}).ok());
  EXPECT_FALSE(weight.grad().defined());
  weight.mutable_grad() = at::full({3}, 5.0);
  ASSERT_TRUE(trace_module(target, {{"forward", step, {at::ones({3})}}}).ok());
  EXPECT_TRUE(at::equal(weight.grad(), at::full({3}, 5.0)));
}

TEST(TraceEdges, ManySizesInALongGraphAreExplainedInTime) {
  const auto code = [](Tensor x) {
    for (int i = 0; i < 300; ++i) x = x.view({x.size(1), x.size(0)}) + at::ones({x.size(0)}).sum();
    return x;
  };
  check_trace(code, {at::randn({2, 3})}, {{at::randn({5, 4})}}, {.more_examples = {{at::randn({4, 7})}}});
}

}  // namespace
}  // namespace vesta::test
