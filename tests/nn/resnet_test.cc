// A state dict of torchvision's resnet50 in a C++ twin and in the scripted archive. tests/interop/resnet.py writes the
// files (200 MB) and runs this; without it there is nothing to compare.

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn.h>
#include <vesta/load.h>
#include <vesta/nn.h>
#include <vesta/value.h>

namespace vesta::nn {
namespace {

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct BottleneckImpl : torch::nn::Module {
  BottleneckImpl(int64_t in, int64_t width, int64_t stride)
      : conv1(register_module("conv1", conv(in, width, 1, 1))),
        bn1(register_module("bn1", torch::nn::BatchNorm2d(width))),
        conv2(register_module("conv2", conv(width, width, 3, stride))),
        bn2(register_module("bn2", torch::nn::BatchNorm2d(width))),
        conv3(register_module("conv3", conv(width, 4 * width, 1, 1))),
        bn3(register_module("bn3", torch::nn::BatchNorm2d(4 * width))) {
    if (stride != 1 || in != 4 * width) {
      downsample = register_module(
          "downsample", torch::nn::Sequential(conv(in, 4 * width, 1, stride), torch::nn::BatchNorm2d(4 * width)));
    }
  }
  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = bn1(conv1(x)).relu();
    y = bn2(conv2(y)).relu();
    y = bn3(conv3(y));
    return y.add(downsample.is_empty() ? x : downsample->forward(x)).relu();
  }
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv2;
  torch::nn::BatchNorm2d bn2;
  torch::nn::Conv2d conv3;
  torch::nn::BatchNorm2d bn3;
  torch::nn::Sequential downsample{nullptr};
};
TORCH_MODULE(Bottleneck);

struct ResNet50 : torch::nn::Module {
  ResNet50() {
    int64_t in = 64;
    for (const auto& [width, count] : {std::pair{64, 3}, std::pair{128, 4}, std::pair{256, 6}, std::pair{512, 3}}) {
      torch::nn::Sequential layer;
      for (int i = 0; i < count; ++i) {
        layer->push_back(Bottleneck(in, width, i == 0 && width != 64 ? 2 : 1));
        in = 4 * width;
      }
      layers.push_back(layer);
      register_module("layer" + std::to_string(layers.size()), layer);
    }
    fc = register_module("fc", torch::nn::Linear(2048, 1000));
  }
  at::Tensor forward(const at::Tensor& image) {
    at::Tensor x = torch::max_pool2d(bn1(conv1(image)).relu(), 3, 2, 1);
    for (torch::nn::Sequential& layer : layers) x = layer->forward(x);
    return fc(x.mean({2, 3}));
  }
  torch::nn::Conv2d conv1 =
      register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 64, 7).stride(2).padding(3).bias(false)));
  torch::nn::BatchNorm2d bn1 = register_module("bn1", torch::nn::BatchNorm2d(64));
  std::vector<torch::nn::Sequential> layers;
  torch::nn::Linear fc{nullptr};
};

TEST(ResNet50, AStateDictOfPythonLoadsIntoACppTwinAndTheScriptedArchiveWithEqualOutputs) {
  const char* folder = std::getenv("VESTA_RESNET_FOLDER");
  if (folder == nullptr) GTEST_SKIP() << "tests/interop/resnet.py sets VESTA_RESNET_FOLDER";
  const std::string path = folder;
  const auto state = load_checkpoint(path + "/state.pt");
  const auto values = load_checkpoint(path + "/values.pt");
  ASSERT_TRUE(state.ok() && values.ok()) << state.status() << values.status();
  const at::Tensor input = *values->get<at::Tensor>("input");
  const at::Tensor expected = *values->get<at::Tensor>("output");
  const at::NoGradGuard no_grad;

  ResNet50 twin;
  const auto report = load_state_dict(twin, state->root());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(state_dict(twin).size(), state->root().entries().size());
  twin.eval();
  const double twin_difference = twin.forward(input).sub(expected).abs().max().item<double>();
  EXPECT_LT(twin_difference, 1e-4);

  auto scripted = load(path + "/scripted.pt");
  ASSERT_TRUE(scripted.ok()) << scripted.status();
  const auto before = get<at::Tensor>(scripted->forward({input}));
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_GT(before->sub(expected).abs().max().item<double>(), 1e-3) << "the archive's own weights are others";
  ASSERT_TRUE(vesta::load_state_dict(*scripted, state->root()).ok());
  const auto after = get<at::Tensor>(scripted->forward({input}));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_LT(after->sub(expected).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace vesta::nn
