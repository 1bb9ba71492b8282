// Module::save and Unit::save.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <ATen/ATen.h>

#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string saved(const Module& module, const ExtraFiles& extra_files = {}) {
  std::ostringstream out;
  must(module.save(out, extra_files));
  return out.str();
}

Module loaded(const std::string& bytes, const LoadOptions& options = {}) {
  return must(load(std::span(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()), options));
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("vesta_api_save_" + std::to_string(::getpid()))) {
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// A module that was built here, with a tied weight and a child that two names reach.
Module built() {
  Module child("Child");
  const at::Tensor weight = at::arange(6, at::kFloat).reshape({2, 3});
  must(child.register_parameter("weight", weight));
  must(child.define("def forward(self, x: Tensor) -> Tensor:\n  return torch.linear(x, self.weight)\n"));
  Module module("Net");
  must(module.register_module("first", child));
  must(module.register_module("second", child));
  must(module.register_buffer("tied", weight.view({3, 2})));
  must(module.register_attribute("table", must(child.attr("weight")).toTensor().sizes().vec()));
  must(
      module.define("def forward(self, x: Tensor) -> Tensor:\n"
                    "  self.table.append(1)\n"
                    "  return self.first(x) + self.second(x) + self.tied.sum() + len(self.table)\n"));
  return module;
}

TEST(Save, ABuiltModuleRunsAgain) {
  const Module module = built();
  const Module again = loaded(saved(module));
  const at::Tensor x = at::ones({4, 3});
  EXPECT_TRUE(at::equal(must(again.forward({x})).toTensor(), must(module.forward({x})).toTensor()));
  EXPECT_EQ(again.type_name(), module.type_name());
}

TEST(Save, WhatIsSharedIsWrittenOnceAndSharedAgain) {
  const std::string bytes = saved(built());
  const Module again = loaded(bytes);
  EXPECT_EQ(count(bytes, "archive/data/"), 2U) << "one storage, in its header and in the directory";
  const at::Tensor tied = must(again.attr("tied")).toTensor();
  const at::Tensor weight = must(again.attr("first.weight")).toTensor();
  EXPECT_EQ(tied.storage().unsafeGetStorageImpl(), weight.storage().unsafeGetStorageImpl());
  EXPECT_TRUE(must(again.get_submodule("first")) == must(again.get_submodule("second")));
}

TEST(Save, IsTheSameBytesEachTimeAndAfterCalls) {
  const Module module = must(load(corpus("transformer_encoder")));
  const std::string first = saved(module);
  EXPECT_TRUE(saved(module) == first);
  EXPECT_TRUE(saved(loaded(first)) == first);
  const Module linear = must(built().get_submodule("first"));
  const std::string before = saved(linear);
  for (int i = 0; i < 3; ++i) (void)must(linear.forward({at::ones({2, 3})}));
  EXPECT_TRUE(saved(linear) == before) << "what the runtime has made of the program is no part of it";
}

TEST(Save, AFrozenModuleSavesItsPortableProgram) {
  const Module module = built();
  const Module frozen = must(module.freeze());
  const Module again = loaded(saved(frozen));
  EXPECT_FALSE(again.is_frozen());
  const at::Tensor x = at::ones({1, 3});
  EXPECT_TRUE(at::equal(must(again.forward({x})).toTensor(), must(module.forward({x})).toTensor()));
}

TEST(Save, ExtraFilesComeBack) {
  const ExtraFiles files{{"notes/read me.txt", "hello\n"}, {"empty", ""}};
  ExtraFiles found;
  LoadOptions options;
  options.extra_files = &found;
  options.all_extra_files = true;
  const std::string bytes = saved(built(), files);
  (void)loaded(bytes, options);
  EXPECT_EQ(found, files);
}

TEST(Save, ErrorsOfASavedProgramPointToTheAuthorsLines) {
  const Module module = must(load(corpus("hook_that_raises")));
  const Module again = loaded(saved(module));
  const std::string before = message(module.forward({-at::ones({2}), "b"}));
  const std::string after = message(again.forward({-at::ones({2}), "b"}));
  EXPECT_EQ(after, before);
  EXPECT_THAT(after, HasSubstr("modules.py:"));
}

TEST(Save, AUnitBecomesAModuleOfItsFunctions) {
  const Unit unit =
      must(compile("class Scale:\n"
                   "    def __init__(self, by: float):\n"
                   "        self.by = by\n"
                   "def helper(x: Tensor, scale: Scale) -> Tensor:\n"
                   "    return x * scale.by\n"
                   "def forward(x: Tensor, by: float = 2.0) -> Tensor:\n"
                   "    return helper(x, Scale(by))\n"));
  std::ostringstream out;
  must(unit.save(out));
  const Module module = loaded(out.str());
  EXPECT_TRUE(module.has_method("helper"));
  EXPECT_TRUE(at::equal(must(module.forward({at::ones({2})})).toTensor(), at::full({2}, 2.0)));
  EXPECT_EQ(must(compile("")).save(out).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Save, ClassesOfOneNameFromTwoProgramsAreToldApart) {
  Module one("Part"), two("Part"), both("Both");
  must(one.define("def forward(self, n: int) -> int:\n  return n + 1\n"));
  must(two.define("def forward(self, n: int) -> int:\n  return n * 10\n"));
  must(both.register_module("one", one));
  must(both.register_module("two", two));
  must(both.define("def forward(self, n: int) -> int:\n  return self.one(n) + self.two(n)\n"));
  EXPECT_EQ(must(loaded(saved(both)).forward({int64_t{3}})).toInt(), 34);
}

TEST(Save, SparseTensorsKeepTheirLayout) {
  Module module("Sparse");
  const at::Tensor dense = at::eye(4) * 3;
  const std::vector<std::pair<std::string, at::Tensor>> tensors = {{"coo", dense.to_sparse()},
                                                                   {"csr", dense.to_sparse_csr()},
                                                                   {"csc", dense.to_sparse_csc()},
                                                                   {"bsr", dense.to_sparse_bsr({2, 2})},
                                                                   {"bsc", dense.to_sparse_bsc({2, 2})}};
  for (const auto& [name, tensor] : tensors) must(module.register_buffer(name, tensor));
  const Module again = loaded(saved(module));
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor read = must(again.attr(name)).toTensor();
    EXPECT_EQ(read.layout(), tensor.layout()) << name;
    EXPECT_TRUE(at::equal(read.to_dense(), dense)) << name;
  }
}

TEST(Save, ValuesThatAnArchiveCannotHoldAreNamedByTheirPath) {
  Module module("Net"), child("Child");
  must(child.register_buffer("odd", at::ones({2, 2}, at::kMeta)));
  must(module.register_module("child", child));
  std::ostringstream out;
  const absl::Status status = module.save(out);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(message(status), HasSubstr("child.odd"));
}

TEST(Save, AFullDeviceIsAnErrorAndNoMore) {
  EXPECT_EQ(built().save("/dev/full").code(), absl::StatusCode::kResourceExhausted);
  std::ofstream full("/dev/full", std::ios::binary);
  EXPECT_EQ(built().save(full).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(built().save("/nowhere/model.pt").code(), absl::StatusCode::kNotFound);
}

TEST(Save, AFileThatCannotBeWrittenWholeIsTheOldOne) {
  const Folder folder;
  const std::string path = folder.file("model.pt");
  const Module small = built();
  must(small.save(path));
  const std::string old = contents(path);
  const Module large = must(load(corpus("transformer_full")));
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{30000, 30000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    ::_exit(large.save(path).code() == absl::StatusCode::kResourceExhausted ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(contents(path) == old);
  EXPECT_EQ(std::distance(fs::directory_iterator(fs::path(path).parent_path()), {}), 1);
}

// The sources that fuzzers start from: what compiles is saved and comes back, or the message says what cannot be.
TEST(Save, WhatCompilesIsSavedAndLoadedAgain) {
  size_t came_back = 0;
  for (const auto& entry : fs::directory_iterator(VESTA_SOURCE_DIR "/tests/fuzz/seeds/source")) {
    SCOPED_TRACE(entry.path().filename().string());
    CompileOptions options;
    options.limits.ir_nodes = 10'000;
    const absl::StatusOr<Unit> unit = compile(contents(entry.path().string()), options);
    if (!unit.ok()) continue;
    std::ostringstream archive;
    if (const absl::Status status = unit->save(archive); !status.ok()) {
      EXPECT_THAT(status.message(), testing::AnyOf(HasSubstr("there is no function to save"),
                                                   HasSubstr("cannot be written as source: ")));
      continue;
    }
    const Module module = loaded(archive.str());
    std::ostringstream native;
    must(module.save_native(native));
    loaded(native.str());
    ++came_back;
  }
  EXPECT_GT(came_back, 100);
}

TEST(Save, FunctionsAsValuesAreRefused) {
  const Unit unit = must(compile("def f(b: bool):\n  return f if b else 1\n"));
  std::ostringstream out;
  const absl::Status status = unit.save(out);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(),
            "'f' cannot be written as source: 'f' is a value in it, and functions have no type that source can name");
}

// What one function returns is no other's result, though it is emitted in place.
TEST(Save, NestedFunctionsKeepTheTypesOfTheirResults) {
  const Unit unit = must(compile(R"(
def f(x: Tensor, n: int):
  def g(a) -> Tensor:
    if n > 1:
      return a
    return a + n
  def h(a: Tensor):
    for i in range(n):
      if i > 2:
        return a
    return -a
  return g(x), h(x), n
)"));
  std::ostringstream out;
  must(unit.save(out));
  const Module module = loaded(out.str());
  for (const int64_t n : {1, 2, 5}) {
    const std::vector<c10::IValue> arguments = {at::ones({2}), n};
    const c10::IValue plain = must(unit.run_function("f", arguments));
    const c10::IValue again = must(module.run_method("f", arguments));
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(at::equal(plain.toTupleRef().elements()[i].toTensor(), again.toTupleRef().elements()[i].toTensor()));
    }
  }
}

}  // namespace
}  // namespace vesta::test
