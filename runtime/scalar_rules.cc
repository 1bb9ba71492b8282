#include "runtime/scalar_rules.h"

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_map.h"

namespace vesta::runtime {
namespace {

constexpr auto kRules = std::to_array<ScalarRule>({
    {"aten::add", "ii>i", Opcode::k_add_int, false},
    {"aten::add", "ff>f", Opcode::k_add_float, false},
    {"aten::sub", "ii>i", Opcode::k_sub_int, false},
    {"aten::sub", "ff>f", Opcode::k_sub_float, false},
    {"aten::mul", "ii>i", Opcode::k_mul_int, false},
    {"aten::mul", "ff>f", Opcode::k_mul_float, false},
    {"aten::div", "ii>f", Opcode::k_div_int, false},
    {"aten::div", "ff>f", Opcode::k_div_float, false},
    {"aten::floordiv", "ii>i", Opcode::k_floordiv_int, false},
    {"aten::floordiv", "ff>f", Opcode::k_floordiv_float, false},
    {"aten::remainder", "ii>i", Opcode::k_mod_int, false},
    {"aten::remainder", "ff>f", Opcode::k_mod_float, false},
    {"aten::pow", "ff>f", Opcode::k_pow_float, false},
    {"aten::__and__", "ii>i", Opcode::k_and_int, false},
    {"aten::__and__", "bb>b", Opcode::k_and_int, false},
    {"aten::__or__", "ii>i", Opcode::k_or_int, false},
    {"aten::__or__", "bb>b", Opcode::k_or_int, false},
    {"aten::__xor__", "ii>i", Opcode::k_xor_int, false},
    {"aten::__xor__", "bb>b", Opcode::k_xor_int, false},
    {"prim::min", "ii>i", Opcode::k_min_int, false},
    {"prim::min", "ff>f", Opcode::k_min_float, false},
    {"prim::max", "ii>i", Opcode::k_max_int, false},
    {"prim::max", "ff>f", Opcode::k_max_float, false},
    {"aten::lt", "ii>b", Opcode::k_lt_int, false},
    {"aten::lt", "ff>b", Opcode::k_lt_float, false},
    {"aten::le", "ii>b", Opcode::k_le_int, false},
    {"aten::le", "ff>b", Opcode::k_le_float, false},
    {"aten::gt", "ii>b", Opcode::k_lt_int, true},
    {"aten::gt", "ff>b", Opcode::k_lt_float, true},
    {"aten::ge", "ii>b", Opcode::k_le_int, true},
    {"aten::ge", "ff>b", Opcode::k_le_float, true},
    {"aten::eq", "ii>b", Opcode::k_eq_int, false},
    {"aten::eq", "bb>b", Opcode::k_eq_int, false},
    {"aten::eq", "ff>b", Opcode::k_eq_float, false},
    {"aten::ne", "ii>b", Opcode::k_ne_int, false},
    {"aten::ne", "bb>b", Opcode::k_ne_int, false},
    {"aten::ne", "ff>b", Opcode::k_ne_float, false},
    {"aten::neg", "i>i", Opcode::k_neg_int, false},
    {"aten::neg", "f>f", Opcode::k_neg_float, false},
    {"aten::__not__", "b>b", Opcode::k_not_bool, false},
    {"prim::abs", "i>i", Opcode::k_abs_int, false},
    {"prim::abs", "f>f", Opcode::k_abs_float, false},
    {"aten::sqrt", "f>f", Opcode::k_sqrt_float, false},
    {"aten::exp", "f>f", Opcode::k_exp_float, false},
    {"aten::log", "f>f", Opcode::k_log_float, false},
    {"aten::sin", "f>f", Opcode::k_sin_float, false},
    {"aten::cos", "f>f", Opcode::k_cos_float, false},
    {"aten::tanh", "f>f", Opcode::k_tanh_float, false},
    {"aten::floor", "f>i", Opcode::k_floor_float, false},
    {"aten::floor", "i>i", Opcode::k_move_scalar, false},
    {"aten::ceil", "f>i", Opcode::k_ceil_float, false},
    {"aten::ceil", "i>i", Opcode::k_move_scalar, false},
    {"aten::Int", "f>i", Opcode::k_float_to_int, false},
    {"aten::Int", "b>i", Opcode::k_move_scalar, false},
    {"aten::Int", "i>i", Opcode::k_move_scalar, false},
    {"aten::Float", "i>f", Opcode::k_int_to_float, false},
    {"aten::Float", "b>f", Opcode::k_int_to_float, false},
    {"aten::Float", "f>f", Opcode::k_move_scalar, false},
    {"aten::Bool", "i>b", Opcode::k_int_to_bool, false},
    {"aten::Bool", "f>b", Opcode::k_float_to_bool, false},
    {"aten::Bool", "b>b", Opcode::k_move_scalar, false},
});

using Table = absl::flat_hash_map<c10::Symbol, std::vector<const ScalarRule*>>;

const Table& table() {
  static const Table* const made = [] {
    auto* rules = new Table();
    for (const ScalarRule& rule : kRules) {
      (*rules)[c10::Symbol::fromQualString(std::string(rule.name))].push_back(&rule);
    }
    return rules;
  }();
  return *made;
}

}  // namespace

const ScalarRule* find_scalar_rule(c10::Symbol kind, std::string_view signature, bool& promote) {
  promote = false;
  auto rules = table().find(kind);
  if (rules == table().end()) return nullptr;
  for (const ScalarRule* rule : rules->second) {
    if (rule->signature == signature) return rule;
  }
  std::string floats(signature);
  const size_t operands = floats.find('>');
  if (floats.find('b') < operands) return nullptr;
  std::replace(floats.begin(), floats.begin() + static_cast<ptrdiff_t>(operands), 'i', 'f');
  for (const ScalarRule* rule : rules->second) {
    if (rule->signature == floats) {
      promote = true;
      return rule;
    }
  }
  return nullptr;
}

}  // namespace vesta::runtime
