// Functions: what is recorded is what ran.

#include <thread>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

using at::Tensor;

TEST(TraceFunction, PrintsAsTorchJitUsersKnowIt) {
  const Module module =
      check_trace([](const Tensor& x) { return x.relu() + 1; }, {at::randn({2, 3})}, {{at::randn({4, 5, 6})}});
  EXPECT_EQ(text_of(module),
            "graph(%self : __torch__.Traced,\n"
            "      %x : Tensor):\n"
            "  %1 : Tensor = aten::relu(%x)\n"
            "  %2 : int = prim::Constant[value=1]()\n"
            "  %3 : int = prim::Constant[value=1]()\n"
            "  %4 : Tensor = aten::add(%1, %2, %3)\n"
            "  return (%4)\n");
  EXPECT_EQ(must(module.get_method("forward")).signature(), "forward(x: Tensor) -> Tensor");
}

TEST(TraceFunction, InPlaceOperatorsChangeWhatTheyChanged) {
  const auto code = [](const Tensor& x) {
    Tensor y = x.clone();
    y.add_(1).mul_(2);
    Tensor row = y[0];
    row.zero_();
    return y;
  };
  check_trace(code, {at::randn({3, 4})}, {{at::randn({5, 2})}});
}

TEST(TraceFunction, InPlaceWritesToInputsHappenAndAreReported) {
  const auto code = [](const Tensor& x) {
    x.add_(1);
    return x.sum();
  };
  TraceReport report;
  const Tensor example = at::zeros({3});
  const Module module = check_trace(code, {example}, {{at::randn({7})}}, {.report = &report});
  EXPECT_TRUE(report.has(Kind::kInputWritten)) << report.text();
  EXPECT_EQ(example.sum().item<float>(), 0) << "the example itself is left alone";
}

TEST(TraceFunction, ViewsShareMemoryInTheTraceToo) {
  const auto code = [](const Tensor& x) {
    Tensor y = at::zeros({4, 4});
    y.select(0, 1).copy_(x);
    y.slice(1, 0, 2).add_(1);
    y.t().diagonal().mul_(3);
    Tensor flat = y.view({-1});
    flat.narrow(0, 3, 2).fill_(9);
    return y;
  };
  check_trace(code, {at::randn({4})}, {{at::randn({4})}});
}

TEST(TraceFunction, OutFormsWriteWhereTheyAreTold) {
  const auto code = [](const Tensor& x, const Tensor& y) {
    Tensor out = at::empty({0});
    at::add_out(out, x, y);
    Tensor second = at::empty({2, 3});
    at::mul_out(second, out, out);
    return std::make_tuple(out, second);
  };
  TraceReport report;
  const Module module = check_trace(code, {at::randn({2, 3}), at::randn({2, 3})}, {}, {.report = &report});
  EXPECT_EQ(count(module, "aten::empty"), 2) << text_of(module);
  EXPECT_FALSE(report.has(Kind::kRawWrite)) << report.text();
}

TEST(TraceFunction, ListsOfTensorsComeAndGo) {
  const auto code = [](const Tensor& x) {
    std::vector<Tensor> parts = x.split(2, 0);
    std::vector<Tensor> chunks = at::chunk(parts[1], 2, 1);
    return at::cat({chunks[1], chunks[0], parts[0].slice(1, 0, 2)}, 0);
  };
  check_trace(code, {at::randn({4, 4})}, {{at::randn({4, 4})}});
}

TEST(TraceFunction, IndexingRecordsMasksSlicesAndIndices) {
  using at::indexing::None;
  using at::indexing::Slice;
  const auto code = [](const Tensor& x, const Tensor& index) {
    Tensor y = x.index({Slice(1, None), None, Slice(None, None, 2)});
    Tensor z = x.index({index});
    Tensor masked = x.index({x > 0});
    Tensor w = x.clone();
    w.index_put_({index, Slice()}, 5);
    w.masked_fill_(w < 0, 0);
    return std::make_tuple(y, z, masked, w);
  };
  check_trace(code, {at::randn({4, 6}), at::tensor({0, 2})}, {{at::randn({4, 6}), at::tensor({3, 1})}});
}

