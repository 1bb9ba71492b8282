// Each file tests/golden/cli/*.txt is a session: lines that begin with "$ vesta " are commands, what follows is their
// output (standard output, then standard error) and "[exit N]" where N is not 0. Paths are relative to the repository.
// VESTA_UPDATE_GOLDENS=1 writes what is printed now into the files.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/libtorch_versions.h"
#include "tools/commands.h"

namespace vesta::tools {
namespace {

constexpr const char* kPrompt = "$ vesta";

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Words of a command line; single quotes keep words together.
std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool any = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any || !word.empty()) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word += c;
    }
  }
  if (any || !word.empty()) words.push_back(word);
  return words;
}

std::string run_command(const std::string& command) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_vesta(split_words(command), out, err);
  std::string text = out.str() + err.str();
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (code != 0) absl::StrAppend(&text, "[exit ", code, "]\n");
  return text;
}

// The session with the outputs of now: commands and comments stay, a blank line parts them from the output before.
std::string replay(const std::string& session) {
  std::string result;
  bool after_output = false;
  for (const absl::string_view line : absl::StrSplit(session, '\n')) {
    const bool is_command = absl::StartsWith(line, kPrompt);
    if (!is_command && !absl::StartsWith(line, "# ")) continue;
    absl::StrAppend(&result, after_output ? "\n" : "", line, "\n");
    if (is_command)
      result += test::in_words_of_2_11(run_command(std::string(line.substr(std::string(kPrompt).size()))));
    after_output = is_command;
  }
  return result;
}

std::vector<std::string> sessions() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(VESTA_SOURCE_DIR "/tests/golden/cli")) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class CliGolden : public testing::TestWithParam<std::string> {};

TEST_P(CliGolden, PrintsWhatItPrinted) {
  std::filesystem::current_path(VESTA_SOURCE_DIR);
  const std::string expected = read_text(GetParam());
  ASSERT_NE(expected.find(kPrompt), std::string::npos) << "no command in it";
  const std::string actual = replay(expected);
  if (std::getenv("VESTA_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(GetParam(), std::ios::binary) << actual;
    return;
  }
  EXPECT_EQ(actual, expected) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Sessions, CliGolden, testing::ValuesIn(sessions()),
                         [](const auto& session) { return std::filesystem::path(session.param).stem().string(); });

}  // namespace
}  // namespace vesta::tools
