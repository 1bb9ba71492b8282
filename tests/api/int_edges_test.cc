// What Python leaves to big ints and C++ leaves undefined: each expression on arguments, on literals that passes fold,
// and on attributes that freezing makes constants; as loaded and at every level of optimization. All have to agree, and
// nothing may trap.

#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

struct Case {
  const char* expression;  // of a, b: ints, and x: a float
  int64_t a = 0;
  int64_t b = 0;
  double x = 0;
  std::optional<int64_t> value;  // none: an error, whose message holds `error`
  const char* error = "";
};

std::string literal(int64_t value) {
  return value == kMin ? absl::StrCat("(", value + 1, " - 1)") : absl::StrCat("(", value, ")");
}
std::string literal(double value) {
  if (value != value) return "float(\"nan\")";
  if (value - value != 0) return value > 0 ? "float(\"inf\")" : "float(\"-inf\")";
  return absl::StrFormat("%.17e", value);
}

Module module_of(const Case& one) {
  Module module("Edge");
  must(module.register_attribute("a", one.a));
  must(module.register_attribute("b", one.b));
  must(module.register_attribute("x", one.x));
  const std::string tail = absl::StrCat("    return ", one.expression, "\n");
  must(module.define(absl::StrCat("def run(self, a: int, b: int, x: float) -> int:\n", tail,  //
                                  "def fold(self) -> int:\n    a = ", literal(one.a), "\n    b = ", literal(one.b),
                                  "\n    x = ", literal(one.x), "\n", tail,  //
                                  "def freeze_and_fold(self) -> int:\n    a = self.a\n    b = self.b\n    x = self.x\n",
                                  tail,
                                  "def never(self, n: int) -> int:\n    a = self.a\n    b = self.b\n    x = self.x\n"
                                  "    y = 0\n    for i in range(n):\n        y = ",
                                  one.expression, "\n    return y\n")));
  return module;
}

std::string told(const absl::StatusOr<c10::IValue>& result) {
  return result.ok() ? absl::StrCat(result->toInt()) : message(result);
}

class IntEdges : public testing::TestWithParam<Case> {};

TEST_P(IntEdges, AreTheSameWhenFoldedAndWhenRun) {
  const Case& one = GetParam();
  const Module module = module_of(one);
  std::vector<std::pair<std::string, Module>> forms = {{"as compiled", module}};
  for (const auto level : {OptimizationLevel::kO0, OptimizationLevel::kO1, OptimizationLevel::kO2}) {
    OptimizationOptions options;
    options.level = level;
    forms.emplace_back(absl::StrCat("O", static_cast<int>(level)), must(module.freeze(options)));
  }
  for (const auto& [name, form] : forms) {
    SCOPED_TRACE(name);
    for (int round = 0; round < 2; ++round) {
      const absl::StatusOr<c10::IValue> results[] = {form.run_method("run", {one.a, one.b, one.x}),
                                                     form.run_method("fold", {}),
                                                     form.run_method("freeze_and_fold", {})};
      for (const auto& result : results) {
        if (one.value.has_value()) {
          EXPECT_EQ(told(result), absl::StrCat(*one.value));
        } else {
          EXPECT_FALSE(result.ok()) << told(result);
          EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
          EXPECT_THAT(message(result), testing::HasSubstr(one.error));
        }
      }
      // What fails must not fail earlier than its turn.
      EXPECT_EQ(told(form.run_method("never", {0})), "0");
    }
  }
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(All, IntEdges,
                         testing::ValuesIn(std::vector<Case>{
                             {"a // b", 1, 0, 0, std::nullopt, "division by 0"},
                             {"a % b", 1, 0, 0, std::nullopt, "modulo by 0"},
                             {"divmod(a, b)[0]", 1, 0, 0, std::nullopt, "division or modulo by zero"},
                             {"int(a // x)", 1, 0, 0.0, std::nullopt, "infinity"},
                             {"a // b", kMin, -1, 0, kMin},
                             {"a % b", kMin, -1, 0, 0},
                             {"divmod(a, b)[0]", kMin, -1, 0, kMin},
                             {"divmod(a, b)[1]", kMin, -1, 0, 0},
                             {"a // b", kMin, kMax, 0, -2},
                             {"a % b", -7, kMin, 0, -7},
                             {"a % b", 7, kMin, 0, kMin + 7},
                             {"-a", kMin, 0, 0, kMin},
                             {"abs(a)", kMin, 0, 0, kMin},
                             {"a + b", kMax, 1, 0, kMin},
                             {"a - b", kMin, 1, 0, kMax},
                             {"a * b", kMin, -1, 0, kMin},
                             {"a * b", int64_t{1} << 62, 4, 0, 0},
                             {"a << b", 1, 63, 0, kMin},
                             {"a << b", 1, 64, 0, 0},
                             {"a << b", 1, kMax, 0, 0},
                             {"a << b", 1, -1, 0, std::nullopt, "negative shift count"},
                             {"a >> b", -5, 64, 0, -1},
                             {"a >> b", 5, kMax, 0, 0},
                             {"a >> b", 5, kMin, 0, std::nullopt, "negative shift count"},
                             {"int(x)", 0, 0, kNan, std::nullopt, "NaN"},
                             {"int(x)", 0, 0, kInf, std::nullopt, "infinity"},
                             {"int(x)", 0, 0, -1e19, std::nullopt, "out of range"},
                             {"int(x)", 0, 0, 9223372036854775808.0, std::nullopt, "out of range"},
                             {"int(x)", 0, 0, -9223372036854775808.0, kMin},
                             {"math.floor(x)", 0, 0, 1e300, std::nullopt, "out of range"},
                             {"math.floor(x)", 0, 0, kNan, std::nullopt, "NaN"},
                             {"math.ceil(x)", 0, 0, -kInf, std::nullopt, "infinity"},
                             {"math.ceil(x)", 0, 0, -2.5, -2},
                             {"math.floor(x)", 0, 0, -2.5, -3},
                             {"int(x)", 0, 0, -2.5, -2},
                             {"int(a ** b)", 10, 30, 0, std::nullopt, "out of range"},
                             {"int(a ** b)", 0, -1, 0, std::nullopt, "negative power"},
                             {"int(a / b)", 1, 0, 0, std::nullopt, "infinity"},
                             {"int(a / b)", 0, 0, 0, std::nullopt, "NaN"},
                             {"int(round(x))", 0, 0, 1e19, std::nullopt, "out of range"},
                             {"math.gcd(a, b)", kMin, -1, 0, 1},
                             {"math.gcd(a, b)", kMin, 0, 0, kMin},
                             {"math.factorial(a)", -1, 0, 0, std::nullopt, "negative"},
                             {"len([i for i in range(a, b, 0)])", 1, 2, 0, std::nullopt, "must not be zero"},
                             {"len([i for i in range(a, b, a)])", kMin, 0, 0, 0},
                             {"len([i for i in range(b, a, a)])", kMin, kMax, 0, 2},
                             {"len([0, 1, 2][a:b])", kMin, kMax, 0, 3},
                             {"[0, 1, 2][a]", kMin, 0, 0, std::nullopt, "out of range"},
                         }));

}  // namespace
}  // namespace vesta::test
