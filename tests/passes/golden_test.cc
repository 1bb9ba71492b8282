// Each file tests/golden/passes/<pass>.txt holds cases of one pass, each under a line "### name": a graph, or methods
// of the module of pass_test_support.h as TorchScript source; below a line "---", what the pass makes of it. A name
// that ends in "(O1)" is run at that level, one that ends in "(plans)" as before plans, which take work off some
// passes. VESTA_UPDATE_GOLDENS=1 writes what is made now into the files.
//
// Three laws are checked for each: what is printed reads back to the same text; a second run of the pass changes
// nothing; results, what arguments hold afterwards and who shares memory are those of before.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ir/printer.h"
#include "passes/pipeline.h"
#include "tests/passes/pass_test_support.h"

namespace vesta::passes {
namespace {

namespace fs = std::filesystem;

const char* const kFolder = VESTA_SOURCE_DIR "/tests/golden/passes";

struct Case {
  std::string name;
  std::string input;
  std::string output;
};

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<Case> cases_of(const std::string& text) {
  std::vector<Case> cases;
  bool in_output = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "### ")) {
      cases.push_back({std::string(line.substr(4)), "", ""});
      in_output = false;
    } else if (line == "---") {
      in_output = true;
    } else if (!cases.empty() && !(in_output && line.empty())) {
      absl::StrAppend(in_output ? &cases.back().output : &cases.back().input, line, "\n");
    }
  }
  return cases;
}

void expect_same_results(const ir::Graph& before, const ir::Graph& after, const Case& c, const Module* module,
                         Level level) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    std::vector<c10::IValue> arguments = testing::arguments_for(before, c.input, seed, module == nullptr ? 0 : 1);
    if (module != nullptr) arguments.insert(arguments.begin(), module->value());
    const auto expected = testing::run(before, arguments);
    const auto got = testing::run(after, arguments);
    EXPECT_EQ(testing::difference(got, expected, level == Level::kFast ? 1e-4 : 0), "") << c.name << ", seed " << seed;
    EXPECT_EQ(testing::sharing(got), testing::sharing(expected)) << c.name << ", seed " << seed;
  }
}

std::string output_of(const Case& c, const PassInfo& pass) {
  const Level level = absl::EndsWith(c.name, "(O1)") ? Level::kExact : Level::kFast;
  const bool is_source = c.input.find("def ") == 0;
  std::optional<Module> module;
  if (is_source) module = testing::module_of(c.input);
  const std::shared_ptr<ir::Graph> graph = is_source ? testing::graph_of(*module) : testing::parse(c.input);
  PassContext context = is_source ? testing::context_of(*module, level) : testing::plain_context(level);
  if (!absl::EndsWith(c.name, "(plans)") && pass.name != "group_planned_nodes")
    context.without = {"group_planned_nodes"};
  const std::shared_ptr<ir::Graph> before = graph->copy();
  const absl::StatusOr<bool> changed = run_pass(pass, *graph, context);
  if (!changed.ok()) return absl::StrCat(changed.status().message());
  const std::string text = ir::print(*graph);
  EXPECT_EQ(*changed, text != ir::print(*before)) << c.name << ": says that it changed something, or that it did not";
  if (!is_source) {
    EXPECT_EQ(ir::print(*testing::parse(text)), text) << c.name;
  }
  expect_same_results(*before, *graph, c, is_source ? &*module : nullptr, level);
  const absl::StatusOr<bool> again = run_pass(pass, *graph, context);
  EXPECT_TRUE(again.ok() && !*again) << c.name << ": the second run changes something";
  EXPECT_EQ(ir::print(*graph), text) << c.name;
  return text;
}

class PassGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(PassGolden, IsWhatThePassMakes) {
  const PassInfo& pass = *find_pass(GetParam());
  const fs::path path = fs::path(kFolder) / (GetParam() + ".txt");
  ASSERT_TRUE(fs::exists(path)) << "each pass has a golden";
  const std::string before = read_text(path);
  std::string now;
  for (const Case& c : cases_of(before)) {
    absl::StrAppend(&now, now.empty() ? "" : "\n", "### ", c.name, "\n", c.input, "---\n", output_of(c, pass));
  }
  if (std::getenv("VESTA_UPDATE_GOLDENS") != nullptr) std::ofstream(path, std::ios::binary) << now;
  EXPECT_EQ(read_text(path), now);
}

std::vector<std::string> names_of_passes() {
  std::vector<std::string> names;
  for (const PassInfo& pass : all_passes()) names.emplace_back(pass.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Passes, PassGolden, ::testing::ValuesIn(names_of_passes()),
                         [](const auto& test) { return test.param; });

TEST(PassGoldens, BelongToPasses) {
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    EXPECT_NE(find_pass(entry.path().stem().string()), nullptr) << entry.path();
  }
}

}  // namespace
}  // namespace vesta::passes
