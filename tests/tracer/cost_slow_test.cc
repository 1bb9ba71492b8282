// What tracing costs.

#include <torch/nn.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {
namespace {

namespace nn = torch::nn;
using at::Tensor;

// Of the processor, by one thread: other programs do not count.
double seconds(const std::function<void()>& code) {
  const std::clock_t start = std::clock();
  code();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

double best_of(int runs, const std::function<void()>& code) {
  double best = seconds(code);
  for (int i = 1; i < runs; ++i) best = std::min(best, seconds(code));
  return best;
}

struct BottleneckImpl : nn::Module {
  nn::Sequential body{nullptr}, shortcut{nullptr};
  BottleneckImpl(int64_t in, int64_t width, int64_t stride) {
    const auto conv = [](int64_t from, int64_t to, int64_t kernel, int64_t step) {
      return nn::Conv2d(nn::Conv2dOptions(from, to, kernel).stride(step).padding(kernel / 2).bias(false));
    };
    body = register_module("body", nn::Sequential(conv(in, width, 1, 1), nn::BatchNorm2d(width), nn::ReLU(),
                                                  conv(width, width, 3, stride), nn::BatchNorm2d(width), nn::ReLU(),
                                                  conv(width, 4 * width, 1, 1), nn::BatchNorm2d(4 * width)));
    if (in != 4 * width) {
      shortcut =
          register_module("shortcut", nn::Sequential(conv(in, 4 * width, 1, stride), nn::BatchNorm2d(4 * width)));
    }
  }
  Tensor forward(const Tensor& x) {
    return torch::relu(body->forward(x) + (shortcut.is_empty() ? x : shortcut->forward(x)));
  }
};
TORCH_MODULE(Bottleneck);

struct ResNet50Impl : nn::Module {
  nn::Sequential stem{nullptr}, layers{nullptr};
  nn::Linear fc{nullptr};
  ResNet50Impl() {
    stem =
        register_module("stem", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(3, 64, 7).stride(2).padding(3).bias(false)),
                                               nn::BatchNorm2d(64), nn::ReLU(),
                                               nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1))));
    layers = register_module("layers", nn::Sequential());
    int64_t in = 64;
    const std::vector<std::pair<int64_t, int>> stages{{64, 3}, {128, 4}, {256, 6}, {512, 3}};
    for (const auto& [width, count] : stages) {
      for (int i = 0; i < count; ++i) {
        layers->push_back(Bottleneck(in, width, i == 0 && width > 64 ? 2 : 1));
        in = 4 * width;
      }
    }
    fc = register_module("fc", nn::Linear(2048, 1000));
  }
  Tensor forward(const Tensor& x) {
    return fc(torch::adaptive_avg_pool2d(layers->forward(stem->forward(x)), {1, 1}).flatten(1));
  }
};
TORCH_MODULE(ResNet50);

TEST(TraceCost, ResNet50TakesAtMostThreeTimesItsEagerRun) {
  if (std::getenv("VESTA_MEASURE") == nullptr) GTEST_SKIP() << "set VESTA_MEASURE to hold times against their bounds";
  ResNet50 net;
  net->eval();
  const at::NoGradGuard no_grad;
  const Tensor x = at::randn({1, 3, 224, 224});
  const double eager = best_of(5, [&] { net->forward(x); });
  net->train();
  const double training = best_of(3, [&] { net->forward(x); });
  net->eval();
  const double modes = best_of(3, [&] { must(trace(net, {x}, {.check = false})); });
  const double frozen = best_of(3, [&] { must(trace(net, {x}, {.check = false, .freeze_mode = true})); });
  std::printf("ResNet-50: eager %.0f ms (%.0f in training), trace %.0f ms of both modes, %.0f ms of one\n", eager * 1e3,
              training * 1e3, modes * 1e3, frozen * 1e3);
  EXPECT_LT(frozen, 3 * eager);
  // A run in training takes longer by itself.
  EXPECT_LT(modes, 3 * (eager + training) / 2);
}

TEST(TraceCost, TenThousandOperatorsTakeLessThanASecondMore) {
  if (std::getenv("VESTA_MEASURE") == nullptr) GTEST_SKIP() << "set VESTA_MEASURE to hold times against their bounds";
  const auto code = [](Tensor x) {
    for (int i = 0; i < 5000; ++i) x = (x + 1).relu();
    return x;
  };
  const Tensor x = at::randn({4});
  const double eager = best_of(5, [&] { code(x); });
  const double traced = best_of(3, [&] { must(trace(code, {x}, {.check = false})); });
  std::printf("10,000 operators: eager %.0f ms, trace %.0f ms\n", eager * 1e3, traced * 1e3);
  EXPECT_LT(traced - eager, 1.0);
}

}  // namespace
}  // namespace vesta::test
