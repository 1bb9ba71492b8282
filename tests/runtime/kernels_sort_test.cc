// Sorting by a program's own comparison, and what no standard sort survives: comparisons that fail or contradict.

#include <limits>

#include <ATen/core/class_type.h>
#include <gtest/gtest.h>

#include "ir/operator.h"
#include "ir/program.h"
#include "runtime/kernels/registry.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using ir::Stack;

// Compares the objects' attribute "key", or misbehaves.
class KeyRunner : public ir::FunctionRunner {
 public:
  enum class Mode { kByKey, kAlwaysTrue, kFails };
  explicit KeyRunner(Mode mode) : mode_(mode) {}
  absl::Status run(const ir::Function&, Stack& stack) const override {
    if (mode_ == Mode::kFails) return absl::InvalidArgumentError("__lt__ failed");
    const bool less = mode_ == Mode::kAlwaysTrue || key(stack[0]) < key(stack[1]);
    stack = {IValue(less)};
    return absl::OkStatus();
  }
  static int64_t key(const IValue& object) { return object.toObjectRef().getSlot(0).toInt(); }

 private:
  Mode mode_;
};

class ObjectSort : public ::testing::Test {
 protected:
  ObjectSort() : program_(ir::Program::create()) {
    type_ = program_->create_class(c10::QualifiedName("__torch__.Item"), /*is_module=*/false);
    type_->addAttribute("key", c10::IntType::get());
    type_->addAttribute("order", c10::IntType::get());
    program_->create_method(
        *type_, "__lt__",
        c10::FunctionSchema("__lt__", "", {c10::Argument("self", type_), c10::Argument("other", type_)},
                            {c10::Argument("", c10::BoolType::get())}));
  }

  c10::impl::GenericList items(const std::vector<int64_t>& keys) {
    c10::impl::GenericList list(type_);
    for (size_t i = 0; i < keys.size(); ++i) {
      auto object = c10::ivalue::Object::create(c10::StrongTypePtr(program_->compilation_unit(), type_), 2);
      object->setSlot(0, keys[i]);
      object->setSlot(1, static_cast<int64_t>(i));
      list.push_back(IValue(std::move(object)));
    }
    return list;
  }

  absl::Status sort(c10::impl::GenericList list, bool reverse, KeyRunner::Mode mode) {
    const KeyRunner runner(mode);
    program_->set_runner(&runner);
    Stack stack{list, reverse};
    const absl::Status status =
        builtin_kernel(ir::OperatorCatalog::standard().find("aten::sort", "any")->builtin)(stack);
    program_->set_runner(nullptr);
    return status;
  }

  // "key/order" of each.
  static std::string text(const c10::impl::GenericList& list) {
    std::string result;
    for (const IValue& item : list.vec()) {
      result +=
          std::to_string(KeyRunner::key(item)) + "/" + std::to_string(item.toObjectRef().getSlot(1).toInt()) + " ";
    }
    return result;
  }

  std::shared_ptr<ir::Program> program_;
  c10::ClassTypePtr type_;
};

TEST_F(ObjectSort, IsStableByTheClassesOwnComparison) {
  auto list = items({3, 1, 2, 1, 3});
  ASSERT_TRUE(sort(list, false, KeyRunner::Mode::kByKey).ok());
  EXPECT_EQ(text(list), "1/1 1/3 2/2 3/0 3/4 ");
}

TEST_F(ObjectSort, KeepsEqualElementsInOrderWhenReversed) {
  auto list = items({3, 1, 2, 1, 3});
  ASSERT_TRUE(sort(list, true, KeyRunner::Mode::kByKey).ok());
  EXPECT_EQ(text(list), "3/0 3/4 2/2 1/1 1/3 ");
}

TEST_F(ObjectSort, SurvivesAComparisonThatContradictsItself) {
  auto list = items(std::vector<int64_t>(300, 1));
  ASSERT_TRUE(sort(list, false, KeyRunner::Mode::kAlwaysTrue).ok());
  EXPECT_EQ(list.size(), 300u);
  for (const IValue& item : list.vec()) EXPECT_TRUE(item.isObject());
}

TEST_F(ObjectSort, HandsOnTheComparisonsErrorAndKeepsTheList) {
  auto list = items({2, 1});
  EXPECT_EQ(sort(list, false, KeyRunner::Mode::kFails).message(), "__lt__ failed");
  EXPECT_EQ(text(list), "2/0 1/1 ");
}

TEST_F(ObjectSort, NeedsARuntime) {
  Stack stack{items({2, 1}), false};
  const absl::Status status = builtin_kernel(ir::OperatorCatalog::standard().find("aten::sort", "any")->builtin)(stack);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ListSort, LosesNothingWhereThereAreNaNs) {
  c10::List<double> list({3, std::numeric_limits<double>::quiet_NaN(), 1, std::numeric_limits<double>::quiet_NaN(), 2});
  Stack stack{list, false};
  ASSERT_TRUE(builtin_kernel(ir::OperatorCatalog::standard().find("aten::sort", "float")->builtin)(stack).ok());
  int nans = 0;
  double sum = 0;
  for (const double value : list.vec()) value == value ? sum += value : ++nans;
  EXPECT_EQ(nans, 2);
  EXPECT_EQ(sum, 6);
}

}  // namespace
}  // namespace vesta::runtime
