#include "serialization/custom_state.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

constexpr std::string_view kPrefix = "__torch__.torch.classes.";
// What libtorch writes of convolutions has 16 bits; beyond them its kernels' ints overflow.
constexpr int64_t kLargestSetting = std::numeric_limits<int16_t>::max();

absl::Status wrong(std::string_view what) { return absl::DataLossError(absl::string_view(what.data(), what.size())); }

// In ordinary memory: kernels take its pointer.
bool is_plain(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided && tensor.device().is_cpu();
}

bool is_vector(const at::Tensor& tensor, int64_t size) {
  return is_plain(tensor) && !tensor.is_quantized() && tensor.dim() == 1 && tensor.size(0) == size;
}

absl::Status check_bias(const std::optional<at::Tensor>& bias, int64_t results) {
  if (!bias.has_value() || !bias->defined()) return absl::OkStatus();
  if (is_vector(*bias, results) && bias->scalar_type() == at::kFloat) return absl::OkStatus();
  return wrong(absl::StrFormat("the bias is no vector of %d floats", results));
}

// A tensor of so many dimensions, none of them 0.
absl::Status check_weight(const at::Tensor& weight, int64_t dimensions) {
  if (is_plain(weight) && weight.dim() == dimensions && weight.numel() > 0) return absl::OkStatus();
  return wrong(absl::StrFormat("the weight is no tensor of %d dimensions with elements", dimensions));
}

// With a quantizer of its own, which has a scale for each channel of `axis` or one for all.
absl::Status check_quantized(const at::Tensor& weight, int64_t axis, at::QScheme per_channel) {
  if (!weight.is_quantized()) return wrong("the weight is not quantized");
  if (weight.qscheme() == at::kPerTensorAffine) return absl::OkStatus();
  const int64_t channels = weight.size(axis);
  if (weight.qscheme() != per_channel || weight.q_per_channel_axis() != axis ||
      !is_vector(weight.q_per_channel_scales(), channels) ||
      !is_vector(weight.q_per_channel_zero_points(), channels)) {
    return wrong(absl::StrFormat("the weight's quantizer has no scale for each of its %d channels", channels));
  }
  return absl::OkStatus();
}

struct Convolution {
  at::Tensor weight;
  std::optional<at::Tensor> bias;
  std::vector<int64_t> stride, padding, dilation, output_padding;
  int64_t groups = 0;
  bool is_transposed = false;
};

// Each of the numbers is one for each spatial dimension, or one for all of them.
absl::Status check_settings(const std::vector<int64_t>& numbers, std::string_view name, int64_t least, size_t spatial) {
  const auto is_in_range = [&](int64_t number) { return number >= least && number <= kLargestSetting; };
  const bool fits = numbers.size() == spatial || numbers.size() == 1;
  if (fits && std::all_of(numbers.begin(), numbers.end(), is_in_range)) return absl::OkStatus();
  return wrong(absl::StrFormat("the %s is not %d numbers from %d to %d", name, spatial, least, kLargestSetting));
}

absl::Status check_convolution(const Convolution& convolution, size_t spatial) {
  VESTA_RETURN_IF_ERROR(check_weight(convolution.weight, static_cast<int64_t>(spatial) + 2));
  VESTA_RETURN_IF_ERROR(check_settings(convolution.stride, "stride", 1, spatial));
  VESTA_RETURN_IF_ERROR(check_settings(convolution.padding, "padding", 0, spatial));
  VESTA_RETURN_IF_ERROR(check_settings(convolution.dilation, "dilation", 1, spatial));
  VESTA_RETURN_IF_ERROR(check_settings(convolution.output_padding, "output padding", 0, spatial));
  const auto sizes = convolution.weight.sizes();
  if (convolution.groups < 1 || convolution.groups > sizes[0] || sizes[0] % convolution.groups != 0) {
    return wrong(absl::StrFormat("%d channels are not %d groups", sizes[0], convolution.groups));
  }
  return check_bias(convolution.bias, convolution.is_transposed ? sizes[1] * convolution.groups : sizes[0]);
}

