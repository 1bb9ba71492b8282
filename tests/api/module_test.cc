#include <vesta/module.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/List.h>
#include <ATen/core/class_type.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/allclose.h>
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
using testing::StartsWith;

template <class T>
std::vector<std::string> names(const std::vector<Named<T>>& items) {
  std::vector<std::string> result;
  for (const Named<T>& item : items) result.push_back(item.name);
  return result;
}

// A parameter, a buffer, a list, a counter, and a child that is reached by two names.
Module sample() {
  Module inner("Inner");
  must(inner.register_parameter("weight", at::ones({2})));
  must(inner.register_attribute("training", true));
  must(inner.define("def forward(self, x: Tensor) -> Tensor:\n  return x * self.weight\n"));
  Module outer("Outer");
  must(outer.register_attribute("training", true));
  must(outer.register_buffer("offset", at::zeros({2})));
  must(outer.register_module("a", inner));
  must(outer.register_parameter("scale", at::ones({1})));
  must(outer.register_module("b", inner));
  must(outer.register_attribute("calls", 0));
  must(outer.register_attribute("history", c10::ListType::create(c10::TensorType::get()),
                                c10::IValue(c10::List<at::Tensor>())));
  must(outer.define(R"(
def forward(self, x: Tensor, n: int = 1) -> Tensor:
  return self.b(self.a(x)) * self.scale + self.offset * n

def count(self) -> int:
  self.calls = self.calls + 1
  return self.calls

def drift(self) -> Tensor:
  self.offset.add_(1)
  return self.offset

def remember(self, x: Tensor) -> int:
  self.history.append(x)
  return len(self.history)
)"));
  return outer;
}

TEST(Module, CallsByPositionAndByName) {
  const Module module = sample();
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.forward({at::ones({2})}))), at::ones({2})));
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.forward({}, {{"x", at::ones({2})}, {"n", 3}}))), at::ones({2})));
  EXPECT_THAT(message(module.forward({3})), StartsWith("'forward' takes Tensor for argument 'x', got int"));
  EXPECT_EQ(message(module.run_method("backward", {})),
            "'__torch__.Outer' has no method 'backward'; it has: forward, count, drift, remember");
}

TEST(Module, ListsItsPartsInTorchsOrder) {
  const Module module = sample();
  EXPECT_THAT(names(module.named_parameters()), ElementsAre("a.weight", "scale", "b.weight"));
  EXPECT_THAT(names(module.named_parameters(false)), ElementsAre("scale"));
  EXPECT_THAT(names(module.named_buffers()), ElementsAre("offset"));
  EXPECT_THAT(names(module.named_children()), ElementsAre("a", "b"));
  EXPECT_THAT(names(module.named_modules()), ElementsAre("", "a", "b"));
  EXPECT_THAT(names(module.named_attributes(false)),
              ElementsAre("training", "offset", "a", "scale", "b", "calls", "history"));
  EXPECT_THAT(names(module.state_dict()), ElementsAre("scale", "offset", "a.weight", "b.weight"));
}

TEST(Module, SetsAttributesOfTheirTypeOnly) {
  Module module = sample();
  must(module.set_attr("a.weight", at::zeros({2})));
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.attr("b.weight"))), at::zeros({2})));
  EXPECT_EQ(message(module.set_attr("calls", "many")), "attribute 'calls' takes int, got str");
  EXPECT_THAT(message(module.set_attr("nothing", 1)), HasSubstr("has no 'nothing'; it has: training, offset"));
  EXPECT_THAT(message(module.attr("c.weight")), HasSubstr("has no module 'c'"));
  EXPECT_TRUE(module.has_attr("a.weight"));
  EXPECT_FALSE(module.has_attr("a.bias"));
}

