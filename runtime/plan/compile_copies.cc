// Copies of small tensors by loops of our own: between strides, and side by side.

#include <cstring>

#include <c10/util/accumulate.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"

namespace vesta::runtime::plan {
namespace {

constexpr int64_t kSmall = int64_t{1} << 14;  // Elements.

// Each source is [outer, its own width].
class JoinKernel : public Kernel {
 public:
  JoinKernel(int64_t outer, std::vector<size_t> widths) : outer_(outer), widths_(std::move(widths)) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    float* to = outputs[0];
    for (int64_t o = 0; o < outer_; ++o) {
      for (size_t i = 0; i < widths_.size(); ++i) {
        std::memcpy(to, inputs[i] + static_cast<size_t>(o) * widths_[i], widths_[i] * sizeof(float));
        to += widths_[i];
      }
    }
    return true;
  }

 private:
  int64_t outer_;
  std::vector<size_t> widths_;  // Elements.
};

}  // namespace

bool Compiler::copies_itself(const MemoryDesc& from, const MemoryDesc& to) {
  return is_strided(from) && is_strided(to) && from.get_dims() == to.get_dims() &&
         c10::multiply_integers(to.get_dims()) <= kSmall;
}

void Compiler::emit_copy(const Location& from, const Location& to) {
  PointwiseParams params;
  params.dims = to.desc.get_dims();
  // Times one: every number stays as it is.
  params.program = {{PointOp::k_mul, {{PointValue::Kind::kInput, 0, 0}, {PointValue::Kind::kNumber, 0, 1}, {}}}};
  params.results = {0};
  emit(absl::StrCat("copy of ", c10::multiply_integers(params.dims)),
       std::make_unique<PointwiseLoop>(params, params.dims, std::vector<Dims>{from.desc.get_strides()},
                                       std::vector<Dims>{to.desc.get_strides()}),
       {from.part}, {to.part});
}

bool Compiler::joins_itself(const Step& step) const { return tensor(step.outputs[0]).numel() <= kSmall; }

absl::Status Compiler::join(const Step& step, const ConcatParams& params, const std::vector<Location>& sources) {
  const Dims& out = tensor(step.outputs[0]).dims;
  const int64_t outer = c10::multiply_integers(out.begin(), out.begin() + params.axis);
  std::vector<size_t> widths;
  std::vector<BufferPart> inputs;
  for (size_t i = 0; i < sources.size(); ++i) {
    widths.push_back(static_cast<size_t>(tensor(step.inputs[i]).numel() / outer));
    inputs.push_back(sources[i].part);
  }
  const BufferPart result = new_location(step.outputs[0], plain(out)).part;
  emit(absl::StrCat("join of ", sources.size()), std::make_unique<JoinKernel>(outer, std::move(widths)),
       std::move(inputs), {result});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
