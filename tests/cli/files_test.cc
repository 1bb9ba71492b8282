// What `vesta run` reads and writes.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

// A folder that is removed at the end.
class RunFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / absl::StrCat("vesta_cli_", getpid());
    std::filesystem::create_directories(folder_);
    std::filesystem::current_path(VESTA_SOURCE_DIR);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // Standard output; the exit code must be 0.
  static std::string vesta(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_vesta(arguments, out, err), 0) << err.str();
    return out.str();
  }

  std::filesystem::path folder_;
};

constexpr const char* kModel = "tests/corpus/archives/extra_files.pt";  // returns x + 1

TEST_F(RunFiles, WrittenResultsAreInputsAgain) {
  for (const std::string suffix : {".pt", ".npy"}) {
    const std::string file = path("result" + suffix);
    EXPECT_EQ(vesta({"run", kModel, "[[1, 2], [3, 4]]", "--output", file}), "wrote " + file + "\n");
    EXPECT_EQ(vesta({"run", kModel, file}), "tensor([[3, 4],\n        [5, 6]])\n") << suffix;
  }
}

TEST_F(RunFiles, JsonHoldsTheNumbers) {
  vesta({"run", kModel, "[0.5, 1.25]", "-o", path("result.json")});
  EXPECT_EQ(read(path("result.json")), "[1.5,2.25]\n");
}

TEST_F(RunFiles, TheSameSeedGivesTheSameNumbers) {
  const std::string first = vesta({"run", kModel, "--input", "x=f32[4]:normal", "--seed", "3"});
  EXPECT_EQ(vesta({"run", kModel, "--input", "x=f32[4]:normal", "--seed", "3"}), first);
  EXPECT_NE(vesta({"run", kModel, "--input", "x=f32[4]:normal", "--seed", "4"}), first);
}

TEST_F(RunFiles, RepeatTellsTheTime) {
  EXPECT_THAT(vesta({"run", kModel, "1", "--repeat", "5"}), HasSubstr("of 5 calls the fastest "));
}

TEST_F(RunFiles, BenchCountsTheCallsOfAllCallers) {
  const std::vector<std::string> call = {"bench", kModel, "f32[4]:normal", "--seconds", "0.05", "--callers", "3"};
  EXPECT_THAT(vesta(call), HasSubstr(", 3 callers at once\n"));
  std::vector<std::string> with_json = call;
  with_json.insert(with_json.end(), {"--freeze", "O2", "--json"});
  const auto report = nlohmann::json::parse(vesta(with_json));
  EXPECT_EQ(report["callers"], 3);
  EXPECT_GE(report["calls"], 3);
  EXPECT_GT(report["calls_per_s"], 0);
  const char* const ascending[] = {"fastest_s", "median_s", "p90_s", "p99_s", "slowest_s"};
  for (size_t i = 1; i < std::size(ascending); ++i) EXPECT_LE(report[ascending[i - 1]], report[ascending[i]]);
  EXPECT_GT(report["first_s"], 0);
  EXPECT_GT(report["load_s"], 0);
}

TEST_F(RunFiles, BenchGivesTheErrorOfTheCall) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_vesta({"bench", kModel, "\"text\""}, out, err), 1);
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(err.str(), HasSubstr("expected"));
}

TEST_F(RunFiles, NothingIsWrittenAfterAnError) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_vesta({"run", kModel, "\"text\"", "-o", path("result.pt")}, out, err), 1);
  EXPECT_FALSE(std::filesystem::exists(path("result.pt")));
  EXPECT_EQ(run_vesta({"run", kModel, "1", "-o", path("result.txt")}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("results are written as .pt, .npy or .json"));
}

// 1.5's `div` truncated toward zero; today's divides truly. The old meaning is said in the new file.
TEST_F(RunFiles, ConvertSaysWhatAnOldOperatorMeant) {
  const std::string old = "tests/corpus/legacy/1.5.1/int_div.pt";
  const std::string today = path("today.pt");
  vesta({"convert", old, today});
  const std::vector<std::string> call = {"[7, -7, 8, -8]", "[2, 2, -3, -3]", "--method", "tt"};
  for (const std::string& file : {old, today}) {
    std::vector<std::string> arguments = {"run", file};
    arguments.insert(arguments.end(), call.begin(), call.end());
    EXPECT_EQ(vesta(arguments), "tensor([ 3, -3, -2,  2])\n") << file;
  }
  EXPECT_THAT(vesta({"inspect", old}), HasSubstr("old meaning"));
  EXPECT_THAT(vesta({"inspect", today}), Not(HasSubstr("old meaning")));
  EXPECT_THAT(read(today), HasSubstr("rounding_mode"));
}

// There and back: the archive that comes out is the one that `convert` makes of the archive.
TEST_F(RunFiles, NativeFileIsUsedWithoutBeingTold) {
  const std::string model = "tests/corpus/archives/mlp.pt";
  const std::vector<std::string> call = {"-i", "f32[2,3]:normal"};
  const auto run = [&](const std::string& file) { return vesta({"run", file, call[0], call[1]}); };
  vesta({"convert", model, path("plain.pt")});
  vesta({"convert", model, path("m.vesta")});
  vesta({"convert", path("m.vesta"), path("back.pt")});
  EXPECT_EQ(read(path("back.pt")), read(path("plain.pt")));
  EXPECT_EQ(run(path("m.vesta")), run(model));
  EXPECT_EQ(vesta({"graph", path("m.vesta")}), vesta({"graph", model}));
  EXPECT_THAT(vesta({"bench", path("m.vesta"), call[0], call[1], "--seconds", "0.05"}), HasSubstr("calls a second"));
  EXPECT_THAT(vesta({"inspect", path("m.vesta")}), HasSubstr("format: native file, version 1"));

  vesta({"convert", model, path("packed.vesta"), "--freeze", "O2", "--packed", call[0], call[1]});
  EXPECT_EQ(run(path("packed.vesta")), vesta({"run", model, "--freeze", "O2", call[0], call[1]}));
  const std::string facts = vesta({"inspect", path("packed.vesta")});
  EXPECT_THAT(facts, HasSubstr("frozen at -O2\n"));
  EXPECT_THAT(facts, HasSubstr("optimized for forward(x Float[2, 3]) -> output Float[2, "));
  EXPECT_THAT(facts, HasSubstr("packed for vesta "));
}

TEST_F(RunFiles, OptionsOfNativeFilesAreForThem) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_vesta({"convert", kModel, path("out.pt"), "--packed"}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("'--freeze', '--packed', '--tune' and '--input' are for native files (.vesta)"));
  EXPECT_EQ(run_vesta({"convert", kModel, path("out.vesta"), "--packed"}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("'packed' keeps what was optimized ahead, and the module is not frozen"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST(Text, ReadsWell) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
  EXPECT_EQ(byte_size(1), "1 byte");
  EXPECT_EQ(byte_size(1536), "1.5 KiB");
  EXPECT_EQ(byte_size(int64_t{3} << 30), "3.0 GiB");
  EXPECT_EQ(duration(0.00123), "1.23 ms");
  EXPECT_EQ(table({{"a", "1"}, {"long", "100"}}, {1}, 2), "  a       1\n  long  100\n");
}

}  // namespace
}  // namespace vesta::tools
