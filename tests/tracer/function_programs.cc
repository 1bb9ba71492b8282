// Functions: views, in-place writes, slices, masks, random numbers, containers, operators of our own.

#include <torch/library.h>

#include "tests/tracer/program.h"

namespace vesta::test {
namespace {

using at::Tensor;
using at::indexing::None;
using at::indexing::Slice;

// Custom operators, one of them a composite of others.
Tensor scaled_shift(const Tensor& x, double scale, int64_t shift) { return x * scale + static_cast<double>(shift); }
std::vector<Tensor> halves(const Tensor& x) { return at::chunk(x, 2, 0); }

TORCH_LIBRARY(vesta_tracer_test, library) {
  library.def("scaled_shift(Tensor x, float scale, int shift=1) -> Tensor", scaled_shift);
  library.def("halves(Tensor x) -> Tensor[]", halves);
}

template <class Signature>
auto custom(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

std::function<Example(int)> matrix(int64_t rows, int64_t columns) {
  return [=](int n) { return Example{at::randn({rows + n, columns + 2 * n})}; };
}

}  // namespace

std::vector<Program> function_programs() {
  seed(3);
  std::vector<Program> all;
  all.push_back(function(
      "ViewsOfSizes",
      [](const Tensor& x) {
        return x.view({x.size(1), x.size(0)}).sum(0);
      },
      matrix(2, 3), true));
  all.push_back(function(
      "InPlaceChain",
      [](const Tensor& x) {
        Tensor y = x.clone();
        y.mul_(2).add_(x, 0.5);
        y.index({Slice(), 0}) -= 3;
        y.t()[1].fill_(1);
        return y;
      },
      matrix(2, 3), true));
  all.push_back(function(
      "LastRows", [](const Tensor& x) { return x.slice(0, x.size(0) - 1) * x.narrow(0, 1, x.size(0) - 1).sum(); },
      matrix(3, 2), true));
  all.push_back(function(
      "MiddleSplit",
      [](const Tensor& x) {
        const int64_t half = x.size(1) / 2;
        return at::cat({x.narrow(1, half, x.size(1) - half), x.narrow(1, 0, half)}, 1);
      },
      matrix(3, 4), true));
  all.push_back(function(
      "CausalMask",
      [](const Tensor& x) {
        const Tensor mask = at::ones({x.size(0), x.size(0)}, at::kBool).triu(1);
        return at::mm(x, x.t()).masked_fill(mask, -1e9).softmax(1);
      },
      matrix(3, 2), true));
  all.push_back(function(
      "Positions",
      [](const Tensor& x) {
        const Tensor rows = at::arange(x.size(0)).unsqueeze(1).expand({x.size(0), x.size(1)});
        return x + rows * 2 + at::linspace(0, 1, x.size(1));
      },
      matrix(3, 2), true));
  all.push_back(function(
      "MeanBySize", [](const Tensor& x) { return x.sum(1) / static_cast<double>(x.size(1)); }, matrix(3, 2), true));
  all.push_back(function(
      "ScaledByRoot",
      [](const Tensor& x) { return at::mm(x, x.t()).mul(1.0 / std::sqrt(static_cast<double>(x.size(1)))); },
      matrix(3, 2), true));
  all.push_back(function(
      "FlattenAll", [](const Tensor& x) { return x.reshape({x.numel()}).cumsum(0); }, matrix(3, 2), true));
  all.push_back(function(
      "EinsumAndMatmul",
      [](const Tensor& x) {
        return at::einsum("ij,kj->ik", {x, x * 2}).matmul(at::eye(x.size(0)));
      },
      matrix(3, 2), true));
  all.push_back(function(
      "RandomNumbers",
      [](const Tensor& x) {
        const Tensor noise = at::rand({x.size(0), x.size(1)}) + at::randn_like(x);
        return at::bernoulli(noise.sigmoid()) * x + at::normal(0.0, 1.0, x.sizes());
      },
      matrix(3, 2), true));
  all.push_back(function(
      "SortAndGather",
      [](const Tensor& x) {
        const auto [values, order] = x.sort(1, true);
        return x.gather(1, order.slice(1, 0, 2)) + std::get<0>(values.topk(2, 1));
      },
      matrix(3, 3), true));
  all.push_back(function(
      "MaskedSelection",
      [](const Tensor& x) { return at::where(x > 0, x, -x).masked_select(x.abs() < 0.7).sum() + x.nonzero().sum(); },
      matrix(3, 3)));
  all.push_back(function(
      "ScatterAdd",
      [](const Tensor& x) {
        Tensor counts = at::zeros({4});
        const Tensor bins = x.abs().mul(2).to(at::kLong).clamp(0, 3).flatten();
        counts.scatter_add_(0, bins, at::ones_like(bins, at::kFloat));
        counts.index_put_({bins}, at::ones({}), true);
        return counts;
      },
      matrix(3, 3)));
  all.push_back(function(
      "FillByRows",
      [](const Tensor& x) {
        Tensor out = at::empty({3, x.size(0)});
        for (int i = 0; i < 3; ++i) out[i].copy_(x.select(1, i) * i);
        return out;
      },
      [](int n) {
        return Example{at::randn({2 + n, 3})};
      },
      true));
  all.push_back(function(
      "LookUpTable",
      [](const Tensor& x) {
        return at::tensor({0.5f, 1.5f, 2.5f}).index({x.argmax(1)}) + x.sum(1);
      },
      [](int n) {
        return Example{at::randn({2 + n, 3})};
      },
      true));
  all.push_back(function(
      "DictResult",
      [](const Tensor& x) {
        c10::Dict<std::string, Tensor> result;
        result.insert("boxes", x.slice(1, 0, 2));
        result.insert("scores", x.sum(1).sigmoid());
        return result;
      },
      matrix(3, 2)));
  all.push_back(function(
      "NamedTupleResult",
      [](const Inputs& in) {
        static const auto type = c10::TupleType::createNamed(
            c10::QualifiedName("__torch__.Moments"), std::vector<std::string>{"mean", "variance"},
            std::vector<c10::TypePtr>{c10::TensorType::get(), c10::TensorType::get()});
        return c10::IValue(c10::ivalue::Tuple::createNamed({in.tensor(0).mean(), in.tensor(0).var()}, type));
      },
      matrix(3, 2)));
  all.push_back(function(
      "ListsInAndOut",
      [](const Inputs& in) {
        const std::vector<Tensor> parts = in[0].toTensorVector();
        return std::vector<Tensor>{at::cat(parts, 1), at::stack({parts[0], parts[0] + 1})};
      },
      [](int n) {
        return Example{c10::IValue(std::vector<Tensor>{at::randn({2 + n, 3}), at::randn({2 + n, 2})})};
      }));
  all.push_back(function(
      "NumbersAsArguments",
      [](const Tensor& x, int64_t rows) { return x.narrow(0, 0, rows).sum(1) * static_cast<double>(rows); },
      [](int n) {
        return Example{at::randn({9, 2}), int64_t{2 + n}};
      },
      true));
  all.push_back(function(
      "CustomOperators",
      [](const Tensor& x) {
        const Tensor y =
            custom<Tensor(const Tensor&, double, int64_t)>("vesta_tracer_test::scaled_shift").call(x, 2.5, 3);
        const auto parts = custom<std::vector<Tensor>(const Tensor&)>("vesta_tracer_test::halves").call(y);
        return at::mm(parts[0], parts[1].t());
      },
      [](int n) {
        return Example{at::randn({4 + 2 * n, 3})};
      },
      true));
  all.push_back(function(
      "ComplexSpectrum",
      [](const Tensor& x) { return at::fft_irfft(at::fft_rfft(x, std::nullopt, 1) * 0.5, x.size(1), 1); }, matrix(3, 4),
      true));
  all.push_back(function(
      "ForeachAndOut",
      [](const Tensor& x) {
        std::vector<Tensor> list{x.clone(), x * 2};
        at::_foreach_add_(list, 1.0);
        Tensor out = at::empty_like(x);
        at::sub_out(out, list[1], list[0]);
        return out;
      },
      matrix(3, 2)));
  all.push_back(function(
      "Outer",
      [](const Tensor& x, const Tensor& y) {
        return at::outer(x, y).view({x.size(0) * y.size(0)}) + y.repeat({x.size(0)});
      },
      [](int n) {
        return Example{at::randn({2 + n}), at::randn({5 + 2 * n})};
      },
      true));
  return all;
}

std::vector<Program> all_programs() {
  std::vector<Program> all = layer_programs();
  for (auto& one : model_programs()) all.push_back(std::move(one));
  for (auto& one : function_programs()) all.push_back(std::move(one));
  return all;
}

std::vector<Example> examples_of(const Program& program, int count) {
  seed(11);
  std::vector<Example> examples;
  for (int n = 0; n < count; ++n) examples.push_back(program.example(n));
  return examples;
}

void seed(int64_t number) { at::manual_seed(static_cast<uint64_t>(number)); }

}  // namespace vesta::test