TEST(TraceFunction, RandomOperatorsDrawAnewAndAreReported) {
  const auto code = [](const Tensor& x) { return x + at::randn({3}) + at::dropout(x, 0.5, true).bernoulli_(0.5); };
  TraceReport report;
  const Module module = check_trace(code, {at::randn({3})}, {{at::randn({3})}}, {.report = &report});
  EXPECT_TRUE(report.has(Kind::kRandom));
  const Tensor a = must(get<Tensor>(module.forward({at::zeros({3})})));
  const Tensor b = must(get<Tensor>(module.forward({at::zeros({3})})));
  EXPECT_FALSE(at::equal(a, b));
}

TEST(TraceFunction, TracingLeavesTheRandomNumbersOfTheCallerAlone) {
  at::manual_seed(3);
  const Tensor expected = at::rand({4});
  at::manual_seed(3);
  must(trace([](const Tensor& x) { return x + at::rand({2}); }, {at::zeros({2})}));
  EXPECT_TRUE(at::equal(at::rand({4}), expected));
}

TEST(TraceFunction, FactoriesOfTheInputsKindFollowIt) {
  const auto code = [](const Tensor& x) { return at::zeros_like(x) + at::ones_like(x) * x.new_full({2}, 3); };
  check_trace(code, {at::randn({3, 2})}, {{at::randn({5, 2}, at::kDouble)}});
}

TEST(TraceFunction, OptionalArgumentsMayBeAbsent) {
  const auto code = [](const Tensor& x, const Tensor& weight) {
    return at::linear(x, weight) + at::clamp(x, std::nullopt, 0.5).sum();
  };
  check_trace(code, {at::randn({2, 3}), at::randn({4, 3})}, {{at::randn({5, 3}), at::randn({1, 3})}});
}

TEST(TraceFunction, CapturedTensorsBecomeBuffersAndStayTheSameTensors) {
  const Tensor weight = at::randn({3, 3});
  const auto code = [weight](const Tensor& x) { return at::mm(x, weight); };
  TraceReport report;
  const Module module = check_trace(code, {at::randn({2, 3})}, {}, {.report = &report});
  EXPECT_TRUE(report.has(Kind::kCaptured));
  ASSERT_EQ(module.named_buffers().size(), 1u);
  EXPECT_EQ(module.named_buffers()[0].name, "captured_0");
  EXPECT_TRUE(module.named_buffers()[0].value.is_same(weight));
  weight.fill_(2);
  expect_same(code, module, {at::randn({2, 3})});
}

TEST(TraceFunction, WritesToCapturedTensorsAreUndoneAfterTracing) {
  const Tensor counter = at::zeros({1});
  const auto code = [counter](const Tensor& x) {
    counter.add_(1);
    return x * counter;
  };
  const Module module = must(trace(code, {at::ones({2})}));
  EXPECT_EQ(counter.item<float>(), 0);
  EXPECT_EQ(must(get<Tensor>(module.forward({at::ones({2})}))).sum().item<float>(), 2);
  EXPECT_EQ(must(get<Tensor>(module.forward({at::ones({2})}))).sum().item<float>(), 4);
  EXPECT_EQ(counter.item<float>(), 2);
}

TEST(TraceFunction, TheSameTensorTwiceStaysTwoArguments) {
  const auto code = [](const Tensor& a, const Tensor& b) { return a - 2 * b; };
  const Tensor x = at::randn({3});
  check_trace(code, {x, x.clone()}, {{at::randn({3}), at::randn({3})}});
  const Module module = must(trace(code, {x, x}));
  expect_same(code, module, {at::randn({3}), at::randn({3})});
}

