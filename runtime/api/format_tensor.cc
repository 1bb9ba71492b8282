// In summarized tensors the elements to be shown are cut out first, so that all else sees a small tensor. All elements
// get one format: decided from the smallest and largest magnitude, as PyTorch does, then padded to one width.

#include "runtime/api/format_tensor.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ops/cat.h>
#include <c10/core/ScalarType.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/api/guard.h"

namespace vesta::internal {
namespace {

constexpr size_t kLineWidth = 80;
constexpr double kMaxRatio = 1000.0;
constexpr double kMaxPlain = 1e8;
constexpr double kMinPlain = 1e-4;

enum class Style { kInteger, kWhole, kFixed, kScientific };

Style choose_style(const std::vector<double>& values) {
  bool whole = true;
  double smallest = 0;
  double largest = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || value == 0) continue;
    const double magnitude = std::fabs(value);
    whole = whole && std::nearbyint(value) == value;
    smallest = smallest == 0 ? magnitude : std::min(smallest, magnitude);
    largest = std::max(largest, magnitude);
  }
  if (largest == 0) return Style::kWhole;
  const bool extreme = largest / smallest > kMaxRatio || largest > kMaxPlain;
  if (whole) return extreme && largest > kMaxPlain ? Style::kScientific : Style::kWhole;
  return extreme || smallest < kMinPlain ? Style::kScientific : Style::kFixed;
}

std::string format_one(double value, Style style, int precision) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  switch (style) {
    case Style::kInteger:
      return absl::StrFormat("%.0f", value);
    case Style::kWhole:
      return absl::StrFormat("%.0f.", value);
    case Style::kFixed:
      return absl::StrFormat("%.*f", precision, value);
    case Style::kScientific:
      return absl::StrFormat("%.*e", precision, value);
  }
  return {};
}

std::vector<double> as_doubles(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kDouble).contiguous().reshape({-1});
  const double* data = flat.const_data_ptr<double>();
  return {data, data + flat.numel()};
}

// One text for each element, all of one width.
std::vector<std::string> element_texts(const at::Tensor& tensor, const FormatOptions& options) {
  std::vector<std::string> texts;
  const c10::ScalarType type = tensor.scalar_type();
  if (type == at::kBool) {
    for (const double value : as_doubles(tensor)) texts.push_back(value != 0 ? "True" : "False");
  } else if (c10::isIntegralType(type, false)) {
    // Through int64: a double does not hold them all.
    const at::Tensor flat = tensor.to(at::kLong).contiguous().reshape({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) texts.push_back(absl::StrCat(flat.const_data_ptr<int64_t>()[i]));
  } else if (c10::isComplexType(type)) {
    const at::Tensor parts = tensor.to(at::kComplexDouble).contiguous().reshape({-1});
    const auto* data = parts.const_data_ptr<c10::complex<double>>();
    std::vector<double> all;
    for (int64_t i = 0; i < parts.numel(); ++i) all.insert(all.end(), {data[i].real(), data[i].imag()});
    const Style style = choose_style(all);
    for (size_t i = 0; i < all.size(); i += 2) {
      const std::string imaginary = format_one(all[i + 1], style, options.precision);
      texts.push_back(
          absl::StrCat(format_one(all[i], style, options.precision), imaginary[0] == '-' ? "" : "+", imaginary, "j"));
    }
  } else {
    const std::vector<double> values = as_doubles(tensor);
    const Style style = choose_style(values);
    for (const double value : values) texts.push_back(format_one(value, style, options.precision));
  }
  size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, text.size());
  for (std::string& text : texts) text.insert(0, width - text.size(), ' ');
  return texts;
}

// Writes rows of rows; `sizes` are the whole tensor's, `shown` those of what is printed.
class Rows {
 public:
  Rows(std::vector<std::string> texts, at::IntArrayRef sizes, at::IntArrayRef shown, int64_t edge)
      : texts_(std::move(texts)), sizes_(sizes.vec()), shown_(shown.vec()), edge_(edge) {}

  std::string print(size_t indent) {
    if (sizes_.empty()) return texts_.empty() ? "" : texts_[0];
    return block(0, indent);
  }

 private:
  bool cut(size_t dim) const { return shown_[dim] < sizes_[dim]; }