std::optional<at::Tensor> optional_tensor(const IValue& value) {
  return value.isTensor() ? std::optional(value.toTensor()) : std::nullopt;
}

bool is_optional_tensor(const IValue& value) { return value.isNone() || value.isTensor(); }

// The numbers of `spatial` and what follows: stride, padding, dilation, output padding, groups, whether transposed.
absl::Status take_settings(const std::vector<int64_t>& numbers, size_t spatial, Convolution& into) {
  if (numbers.size() != 4 * spatial + 3) return wrong("the settings are of another number");
  auto next = numbers.begin() + 1;
  for (std::vector<int64_t>* list : {&into.stride, &into.padding, &into.dilation, &into.output_padding}) {
    list->assign(next, next + static_cast<std::ptrdiff_t>(spatial));
    next += static_cast<std::ptrdiff_t>(spatial);
  }
  into.groups = *next++;
  if (*next != 0 && *next != 1) return wrong("the settings have unknown flags");
  into.is_transposed = *next == 1;
  return absl::OkStatus();
}

bool holds_short(const at::Tensor& tensor) { return is_plain(tensor) && tensor.scalar_type() == at::kShort; }

using Elements = c10::ArrayRef<IValue>;

// (weight, bias, [stride, ...], [padding, ...], [dilation, ...], groups), numbers as tensors of one.
absl::Status read_first_form(Elements state, size_t spatial, Convolution& into) {
  if (state.size() != 6 || !is_optional_tensor(state[1])) return wrong("it is not (weight, bias, lists, groups)");
  into.weight = state[0].toTensor();
  into.bias = optional_tensor(state[1]);
  const auto number = [](const IValue& value) -> std::optional<int64_t> {
    const bool fits = value.isTensor() && is_vector(value.toTensor(), 1) &&
                      c10::isIntegralType(value.toTensor().scalar_type(), /*includeBool=*/false);
    return fits ? std::optional(value.toTensor().item().toLong()) : std::nullopt;
  };
  const std::optional<int64_t> groups = number(state[5]);
  if (!groups.has_value()) return wrong("the groups are no tensor of one number");
  into.groups = *groups;
  std::vector<int64_t>* const lists[] = {&into.stride, &into.padding, &into.dilation};
  for (size_t i = 0; i < std::size(lists); ++i) {
    const IValue& list = state[i + 2];
    if (!list.isTensorList() || list.toListRef().size() != spatial) return wrong("a list of settings has another size");
    for (const IValue& element : list.toListRef()) {
      const std::optional<int64_t> found = number(element);
      if (!found.has_value()) return wrong("a setting is no tensor of one number");
      lists[i]->push_back(*found);
    }
  }
  into.output_padding.assign(spatial, 0);
  return absl::OkStatus();
}

// ("2", [settings, weight], [bias])
absl::Status read_second_form(Elements state, size_t spatial, Convolution& into) {
  if (state.size() != 3 || !state[1].isTensorList() || state[1].toListRef().size() != 2 || !state[2].isList() ||
      state[2].toListRef().size() > 1) {
    return wrong("it is not (version, [settings, weight], [bias])");
  }
  const at::Tensor settings = state[1].toListRef()[0].toTensor();
  if (!holds_short(settings) || settings.dim() != 1) return wrong("the settings are no vector of int16");
  std::vector<int64_t> numbers(static_cast<size_t>(settings.numel()));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = settings.const_data_ptr<int16_t>()[static_cast<int64_t>(i) * settings.stride(0)];
  }
  VESTA_RETURN_IF_ERROR(take_settings(numbers, spatial, into));
  into.weight = state[1].toListRef()[1].toTensor();
  if (!state[2].toListRef().empty()) {
    if (!is_optional_tensor(state[2].toListRef()[0])) return wrong("the bias is no tensor");
    into.bias = optional_tensor(state[2].toListRef()[0]);
  }
  return absl::OkStatus();
}

