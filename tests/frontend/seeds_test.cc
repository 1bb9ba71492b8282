// The seeds of the fuzzers (tests/fuzz/seeds), each read once: what a run of a fuzzer has found stays found.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "frontend/compile.h"
#include "gtest/gtest.h"
#include "ir/ir_parser.h"
#include "ir/printer.h"

namespace vesta::frontend {
namespace {

std::vector<std::filesystem::path> seeds(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(VESTA_SOURCE_DIR "/tests/fuzz/seeds/" + folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Seeds, SourcesCompileOrTellWhy) {
  CompileOptions options;
  options.limits.ir_nodes = 10'000;  // As in compile_fuzz.cc.
  for (const std::filesystem::path& file : seeds("source")) {
    SCOPED_TRACE(file.filename().string());
    auto source = std::make_shared<support::Source>(support::Source{contents(file), "seed.py", 1});
    const absl::Status status = compile(std::move(source), ir::Program::create(), options).status();
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status.message();
  }
}

TEST(Seeds, GraphsThatParseArePrintedAndParsedToTheSameText) {
  for (const std::filesystem::path& file : seeds("graph")) {
    SCOPED_TRACE(file.filename().string());
    const absl::StatusOr<std::shared_ptr<ir::Graph>> graph = ir::parse_graph(contents(file));
    EXPECT_NE(graph.status().code(), absl::StatusCode::kInternal) << graph.status().message();
    if (!graph.ok()) continue;
    const std::string text = ir::print(**graph);
    const absl::StatusOr<std::shared_ptr<ir::Graph>> again = ir::parse_graph(text);
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_EQ(ir::print(**again), text);
  }
}

}  // namespace
}  // namespace vesta::frontend
