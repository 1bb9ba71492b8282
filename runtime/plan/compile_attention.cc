// Attention by a kernel of our own: oneDNN's products of two tensors that change take its slower kernels, and scores
// would go through memory twice.

#include <algorithm>
#include <array>

#include <ATen/Parallel.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/panel_kernels.h"
#include "runtime/plan/parallel.h"

namespace vesta::runtime::plan {
namespace {

constexpr int64_t kSmallWork = int64_t{1} << 17;     // Multiplications: not worth waking another thread for.
constexpr int64_t kFewestRows = 2 * kAttentionRows;  // For which a head's keys are packed once more.

// Inputs: query, keys, values, the mask where there is one. Outputs: the result, room for each worker.
class AttentionStep : public Kernel {
 public:
  // Where the query, keys, values, mask and result start.
  using Batch = std::array<int64_t, 5>;
  // `head`: strides and sizes; each batch's rows are cut into `parts`.
  AttentionStep(const HeadAttention& head, std::vector<Batch> batches, int64_t parts, int64_t workers)
      : head_(head), batches_(std::move(batches)), parts_(parts), workers_(workers) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    for_each_part(workers_, [&](int64_t worker) { work(inputs, outputs, worker); });
    return true;
  }

 private:
  void work(const float* const* inputs, float* const* outputs, int64_t worker) const {
    const int64_t tasks = static_cast<int64_t>(batches_.size()) * parts_;
    const int64_t begin = tasks * worker / workers_;
    const int64_t end = tasks * (worker + 1) / workers_;
    HeadAttention head = head_;
    head.room = outputs[1] + worker * attention_room(head.keys_count, head.depth, head.columns);
    for (int64_t task = begin; task < end; ++task) {
      const auto [query, keys, values, mask, out] = batches_[static_cast<size_t>(task / parts_)];
      const int64_t part = task % parts_;
      head.first = head_.rows * part / parts_;
      head.rows = head_.rows * (part + 1) / parts_ - head.first;
      head.packed = task > begin && part > 0;
      head.query.data = inputs[0] + query + head.first * head.query.row;
      head.keys.data = inputs[1] + keys;
      head.values.data = inputs[2] + values;
      if (head_.mask.data != nullptr) head.mask.data = inputs[3] + mask + head.first * head.mask.row;
      head.out = outputs[0] + out + head.first * head.out_stride;
      kernels_.attend(head);
    }
  }

  HeadAttention head_;
  std::vector<Batch> batches_;
  int64_t parts_, workers_;
  const PanelKernels& kernels_ = panel_kernels();
};

// Parts of each batch's rows, so that all workers have as much to do.
int64_t parts_for(int64_t batches, int64_t rows, int64_t workers) {
  int64_t parts = 1;
  while (batches * parts % workers != 0 && batches * parts < 4 * workers && rows >= (parts + 1) * kFewestRows) ++parts;
  return parts;
}

}  // namespace

absl::Status Compiler::attention(const Step& step, const AttentionParams& params) {
  const Location query = rows_location(step.inputs[0]);
  const Location keys = strided_location(step.inputs[1]);
  const Location values = strided_location(step.inputs[2]);
  const size_t rank = tensor(step.inputs[0]).dims.size();
  const Dims of_query = broadcast_strides(step.inputs[0], query, rank);
  const Dims of_keys = broadcast_strides(step.inputs[1], keys, rank);
  const Dims of_values = broadcast_strides(step.inputs[2], values, rank);
  HeadAttention head{};
  head.rows = tensor(step.inputs[0]).dims[rank - 2];
  head.depth = tensor(step.inputs[0]).dims[rank - 1];
  head.keys_count = tensor(step.inputs[1]).dims[rank - 2];
  head.columns = tensor(step.inputs[2]).dims[rank - 1];
  head.query = {nullptr, of_query[rank - 2], 1};
  head.keys = {nullptr, of_keys[rank - 2], of_keys[rank - 1]};
  head.values = {nullptr, of_values[rank - 2], of_values[rank - 1]};
  head.out_stride = params.out_strides[rank - 2];
  head.scale = params.scale;
  head.causal = params.causal;
  head.safe = params.safe;
  std::vector<BufferPart> inputs = {query.part, keys.part, values.part};
  Dims of_mask(rank, 0);
  if (params.has_mask) {
    const Location mask = rows_location(step.inputs[3]);
    of_mask = broadcast_strides(step.inputs[3], mask, rank);
    static constexpr float kSome = 0;  // Any address: whether there is a mask.
    head.mask = {&kSome, of_mask[rank - 2], of_mask[rank - 1]};
    inputs.push_back(mask.part);
  }
  Dims batch;
  for (size_t d = 0; d + 2 < rank; ++d)
    batch.push_back(std::max(tensor(step.inputs[0]).dims[d], tensor(step.inputs[1]).dims[d]));
  std::vector<AttentionStep::Batch> batches =
      batch_offsets<5>(batch, {of_query, of_keys, of_values, of_mask, params.out_strides});
  const auto heads = static_cast<int64_t>(batches.size());
  const int64_t work = heads * head.rows * head.keys_count * (head.depth + head.columns);
  const int64_t threads = work < kSmallWork ? 1 : at::get_num_threads();
  const int64_t parts = parts_for(heads, head.rows, threads);
  const int64_t workers = std::min(threads, heads * parts);
  const int64_t room = workers * attention_room(head.keys_count, head.depth, head.columns);
  const BufferPart rooms{new_buffer(Buffer::Kind::kArena, -1, static_cast<size_t>(room) * sizeof(float)), 0};
  const PlanTensor& output = tensor(step.outputs[0]);
  const BufferPart result = new_location(step.outputs[0], strided(output.dims, output.strides)).part;
  emit(absl::StrCat("attention ", heads, " of ", head.rows, "x", head.keys_count, "x", head.depth),
       std::make_unique<AttentionStep>(head, std::move(batches), parts, workers), std::move(inputs), {result, rooms});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