// (3, settings, [None, weight, bias])
absl::Status read_third_form(Elements state, size_t spatial, Convolution& into) {
  const bool fits = state.size() == 3 && state[1].isIntList() && state[2].isList() &&
                    state[2].toListRef().size() == 3 && state[2].toListRef()[1].isTensor() &&
                    is_optional_tensor(state[2].toListRef()[2]);
  if (!fits) return wrong("it is not (version, settings, [None, weight, bias])");
  VESTA_RETURN_IF_ERROR(take_settings(state[1].toIntVector(), spatial, into));
  into.weight = state[2].toListRef()[1].toTensor();
  into.bias = optional_tensor(state[2].toListRef()[2]);
  return absl::OkStatus();
}

template <size_t spatial>
absl::Status check_quantized_convolution(const IValue& state) {
  if (!state.isTuple() || state.toTupleRef().size() == 0) return wrong("it is no tuple");
  const Elements elements = state.toTupleRef().elements().asArrayRef();
  Convolution convolution;
  if (elements[0].isTensor()) {
    VESTA_RETURN_IF_ERROR(read_first_form(elements, spatial, convolution));
  } else if (elements[0].isString() && elements[0].toStringRef() == "2") {
    VESTA_RETURN_IF_ERROR(read_second_form(elements, spatial, convolution));
  } else if (elements[0].isInt() && elements[0].toInt() == 3) {
    VESTA_RETURN_IF_ERROR(read_third_form(elements, spatial, convolution));
  } else {
    return wrong("its version is none of 1, 2 and 3");
  }
  VESTA_RETURN_IF_ERROR(check_convolution(convolution, spatial));
  if (convolution.weight.scalar_type() != at::kQInt8) return wrong("the weight is not of qint8");
  return check_quantized(convolution.weight, convolution.is_transposed ? 1 : 0, at::kPerChannelAffine);
}

// (weight, bias); of float where it is packed as float16.
absl::Status check_quantized_linear(const IValue& state) {
  const Elements elements = state.toTupleRef().elements().asArrayRef();
  const at::Tensor weight = elements[0].toTensor();
  VESTA_RETURN_IF_ERROR(check_weight(weight, 2));
  VESTA_RETURN_IF_ERROR(check_bias(optional_tensor(elements[1]), weight.size(0)));
  if (weight.scalar_type() == at::kFloat) return absl::OkStatus();
  if (weight.scalar_type() != at::kQInt8) return wrong("the weight is neither of qint8 nor of float32");
  return check_quantized(weight, 0, at::kPerChannelAffine);
}

// (version, [weight], floats, [bits])
absl::Status check_quantized_embedding(const IValue& state) {
  const Elements elements = state.toTupleRef().elements().asArrayRef();
  if (elements[1].toListRef().size() != 1) return wrong("it has not one weight");
  const at::Tensor weight = elements[1].toListRef()[0].toTensor();
  VESTA_RETURN_IF_ERROR(check_weight(weight, 2));
  if (weight.scalar_type() != at::kQUInt8 && weight.scalar_type() != at::kQUInt4x2) {
    return wrong("the weight is neither of quint8 nor of quint4x2");
  }
  return check_quantized(weight, 0, at::kPerChannelAffineFloatQParams);
}

// Ascending from 0 to `last`.
bool are_row_ends(const std::vector<int64_t>& rows, int64_t last) {
  return rows.front() == 0 && rows.back() == last && std::is_sorted(rows.begin(), rows.end());
}

std::optional<std::vector<int64_t>> indices_of(const at::Tensor& tensor) {
  if (!is_plain(tensor) || tensor.dim() != 1 || tensor.is_quantized() ||
      !c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/false)) {
    return std::nullopt;
  }
  const at::Tensor wide = tensor.to(at::kLong).contiguous();
  return std::vector<int64_t>(wide.const_data_ptr<int64_t>(), wide.const_data_ptr<int64_t>() + wide.numel());
}

