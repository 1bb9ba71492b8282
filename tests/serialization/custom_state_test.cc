// States of libtorch's packed weights: those that it writes come to life, others never reach its kernels.

#include "serialization/custom_state.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/List.h>
#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/quantize_per_channel.h>
#include <ATen/ops/quantize_per_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/custom_class.h>

namespace vesta::serialization {
namespace {

using c10::IValue;
using ::testing::HasSubstr;

IValue tuple(std::vector<IValue> values) { return c10::ivalue::Tuple::create(std::move(values)); }

IValue tensors(std::vector<at::Tensor> values) { return c10::List<at::Tensor>(at::ArrayRef<at::Tensor>(values)); }

IValue ints(std::vector<int64_t> values) { return c10::List<int64_t>(at::ArrayRef<int64_t>(values)); }

IValue optionals(std::vector<IValue> values) {
  c10::impl::GenericList list(c10::OptionalType::create(c10::TensorType::get()));
  for (IValue& value : values) list.push_back(std::move(value));
  return list;
}

at::Tensor quantized(at::IntArrayRef sizes) { return at::quantize_per_tensor(at::ones(sizes), .1, 0, at::kQInt8); }

at::Tensor by_channel(at::IntArrayRef sizes, int64_t axis) {
  const int64_t channels = sizes[static_cast<size_t>(axis)];
  return at::quantize_per_channel(at::ones(sizes), at::ones({channels}), at::zeros({channels}, at::kLong), axis,
                                  at::kQInt8);
}

at::Tensor rows_by_float(at::IntArrayRef sizes) {
  return at::quantize_per_channel(at::ones(sizes), at::ones({sizes[0]}), at::zeros({sizes[0]}), 0, at::kQUInt8);
}

// What the class makes of it.
absl::Status state_of(const std::string& name, const IValue& state) {
  const c10::ClassTypePtr type = torch::getCustomClass("__torch__.torch.classes." + name);
  const IValue object(c10::ivalue::Object::create(c10::StrongTypePtr(nullptr, type), 1));
  ir::Stack stack{object, state};
  const absl::Status status = set_custom_state(*type->findMethod("__setstate__"), *type, stack);
  if (status.ok() && !object.toObjectRef().getSlot(0).isCapsule()) return absl::InternalError("nothing was made");
  return status;
}

std::vector<int16_t> conv_settings() { return {2, 2, 2, 1, 1, 3, 3, 0, 0, 2, 0}; }

IValue second_form(std::vector<int16_t> settings, at::Tensor weight, IValue bias = at::zeros({4})) {
  return tuple({"2", tensors({at::tensor(settings, at::kShort), std::move(weight)}), optionals({std::move(bias)})});
}

IValue changed(const IValue& state, size_t place, IValue value) {
  std::vector<IValue> elements = state.toTupleRef().elements().vec();
  elements.at(place) = std::move(value);
  return tuple(std::move(elements));
}

TEST(CustomState, QuantizedConvolutionsOfAllVersionsComeToLife) {
  const std::string name = "quantized.Conv2dPackedParamsBase";
  const at::Tensor weight = quantized({4, 2, 3, 3});
  const auto number = [](int16_t value) { return at::tensor({value}, at::kShort); };
  const auto numbers = [&](int16_t value) { return tensors({number(value), number(value)}); };
  EXPECT_EQ(state_of(name, tuple({weight, at::zeros({4}), numbers(2), numbers(1), numbers(3), number(2)})),
            absl::OkStatus());
  EXPECT_EQ(state_of(name, second_form(conv_settings(), weight)), absl::OkStatus());
  EXPECT_EQ(state_of(name, second_form(conv_settings(), by_channel({4, 2, 3, 3}, 0), IValue())), absl::OkStatus());
  EXPECT_EQ(state_of(name, tuple({3, ints({2, 2, 2, 1, 1, 3, 3, 0, 0, 2, 0}),
                                  optionals({IValue(), weight, at::zeros({4})})})),
            absl::OkStatus());
  // Transposed: two groups of 3 results each.
  EXPECT_EQ(state_of(name, second_form({2, 2, 2, 1, 1, 1, 1, 0, 0, 2, 1}, quantized({4, 3, 3, 3}), at::zeros({6}))),
            absl::OkStatus());
  EXPECT_EQ(state_of("quantized.Conv3dPackedParamsBase",
                     second_form({3, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0}, quantized({4, 2, 1, 3, 3}))),
            absl::OkStatus());
}

struct Forged {
  const char* what;
  IValue state;
};

void expect_refused(const std::string& name, const std::vector<Forged>& states) {
  for (const Forged& forged : states) {
    const absl::Status status = state_of(name, forged.state);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << forged.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr("'__setstate__' of custom class '__torch__.torch.classes." +
                                                         name + "' refuses the state: " + forged.what));
  }
}

TEST(CustomState, ForgedQuantizedConvolutionsNeverReachTheirKernels) {
  const at::Tensor weight = quantized({4, 2, 3, 3});
  const auto with = [&](size_t place, int16_t value) {
    std::vector<int16_t> settings = conv_settings();
    settings[place] = value;
    return second_form(std::move(settings), weight);
  };
  const IValue good = second_form(conv_settings(), weight);
  const IValue number = at::tensor({2}, at::kShort);
  const IValue lists = tensors({number.toTensor(), number.toTensor()});
  expect_refused(
      "quantized.Conv2dPackedParamsBase",
      {{"it is no tuple", 7},
       {"its version is none of 1, 2 and 3", tuple({"4"})},
       {"its version is none of 1, 2 and 3", tuple({4})},
       {"it is not (weight, bias, lists, groups)", tuple({weight})},
       {"a list of settings has another size", tuple({weight, IValue(), tensors({}), lists, lists, number})},
       {"a setting is no tensor of one number",
        tuple({weight, IValue(), tensors({at::Tensor(), at::Tensor()}), lists, lists, number})},
       {"the groups are no tensor of one number",
        tuple({weight, IValue(), lists, lists, lists, at::empty({0}, at::kShort)})},
       {"it is not (version, [settings, weight], [bias])", tuple({"2"})},
       {"it is not (version, [settings, weight], [bias])", changed(good, 1, tensors({weight}))},
       // The one that was found: an accessor of a tensor without memory.
       {"the settings are no vector of int16", changed(good, 1, tensors({at::Tensor(), weight}))},
       {"the settings are no vector of int16", changed(good, 1, tensors({at::zeros({11}), weight}))},
       {"the settings are of another number", changed(good, 1, tensors({at::empty({0}, at::kShort), weight}))},
       {"it is not (version, settings, [None, weight, bias])", tuple({3, ints({}), optionals({})})},
       {"the settings are of another number", tuple({3, ints({}), optionals({IValue(), weight, IValue()})})},
       {"the settings have unknown flags", with(10, 2)},
       {"the stride is not 2 numbers from 1 to 32767", with(1, 0)},
       {"the padding is not 2 numbers from 0 to 32767", with(3, -1)},
       {"the dilation is not 2 numbers from 1 to 32767", with(6, 0)},
       {"4 channels are not 0 groups", with(9, 0)},
       {"4 channels are not 3 groups", with(9, 3)},
       {"the weight is no tensor of 4 dimensions with elements", second_form(conv_settings(), at::Tensor())},
       {"the weight is no tensor of 4 dimensions with elements", second_form(conv_settings(), quantized({4, 2}))},
       {"the weight is no tensor of 4 dimensions with elements", second_form(conv_settings(), quantized({4, 2, 0, 3}))},
       {"the weight is not of qint8", second_form(conv_settings(), at::ones({4, 2, 3, 3}))},
       {"the weight's quantizer has no scale for each of its 4 channels",
        second_form(conv_settings(), by_channel({4, 2, 3, 3}, 2))},
       {"the bias is no vector of 4 floats", second_form(conv_settings(), weight, at::zeros({3}))},
       {"the bias is no vector of 4 floats", second_form(conv_settings(), weight, at::zeros({4}, at::kInt))}});
}

TEST(CustomState, LinearLayersAndEmbeddings) {
  EXPECT_EQ(state_of("quantized.LinearPackedParamsBase", tuple({quantized({3, 5}), at::zeros({3})})), absl::OkStatus());
  EXPECT_EQ(state_of("quantized.LinearPackedParamsBase", tuple({by_channel({3, 5}, 0), IValue()})), absl::OkStatus());
  EXPECT_EQ(state_of("quantized.LinearPackedParamsBase", tuple({at::ones({3, 5}), IValue()})), absl::OkStatus());
  expect_refused(
      "quantized.LinearPackedParamsBase",
      {{"the weight is no tensor of 2 dimensions with elements", tuple({at::Tensor(), IValue()})},
       {"the weight is no tensor of 2 dimensions with elements", tuple({quantized({3}), IValue()})},
       {"the weight is neither of qint8 nor of float32", tuple({at::ones({3, 5}, at::kInt), IValue()})},
       {"the weight's quantizer has no scale for each of its 3 channels", tuple({by_channel({3, 5}, 1), IValue()})},
       {"the bias is no vector of 3 floats", tuple({quantized({3, 5}), at::zeros({5})})}});
  const auto embedding = [](std::vector<at::Tensor> weights) {
    return tuple({1, tensors(std::move(weights)), c10::List<double>(), ints({8})});
  };
  EXPECT_EQ(state_of("quantized.EmbeddingPackedParamsBase", embedding({rows_by_float({3, 8})})), absl::OkStatus());
  expect_refused("quantized.EmbeddingPackedParamsBase",
                 {{"it has not one weight", embedding({})},
                  {"the weight is neither of quint8 nor of quint4x2", embedding({quantized({3, 8})})},
                  {"the weight is no tensor of 2 dimensions with elements", embedding({rows_by_float({0, 8})})}});
  expect_refused("rnn.CellParamsBase", {{"it has not two weights", tuple({"quantized", tensors({}), c10::List<double>(),
                                                                          ints({}), c10::List<int64_t>()})},
                                        {"the weight is no tensor of 2 dimensions with elements",
                                         tuple({"quantized", tensors({at::Tensor(), at::Tensor()}), c10::List<double>(),
                                                ints({}), c10::List<int64_t>()})}});
}

TEST(CustomState, ContextsOfFloats) {
  const at::Tensor weight = at::ones({4, 2, 3, 3});
  const IValue linear = tuple({at::ones({3, 5}), at::zeros({3}), IValue(), IValue()});
  const IValue conv = tuple({weight, at::zeros({4}), ints({2, 2}), ints({1, 1}), ints({3, 3}), 2, IValue(), IValue()});
  const IValue transposed =
      tuple({weight, IValue(), ints({2, 2}), ints({1, 1}), ints({0, 0}), ints({3, 3}), 2, IValue(), IValue()});
  const IValue onednn =
      tuple({weight, IValue(), ints({2, 2}), ints({1, 1}), ints({3, 3}), 2, ints({1, 4, 9, 9}), "none"});
  EXPECT_EQ(state_of("xnnpack.LinearOpContext", linear), absl::OkStatus());
  EXPECT_EQ(state_of("xnnpack.Conv2dOpContext", conv), absl::OkStatus());
  EXPECT_EQ(state_of("xnnpack.TransposeConv2dOpContext", transposed), absl::OkStatus());
  EXPECT_EQ(state_of("mkldnn.ConvOpContext", onednn), absl::OkStatus());
  expect_refused("xnnpack.LinearOpContext",
                 {{"the weight is not of float32", changed(linear, 0, at::ones({3, 5}, at::kDouble))},
                  {"the bias is no vector of 3 floats", changed(linear, 1, at::zeros({2}))}});
  expect_refused("xnnpack.Conv2dOpContext", {{"4 channels are not -1 groups", changed(conv, 5, -1)}});
  expect_refused("xnnpack.TransposeConv2dOpContext",
                 {{"the output padding is not 2 numbers from 0 to 32767", changed(transposed, 4, ints({}))}});
  expect_refused("mkldnn.ConvOpContext",
                 {{"the stride is not 2 numbers from 1 to 32767", changed(onednn, 2, ints({0, 0}))},
                  {"the input's size is not 4 numbers from 1 to 32767", changed(onednn, 6, ints({1, 4}))}});
}

// libtorch's engine for these is not the default one, so only the check is tried.
TEST(CustomState, SparseLinearLayers) {
  const at::Tensor rows = at::tensor({0, 1, 3}, at::kInt), columns = at::tensor({1, 0, 1}, at::kInt);
  // 2 rows of 8, in blocks of 1 x 4, of which three have values.
  const IValue good = tuple({2, at::zeros({2}), 1, 4, at::ones({1}), at::zeros({1}, at::kChar), true, rows, columns,
                             at::zeros({12}, at::kByte), 2, 8});
  const auto check = [](const IValue& state) {
    return std::string(check_custom_state("sparse.LinearPackedParamsBase", state).message());
  };
  EXPECT_EQ(check(good), "");
  EXPECT_EQ(check(changed(good, 2, 0)), "a size is not from 1 to 1048576");
  EXPECT_EQ(check(changed(good, 1, at::zeros({3}))), "the bias is no vector of 2 floats");
  EXPECT_EQ(check(changed(good, 6, false)), "the scales and zero points are not 2 of float and int8");
  EXPECT_EQ(check(changed(good, 7, at::zeros({3}))), "the places of blocks are no vectors of ints");
  EXPECT_EQ(check(changed(good, 7, at::tensor({0, 4, 3}, at::kInt))), "the places of blocks lie outside the matrix");
  EXPECT_EQ(check(changed(good, 8, at::tensor({1, 0, 2}, at::kInt))), "the places of blocks lie outside the matrix");
  EXPECT_EQ(check(changed(good, 9, at::zeros({11}, at::kByte))), "the values are not those of 3 blocks");
  IValue large = changed(changed(good, 2, 1 << 20), 10, 1 << 20);
  large = changed(changed(changed(large, 1, IValue()), 11, 1 << 20), 3, 1 << 20);
  large = changed(changed(changed(large, 7, at::tensor({0, 0}, at::kInt)), 8, at::empty({0}, at::kInt)), 9,
                  at::empty({0}, at::kByte));
  EXPECT_EQ(check(large), "the matrix is too large for the values that it has");
}

TEST(CustomState, OtherClassesAreTheirOwnJudges) { EXPECT_EQ(check_custom_state("mine.Counter", 7), absl::OkStatus()); }

}  // namespace
}  // namespace vesta::serialization
