// One walk over the program. An instruction takes in what made its argument where it is the only reader; what was taken
// in is unread from then on and left out at the end.

#include "runtime/plan/pointwise_simplify.h"

#include <algorithm>

namespace vesta::runtime::plan {
namespace {

using Kind = PointValue::Kind;

class Simplifier {
 public:
  explicit Simplifier(PointwiseParams& params) : params_(params), uses_(params.program.size(), 0) {
    for (const PointInstruction& instruction : params_.program) {
      for_each_result(instruction, [this](int32_t index) { ++uses_[static_cast<size_t>(index)]; });
    }
    for (int32_t result : params_.results) ++uses_[static_cast<size_t>(result)];
  }

  void run() {
    for (PointInstruction& instruction : params_.program) {
      if (instruction.op == PointOp::k_add) fuse_sum(instruction);
      if (instruction.op == PointOp::k_sub) fuse_difference(instruction);
      if (instruction.op == PointOp::k_where) fuse_choice(instruction);
    }
    remove_unread();
  }

 private:
  template <class Visit>
  static void for_each_result(const PointInstruction& instruction, const Visit& visit) {
    for (int k = 0; k < point_op_arity(instruction.op); ++k) {
      if (instruction.args[k].kind == Kind::kResult) visit(instruction.args[k].index);
    }
  }

  // The instruction that made the value for this one reader; null where there is none of that operation.
  const PointInstruction* only(const PointValue& value, PointOp op) const {
    if (value.kind != Kind::kResult || uses_[static_cast<size_t>(value.index)] != 1) return nullptr;
    const PointInstruction& made = params_.program[static_cast<size_t>(value.index)];
    return made.op == op ? &made : nullptr;
  }

  void replace(PointInstruction& instruction, PointInstruction by) {
    for_each_result(by, [this](int32_t index) { ++uses_[static_cast<size_t>(index)]; });
    for_each_result(instruction, [this](int32_t index) { release(index); });
    instruction = by;
  }
  // One reader less; what was made for it alone has none either.
  void release(int32_t index) {
    if (--uses_[static_cast<size_t>(index)] != 0) return;
    for_each_result(params_.program[static_cast<size_t>(index)], [this](int32_t inner) { release(inner); });
  }

  // a * b + c
  void fuse_sum(PointInstruction& sum) {
    for (int i = 0; i < 2; ++i) {
      if (const PointInstruction* product = only(sum.args[i], PointOp::k_mul))
        return replace(sum, {PointOp::k_fma, {product->args[0], product->args[1], sum.args[1 - i]}});
    }
  }

  // c - a * number, a * b - number
  void fuse_difference(PointInstruction& difference) {
    const auto negative = [](PointValue value) {
      value.number = -value.number;
      return value;
    };
    if (const PointInstruction* product = only(difference.args[1], PointOp::k_mul)) {
      const int i = product->args[0].kind == Kind::kNumber ? 0 : 1;
      if (product->args[i].kind == Kind::kNumber) {
        return replace(difference,
                       {PointOp::k_fma, {product->args[1 - i], negative(product->args[i]), difference.args[0]}});
      }
    }
    const PointInstruction* product = only(difference.args[0], PointOp::k_mul);
    if (product != nullptr && difference.args[1].kind == Kind::kNumber) {
      replace(difference, {PointOp::k_fma, {product->args[0], product->args[1], negative(difference.args[1])}});
    }
  }

  // x > 0 ? x : x * number
  void fuse_choice(PointInstruction& choice) {
    const PointInstruction* test = only(choice.args[0], PointOp::k_gt);
    const PointInstruction* product = only(choice.args[2], PointOp::k_mul);
    const PointValue& x = choice.args[1];
    if (test == nullptr || product == nullptr || x.kind == Kind::kNumber) return;
    if (!(test->args[0] == x) || test->args[1].kind != Kind::kNumber || test->args[1].number != 0) return;
    const int i = product->args[0] == x ? 1 : 0;
    if (!(product->args[1 - i] == x) || product->args[i].kind != Kind::kNumber) return;
    replace(choice, {PointOp::k_leaky_relu, {x, product->args[i], {}}});
  }

  void remove_unread() {
    std::vector<int32_t> place(params_.program.size(), -1);
    std::vector<PointInstruction> kept;
    for (size_t i = 0; i < params_.program.size(); ++i) {
      if (uses_[i] == 0) continue;
      PointInstruction instruction = params_.program[i];
      for (PointValue& value : instruction.args) {
        if (value.kind == Kind::kResult) value.index = place[static_cast<size_t>(value.index)];
      }
      place[i] = static_cast<int32_t>(kept.size());
      kept.push_back(instruction);
    }
    for (int32_t& result : params_.results) result = place[static_cast<size_t>(result)];
    params_.program = std::move(kept);
  }

  PointwiseParams& params_;
  std::vector<int> uses_;
};

}  // namespace

void simplify(PointwiseParams& params) { Simplifier(params).run(); }

}  // namespace vesta::runtime::plan
