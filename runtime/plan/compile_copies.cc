// Copies of small tensors between strides by loops of our own.

#include <c10/util/accumulate.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"

namespace vesta::runtime::plan {

bool Compiler::copies_itself(const MemoryDesc& from, const MemoryDesc& to) {
  return is_strided(from) && is_strided(to) && from.get_dims() == to.get_dims() &&
         c10::multiply_integers(to.get_dims()) <= kSmallCopy;
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

}  // namespace vesta::runtime::plan
