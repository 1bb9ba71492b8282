// Attention: what programs write out and what they ask for by name are one kernel, which gives what they would.

#include <algorithm>
#include <limits>
#include <string>

#include <ATen/ATen.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/plan/instruction_set.h"
#include "runtime/plan/panel_kernels.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

using testing::expect_planned;

class PlanAttentionTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(5); }
};

// Sizes around those of blocks, panels and pieces of values.
struct Sizes {
  int64_t rows, keys, depth, columns;
};
constexpr Sizes kSizes[] = {{1, 1, 1, 1},     {1, 40, 16, 16},  {5, 7, 3, 5},      {24, 64, 64, 64},  {25, 65, 17, 33},
                            {48, 191, 32, 8}, {50, 192, 8, 70}, {30, 193, 20, 64}, {70, 400, 40, 129}};

at::Tensor reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask,
                     double scale) {
  at::Tensor scores = at::matmul(q, k.transpose(-1, -2)) * scale;
  if (mask.defined()) scores = scores + mask;
  return at::matmul(at::softmax(scores, -1), v);
}

TEST_F(PlanAttentionTest, KernelsAreRightAroundTheirBlocksForEachInstructionSet) {
  for (const auto set : {plan::InstructionSet::kBase, plan::InstructionSet::kAvx2, plan::InstructionSet::kAvx512}) {
    const plan::PanelKernels* kernels = plan::panel_kernels(set);
    if (kernels == nullptr) continue;
    for (const auto& [rows, keys, depth, columns] : kSizes) {
      for (const bool turned : {false, true}) {
        for (const int mask_kind : {0, 1, 2, 3}) {  // none, by row and key, by row alone, causal
          SCOPED_TRACE(absl::StrCat("set ", static_cast<int>(set), ": ", rows, "x", keys, "x", depth, "x", columns,
                                    ", ", turned, mask_kind));
          const at::Tensor q = at::randn({rows, depth + 2}).narrow(1, 1, depth);
          const at::Tensor k = turned ? at::randn({depth, keys}).t() : at::randn({keys, depth + 5}).narrow(1, 2, depth);
          const at::Tensor v =
              turned ? at::randn({columns, keys}).t() : at::randn({keys, columns + 1}).narrow(1, 0, columns);
          at::Tensor mask;
          if (mask_kind == 1) mask = at::randn({rows, keys});
          if (mask_kind == 2) mask = at::randn({rows, 1});
          plan::HeadAttention head{};
          head.query = {q.const_data_ptr<float>(), q.stride(0), 1};
          head.keys = {k.const_data_ptr<float>(), k.stride(0), k.stride(1)};
          head.values = {v.const_data_ptr<float>(), v.stride(0), v.stride(1)};
          if (mask.defined()) head.mask = {mask.const_data_ptr<float>(), mask.stride(0), mask_kind == 1 ? 1 : 0};
          // Columns beyond the result have to stay as they are.
          const at::Tensor out = at::full({rows, columns + 3}, 7.0);
          head.out = out.mutable_data_ptr<float>();
          head.out_stride = columns + 3;
          head.rows = rows, head.keys_count = keys, head.depth = depth, head.columns = columns;
          head.scale = 0.25F;
          head.causal = mask_kind == 3;
          const at::Tensor room =
              at::full({plan::attention_room(keys, depth, columns) + 1}, std::numeric_limits<float>::quiet_NaN());
          room[-1] = 3.0;
          head.room = room.mutable_data_ptr<float>();
          kernels->attend(head);
          if (mask_kind == 3) {
            mask = at::full({rows, keys}, -std::numeric_limits<double>::infinity()).triu(1);
          }
          const at::Tensor expected = reference(q, k, v, mask, 0.25);
          EXPECT_TRUE(at::allclose(out.narrow(1, 0, columns), expected, 1e-4, 1e-5))
              << (out.narrow(1, 0, columns) - expected).abs().max();
          EXPECT_TRUE(out.narrow(1, columns, 3).eq(7.0).all().item().toBool());
          EXPECT_EQ(room[-1].item().toDouble(), 3.0);
        }
      }
    }
  }
}

