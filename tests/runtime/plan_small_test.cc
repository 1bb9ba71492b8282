// Plans of small tensors: products by kernels of our own, results that earlier calls have left.

#include <functional>
#include <set>
#include <string>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/instruction_set.h"
#include "runtime/plan/panel_kernels.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

using testing::expect_planned;

class PlanSmallTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(11); }
};

TEST_F(PlanSmallTest, PanelProductsAreRightAtTheEdgesOfPanelsForEachInstructionSet) {
  for (const auto set : {plan::InstructionSet::kBase, plan::InstructionSet::kAvx2, plan::InstructionSet::kAvx512}) {
    const plan::PanelKernels* kernels = plan::panel_kernels(set);
    if (kernels == nullptr) continue;
    for (int64_t rows : {1, 2, 3, 4, 5, 9, 13}) {
      for (int64_t depth : {1, 2, 13, 64}) {
        for (int64_t columns : {1, 15, 16, 17, 33, 63, 64, 65, 128, 161}) {
          SCOPED_TRACE("set " + std::to_string(static_cast<int>(set)) + ", " + std::to_string(rows) + "x" +
                       std::to_string(depth) + "x" + std::to_string(columns));
          const at::Tensor a = at::randn({rows, depth + 3});
          const at::Tensor weight = at::randn({columns, depth}).t();
          const at::Tensor bias = at::randn({columns});
          const at::Tensor packed = at::full({depth * plan::padded_columns(columns)}, 1e9);
          // One element more, which has to stay as it is.
          const at::Tensor out = at::full({rows * columns + 1}, 7.0);
          kernels->pack(weight.const_data_ptr<float>(), depth, columns, weight.stride(0), weight.stride(1),
                        packed.mutable_data_ptr<float>());
          plan::PanelProduct product{a.const_data_ptr<float>(),
                                     packed.const_data_ptr<float>(),
                                     bias.const_data_ptr<float>(),
                                     out.mutable_data_ptr<float>(),
                                     rows,
                                     depth,
                                     columns,
                                     depth + 3,
                                     columns,
                                     false};
          kernels->product(product);
          const at::Tensor plain = at::mm(a.narrow(1, 0, depth), weight);
          EXPECT_TRUE(at::allclose(out.narrow(0, 0, rows * columns).view({rows, columns}), plain + bias, 1e-5, 1e-5));
          EXPECT_EQ(out[rows * columns].item().toDouble(), 7.0);
          product.bias = nullptr;
          kernels->product(product);
          EXPECT_TRUE(at::allclose(out.narrow(0, 0, rows * columns).view({rows, columns}), plain, 1e-5, 1e-5));
          product.adds = true;
          kernels->product(product);
          EXPECT_TRUE(at::allclose(out.narrow(0, 0, rows * columns).view({rows, columns}), plain * 2, 1e-5, 2e-5));
        }
      }
    }
  }
}

TEST_F(PlanSmallTest, LargePanelProductsGoInPiecesForEachInstructionSet) {
  for (const auto set : {plan::InstructionSet::kBase, plan::InstructionSet::kAvx2, plan::InstructionSet::kAvx512}) {
    const plan::PanelKernels* kernels = plan::panel_kernels(set);
    if (kernels == nullptr) continue;
    for (int64_t rows : {12, 61, 125}) {
      for (int64_t depth : {255, 257, 600}) {
        for (int64_t columns : {100, 390}) {
          SCOPED_TRACE(absl::StrCat("set ", static_cast<int>(set), ", ", rows, "x", depth, "x", columns));
          const at::Tensor a = at::randn({rows, depth + 5});
          const at::Tensor weight = at::randn({depth, columns});
          const at::Tensor bias = at::randn({columns});
          const at::Tensor packed = at::full({depth * plan::padded_columns(columns)}, 1e9);
          // Columns behind the results, which have to stay as they are.
          const at::Tensor out = at::full({rows, columns + 3}, 7.0);
          kernels->pack(weight.const_data_ptr<float>(), depth, columns, columns, 1, packed.mutable_data_ptr<float>());
          plan::PanelProduct product{};
          product.a = a.const_data_ptr<float>();
          product.panels = packed.const_data_ptr<float>();
          product.bias = bias.const_data_ptr<float>();
          product.out = out.mutable_data_ptr<float>();
          product.rows = rows;
          product.depth = depth;
          product.columns = columns;
          product.a_stride = depth + 5;
          product.out_stride = columns + 3;
          kernels->product(product);
          const at::Tensor plain = at::addmm(bias, a.narrow(1, 0, depth), weight);
          EXPECT_TRUE(at::allclose(out.narrow(1, 0, columns), plain, 1e-4, 1e-4));
          product.bias = nullptr;
          product.adds = true;
          kernels->product(product);
          EXPECT_TRUE(at::allclose(out.narrow(1, 0, columns), plain * 2 - bias, 1e-4, 2e-4));
          EXPECT_TRUE((out.narrow(1, columns, 3) == 7.0).all().item().toBool());
        }
      }
    }
  }
}

