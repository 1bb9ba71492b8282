#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "runtime/errors.h"
#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using testing::failure;
using testing::Programs;
using testing::run;

const c10::TypePtr kInt = c10::IntType::get();

// fib(n) = n if n < 2 else fib(n - 1) + fib(n - 2)
ir::Function* make_fib(Programs& programs) {
  return programs.define(programs.declare("__torch__.fib", {kInt}, kInt), R"(graph(%n : int):
  %1 : int = prim::Constant[value=1]()
  %2 : int = prim::Constant[value=2]()
  %fib : Function = prim::Constant[name="__torch__.fib"]()
  %small : bool = aten::lt(%n, %2)
  %r : int = prim::If(%small)
    block0():
      -> (%n)
    block1():
      %a : int = aten::sub(%n, %1)
      %b : int = prim::CallFunction(%fib, %a)
      %c : int = aten::sub(%n, %2)
      %d : int = prim::CallFunction(%fib, %c)
      %e : int = aten::add(%b, %d)
      -> (%e)
  return (%r)
)");
}

TEST(Calls, RecursionWorks) {
  Programs programs;
  EXPECT_EQ(run(*make_fib(programs), {int64_t{20}}).toInt(), 6765);
}

TEST(Calls, DepthIsLimitedWithoutRecursionInCpp) {
  Programs programs;
  ir::Function* down = programs.define(programs.declare("down", {kInt}, kInt), R"(graph(%n : int):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %down : Function = prim::Constant[name="down"]()
  %end : bool = aten::eq(%n, %0)
  %r : int = prim::If(%end)
    block0():
      -> (%0)
    block1():
      %m : int = aten::sub(%n, %1)
      %d : int = prim::CallFunction(%down, %m)
      %e : int = aten::add(%d, %1)
      -> (%e)
  return (%r)
)");
  CallOptions options;
  options.call_depth = 300'000;
  EXPECT_EQ(run(*down, {int64_t{200'000}}, options).toInt(), 200'000);
  const absl::Status status = failure(*down, {int64_t{100'000}});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("calls are nested more than 1000 deep"), std::string::npos);
  EXPECT_NE(status.message().find("... 984 more frames"), std::string::npos) << status;
}

TEST(Calls, MethodsReadAndWriteAttributes) {
  Programs programs;
  c10::ClassTypePtr type =
      programs.make_class("__torch__.Counter", {{"count", kInt}, {"name", c10::StringType::get()}});
  ir::Function* bump = programs.define(programs.declare_method(*type, "bump", {type, kInt}, kInt),
                                       R"(graph(%self : __torch__.Counter, %by : int):
  %old : int = prim::GetAttr[name="count"](%self)
  %new : int = aten::add(%old, %by)
   = prim::SetAttr[name="count"](%self, %new)
  return (%new)
)");
  ir::Function* twice = programs.define(programs.declare_method(*type, "twice", {type}, kInt),
                                        R"(graph(%self : __torch__.Counter):
  %2 : int = prim::Constant[value=2]()
  %a : int = prim::CallMethod[name="bump"](%self, %2)
  %b : int = prim::CallMethod[name="bump"](%self, %a)
  return (%b)
)");
  ASSERT_NE(bump, nullptr);
  auto object = c10::ivalue::Object::create(c10::StrongTypePtr(programs.program().compilation_unit(), type), 2);
  object->setSlot(0, int64_t{1});
  EXPECT_EQ(run(*twice, {object}).toInt(), 6);
  EXPECT_EQ(object->getSlot(0).toInt(), 6);
}

TEST(Calls, ObjectsAreMadeByPrograms) {
  Programs programs;
  c10::ClassTypePtr type = programs.make_class("__torch__.Point", {{"x", kInt}});
  const auto* f = programs.function("f", R"(graph(%v : int):
  %p : __torch__.Point = prim::CreateObject()
   = prim::SetAttr[name="x"](%p, %v)
  return (%p)
)");
  const IValue made = run(*f, {int64_t{9}});
  ASSERT_TRUE(made.isObject());
  EXPECT_EQ(made.toObjectRef().type(), type);
  EXPECT_EQ(made.toObjectRef().getSlot(0).toInt(), 9);
}

TEST(Calls, InterfaceMethodsAreThoseOfTheObjectsClass) {
  Programs programs;
  auto interface = c10::InterfaceType::create("__torch__.Shape", false);
  interface->addMethod(
      c10::FunctionSchema("sides", "", {c10::Argument("self", c10::AnyType::get())}, {c10::Argument("", kInt)}));
  programs.program().add_type(interface);
  std::vector<IValue> objects;
  for (int sides : {3, 4}) {
    const std::string name = "__torch__.Shape" + std::to_string(sides);
    c10::ClassTypePtr type = programs.make_class(name, {});
    programs.define(programs.declare_method(*type, "sides", {type}, kInt),
                    "graph(%self : " + name + "):\n  %n : int = prim::Constant[value=" + std::to_string(sides) +
                        "]()\n  return (%n)\n");
    objects.emplace_back(
        c10::ivalue::Object::create(c10::StrongTypePtr(programs.program().compilation_unit(), type), 0));
  }
  const auto* f = programs.function("f", R"(graph(%s : __torch__.Shape):
  %n : int = prim::CallMethod[name="sides"](%s)
  return (%n)
)");
  EXPECT_EQ(run(*f, {objects[0]}).toInt(), 3);
  EXPECT_EQ(run(*f, {objects[1]}).toInt(), 4);
  EXPECT_EQ(run(*f, {objects[0]}).toInt(), 3);
}

TEST(Calls, FailureDeepInAMethodTellsTheWholeChain) {
  Programs programs;
  const c10::TypePtr tensor = c10::TensorType::get();
  c10::ClassTypePtr inner = programs.make_class("__torch__.Inner", {}, true);
  c10::ClassTypePtr outer = programs.make_class("__torch__.Outer", {{"inner", inner}}, true);
  programs.define(programs.declare_method(*inner, "forward", {inner, tensor}, tensor),
                  "graph(%self : __torch__.Inner, %x : Tensor):\n  %y : Tensor = aten::t(%x)\n  return (%y)\n");
  const auto* forward = programs.define(programs.declare_method(*outer, "forward", {outer, tensor}, tensor),
                                        R"(graph(%self : __torch__.Outer, %x : Tensor):
  %i : __torch__.Inner = prim::GetAttr[name="inner"](%self)
  %y : Tensor = prim::CallMethod[name="forward"](%i, %x)
  return (%y)
)");
  auto make = [&](const c10::ClassTypePtr& type, size_t slots) {
    return c10::ivalue::Object::create(c10::StrongTypePtr(programs.program().compilation_unit(), type), slots);
  };
  auto object = make(outer, 1);
  object->setSlot(0, make(inner, 0));
  const absl::Status status = failure(*forward, {object, at::Tensor(at::ones({2, 2, 2}))});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(exception_class(status), "RuntimeError");
  EXPECT_EQ(status.message(), R"(model.py:2:3: error: t() expects a tensor with <= 2 dimensions, but self is 3D
    %y : Tensor = aten::t(%x)
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  in 'Inner.forward' at model.py:2:3
  in 'Outer.forward' at model.py:3:3
    %y : Tensor = prim::CallMethod[name="forward"](%i, %x)
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^)");
}

TEST(Calls, RaisedExceptionKeepsItsClass) {
  Programs programs;
  const auto* f = programs.function("f", R"(graph(%m : str):
  %c : str = prim::Constant[value="builtins.ValueError"]()
   = prim::RaiseException(%m, %c)
  return (%m)
)");
  const absl::Status status = failure(*f, {"too bad"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(exception_class(status), "builtins.ValueError");
  EXPECT_NE(status.message().find("error: ValueError: too bad\n"), std::string::npos) << status;
}

// A class whose __enter__ and __exit__ count in attributes.
class WithStatement : public ::testing::Test {
 protected:
  WithStatement() {
    type_ = programs_.make_class("__torch__.Guard", {{"entered", kInt}, {"left", kInt}});
    programs_.define(programs_.declare_method(*type_, "__enter__", {type_}, kInt), R"(graph(%self : __torch__.Guard):
  %1 : int = prim::Constant[value=1]()
  %n : int = prim::GetAttr[name="entered"](%self)
  %m : int = aten::add(%n, %1)
   = prim::SetAttr[name="entered"](%self, %m)
  return (%m)
)");
    const c10::TypePtr any = c10::AnyType::get();
    programs_.define(programs_.declare_method(*type_, "__exit__", {type_, any, any, any}, c10::NoneType::get()),
                     R"(graph(%self : __torch__.Guard, %t : Any, %v : Any, %b : Any):
  %1 : int = prim::Constant[value=1]()
  %none : NoneType = prim::Constant()
  %n : int = prim::GetAttr[name="left"](%self)
  %m : int = aten::add(%n, %1)
   = prim::SetAttr[name="left"](%self, %m)
  return (%none)
)");
    object_ = c10::ivalue::Object::create(c10::StrongTypePtr(programs_.program().compilation_unit(), type_), 2);
    object_->setSlot(0, int64_t{0});
    object_->setSlot(1, int64_t{0});
    body_ = programs_.function("body", R"(graph(%g : __torch__.Guard, %x : int, %y : int):
  %none : NoneType = prim::Constant()
  %e : int = prim::Enter(%g)
  %z : int = aten::floordiv(%x, %y)
  %l : NoneType = prim::Exit(%g, %none, %none, %none)
  return (%z)
)");
  }
  int64_t entered() const { return object_->getSlot(0).toInt(); }
  int64_t left() const { return object_->getSlot(1).toInt(); }

  Programs programs_;
  c10::ClassTypePtr type_;
  c10::intrusive_ptr<c10::ivalue::Object> object_;
  ir::Function* body_ = nullptr;
};

TEST_F(WithStatement, EntersAndLeaves) {
  EXPECT_EQ(run(*body_, {object_, int64_t{7}, int64_t{2}}).toInt(), 3);
  EXPECT_EQ(entered(), 1);
  EXPECT_EQ(left(), 1);
}

TEST_F(WithStatement, LeavesWhenTheBodyFails) {
  EXPECT_FALSE(failure(*body_, {object_, int64_t{7}, int64_t{0}}).ok());
  EXPECT_EQ(entered(), 1);
  EXPECT_EQ(left(), 1);
}

}  // namespace
}  // namespace vesta::runtime
