// Training that goes on in the other language: checkpoints that tests/interop/training.py wrote after 5 steps, with the
// losses of the 10 steps that Python made next. VESTA_TRAINING_OUT=FOLDER leaves checkpoints after 5 more steps for
// `training.py check`.

#include <cstdlib>
#include <functional>

#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn.h>
#include <torch/optim.h>
#include <vesta/nn.h>

namespace vesta::nn {
namespace {

using ::testing::HasSubstr;

const std::string kData = std::string(VESTA_SOURCE_DIR) + "/tests/nn/data/";

template <class T>
T must(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(std::string(value.status().message()));
  return *std::move(value);
}
void must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

torch::nn::Sequential make_model() {
  torch::nn::Sequential model(torch::nn::Linear(3, 4), torch::nn::Tanh(), torch::nn::Linear(4, 1));
  model->to(torch::kDouble);
  return model;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const std::string& name, torch::nn::Sequential& model) {
  const std::vector<at::Tensor> parameters = model->parameters();
  // Options come from the checkpoint.
  if (name == "SGD") return std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(1));
  if (name == "Adam") return std::make_unique<torch::optim::Adam>(parameters);
  if (name == "AdamW") return std::make_unique<torch::optim::AdamW>(parameters);
  if (name == "RMSprop") return std::make_unique<torch::optim::RMSprop>(parameters);
  if (name == "Adagrad") return std::make_unique<torch::optim::Adagrad>(parameters);
  return std::make_unique<torch::optim::LBFGS>(parameters);
}

// `epoch`: the scheduler's count; StepLR(4, 0.5).
std::vector<double> train(torch::nn::Sequential& model, torch::optim::Optimizer& optimizer, int64_t& epoch, int steps) {
  const at::Tensor x = at::linspace(-1, 1, 24, at::kDouble).view({8, 3});
  const at::Tensor y = x.sum(1, true).sin();
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) {
    const at::Tensor loss = optimizer.step([&] {
      optimizer.zero_grad();
      at::Tensor value = model->forward(x).sub(y).square().mean();
      value.backward();
      return value;
    });
    losses.push_back(loss.item<double>());
    if (++epoch % 4 == 0) {
      for (auto& group : optimizer.param_groups()) group.options().set_lr(group.options().get_lr() * 0.5);
    }
  }
  return losses;
}

class Training : public ::testing::TestWithParam<std::string> {};

TEST_P(Training, GoesOnInCppWithPythonsLosses) {
  const std::string name = GetParam();
  const Checkpoint checkpoint = must(load_checkpoint(kData + "training_" + name + ".pt"));
  const Checkpoint python = must(load_checkpoint(kData + "trained_" + name + ".pt"));
  torch::nn::Sequential model = make_model();
  EXPECT_TRUE(must(load_state_dict(*model, must(checkpoint.at("model")))).clean());
  const auto optimizer = make_optimizer(name, model);
  must(load_state_dict(*optimizer, must(checkpoint.at("optimizer"))));
  int64_t epoch = must(checkpoint.get<int64_t>("scheduler.last_epoch"));
  const std::vector<double> expected = must(python.get<std::vector<double>>("losses"));
  std::vector<double> got = train(model, *optimizer, epoch, 5);
  if (const char* folder = std::getenv("VESTA_TRAINING_OUT")) {
    PyValue scheduler = must(checkpoint.at("scheduler"));
    must(scheduler.set("last_epoch", epoch));
    must(scheduler.set("_step_count", epoch + 1));
    must(scheduler.set("_last_lr", PyValue::list({optimizer->param_groups()[0].options().get_lr()})));
    must(save_checkpoint(PyValue::dict({{"model", state_dict_value(*model)},
                                        {"optimizer", must(state_dict(*optimizer, must(checkpoint.at("optimizer"))))},
                                        {"scheduler", scheduler}}),
                         std::string(folder) + "/from_cpp_" + name + ".pt"));
  }
  const std::vector<double> later = train(model, *optimizer, epoch, 5);
  got.insert(got.end(), later.begin(), later.end());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[5 + i], 1e-6) << "step " << i;
}

