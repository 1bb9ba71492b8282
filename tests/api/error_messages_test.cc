// The whole text of errors, as users see them. A file of tests/golden/errors/ holds several programs, each under a line
// "### name"; below each program, behind a line "---", stands the message. A program that compiles is run: its function
// `main` takes no arguments. VESTA_UPDATE_GOLDENS=1 writes what is said now into the files.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <vesta/vesta.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/libtorch_versions.h"

namespace vesta {
namespace {

struct Case {
  std::string name;
  std::string program;
  std::string message;
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<Case> cases_of(const std::string& text) {
  std::vector<Case> cases;
  bool in_message = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.substr(0, 4) == "### ") {
      cases.push_back({std::string(line.substr(4)), "", ""});
      in_message = false;
    } else if (line == "---") {
      in_message = true;
    } else if (!cases.empty()) {
      absl::StrAppend(in_message ? &cases.back().message : &cases.back().program, line, "\n");
    }
  }
  return cases;
}

std::string message_of(const Case& c) {
  CompileOptions options;
  options.filename = "model.py";
  const absl::StatusOr<Unit> unit = compile(c.program, options);
  if (!unit.ok()) return std::string(unit.status().message());
  const absl::StatusOr<c10::IValue> result = unit->run_function("main", {});
  return result.ok() ? "(no error)" : std::string(result.status().message());
}

std::string with_messages_of_now(const std::string& text) {
  std::string result;
  for (const Case& c : cases_of(text)) {
    std::string message = test::in_words_of_2_11(message_of(c));
    while (!message.empty() && message.back() == '\n') message.pop_back();
    absl::StrAppend(&result, "### ", c.name, "\n", c.program, "---\n", message, "\n\n");
  }
  if (!result.empty()) result.pop_back();
  return result;
}

TEST(ErrorMessages, AreThoseOfTheGoldens) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(VESTA_SOURCE_DIR "/tests/golden/errors")) {
    const std::string before = read_text(entry.path());
    const std::string now = with_messages_of_now(before);
    count += cases_of(before).size();
    if (std::getenv("VESTA_UPDATE_GOLDENS") != nullptr) std::ofstream(entry.path(), std::ios::binary) << now;
    const std::string golden = read_text(entry.path());
    if (golden == now) continue;
    const std::vector<Case> wanted = cases_of(golden);
    const std::vector<Case> got = cases_of(now);
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(got[i].message, wanted[i].message) << wanted[i].name;
    EXPECT_EQ(golden, now);
  }
  EXPECT_GE(count, 60u);
}

// A message has its place, the source line and a caret below it, and none of the frontend's own names.
TEST(ErrorMessages, TellThePlaceAndNoInternalNames) {
  for (const auto& entry : std::filesystem::directory_iterator(VESTA_SOURCE_DIR "/tests/golden/errors")) {
    for (const Case& c : cases_of(read_text(entry.path()))) {
      EXPECT_NE(c.message.find("model.py:"), std::string::npos) << c.name;
      // A list of unknown operators has the place of each call, without its line.
      const bool is_list = c.message.find("not known:") != std::string::npos;
      EXPECT_TRUE(is_list || c.message.find('^') != std::string::npos) << c.name;
      EXPECT_EQ(c.message.find("(no error)"), std::string::npos) << c.name;
      for (const char* internal : {"INTERNAL ASSERT", "c10::", "IValue", "Sugar", "TypeKind", ".cpp", ".cc:"})
        EXPECT_EQ(c.message.find(internal), std::string::npos) << c.name;
    }
  }
}

}  // namespace
}  // namespace vesta