// (version, bias, rows of a block, its columns, scales, zero points, whether there is one of them, row ends, columns,
// values, results, inputs): blocks of a matrix of which most are zero.
absl::Status check_sparse_linear(const IValue& state) {
  const Elements e = state.toTupleRef().elements().asArrayRef();
  const int64_t block_rows = e[2].toInt(), block_columns = e[3].toInt();
  const int64_t results = e[10].toInt(), inputs = e[11].toInt();
  // What is unpacked has a place for each zero: no matrix out of all proportion to the file.
  constexpr int64_t kLargestSide = int64_t{1} << 20;
  constexpr int64_t kFreeElements = int64_t{1} << 24;
  constexpr int64_t kZerosForEach = 1000;
  const auto is_side = [](int64_t size) { return size >= 1 && size <= kLargestSide; };
  if (!is_side(block_rows) || !is_side(block_columns) || !is_side(results) || !is_side(inputs)) {
    return wrong(absl::StrFormat("a size is not from 1 to %d", kLargestSide));
  }
  VESTA_RETURN_IF_ERROR(check_bias(optional_tensor(e[1]), results));
  const at::Tensor scales = e[4].toTensor(), zero_points = e[5].toTensor(), values = e[9].toTensor();
  const int64_t quantizers = e[6].toBool() ? 1 : results;
  if (!is_vector(scales, quantizers) || scales.scalar_type() != at::kFloat || !is_vector(zero_points, quantizers) ||
      zero_points.scalar_type() != at::kChar) {
    return wrong(absl::StrFormat("the scales and zero points are not %d of float and int8", quantizers));
  }
  const auto rows = indices_of(e[7].toTensor()), columns = indices_of(e[8].toTensor());
  if (!rows.has_value() || !columns.has_value()) return wrong("the places of blocks are no vectors of ints");
  const auto blocks = static_cast<int64_t>(columns->size());
  const int64_t wide = (inputs + block_columns - 1) / block_columns;
  const auto is_block = [&](int64_t column) { return column >= 0 && column < wide; };
  const int64_t high = (results + block_rows - 1) / block_rows;
  if (static_cast<int64_t>(rows->size()) != high + 1 || !are_row_ends(*rows, blocks) ||
      !std::all_of(columns->begin(), columns->end(), is_block)) {
    return wrong("the places of blocks lie outside the matrix");
  }
  if (!is_plain(values) || values.scalar_type() != at::kByte || values.numel() != blocks * block_rows * block_columns) {
    return wrong(absl::StrFormat("the values are not those of %d blocks", blocks));
  }
  if (results * inputs > std::max(kFreeElements, kZerosForEach * values.numel())) {
    return wrong("the matrix is too large for the values that it has");
  }
  return absl::OkStatus();
}

// (weight, bias, least, largest)
absl::Status check_float_linear(const IValue& state) {
  const Elements elements = state.toTupleRef().elements().asArrayRef();
  const at::Tensor weight = elements[0].toTensor();
  VESTA_RETURN_IF_ERROR(check_weight(weight, 2));
  if (weight.scalar_type() != at::kFloat) return wrong("the weight is not of float32");
  return check_bias(optional_tensor(elements[1]), weight.size(0));
}

