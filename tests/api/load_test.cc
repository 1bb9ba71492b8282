#include <vesta/load.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include <ATen/TensorOperators.h>
#include <ATen/core/class_type.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "tests/api/api_test_support.h"

namespace vesta {
namespace {

using test::corpus;
using test::message;
using test::must;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

at::Tensor result_of(const Module& module) {
  const at::NoGradGuard no_grad;
  return must(get<at::Tensor>(module.forward({at::ones({2, 3})})));
}

TEST(Load, PathMemoryAndStreamGiveTheSame) {
  const std::string path = corpus("mlp");
  Module from_path = must(load(path));
  must(from_path.eval());
  const std::string bytes = contents(path);
  Module from_memory = must(load(std::span(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size())));
  must(from_memory.eval());
  std::istringstream stream(bytes);
  Module from_stream = must(load(stream));
  must(from_stream.eval());
  LoadOptions options;
  options.immutable_file = true;
  Module mapped = must(load(path, options));
  must(mapped.eval());
  const at::Tensor expected = result_of(from_path);
  EXPECT_TRUE(at::equal(result_of(from_memory), expected));
  EXPECT_TRUE(at::equal(result_of(from_stream), expected));
  EXPECT_TRUE(at::equal(result_of(mapped), expected));
}

TEST(Load, LeavesMemoryThatWasCopiedAlone) {
  std::string bytes = contents(corpus("mlp"));
  Module module = must(load(std::span(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size())));
  must(module.eval());
  const at::Tensor before = result_of(module);
  std::fill(bytes.begin(), bytes.end(), '\0');
  EXPECT_TRUE(at::equal(result_of(module), before));
}

TEST(Load, WritesToMappedWeightsStayInMemory) {
  const std::string path = corpus("mlp");
  const std::string before = contents(path);
  LoadOptions options;
  options.immutable_file = true;
  const Module module = must(load(path, options));
  {
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : module.parameters()) parameter.fill_(7);
  }
  EXPECT_EQ(contents(path), before);
}

TEST(Load, FindsExtraFiles) {
  ExtraFiles files = {{"labels.txt", ""}, {"not there", "unchanged?"}};
  LoadOptions options;
  options.extra_files = &files;
  must(load(corpus("extra_files"), options));
  EXPECT_THAT(files, ElementsAre(Pair("labels.txt", "cat\ndog\n")));
  options.all_extra_files = true;
  must(load(corpus("extra_files"), options));
  EXPECT_THAT(files, ElementsAre(Pair("empty", ""), Pair("labels.txt", "cat\ndog\n"),
                                 Pair("meta/config.json", "{\"size\": 2}")));
}

TEST(Load, SaysWhatIsWrongWithAPath) {
  EXPECT_EQ(load("/nowhere/model.pt").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(message(load("/nowhere/model.pt")), HasSubstr("/nowhere/model.pt"));
  EXPECT_EQ(load("/").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Load, LimitsApply) {
  LoadOptions options;
  options.limits.file_bytes = 100;
  EXPECT_EQ(load(corpus("mlp"), options).status().code(), absl::StatusCode::kResourceExhausted);
  std::ifstream stream(corpus("mlp"), std::ios::binary);
  EXPECT_EQ(load(stream, options).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Load, AStateThatIsNeverDoneIsGivenUp) {
  Module module("Endless");
  must(module.register_attribute("count", int64_t{1}));
  must(
      module.define("def forward(self):\n  return self.count\n"
                    "def __getstate__(self):\n  return self.count\n"
                    "def __setstate__(self, count: int):\n"
                    "  self.count = count\n  while self.count > 0:\n    self.count += 1\n"));
  for (const bool native : {false, true}) {
    std::ostringstream out;
    must(native ? module.save_native(out) : module.save(out));
    std::istringstream file(out.str());
    const absl::StatusOr<Module> loaded = load(file);
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(message(loaded), HasSubstr("__setstate__"));
  }
}

TEST(Load, TwoArchivesWithAClassOfOneNameLiveSideBySide) {
  const Module one = must(load(corpus("same_name_one")));
  const Module two = must(load(corpus("same_name_two")));
  EXPECT_EQ(one.type_name(), two.type_name());
  EXPECT_FALSE(*one.type() == *two.type());
  Module holder("Holder");
  must(holder.register_attribute("child", one.type(), one.value()));
  EXPECT_THAT(message(holder.set_attr("child", two.value())), HasSubstr("of another program"));
}

TEST(Load, ListsAllMissingOperators) {
  const absl::StatusOr<Module> module =
      load(std::string(VESTA_SOURCE_DIR) + "/tests/golden/cli/archives/missing_operators.pt");
  EXPECT_EQ(module.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(message(module), HasSubstr("mylib::fast_linear"));
  EXPECT_THAT(message(module), HasSubstr("torchvision::smooth_relu"));
}

}  // namespace
}  // namespace vesta
