// One program for each layer family of libtorch's C++ API.

#include <torch/nn.h>

#include "tests/tracer/program.h"

namespace vesta::test {
namespace {

namespace nn = torch::nn;
using at::Tensor;

// Tensors whose sizes grow with the example's number: {base, step} for each dimension.
std::function<Example(int)> grows(std::vector<std::pair<int64_t, int64_t>> sizes) {
  return [sizes](int n) {
    std::vector<int64_t> shape;
    for (const auto& [base, step] : sizes) shape.push_back(base + n * step);
    return Example{at::randn(shape)};
  };
}

std::function<Example(int)> pair_of(std::vector<int64_t> a, std::vector<int64_t> b) {
  return [a, b](int n) {
    std::vector<int64_t> first = a;
    std::vector<int64_t> second = b;
    first[0] += n, second[0] += n;
    return Example{at::randn(first), at::randn(second)};
  };
}

}  // namespace

std::vector<Program> layer_programs() {
  seed(1);
  std::vector<Program> all;
  all.push_back(neural("Linear", nn::Linear(4, 3), grows({{2, 1}, {4, 0}}), true));
  all.push_back(neural("Bilinear", nn::Bilinear(4, 3, 5), pair_of({2, 4}, {2, 3})));
  all.push_back(neural("Identity", nn::Identity(), grows({{2, 1}})));
  all.push_back(neural("Flatten", nn::Flatten(), grows({{2, 1}, {3, 0}, {4, 0}}), true));
  all.push_back(neural("Unflatten", nn::Unflatten(nn::UnflattenOptions(1, {2, 3})), grows({{2, 1}, {6, 0}}), true));
  all.push_back(
      neural("Conv1d", nn::Conv1d(nn::Conv1dOptions(3, 4, 3).padding(1)), grows({{2, 1}, {3, 0}, {8, 2}}), true));
  all.push_back(neural("Conv2d", nn::Conv2d(nn::Conv2dOptions(3, 4, 3).stride(2).padding(1)),
                       grows({{2, 1}, {3, 0}, {8, 2}, {9, 3}}), true));
  all.push_back(neural("Conv2dReflect", nn::Conv2d(nn::Conv2dOptions(3, 4, 3).padding(1).padding_mode(torch::kReflect)),
                       grows({{2, 1}, {3, 0}, {8, 2}, {9, 3}}), true));
  all.push_back(
      neural("Conv3d", nn::Conv3d(nn::Conv3dOptions(2, 3, 2)), grows({{1, 1}, {2, 0}, {4, 1}, {4, 1}, {4, 1}}), true));
  all.push_back(neural("ConvTranspose1d", nn::ConvTranspose1d(3, 2, 3), grows({{2, 1}, {3, 0}, {5, 1}}), true));
  all.push_back(neural("ConvTranspose2d", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(3, 2, 3).stride(2)),
                       grows({{2, 1}, {3, 0}, {5, 1}, {5, 2}}), true));
  all.push_back(
      neural("ConvTranspose3d", nn::ConvTranspose3d(2, 2, 2), grows({{1, 1}, {2, 0}, {3, 1}, {3, 1}, {3, 1}})));
  all.push_back(neural("MaxPool1d", nn::MaxPool1d(2), grows({{2, 1}, {3, 0}, {8, 2}}), true));
  all.push_back(neural("MaxPool2d", nn::MaxPool2d(2), grows({{2, 1}, {3, 0}, {8, 2}, {8, 2}}), true));
  all.push_back(neural("AvgPool2d", nn::AvgPool2d(2), grows({{2, 1}, {3, 0}, {8, 2}, {8, 2}}), true));
  all.push_back(neural("AvgPool3d", nn::AvgPool3d(2), grows({{1, 1}, {2, 0}, {4, 2}, {4, 2}, {4, 2}})));
  all.push_back(neural("AdaptiveAvgPool2d", nn::AdaptiveAvgPool2d(std::vector<int64_t>{3, 2}),
                       grows({{2, 1}, {3, 0}, {8, 1}, {9, 2}}), true));
  all.push_back(neural("AdaptiveMaxPool1d", nn::AdaptiveMaxPool1d(3), grows({{2, 1}, {3, 0}, {8, 1}})));
  all.push_back(neural("LPPool2d", nn::LPPool2d(nn::LPPool2dOptions(2.0, 2)), grows({{2, 1}, {3, 0}, {8, 2}, {8, 2}})));
  all.push_back(neural("BatchNorm1d", nn::BatchNorm1d(3), grows({{3, 1}, {3, 0}}), true));
  all.push_back(neural("BatchNorm2d", nn::BatchNorm2d(3), grows({{2, 1}, {3, 0}, {4, 1}, {5, 1}}), true));
  all.push_back(neural("InstanceNorm2d",
                       nn::InstanceNorm2d(nn::InstanceNorm2dOptions(3).affine(true).track_running_stats(true)),
                       grows({{2, 1}, {3, 0}, {4, 1}, {5, 1}}), true));
  all.push_back(neural("GroupNorm", nn::GroupNorm(2, 4), grows({{2, 1}, {4, 0}, {5, 1}}), true));
  all.push_back(neural("LayerNorm", nn::LayerNorm(nn::LayerNormOptions({5})), grows({{2, 1}, {3, 1}, {5, 0}}), true));
  all.push_back(neural("LocalResponseNorm", nn::LocalResponseNorm(2), grows({{2, 1}, {4, 0}, {5, 1}, {5, 2}}), true));
  all.push_back(neural("CrossMapLRN2d", nn::CrossMapLRN2d(3), grows({{2, 1}, {4, 0}, {5, 1}, {5, 2}})));
  all.push_back(neural("Dropout", nn::Dropout(0.5), grows({{2, 1}, {4, 0}})));
  all.push_back(neural("Dropout2d", nn::Dropout2d(0.5), grows({{2, 1}, {4, 0}, {3, 0}, {3, 0}})));
  all.push_back(neural("AlphaDropout", nn::AlphaDropout(0.5), grows({{2, 1}, {4, 0}})));
  all.push_back(neural(
      "Embedding", nn::Embedding(10, 4),
      [](int n) {
        return Example{at::randint(10, {2, 3 + n}, at::kLong)};
      },
      true));
  all.push_back(neural("EmbeddingBag", nn::EmbeddingBag(10, 4), [](int n) {
    return Example{at::randint(10, {2, 3 + n}, at::kLong)};
  }));
  all.push_back(neural("PReLU", nn::PReLU(), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("ReLU6", nn::ReLU6(), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("ReLUInPlace", nn::ReLU(nn::ReLUOptions(true)), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("ELU", nn::ELU(), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("GELU", nn::GELU(), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("GLU", nn::GLU(), grows({{2, 1}, {4, 0}})));
  all.push_back(neural("Softmax", nn::Softmax(1), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("LogSoftmax", nn::LogSoftmax(1), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("Hardtanh", nn::Hardtanh(), grows({{2, 1}, {3, 0}})));
  all.push_back(neural("Threshold", nn::Threshold(0.1, 20), grows({{2, 1}, {3, 0}})));
  all.push_back(
      neural("CosineSimilarity", nn::CosineSimilarity(nn::CosineSimilarityOptions().dim(1)), pair_of({2, 4}, {2, 4})));
  all.push_back(neural("PairwiseDistance", nn::PairwiseDistance(), pair_of({2, 4}, {2, 4})));
  all.push_back(neural("PixelShuffle", nn::PixelShuffle(2), grows({{2, 1}, {8, 0}, {3, 1}, {4, 1}}), true));
  all.push_back(neural(
      "Upsample", nn::Upsample(nn::UpsampleOptions().scale_factor(std::vector<double>{2.0, 2.0}).mode(torch::kNearest)),
      grows({{2, 1}, {3, 0}, {3, 1}, {4, 1}})));
  all.push_back(neural("Fold", nn::Fold(nn::FoldOptions({4, 5}, {2, 2})), grows({{2, 1}, {12, 0}, {12, 0}})));
  all.push_back(neural("Unfold", nn::Unfold(nn::UnfoldOptions({2, 2})), grows({{2, 1}, {3, 0}, {4, 1}, {5, 1}}), true));
  all.push_back(neural("ZeroPad2d", nn::ZeroPad2d(2), grows({{2, 1}, {3, 0}, {4, 1}, {4, 1}}), true));
  all.push_back(neural("ReplicationPad1d", nn::ReplicationPad1d(2), grows({{2, 1}, {3, 0}, {4, 1}})));
  all.push_back(neural("LSTM", nn::LSTM(nn::LSTMOptions(3, 5).num_layers(2).bidirectional(true)),
                       grows({{4, 1}, {2, 1}, {3, 0}}), true));
  all.push_back(neural("GRU", nn::GRU(nn::GRUOptions(3, 5).batch_first(true)), grows({{2, 1}, {4, 1}, {3, 0}}), true));
  all.push_back(neural("RNN", nn::RNN(3, 5), grows({{4, 1}, {2, 1}, {3, 0}}), true));
  all.push_back(neural("LSTMCell", nn::LSTMCell(3, 5), grows({{2, 1}, {3, 0}}), true));
  all.push_back(neural("GRUCell", nn::GRUCell(3, 5), grows({{2, 1}, {3, 0}}), true));
  all.push_back(neural(
      "MultiheadAttention", nn::MultiheadAttention(nn::MultiheadAttentionOptions(8, 2)),
      [](int n) {
        return Example{at::randn({3 + n, 2 + 2 * n, 8}), at::randn({5 + n, 2 + 2 * n, 8}),
                       at::randn({5 + n, 2 + 2 * n, 8})};
      },
      true));
  all.push_back(neural("TransformerEncoderLayer",
                       nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16)),
                       grows({{3, 1}, {2, 2}, {8, 0}}), true));
  all.push_back(neural(
      "TransformerDecoderLayer",
      nn::TransformerDecoderLayer(nn::TransformerDecoderLayerOptions(8, 2).dim_feedforward(16)),
      [](int n) {
        return Example{at::randn({3 + n, 2 + 2 * n, 8}), at::randn({5 + n, 2 + 2 * n, 8})};
      },
      true));
  all.push_back(neural("MSELoss", nn::MSELoss(), pair_of({2, 4}, {2, 4})));
  all.push_back(neural("CrossEntropyLoss", nn::CrossEntropyLoss(), [](int n) {
    return Example{at::randn({3 + n, 5}), at::randint(5, {3 + n}, at::kLong)};
  }));
  all.push_back(neural("Sequential", nn::Sequential(nn::Linear(4, 8), nn::ReLU(), nn::Dropout(0.2), nn::Linear(8, 2)),
                       grows({{2, 1}, {4, 0}}), true));
  return all;
}

}  // namespace vesta::test
