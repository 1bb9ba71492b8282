// Source of archives to types, methods and functions.

#include "frontend/importer.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ir/printer.h"
#include "ir/verifier.h"

namespace vesta::frontend {
namespace {

using ::testing::HasSubstr;
using Files = std::map<std::string, std::string>;

struct Archive {
  explicit Archive(Files texts) : files(std::move(texts)) {
    ImportOptions options;
    options.find_source =
        [this](const std::string& qualifier) -> absl::StatusOr<std::shared_ptr<const support::Source>> {
      ++asked[qualifier];
      auto it = files.find(qualifier);
      if (it == files.end()) return std::shared_ptr<const support::Source>();
      return std::make_shared<const support::Source>(support::Source{it->second, absl::StrCat(qualifier, ".py"), 1});
    };
    importer = std::make_unique<SourceImporter>(program, std::move(options));
  }

  Files files;
  std::map<std::string, int> asked;
  std::shared_ptr<ir::Program> program = ir::Program::create();
  std::unique_ptr<SourceImporter> importer;
};

constexpr const char* kModules = R"(
class Net(Module):
  __parameters__ = ["weight", ]
  __buffers__ = ["mean", ]
  weight : Tensor
  mean : Tensor
  training : bool
  stride : Final[Tuple[int, int]] = (1, 2)
  __annotations__["0"] = __torch__.sub.Block
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    _0 = getattr(self, "0")
    return (_0).forward(torch.add(x, self.weight), )
)";
constexpr const char* kSub = R"(
class Block(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.sub.Block,
    x: Tensor,
    n: int=3) -> Tensor:
    return torch.mul(x, n)
)";

TEST(Importer, DeclaresAModuleWithAllThatItNames) {
  Archive archive(Files{{"__torch__", kModules}, {"__torch__.sub", kSub}});
  absl::StatusOr<c10::NamedTypePtr> type = archive.importer->load_type("__torch__.Net");
  ASSERT_TRUE(type.ok()) << type.status();
  const auto net = (*type)->cast<c10::ClassType>();
  ASSERT_NE(net, nullptr);
  EXPECT_TRUE(net->is_module());
  EXPECT_TRUE(net->is_parameter(net->getAttributeSlot("weight")));
  EXPECT_TRUE(net->is_buffer(net->getAttributeSlot("mean")));
  EXPECT_FALSE(net->is_buffer(net->getAttributeSlot("training")));
  EXPECT_EQ(net->getConstant("stride").toTuple()->elements()[1].toInt(), 2);
  EXPECT_EQ(net->getAttribute("0"), archive.program->find_type("__torch__.sub.Block"));
  EXPECT_EQ(archive.asked["__torch__.sub"], 1);
}

// torch::jit does not know the outer class while it reads the inner one.
TEST(Importer, RefusesAClassThatHoldsItself) {
  const std::string sub = absl::StrReplaceAll(kSub, {{"  def", "  parent : Optional[__torch__.Net]\n  def"}});
  Archive archive(Files{{"__torch__", kModules}, {"__torch__.sub", sub}});
  const absl::StatusOr<c10::NamedTypePtr> type = archive.importer->load_type("__torch__.Net");
  EXPECT_THAT(std::string(type.status().message()), HasSubstr("'Optional[Net]', which holds 'sub.Block' again"));
}

TEST(Importer, BodiesWaitUntilTheyAreAskedFor) {
  Archive archive(Files{{"__torch__", kModules}, {"__torch__.sub", kSub}});
  ASSERT_TRUE(archive.importer->load_type("__torch__.Net").ok());
  const auto* forward =
      ir::Function::from(archive.program->find_type("__torch__.Net")->cast<c10::ClassType>()->findMethod("forward"));
  EXPECT_EQ(forward->graph(), nullptr);
  ASSERT_TRUE(archive.importer->compile_pending().ok());
  EXPECT_EQ(ir::print(*forward->graph()), R"(graph(%self : __torch__.Net,
      %x : Tensor):
  %_0 : __torch__.sub.Block = prim::GetAttr[name="0"](%self)
  %weight : Tensor = prim::GetAttr[name="weight"](%self)
  %4 : int = prim::Constant[value=1]()
  %5 : Tensor = aten::add(%x, %weight, %4)
  %6 : int = prim::Constant[value=3]()
  %7 : Tensor = prim::CallMethod[name="forward"](%_0, %5, %6)
  return (%7)
)");
}

