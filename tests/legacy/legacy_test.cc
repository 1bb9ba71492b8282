// Archives that old versions of torch wrote, against what those versions answered (tests/corpus/legacy; its
// README has the format). VESTA_LEGACY names another folder of the same form to run as well.

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/legacy/recording.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> recordings() {
  std::vector<fs::path> found = find_recordings(fs::path(VESTA_SOURCE_DIR) / "tests/corpus/legacy");
  if (const char* more = std::getenv("VESTA_LEGACY")) {
    for (fs::path& path : find_recordings(more)) found.push_back(std::move(path));
  }
  return found;
}

class Legacy : public testing::TestWithParam<fs::path> {};

TEST_P(Legacy, GivesWhatItsWriterGave) {
  for (const std::string& line : disagreements(GetParam())) ADD_FAILURE() << line;
}

INSTANTIATE_TEST_SUITE_P(Recordings, Legacy, testing::ValuesIn(recordings()), [](const auto& info) {
  // The number keeps programs of two folders apart.
  std::string name = info.param.parent_path().filename().string() + "_" + info.param.stem().string() + "_" +
                     std::to_string(info.index);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Legacy);

}  // namespace
}  // namespace vesta::test
