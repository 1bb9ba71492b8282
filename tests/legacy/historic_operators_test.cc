// The table of historic operators, and that it costs today's archives nothing.

#include "frontend/historic_operators.h"

#include <gtest/gtest.h>

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "frontend/importer.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "tests/legacy/made_archive.h"

namespace vesta::test {
namespace {

using frontend::HistoricOperator;
using frontend::HistoricRange;
using ir::Release;

TEST(HistoricOperators, EveryRowHasAReasonAndAReplacement) {
  EXPECT_GT(frontend::all_historic_operators().size(), 100U);
  for (const HistoricOperator* op : frontend::all_historic_operators()) {
    EXPECT_STRNE(op->reason, "") << op->schema;
    EXPECT_NE(op->replacement, nullptr) << op->schema;
  }
}

std::vector<c10::TypePtr> positional(const c10::FunctionSchema& schema) {
  std::vector<c10::TypePtr> types;
  for (const c10::Argument& argument : schema.arguments()) {
    if (!argument.kwarg_only()) types.push_back(argument.type());
  }
  return types;
}

TEST(HistoricOperators, OnlyWhatIsGoneAppliesToEveryArchive) {
  // Such a row must not take a call from an operator that there is today.
  for (const HistoricOperator* op : frontend::all_historic_operators()) {
    if (op->range.by != HistoricRange::By::kAny) continue;
    for (const ir::Operator* today : ir::OperatorCatalog::standard().candidates(op->schema.name())) {
      const std::vector<c10::TypePtr> ours = positional(op->schema);
      const std::vector<c10::TypePtr> theirs = positional(today->schema);
      const bool same = std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                                   [](const c10::TypePtr& a, const c10::TypePtr& b) { return *a == *b; });
      EXPECT_FALSE(same) << op->schema << "\n" << today->schema;
    }
  }
}

// The replacement of every row compiles, for the types of its own schema.
TEST(HistoricOperators, EveryReplacementCompiles) {
  for (const HistoricOperator* op : frontend::all_historic_operators()) {
    std::string parameters = "self: __torch__.M";
    std::string call;
    for (const c10::Argument& argument : op->schema.arguments()) {
      std::string type = argument.type()->annotation_str();
      if (type == "Generator" || type == "Optional[Generator]") {
        if (argument.kwarg_only()) call += argument.name() + "=None, ";
        continue;
      }
      absl::StrAppend(&parameters, ", p_", argument.name(), ": ", type);
      absl::StrAppend(&call, argument.kwarg_only() ? argument.name() + "=" : "", "p_", argument.name(), ", ");
    }
    std::string name = op->schema.name();
    name = name.starts_with("aten::") ? "torch." + name.substr(6) : "ops.vesta." + name.substr(7);
    const std::string methods =
        absl::StrCat("  def f(", parameters, "):\n    x = ", name, "(", call, ")\n    return x\n");
    // A writer for whom the row holds: the release before its end.
    LoadOptions options;
    const HistoricRange& range = op->range;
    int version = 3;
    if (range.by == HistoricRange::By::kVersion) version = static_cast<int>(range.version) - 1;
    if (range.by == HistoricRange::By::kWriter || range.by == HistoricRange::By::kPerhapsWriter) {
      const Release last = range.until == Release(2, 0)
                               ? Release(1, 13)
                               : Release(range.until.number / 1000, range.until.number % 1000 - 1);
      options.written_by = to_string(last);
    } else {
      options.written_by = "1.8";
    }
    absl::StatusOr<Module> module = load_made(made_archive(version, methods), options);
    EXPECT_TRUE(module.ok()) << op->schema << "\n" << module.status().message();
    if (!module.ok()) continue;
    EXPECT_FALSE(module->produced_by().upgraded_calls.empty()) << op->schema;
  }
}

TEST(HistoricOperators, RangesGoByVersionOrByWriter) {
  const HistoricRange version{HistoricRange::By::kVersion, 4};
  EXPECT_TRUE(version.contains(3, {}));
  EXPECT_FALSE(version.contains(4, {}));
  const HistoricRange writer{HistoricRange::By::kWriter, 0, Release(1, 6), Release(1, 1)};
  EXPECT_TRUE(writer.contains(3, {Release(1, 4), Release(1, 5)}));
  EXPECT_FALSE(writer.contains(3, {Release(1, 4), Release(1, 6)}))
      << "the newest is taken where the format leaves both";
  EXPECT_FALSE(writer.contains(3, {Release(1, 0), Release(1, 0)}));
  const HistoricRange perhaps{HistoricRange::By::kPerhapsWriter, 0, Release(2, 1)};
  EXPECT_TRUE(perhaps.contains(3, {Release(1, 12), Release()}));
  EXPECT_FALSE(perhaps.contains(3, {Release(2, 1), Release()}));
}

constexpr const char* kProgram = R"(
  def forward(self: __torch__.M, a: Tensor, b: Tensor) -> Tensor:
    return torch.masked_fill(torch.div(a, b), torch.gt(a, 0), 0)
)";