TEST_F(PlanSmallTest, WhatFollowsAProductIsComputedWithIt) {
  for (const char* after : {"%y : Tensor = aten::relu(%p)", "%y : Tensor = aten::gelu(%p, %erf)",
                            "%y : Tensor = aten::mul(%p, %half)", "%y : Tensor = aten::clamp(%p, %half, %one)",
                            "%y : Tensor = aten::leaky_relu(%p, %half)", "%y : Tensor = aten::add(%p, %r, %two)",
                            "%s : Tensor = aten::sub(%r, %p, %one)\n  %y : Tensor = aten::tanh(%s)",
                            "%s : Tensor = aten::mul(%p, %r)\n  %q : Tensor = aten::sigmoid(%s)\n  %y : Tensor = "
                            "aten::sub(%q, %r, %one)"}) {
    const bool reads = std::string_view(after).find("%r") != std::string_view::npos;
    const std::string text = absl::StrCat("graph(%x : Tensor, ", reads ? "%r : Tensor, " : "",
                                          "%w : Tensor, %b : Tensor):\n"
                                          "  %erf : str = prim::Constant[value=\"none\"]()\n"
                                          "  %half : float = prim::Constant[value=0.5]()\n"
                                          "  %one : int = prim::Constant[value=1]()\n"
                                          "  %two : int = prim::Constant[value=2]()\n"
                                          "  %p : Tensor = aten::linear(%x, %w, %b)\n  ",
                                          after, "\n  return (%y)\n");
    for (int64_t rows : {1, 3, 8, 9}) {
      std::vector<at::Tensor> inputs = {at::randn({rows, 20})};
      if (reads) inputs.push_back(at::randn({rows, 37}));
      expect_planned(text, {{"w", at::randn({37, 20})}, {"b", at::randn({37})}}, inputs);
    }
  }
}

TEST_F(PlanSmallTest, ShortConvolutionsOverOneDimension) {
  struct Case {
    std::vector<int64_t> x, w;
    int64_t stride, padding;
  };
  for (const Case& one :
       {Case{{1, 5, 7}, {9, 5, 3}, 1, 1}, Case{{1, 5, 7}, {9, 5, 3}, 3, 2}, Case{{2, 4, 4}, {70, 4, 1}, 1, 0},
        Case{{1, 1, 40}, {20, 1, 16}, 8, 0}, Case{{3, 6, 1}, {1, 6, 1}, 1, 0}, Case{{1, 3, 5}, {4, 3, 5}, 2, 4}}) {
    for (const char* after : {"%y : Tensor = aten::relu(%c)", "%y : Tensor = aten::mul(%c, %r)"}) {
      const bool reads = std::string_view(after).find("%r") != std::string_view::npos;
      const std::string text = absl::StrCat(
          "graph(%x : Tensor, ", reads ? "%r : Tensor, " : "",
          "%w : Tensor, %b : Tensor):\n  %one : int = prim::Constant[value=1]()\n  %s : int[] = prim::Constant[value=[",
          one.stride, "]]()\n  %p : int[] = prim::Constant[value=[", one.padding,
          "]]()\n  %d : int[] = prim::Constant[value=[1]]()\n"
          "  %c : Tensor = aten::conv1d(%x, %w, %b, %s, %p, %d, %one)\n  ",
          after, "\n  return (%y)\n");
      const at::Tensor x = at::randn(one.x);
      const at::Tensor w = at::randn(one.w);
      std::vector<at::Tensor> inputs = {x};
      if (reads) inputs.push_back(at::randn_like(at::conv1d(x, w, {}, one.stride, one.padding)));
      expect_planned(text, {{"w", w}, {"b", at::randn({one.w[0]})}}, inputs);
    }
  }
}

