// All short forms are tried with all symbols; what fits every recording is compared by cost. Costs grow with the
// numbers in the expression and with the number of symbols: x, x + 1, 2 * x, x / 2, x * y, x + y.

#include "tracer/explain.h"

#include <cmath>
#include <cstdlib>

namespace vesta::tracer {
namespace {

constexpr int64_t kLargestScale = 4096;
// Two-symbol forms are tried among this many; graphs of thousands of tensors have thousands of sizes, mostly the same.
constexpr size_t kMostPairs = 48;

double size_of(int64_t number) { return std::log2(1.0 + static_cast<double>(std::llabs(number))); }

int64_t floor_div(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

class Search {
 public:
  explicit Search(const std::vector<int64_t>& wanted) : wanted_(wanted) {}

  // scale * s + offset, and floor((s + offset) / divisor); s may be a product.
  void linear(const std::vector<int64_t>& s, Expression form, double cost) {
    size_t other = 1;
    while (other < s.size() && s[other] == s[0]) ++other;
    if (other == s.size()) return;  // It does not change, so it explains nothing.
    const int64_t rise = wanted_[other] - wanted_[0];
    const int64_t run = s[other] - s[0];
    if (rise == 0) return;
    if (rise % run == 0 && std::llabs(rise / run) <= kLargestScale) {
      form.scale = rise / run;
      form.offset = wanted_[0] - form.scale * s[0];
      form.divisor = 1;
      offer(s, form, cost + (form.scale == 1 ? 0 : 1 + size_of(form.scale)) + offset_cost(form.offset));
    }
    const double ratio = static_cast<double>(run) / static_cast<double>(rise);
    if (ratio < 1.2 || ratio > static_cast<double>(kLargestScale)) return;
    form.scale = 1;
    for (int64_t divisor = static_cast<int64_t>(std::floor(ratio)); divisor <= static_cast<int64_t>(ratio) + 2;
         ++divisor) {
      if (divisor < 2) continue;
      form.divisor = divisor;
      // The offsets that fit lie together; 0 and divisor - 1 (rounding up) are what programs write.
      const int64_t least = wanted_[0] * divisor - s[0];
      for (int64_t i = -1; i <= divisor; ++i) {
        form.offset = i < 0 ? 0 : i == divisor ? divisor - 1 : least + i;
        const double rounding = form.offset == 0 ? 0 : form.offset == divisor - 1 ? 1 : 1 + offset_cost(form.offset);
        offer(s, form, cost + 1.5 + size_of(divisor) / 2 + rounding);
      }
    }
  }

  void sum(const std::vector<int64_t>& a, const std::vector<int64_t>& b, Expression form, double cost) {
    for (const int64_t sign : {1, -1}) {
      form.plus = sign;
      form.offset = wanted_[0] - a[0] - sign * b[0];
      bool fits = true;
      for (size_t k = 0; k < a.size(); ++k) fits &= a[k] + sign * b[k] + form.offset == wanted_[k];
      if (fits) keep(form, cost + offset_cost(form.offset));
    }
  }

  const std::optional<Expression>& best() const { return best_; }

 private:
  static double offset_cost(int64_t offset) { return offset == 0 ? 0 : 0.5 + size_of(offset); }
  void offer(const std::vector<int64_t>& s, const Expression& form, double cost) {
    for (size_t k = 0; k < s.size(); ++k) {
      if (floor_div(form.scale * s[k] + form.offset, form.divisor) != wanted_[k]) return;
    }
    keep(form, cost);
  }
  void keep(Expression form, double cost) {
    form.cost = cost;
    if (!best_.has_value() || cost < best_->cost) best_ = form;
  }

  const std::vector<int64_t>& wanted_;
  std::optional<Expression> best_;
};

bool varies(const Symbol& symbol) {
  for (const int64_t one : symbol.seen) {
    if (one != symbol.seen[0]) return true;
  }
  return false;
}

}  // namespace

std::optional<Expression> explain(const std::vector<int64_t>& wanted, const std::vector<Symbol>& symbols) {
  Search search(wanted);
  std::vector<const Symbol*> varying;
  for (const Symbol& symbol : symbols) {
    if (!varies(symbol)) continue;
    varying.push_back(&symbol);
    search.linear(symbol.seen, {.first = symbol.id}, symbol.distance);
  }
  // A plain size is not beaten by anything with two symbols.
  if (search.best().has_value() && search.best()->cost < 1.5) return search.best();
  if (varying.size() > kMostPairs) varying.resize(kMostPairs);
  std::vector<int64_t> product(wanted.size());
  for (size_t i = 0; i < varying.size(); ++i) {
    for (size_t j = i; j < varying.size(); ++j) {
      const Symbol& a = *varying[i];
      const Symbol& b = *varying[j];
      const double distance = a.distance + b.distance;
      for (size_t k = 0; k < product.size(); ++k) product[k] = a.seen[k] * b.seen[k];
      search.linear(product, {.first = a.id, .factor = b.id}, 2 + distance);
      if (i == j) continue;
      search.sum(a.seen, b.seen, {.first = a.id, .second = b.id}, 2.5 + distance);
      search.sum(b.seen, a.seen, {.first = b.id, .second = a.id}, 2.5 + distance);
    }
  }
  return search.best();
}

std::optional<FloatExpression> explain(const std::vector<double>& wanted, const std::vector<Symbol>& symbols) {
  using Form = FloatExpression::Form;
  const auto fits = [&](const auto& of) {
    for (size_t k = 0; k < wanted.size(); ++k) {
      const double value = of(k);
      if (!(std::abs(value - wanted[k]) <= 1e-12 * std::abs(wanted[k]))) return false;
    }
    return true;
  };
  std::vector<const Symbol*> varying;
  for (const Symbol& symbol : symbols) {
    if (varies(symbol)) varying.push_back(&symbol);
  }
  for (const Symbol* s : varying) {
    const auto seen = [s](size_t k) { return static_cast<double>(s->seen[k]); };
    if (fits(seen)) return FloatExpression{Form::kValue, s->id};
    if (fits([&](size_t k) { return 1.0 / seen(k); })) return FloatExpression{Form::kInverse, s->id};
    if (fits([&](size_t k) { return std::sqrt(seen(k)); })) return FloatExpression{Form::kSquareRoot, s->id};
    if (fits([&](size_t k) { return 1.0 / std::sqrt(seen(k)); })) {
      return FloatExpression{Form::kInverseSquareRoot, s->id};
    }
  }
  if (varying.size() > kMostPairs) varying.resize(kMostPairs);
  for (const Symbol* a : varying) {
    for (const Symbol* b : varying) {
      if (fits([&](size_t k) { return static_cast<double>(a->seen[k]) / static_cast<double>(b->seen[k]); })) {
        return FloatExpression{Form::kRatio, a->id, b->id};
      }
    }
  }
  return std::nullopt;
}

}  // namespace vesta::tracer
