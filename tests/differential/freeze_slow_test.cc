// The large models of the corpus, optimized.

#include <gtest/gtest.h>

#include "tests/differential/corpus_run.h"
#include "tests/differential/freeze_run.h"

namespace vesta::test {
namespace {

class FrozenLarge : public testing::TestWithParam<size_t> {};

TEST_P(FrozenLarge, GivesAtEachLevelWhatTheProgramSays) { expect_frozen_agreement(corpus()[GetParam()], 1); }

std::vector<size_t> entries() {
  std::vector<size_t> result;
  for (size_t i = 0; i < corpus().size(); ++i) {
    if (is_large(corpus()[i])) result.push_back(i);
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Archives, FrozenLarge, testing::ValuesIn(entries()), corpus_name);

}  // namespace
}  // namespace vesta::test
