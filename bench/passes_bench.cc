// How long the optimizer takes, by the size of the graph: time over nodes has to stay what it is. Three kinds of graph:
// a chain in which every node matters, one whose nodes are equal in pairs, and a module whose calls are all inlined.

#include <string>

#include <benchmark/benchmark.h>
#include <vesta/vesta.h>

#include "ir/operator.h"
#include "passes/pipeline.h"

namespace {

using vesta::ir::Graph;
using vesta::ir::Node;
using vesta::ir::Value;

Value* call(Graph& graph, const char* name, const char* overload, std::initializer_list<Value*> inputs) {
  Node* node = graph.insert(graph.create(c10::Symbol::fromQualString(name), inputs, 1));
  node->set_op(vesta::ir::OperatorCatalog::standard().find(name, overload));
  return node->output();
}

void optimize_copies(benchmark::State& state, const Graph& graph) {
  const size_t nodes = graph.node_count();
  for (auto _ : state) {
    state.PauseTiming();
    const std::shared_ptr<Graph> copy = graph.copy();
    vesta::passes::PassContext context;
    state.ResumeTiming();
    if (!vesta::passes::optimize(*copy, context).ok()) state.SkipWithError("a pass failed");
  }
  state.counters["us/node"] = benchmark::Counter(
      static_cast<double>(nodes) / 1e6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["nodes"] = static_cast<double>(nodes);
}

void BM_Optimize_Chain(benchmark::State& state) {
  Graph graph;
  Value* x = graph.add_input(c10::TensorType::get());
  for (int64_t i = 0; i < state.range(0) / 2; ++i) {
    x = call(graph, "aten::add", "Tensor", {x, x, graph.insert_constant(int64_t{1})});
  }
  graph.add_output(x);
  optimize_copies(state, graph);
}
BENCHMARK(BM_Optimize_Chain)->ArgName("nodes")->Arg(1000)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);

void BM_Optimize_Pairs(benchmark::State& state) {
  Graph graph;
  Value* x = graph.add_input(c10::TensorType::get());
  for (int64_t i = 0; i < state.range(0) / 3; ++i) {
    Value* a = call(graph, "aten::tanh", "", {x});
    Value* b = call(graph, "aten::tanh", "", {x});
    x = call(graph, "aten::mul", "Tensor", {a, b});
  }
  graph.add_output(x);
  optimize_copies(state, graph);
}
BENCHMARK(BM_Optimize_Pairs)->ArgName("nodes")->Arg(1000)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);

void BM_Freeze_Calls(benchmark::State& state) {
  vesta::Module module("Calls");
  std::string source = "def step(self, x: Tensor) -> Tensor:\n  return torch.tanh(x) * 2 + 1\n";
  source += "def forward(self, x: Tensor) -> Tensor:\n";
  for (int64_t i = 0; i < state.range(0) / 5; ++i) source += "  x = self.step(x)\n";
  source += "  return x\n";
  if (!module.define(source).ok()) return state.SkipWithError("the source is wrong");
  for (auto _ : state) benchmark::DoNotOptimize(module.freeze());
  state.counters["us/node"] =
      benchmark::Counter(static_cast<double>(state.range(0)) / 1e6,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Freeze_Calls)->ArgName("nodes")->Arg(1000)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);

}  // namespace
