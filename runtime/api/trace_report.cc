#include <vesta/trace.h>

#include "absl/strings/str_cat.h"
#include "tracer/findings.h"

namespace vesta {
namespace {

using Kind = TraceFinding::Kind;

struct Row {
  Kind kind;
  const char* name;
  bool doubtful;
};

constexpr Row kRows[] = {
    {Kind::kValueRead, "value read", true},           {Kind::kRawWrite, "raw write", true},
    {Kind::kSizeBaked, "size baked in", true},        {Kind::kDeviceBaked, "device baked in", false},
    {Kind::kDtypeBaked, "dtype baked in", false},     {Kind::kCaptured, "captured tensor", false},
    {Kind::kRandom, "random operator", false},        {Kind::kGeneratorDropped, "generator dropped", true},
    {Kind::kConstantOutput, "constant result", true}, {Kind::kUnusedInput, "unused input", false},
    {Kind::kScalarBaked, "argument baked in", false},  // Other values are refused when the trace runs.
    {Kind::kInputWritten, "input written", false},    {Kind::kGradChanged, "requires_grad changed", true},
    {Kind::kBackward, "gradients inside", true},      {Kind::kStructure, "other operators", true},
    {Kind::kReplayDiffers, "other result", true},     {Kind::kNotChecked, "not checked", false},
};

constexpr bool rows_are_in_order() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].kind) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());
static_assert(static_cast<int>(Kind::kNotChecked) == static_cast<int>(tracer::FindingKind::kNotChecked));

}  // namespace

bool TraceFinding::doubtful() const { return kRows[static_cast<size_t>(kind)].doubtful; }

bool TraceReport::has(Kind kind) const {
  for (const TraceFinding& finding : findings) {
    if (finding.kind == kind) return true;
  }
  return false;
}

std::string TraceReport::text() const {
  std::string text;
  for (const TraceFinding& finding : findings) {
    absl::StrAppend(&text, kRows[static_cast<size_t>(finding.kind)].name, ": ", finding.message);
    if (!finding.scope.empty()) absl::StrAppend(&text, ", in ", finding.scope);
    if (!finding.where.empty()) absl::StrAppend(&text, ", at ", finding.where);
    text += '\n';
  }
  return text;
}

}  // namespace vesta