// (weight, bias, stride, padding, [output padding,] dilation, groups, ...)
template <bool is_transposed>
absl::Status check_float_convolution(const IValue& state) {
  const Elements elements = state.toTupleRef().elements().asArrayRef();
  constexpr size_t kDilation = is_transposed ? 5 : 4;
  Convolution convolution{.weight = elements[0].toTensor(),
                          .bias = optional_tensor(elements[1]),
                          .stride = elements[2].toIntVector(),
                          .padding = elements[3].toIntVector(),
                          .dilation = elements[kDilation].toIntVector(),
                          .output_padding = is_transposed ? elements[4].toIntVector() : std::vector<int64_t>{0},
                          .groups = elements[kDilation + 1].toInt(),
                          .is_transposed = is_transposed};
  VESTA_RETURN_IF_ERROR(check_convolution(convolution, 2));
  if (convolution.weight.scalar_type() != at::kFloat) return wrong("the weight is not of float32");
  return absl::OkStatus();
}

// (weight, bias, stride, padding, dilation, groups, sizes of the input, activation)
absl::Status check_onednn_convolution(const IValue& state) {
  VESTA_RETURN_IF_ERROR(check_float_convolution<false>(state));
  return check_settings(state.toTupleRef().elements().asArrayRef()[6].toIntVector(), "input's size", 1, 4);
}

// (kind, tensors, floats, ints, packed weights); those of the kind "quantized" begin with two weights, which are
// packed.
absl::Status check_quantized_cell(const IValue& state) {
  const Elements elements = state.toTupleRef().elements().asArrayRef();
  if (elements[0].toStringRef() != "quantized") return absl::OkStatus();
  const auto tensors = elements[1].toListRef();
  if (tensors.size() < 2) return wrong("it has not two weights");
  for (size_t i = 0; i < 2; ++i) {
    const at::Tensor weight = tensors[i].toTensor();
    VESTA_RETURN_IF_ERROR(check_weight(weight, 2));
    if (weight.scalar_type() != at::kChar) return wrong("a weight is not of int8");
  }
  return absl::OkStatus();
}

struct KnownClass {
  std::string_view name;
  absl::Status (*check)(const IValue& state);
};

// All classes of libtorch 2.11 that have a `__setstate__`. States have the types that its schema declares, but for
// those of quantized convolutions, which are of any.
constexpr KnownClass kClasses[] = {
    {"quantized.Conv2dPackedParamsBase", &check_quantized_convolution<2>},
    {"quantized.Conv3dPackedParamsBase", &check_quantized_convolution<3>},
    {"quantized.LinearPackedParamsBase", &check_quantized_linear},
    {"quantized.EmbeddingPackedParamsBase", &check_quantized_embedding},
    {"rnn.CellParamsBase", &check_quantized_cell},
    {"sparse.LinearPackedParamsBase", &check_sparse_linear},
    {"xnnpack.LinearOpContext", &check_float_linear},
    {"xnnpack.Conv2dOpContext", &check_float_convolution<false>},
    {"xnnpack.TransposeConv2dOpContext", &check_float_convolution<true>},
    {"mkldnn.ConvOpContext", &check_onednn_convolution},
};

}  // namespace

bool is_custom_class(const c10::ClassType& type) {
  return type.name() &&
         absl::StartsWith(type.name()->qualifiedName(), absl::string_view(kPrefix.data(), kPrefix.size()));
}

absl::Status check_custom_state(const std::string& class_name, const IValue& state) {
  const auto known =
      std::find_if(std::begin(kClasses), std::end(kClasses), [&](const auto& row) { return row.name == class_name; });
  return known == std::end(kClasses) ? absl::OkStatus() : known->check(state);
}

absl::Status set_custom_state(torch::jit::Function& method, const c10::ClassType& type, ir::Stack& stack) {
  const std::string name = type.name()->qualifiedName();
  const auto refused = [&](std::string_view why) {
    return absl::DataLossError(
        absl::StrFormat("'__setstate__' of custom class '%s' refuses the state: %s", name, printable(why)));
  };
  try {
    const absl::Status status = check_custom_state(name.substr(kPrefix.size()), stack[1]);
    if (!status.ok()) return refused({status.message().data(), status.message().size()});
    method.run(stack);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    return refused(text.substr(0, text.find('\n')));
  }
}

}  // namespace vesta::serialization
