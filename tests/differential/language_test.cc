// Programs in source text. Each file of programs/ holds several, each under a line "### name". Their functions `main`
// and test_* take no arguments. Two oracles:
//   * torch::jit's frontend of C++, in this process, where it knows enough of the language for a program: results,
//     aliasing within them, printed text and errors must agree;
//   * its frontend of Python, recorded in NAME.expected (record/record_programs.py): printed text and errors.
// "### name: refused": neither compiles it. "### name: ours": only Vesta does; such a test tells by itself whether it
// is right.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <vesta/vesta.h>

#include "tests/differential/compare.h"
#include "tests/differential/subject.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;

struct Program {
  std::string name;        // "file/name"
  std::string short_name;  // "name"
  std::string mode;        // "", "refused", "ours"
  std::string source;
};

std::vector<Program> programs_of(const fs::path& path) {
  std::vector<Program> programs;
  std::ifstream file(path);
  static const std::regex header("### ([^:]*)(: (refused|ours))?");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, header)) {
      programs.push_back({path.stem().string() + "/" + match[1].str(), match[1].str(), match[3].str(), ""});
    } else if (!programs.empty()) {
      programs.back().source += line + "\n";
    }
  }
  return programs;
}

std::string& printed() {
  static std::string text;
  return text;
}

struct Outcome {
  bool ok = false;
  c10::IValue value;
  std::string error_class;
  std::string error;
  std::string printed;
};

Outcome call_theirs(torch::jit::Function& function) {
  Outcome outcome;
  printed().clear();
  at::manual_seed(7);
  try {
    outcome.value = function({});
    outcome.ok = true;
  } catch (const torch::jit::JITException& error) {
    outcome.error_class = error.getPythonClassName().value_or("");
    outcome.error = error.getOriginalMsg().value_or(error.what());
  } catch (const c10::IndexError& error) {
    outcome.error_class = "IndexError";
    outcome.error = error.msg();
  } catch (const c10::Error& error) {
    outcome.error = error.msg();
  } catch (const std::exception& error) {
    outcome.error = error.what();
  }
  outcome.printed = printed();
  return outcome;
}

Outcome call_ours(const Method& function) {
  Outcome outcome;
  CallOptions options;
  options.print = [&outcome](std::string_view text) { outcome.printed += text; };
  at::manual_seed(7);
  const absl::StatusOr<c10::IValue> result = function({}, {}, options);
  outcome.ok = result.ok();
  if (result.ok()) {
    outcome.value = *result;
  } else {
    outcome.error_class = exception_class(result.status());
    outcome.error = std::string(result.status().message());
  }
  return outcome;
}

std::string short_class(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::string compare(const Outcome& ours, const Outcome& theirs) {
  if (ours.ok != theirs.ok) {
    return ours.ok ? "torch::jit raises " + theirs.error : "Vesta raises " + ours.error;
  }
  std::string wrong;
  if (ours.printed != theirs.printed) wrong += "printed '" + ours.printed + "', torch::jit '" + theirs.printed + "'\n";
  if (!ours.ok) {
    // torch::jit's own errors name no class; ours do.
    if (!theirs.error_class.empty() && short_class(ours.error_class) != short_class(theirs.error_class)) {
      wrong += "raises " + ours.error_class + ", torch::jit " + theirs.error_class + " (" + theirs.error + ")\n";
    }
    if (!theirs.error_class.empty() && ours.error.find(theirs.error) == std::string::npos)
      wrong += "says '" + ours.error + "', torch::jit '" + theirs.error + "'\n";
    return wrong;
  }
  wrong += difference(ours.value, theirs.value, {1e-6, 1e-7, false}, "result");
  StorageNames our_names;
  StorageNames their_names;
  const std::string our_sharing = our_names.describe(ours.value, "result");
  const std::string their_sharing = their_names.describe(theirs.value, "result");
  if (our_sharing != their_sharing) wrong += "aliasing:\n" + our_sharing + "torch::jit:\n" + their_sharing;
  return wrong;
}

std::string check_ours(const absl::StatusOr<Unit>& ours) {
  if (!ours.ok()) return std::string(ours.status().message());
  std::string wrong;
  for (const Method& function : ours->functions()) {
    if (!function.name().starts_with("test_")) continue;
    const Outcome outcome = call_ours(function);
    if (!outcome.ok) {
      wrong += function.name() + ": " + outcome.error + "\n";
    } else if (!outcome.value.isBool() || !outcome.value.toBool()) {
      wrong += function.name() + " is not True\n";
    }
  }
  return wrong;
}

// `compared` counts the calls that both runtimes made.
std::string check(const Program& program, size_t& compared) {
  auto theirs = std::make_shared<torch::jit::CompilationUnit>();
  std::vector<torch::jit::Function*> functions;
  std::string refusal;
  try {
    functions = theirs->define(std::nullopt, program.source, torch::jit::nativeResolver(), nullptr);
  } catch (const std::exception& error) {
    refusal = error.what();
  }
  const absl::StatusOr<Unit> ours = compile(program.source);
  if (program.mode == "ours")
    return refusal.empty() ? "torch::jit compiles it too: it should not be marked" : check_ours(ours);
  if (program.mode == "refused") {
    if (ours.ok()) return "Vesta compiles it";
    return refusal.empty() ? "torch::jit compiles it" : "";
  }
  if (!ours.ok()) return "Vesta refuses it: " + std::string(ours.status().message());
  std::string wrong;
  for (torch::jit::Function* function : functions) {
    const std::string name = function->name();
    if (!name.starts_with("test_")) continue;
    ++compared;
    const absl::StatusOr<Method> method = ours->get_function(name);
    if (!method.ok()) return std::string(method.status().message());
    const std::string difference = compare(call_ours(*method), call_theirs(*function));
    if (!difference.empty()) wrong += name + ": " + difference + "\n";
  }
  return wrong;
}

// "program/function" -> what was recorded.
std::map<std::string, std::string> recordings(const fs::path& path) {
  std::map<std::string, std::string> result;
  std::ifstream file(path);
  std::string* current = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("### ")) {
      current = &result[line.substr(4)];
    } else if (current != nullptr) {
      *current += line + "\n";
    }
  }
  return result;
}

