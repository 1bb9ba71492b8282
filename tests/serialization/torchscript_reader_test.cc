#include "serialization/torchscript_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>

#include "tests/serialization/fixtures.h"
#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using namespace std::string_literals;
using c10::IValue;
using testing::build_zip;
using testing::fixture;
using ::testing::HasSubstr;
using testing::ZipMember;

absl::StatusOr<LoadedModule> read(const std::string& file, ReadOptions options = {}) {
  return read_torchscript(*copy_bytes(file), "m.pt", options);
}

std::string module_archive(const std::string& source, const std::string& pickle,
                           const std::string& constants = "\x80\x02).") {
  return build_zip(std::vector<ZipMember>{{.name = "m/data.pkl", .contents = pickle},
                                          {.name = "m/data/0", .contents = std::string(16, '\0')},
                                          {.name = "m/code/__torch__.py", .contents = source, .deflated = true},
                                          {.name = "m/constants.pkl", .contents = constants},
                                          {.name = "m/version", .contents = "3\n"}});
}

// "class M(Module)" with one attribute `x` of a type, and its value.
std::string module_with(const std::string& type, const std::string& value) {
  return module_archive("class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  x : " + type + "\n",
                        "\x80\x02"
                        "c__torch__\nM\n)\x81}(X\1\0\0\0x"s +
                            value + "ub.");
}

IValue attribute_of(const LoadedModule& module, const std::string& name) {
  return module.root.toObjectRef().getAttr(name);
}

std::string message_of(const std::string& file) { return std::string(read(file).status().message()); }

TEST(TorchScriptReader, AttributesOfEveryVersionHaveTheirTypesAndValues) {
  for (const std::string version : {"1.3.1", "1.4.0", "1.5.1", "1.6.0", "1.8.1", "1.11.0", "1.13.1", "2.0.1"}) {
    const auto module = read(fixture("attributes_" + version + ".pt"));
    ASSERT_TRUE(module.ok()) << version << ": " << module.status();
    EXPECT_EQ(attribute_of(*module, "ai").toInt(), 41) << version;
    EXPECT_EQ(attribute_of(*module, "as_").toStringRef(), "h\xc3\xa9llo 'q' \"dq\"\n");
    EXPECT_EQ(attribute_of(*module, "ali").toIntVector(), (std::vector<int64_t>{1, -2, 300, 70000, 5000000000}));
    // Typed, though archives before version 3 do not say so; nested ones too.
    EXPECT_EQ(*attribute_of(*module, "als").toList().elementType(), *c10::StringType::get()) << version;
    EXPECT_EQ(*attribute_of(*module, "all_").toList().elementType(), *c10::ListType::ofInts());
    EXPECT_EQ(*attribute_of(*module, "all_").toListRef()[1].toList().elementType(), *c10::IntType::get());
    EXPECT_EQ(*attribute_of(*module, "adempty").toGenericDict().valueType(), *c10::IntType::get());
    EXPECT_TRUE(attribute_of(*module, "aoptn").isNone());
    // Views of one storage still share it.
    const auto tensors = attribute_of(*module, "alt").toTensorVector();
    EXPECT_TRUE(tensors[0].storage().is_alias_of(tensors[1].storage()));
    EXPECT_EQ(module->extra_files.at("sub/more.bin").size(), 4u);
    EXPECT_FALSE(module->producer.evidence.empty());
  }
}

TEST(TorchScriptReader, TheRootKeepsItsProgramAlive) {
  IValue root;
  {
    auto module = read(fixture("attributes_2.0.1.pt"));
    ASSERT_TRUE(module.ok());
    root = module->root;
  }
  EXPECT_NE(root.toObjectRef().type()->findMethod("seti"), nullptr);
}

TEST(TorchScriptReader, ConstantsAndQuantizedTensorsAreRead) {
  EXPECT_TRUE(read(fixture("constants_2.0.1.pt")).ok());
  const auto module = read(fixture("quant_1.4.0.pt"));
  EXPECT_TRUE(module.ok()) << module.status();
}

