// Archives of torch 1.0 to 1.2, made by hand: what is wrong in model.json is a status that says what.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "serialization/torchscript_reader.h"
#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using ::testing::HasSubstr;

constexpr const char* kModel = R"({"protoVersion": "1", "producerName": "pytorch", "mainModule": {
  "name": "net", "torchscriptArena": {"key": "code/net.py"},
  "parameters": [{"name": "w", "tensorId": "0", "isBuffer": false}, {"name": "b", "tensorId": "1", "isBuffer": true}],
  "submodules": [{"name": "0", "torchscriptArena": {"key": "code/net_0.py"}}]},
  "tensors": [
  {"dims": ["2", "2"], "strides": ["1", "2"], "offset": "0", "dataType": "FLOAT", "data": {"key": "tensors/0"},
   "device": "cpu", "requiresGrad": true},
  {"dims": ["1"], "strides": ["1"], "offset": "3", "dataType": "FLOAT", "data": {"key": "tensors/0"}, "device": "cpu"}]})";

absl::StatusOr<LoadedModule> read(
    const std::string& model,
    const std::string& code = "def forward(self, x: Tensor) -> Tensor:\n  return torch.add(x, self.w, alpha=1)\n") {
  const std::string archive = testing::build_zip({
      {.name = "net/version", .contents = "1\n"},
      {.name = "net/code/net.py", .contents = absl::StrCat("op_version_set = 0\n", code)},
      {.name = "net/code/net_0.py",
       .contents = "op_version_set = 0\ndef twice(self, n: int) -> int:\n  return n + n\n"},
      {.name = "net/tensors/0", .contents = std::string(16, '\1')},
      {.name = "net/model.json", .contents = model},
  });
  return read_torchscript(*copy_bytes(archive), "net.pt", ReadOptions());
}

std::string with(const std::string& from, const std::string& to) {
  std::string model = absl::StrReplaceAll(kModel, {{from, to}});
  EXPECT_NE(model, kModel) << from;
  return model;
}

void expect_refused(const std::string& model, const std::string& message) {
  const absl::StatusOr<LoadedModule> module = read(model);
  ASSERT_FALSE(module.ok()) << message;
  EXPECT_THAT(std::string(module.status().message()), HasSubstr(message));
}

TEST(ModelJson, GivesTheModuleItsParametersBuffersAndChildren) {
  const absl::StatusOr<LoadedModule> module = read(kModel);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(module->producer.writer.text(), "1.0");
  const c10::ivalue::Object& root = module->root.toObjectRef();
  EXPECT_EQ(root.type()->name()->qualifiedName(), "__torch__.net");
  const at::Tensor w = root.getAttr("w").toTensor();
  EXPECT_EQ(w.strides(), (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(w.requires_grad());
  EXPECT_TRUE(root.type()->is_parameter(*root.type()->findAttributeSlot("w")));
  EXPECT_TRUE(root.type()->is_buffer(*root.type()->findAttributeSlot("b")));
  EXPECT_EQ(root.getAttr("b").toTensor().storage().unsafeGetStorageImpl(), w.storage().unsafeGetStorageImpl());
  const c10::IValue child = root.getAttr("0");
  EXPECT_EQ(child.toObjectRef().type()->name()->qualifiedName(), "__torch__.net._0");
  EXPECT_NE(child.toObjectRef().type()->findMethod("twice"), nullptr);
}

TEST(ModelJson, ThatIsNoObjectIsDataLoss) {
  expect_refused("{", "it is no JSON object");
  expect_refused("[1]", "it is no JSON object");
  expect_refused("{}", "it has no 'mainModule'");
  expect_refused(std::string(100'000, '['), "it is no JSON object");
}

TEST(ModelJson, TensorsStayWithinTheirStorages) {
  expect_refused(with("\"2\", \"2\"", "\"2\", \"3\""), "tensors/0");
  expect_refused(with("\"offset\": \"3\"", "\"offset\": \"4\""), "tensors/0");
  expect_refused(with("\"offset\": \"3\"", "\"offset\": \"9223372036854775807\""), "tensors/0");
  expect_refused(with("[\"1\", \"2\"]", "[\"1\", \"-2\"]"), "tensors/0");
  expect_refused(with("\"2\", \"2\"", "\"2\", \"9223372036854775807\""), "tensors/0");
}

TEST(ModelJson, FieldsHaveTheirTypes) {
  expect_refused(with("\"tensorId\": \"1\"", "\"tensorId\": \"2\""), "parameter 'b' is tensor 2 of 2");
  expect_refused(with("\"tensorId\": \"1\"", "\"tensorId\": \"x\""), "'tensorId' is no 64-bit int");
  expect_refused(with("\"tensorId\": \"1\"", "\"tensorId\": -1"), "parameter 'b' is tensor -1 of 2");
  expect_refused(with("FLOAT", "FLOATS"), "'FLOATS' is no type of elements");
  expect_refused(with("\"name\": \"w\"", "\"name\": 1"), "'name' is no string");
  expect_refused(with("\"name\": \"w\"", "\"name\": \"b\""), "'b' is there twice in one module");
  expect_refused(with("code/net_0.py", "code/none.py"), "a module's code is 'code/none.py'");
  expect_refused(with("tensors/0", "tensors/9"), "a tensor lies in 'tensors/9'");
  expect_refused(with("\"protoVersion\": \"1\"", "\"protoVersion\": []"), "'protoVersion' is no number");
}

TEST(ModelJson, WeightsOfAnotherDeviceNeedToBeAskedFor) {
  expect_refused(with("\"device\": \"cpu\", \"requiresGrad\"", "\"device\": \"cuda:0\", \"requiresGrad\""),
                 "saved on device 'cuda:0'");
}

TEST(ModelJson, ErrorsOfTheCodeNameItsPlace) {
  const absl::StatusOr<LoadedModule> module = read(kModel, "def forward(self) -> int:\n  return self.nothing\n");
  ASSERT_FALSE(module.ok());
  EXPECT_THAT(std::string(module.status().message()), HasSubstr("code/net.py:3"));
}

}  // namespace
}  // namespace vesta::serialization
