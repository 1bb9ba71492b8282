// Every program of the suite: traced, and run on inputs that it has not seen.

#include "tests/tracer/program.h"

namespace vesta::test {
namespace {

void expect_same_run(const Program& program, const Module& module, const Example& example, const std::string& what) {
  const std::vector<c10::IValue> mine = copies(example);
  const std::vector<c10::IValue> theirs = copies(example);
  seed(7);
  const c10::IValue expected = program.code(Inputs(mine));
  seed(7);
  const absl::StatusOr<c10::IValue> actual = module.forward(theirs);
  ASSERT_TRUE(actual.ok()) << program.name << ", " << what << ": " << actual.status();
  EXPECT_EQ(difference(expected, *actual), "") << program.name << ", " << what << "\n" << text_of(module);
}

TEST(TracedPrograms, AreRightOnTheExampleAndOnOtherNumbers) {
  const std::vector<Program> programs = all_programs();
  EXPECT_GE(programs.size(), 60u);
  for (const Program& program : programs) {
    const std::vector<Example> examples = examples_of(program, 1);
    const absl::StatusOr<Module> module = program.trace(examples, {.name = program.name});
    ASSERT_TRUE(module.ok()) << program.name << ": " << module.status();
    expect_same_run(program, *module, examples[0], "the example");
    seed(12);
    expect_same_run(program, *module, program.example(0), "other numbers");
    const absl::StatusOr<Module> frozen = module->freeze();
    ASSERT_TRUE(frozen.ok()) << program.name << ": " << frozen.status();
    expect_same_run(program, *frozen, program.example(0), "frozen");
  }
}

TEST(TracedPrograms, OfTwoSizesAreRightOnThreeOthers) {
  int sized = 0;
  for (const Program& program : all_programs()) {
    if (!program.sized) continue;
    ++sized;
    const std::vector<Example> examples = examples_of(program, 6);
    TraceReport report;
    const absl::StatusOr<Module> module =
        program.trace({examples[0], examples[1]}, {.name = program.name, .report = &report});
    ASSERT_TRUE(module.ok()) << program.name << ": " << module.status();
    EXPECT_FALSE(report.has(Kind::kSizeBaked) || report.has(Kind::kStructure) || report.has(Kind::kReplayDiffers))
        << program.name << ": " << report.text();
    for (const int n : {2, 3, 5}) {
      expect_same_run(program, *module, examples[static_cast<size_t>(n)], "size " + std::to_string(n));
    }
  }
  EXPECT_GE(sized, 20);
}

TEST(TracedPrograms, FollowTrainAndEval) {
  for (const Program& program : all_programs()) {
    if (!program.train) continue;
    const std::vector<Example> examples = examples_of(program, 1);
    absl::StatusOr<Module> module = program.trace(examples, {.name = program.name});
    ASSERT_TRUE(module.ok()) << program.name << ": " << module.status();
    for (const bool training : {true, false}) {
      ASSERT_TRUE(module->train(training).ok());
      program.train(training);
      // Running statistics are shared with the code's module: each run moves them, so the outputs alone are compared.
      expect_same_run(program, *module, examples[0], training ? "training" : "evaluation");
    }
  }
}

}  // namespace
}  // namespace vesta::test