TEST_F(PlanSmallTest, ProductsOfTwoTensorsAndCopiesOfViews) {
  constexpr std::string_view kText = R"(
graph(%x : Tensor, %z : Tensor):
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %half : float = prim::Constant[value=0.5]()
  %t : Tensor = aten::transpose(%x, %one, %two)
  %p : Tensor = aten::bmm(%x, %t)
  %s : Tensor = aten::mul(%p, %half)
  %q : Tensor = aten::bmm(%s, %z)
  %r : Tensor = aten::transpose(%q, %one, %two)
  %l : Tensor[] = prim::ListConstruct(%r, %t, %r)
  %c : Tensor = aten::cat(%l, %two)
  return (%c, %p)
)";
  for (int64_t batch : {1, 3}) {
    for (int64_t rows : {1, 2, 17}) {
      for (int64_t depth : {1, 5, 16})
        expect_planned(kText, {}, {at::randn({batch, rows, depth}), at::randn({batch, rows, depth})});
    }
  }
}

constexpr std::string_view kLayer = R"(
graph(%x : Tensor, %w : Tensor, %b : Tensor):
  %p : Tensor = aten::linear(%x, %w, %b)
  %y : Tensor = aten::relu(%p)
  return (%y)
)";

// The one group of a graph, and its calls.
class Layer {
 public:
  Layer() : weight_(at::randn({24, 16})), bias_(at::randn({24})) {
    const auto fast = testing::grouped(*testing::parse_frozen(kLayer, {{"w", weight_}, {"b", bias_}}));
    group_ = std::make_unique<plan::PlannedGroup>(
        testing::groups_of(*fast).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph));
  }
  at::Tensor operator()(const at::Tensor& x) const {
    std::vector<c10::IValue> stack = {x};
    EXPECT_TRUE(group_->run(stack)) << group_->refusal();
    return stack.at(0).toTensor();
  }
  at::Tensor plain(const at::Tensor& x) const { return at::relu(at::linear(x, weight_, bias_)); }

 private:
  at::Tensor weight_, bias_;
  std::unique_ptr<plan::PlannedGroup> group_;
};

TEST_F(PlanSmallTest, WhatTheCallerKeepsIsNeverWrittenToAgain) {
  const c10::NoGradGuard no_grad;
  const Layer layer;
  std::vector<at::Tensor> inputs, kept;
  for (int i = 0; i < 20; ++i) {
    inputs.push_back(at::randn({2, 16}));
    at::Tensor result = layer(inputs.back());
    // A whole result, a view, only the storage, a detached alias.
    kept.push_back(i % 4 == 0   ? result
                   : i % 4 == 1 ? result.narrow(0, 0, 2)
                   : i % 4 == 2 ? at::empty({0}).set_(result.storage(), 0, result.sizes(), result.strides())
                                : result.detach());
  }
  for (size_t i = 0; i < kept.size(); ++i) testing::expect_close(kept[i], layer.plain(inputs[i]));
}

TEST_F(PlanSmallTest, AResultThatIsGoneIsGivenAgain) {
  const c10::NoGradGuard no_grad;
  const Layer layer;
  const at::Tensor x = at::randn({2, 16});
  std::set<const c10::TensorImpl*> tensors;
  std::set<const void*> places;
  for (int i = 0; i < 10; ++i) {
    const at::Tensor result = layer(x);
    testing::expect_close(result, layer.plain(x));
    result.add_(1);
    tensors.insert(result.unsafeGetTensorImpl());
    places.insert(result.const_data_ptr());
  }
  EXPECT_EQ(tensors.size(), 1U);
  EXPECT_EQ(places.size(), 1U);
}

