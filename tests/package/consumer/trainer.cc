// usage: trainer DATA: goes on with the training that Python began (tests/interop/training.py wrote the checkpoint).

#include <iostream>
#include <string>

#include <torch/nn.h>
#include <torch/optim/adam.h>
#include <vesta/nn.h>

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: trainer DATA\n", 2;
  torch::nn::Sequential model(torch::nn::Linear(3, 4), torch::nn::Tanh(), torch::nn::Linear(4, 1));
  model->to(torch::kDouble);
  torch::optim::Adam optimizer(model->parameters());
  const auto checkpoint = vesta::load_checkpoint(std::string(argv[1]) + "/training_Adam.pt");
  if (!checkpoint.ok()) return std::cerr << checkpoint.status() << "\n", 1;
  const auto report = vesta::nn::load_state_dict(*model, *checkpoint->at("model"));
  if (!report.ok()) return std::cerr << report.status() << "\n", 1;
  const absl::Status loaded = vesta::nn::load_state_dict(optimizer, *checkpoint->at("optimizer"));
  if (!loaded.ok()) return std::cerr << loaded << "\n", 1;
  model->forward(torch::ones({1, 3}, torch::kDouble)).sum().backward();
  optimizer.step();
  const auto state = vesta::nn::state_dict(optimizer);
  if (!state.ok()) return std::cerr << state.status() << "\n", 1;
  std::cout << "step " << state->at("state.0.step")->tensor().item<double>() << ", parameters "
            << vesta::nn::state_dict(*model).size() << "\n";
}
