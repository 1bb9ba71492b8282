// vesta_save_programs: for each line "IN<tab>OUT" of standard input, loads the archive IN and saves it as OUT, extra
// files too; answers with a line: "ok", or the error. One process for many archives: starting one takes longer than
// most of them.

#include <algorithm>
#include <iostream>
#include <string>

#include <vesta/vesta.h>

namespace {

absl::Status save_again(const std::string& in, const std::string& out) {
  vesta::ExtraFiles extra_files;
  vesta::LoadOptions options;
  options.extra_files = &extra_files;
  options.all_extra_files = true;
  const absl::StatusOr<vesta::Module> module = vesta::load(in, options);
  return module.ok() ? module->save(out, extra_files) : module.status();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) return 2;
    const absl::Status status = save_again(line.substr(0, tab), line.substr(tab + 1));
    std::string answer = status.ok() ? "ok" : std::string(status.message());
    std::replace(answer.begin(), answer.end(), '\n', ' ');
    std::cout << answer << std::endl;
  }
  return 0;
}