TEST_F(PlanSmallTest, AResultThatIsLookedAtFromElsewhereIsNotGivenAgain) {
  const c10::NoGradGuard no_grad;
  const Layer layer;
  const at::Tensor x = at::randn({2, 16});
  c10::TensorImpl* const seen = layer(x).unsafeGetTensorImpl();
  c10::raw::weak_intrusive_ptr::incref(seen);
  EXPECT_NE(layer(x).unsafeGetTensorImpl(), seen);
  c10::raw::weak_intrusive_ptr::decref(seen);
}

TEST_F(PlanSmallTest, ChangedResultsAreNotGivenAgain) {
  const Layer layer;
  const at::Tensor x = at::randn({2, 16});
  const std::vector<std::function<void(at::Tensor&)>> changes = {
      [](at::Tensor& t) { t.t_(); },
      [](at::Tensor& t) {
        t.resize_({1, 5});
      },
      [](at::Tensor& t) {
        t.set_(at::ones({2, 24}));
      },
      [](at::Tensor& t) { t.unsafeGetTensorImpl()->set_storage_offset(1); },
      [](at::Tensor& t) { t.unsafeGetTensorImpl()->_set_neg(true); },
      [](at::Tensor& t) { t.requires_grad_(true); },
      [](at::Tensor& t) {
        at::internal_set_names_inplace(
            t, std::vector<at::Dimname>{at::Dimname::fromSymbol(at::Symbol::dimname("rows")), at::Dimname::wildcard()});
      },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    {
      at::Tensor result = layer(x);
      changes[i](result);
    }
    const at::Tensor again = layer(x);
    testing::expect_close(again, layer.plain(x));
    EXPECT_FALSE(again.requires_grad() || again.is_neg() || again.has_names());
    EXPECT_EQ(again.storage_offset(), 0);
  }
}

TEST_F(PlanSmallTest, MemoryOfLargeResultsIsGivenBack) {
  const c10::NoGradGuard no_grad;
  const Layer layer;
  for (int64_t rows : {4096, 65536}) {  // 384 KB, 6 MB
    at::Tensor result = layer(at::randn({rows, 16}));
    const c10::Storage storage = result.storage();
    result = at::Tensor();
    EXPECT_EQ(storage.use_count(), rows == 4096 ? 2U : 1U);
  }
}

TEST_F(PlanSmallTest, ChangedStoragesAreNotUsedAgain) {
  const c10::NoGradGuard no_grad;
  const Layer layer;
  const at::Tensor x = at::randn({2, 16});
  for (int i = 0; i < 4; ++i) {
    at::Tensor result = layer(x);
    if (i == 0) result.resize_({100, 100});
    if (i == 1) result = at::_lazy_clone(result);
    if (i == 2) result.unsafeGetTensorImpl()->storage().set_nbytes(4);
    const at::Tensor again = layer(x);
    testing::expect_close(again, layer.plain(x));
    if (i == 1) testing::expect_close(result, layer.plain(x));
  }
}

TEST_F(PlanSmallTest, ResultsAreFreshTensorsToAutogradAndInferenceMode) {
  const Layer layer;
  const at::Tensor x = at::randn({2, 16});
  for (int i = 0; i < 3; ++i) {
    at::Tensor result;
    {
      const c10::InferenceMode inference;
      result = layer(x);
      EXPECT_TRUE(result.is_inference());
    }
    result = at::Tensor();
    result = layer(x);
    EXPECT_FALSE(result.is_inference());
    EXPECT_EQ(result._version(), 0);
    result.add_(1).requires_grad_(true);
  }
}

TEST_F(PlanSmallTest, ManyThreadsShareAGroup) {
  const Layer layer;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      const c10::NoGradGuard no_grad;
      at::set_num_threads(1);
      const at::Tensor x = at::randn({1 + t % 3, 16});
      const at::Tensor expected = layer.plain(x);
      for (int i = 0; i < 300; ++i) {
        if (!at::allclose(layer(x), expected, 1e-4, 1e-5)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace vesta::runtime
