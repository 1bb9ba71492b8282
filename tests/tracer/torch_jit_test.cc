// Every program of the suite beside torch::jit: what its tracer records, whether that follows sizes, and what it makes
// of our traces' archives.

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "ir/operator.h"
#include "tests/tracer/program.h"

namespace vesta::test {
namespace {

TEST(TracedPrograms, AreReadByTorchJitAndAreRightThere) {
  for (const Program& program : all_programs()) {
    const std::vector<Example> examples = examples_of(program, 1);
    const absl::StatusOr<Module> module = program.trace(examples, {.name = program.name, .check = false});
    ASSERT_TRUE(module.ok()) << program.name << ": " << module.status();
    std::stringstream file;
    const absl::Status saved = module->save(file);
    ASSERT_TRUE(saved.ok()) << program.name << ": " << saved;
    seed(13);
    const Example fresh = program.example(0);
    const std::vector<c10::IValue> mine = copies(fresh);
    seed(7);
    const c10::IValue expected = program.code(Inputs(mine));
    try {
      torch::jit::Module loaded = torch::jit::load(file);
      seed(7);
      EXPECT_EQ(difference(expected, loaded.forward(copies(fresh))), "") << program.name << "\n" << text_of(*module);
    } catch (const std::exception& error) {
      ADD_FAILURE() << program.name << ": torch::jit refuses it: " << error.what();
    }
  }
}

std::vector<std::string> operators_of(const torch::jit::Block* block) {
  std::vector<std::string> names;
  for (const torch::jit::Node* node : block->nodes()) {
    names.push_back(node->kind().toQualString());
    for (const torch::jit::Block* inner : node->blocks()) {
      for (std::string& name : operators_of(inner)) names.push_back(std::move(name));
    }
  }
  return names;
}

// Without those that nothing reads: torch::jit leaves them out, we leave them to passes.
void add_operators(const ir::Block* block, const std::set<const ir::Node*>& dead, std::vector<std::string>& names) {
  for (const ir::Node* node : block->nodes()) {
    if (!dead.contains(node)) names.push_back(node->kind().toQualString());
    for (const ir::Block* inner : node->blocks()) add_operators(inner, dead, names);
  }
}
void find_dead(const ir::Block* block, std::set<const ir::Node*>& dead) {
  for (const ir::Node* node = block->last(); node != nullptr; node = node->prev()) {
    for (const ir::Block* inner : node->blocks()) find_dead(inner, dead);
    if (!node->blocks().empty() || (node->op() != nullptr && node->op()->schema.is_mutable())) continue;
    bool read = node->outputs().empty();
    for (const ir::Value* output : node->outputs()) {
      for (const ir::Use& use : output->uses()) read |= !dead.contains(use.user);
    }
    if (!read) dead.insert(node);
  }
}
std::vector<std::string> operators_of(const ir::Graph& graph) {
  std::set<const ir::Node*> dead;
  find_dead(graph.block(), dead);
  std::vector<std::string> names;
  add_operators(graph.block(), dead, names);
  return names;
}

// What the two write down in another way (docs/tracing.md):
// torch::jit records sizes and numbers that it follows as operators; we do so only where two sizes were shown.
bool is_bookkeeping(const std::string& name) {
  static const std::set<std::string> kNames = {"aten::size",          "aten::Int",    "aten::ScalarImplicit",
                                               "aten::IntImplicit",   "aten::detach", "aten::clone",
                                               "aten::FloatImplicit", "aten::numel"};
  return name.starts_with("prim::") || kNames.contains(name);
}

// What one program's recordings have that the other's lack.
struct Difference {
  std::string program;
  std::vector<std::string> ours;
  std::vector<std::string> theirs;
};
const std::vector<Difference>& differences() {
  static const std::vector<Difference> kDifferences = {
      // torch::jit leaves resize_as_ out, and takes what it has resized for constants.
      {"CrossMapLRN2d", {"aten::empty", "aten::empty", "aten::resize_as_", "aten::resize_as_"}, {}},
      // Memory that is written past the operators: torch::jit replays it uninitialized.
      {"LookUpTable", {}, {"aten::empty"}},
      // torch::jit sees what operators on lists of tensors, and some composite operators, are made of.
      {"ForeachAndOut", {"aten::_foreach_add_"}, {"aten::add_", "aten::add_"}},
      {"LSTMCell",
       {"aten::lstm_cell"},
       {"aten::linear", "aten::linear", "aten::add_", "aten::unsafe_chunk", "aten::sigmoid_", "aten::sigmoid_",
        "aten::tanh_", "aten::sigmoid_", "aten::mul", "aten::mul", "aten::add_", "aten::tanh", "aten::mul"}},
      {"GRUCell",
       {"aten::gru_cell"},
       {"aten::linear", "aten::unsafe_chunk", "aten::linear", "aten::unsafe_chunk", "aten::add_", "aten::sigmoid_",
        "aten::add_", "aten::sigmoid_", "aten::mul_", "aten::add", "aten::tanh_", "aten::sub", "aten::mul_",
        "aten::add_"}},
  };
  return kDifferences;
}

std::vector<std::string> reduced(std::vector<std::string> names, const std::vector<std::string>& without) {
  std::erase_if(names, is_bookkeeping);
  // Programs say aten::conv2d, and so do we; torch::jit records what all convolutions become.
  for (std::string& name : names) {
    if (name.starts_with("aten::conv")) name = "aten::_convolution";
  }
  for (const std::string& one : without) {
    const auto found = std::find(names.begin(), names.end(), one);
    EXPECT_NE(found, names.end()) << "the difference '" << one << "' is gone";
    if (found != names.end()) names.erase(found);
  }
  return names;
}

// torch::jit::tracer's graph, with the module's tensors as those of a module of its own. Null where it cannot.
std::shared_ptr<torch::jit::Graph> torch_jit_graph(const Program& program, const Example& example, const Module& module,
                                                   torch::jit::Module& holder) {
  int number = 0;
  for (const auto& parameter : module.named_parameters()) {
    holder.register_parameter("p" + std::to_string(number++), parameter.value, /*is_buffer=*/false);
  }
  try {
    const auto [state, results] = torch::jit::tracer::trace(
        copies(example), [&](torch::jit::Stack in) { return torch::jit::Stack{program.code(Inputs(in))}; },
        [](const at::Tensor&) { return ""; }, /*strict=*/false, /*force_outplace=*/false, &holder);
    return state->graph;
  } catch (const std::exception& error) {
    torch::jit::tracer::abandon();
    ADD_FAILURE() << program.name << ": torch::jit cannot trace it: " << std::string(error.what()).substr(0, 200);
    return nullptr;
  }
}

TEST(TracedPrograms, HaveTheOperatorsThatTorchJitRecords) {
  int compared = 0;
  for (const Program& program : all_programs()) {
    const std::vector<Example> examples = examples_of(program, 1);
    const bool tensors =
        std::all_of(examples[0].begin(), examples[0].end(), [](const c10::IValue& v) { return v.isTensor(); });
    if (!tensors) continue;
    const at::NoGradGuard no_grad;
    const absl::StatusOr<Module> module =
        program.trace(examples, {.name = program.name, .check = false, .freeze_mode = true});
    ASSERT_TRUE(module.ok()) << program.name << ": " << module.status();
    const auto known = std::find_if(differences().begin(), differences().end(),
                                    [&](const Difference& one) { return one.program == program.name; });
    const Difference difference = known == differences().end() ? Difference() : *known;
    torch::jit::Module holder("Holder");
    const auto theirs = torch_jit_graph(program, examples[0], *module, holder);
    if (theirs == nullptr) continue;
    EXPECT_EQ(reduced(operators_of(graph_of(*module)), difference.ours),
              reduced(operators_of(theirs->block()), difference.theirs))
        << program.name;
    ++compared;
  }
  EXPECT_GE(compared, 90);
}

// --- Other sizes.

// Whether torch::jit's trace of the first example does what the code does on other sizes.
bool torch_jit_follows_sizes(const Program& program, const std::vector<Example>& examples, const Module& module) {
  torch::jit::Module holder("Holder");
  const auto graph = torch_jit_graph(program, examples[0], module, holder);
  if (graph == nullptr) return false;
  // Its state stays as large as the example's batch, and libtorch's kernel then writes past its memory.
  if (program.name == "LSTM") return false;
  holder.type()->addMethod(
      holder._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*holder.type()->name(), "run"), graph));
  for (const int n : {2, 3, 5}) {
    const std::vector<c10::IValue> mine = copies(examples[static_cast<size_t>(n)]);
    seed(7);
    const c10::IValue expected = program.code(Inputs(mine));
    try {
      seed(7);
      const c10::IValue actual = holder.get_method("run")(copies(examples[static_cast<size_t>(n)]));
      if (!difference(expected, actual).empty()) return false;
    } catch (const std::exception&) {
      return false;
    }
  }
  return true;
}

// The table of docs/tracing.md names the programs that torch::jit's trace is not right for, and no others.
TEST(TracedPrograms, FollowSizesWhereTorchJitsTracesDoNot) {
  std::ifstream file(VESTA_SOURCE_DIR "/docs/tracing.md");
  ASSERT_TRUE(file);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (const Program& program : all_programs()) {
    if (!program.sized) continue;
    const std::vector<Example> examples = examples_of(program, 6);
    const bool tensors =
        std::all_of(examples[0].begin(), examples[0].end(), [](const c10::IValue& v) { return v.isTensor(); });
    const at::NoGradGuard no_grad;
    const absl::StatusOr<Module> module =
        program.trace({examples[0], examples[1]}, {.name = program.name, .check = false, .freeze_mode = true});
    ASSERT_TRUE(module.ok()) << program.name << ": " << module.status();
    const bool follows = tensors && torch_jit_follows_sizes(program, examples, *module);
    EXPECT_EQ(text.find("| " + program.name + " |") == std::string::npos, follows) << program.name;
  }
}

}  // namespace
}  // namespace vesta::test
