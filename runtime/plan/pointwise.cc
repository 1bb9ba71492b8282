// The space of elements is cut into tiles. For each tile every operand gets a pointer: into memory where its elements
// follow each other, at a single number where it does not change, else at a tile that is gathered. Instructions write
// tiles that stay in the first-level cache, the last ones write results.

#include "runtime/plan/pointwise.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <ATen/Parallel.h>

#include "runtime/plan/parallel.h"
#include "runtime/plan/pointwise_kernels.h"

namespace vesta::runtime::plan {
namespace {

constexpr int64_t kTile = 1024;                      // Elements.
constexpr int64_t kLongRow = 128;                    // Rows of at least so many elements are tiles of their own.
constexpr int64_t kParallelWork = int64_t{1} << 17;  // Elements times instructions that are worth a thread.

// Drops dimensions of one element, orders the others by the first result's strides, joins what lies in one piece in all
// operands.
void collapse(Dims& dims, std::vector<Dims>& strides) {
  std::vector<size_t> order;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1) order.push_back(i);
  }
  const Dims& leading = strides.back();
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return leading[a] > leading[b]; });
  Dims merged;
  std::vector<Dims> merged_strides(strides.size());
  for (size_t index : order) {
    bool joins = !merged.empty();
    for (size_t k = 0; joins && k < strides.size(); ++k) {
      joins = merged_strides[k].back() == strides[k][index] * dims[index];
    }
    if (joins) {
      merged.back() *= dims[index];
      for (size_t k = 0; k < strides.size(); ++k) merged_strides[k].back() = strides[k][index];
    } else {
      merged.push_back(dims[index]);
      for (size_t k = 0; k < strides.size(); ++k) merged_strides[k].push_back(strides[k][index]);
    }
  }
  dims = std::move(merged);
  strides = std::move(merged_strides);
}

}  // namespace

// Tiles and pointers of one thread.
struct PointwiseLoop::Scratch {
  std::vector<float> storage;
  std::vector<const float*> pointers;
  std::vector<const float*> gathered;  // By slot: what was gathered last,
  std::vector<int64_t> gathered_rows;  // and how much of it.
  float* tiles = nullptr;

  void prepare(int32_t pointer_count, int32_t slots) {
    const size_t need = static_cast<size_t>(slots) * kTile + 16;
    if (storage.size() < need) storage.resize(need);
    const auto address = reinterpret_cast<uintptr_t>(storage.data());
    tiles = reinterpret_cast<float*>((address + 63) / 64 * 64);
    pointers.assign(static_cast<size_t>(pointer_count), nullptr);
    gathered.assign(static_cast<size_t>(slots), nullptr);
    gathered_rows.assign(static_cast<size_t>(slots), 0);
  }
};

