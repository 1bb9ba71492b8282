// Whole models, written as users write them.

#include <torch/nn.h>

#include "tests/tracer/program.h"

namespace vesta::test {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using at::Tensor;

struct BlockImpl : nn::Module {
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  nn::Sequential downsample{nullptr};

  BlockImpl(int64_t in, int64_t out, int64_t stride) {
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)));
    bn1 = register_module("bn1", nn::BatchNorm2d(out));
    conv2 = register_module("conv2", nn::Conv2d(nn::Conv2dOptions(out, out, 3).padding(1).bias(false)));
    bn2 = register_module("bn2", nn::BatchNorm2d(out));
    if (stride != 1 || in != out) {
      downsample = register_module(
          "downsample",
          nn::Sequential(nn::Conv2d(nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)), nn::BatchNorm2d(out)));
    }
  }
  Tensor forward(Tensor x) {
    Tensor y = torch::relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    y += downsample.is_empty() ? x : downsample->forward(x);
    return y.relu_();
  }
};
TORCH_MODULE(Block);

struct ResNetImpl : nn::Module {
  nn::Conv2d conv1{nullptr};
  nn::BatchNorm2d bn1{nullptr};
  nn::Sequential layer1{nullptr}, layer2{nullptr};
  nn::Linear fc{nullptr};

  ResNetImpl() {
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, 8, 7).stride(2).padding(3).bias(false)));
    bn1 = register_module("bn1", nn::BatchNorm2d(8));
    layer1 = register_module("layer1", nn::Sequential(Block(8, 8, 1), Block(8, 8, 1)));
    layer2 = register_module("layer2", nn::Sequential(Block(8, 16, 2), Block(16, 16, 1)));
    fc = register_module("fc", nn::Linear(16, 5));
  }
  Tensor forward(const Tensor& input) {
    Tensor x = torch::max_pool2d(torch::relu(bn1(conv1(input))), 3, 2, 1);
    x = layer2->forward(layer1->forward(x));
    x = torch::adaptive_avg_pool2d(x, {1, 1});
    return fc(x.view({x.size(0), x.size(1)}));
  }
};
TORCH_MODULE(ResNet);

struct UNetImpl : nn::Module {
  nn::Conv2d down1{nullptr}, down2{nullptr}, middle{nullptr}, up1{nullptr}, up2{nullptr};

  UNetImpl() {
    const auto conv = [](int64_t in, int64_t out) { return nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)); };
    down1 = register_module("down1", conv(1, 4));
    down2 = register_module("down2", conv(4, 8));
    middle = register_module("middle", conv(8, 8));
    up1 = register_module("up1", conv(16, 4));
    up2 = register_module("up2", conv(8, 2));
  }
  static Tensor grow(const Tensor& x, const Tensor& like) {
    return F::interpolate(x, F::InterpolateFuncOptions()
                                 .size(std::vector<int64_t>{like.size(2), like.size(3)})
                                 .mode(torch::kBilinear)
                                 .align_corners(false));
  }
  Tensor forward(Tensor x) {
    const Tensor a = torch::relu(down1(x));
    const Tensor b = torch::relu(down2(torch::max_pool2d(a, 2)));
    Tensor y = torch::relu(middle(torch::max_pool2d(b, 2)));
    y = torch::relu(up1(torch::cat({grow(y, b), b}, 1)));
    return up2(torch::cat({grow(y, a), a}, 1));
  }
};
TORCH_MODULE(UNet);

struct TaggerImpl : nn::Module {
  nn::Embedding embedding{nullptr};
  nn::LSTM lstm{nullptr};
  nn::Linear tags{nullptr};

  TaggerImpl() {
    embedding = register_module("embedding", nn::Embedding(20, 6));
    lstm = register_module("lstm", nn::LSTM(nn::LSTMOptions(6, 5).bidirectional(true)));
    tags = register_module("tags", nn::Linear(10, 4));
  }
  Tensor forward(const Tensor& words) {
    const Tensor embedded = embedding(words);
    const Tensor hidden = std::get<0>(lstm(embedded.view({words.size(0), 1, -1})));
    return torch::log_softmax(tags(hidden.view({words.size(0), -1})), 1);
  }
};
TORCH_MODULE(Tagger);

struct EncoderImpl : nn::Module {
  nn::Embedding embedding{nullptr};
  nn::TransformerEncoder encoder{nullptr};
  nn::Linear head{nullptr};

  EncoderImpl() {
    embedding = register_module("embedding", nn::Embedding(20, 8));
    encoder = register_module(
        "encoder", nn::TransformerEncoder(nn::TransformerEncoderOptions(
                       nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16)), 2)));
    head = register_module("head", nn::Linear(8, 20));
  }
  Tensor forward(const Tensor& words) {
    const int64_t length = words.size(0);
    const Tensor position = torch::arange(length).to(torch::kFloat).unsqueeze(1).unsqueeze(2);
    const Tensor x = embedding(words) * std::sqrt(8.0) + torch::sin(position);
    const Tensor mask = torch::full({length, length}, -1e9).triu(1);
    return head(encoder(x, mask));
  }
};
TORCH_MODULE(Encoder);

struct GeneratorImpl : nn::Module {
  nn::ConvTranspose2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  nn::BatchNorm2d norm1{nullptr}, norm2{nullptr};

