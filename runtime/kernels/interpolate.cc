// torch.nn.functional.interpolate as compiled into TorchScript, and upsample, upsample_nearest and
// upsample_bilinear of old archives. The mode and the input's rank choose one of ATen's functions; the size comes
// from `size` or from the scale factors, which reach ATen only where recompute_scale_factor is false.

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/adaptive_avg_pool1d.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/adaptive_avg_pool3d.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_nearest1d.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <ATen/ops/upsample_trilinear3d.h>

#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {
namespace {

struct Request {
  std::vector<int64_t> size;                    // of each spatial dimension
  std::array<std::optional<double>, 3> scales;  // where they are to be used as given
  bool align_corners = false;
};

using Resize = at::Tensor (*)(const at::Tensor& input, const Request& request);

struct Mode {
  std::string_view name;
  int64_t rank;
  Resize resize;
};

constexpr std::array<Mode, 10> kModes = {{
    {"nearest", 3,
     [](const at::Tensor& x, const Request& r) { return at::upsample_nearest1d(x, r.size, r.scales[0]); }},
    {"nearest", 4,
     [](const at::Tensor& x, const Request& r) { return at::upsample_nearest2d(x, r.size, r.scales[0], r.scales[1]); }},
    {"nearest", 5,
     [](const at::Tensor& x, const Request& r) {
       return at::upsample_nearest3d(x, r.size, r.scales[0], r.scales[1], r.scales[2]);
     }},
    {"area", 3, [](const at::Tensor& x, const Request& r) { return at::adaptive_avg_pool1d(x, r.size); }},
    {"area", 4, [](const at::Tensor& x, const Request& r) { return at::adaptive_avg_pool2d(x, r.size); }},
    {"area", 5, [](const at::Tensor& x, const Request& r) { return at::adaptive_avg_pool3d(x, r.size); }},
    {"linear", 3,
     [](const at::Tensor& x, const Request& r) {
       return at::upsample_linear1d(x, r.size, r.align_corners, r.scales[0]);
     }},
    {"bilinear", 4,
     [](const at::Tensor& x, const Request& r) {
       return at::upsample_bilinear2d(x, r.size, r.align_corners, r.scales[0], r.scales[1]);
     }},
    {"bicubic", 4,
     [](const at::Tensor& x, const Request& r) {
       return at::upsample_bicubic2d(x, r.size, r.align_corners, r.scales[0], r.scales[1]);
     }},
    {"trilinear", 5,
     [](const at::Tensor& x, const Request& r) {
       return at::upsample_trilinear3d(x, r.size, r.align_corners, r.scales[0], r.scales[1], r.scales[2]);
     }},
}};

absl::StatusOr<const Mode*> find_mode(std::string_view name, int64_t rank) {
  const Mode* other = nullptr;
  for (const Mode& mode : kModes) {
    if (mode.name != name) continue;
    if (mode.rank == rank) return &mode;
    other = &mode;
  }
  if (other != nullptr && rank >= 3 && rank <= 5) {
    return value_error("Got ", rank, "D input, but ", std::string(name), " mode needs ", other->rank, "D input");
  }
  return value_error("Input Error: Only 3D, 4D and 5D input Tensors supported (got ", rank,
                     "D) for the modes: nearest | area | linear | bilinear | bicubic | trilinear (got ",
                     std::string(name), ")");
}

// A number for each spatial dimension; one number stands for all.
template <class T>
absl::StatusOr<std::vector<T>> per_dimension(const IValue& value, size_t dimensions, const char* what) {
  auto number = [](const IValue& each) {
    return each.isInt() ? static_cast<T>(each.toInt()) : static_cast<T>(each.toDouble());
  };
  if (!value.isList()) return std::vector<T>(dimensions, number(value));
  std::vector<T> result;
  for (const IValue& each : value.toListRef()) result.push_back(number(each));
  if (result.size() != dimensions) {
    return value_error("interpolate(): ", what, " has ", result.size(), " values, but the input has ", dimensions,
                       " spatial dimensions");
  }
  return result;
}

absl::StatusOr<std::vector<int64_t>> scaled_size(const at::Tensor& input, const std::vector<double>& scales) {
  std::vector<int64_t> size;
  for (size_t i = 0; i < scales.size(); ++i) {
    const double length = std::floor(static_cast<double>(input.size(static_cast<int64_t>(i) + 2)) * scales[i]);
    if (!(length >= 0 && length < 9e15))
      return value_error("interpolate(): a scale factor of ", scales[i], " gives no valid size");
    size.push_back(static_cast<int64_t>(length));
  }
  return size;
}

absl::StatusOr<at::Tensor> resize(const at::Tensor& input, const IValue& size, const IValue& scale,
                                  std::string_view name, const IValue& align_corners, bool use_scales) {
  const bool aligns = name != "nearest" && name != "area";
  if (!aligns && !align_corners.isNone()) {
    return value_error(
        "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear");
  }
  VESTA_ASSIGN_OR_RETURN(const Mode* mode, find_mode(name, input.dim()));
  if (size.isNone() && scale.isNone()) return value_error("interpolate() needs a size or a scale factor");
  const size_t dimensions = static_cast<size_t>(mode->rank - 2);
  Request request;
  request.align_corners = aligns && !align_corners.isNone() && align_corners.toBool();
  std::vector<double> scales;
  if (!scale.isNone() && (size.isNone() || use_scales)) {
    VESTA_ASSIGN_OR_RETURN(scales, per_dimension<double>(scale, dimensions, "scale_factor"));
  }
  if (size.isNone()) {
    VESTA_ASSIGN_OR_RETURN(request.size, scaled_size(input, scales));
  } else {
    VESTA_ASSIGN_OR_RETURN(request.size, per_dimension<int64_t>(size, dimensions, "size"));
  }
  if (use_scales) std::copy(scales.begin(), scales.end(), request.scales.begin());
  return mode->resize(input, request);
}

}  // namespace

VESTA_KERNEL(interpolate,
             [](const at::Tensor& input, const IValue& size, const IValue& scale, std::string_view mode,
                const IValue& align_corners, const IValue& recompute, bool antialias) -> absl::StatusOr<at::Tensor> {
               if (antialias) return value_error("Antialias is not yet supported");
               return resize(input, size, scale, mode, align_corners, recompute.isBool() && !recompute.toBool());
             })
VESTA_KERNEL(upsample,
             [](const at::Tensor& input, const IValue& size, const IValue& scale, std::string_view mode,
                const IValue& align_corners) { return resize(input, size, scale, mode, align_corners, false); })
VESTA_KERNEL(upsample_nearest, [](const at::Tensor& input, const IValue& size, const IValue& scale) {
  return resize(input, size, scale, "nearest", IValue(), false);
})
VESTA_KERNEL(upsample_bilinear, [](const at::Tensor& input, const IValue& size, const IValue& scale) {
  return resize(input, size, scale, "bilinear", IValue(true), false);
})

}  // namespace vesta::runtime::kernels
