// Modules that are built in unusual ways, and training through a trace.

#include <torch/nn.h>
#include <torch/optim.h>

#include <sstream>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using at::Tensor;

// The trace in both modes, saved and loaded too, beside the module.
template <class Holder>
void expect_same_module(Holder net, const Example& example, const std::vector<Example>& others = {},
                        const TraceOptions& options = {}) {
  absl::StatusOr<Module> module = trace(net, example, options);
  ASSERT_TRUE(module.ok()) << module.status();
  std::stringstream file;
  const absl::Status saved = module->save(file);
  ASSERT_TRUE(saved.ok()) << saved;
  Module loaded = must(load(file));
  const bool before = net->is_training();
  for (const bool training : {true, false}) {
    net->train(training);
    ASSERT_TRUE(module->train(training).ok() && loaded.train(training).ok());
    // The trace shares the module's running statistics, which training moves; the loaded one has its own.
    ASSERT_TRUE(loaded.load_state_dict(module->state_dict()).ok());
    std::vector<Example> all = others;
    all.push_back(example);
    for (const Example& one : all) {
      at::manual_seed(7);
      const c10::IValue expected = internal::forward_of(*net)(Inputs(copies(one)));
      for (const Module& traced : {*module, loaded}) {
        at::manual_seed(7);
        const absl::StatusOr<c10::IValue> actual = traced.forward(copies(one));
        ASSERT_TRUE(actual.ok()) << actual.status();
        EXPECT_EQ(difference(expected, *actual), "") << "training: " << training << "\n" << text_of(*module);
      }
    }
  }
  net->train(before);
}

struct TiedImpl : nn::Module {
  nn::Embedding embedding{nullptr};
  nn::Linear first{nullptr}, again{nullptr};
  nn::ModuleList list{nullptr};
  TiedImpl() {
    embedding = register_module("embedding", nn::Embedding(7, 4));
    first = register_module("first", nn::Linear(4, 4));
    again = register_module("again", first);
    list = register_module(
        "list", nn::ModuleList(nn::Linear(4, 4), nn::Tanh(), nn::Linear(nn::LinearOptions(4, 4).bias(false))));
    register_buffer("nothing", Tensor());
  }
  Tensor forward(const Tensor& words) {
    Tensor x = again(first(embedding(words)));
    x = list[0]->as<nn::Linear>()->forward(x);
    x = list[2]->as<nn::Linear>()->forward(list[1]->as<nn::Tanh>()->forward(x));
    return at::matmul(x, embedding->weight.t());
  }
};
TORCH_MODULE(Tied);

TEST(TraceModules, SharedModulesListsAndTiedWeights) {
  expect_same_module(Tied(), {at::randint(7, {3}, at::kLong)}, {{at::randint(7, {3}, at::kLong)}});
}

struct ModalPartsImpl : nn::Module {
  nn::Linear linear{nullptr};
  nn::BatchNorm1d norm{nullptr};
  ModalPartsImpl() {
    linear = register_module("linear", nn::Linear(4, 4));
    norm = register_module("norm", nn::BatchNorm1d(nn::BatchNorm1dOptions(4).momentum(0.3)));
  }
  std::tuple<Tensor, std::vector<Tensor>> forward(Tensor x) {
    x = F::dropout(linear(x), F::DropoutFuncOptions().p(0.4).training(is_training()).inplace(true));
    std::vector<Tensor> parts;
    for (int i = 0; i < 3; ++i) parts.push_back(x.slice(1, i, i + 2) * (is_training() ? 2 : 3));
    if (!is_training()) parts[0] = parts[0].clamp_min(0);
    return {norm(x), parts};
  }
};
TORCH_MODULE(ModalParts);

TEST(TraceModules, SeveralResultsThatDifferBetweenModes) {
  expect_same_module(ModalParts(), {at::randn({5, 4})}, {{at::randn({5, 4})}});
}

struct AuxiliaryImpl : nn::Module {
  nn::Linear main{nullptr}, extra{nullptr};
  AuxiliaryImpl() {
    main = register_module("main", nn::Linear(4, 2));
    extra = register_module("extra", nn::Linear(4, 2));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = main(x);
    if (is_training()) y = y + 0.3 * extra(x.relu());
    return y;
  }
};
TORCH_MODULE(Auxiliary);

TEST(TraceModules, AnAuxiliaryHeadRunsInTrainingOnly) {
  Auxiliary net;
  expect_same_module(net, {at::randn({5, 4})}, {{at::randn({2, 4})}});
  net->eval();
  expect_same_module(net, {at::randn({5, 4})}, {{at::randn({2, 4})}});
}

TEST(TraceModules, RecurrentLayersWithDropoutFollowTheModes) {
  expect_same_module(nn::LSTM(nn::LSTMOptions(3, 5).num_layers(2).dropout(0.3)), {at::randn({4, 2, 3})});
  expect_same_module(nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16)),
                     {at::randn({3, 2, 8})}, {{at::randn({5, 3, 8})}}, {.more_examples = {{at::randn({4, 5, 8})}}});
}