TEST(TorchScriptReader, CustomClassesAreMadeOnlyWhereMethodsMayRun) {
  const auto inert = read(fixture("quant_2.11.pt"));
  ASSERT_TRUE(inert.ok()) << inert.status();
  ReadOptions options;
  options.run = [](const ir::Function&, ir::Stack&) { return absl::InternalError("no method of this program runs"); };
  const auto live = read(fixture("quant_2.11.pt"), options);
  ASSERT_TRUE(live.ok()) << live.status();
  const auto packed_of = [](const LoadedModule& module) {
    return attribute_of(module, "l").toObjectRef().getAttr("_packed_params").toObjectRef().getAttr("_packed_params");
  };
  EXPECT_TRUE(packed_of(*inert).toObjectRef().getSlot(0).isNone());
  EXPECT_TRUE(packed_of(*live).toObjectRef().getSlot(0).isCapsule());
}

TEST(TorchScriptReader, ValuesOfAnotherTypeThanDeclaredAreDataLoss) {
  struct Case {
    std::string type;
    std::string right;
    std::string wrong;
  };
  const std::vector<Case> cases = {
      {"int", "K\1", "G\0\0\0\0\0\0\0\0"s},
      {"float", "G\0\0\0\0\0\0\0\0"s, "K\1"},
      {"bool", "\x88", "K\1"},
      {"str", "X\0\0\0\0"s, "N"},
      {"Optional[int]", "N", "\x88"},
      {"Tuple[int, str]", "K\1X\0\0\0\0\x86"s, "K\1\x85"},
      {"List[int]", "](K\1K\2e",
       "](K\1\x88"
       "e"},
      {"List[List[int]]", "]](K\1ea", "]](NeaN0"},
      {"Dict[str, int]", "}X\0\0\0\0K\1s"s, "}K\1K\1s"},
      {"List[Tuple[int, List[str]]]",
       "]K\1]X\0\0\0\0a\x86"
       "a"s,
       "]K\1]K\1a\x86"
       "a"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(message_of(module_with(c.type, c.right)), "") << c.type;
    EXPECT_THAT(message_of(module_with(c.type, c.wrong)), HasSubstr("attribute 'x' of '__torch__.M' is declared '"));
  }
}

TEST(TorchScriptReader, OneListUnderTwoTypesIsDataLoss) {
  const std::string source =
      "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  x : List[int]\n  y : List[float]\n";
  const std::string pickle =
      "\x80\x02"
      "c__torch__\nM\n)\x81}(X\1\0\0\0x]q\0X\1\0\0\0yh\0ub."s;
  EXPECT_THAT(message_of(module_archive(source, pickle)), HasSubstr("is declared 'List[float]'"));
}

TEST(TorchScriptReader, BrokenStatesAreDataLoss) {
  EXPECT_THAT(message_of(module_archive("class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  x : int\n",
                                        "\x80\x02"
                                        "c__torch__\nM\n)\x81}b.")),
              HasSubstr("'__torch__.M' has no value for its attribute 'x'"));
  EXPECT_THAT(message_of(module_with("Any", "ctorch\nFloatStorage\n")), HasSubstr("no TorchScript value"));
  EXPECT_THAT(message_of(module_archive("", "\x80\x02N.")), HasSubstr("is no module"));
  EXPECT_THAT(message_of(module_with("int", "K\1") + "x"), HasSubstr("bytes were added or lost"));
  EXPECT_FALSE(read(module_archive("",
                                   "\x80\x02"
                                   "c__torch__\nM\n)\x81}b."))
                   .ok());
  EXPECT_THAT(message_of(module_archive("", "\x80\x02N.", "\x80\x02N.")), HasSubstr("the value is no tuple"));
}

TEST(TorchScriptReader, NothingForeignIsCalled) {
  const std::string call = "cposix\nsystem\nX\1\0\0\0x\x85R"s;
  EXPECT_THAT(message_of(module_with("Any", call)),
              HasSubstr("'posix.system', which is nothing that this reader builds"));
  EXPECT_THAT(message_of(module_with("Any", "ctorch.distributed.rpc\nrref\n")), HasSubstr("remote reference"));
}

}  // namespace
}  // namespace vesta::serialization