TEST_P(Training, SavedStoppedAndResumedInCppIsBitByBitAsNeverStopped) {
  const std::string name = GetParam();
  const Checkpoint checkpoint = must(load_checkpoint(kData + "training_" + name + ".pt"));
  const auto start = [&](const PyValue& from, torch::nn::Sequential& model) {
    must(load_state_dict(*model, must(from.at("model"))));
    auto optimizer = make_optimizer(name, model);
    must(load_state_dict(*optimizer, must(from.at("optimizer"))));
    return optimizer;
  };
  torch::nn::Sequential whole = make_model();
  const auto never_stopped = start(checkpoint.root(), whole);
  int64_t epoch = 5;
  train(whole, *never_stopped, epoch, 8);

  torch::nn::Sequential half = make_model();
  const auto stopped = start(checkpoint.root(), half);
  epoch = 5;
  train(half, *stopped, epoch, 3);
  const std::string bytes = must(
      save_checkpoint(PyValue::dict({{"model", state_dict_value(*half)}, {"optimizer", must(state_dict(*stopped))}})));
  torch::nn::Sequential resumed = make_model();
  const Checkpoint saved = must(load_checkpoint(std::as_bytes(std::span(bytes))));
  const auto optimizer = start(saved.root(), resumed);
  train(resumed, *optimizer, epoch, 5);
  const StateDict a = state_dict(*whole);
  const StateDict b = state_dict(*resumed);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i].value, b[i].value)) << a[i].name;
}

TEST_P(Training, WhatCppHasNoPlaceForIsKept) {
  const std::string name = GetParam();
  const Checkpoint checkpoint = must(load_checkpoint(kData + "training_" + name + ".pt"));
  torch::nn::Sequential model = make_model();
  const auto optimizer = make_optimizer(name, model);
  const PyValue python = must(checkpoint.at("optimizer"));
  must(load_state_dict(*optimizer, python));
  const PyValue again = must(state_dict(*optimizer, python));
  for (const PyEntry& entry : must(python.at("param_groups.0")).entries()) {
    const PyValue kept = must(again.at("param_groups.0." + entry.first.text()));
    // Python writes some floats as ints.
    const auto number = entry.second.get<double>();
    if (number.ok()) {
      EXPECT_EQ(must(kept.get<double>()), *number) << entry.first.text();
    } else {
      EXPECT_EQ(kept.summary(), entry.second.summary()) << entry.first.text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, Training, ::testing::Values("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS"),
                         [](const auto& one) { return one.param; });

TEST(OptimizerState, WhatDoesNotFitIsRefusedWithItsPathAndNothingChanges) {
  torch::nn::Sequential model = make_model();
  torch::optim::Adam adam(model->parameters(), torch::optim::AdamOptions(0.25));
  const Checkpoint checkpoint = must(load_checkpoint(kData + "training_Adam.pt"));
  PyValue state = must(checkpoint.at("optimizer"));
  must(must(state.at("state.0")).set("exp_avg", 0.5));
  absl::Status refused = load_state_dict(adam, state);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("expected Tensor at 'state.0.exp_avg', got float"));
  EXPECT_EQ(adam.param_groups()[0].options().get_lr(), 0.25);
  must(must(state.at("state.0")).set("exp_avg", at::ones({2})));
  EXPECT_THAT(std::string(load_state_dict(adam, state).message()), HasSubstr("its parameter is Tensor float64 [4, 3]"));
  must(must(state.at("param_groups.0")).set("maximize", true));
  EXPECT_THAT(std::string(load_state_dict(adam, state).message()), HasSubstr("'param_groups.0.maximize' is True"));
}

TEST(ModuleState, KeysThatDoNotFitAreAllNamed) {
  torch::nn::Sequential model = make_model();
  const auto report = load_state_dict(
      *model,
      PyValue::dict({{"module.0.weight", at::ones({4, 3})}, {"module.2.bias", at::ones({3})}, {"x", at::ones({1})}}),
      {.strip_prefix = "module."});
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("missing: 0.bias, 2.weight"));
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("unexpected: x"));
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("mismatched: 2.bias: shape [1] in the module, [3] given"));
}

}  // namespace
}  // namespace vesta::nn