TEST(TraceModules, TrainingTheTraceIsTrainingTheModule) {
  const auto make = [] {
    at::manual_seed(3);
    return nn::Sequential(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.3), nn::Linear(8, 1));
  };
  nn::Sequential mine = make();
  nn::Sequential theirs = make();
  Module traced = must(trace(theirs, {at::randn({6, 4})}));
  ASSERT_TRUE(traced.is_training());
  torch::optim::Adam my_optimizer(mine->parameters(), 0.05);
  torch::optim::Adam their_optimizer(traced.parameters(), 0.05);
  for (int i = 0; i < 4; ++i) {
    const Tensor x = at::randn({6, 4});
    my_optimizer.zero_grad();
    their_optimizer.zero_grad();
    at::manual_seed(i);
    mine->forward(x).pow(2).mean().backward();
    at::manual_seed(i);
    must(get<Tensor>(traced.forward({x}))).pow(2).mean().backward();
    my_optimizer.step();
    their_optimizer.step();
  }
  mine->eval();
  ASSERT_TRUE(traced.eval().ok());
  const Tensor x = at::randn({6, 4});
  EXPECT_TRUE(at::allclose(mine->forward(x), must(get<Tensor>(traced.forward({x}))), 1e-4, 1e-5));
}

// --- Numbers in and out.

TEST(TraceNumbers, ListsOfNumbersAreGuarded) {
  const auto code = [](const Tensor& x, const std::vector<int64_t>& sizes) { return x.view(sizes) * 2; };
  const c10::List<int64_t> sizes({2, 6});
  const Module module = must(trace(code, {at::randn({3, 4}), sizes}));
  expect_same(code, module, {at::randn({4, 3}), sizes});
  const auto refused = module.forward({at::randn({3, 4}), c10::List<int64_t>({6, 2})});
  EXPECT_THAT(message(refused), HasSubstr("was traced with"));
}

TEST(TraceNumbers, SizesMayBeResults) {
  const auto code = [](const Tensor& x) { return std::make_tuple(x.sum(), x.size(0) * 2, x.size(1)); };
  TraceReport report;
  const auto module = trace(code, {at::randn({2, 3})}, {.more_examples = {{at::randn({4, 7})}}, .report = &report});
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_FALSE(report.has(Kind::kConstantOutput)) << report.text();
  const auto result = must(module->forward({at::randn({9, 5})})).toTupleRef().elements();
  EXPECT_EQ(result[1].toInt(), 18);
  EXPECT_EQ(result[2].toInt(), 5);
}

TEST(TraceNumbers, NestedContainersOfResults) {
  const auto code = [](const Tensor& x) {
    std::map<std::string, std::vector<Tensor>> scales{{"small", {x, x * 2}}, {"large", {x * 10}}};
    return std::make_tuple(scales, std::make_pair(x.sum(), std::string("label")));
  };
  check_trace(code, {at::randn({2})}, {{at::randn({5})}});
}

TEST(TraceNumbers, PiecesByNumberNeedTheSameNumber) {
  const auto code = [](const Tensor& x) {
    Tensor total = at::zeros({1});
    for (const Tensor& piece : x.split(2)) total = total + piece.sum().tanh();
    return total;
  };
  TraceReport report;
  const auto module = trace(code, {at::randn({4})}, {.more_examples = {{at::randn({6})}}, .report = &report});
  EXPECT_FALSE(module.ok());
  EXPECT_TRUE(report.has(Kind::kStructure)) << report.text();
  const Module single = must(trace(code, {at::randn({4})}));
  expect_same(code, single, {at::randn({4})});
  EXPECT_FALSE(single.forward({at::randn({6})}).ok()) << "a wrong result would be a lie";
}

TEST(TraceNumbers, WritesByIndexAndMask) {
  const auto code = [](const Tensor& x, const Tensor& index) {
    Tensor y = x.clone();
    y.index_add_(0, index, at::ones({2, 3}));
    y.masked_scatter_(x > 0.5, at::arange(12).to(at::kFloat));
    y.index_fill_(1, at::tensor({int64_t{1}}), -1);
    y.scatter_reduce_(0, index.unsqueeze(1).expand({2, 3}), x.narrow(0, 0, 2), "amax");
    y.index_put_({x < -1}, at::tensor(7.0f));
    return std::make_tuple(y, y[-1], at::stack(y.unbind(1)));
  };
  const auto rows = [](std::vector<int64_t> numbers) { return at::tensor(numbers); };
  check_trace(code, {at::randn({4, 3}), rows({0, 2})}, {{at::randn({4, 3}), rows({3, 1})}});
}

}  // namespace
}  // namespace vesta::test