TEST(Module, LoadsAStateDictWhole) {
  Module module = sample();
  const LoadReport report = must(module.load_state_dict({{"scale", at::ones({1}) * 2},
                                                         {"offset", at::ones({2})},
                                                         {"a.weight", at::ones({2}) * 3},
                                                         {"b.weight", at::ones({2}) * 3}}));
  EXPECT_TRUE(report.clean());
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.forward({at::ones({2})}))), at::ones({2}) * 19));
}

TEST(Module, ReportsEverythingThatDoesNotFitAStateDictAndLoadsNothing) {
  Module module = sample();
  const StateDict state = {{"scale", at::ones({3})}, {"offset", at::ones({2})}, {"a.weights", at::ones({2})}};
  EXPECT_EQ(message(module.load_state_dict(state)),
            "the state dict does not fit '__torch__.Outer'; nothing was loaded\n"
            "  missing: a.weight, b.weight\n"
            "  unexpected: a.weights\n"
            "  mismatched: scale: shape [1] in the module, [3] given");
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.attr("offset"))), at::zeros({2})));
}

TEST(Module, LoadsWhatFitsWhereItIsNotStrict) {
  Module module = sample();
  const LoadReport report = must(module.load_state_dict({{"offset", at::ones({2})}, {"other", at::ones({2})}}, false));
  EXPECT_THAT(report.missing, ElementsAre("scale", "a.weight", "b.weight"));
  EXPECT_THAT(report.unexpected, ElementsAre("other"));
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.attr("offset"))), at::ones({2})));
}

TEST(Module, ConvertsFloatingPointTensorsInPlace) {
  Module module = sample();
  must(module.register_buffer("steps", at::zeros({1}, at::kLong)));
  const at::Tensor weight = must(get<at::Tensor>(module.attr("a.weight")));
  must(module.to(at::kDouble));
  EXPECT_EQ(weight.scalar_type(), at::kDouble);
  EXPECT_EQ(must(get<at::Tensor>(module.attr("steps"))).scalar_type(), at::kLong);
  EXPECT_TRUE(must(get<at::Tensor>(module.attr("b.weight"))).is_same(weight));
  EXPECT_FALSE(module.to(at::kInt).ok());
}

TEST(Module, TrainsAndEvaluatesAllModules) {
  Module module = sample();
  EXPECT_TRUE(module.is_training());
  must(module.eval());
  EXPECT_FALSE(module.is_training());
  EXPECT_FALSE(must(module.get_submodule("a")).is_training());
  must(module.train());
  EXPECT_TRUE(must(module.get_submodule("a")).is_training());
}

TEST(Module, CopiesShareNothingAndKeepSharing) {
  Module module = sample();
  const Module copy = must(module.clone());
  EXPECT_FALSE(copy == module);
  EXPECT_EQ(copy.type(), module.type());
  EXPECT_TRUE(must(copy.get_submodule("a")) == must(copy.get_submodule("b")));
  must(module.set_attr("calls", 5));
  must(get<at::Tensor>(module.attr("offset"))).add_(1);
  EXPECT_EQ(must(copy.attr("calls")).toInt(), 0);
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(copy.attr("offset"))), at::zeros({2})));
}

TEST(Module, CopiesKeepViewsOfOneStorageTogether) {
  Module module("Views");
  const at::Tensor whole = at::zeros({4});
  must(module.register_buffer("whole", whole));
  must(module.register_buffer("half", whole.narrow(0, 2, 2)));
  must(module.register_attribute("list", c10::IValue(c10::List<at::Tensor>({whole}))));
  const Module copy = must(module.deepcopy());
  must(get<at::Tensor>(copy.attr("half"))).fill_(1);
  EXPECT_EQ(must(get<at::Tensor>(copy.attr("whole"))).sum().item<float>(), 2);
  EXPECT_EQ(must(get<std::vector<at::Tensor>>(copy.attr("list")))[0].sum().item<float>(), 2);
  EXPECT_EQ(whole.sum().item<float>(), 0);
}