PointwiseLoop::PointwiseLoop(const PointwiseParams& params, const Dims& dims, const std::vector<Dims>& input_strides,
                             const std::vector<Dims>& output_strides) {
  Dims space = dims;
  std::vector<Dims> strides = input_strides;
  strides.insert(strides.end(), output_strides.rbegin(), output_strides.rend());  // The first result last.
  collapse(space, strides);
  length_ = space.empty() ? 1 : space.back();
  const bool has_rows = space.size() > 1 && length_ < kLongRow;
  rows_ = has_rows ? space[space.size() - 2] : 1;
  tile_length_ = has_rows ? length_ : std::min(length_, kTile);
  tile_rows_ = has_rows ? std::max<int64_t>(1, kTile / length_) : 1;
  const size_t inner = std::min(space.size(), has_rows ? size_t{2} : size_t{1});
  outer_.assign(space.begin(), space.end() - static_cast<std::ptrdiff_t>(inner));
  const auto plan = [&](const Dims& held) {
    OperandPlan operand;
    operand.outer_strides.assign(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(outer_.size()));
    operand.stride = held.empty() ? 0 : held.back();
    operand.row_stride = has_rows ? held[held.size() - 2] : 0;
    const bool one_row = rows_ == 1 || tile_rows_ == 1;
    if (operand.stride == 1 && (one_row || operand.row_stride == length_)) {
      operand.access = Access::kDirect;
    } else if (length_ == 1 && one_row) {
      operand.access = Access::kDirect;
    } else if (operand.stride == 0 && (one_row || operand.row_stride == 0)) {
      operand.access = Access::kNumber;
    } else {
      operand.access = Access::kGather;
      operand.slot = slots_++;
    }
    return operand;
  };
  for (size_t i = 0; i < input_strides.size(); ++i) inputs_.push_back(plan(strides[i]));
  for (size_t i = 0; i < output_strides.size(); ++i) outputs_.push_back(plan(strides[strides.size() - 1 - i]));

  // Pointers: inputs, numbers, results of instructions.
  const auto count = static_cast<int32_t>(params.program.size());
  std::vector<int32_t> last_use(static_cast<size_t>(count), -1);
  const auto first_number = static_cast<int32_t>(inputs_.size());
  for (int32_t i = 0; i < count; ++i) {
    const PointInstruction& instruction = params.program[static_cast<size_t>(i)];
    TileInstruction made{instruction.op, {0, 0, 0}, 0, 0};
    for (int k = 0; k < point_op_arity(instruction.op); ++k) {
      const PointValue& value = instruction.args[k];
      if (value.kind == PointValue::Kind::kNumber) {
        made.sources[k] = first_number + static_cast<int32_t>(numbers_.size());
        made.numbers |= static_cast<uint8_t>(1U << k);
        numbers_.push_back(value.number);
      } else if (value.kind == PointValue::Kind::kInput) {
        made.sources[k] = value.index;
        if (inputs_[static_cast<size_t>(value.index)].access == Access::kNumber)
          made.numbers |= static_cast<uint8_t>(1U << k);
      } else {
        made.sources[k] = -1 - value.index;  // Becomes a pointer below.
        last_use[static_cast<size_t>(value.index)] = i;
      }
    }
    program_.push_back(made);
  }
  const int32_t first_result = first_number + static_cast<int32_t>(numbers_.size());
  pointers_ = first_result + count;
  for (TileInstruction& instruction : program_) {
    for (int32_t& source : instruction.sources) {
      if (source < 0) source = first_result + (-1 - source);
    }
  }

  // A result is written where it is needed, or into a tile that is free by then.
  std::vector<int32_t> direct(static_cast<size_t>(count), -1);
  for (size_t k = 0; k < params.results.size(); ++k) {
    const auto index = static_cast<size_t>(params.results[k]);
    if (outputs_[k].access == Access::kDirect && direct[index] < 0) {
      direct[index] = static_cast<int32_t>(k);
    } else {
      stores_.emplace_back(static_cast<int32_t>(k), first_result + params.results[k]);
      last_use[index] = count;
    }
  }
  std::vector<int32_t> free;
  std::vector<int32_t> tile_of(static_cast<size_t>(count), -1);
  for (int32_t i = 0; i < count; ++i) {
    const PointInstruction& source = params.program[static_cast<size_t>(i)];
    for (int k = 0; k < point_op_arity(source.op); ++k) {
      if (source.args[k].kind != PointValue::Kind::kResult) continue;
      const auto read = static_cast<size_t>(source.args[k].index);
      if (last_use[read] == i && tile_of[read] >= 0) {
        free.push_back(tile_of[read]);
        tile_of[read] = -1;
      }
    }
    TileInstruction& made = program_[static_cast<size_t>(i)];
    if (direct[static_cast<size_t>(i)] >= 0) {
      made.target = direct[static_cast<size_t>(i)];
      continue;
    }
    int32_t tile = slots_;
    if (free.empty()) {
      ++slots_;
    } else {
      tile = free.back();
      free.pop_back();
    }
    tile_of[static_cast<size_t>(i)] = tile;
    made.target = -1 - tile;
  }
}