std::string graph(const std::string& inputs, const std::string& nodes) {
  return absl::StrCat("graph(", inputs,
                      "):\n %none : NoneType = prim::Constant()\n %zero : float = prim::Constant[value=0.]()\n"
                      " %false : bool = prim::Constant[value=False]()\n %true : bool = prim::Constant[value=True]()\n"
                      " %half : float = prim::Constant[value=0.5]()\n %one : int = prim::Constant[value=1]()\n"
                      " %two : int = prim::Constant[value=2]()\n %last : int = prim::Constant[value=-1]()\n"
                      " %before : int = prim::Constant[value=-2]()\n %low : float = prim::Constant[value=-inf]()\n",
                      nodes, " return (%y)\n");
}

TEST_F(PlanAttentionTest, NamedAttention) {
  const auto attention = [](const std::string& mask, const std::string& causal, const std::string& scale) {
    return absl::StrCat(" %y : Tensor = aten::scaled_dot_product_attention(%q, %k, %v, ", mask, ", %zero, ", causal,
                        ", ", scale, ", %false)\n");
  };
  const std::string three = "%q0 : Tensor, %k0 : Tensor, %v0 : Tensor";
  const std::string four = three + ", %m : Tensor";
  for (const auto& [rows, keys, depth, columns] : kSizes) {
    for (const bool turned : {true, false}) {
      const auto heads = [&turned = turned](int64_t count, int64_t size) {
        return turned ? at::randn({2, count, 3, size}) : at::randn({2, 3, count, size});
      };
      const auto nodes = [&turned = turned, &attention](const std::string& mask, const std::string& causal,
                                                        const std::string& scale) {
        return absl::StrCat(
            turned
                ? " %q : Tensor = aten::transpose(%q0, %one, %two)\n %k : Tensor = aten::transpose(%k0, %one, %two)\n"
                  " %v : Tensor = aten::transpose(%v0, %one, %two)\n"
                : " %q : Tensor = aten::relu(%q0)\n %k : Tensor = aten::relu(%k0)\n %v : Tensor = aten::relu(%v0)\n",
            attention(mask, causal, scale));
      };
      const std::vector<at::Tensor> inputs = {heads(rows, depth), heads(keys, depth), heads(keys, columns)};
      expect_planned(graph(three, nodes("%none", "%false", "%none")), {}, inputs, 1e-4);
      expect_planned(graph(three, nodes("%none", "%true", "%half")), {}, inputs, 1e-4);
      for (const std::vector<int64_t>& sizes :
           std::vector<std::vector<int64_t>>{{rows, keys}, {2, 1, 1, keys}, {1, 3, rows, keys}}) {
        std::vector<at::Tensor> masked = inputs;
        masked.push_back(at::randn(sizes));
        expect_planned(graph(four, nodes("%m", "%false", "%none")), {}, masked, 1e-4);
      }
    }
  }
}

TEST_F(PlanAttentionTest, RowsThatMayReadNothing) {
  const std::vector<at::Tensor> operands = {at::randn({1, 2, 4, 8}), at::randn({1, 2, 20, 8}),
                                            at::randn({1, 2, 20, 8})};
  const at::Tensor mask = at::zeros({4, 20});
  mask[1].fill_(-std::numeric_limits<double>::infinity());
  mask[2].narrow(0, 3, 17).fill_(-std::numeric_limits<double>::infinity());
  std::vector<at::Tensor> inputs = operands;
  inputs.push_back(mask);
  const std::string names = "%q : Tensor, %k : Tensor, %v : Tensor, %m : Tensor";
  expect_planned(
      graph(names, " %y : Tensor = aten::scaled_dot_product_attention(%q, %k, %v, %m, %zero, %false, %none, %false)\n"),
      {}, inputs);
  // Written out it is NaN.
  inputs = {operands[1], operands[0], mask, operands[2]};
  expect_planned(graph("%k : Tensor, %q : Tensor, %m : Tensor, %v : Tensor",
                       " %t : Tensor = aten::transpose(%k, %last, %before)\n %s : Tensor = aten::matmul(%q, %t)\n"
                       " %a : Tensor = aten::add(%s, %m, %one)\n %w : Tensor = aten::softmax(%a, %last, %none)\n"
                       " %y : Tensor = aten::matmul(%w, %v)\n"),
                 {}, inputs);
}

