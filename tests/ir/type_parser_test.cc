#include "ir/type_parser.h"

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <torch/csrc/jit/frontend/schema_type_parser.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ir/program.h"

namespace vesta::ir {
namespace {

std::string printed(const c10::Type& type) {
  std::ostringstream out;
  out << type;
  return out.str();
}

// The annotation's spelling of what `text` means, or the error.
std::string annotation(std::string_view text, const TypeResolver& resolver = {}) {
  const auto type = parse_type(text, resolver);
  return type.ok() ? (*type)->annotation_str() : std::string(type.status().message());
}

TEST(TypeParser, AnnotationsReadBackAsThemselves) {
  for (const char* text : {"Tensor",
                           "int",
                           "float",
                           "bool",
                           "str",
                           "complex",
                           "number",
                           "Any",
                           "NoneType",
                           "Device",
                           "Stream",
                           "Generator",
                           "Storage",
                           "Capsule",
                           "QScheme",
                           "List[int]",
                           "List[Optional[Tensor]]",
                           "Dict[str, List[Tensor]]",
                           "Dict[int, Dict[str, float]]",
                           "Optional[Tuple[int, float]]",
                           "Tuple[()]",
                           "Tuple[Tensor, Tuple[int]]",
                           "Union[int, str]",
                           "Optional[Union[int, str]]",
                           "Union[List[int], int, NoneType]",
                           "Future[Tensor]",
                           "Await[int]",
                           "RRef[int]",
                           "AnyEnumType",
                           "AnyClassType"}) {
    EXPECT_EQ(annotation(text), text);
  }
}

TEST(TypeParser, SchemaSpellingMeansTheSame) {
  EXPECT_EQ(annotation("Tensor?"), "Optional[Tensor]");
  EXPECT_EQ(annotation("int[]"), "List[int]");
  EXPECT_EQ(annotation("int[2]"), "List[int]");
  EXPECT_EQ(annotation("int?[]?"), "Optional[List[Optional[int]]]");
  EXPECT_EQ(annotation("(int, float)[]"), "List[Tuple[int, float]]");
  EXPECT_EQ(annotation("Dict(str, Tensor[])"), "Dict[str, List[Tensor]]");
  EXPECT_EQ(annotation("Future(t)"), "Future[t]");
  EXPECT_EQ(annotation("Union(int, str)[]"), "List[Union[int, str]]");
  EXPECT_EQ(annotation("t[]"), "List[t]");
  EXPECT_EQ(annotation("Scalar"), "number");
  EXPECT_EQ(annotation("List[int]?"), "Optional[List[int]]");
  EXPECT_EQ(annotation("list[int]"), "List[int]");
  EXPECT_EQ(annotation("dict[str, tuple[int, int]]"), "Dict[str, Tuple[int, int]]");
}

TEST(TypeParser, DeclaredTypesStay) {
  for (const char* text : {"ScalarType", "Layout", "MemoryFormat", "SymInt[]", "SymBool", "list", "tuple"}) {
    const auto type = parse_type(text);
    ASSERT_TRUE(type.ok()) << type.status();
    EXPECT_EQ((*type)->str(), text);
  }
}

TEST(TypeParser, AliasAnnotationsAreDropped) {
  EXPECT_EQ(annotation("Tensor(a!)"), "Tensor");
  EXPECT_EQ(annotation("Tensor(a -> *)[]"), "List[Tensor]");
  EXPECT_EQ(annotation("Tensor(a|b)?"), "Optional[Tensor]");
  EXPECT_EQ(annotation("t(*)[](b!)"), "List[t]");
}

// What c10 prints of a type in a graph is read back as an equal type.
TEST(TypeParser, PrintedTensorsReadBackEqual) {
  using c10::TensorType;
  const c10::VaryingShape<c10::Stride> no_strides;
  const std::vector<c10::TypePtr> types = {
      TensorType::get(),
      TensorType::createContiguous(at::kFloat, c10::Device("cuda:1"), {2, 3}),
      TensorType::createContiguous(at::kLong, c10::Device("cpu"), {}),
      TensorType::createContiguous(at::kHalf, c10::Device("cpu"), {0, 7, 1}),
      TensorType::create(at::kDouble, c10::kCPU,
                         c10::SymbolicShape(std::vector<std::optional<int64_t>>{2, std::nullopt}), no_strides, false),
      TensorType::create(at::kFloat, std::nullopt, c10::SymbolicShape(), no_strides, true),
      TensorType::create(std::nullopt, c10::Device("cpu"), c10::SymbolicShape(), no_strides, true),
      TensorType::create(at::kBFloat16, std::nullopt, c10::SymbolicShape(), no_strides, std::nullopt),
      TensorType::get()->withUndefined(),
      c10::ListType::create(TensorType::createContiguous(at::kInt, c10::Device("cpu"), {4})),
  };
  for (const c10::TypePtr& type : types) {
    const auto again = parse_type(printed(*type));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(printed(**again), printed(*type));
    EXPECT_TRUE(**again == *type) << printed(*type);
  }
}

TEST(TypeParser, NamesGoToTheResolver) {
  const auto program = Program::create();
  const c10::TypePtr cls = program->create_class(c10::QualifiedName("__torch__.a.Foo"), false);
  const auto cu = program->compilation_unit();
  const c10::EnumTypePtr color =
      c10::EnumType::create(c10::QualifiedName("__torch__.Color"), c10::IntType::get(), {{"RED", c10::IValue(1)}}, cu);
  program->add_type(color);
  program->add_type(c10::InterfaceType::create(c10::QualifiedName("__torch__.I"), false));
  const TypeResolver resolver = resolver_of(program.get());
  const auto foo = parse_type("__torch__.a.Foo", resolver);
  ASSERT_TRUE(foo.ok()) << foo.status();
  EXPECT_EQ(*foo, cls);
  EXPECT_EQ(annotation("Dict[str, __torch__.a.Foo]", resolver), "Dict[str, __torch__.a.Foo]");
  EXPECT_EQ(annotation("Enum<__torch__.Color>[]", resolver), "List[__torch__.Color]");
  EXPECT_EQ(annotation("InterfaceType<I>", resolver), "__torch__.I");
  EXPECT_EQ(annotation("__torch__.torch.classes.quantized.Conv2dPackedParamsBase", resolver),
            "__torch__.torch.classes.quantized.Conv2dPackedParamsBase");
  EXPECT_EQ(annotation("List[__torch__.Nope]", resolver),
            "type 'List[__torch__.Nope]': expected a known type, found '__torch__.Nope' at byte 5");
}

TEST(TypeParser, NamedTuplesSpelledInline) {
  const auto type = parse_type("NamedTuple(x : int, y : Tensor[])");
  ASSERT_TRUE(type.ok()) << type.status();
  EXPECT_EQ(printed(**type), "NamedTuple(x : int, y : Tensor[])");
}

TEST(TypeParser, ReadsTypesInsideOfLongerText) {
  const std::string_view text = "%x : Dict(str, int)[], %y";
  size_t position = 4;
  const auto type = parse_type_at(text, position, {});
  ASSERT_TRUE(type.ok()) << type.status();
  EXPECT_EQ(text.substr(position), ", %y");
  EXPECT_EQ((*type)->str(), "Dict(str, int)[]");
}

TEST(TypeParser, EveryTypeOfTorchJitsSchemasReadsBackEqual) {
  size_t count = 0;
  for (const auto& op : torch::jit::getAllOperators()) {
    for (const c10::Argument& argument : op->schema().arguments()) {
      const std::string text = argument.real_type()->str();
      const auto type = parse_type(text, resolver_of(nullptr));
      ASSERT_TRUE(type.ok()) << type.status();
      EXPECT_EQ((*type)->str(), text);
      EXPECT_TRUE(**type == *argument.real_type()) << text;
      const std::string annotation_text = argument.type()->annotation_str();
      EXPECT_EQ(annotation(annotation_text, resolver_of(nullptr)), annotation_text);
      ++count;
    }
  }
  EXPECT_GT(count, 10000u);
}

TEST(TypeParser, WhatIsNoTypeIsRefusedWithItsPlace) {
  for (const char* text : {"",
                           "[",
                           "]",
                           "()x",
                           "List",
                           "List[",
                           "List[int",
                           "List[int, int]",
                           "Dict[str]",
                           "Dict[str, int, int]",
                           "Dict[Tensor[], int]",
                           "Optional[]",
                           "Union[]",
                           "int[",
                           "int[x]",
                           "int[]]",
                           "int,",
                           "Foo",
                           "(int",
                           "(int,,)",
                           "Float(",
                           "Float(2",
                           "Float(2, strides=[1, 2])",
                           "Float(*, strides=[1])",
                           "Float(2, device=nowhere)",
                           "Tensor(requires_grad=x)",
                           "FloatTensor(3)",
                           "Enum<",
                           "Enum<x",
                           "NamedTuple(x)",
                           "NamedTuple(x : int",
                           "int()",
                           "Future()",
                           "99",
                           "\xff\xfe"}) {
    const auto type = parse_type(text);
    ASSERT_FALSE(type.ok()) << text << " is " << (*type)->str();
    EXPECT_EQ(type.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(TypeParser, DepthIsBounded) {
  std::string lists, brackets = "int", futures;
  for (int i = 0; i < 100000; ++i) {
    lists += "List[";
    brackets += "[]";
    futures += "Future(";
  }
  for (const std::string& text : {lists, brackets, futures, std::string(100000, '(')}) {
    EXPECT_EQ(parse_type(text).status().code(), absl::StatusCode::kResourceExhausted);
  }
}

}  // namespace
}  // namespace vesta::ir