TEST(TraceFunction, GradModeOfPartsIsRecorded) {
  const auto code = [](const Tensor& x) {
    Tensor y;
    {
      const at::NoGradGuard no_grad;
      y = x * 2;
    }
    return x * y;
  };
  const Module module = must(trace(code, {at::randn({3})}));
  const Tensor x = at::randn({3}).requires_grad_();
  const Tensor z = must(get<Tensor>(module.forward({x})));
  z.sum().backward();
  EXPECT_TRUE(at::allclose(x.grad(), x.detach() * 2)) << text_of(module);
  EXPECT_TRUE(c10::GradMode::is_enabled());
  {
    const at::NoGradGuard no_grad;
    must(module.forward({x}));
    EXPECT_FALSE(c10::GradMode::is_enabled()) << "the caller's mode is its own";
  }
}

TEST(TraceFunction, DataAndDetachCutTheGradient) {
  const auto code = [](const Tensor& x) { return x * x.detach() + x.data(); };
  const Module module = check_trace(code, {at::randn({3})}, {{at::randn({5})}});
  const Tensor x = at::randn({3}).requires_grad_();
  must(get<Tensor>(module.forward({x}))).sum().backward();
  EXPECT_TRUE(at::allclose(x.grad(), x.detach()));
}

// --- Containers.

TEST(TraceContainers, TuplesListsAndDictsGoInAndOut) {
  const auto code = [](const Inputs& in) {
    const auto pair = in[0].toTupleRef().elements();
    const auto list = in[1].toTensorVector();
    const auto dict = in[2].toGenericDict();
    c10::Dict<std::string, Tensor> result;
    result.insert("sum", pair[0].toTensor() + pair[1].toTensor());
    result.insert("product", list[0] * list[1] * dict.at("scale").toTensor());
    return c10::IValue(result);
  };
  const auto arguments = [] {
    c10::Dict<std::string, Tensor> dict;
    dict.insert("scale", at::randn({2}));
    return Example{c10::IValue(std::make_tuple(at::randn({2}), at::randn({2}))),
                   c10::IValue(std::vector<Tensor>{at::randn({2}), at::randn({2})}), c10::IValue(dict)};
  };
  const Module module = check_trace(code, arguments(), {arguments()});
  EXPECT_EQ(must(module.get_method("forward")).signature(),
            "forward(x0: Tuple[Tensor, Tensor], x1: List[Tensor], x2: Dict[str, Tensor]) -> Dict[str, Tensor]");
}

TEST(TraceContainers, NestedContainersAreTakenApart) {
  const auto code = [](const Inputs& in) {
    const auto outer = in[0].toTupleRef().elements();
    const auto inner = outer[1].toTupleRef().elements();
    return std::make_tuple(outer[0].toTensor() + inner[0].toTensor(),
                           std::vector<Tensor>{inner[1].toTensor(), outer[0].toTensor()});
  };
  const auto arguments = [] {
    return Example{c10::IValue(std::make_tuple(at::randn({2}), std::make_tuple(at::randn({2}), at::randn({3}))))};
  };
  check_trace(code, arguments(), {arguments()});
}

TEST(TraceContainers, NamedTuplesKeepTheirNames) {
  const auto type =
      c10::TupleType::createNamed(c10::QualifiedName("__torch__.Output"), std::vector<std::string>{"mean", "spread"},
                                  std::vector<c10::TypePtr>{c10::TensorType::get(), c10::TensorType::get()});
  const auto code = [type](const Inputs& in) {
    return c10::IValue(c10::ivalue::Tuple::createNamed({in.tensor(0).mean(), in.tensor(0).std()}, type));
  };
  const Module module = check_trace(code, {at::randn({9})}, {{at::randn({5})}});
  const c10::IValue result = must(module.forward({at::randn({9})}));
  EXPECT_TRUE(must(field(result, "mean")).isTensor());
  EXPECT_TRUE(must(field(result, "spread")).isTensor());
}

TEST(TraceContainers, UnsupportedInputsAreRefusedByName) {
  const auto code = [](const Inputs& in) { return in[0]; };
  EXPECT_THAT(message(trace(code, {c10::IValue()})), HasSubstr("input 'x' cannot be traced: None"));
  EXPECT_THAT(message(trace(code, {c10::IValue(at::Tensor())})), HasSubstr("input 'x' cannot be traced"));
  const auto future = c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get());
  EXPECT_THAT(message(trace(code, {at::ones({1}), c10::IValue(future)})), HasSubstr("input 'x1' cannot be traced"));
}