  std::string row(size_t indent) {
    const size_t width = texts_.empty() ? 1 : texts_[0].size() + 2;
    const size_t room = kLineWidth > indent + width ? kLineWidth - indent : width;
    const size_t per_line = std::max<size_t>(1, room / width);
    std::vector<std::string> items;
    for (int64_t i = 0; i < shown_.back(); ++i) {
      if (cut(shown_.size() - 1) && i == edge_) items.push_back("...");
      items.push_back(texts_[next_++]);
    }
    std::string text = "[";
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) text += i % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
      text += items[i];
    }
    return text + "]";
  }

  std::string block(size_t dim, size_t indent) {
    if (dim + 1 == shown_.size()) return row(indent);
    const std::string lines(shown_.size() - dim - 1, '\n');
    const std::string gap = "," + lines + std::string(indent + 1, ' ');
    std::string text = "[";
    for (int64_t i = 0; i < shown_[dim]; ++i) {
      if (i > 0) text += gap;
      if (cut(dim) && i == edge_) text += "..." + gap;
      text += block(dim + 1, indent + 1);
    }
    return text + "]";
  }

  std::vector<std::string> texts_;
  std::vector<int64_t> sizes_;
  std::vector<int64_t> shown_;
  int64_t edge_;
  size_t next_ = 0;
};

at::Tensor cut_out(at::Tensor tensor, int64_t edge) {
  for (int64_t dim = 0; dim < tensor.dim(); ++dim) {
    const int64_t size = tensor.size(dim);
    if (size <= 2 * edge) continue;
    tensor = at::cat({tensor.narrow(dim, 0, edge), tensor.narrow(dim, size - edge, edge)}, dim);
  }
  return tensor;
}

std::string suffix(const at::Tensor& tensor, bool summarized) {
  std::string text;
  const c10::ScalarType type = tensor.scalar_type();
  if (summarized || tensor.numel() == 0) absl::StrAppend(&text, ", size=(", absl::StrJoin(tensor.sizes(), ", "), ")");
  if (!tensor.device().is_cpu()) absl::StrAppend(&text, ", device='", tensor.device().str(), "'");
  if (type != at::kFloat && type != at::kLong && type != at::kBool) {
    absl::StrAppend(&text, ", dtype=torch.", dtype_name(type));
  }
  if (tensor.requires_grad()) text += ", requires_grad=True";
  return text;
}

std::string format_defined(const at::Tensor& tensor, const FormatOptions& options, size_t indent) {
  if (tensor.layout() != c10::kStrided || tensor.is_meta() || tensor.is_nested()) {
    return absl::StrCat("<", tensor_summary(tensor), " tensor>");
  }
  const bool summarized = tensor.numel() > options.summarize_above;
  at::Tensor shown = tensor.detach();
  if (summarized) shown = cut_out(shown, options.edge_items);
  shown = shown.is_quantized() ? shown.dequantize().cpu() : shown.cpu();
  if (shown.is_conj()) shown = shown.resolve_conj();
  if (shown.is_neg()) shown = shown.resolve_neg();
  Rows rows(element_texts(shown, options), tensor.sizes(), shown.sizes(), options.edge_items);
  const std::string_view open = "tensor(";
  return absl::StrCat("tensor(", rows.print(indent + open.size()), suffix(tensor, summarized), ")");
}

}  // namespace

std::string dtype_name(c10::ScalarType type) {
  switch (type) {
    case at::kByte:
      return "uint8";
    case at::kChar:
      return "int8";
    case at::kShort:
      return "int16";
    case at::kInt:
      return "int32";
    case at::kLong:
      return "int64";
    case at::kHalf:
      return "float16";
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kBFloat16:
      return "bfloat16";
    case at::kBool:
      return "bool";
    case at::kComplexHalf:
      return "complex32";
    case at::kComplexFloat:
      return "complex64";
    case at::kComplexDouble:
      return "complex128";
    case at::kQInt8:
      return "qint8";
    case at::kQUInt8:
      return "quint8";
    case at::kQInt32:
      return "qint32";
    default:
      return c10::toString(type);
  }
}

std::string tensor_summary(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  const absl::StatusOr<std::string> text = guard([&] {
    const std::string layout = tensor.layout() == c10::kStrided ? "" : "sparse ";
    return absl::StrCat(layout, dtype_name(tensor.scalar_type()), "[", absl::StrJoin(tensor.sizes(), ", "), "]");
  });
  return text.ok() ? *text : "tensor";
}

std::string format_tensor(const at::Tensor& tensor, const FormatOptions& options, size_t indent) {
  if (!tensor.defined()) return "tensor(undefined)";
  absl::StatusOr<std::string> text = guard([&] { return format_defined(tensor, options, indent); });
  if (text.ok()) return *std::move(text);
  return absl::StrCat("<", tensor_summary(tensor), " tensor>");
}

}  // namespace vesta::internal
