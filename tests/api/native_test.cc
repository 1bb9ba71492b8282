// Native files as users meet them.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <ATen/ATen.h>

#include "serialization/crc32.h"
#include "serialization/native_format.h"
#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("vesta_native_" + std::to_string(::getpid()))) {
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(path_), {})); }

 private:
  fs::path path_;
};

std::string saved(const Module& module, const NativeOptions& options = {}) {
  std::ostringstream out;
  must(module.save_native(out, options));
  return out.str();
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// Two layers, one of which has a buffer that calls change.
Module network() {
  at::manual_seed(1);
  Module module("Network");
  must(module.register_parameter("weight", at::randn({16, 3, 3, 3})));
  must(module.register_parameter("bias", at::randn({16})));
  must(module.register_buffer("calls", at::zeros({1})));
  must(module.define(R"(
def forward(self, x: Tensor) -> Tensor:
  self.calls += 1
  return torch.relu(torch.conv2d(x, self.weight, self.bias))
)"));
  return module;
}

// Of a file whose program was changed.
void mend_checksums(std::string& file) {
  serialization::NativeHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  header.program_crc32 = serialization::crc32_of(std::string_view(file).substr(64, header.program_size));
  header.header_crc32 = serialization::crc32_of({reinterpret_cast<const char*>(&header), 60});
  std::memcpy(file.data(), &header, sizeof(header));
}

const at::Tensor& image() {
  static const auto* const tensor = new at::Tensor(at::linspace(-1, 1, 3 * 8 * 8).reshape({1, 3, 8, 8}));
  return *tensor;
}

TEST(NativeModule, PackedFileNeedsNoPackingAndGivesTheSame) {
  Module frozen = must(network().freeze());
  must(frozen.optimize_for({image()}));
  const std::string file = saved(frozen, {.packed = true});
  const std::string portable = saved(frozen);
  EXPECT_LT(portable.size(), file.size()) << "nothing was kept";
  for (const std::string& bytes : {file, portable}) {
    const Module module = must(load(as_bytes(bytes)));
    EXPECT_TRUE(module.is_frozen());
    EXPECT_TRUE(at::equal(must(module.forward({image()})).toTensor(), must(frozen.forward({image()})).toTensor()));
    // Of a size that nothing was made for.
    const at::Tensor wide = at::ones({2, 3, 9, 20});
    EXPECT_TRUE(at::equal(must(module.forward({wide})).toTensor(), must(frozen.forward({wide})).toTensor()));
  }
  EXPECT_EQ(saved(must(load(as_bytes(portable)))), portable);
}

TEST(NativeModule, OptimizingForInputsLeavesTheStateAlone) {
  Module frozen = must(network().freeze());
  must(frozen.optimize_for({image()}));
  EXPECT_EQ(must(frozen.attr("calls")).toTensor().item<float>(), 0);
  (void)must(frozen.forward({image()}));
  EXPECT_EQ(must(frozen.attr("calls")).toTensor().item<float>(), 1);
}

TEST(NativeModule, OptimizingWhatIsNotFrozen) {
  Module module = network();
  must(module.optimize_for({image()}));
  EXPECT_EQ(must(module.attr("calls")).toTensor().item<float>(), 0);
  const at::Tensor plain =
      must(must(network().with_optimization({.level = OptimizationLevel::kO0})).forward({image()})).toTensor();
  EXPECT_TRUE(at::allclose(must(module.forward({image()})).toTensor(), plain, 1e-4, 1e-5));
  EXPECT_EQ(must(module.attr("calls")).toTensor().item<float>(), 1);
  EXPECT_EQ(message(module.optimize_for({3})), message(module.forward({3}).status()));
}

TEST(NativeModule, TunedModulesGiveTheSameAndKeepWhatWasChosen) {
  const at::Tensor plain = must(must(network().freeze()).forward({image()})).toTensor();
  Module frozen = must(network().freeze());
  must(frozen.optimize_for({image()}, {.tune = true}));
  const at::Tensor tuned = must(frozen.forward({image()})).toTensor();
  EXPECT_TRUE(at::allclose(tuned, plain, 1e-4, 1e-5));
  EXPECT_EQ(must(frozen.attr("calls")).toTensor().item<float>(), 1);
  const Module loaded = must(load(as_bytes(saved(frozen, {.packed = true}))));
  EXPECT_TRUE(at::equal(must(loaded.forward({image()})).toTensor(), tuned));
  // What was called before is tuned, too.
  Module called = must(network().freeze());
  (void)must(called.forward({image()}));
  must(called.optimize_for({image()}, {.tune = true}));
  EXPECT_TRUE(at::allclose(must(called.forward({image()})).toTensor(), plain, 1e-4, 1e-5));
}

TEST(NativeModule, WhatWasPackedForAnotherMachineIsNotUsed) {
  Module frozen = must(network().freeze());
  must(frozen.optimize_for({image()}));
  std::string file = saved(frozen, {.packed = true});
  // Another version of the optimizer, in the text of the target; its length stays.
  const size_t at = file.find(", optimizer ");
  ASSERT_NE(at, std::string::npos);
  file[at + 3] = 'P';
  mend_checksums(file);

  const Module module = must(load(as_bytes(file)));
  EXPECT_TRUE(module.is_frozen());
  EXPECT_TRUE(at::equal(must(module.forward({image()})).toTensor(), must(frozen.forward({image()})).toTensor()));
  const Folder folder;
  std::ofstream(folder.file("m.vesta"), std::ios::binary) << file;
  EXPECT_THAT(must(inspect(folder.file("m.vesta"))).native, testing::Contains(HasSubstr("not this one, so unused")));
}

TEST(NativeModule, OptionsOfFreezingComeBack) {
  OptimizationOptions options;
  options.level = OptimizationLevel::kO1;
  options.without = {"inline_calls"};
  const Folder folder;
  must(must(network().freeze(options)).save_native(folder.file("m.vesta")));
  EXPECT_THAT(must(inspect(folder.file("m.vesta"))).native, testing::Contains("frozen at -O1, without inline_calls"));
  EXPECT_TRUE(must(load(folder.file("m.vesta"))).is_frozen());
  EXPECT_FALSE(must(must(load(folder.file("m.vesta"))).deepcopy()).is_frozen());
}

TEST(NativeModule, MappedWeightsAreTheFilesAndChangesStayPrivate) {
  const Folder folder;
  const Module module = network();
  must(module.save_native(folder.file("m.vesta")));
  const std::string before = [&] {
    std::ifstream in(folder.file("m.vesta"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  LoadOptions options;
  options.immutable_file = true;
  const Module mapped = must(load(folder.file("m.vesta"), options));
  must(mapped.attr("weight")).toTensor().detach().zero_();
  std::ifstream in(folder.file("m.vesta"), std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), before);
  EXPECT_TRUE(at::equal(must(must(load(folder.file("m.vesta"), options)).attr("weight")).toTensor(),
                        must(module.attr("weight")).toTensor()));
}

TEST(NativeModule, PackingWhatIsNotFrozenIsRefused) {
  std::ostringstream out;
  EXPECT_EQ(
      message(network().save_native(out, {.packed = true})),
      "'packed' keeps what was optimized ahead, and the module is not frozen: freeze() it and call optimize_for()");
  EXPECT_EQ(out.str(), "");
}

TEST(NativeModule, FileThatCannotBeWrittenLeavesNothing) {
  const Folder folder;
  EXPECT_TRUE(absl::IsNotFound(network().save_native(folder.file("no/m.vesta"))));
  EXPECT_EQ(folder.files(), 0u);
  EXPECT_TRUE(absl::IsResourceExhausted(network().save_native("/dev/full")));
  // What a file cannot hold is found before the old one is touched.
  must(network().save_native(folder.file("m.vesta")));
  const auto size = fs::file_size(folder.file("m.vesta"));
  Module meta("Meta");
  must(meta.register_buffer("nowhere", at::empty({2}, at::kMeta)));
  const absl::Status refused = meta.save_native(folder.file("m.vesta"));
  EXPECT_THAT(message(refused), HasSubstr("'nowhere': a tensor of device 'meta' cannot be written"));
  EXPECT_EQ(fs::file_size(folder.file("m.vesta")), size);
  EXPECT_EQ(folder.files(), 1u);
}

// Gives its bytes in order, turned around, as a host that decrypts does.
class Secret : public Source {
 public:
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {
    for (char& c : bytes_) c = static_cast<char>(~c);
  }
  absl::StatusOr<uint64_t> size() override { return bytes_.size(); }
  absl::Status read(uint64_t offset, std::span<std::byte> into) override {
    if (fails) return absl::UnavailableError("the key is gone");
    for (size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::byte>(~bytes_[offset + i]);
    return absl::OkStatus();
  }
  bool fails = false;

 private:
  std::string bytes_;
};

TEST(NativeModule, HostProvidesTheBytesOfEitherFormat) {
  const Module module = network();
  std::ostringstream archive;
  must(module.save(archive));
  for (const std::string& bytes : {saved(module), archive.str()}) {
    Secret secret(bytes);
    const Module loaded = must(load(secret));
    EXPECT_TRUE(at::equal(must(loaded.forward({image()})).toTensor(), must(module.forward({image()})).toTensor()));
  }
  Secret failing(saved(module));
  failing.fails = true;
  EXPECT_EQ(message(load(failing)), "the key is gone");
  Secret large(saved(module));
  LoadOptions options;
  options.limits.file_bytes = 100;
  EXPECT_TRUE(absl::IsResourceExhausted(load(large, options).status()));
}

TEST(NativeModule, TuplesOfUndefinedTensorsComeBack) {
  Module module("Holder");
  const c10::TypePtr pair = c10::TupleType::create({c10::TensorType::get(), c10::IntType::get()});
  must(module.register_attribute("pair", pair, c10::ivalue::Tuple::create(at::Tensor(), int64_t{3})));
  std::ostringstream out;
  must(module.save_native(out));
  const std::string bytes = out.str();
  const Module again = must(load(std::as_bytes(std::span(bytes))));
  const c10::IValue held = must(again.attr("pair"));
  EXPECT_FALSE(held.toTupleRef().elements()[0].toTensor().defined());
  EXPECT_EQ(held.toTupleRef().elements()[1].toInt(), 3);
}

TEST(NativeModule, MissingOperatorIsNamedWithItsPlace) {
  std::string file = saved(must(load(corpus("broadcasting"))));
  const size_t at = file.find("aten::add");
  ASSERT_NE(at, std::string::npos);
  file.replace(at, 9, "aten::adx");
  mend_checksums(file);
  const absl::Status status = load(as_bytes(file)).status();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
}

}  // namespace
}  // namespace vesta::test
