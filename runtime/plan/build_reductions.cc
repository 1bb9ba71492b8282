// Sums and means.

#include <algorithm>
#include <numeric>

#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {
namespace {

int64_t product(const Dims& sizes, size_t first, size_t last) {
  return std::accumulate(sizes.begin() + static_cast<std::ptrdiff_t>(first),
                         sizes.begin() + static_cast<std::ptrdiff_t>(last), int64_t{1}, std::multiplies<>());
}

}  // namespace

// How many of its last dimensions sum.dim_IntList(self, dim, keepdim, dtype), mean.dim of the same or sum(self, dtype)
// and mean(self, dtype) go over. Refuses others.
size_t Builder::reduced_dimensions(const Node& node) {
  const TensorId input = tensor(node, 0);
  const bool whole = node.inputs().size() == 2 || is_none(node, 1);
  if (failed() || at(input).mask || at(input).integers || !is_none(node, node.inputs().size() - 1)) {
    refuse("gives another type");
    return 0;
  }
  const size_t rank = dims(input).size();
  Dims over = whole ? Dims() : integers(node, 1);
  for (int64_t& dim : over) dim = wrap(dim, rank);
  if (failed() || over.empty()) return rank;
  std::sort(over.begin(), over.end());
  for (size_t i = 0; i < over.size(); ++i) {
    if (over.size() > rank || over[i] != static_cast<int64_t>(rank - over.size() + i)) {
      refuse("goes over dimensions that are not the last");
      return 0;
    }
  }
  return over.size();
}

void Builder::sum(const Node& node) { emit_sum(node, reduced_dimensions(node), false); }

void Builder::mean(const Node& node) {
  const size_t over = reduced_dimensions(node);
  if (failed()) return;
  const Dims in = dims(tensor(node, 0));
  // Of images: as a pool, which takes them in the layout that convolutions give.
  if (in.size() < 4 || over + 2 != in.size()) return emit_sum(node, over, true);
  PoolParams params;
  params.kind = PoolParams::Kind::kAverage;
  params.kernel.assign(in.begin() + 2, in.end());
  params.stride = params.kernel;
  params.padding_before = params.padding_after = Dims(over, 0);
  params.dilation = Dims(over, 1);
  const bool keeps = boolean(node, 2);
  emit_pool(node, std::move(params), false);
  if (failed() || keeps) return;
  bind(node.output(), reshaped(tensor_of(value(node.output())), {in[0], in[1]}));
}

// Over so many of the last dimensions, as the rows of a matrix.
void Builder::emit_sum(const Node& node, size_t over, bool mean) {
  const bool keeps = node.inputs().size() > 2 && boolean(node, 2);
  if (failed()) return;
  const TensorId input = contiguous(tensor(node, 0));
  Dims out = dims(input);
  const size_t kept = out.size() - over;
  const int64_t rows = product(out, 0, kept);
  const int64_t size = product(out, kept, out.size());
  if (rows == 0 || size == 0) return refuse("takes no elements");
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(kept), out.end(), 1);
  if (!keeps) out.resize(kept);
  const TensorId output = new_tensor({rows});
  new_step(SumParams{mean ? 1.0 / static_cast<double>(size) : 1.0}, {reshaped(input, {rows, size})}, output);
  if (!failed()) bind(node.output(), reshaped(output, out));
}

}  // namespace vesta::runtime::plan