TEST(TraceContainers, UnsupportedResultsAreRefused) {
  const auto code = [](const Inputs&) {
    return c10::IValue(c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get()));
  };
  EXPECT_THAT(message(trace(code, {at::ones({1})})), HasSubstr("cannot be traced: results are tensors"));
}

TEST(TraceContainers, NumbersOfTheExampleAreRefusedIfTheyChange) {
  const auto code = [](const Tensor& x, int64_t n, double f, const std::string& how) {
    return how == "twice" ? x * 2 * n + f : x * n + f;
  };
  const Example example{at::randn({2}), int64_t{3}, 0.5, std::string("twice")};
  const Module module = check_trace(code, example, {{at::randn({5}), int64_t{3}, 0.5, std::string("twice")}});
  const auto refused = module.forward({at::randn({2}), int64_t{4}, 0.5, std::string("twice")});
  EXPECT_THAT(message(refused), HasSubstr("was traced with 3"));
  EXPECT_FALSE(module.forward({at::randn({2}), int64_t{3}, 0.25, std::string("twice")}).ok());
  EXPECT_FALSE(module.forward({at::randn({2}), int64_t{3}, 0.5, std::string("once")}).ok());
}

// --- Raw memory.

TEST(TraceRawMemory, TensorsMadeFromNumbersAreConstantsWithTheirValues) {
  const auto code = [](const Tensor& x) { return x.index_select(0, at::tensor({2, 0})); };
  TraceReport report;
  const Module module = check_trace(code, {at::randn({3, 2})}, {{at::randn({3, 5})}}, {.report = &report});
  EXPECT_TRUE(report.has(Kind::kRawWrite)) << report.text();
  EXPECT_EQ(count(module, "aten::empty"), 0) << text_of(module);
}

TEST(TraceRawMemory, AccessorWritesToEmptyAreKept) {
  const auto code = [](const Tensor& x) {
    Tensor table = at::empty({2, 3});
    auto writer = table.accessor<float, 2>();
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 3; ++j) writer[i][j] = static_cast<float>(i * 3 + j);
    }
    return at::mm(x, table);
  };
  check_trace(code, {at::randn({4, 2})}, {{at::randn({1, 2})}});
}

TEST(TraceRawMemory, WhatOperatorsWriteOverRawMemoryTheyWriteAgain) {
  const auto code = [](const Tensor& x) {
    Tensor table = at::empty({2, 3});
    table.data_ptr<float>()[5] = 7;
    table.data_ptr<float>()[4] = 8;
    table.data_ptr<float>()[3] = 9;
    table[0].copy_(x);
    return table * 2;
  };
  check_trace(code, {at::randn({3})}, {{at::randn({3})}});
}

TEST(TraceRawMemory, MemoryThatOperatorsFillPieceByPieceIsNoConstant) {
  const auto code = [](const Tensor& x) {
    Tensor table = at::empty({2, 3});
    table[0].copy_(x);
    table[1].fill_(4);
    return table * 2;
  };
  TraceReport report;
  const Module module = check_trace(code, {at::randn({3})}, {{at::randn({3})}}, {.report = &report});
  EXPECT_FALSE(report.has(Kind::kRawWrite)) << report.text();
  EXPECT_EQ(count(module, "aten::empty"), 1);
}

TEST(TraceRawMemory, ConstantsThatAreWrittenLaterStartFreshInEachCall) {
  const auto code = [](const Tensor& x) {
    Tensor total = at::tensor({1.0f, 2.0f});
    total.add_(x);
    return total;
  };
  const Module module = check_trace(code, {at::randn({2})}, {{at::randn({2})}});
  expect_same(code, module, {at::randn({2})});
}

