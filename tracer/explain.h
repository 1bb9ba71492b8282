#pragma once

// Which expression of known numbers gives the numbers that were seen.

#include <cstdint>
#include <optional>
#include <vector>

namespace vesta::tracer {

// A number that is known when the graph runs, with its value in each recording.
struct Symbol {
  size_t id = 0;
  std::vector<int64_t> seen;
  // How far away it is: 0 for sizes of what the operator itself reads, more for others. Breaks ties.
  double distance = 0;
};

// floor((scale * a [* b] + plus * second + offset) / divisor)
struct Expression {
  size_t first = 0;
  std::optional<size_t> factor;  // a second symbol that is multiplied
  std::optional<size_t> second;  // a symbol that is added or, with plus = -1, subtracted
  int64_t plus = 0;
  int64_t scale = 1;
  int64_t offset = 0;
  int64_t divisor = 1;
  double cost = 0;
};

// The simplest expression that gives `wanted` in every recording; nullopt where there is none.
std::optional<Expression> explain(const std::vector<int64_t>& wanted, const std::vector<Symbol>& symbols);

// A float of one or two symbols.
struct FloatExpression {
  enum class Form { kValue, kInverse, kSquareRoot, kInverseSquareRoot, kRatio };
  Form form;
  size_t first = 0;
  size_t second = 0;  // kRatio: first / second
};
std::optional<FloatExpression> explain(const std::vector<double>& wanted, const std::vector<Symbol>& symbols);

}  // namespace vesta::tracer
