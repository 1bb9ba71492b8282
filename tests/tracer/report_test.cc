// What a trace tells of itself, what it refuses, sizes, and control flow.

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

using at::Tensor;

template <class Code>
TraceReport report_of(Code code, const Example& example, std::vector<Example> more = {}) {
  TraceReport report;
  TraceOptions options{.more_examples = std::move(more), .report = &report};
  const auto module = trace(code, example, options);
  EXPECT_TRUE(module.ok()) << module.status();
  return report;
}

TEST(TraceReport, HonestCodeHasNothingToTell) {
  const TraceReport report = report_of([](const Tensor& x) { return x.relu().sum(); }, {at::randn({3})});
  EXPECT_EQ(report.text(), "");
}

TEST(TraceReport, ValuesReadOutOfTensorsAreTold) {
  const auto code = [](const Tensor& x) { return x.sum().item<float>() > 0 ? x * 2 : x * 3; };
  const TraceReport report = report_of(code, {at::ones({3})});
  EXPECT_TRUE(report.has(Kind::kValueRead)) << report.text();
  EXPECT_THAT(report.text(), HasSubstr("_test+0x"));
  const auto strict = trace(code, {at::ones({3})}, {.strict = true});
  EXPECT_EQ(strict.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(message(strict), HasSubstr("reads a value out of a tensor"));
}

TEST(TraceReport, ConditionsOnTensorsAreTold) {
  EXPECT_TRUE(report_of([](const Tensor& x) { return at::is_nonzero(x.sum()) ? x : -x; }, {at::ones({2})})
                  .has(Kind::kValueRead));
}

TEST(TraceReport, BranchesOnValuesAreFoundByOtherInputs) {
  const auto code = [](const Tensor& x) {
    // Past the operators: no item(), a look at memory.
    return x.data_ptr<float>()[0] > 0.5 ? x * 2 : x * 3;
  };
  const Tensor example = at::linspace(1, -3, 8);
  TraceReport report;
  ASSERT_TRUE(trace(code, {example}, {.report = &report}).ok());
  EXPECT_TRUE(report.has(Kind::kReplayDiffers)) << report.text();
}

TEST(TraceReport, WhatPassesByTheOperatorsIsRefused) {
  const auto code = [](const Tensor& x) {
    Tensor y = x * 2;
    y.data_ptr<float>()[0] = 100;
    return y + 1;
  };
  const auto module = trace(code, {at::ones({3})});
  EXPECT_EQ(module.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(message(module), HasSubstr("something passes by the operators"));
}

TEST(TraceReport, ResultsThatAreConstantAreTold) {
  EXPECT_TRUE(report_of([](const Tensor& x) { return std::make_tuple(x + 1, at::ones({2})); }, {at::ones({2})})
                  .has(Kind::kConstantOutput));
  EXPECT_TRUE(report_of([](const Tensor& x) { return std::make_tuple(x + 1, int64_t{5}); }, {at::ones({2})})
                  .has(Kind::kConstantOutput));
  EXPECT_FALSE(report_of(
                   [](const Tensor& x) {
                     Tensor y = at::zeros({2, 2});
                     y[0].copy_(x);
                     return y;
                   },
                   {at::ones({2})})
                   .has(Kind::kConstantOutput));
}

TEST(TraceReport, InputsThatAreNotReadAreTold) {
  const TraceReport report =
      report_of([](const Tensor& x, const Tensor&) { return x + 1; }, {at::ones({2}), at::ones({2})});
  EXPECT_TRUE(report.has(Kind::kUnusedInput));
  EXPECT_THAT(report.text(), HasSubstr("'x1'"));
}

TEST(TraceReport, SizesDevicesAndDtypesAreTold) {
  const TraceReport report = report_of(
      [](const Tensor& x) {
        return x.view({x.size(1), x.size(0)}) + at::zeros({1}, at::device(at::kCPU).dtype(at::kDouble));
      },
      {at::ones({2, 3})});
  EXPECT_TRUE(report.has(Kind::kSizeBaked)) << report.text();
  EXPECT_TRUE(report.has(Kind::kDeviceBaked)) << report.text();
  EXPECT_TRUE(report.has(Kind::kDtypeBaked)) << report.text();
}

TEST(TraceReport, ChangesOfRequiresGradAreRecordedAndTold) {
  const auto code = [](const Tensor& x) {
    Tensor y = x.detach();
    y.requires_grad_();
    return y * 2;
  };
  TraceReport report;
  const auto module = trace(code, {at::ones({2})}, {.report = &report});
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_TRUE(report.has(Kind::kGradChanged)) << report.text();
  EXPECT_TRUE(must(get<Tensor>(module->forward({at::ones({2})}))).requires_grad());
}

TEST(TraceReport, GradientsInsideAreTold) {
  const auto code = [](const Tensor& x) {
    Tensor y = x.detach();
    y.requires_grad_();
    (y * y).sum().backward();
    return x + 1;
  };
  EXPECT_TRUE(report_of(code, {at::ones({2})}).has(Kind::kBackward));
}

TEST(TraceReport, ScopesNameThePlace) {
  const auto code = [](const Tensor& x) {
    const TraceScope outer("encoder");
    const TraceScope inner("gate.0");
    return at::dropout(x, 0.5, true);
  };
  const TraceReport report = report_of(code, {at::ones({2})});
  ASSERT_EQ(report.findings.size(), 1u) << report.text();
  EXPECT_EQ(report.findings[0].scope, "encoder.gate.0");
}

TEST(TraceReport, ErrorsOfTheTraceNameScopeAndOperator) {
  const auto code = [](const Tensor& x) {
    const TraceScope scope("head");
    return at::mm(x, x);
  };
  const Module module = must(trace(code, {at::ones({2, 2})}, {.name = "Net"}));
  const auto wrong = module.forward({at::ones({2, 3})});
  EXPECT_THAT(message(wrong), HasSubstr("<trace of Net.forward>:1:"));
  EXPECT_THAT(message(wrong), HasSubstr("head: aten::mm"));
}

// --- Sizes.

template <class Code>
void expect_general(Code code, const std::vector<Example>& examples) {
  TraceReport report;
  const auto module = trace(code, examples[0], {.more_examples = {examples[1]}, .report = &report});
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(report.text(), "") << text_of(*module);
  for (const Example& example : examples) expect_same(code, *module, example);
}

std::vector<Example> matrices(std::vector<std::pair<int64_t, int64_t>> sizes) {
  std::vector<Example> result;
  for (const auto& [rows, columns] : sizes) result.push_back({at::randn({rows, columns})});
  return result;
}

TEST(TraceSizes, ReadAsTorchJitUsersWriteThem) {
  const auto module = trace(
      [](const Tensor& x) {
        return x.view({x.size(1), x.size(0)});
      },
      {at::randn({2, 3})}, {.more_examples = {{at::randn({4, 7})}}});
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(text_of(*module),
            "graph(%self : __torch__.Traced,\n"
            "      %x : Tensor):\n"
            "  %5 : int = prim::Constant[value=1]()\n"
            "  %6 : int = aten::size(%x, %5)\n"
            "  %7 : int = prim::Constant[value=0]()\n"
            "  %8 : int = aten::size(%x, %7)\n"
            "  %3 : int[] = prim::ListConstruct(%6, %8)\n"
            "  %4 : Tensor = aten::view(%x, %3)\n"
            "  return (%4)\n");
}

TEST(TraceSizes, SumsProductsAndQuotients) {
  const std::vector<Example> sizes = matrices({{4, 6}, {6, 14}, {2, 10}, {8, 8}, {10, 4}});
  expect_general([](const Tensor& x) { return at::arange(x.size(0) * 3 + 1); }, sizes);
  expect_general([](const Tensor& x) { return at::arange(x.size(0) * x.size(1)); }, sizes);
  expect_general([](const Tensor& x) { return at::arange(x.size(0) + x.size(1) - 1); }, sizes);
  expect_general([](const Tensor& x) { return at::arange(x.size(1) / 2); }, sizes);
  expect_general([](const Tensor& x) { return at::arange((x.size(1) + 2) / 3 + 0 * x.size(0)); }, sizes);
  expect_general(
      [](const Tensor& x) {
        return x.narrow(1, x.size(1) / 2, 1).expand({x.size(0), x.size(1) + 2});
      },
      sizes);
}

TEST(TraceSizes, NamedDimensionsNeedNoSecondExample) {
  const auto code = [](const Tensor& x) { return x.reshape({x.size(0) / 2, 2, x.size(1)}).sum(1); };
  const auto module = trace(code, {at::randn({4, 3})}, {.dynamic = {{.input = 0, .dimension = 0}}});
  ASSERT_TRUE(module.ok()) << module.status();
  expect_same(code, *module, {at::randn({10, 3})});
  const auto wrong = trace(code, {at::randn({4, 3})}, {.dynamic = {{.input = 0, .dimension = 2}}});
  EXPECT_THAT(message(wrong), HasSubstr("there is no dimension 2"));
}

TEST(TraceSizes, WhatNoExpressionExplainsIsTold) {
  const auto code = [](const Tensor& x) {
    const int64_t n = x.size(0);
    return at::ones({n * n * n + n * n + 7 * n % 5}).sum() + x;
  };
  const auto refused = trace(code, {at::randn({3})}, {.more_examples = {{at::randn({4})}}});
  EXPECT_THAT(message(refused), HasSubstr("does not do what the code does with example 1"));
  EXPECT_THAT(message(refused), HasSubstr("no expression of sizes explains it"));
  TraceReport report;
  const auto unchecked =
      trace(code, {at::randn({3})}, {.more_examples = {{at::randn({4})}}, .check = false, .report = &report});
  ASSERT_TRUE(unchecked.ok()) << unchecked.status();
  EXPECT_TRUE(report.has(Kind::kSizeBaked)) << report.text();
  expect_same(code, *unchecked, {at::randn({3})});
}

TEST(TraceSizes, LoopsOverSizesAreToldNotHidden) {
  const auto code = [](const Tensor& x) {
    Tensor total = at::zeros({x.size(1)});
    for (int64_t i = 0; i < x.size(0); ++i) total = (total + x[i]).tanh();
    return total;
  };
  TraceReport report;
  const auto module =
      trace(code, {at::randn({3, 2})}, {.more_examples = {{at::randn({5, 2})}}, .check = false, .report = &report});
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_TRUE(report.has(Kind::kStructure)) << report.text();
  EXPECT_FALSE(trace(code, {at::randn({3, 2})}, {.more_examples = {{at::randn({5, 2})}}}).ok())
      << "the second example is one that the trace is not right for";
}

TEST(TraceSizes, IntArgumentsAreFollowed) {
  const auto code = [](const Tensor& x, int64_t n) { return x.repeat({n, 2 * n}) * static_cast<double>(n); };
  const auto module =
      trace(code, {at::randn({2, 2}), int64_t{2}}, {.more_examples = {{at::randn({2, 2}), int64_t{3}}}});
  ASSERT_TRUE(module.ok()) << module.status();
  expect_same(code, *module, {at::randn({2, 2}), int64_t{5}});
  expect_same(code, *module, {at::randn({4, 3}), int64_t{1}});
}

// --- Control flow.

Tensor by_sign(const Tensor& x) {
  return cond(
      x.sum() > 0, [&] { return x * 2; }, [&] { return x.abs().sqrt(); });
}

TEST(TraceControlFlow, CondRunsOneBranchWhereNothingIsTraced) {
  int other = 0;
  cond(
      at::ones({}), [] { return at::zeros({1}); }, [&] { return at::zeros({++other}); });
  EXPECT_EQ(other, 0);
}

TEST(TraceControlFlow, CondKeepsBothBranches) {
  for (const double sign : {1.0, -1.0}) {
    TraceReport report;
    const auto module = trace(by_sign, {at::ones({3}) * sign}, {.report = &report});
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_EQ(report.text(), "");
    EXPECT_EQ(count(*module, "prim::If"), 1);
    expect_same(by_sign, *module, {at::ones({3})});
    expect_same(by_sign, *module, {-at::ones({4})});
  }
}

TEST(TraceControlFlow, WhatTheOtherBranchWritesIsUndone) {
  const auto code = [](const Tensor& x) {
    Tensor y = x.clone();
    const Tensor z = cond(
        x.sum() > 0,
        [&] {
          y.add_(10);
          return y * 1;
        },
        [&] {
          y.mul_(0);
          return y - 1;
        });
    return std::make_tuple(y, z, y + z);
  };
  for (const double sign : {1.0, -1.0}) {
    const auto module = trace(code, {at::ones({3}) * sign});
    ASSERT_TRUE(module.ok()) << module.status();
    expect_same(code, *module, {at::ones({3})});
    expect_same(code, *module, {-at::ones({3})});
  }
}

TEST(TraceControlFlow, ABranchMayReturnWhatWasThereBefore) {
  const auto code = [](const Tensor& x) {
    const Tensor y = cond(
        x.sum() > 0, [&] { return x; }, [&] { return x * 2; });
    return x * 100 + y;
  };
  const auto module = trace(code, {at::ones({3})});
  ASSERT_TRUE(module.ok()) << module.status();
  expect_same(code, *module, {-at::ones({3})});
}

TEST(TraceControlFlow, CondNests) {
  const auto code = [](const Tensor& x) {
    return cond(
        x.sum() > 0,
        [&] {
          const Tensor y = x + 1;
          return cond(
              y.max() > 5, [&] { return y / 2; }, [&] { return y * 3; });
        },
        [&] { return -x; });
  };
  const auto module = trace(code, {at::ones({3})});
  ASSERT_TRUE(module.ok()) << module.status();
  for (const double value : {1.0, 9.0, -1.0}) expect_same(code, *module, {at::full({3}, value)});
}

TEST(TraceControlFlow, BranchesThatDoNotFitAreRefused) {
  const auto code = [](const Tensor& x) {
    return cond(
        x.sum() > 0,
        [&] {
          return TensorList{x, x};
        },
        [&] { return TensorList{x}; })[0];
  };
  EXPECT_THAT(message(trace(code, {at::ones({3})})), HasSubstr("return 2 and 1 tensors"));
}

Tensor halved(const Tensor& x) {
  return while_loop([](const TensorList& s) { return s[0].abs().max() > 1; },
                    [](const TensorList& s) {
                      return TensorList{s[0] / 2, s[1] + 1};
                    },
                    {x, at::zeros({})})[1];
}

TEST(TraceControlFlow, WhileLoopsRunAsOftenAsTheInputWants) {
  EXPECT_EQ(halved(at::full({2}, 5.0)).item<float>(), 3);
  for (const double start : {5.0, 0.5}) {
    TraceReport report;
    const auto module = trace(halved, {at::full({2}, start)}, {.report = &report});
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_FALSE(report.has(Kind::kValueRead)) << report.text();
    EXPECT_EQ(count(*module, "prim::Loop"), 1);
    for (const double value : {0.5, 3.0, 1000.0}) expect_same(halved, *module, {at::full({4}, value)});
  }
}

TEST(TraceControlFlow, SizesInBranchesFollowTheInput) {
  const auto code = [](const Tensor& x) {
    return cond(
        x.sum() > 0,
        [&] {
          return x.view({x.size(1), x.size(0)}) + at::arange(x.size(0));
        },
        [&] { return x.t() * static_cast<double>(x.size(1)); });
  };
  const auto module = trace(code, {at::ones({2, 3})}, {.more_examples = {{at::ones({4, 7})}}});
  ASSERT_TRUE(module.ok()) << module.status();
  expect_same(code, *module, {at::ones({5, 2})});
  expect_same(code, *module, {-at::ones({6, 3})});
}

TEST(TraceThreads, AFailedBranchLeavesNothingBehind) {
  const auto code = [](const Tensor& x) {
    return cond(
        x.sum() > 0, [&] { return x + 1; }, [&]() -> Tensor { TORCH_CHECK(false, "not this way"); });
  };
  EXPECT_THAT(message(trace(code, {at::ones({2})})), HasSubstr("not this way"));
  EXPECT_TRUE(trace([](const Tensor& x) { return x + 1; }, {at::ones({2})}).ok());
}

}  // namespace
}  // namespace vesta::test