TEST(TraceRawMemory, ConstantsThatAreResultsAreTheCallersOwn) {
  const auto code = [](const Tensor& x) {
    const Tensor chosen = cond(
        x.sum() > 0, [] { return at::tensor({3.0f}); }, [] { return at::tensor({4.0f}); });
    return std::make_tuple(at::tensor({1.0f, 2.0f}), chosen);
  };
  const Module module = must(trace(code, {at::ones({2})}));
  for (const double sign : {1.0, -1.0, 1.0, -1.0}) {
    const Tensor x = at::full({2}, sign);
    const c10::IValue result = must(module.forward({x}));
    EXPECT_EQ(difference(internal::to_value(code(x)), result), "") << text_of(module);
    for (const c10::IValue& item : result.toTupleRef().elements()) item.toTensor().zero_();
  }
}

TEST(TraceRawMemory, ForeignMemoryIsCopied) {
  auto numbers = std::make_unique<std::vector<float>>(std::vector<float>{1, 2, 3});
  const auto code = [&numbers](const Tensor& x) { return x + at::from_blob(numbers->data(), {3}); };
  const Module module = must(trace(code, {at::zeros({3})}));
  numbers.reset();
  EXPECT_TRUE(at::equal(must(get<Tensor>(module.forward({at::zeros({3})}))), at::tensor({1.0f, 2.0f, 3.0f})));
}

// --- Failures and threads.

TEST(TraceFailure, AnExceptionIsAStatusAndLeavesNothingBehind) {
  const auto code = [](const Tensor& x) -> Tensor {
    x.add_(1);
    TORCH_CHECK(false, "no way");
  };
  EXPECT_THAT(message(trace(code, {at::ones({2})})), HasSubstr("no way"));
  const auto shapes = [](const Tensor& x) { return at::mm(x, x); };
  EXPECT_FALSE(trace(shapes, {at::ones({2, 3})}).ok());
  EXPECT_FALSE(trace([](const Tensor& x) -> Tensor { throw std::runtime_error("odd " + std::to_string(x.dim())); },
                     {at::ones({2})})
                   .ok());
  check_trace([](const Tensor& x) { return x * 3; }, {at::ones({2})});
}

TEST(TraceFailure, AnErrorThatTheCodeCatchesIsNotRecorded) {
  const auto code = [](const Tensor& x) {
    try {
      return at::mm(x, x);
    } catch (const c10::Error&) {
      return x * 5;
    }
  };
  const Module module = check_trace(code, {at::randn({2, 3})}, {{at::randn({2, 4})}});
  EXPECT_EQ(count(module, "aten::mm"), 0);
}

TEST(TraceFailure, ATraceInsideOfATraceIsRefused) {
  const auto code = [](const Tensor& x) {
    const auto inner = trace([](const Tensor& y) { return y * 2; }, {at::ones({1})});
    TORCH_CHECK(!inner.ok() && inner.status().code() == absl::StatusCode::kFailedPrecondition);
    return x + 1;
  };
  EXPECT_EQ(message(trace(code, {at::ones({2})})), "");
}

TEST(TraceThreads, OtherThreadsAreNotRecorded) {
  const auto code = [](const Tensor& x) {
    Tensor elsewhere;
    std::thread([&] { elsewhere = at::relu(at::randn({3})); }).join();
    return x.sigmoid();
  };
  const Module module = must(trace(code, {at::randn({3})}));
  EXPECT_EQ(count(module, "aten::relu"), 0);
  EXPECT_EQ(count(module, "aten::randn"), 0);
}

TEST(TraceThreads, TwoTracesAtOnceKeepApart) {
  const auto work = [](double factor, std::string* failure) {
    for (int i = 0; i < 10; ++i) {
      const auto module = trace([factor](const Tensor& x) { return (x * factor).relu(); }, {at::ones({2})});
      if (!module.ok())
        *failure = message(module);
      else if (count(*module, "aten::mul") != 1)
        *failure = text_of(*module);
    }
  };
  std::string first, second;
  std::thread a(work, 2.0, &first);
  std::thread b(work, 3.0, &second);
  a.join();
  b.join();
  EXPECT_EQ(first + second, "");
}

}  // namespace
}  // namespace vesta::test
