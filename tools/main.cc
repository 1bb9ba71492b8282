#include <iostream>
#include <string>
#include <vector>

#include "tools/commands.h"

int main(int argc, char** argv) {
  return vesta::tools::run_vesta(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
}