TEST_F(PlanAttentionTest, AttentionWrittenOut) {
  // A group takes its inputs in the order in which they are read.
  const std::string names = "%k : Tensor, %q : Tensor, %m : Tensor, %v : Tensor";
  const std::string scores =
      " %t : Tensor = aten::transpose(%k, %last, %before)\n %s : Tensor = aten::matmul(%q, %t)\n";
  const std::string rest = " %w : Tensor = aten::softmax(%a, %last, %none)\n %r : Tensor = aten::matmul(%w, %v)\n";
  const std::string join = rest +
                           " %c : int[] = prim::Constant[value=[0, 2, 1, 3]]()\n %p : Tensor = aten::permute(%r, %c)\n"
                           " %zeroth : int = prim::Constant[value=0]()\n %y : Tensor = aten::contiguous(%p, %zeroth)\n";
  const std::string plain = rest + " %y : Tensor = aten::mul(%r, %half)\n";
  for (const std::string& end : {join, plain}) {
    for (const std::vector<int64_t>& mask : std::vector<std::vector<int64_t>>{{9, 70}, {2, 1, 1, 70}}) {
      const std::vector<at::Tensor> inputs = {at::randn({2, 3, 70, 16}), at::randn({2, 3, 9, 16}), at::randn(mask),
                                              at::randn({2, 3, 70, 16})};
      const std::string divided =
          graph(names, scores + " %d : Tensor = aten::div(%s, %two)\n %a : Tensor = aten::add(%d, %m, %one)\n" + end);
      expect_planned(divided, {}, inputs);
      const std::string steps = testing::steps_of(divided, {}, inputs);
      EXPECT_TRUE(absl::StartsWith(steps, "attention 6 of 9x70x16\n")) << steps;
      // The copy by heads is no step of its own.
      EXPECT_EQ(std::count(steps.begin(), steps.end(), '\n'), end == join ? 1 : 2) << steps;
      expect_planned(
          graph(names, scores + " %d : Tensor = aten::mul(%s, %half)\n %a : Tensor = aten::add(%m, %d, %one)\n" + end),
          {}, inputs);
      expect_planned(
          graph(
              names,
              scores + " %c1 : Tensor = aten::gt(%m, %half)\n %a : Tensor = aten::masked_fill(%s, %c1, %low)\n" + end),
          {}, inputs, 1e-4);
    }
  }
  // Values in more batches than the scores.
  expect_planned(graph("%k : Tensor, %q : Tensor, %v : Tensor",
                       scores + " %a : Tensor = aten::mul(%s, %half)\n" + rest + " %y : Tensor = aten::relu(%r)\n"),
                 {}, {at::randn({1, 3, 70, 16}), at::randn({1, 3, 9, 16}), at::randn({2, 3, 70, 16})});
  // Scores that somebody else reads stay.
  expect_planned(graph("%k : Tensor, %q : Tensor, %v : Tensor",
                       scores + " %a : Tensor = aten::mul(%s, %half)\n" + rest +
                           " %z : Tensor = aten::softmax(%s, %one, %none)\n"
                           " %r2 : Tensor = aten::matmul(%z, %v)\n %y : Tensor = aten::add(%r, %r2, %one)\n"),
                 {}, {at::randn({2, 3, 70, 16}), at::randn({2, 3, 9, 16}), at::randn({2, 3, 70, 16})});
}

}  // namespace
}  // namespace vesta::runtime
