#pragma once

// Pointwise programs over memory: a few thousand elements at a time pass through all instructions while they are in the
// first-level cache.

#include <vector>

#include "runtime/plan/kernel.h"
#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

class PointwiseLoop : public Kernel {
 public:
  // Strides in elements for each of `dims`, by input and result; 0 where an operand broadcasts. Results do not overlap.
  PointwiseLoop(const PointwiseParams& params, const Dims& dims, const std::vector<Dims>& input_strides,
                const std::vector<Dims>& output_strides);
  bool run(const float* const* inputs, float* const* outputs) const override;  // True.

 private:
  // How an operand's elements of a tile are reached.
  enum class Access : uint8_t { kDirect, kNumber, kGather };
  struct OperandPlan {
    Access access = Access::kDirect;
    Dims outer_strides;  // Of the dimensions outside of a tile.
    int64_t row_stride = 0;
    int64_t stride = 0;
    int32_t slot = -1;  // Of kGather: its tile.
  };
  struct TileInstruction {
    PointOp op;
    int32_t sources[3];  // Into the table of pointers.
    uint8_t numbers;     // Bit i: argument i is one number.
    int32_t target;
  };
  struct Scratch;

  OperandPlan plan_operand(const Dims& strides);
  void run_rows(const float* const* inputs, float* const* outputs, int64_t begin, int64_t end) const;

  Dims outer_;               // Dimensions outside of rows.
  int64_t rows_ = 1;         // Of one outer index,
  int64_t length_ = 1;       // and their elements.
  int64_t tile_rows_ = 1;    // Rows of a tile, or
  int64_t tile_length_ = 1;  // elements of a row's part.
  std::vector<OperandPlan> inputs_;
  std::vector<OperandPlan> outputs_;
  std::vector<TileInstruction> program_;
  std::vector<float> numbers_;
  int32_t pointers_ = 0;
  int32_t slots_ = 0;
  std::vector<std::pair<int32_t, int32_t>> stores_;  // Output, pointer: results that are copied from a tile.
};

}  // namespace vesta::runtime::plan