std::string as_recorded(const Outcome& outcome, const std::string& recorded) {
  if (outcome.ok) return outcome.printed;
  // What ATen raises has no class here; Python calls it RuntimeError.
  std::string name = short_class(outcome.error_class);
  for (const char* general : {"RuntimeError", "Error"}) {
    if (recorded.ends_with(std::string("raises: ") + general + "\n")) name = general;
  }
  return outcome.printed + "raises: " + name + "\n";
}

// `compared` counts the calls whose recording tells something.
std::string check_recorded(const Program& program, const std::map<std::string, std::string>& expected,
                           size_t& compared) {
  std::string source = program.source;
  std::vector<std::string> functions;
  static const std::regex definition("(?:^|\n)def (main|test_\\w+)\\(\\)");
  for (auto it = std::sregex_iterator(program.source.begin(), program.source.end(), definition);
       it != std::sregex_iterator(); ++it) {
    functions.push_back((*it)[1]);
    if (functions.back() == "main") continue;
    source += "\ndef print_" + functions.back() + "():\n    print(" + functions.back() + "())\n";
  }
  const absl::StatusOr<Unit> unit = compile(source);
  if (!unit.ok()) return std::string(unit.status().message());
  std::string wrong;
  for (const std::string& name : functions) {
    const auto recorded = expected.find(program.short_name + "/" + name);
    if (recorded == expected.end()) {
      wrong += name + " is not recorded\n";
      continue;
    }
    if (recorded->second == "refused\n" || recorded->second == "crash\n") continue;
    ++compared;
    const absl::StatusOr<Method> method = unit->get_function(name == "main" ? name : "print_" + name);
    if (!method.ok()) return std::string(method.status().message());
    const std::string got = as_recorded(call_ours(*method), recorded->second);
    if (got != recorded->second) wrong += name + " prints\n" + got + "recorded is\n" + recorded->second;
  }
  return wrong;
}

std::vector<fs::path> program_files() {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(VESTA_SOURCE_DIR "/tests/differential/programs")) {
    if (file.path().extension() == ".py") files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool wanted(const Program& program) {
  const char* filter = std::getenv("VESTA_PROGRAM_FILTER");
  return filter == nullptr || program.name.find(filter) != std::string::npos;
}

TEST(Language, SourceProgramsAgreeWithTorchJit) {
  prepare_oracle();
  torch::jit::setPrintHandler([](const std::string& text) { printed() += text; });
  size_t compared = 0;
  for (const fs::path& file : program_files()) {
    for (const Program& program : programs_of(file)) {
      if (!wanted(program)) continue;
      const std::string wrong = check(program, compared);
      if (!wrong.empty()) ADD_FAILURE() << program.name << ": " << wrong;
    }
  }
  if (std::getenv("VESTA_PROGRAM_FILTER") == nullptr) {
    EXPECT_GE(compared, 45u);
  }
  prepare_oracle();  // The print handler of the other tests.
}

TEST(Language, SourceProgramsPrintWhatIsRecordedOfPython) {
  size_t compared = 0;
  for (const fs::path& file : program_files()) {
    const std::map<std::string, std::string> expected = recordings(fs::path(file).replace_extension(".expected"));
    for (const Program& program : programs_of(file)) {
      if (!wanted(program) || !program.mode.empty()) continue;
      const std::string wrong = check_recorded(program, expected, compared);
      if (!wrong.empty()) ADD_FAILURE() << program.name << ": " << wrong;
    }
  }
  if (std::getenv("VESTA_PROGRAM_FILTER") == nullptr) {
    EXPECT_GE(compared, 90u);
  }
}

}  // namespace
}  // namespace vesta::test
