#include <vesta/value.h>

#include <cmath>
#include <tuple>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "tests/api/api_test_support.h"

namespace vesta {
namespace {

using test::message;
using test::must;
using testing::ElementsAre;

c10::IValue point(at::Tensor x, int64_t y) {
  const c10::TypePtr type =
      c10::TupleType::createNamed(c10::QualifiedName("Point"), std::vector<std::string>{"x", "y"},
                                  std::vector<c10::TypePtr>{c10::TensorType::get(), c10::IntType::get()});
  return c10::ivalue::Tuple::createNamed({std::move(x), y}, type->expect<c10::TupleType>());
}

TEST(Get, GivesTheValueOfItsType) {
  EXPECT_EQ(must(get<int64_t>(c10::IValue(3))), 3);
  EXPECT_EQ(must(get<double>(c10::IValue(0.5))), 0.5);
  EXPECT_TRUE(must(get<bool>(c10::IValue(true))));
  EXPECT_EQ(must(get<std::string>(c10::IValue("text"))), "text");
  const at::Tensor tensor = at::ones({2});
  EXPECT_TRUE(must(get<at::Tensor>(c10::IValue(tensor))).is_same(tensor));
}

TEST(Get, SaysWhatIsThereInstead) {
  EXPECT_EQ(message(get<at::Tensor>(c10::IValue(3))), "expected Tensor, got int");
  EXPECT_EQ(message(get<double>(c10::IValue(3))), "expected float, got int");
  EXPECT_EQ(message(get<int64_t>(c10::IValue(true))), "expected int, got bool");
  EXPECT_EQ(message(get<std::string>(c10::IValue())), "expected str, got None");
  EXPECT_EQ(message(get<int>(c10::IValue(int64_t{1} << 40))), "expected int of 32 bits, got int");
  EXPECT_EQ(message(get<std::vector<int64_t>>(point(at::ones({1}), 2))), "expected List[int], got NamedTuple Point");
}

TEST(Get, TakesContainersApart) {
  EXPECT_THAT(must(get<std::vector<int64_t>>(c10::IValue(c10::List<int64_t>({1, 2, 3})))), ElementsAre(1, 2, 3));
  const c10::IValue pair = c10::ivalue::Tuple::create({c10::IValue(1), c10::IValue("a")});
  EXPECT_EQ((must(get<std::tuple<int64_t, std::string>>(pair))), std::make_tuple(int64_t{1}, std::string("a")));
  EXPECT_EQ((message(get<std::tuple<int64_t, double>>(pair))), "element 1: expected float, got str");
  EXPECT_EQ((message(get<std::tuple<int64_t>>(pair))), "expected Tuple[int], got Tuple[int, str]");
  EXPECT_EQ(message(get<std::vector<double>>(c10::IValue(c10::List<int64_t>({1})))),
            "element 0: expected float, got int");
  c10::Dict<std::string, int64_t> dict;
  dict.insert("a", 1);
  EXPECT_EQ((must(get<std::unordered_map<std::string, int64_t>>(c10::IValue(dict)))["a"]), 1);
  EXPECT_EQ(must(get<std::optional<int64_t>>(c10::IValue())), std::nullopt);
  EXPECT_EQ(must(get<std::optional<int64_t>>(c10::IValue(4))), 4);
  EXPECT_EQ(message(get<std::optional<int64_t>>(c10::IValue(0.5))), "expected Optional[int], got float");
}

TEST(Get, PassesTheErrorOfACallOn) {
  const absl::StatusOr<c10::IValue> failed = absl::DataLossError("broken");
  EXPECT_EQ(get<at::Tensor>(failed).status(), absl::DataLossError("broken"));
}

TEST(Field, FindsNamesOfTuplesAndDicts) {
  EXPECT_EQ(must(field(point(at::ones({1}), 7), "y")).toInt(), 7);
  EXPECT_EQ(message(field(point(at::ones({1}), 7), "z")), "NamedTuple Point has no 'z'; it has: x, y");
  c10::Dict<std::string, int64_t> dict;
  dict.insert("scores", 1);
  EXPECT_EQ(must(field(c10::IValue(dict), "scores")).toInt(), 1);
  EXPECT_EQ(message(field(c10::IValue(dict), "boxes")), "the dict has no 'boxes'; it has: scores");
  EXPECT_EQ(message(field(c10::IValue(3), "x")), "expected a NamedTuple, an object or a dict with 'x', got int");
}

TEST(FormatValue, PrintsTensorsAsPyTorchDoes) {
  EXPECT_EQ(format_value(at::tensor({1.0F, 2.0F})), "tensor([1., 2.])");
  EXPECT_EQ(format_value(at::tensor({0.5F, -2.25F})), "tensor([ 0.5000, -2.2500])");
  EXPECT_EQ(format_value(at::tensor({1e-7F, 1.0F})), "tensor([1.0000e-07, 1.0000e+00])");
  EXPECT_EQ(format_value(at::arange(6).reshape({2, 3})), "tensor([[0, 1, 2],\n        [3, 4, 5]])");
  EXPECT_EQ(format_value(at::tensor({1, 0}).to(at::kBool)), "tensor([ True, False])");
  EXPECT_EQ(format_value(at::tensor({0.5F}).squeeze()), "tensor(0.5000)");
  EXPECT_EQ(format_value(at::zeros({0, 3})), "tensor([], size=(0, 3))");
  EXPECT_EQ(format_value(at::ones({2}, at::kHalf)), "tensor([1., 1.], dtype=torch.float16)");
  EXPECT_EQ(format_value(at::tensor({std::nanf(""), 1.5F})), "tensor([   nan, 1.5000])");
  EXPECT_EQ(format_value(at::zeros({1, 1, 2})), "tensor([[[0., 0.]]])");
  EXPECT_EQ(format_value(at::Tensor()), "tensor(undefined)");
}

TEST(FormatValue, ShortensLargeTensors) {
  EXPECT_EQ(format_value(at::arange(5000)), "tensor([   0,    1,    2, ..., 4997, 4998, 4999], size=(5000))");
  EXPECT_EQ(format_value(at::zeros({100, 100}, at::kLong)),
            "tensor([[0, 0, 0, ..., 0, 0, 0],\n"
            "        [0, 0, 0, ..., 0, 0, 0],\n"
            "        [0, 0, 0, ..., 0, 0, 0],\n"
            "        ...,\n"
            "        [0, 0, 0, ..., 0, 0, 0],\n"
            "        [0, 0, 0, ..., 0, 0, 0],\n"
            "        [0, 0, 0, ..., 0, 0, 0]], size=(100, 100))");
}

TEST(FormatValue, NestsContainers) {
  EXPECT_EQ(format_value(c10::List<int64_t>({1, 2})), "[1, 2]");
  EXPECT_EQ(format_value(c10::ivalue::Tuple::create({c10::IValue(1)})), "(1,)");
  EXPECT_EQ(format_value(c10::ivalue::Tuple::create({c10::IValue("it's\n"), c10::IValue(), c10::IValue(0.5)})),
            "('it\\'s\\n', None, 0.5)");
  EXPECT_EQ(format_value(point(at::arange(2), 3)), "Point(\n  x=tensor([0, 1]),\n  y=3\n)");
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("a", at::arange(4).reshape({2, 2}));
  EXPECT_EQ(format_value(dict), "{\n  'a': tensor([[0, 1],\n               [2, 3]])\n}");
  FormatOptions options;
  options.max_items = 2;
  EXPECT_EQ(format_value(c10::List<int64_t>({1, 2, 3}), options), "[1, 2, ... (3 in all)]");
}

}  // namespace
}  // namespace vesta