TEST(Importer, HooksAreNoMethods) {
  Archive archive(Files{{"__torch__", R"(
class M(Module):
  __parameters__ = []
  __buffers__ = []
  __forward_pre_hooks__ = ["before", ]
  __forward_hooks__ = ["after", ]
  training : bool
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    return x
  def before(self: __torch__.M,
    input: Tuple[Tensor]) -> NoneType:
    return None
  def after(self: __torch__.M,
    input: Tuple[Tensor],
    output: Tensor) -> Tensor:
    return torch.neg(output)
)"}});
  absl::StatusOr<c10::NamedTypePtr> type = archive.importer->load_type("__torch__.M");
  ASSERT_TRUE(type.ok()) << type.status();
  const auto m = (*type)->cast<c10::ClassType>();
  EXPECT_EQ(m->methods().size(), 1u);
  ASSERT_EQ(m->getForwardHooks().size(), 1u);
  ASSERT_EQ(m->getForwardPreHooks().size(), 1u);
  ASSERT_TRUE(archive.importer->compile_pending().ok());
  EXPECT_THAT(ir::print(*ir::Function::from(m->getForwardHooks()[0])->graph()), HasSubstr("aten::neg(%output)"));
}

TEST(Importer, ReadsNamedTuplesEnumsAndInterfaces) {
  Archive archive(Files{{"__torch__", R"(
class Pair(NamedTuple):
  first : Tensor
  second : Optional[int] = None
class Color(Enum):
  RED = 1
  GREEN = 2
class Shape(Interface):
  def area(self, scale: float) -> float:
    pass
def f(x: Tensor,
    c: __torch__.Color,
    s: __torch__.Shape) -> Tuple[Tensor, int, float]:
  p = __torch__.Pair(x, 2)
  _0 = torch.eq(c, __torch__.Color.GREEN)
  if _0:
    n = 1
  else:
    n = 0
  return (p.first, n, (s).area(2., ))
)"}});
  absl::StatusOr<ir::Function*> function = archive.importer->load_function("__torch__.f");
  ASSERT_TRUE(function.ok()) << function.status();
  ASSERT_TRUE(archive.importer->compile_pending().ok());
  const std::string text = ir::print(*(*function)->graph());
  EXPECT_THAT(text, HasSubstr("prim::TupleConstruct"));
  EXPECT_THAT(text, HasSubstr("prim::CallMethod[name=\"area\"](%s"));
  const auto pair = archive.program->find_type("__torch__.Pair")->cast<c10::TupleType>();
  EXPECT_EQ(pair->schema()->arguments()[1].default_value()->isNone(), true);
}

TEST(Importer, ConstantsOfTheArchiveAreBuiltIn) {
  Archive archive(Files{{"__torch__", "def f(x: Tensor) -> Tensor:\n  return torch.add(x, CONSTANTS.c1)\n"}});
  absl::StatusOr<ir::Function*> function = archive.importer->load_function("__torch__.f");
  ASSERT_TRUE(function.ok());
  archive.importer->set_constants({c10::IValue(1), c10::IValue(7)});
  ASSERT_TRUE(archive.importer->compile_pending().ok());
  EXPECT_THAT(ir::print(*(*function)->graph()), HasSubstr("prim::Constant[value=7]"));
}

TEST(Importer, AConstantThatTheArchiveLacksIsAnError) {
  Archive archive(Files{{"__torch__", "def f(x: Tensor) -> Tensor:\n  return torch.add(x, CONSTANTS.c1)\n"}});
  ASSERT_TRUE(archive.importer->load_function("__torch__.f").ok());
  EXPECT_THAT(std::string(archive.importer->compile_pending().message()),
              HasSubstr("the archive has no constant 'c1'"));
}

TEST(Importer, AnnotationsOfPicklesAreTypes) {
  Archive archive(Files{{"__torch__", kModules}, {"__torch__.sub", kSub}});
  absl::StatusOr<c10::TypePtr> type = archive.importer->load_annotation("Dict[str, List[__torch__.Net]]");
  ASSERT_TRUE(type.ok()) << type.status();
  EXPECT_EQ((*type)->annotation_str(), "Dict[str, List[__torch__.Net]]");
}

TEST(Importer, UnknownOperatorsAreCollectedOverAllBodies) {
  Archive archive(Files{{"__torch__", R"(
def f(x: Tensor) -> Tensor:
  return ops.mylib.one(x)
def g(x: Tensor) -> Tensor:
  return __torch__.f(torch.nada(x))
def h(x: Tensor) -> Tensor:
  return torch.neg(x)
)"}});
  for (const char* name : {"__torch__.f", "__torch__.g", "__torch__.h"})
    ASSERT_TRUE(archive.importer->load_function(name).ok());
  EXPECT_EQ(archive.importer->compile_pending().code(), absl::StatusCode::kUnimplemented);
  ASSERT_EQ(archive.importer->missing_operators().size(), 2u);
  EXPECT_EQ(archive.importer->missing_operators()[0].name, "mylib::one");
  EXPECT_EQ(archive.importer->missing_operators()[1].function, "__torch__.g");
  EXPECT_EQ(archive.program->find_function("__torch__.f")->graph(), nullptr);
  EXPECT_NE(archive.program->find_function("__torch__.h")->graph(), nullptr);
}

TEST(Importer, MethodsOfOldFormatsJoinAClassThatExists) {
  Archive archive(Files{});
  c10::ClassTypePtr type = archive.program->create_class(c10::QualifiedName("__torch__.Old"), true);
  type->addAttribute("bias", c10::TensorType::get(), true);
  ASSERT_TRUE(archive.importer
                  ->define_methods(type, std::make_shared<support::Source>(
                                             support::Source{"op_version_set = 0\ndef forward(self,\n    x: Tensor) -> "
                                                             "Tensor:\n  return torch.add(self.bias, x, alpha=1)\n",
                                                             "old.py", 1}))
                  .ok());
  ASSERT_TRUE(archive.importer->compile_pending().ok());
  EXPECT_NE(ir::Function::from(type->findMethod("forward"))->graph(), nullptr);
}

TEST(Importer, ErrorsNameTheModelsOwnSource) {
  auto original = std::make_shared<support::Source>(support::Source{"x = 1\ny = net(x)\n", "train.py", 1});
  ImportOptions options;
  options.find_source = [](const std::string&) -> absl::StatusOr<std::shared_ptr<const support::Source>> {
    return std::make_shared<const support::Source>(
        support::Source{"def f(x: Tensor) -> Tensor:\n  return torch.matmul(x, 1)\n", "code.py", 1});
  };
  options.original_range = [&](const support::SourceRange&) { return support::SourceRange(original, 10, 16); };
  SourceImporter importer(ir::Program::create(), std::move(options));
  ASSERT_TRUE(importer.load_function("__torch__.f").ok());
  EXPECT_THAT(std::string(importer.compile_pending().message()), HasSubstr("train.py:2:5: error: 'matmul'"));
}

TEST(Importer, AMissingTypeIsAnError) {
  Archive archive(Files{});
  EXPECT_EQ(archive.importer->load_type("__torch__.Nope").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(archive.importer->load_type("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(archive.importer->load_type("a..b").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Importer, AnUnregisteredCustomClassIsNamed) {
  Archive archive(Files{});
  const absl::Status status = archive.importer->load_type("__torch__.torch.classes.mylib.Thing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'torch.classes.mylib.Thing' is not registered"));
}

}  // namespace
}  // namespace vesta::frontend