TEST(Module, CopiesGradientsRequirementsButNotGradients) {
  Module module = sample();
  must(module.requires_grad_());
  const Module copy = must(module.clone());
  for (const at::Tensor& parameter : copy.parameters()) {
    EXPECT_TRUE(parameter.requires_grad());
    EXPECT_TRUE(parameter.is_leaf());
  }
}

TEST(Module, InstancesShareWeightsAndNothingThatMethodsWrite) {
  const Module module = sample();
  const Module instance = must(module.instance());
  EXPECT_TRUE(must(get<at::Tensor>(instance.attr("a.weight"))).is_same(must(get<at::Tensor>(module.attr("a.weight")))));
  // drift() writes it in place.
  EXPECT_FALSE(
      must(get<at::Tensor>(instance.attr("offset"))).is_alias_of(must(get<at::Tensor>(module.attr("offset")))));
  EXPECT_EQ(must(instance.run_method("count", {})).toInt(), 1);
  EXPECT_EQ(must(instance.run_method("count", {})).toInt(), 2);
  EXPECT_EQ(must(instance.run_method("remember", {at::ones({1})})).toInt(), 1);
  EXPECT_EQ(must(module.attr("calls")).toInt(), 0);
  EXPECT_TRUE(must(get<std::vector<at::Tensor>>(module.attr("history"))).empty());
}

TEST(Module, KnowsWhichMethodsWriteState) {
  const Module module = sample();
  EXPECT_FALSE(must(module.get_method("forward")).writes_state());
  EXPECT_TRUE(must(module.get_method("count")).writes_state());
  EXPECT_TRUE(must(module.get_method("drift")).writes_state());
  EXPECT_TRUE(must(module.get_method("remember")).writes_state());
}

TEST(Module, BatchNormWritesStateWhileTrainingOnly) {
  Module module = must(load(corpus("batch_norm_training")));
  must(module.train());
  EXPECT_TRUE(must(module.get_method("forward")).writes_state());
  must(module.eval());
  EXPECT_FALSE(must(module.get_method("forward")).writes_state());
}

TEST(Module, StateOfStreamsIsTheirOwn) {
  const Module module = must(load(corpus("stateful_gru")));
  const at::NoGradGuard no_grad;
  const Module first = must(module.instance());
  const Module second = must(module.instance());
  const at::Tensor input = at::ones({1, 4});
  const at::Tensor one = must(get<at::Tensor>(first.forward({input}))).clone();
  const at::Tensor two = must(get<at::Tensor>(first.forward({input}))).clone();
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(second.forward({input}))), one));
  EXPECT_FALSE(at::equal(one, two));
}

TEST(Module, GradientsReachParametersAndChangesAreSeen) {
  Module module = sample();
  must(module.requires_grad_());
  const at::Tensor input = at::ones({2}).requires_grad_();
  must(get<at::Tensor>(module.forward({input}))).sum().backward();
  const at::Tensor weight = must(get<at::Tensor>(module.attr("a.weight")));
  EXPECT_TRUE(at::equal(weight.grad(), at::ones({2}) * 2));
  EXPECT_TRUE(input.grad().defined());
  {
    const at::NoGradGuard no_grad;
    weight.mul_(2);
  }
  must(module.zero_grad());
  EXPECT_FALSE(weight.grad().defined());
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(module.forward({at::ones({2})}))).detach(), at::ones({2}) * 4));
}

