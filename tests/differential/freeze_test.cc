// Every archive of the corpus but the large ones (freeze_slow_test.cc), optimized.

#include <gtest/gtest.h>

#include "tests/differential/corpus_run.h"
#include "tests/differential/freeze_run.h"

namespace vesta::test {
namespace {

class Frozen : public testing::TestWithParam<size_t> {};

TEST_P(Frozen, GivesAtEachLevelWhatTheProgramSays) { expect_frozen_agreement(corpus()[GetParam()], 3); }

std::vector<size_t> entries() {
  std::vector<size_t> result;
  for (size_t i = 0; i < corpus().size(); ++i) {
    if (!is_large(corpus()[i])) result.push_back(i);
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Archives, Frozen, testing::ValuesIn(entries()), corpus_name);

}  // namespace
}  // namespace vesta::test