  GeneratorImpl() {
    const auto conv = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
      return nn::ConvTranspose2d(
          nn::ConvTranspose2dOptions(in, out, kernel).stride(stride).padding(padding).bias(false));
    };
    conv1 = register_module("conv1", conv(6, 8, 4, 1, 0));
    norm1 = register_module("norm1", nn::BatchNorm2d(8));
    conv2 = register_module("conv2", conv(8, 4, 4, 2, 1));
    norm2 = register_module("norm2", nn::BatchNorm2d(4));
    conv3 = register_module("conv3", conv(4, 1, 4, 2, 1));
  }
  Tensor forward(Tensor noise) {
    noise = torch::relu(norm1(conv1(noise.view({noise.size(0), -1, 1, 1}))));
    noise = torch::leaky_relu(norm2(conv2(noise)), 0.2);
    return torch::tanh(conv3(noise));
  }
};
TORCH_MODULE(Generator);

// A variational autoencoder: random numbers, several results.
struct AutoencoderImpl : nn::Module {
  nn::Linear encode{nullptr}, mean{nullptr}, spread{nullptr}, decode{nullptr};

  AutoencoderImpl() {
    encode = register_module("encode", nn::Linear(12, 8));
    mean = register_module("mean", nn::Linear(8, 3));
    spread = register_module("spread", nn::Linear(8, 3));
    decode = register_module("decode", nn::Linear(3, 12));
  }
  std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& x) {
    const Tensor h = torch::relu(encode(x.reshape({x.size(0), -1})));
    const Tensor m = mean(h);
    const Tensor s = spread(h);
    const Tensor z = m + torch::randn_like(m) * torch::exp(0.5 * s);
    return {torch::sigmoid(decode(z)).view_as(x), m, s};
  }
};
TORCH_MODULE(Autoencoder);

// Windows of an image, attention within each, and back: reshapes that depend on all sizes.
struct WindowAttentionImpl : nn::Module {
  nn::Linear qkv{nullptr}, out{nullptr};

  WindowAttentionImpl() {
    qkv = register_module("qkv", nn::Linear(8, 24));
    out = register_module("out", nn::Linear(8, 8));
  }
  Tensor forward(const Tensor& x) {
    const int64_t b = x.size(0), h = x.size(1), w = x.size(2), c = x.size(3), s = 2;
    Tensor windows = x.view({b, h / s, s, w / s, s, c}).permute({0, 1, 3, 2, 4, 5}).reshape({-1, s * s, c});
    const Tensor heads = qkv(windows).view({windows.size(0), s * s, 3, 2, c / 2}).permute({2, 0, 3, 1, 4});
    const Tensor scores = torch::matmul(heads[0], heads[1].transpose(-2, -1)) / std::sqrt(4.0);
    Tensor y = torch::matmul(scores.softmax(-1), heads[2]).transpose(1, 2).reshape({-1, s * s, c});
    y = out(y).view({b, h / s, w / s, s, s, c}).permute({0, 1, 3, 2, 4, 5}).reshape({b, h, w, c});
    return torch::roll(y, {-1, -1}, {1, 2});
  }
};
TORCH_MODULE(WindowAttention);

struct SqueezeImpl : nn::Module {
  nn::Conv2d conv{nullptr}, gate1{nullptr}, gate2{nullptr};
  Tensor scale;

  SqueezeImpl() {
    conv = register_module("conv", nn::Conv2d(nn::Conv2dOptions(3, 8, 3).groups(1)));
    gate1 = register_module("gate1", nn::Conv2d(8, 2, 1));
    gate2 = register_module("gate2", nn::Conv2d(2, 8, 1));
    scale = register_parameter("scale", torch::full({8, 1, 1}, 0.5));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = conv(x);
    const Tensor gate = torch::sigmoid(gate2(torch::silu(gate1(y.mean({2, 3}, true)))));
    return y * gate * scale;
  }
};
TORCH_MODULE(Squeeze);

std::function<Example(int)> images(int64_t channels, int64_t size, int64_t step) {
  return [=](int n) { return Example{at::randn({2 + n, channels, size + n * step, size + 4 * step + n * step})}; };
}

}  // namespace

std::vector<Program> model_programs() {
  seed(2);
  const auto words = [](int n) { return Example{at::randint(20, {5 + 2 * n}, at::kLong)}; };
  std::vector<Program> all;
  all.push_back(neural("ResNet", ResNet(), images(3, 32, 8), true));
  all.push_back(neural("UNet", UNet(), images(1, 12, 3), true));
  all.push_back(neural("LstmTagger", Tagger(), words, true));
  all.push_back(neural(
      "TransformerEncoder", Encoder(),
      [](int n) {
        return Example{at::randint(20, {4 + n, 2 + 3 * n}, at::kLong)};
      },
      true));
  all.push_back(neural(
      "GanGenerator", Generator(),
      [](int n) {
        return Example{at::randn({2 + n, 6})};
      },
      true));
  all.push_back(neural(
      "Autoencoder", Autoencoder(),
      [](int n) {
        return Example{at::randn({2 + n, 3, 4})};
      },
      true));
  all.push_back(neural(
      "WindowAttention", WindowAttention(),
      [](int n) {
        return Example{at::randn({1 + n, 4 + 2 * n, 6 + 4 * n, 8})};
      },
      true));
  all.push_back(neural("Squeeze", Squeeze(), images(3, 6, 1), true));
  return all;
}

}  // namespace vesta::test