bool PointwiseLoop::run(const float* const* inputs, float* const* outputs) const {
  const int64_t outer = std::accumulate(outer_.begin(), outer_.end(), int64_t{1}, std::multiplies<>());
  const int64_t per_outer =
      rows_ > 1 ? (rows_ + tile_rows_ - 1) / tile_rows_ : (length_ + tile_length_ - 1) / tile_length_;
  const int64_t tiles = outer * per_outer;
  const int64_t work = tiles * tile_rows_ * tile_length_ * static_cast<int64_t>(program_.size());
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>({at::get_num_threads(), work / kParallelWork, tiles}));
  for_each_part(parts,
                [&](int64_t part) { run_rows(inputs, outputs, tiles * part / parts, tiles * (part + 1) / parts); });
  return true;
}

void PointwiseLoop::run_rows(const float* const* inputs, float* const* outputs, int64_t begin, int64_t end) const {
  thread_local Scratch scratch;
  scratch.prepare(pointers_, slots_);
  const PointLoop* const loops = point_loops();
  const float** const pointers = scratch.pointers.data();
  for (size_t i = 0; i < numbers_.size(); ++i) pointers[inputs_.size() + i] = &numbers_[i];
  const float** const results = pointers + inputs_.size() + numbers_.size();
  const int64_t per_outer =
      rows_ > 1 ? (rows_ + tile_rows_ - 1) / tile_rows_ : (length_ + tile_length_ - 1) / tile_length_;

  for (int64_t tile = begin; tile < end; ++tile) {
    const int64_t part = tile % per_outer;
    const int64_t first_row = rows_ > 1 ? part * tile_rows_ : 0;
    const int64_t first = rows_ > 1 ? 0 : part * tile_length_;
    const int64_t rows = std::min(tile_rows_, rows_ - first_row);
    const int64_t length = std::min(tile_length_, length_ - first);
    const auto offset = [&](const OperandPlan& operand) {
      int64_t rest = tile / per_outer;
      int64_t sum = first_row * operand.row_stride + first * operand.stride;
      for (size_t d = outer_.size(); d-- > 0;) {
        sum += rest % outer_[d] * operand.outer_strides[d];
        rest /= outer_[d];
      }
      return sum;
    };
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const OperandPlan& operand = inputs_[i];
      const float* const from = inputs[i] + offset(operand);
      pointers[i] = from;
      if (operand.access != Access::kGather) continue;
      const auto slot = static_cast<size_t>(operand.slot);
      float* const to = scratch.tiles + slot * kTile;
      pointers[i] = to;
      if (scratch.gathered[slot] == from && scratch.gathered_rows[slot] >= rows) continue;
      for (int64_t row = 0; row < rows; ++row) {
        const float* source = from + row * operand.row_stride;
        float* target = to + row * length;
        if (operand.stride == 1) {
          std::memcpy(target, source, static_cast<size_t>(length) * sizeof(float));
        } else {
          for (int64_t k = 0; k < length; ++k) target[k] = source[k * operand.stride];
        }
      }
      scratch.gathered[slot] = rows_ > 1 ? from : nullptr;
      scratch.gathered_rows[slot] = rows;
    }
    for (size_t i = 0; i < program_.size(); ++i) {
      const TileInstruction& instruction = program_[i];
      float* target = nullptr;
      if (instruction.target >= 0) {
        const auto k = static_cast<size_t>(instruction.target);
        target = outputs[k] + offset(outputs_[k]);
      } else {
        target = scratch.tiles + static_cast<size_t>(-1 - instruction.target) * kTile;
      }
      const float* const args[3] = {pointers[instruction.sources[0]], pointers[instruction.sources[1]],
                                    pointers[instruction.sources[2]]};
      loops[static_cast<size_t>(instruction.op) * kPointVariants + instruction.numbers](args, target, rows * length);
      results[i] = target;
    }
    for (const auto& [index, pointer] : stores_) {
      const OperandPlan& operand = outputs_[static_cast<size_t>(index)];
      float* const to = outputs[index] + offset(operand);
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t k = 0; k < length; ++k)
          to[row * operand.row_stride + k * operand.stride] = pointers[pointer][row * length + k];
      }
    }
  }
}

}  // namespace vesta::runtime::plan
