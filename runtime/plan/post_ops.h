#pragma once

// What follows a product or a convolution that is a kernel of our own.

#include <cstdint>
#include <vector>

#include "runtime/plan/plan_graph.h"
#include "runtime/plan/pointwise_kernels.h"

namespace vesta::runtime::plan {

class PostOps {
 public:
  explicit PostOps(const std::vector<PostOp>& post_ops) {
    for (const PostOp& post : post_ops) {
      const int arity = point_op_arity(post.op);
      // The result itself, and behind it one tensor or numbers.
      const size_t numbers = post.input >= 0 || arity == 1 ? 0 : arity == 2 ? 2 : 6;
      rows_.push_back({point_loops()[static_cast<size_t>(post.op) * kPointVariants + numbers],
                       post.input,
                       {post.alpha, post.beta}});
    }
  }
  // To `count` elements of the result, from `first` on.
  void apply(const float* const* inputs, float* result, int64_t first, int64_t count) const {
    for (const Row& row : rows_) {
      float* const out = result + first;
      const float* const args[3] = {out, row.input >= 0 ? inputs[row.input] + first : &row.numbers[0], &row.numbers[1]};
      row.loop(args, out, count);
    }
  }

 private:
  struct Row {
    PointLoop loop;
    int32_t input;
    float numbers[2];
  };
  std::vector<Row> rows_;
};

}  // namespace vesta::runtime::plan