TEST(Module, FrozenModulesRefuseChangesFromOutside) {
  Module module = sample();
  must(module.requires_grad_());
  Module frozen = must(module.freeze());
  EXPECT_TRUE(frozen.is_frozen());
  EXPECT_FALSE(frozen.is_training());
  EXPECT_TRUE(module.is_training());
  for (const at::Tensor& parameter : frozen.parameters()) EXPECT_FALSE(parameter.requires_grad());
  EXPECT_EQ(frozen.set_attr("calls", 1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(frozen.load_state_dict(module.state_dict()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(frozen.train().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(frozen.to(at::kDouble).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(frozen.define("def f(self) -> int:\n  return 1\n").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(frozen.register_buffer("x", at::ones({1})).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(must(frozen.run_method("count", {})).toInt(), 1);
  EXPECT_FALSE(must(frozen.clone()).is_frozen());
}

// 2^40 names; each module is one object.
TEST(Module, SharingAtManyLevelsCostsNothing) {
  Module module("Leaf");
  must(module.register_attribute("training", true));
  must(module.register_parameter("weight", at::ones({1})));
  for (int i = 0; i < 40; ++i) {
    Module parent("Level");
    must(parent.register_module("a", module));
    must(parent.register_module("b", module));
    module = parent;
  }
  must(module.eval());
  must(module.to(at::kDouble));
  const Module copy = must(must(module.clone()).instance());
  std::string path = "a";
  for (int i = 1; i < 40; ++i) path += i % 2 == 0 ? ".a" : ".b";
  const Module leaf = must(copy.get_submodule(path));
  EXPECT_FALSE(leaf.is_training());
  EXPECT_EQ(must(get<at::Tensor>(leaf.attr("weight"))).scalar_type(), at::kDouble);
}

TEST(Module, AppliesToChildrenFirst) {
  Module module = sample();
  std::vector<std::string> order;
  module.apply([&](Module& one) { order.push_back(one.type_name()); });
  EXPECT_THAT(order, ElementsAre("__torch__.Inner", "__torch__.Inner", "__torch__.Outer"));
}

TEST(Module, RefusesAttributesThatClash) {
  Module module = sample();
  EXPECT_EQ(module.register_parameter("offset", at::ones({1})).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(message(module.register_attribute("forward", 1)), "'forward' is a method of '__torch__.Outer' already");
  EXPECT_EQ(message(module.register_attribute("a b", 1)), "'a b' is no name for an attribute");
  EXPECT_EQ(message(module.register_attribute("none", c10::IValue())),
            "attribute 'none': None does not tell the attribute's type; name it");
  EXPECT_EQ(message(module.register_attribute("n", c10::IntType::get(), "x")), "attribute 'n' takes int, got str");
  must(module.register_attribute("calls", 7));
  EXPECT_EQ(must(module.attr("calls")).toInt(), 7);
}

// c10 walks classes attribute by attribute.
TEST(Module, CannotBeAPartOfItself) {
  Module outer("Outer");
  Module inner("Inner");
  EXPECT_FALSE(outer.register_module("own", outer).ok());
  must(outer.register_module("inner", inner));
  EXPECT_THAT(message(inner.register_module("outer", outer)), HasSubstr("attribute 'outer' would hold objects of"));
}

TEST(Module, DefinesNothingWhereTheSourceIsWrong) {
  Module module("M");
  CompileOptions options;
  options.filename = "m.py";
  const absl::Status status =
      module.define("def good(self) -> int:\n  return 1\ndef bad(self) -> int:\n  return self.nothing\n", options);
  EXPECT_THAT(message(status), StartsWith("m.py:4:"));
  EXPECT_THAT(message(status), HasSubstr("  return self.nothing\n"));
  EXPECT_FALSE(module.has_method("good"));
  must(module.define("def good(self) -> int:\n  return 2\n"));
  EXPECT_EQ(must(module.run_method("good", {})).toInt(), 2);
}

TEST(Module, NamesBecomeOnesThatAClassCanHave) {
  EXPECT_EQ(Module("my.net-2").type_name(), "__torch__.my.net_2");
  EXPECT_EQ(Module("").type_name(), "__torch__._");
  EXPECT_EQ(Module("a..3d").type_name(), "__torch__.a._._3d");
}

TEST(Module, AnObjectOutlivesItsModule) {
  c10::IValue value;
  {
    const Module module = sample();
    value = must(module.attr("a"));
  }
  const Module inner = must(Module::from_value(value));
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(inner.forward({at::ones({2})}))), at::ones({2})));
  EXPECT_EQ(message(Module::from_value(3)), "expected a module, got int");
}

}  // namespace
}  // namespace vesta
