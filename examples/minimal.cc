// The smallest program: loads a TorchScript archive, calls it on a tensor of ones and prints the result.
//
//   minimal model.pt 1 3 224 224

#include <cstdlib>
#include <iostream>
#include <vector>

#include <ATen/ops/ones.h>
#include <vesta/vesta.h>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: minimal MODEL SIZE...\n";
    return 2;
  }
  std::vector<int64_t> sizes;
  for (int i = 2; i < argc; ++i) sizes.push_back(std::atoll(argv[i]));

  const absl::StatusOr<vesta::Module> model = vesta::load(argv[1]);
  if (!model.ok()) {
    std::cerr << model.status().message() << "\n";
    return 1;
  }
  const absl::StatusOr<c10::IValue> result = model->forward({at::ones(sizes)});
  if (!result.ok()) {
    std::cerr << result.status().message() << "\n";
    return 1;
  }
  std::cout << vesta::format_value(*result) << "\n";
  return 0;
}