TEST(HistoricOperators, ArchivesOfTodayAreCompiledAsTheyStand) {
  absl::StatusOr<Module> module = load_made(made_archive(10, kProgram, /*today=*/true));
  ASSERT_TRUE(module.ok()) << module.status().message();
  EXPECT_TRUE(module->produced_by().upgraded_calls.empty());
  EXPECT_EQ(module->produced_by().torch, "2.1 or later");
}

TEST(HistoricOperators, ProducedByListsTheCallsThatKeepTheirMeaning) {
  absl::StatusOr<Module> module = load_made(made_archive(2, kProgram));
  ASSERT_TRUE(module.ok()) << module.status().message();
  const ProducedBy& producer = module->produced_by();
  EXPECT_EQ(producer.torch, "1.5");
  EXPECT_EQ(producer.evidence, "version 2");
  EXPECT_EQ(producer.version, 2);
  ASSERT_EQ(producer.upgraded_calls.size(), 2U);
  EXPECT_EQ(producer.upgraded_calls[0].name, "aten::div.Tensor");
  EXPECT_EQ(producer.upgraded_calls[0].reason, "division of integers truncated before 1.6");
  EXPECT_EQ(producer.upgraded_calls[0].function, "__torch__.M.forward");
  EXPECT_EQ(producer.upgraded_calls[0].call_site, "code/__torch__.py:6:30");
}

TEST(HistoricOperators, WrittenByOverridesWhatTheFormatShows) {
  constexpr const char* floor_divide = R"(
  def forward(self: __torch__.M, a: Tensor, b: Tensor) -> Tensor:
    return torch.floor_divide(a, b)
)";
  const auto run = [&](const std::string& written_by) {
    LoadOptions options;
    options.written_by = written_by;
    absl::StatusOr<Module> module = load_made(made_archive(3, floor_divide), options);
    EXPECT_TRUE(module.ok()) << module.status().message();
    absl::StatusOr<c10::IValue> result = module->forward({at::tensor({-7}), at::tensor({2})});
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result->toTensor().item<int64_t>();
  };
  EXPECT_EQ(run(""), -4) << "1.13 and later floor";
  EXPECT_EQ(run("1.12.1"), -3);
  EXPECT_EQ(run("1.13"), -4);
  LoadOptions wrong;
  wrong.written_by = "yesterday";
  EXPECT_EQ(load_made(made_archive(3, floor_divide), wrong).status().message(),
            "'yesterday' is no release of torch: one is like '1.5' or '1.5.1'");
}

TEST(HistoricOperators, ANewerArchiveIsRefusedUnlessItIsAllowed) {
  const std::string archive = made_archive(11, kProgram, /*today=*/true);
  EXPECT_EQ(load_made(archive).status().message(),
            "<memory>: the archive has version 11, versions 1 to 10 are known; a newer torch wrote it, and its "
            "operators may mean something else than those of today; LoadOptions::allow_newer (--allow-newer) tries it "
            "nevertheless");
  LoadOptions options;
  options.allow_newer = true;
  absl::StatusOr<Module> module = load_made(archive, options);
  ASSERT_TRUE(module.ok()) << module.status().message();
  EXPECT_EQ(module->produced_by().version, 11);
}

TEST(HistoricOperators, AnErrorWithinAReplacementPointsAtTheCall) {
  absl::StatusOr<Module> module = load_made(made_archive(2, kProgram));
  ASSERT_TRUE(module.ok()) << module.status().message();
  const absl::StatusOr<c10::IValue> result = module->forward({at::zeros({2}), at::zeros({3})});
  EXPECT_NE(result.status().message().find("code/__torch__.py:6:30"), absl::string_view::npos) << result.status();
}

}  // namespace
}  // namespace vesta::test
