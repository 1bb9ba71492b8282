// Checkpoints through the public API. The tests of SerializationSemantics are named for PyTorch's note of that name.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "serialization/atomic_file.h"
#include "serialization/pickle_writer.h"
#include "serialization/zip_writer.h"
#include "tests/api/api_test_support.h"

namespace vesta {
namespace {

using test::message;
using test::must;
using ::testing::HasSubstr;

const std::string kValues = std::string(VESTA_SOURCE_DIR) + "/tests/cli/data/values_zip.pt";
const std::string kStream = std::string(VESTA_SOURCE_DIR) + "/tests/cli/data/values_stream.pt";

absl::StatusOr<Checkpoint> load_bytes(const std::string& bytes, const CheckpointOptions& options = {}) {
  return load_checkpoint(std::as_bytes(std::span(bytes)), options);
}

PyValue round_trip(const PyValue& value) { return must(load_bytes(must(save_checkpoint(value)))).root(); }

// A zip file of torch.save's layout around a pickle.
std::string zip_of(const std::string& pickle) {
  std::string file;
  serialization::ZipWriter zip([&file](std::string_view bytes) {
    file += bytes;
    return absl::OkStatus();
  });
  must(zip.add("archive/data.pkl", pickle));
  must(zip.add("archive/version", "3\n"));
  must(zip.finish());
  return file;
}

absl::StatusOr<Checkpoint> load_pickle(const std::string& pickle, bool strict = false) {
  CheckpointOptions options;
  options.strict = strict;
  return load_bytes(zip_of(pickle), options);
}

// ---- semantics of PyTorch's note

TEST(SerializationSemantics, SavingAndLoadingTensorsPreservesViews) {
  const at::Tensor numbers = at::arange(1, 10);
  const at::Tensor evens = numbers.slice(0, 1, 9, 2);
  const PyValue loaded = round_trip(PyValue::list({numbers, evens}));
  at::Tensor loaded_numbers = must(loaded.get<at::Tensor>("0"));
  at::Tensor loaded_evens = must(loaded.get<at::Tensor>("1"));
  EXPECT_TRUE(at::equal(loaded_evens, evens));
  loaded_evens.mul_(2);
  EXPECT_EQ(loaded_numbers[1].item<int64_t>(), 4) << "writing to the view shows in the whole";
  EXPECT_EQ(loaded_evens.storage().unsafeGetStorageImpl(), loaded_numbers.storage().unsafeGetStorageImpl());
}

TEST(SerializationSemantics, AViewSavesItsWholeStorage) {
  const at::Tensor large = at::arange(999.0);
  const at::Tensor loaded = must(round_trip(large.slice(0, 0, 5)).get<at::Tensor>());
  EXPECT_EQ(loaded.numel(), 5);
  EXPECT_EQ(loaded.storage().nbytes(), 999 * 4u);
}

TEST(SerializationSemantics, ACloneDoesNotSaveTheWholeStorage) {
  const at::Tensor large = at::arange(999.0);
  const std::string whole = must(save_checkpoint(large.slice(0, 0, 5)));
  const std::string small = must(save_checkpoint(large.slice(0, 0, 5).clone()));
  EXPECT_GT(whole.size(), 999 * 4u);
  EXPECT_LT(small.size(), 2000u);
  EXPECT_EQ(must(must(load_bytes(small)).get<at::Tensor>("")).storage().nbytes(), 5 * 4u);
}

TEST(SerializationSemantics, AModulesStateDictRoundTrips) {
  const Module module = must(load(test::corpus("mlp")));
  const std::string path = ::testing::TempDir() + "state.pt";
  must(save_checkpoint(state_dict_value(module.state_dict()), path));
  Module other = must(must(load(test::corpus("mlp"))).deepcopy());
  for (const Named<at::Tensor>& entry : other.state_dict()) entry.value.detach().zero_();
  const Checkpoint checkpoint = must(load_checkpoint(path));
  EXPECT_EQ(checkpoint.root().class_name(), "collections.OrderedDict");
  EXPECT_TRUE(must(load_state_dict(other, checkpoint.root())).clean());
  const StateDict a = module.state_dict();
  const StateDict b = other.state_dict();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i].value, b[i].value)) << a[i].name;
}

TEST(SerializationSemantics, AModulesStateHasItsPersistentBuffers) {
  // A whole model that Python pickled: Conv2d, BatchNorm2d, a buffer, and one that is not persistent.
  const Checkpoint checkpoint = must(load_checkpoint(kValues));
  const StateDict pickled = must(state_dict_of(must(checkpoint.at("module"))));
  const StateDict saved = must(state_dict_of(must(checkpoint.at("state_dict"))));
  ASSERT_EQ(pickled.size(), saved.size());
  for (size_t i = 0; i < saved.size(); ++i) {
    EXPECT_EQ(pickled[i].name, saved[i].name);
    EXPECT_TRUE(at::equal(pickled[i].value, saved[i].value)) << saved[i].name;
  }
  std::vector<std::string> names;
  for (const Named<at::Tensor>& entry : saved) names.push_back(entry.name);
  EXPECT_THAT(names, ::testing::ElementsAre("table", "conv.weight", "conv.bias", "norm.weight", "norm.bias",
                                            "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"));
}

// ---- reading

TEST(Checkpoint, ATypedGetterSaysWhereAndWhatItGot) {
  const PyValue value = round_trip(
      PyValue::dict({{"optimizer", PyValue::dict({{"state", PyValue::dict({{0, PyValue::dict({{"exp_avg", 0.5}})}})}})},
                     {"layer1.0.weight", at::ones({2})},
                     {"names", PyValue::list({"a", 3})}}));
  EXPECT_EQ(message(value.get<at::Tensor>("optimizer.state.0.exp_avg")),
            "expected Tensor at 'optimizer.state.0.exp_avg', got float");
  EXPECT_EQ(must(value.get<double>("optimizer.state.0.exp_avg")), 0.5);
  EXPECT_EQ(must(value.get<at::Tensor>("layer1.0.weight")).numel(), 2) << "keys may hold dots";
  EXPECT_EQ(message(value.get<std::vector<std::string>>("names")), "expected str at 'names.1', got int");
  const auto missing = value.at("optimizer.state.1");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(message(missing), "there is nothing at 'optimizer.state.1': 'optimizer.state' is dict of 1 with '0'");
}

TEST(Checkpoint, PathMemoryAndStreamGiveTheSame) {
  std::ifstream file(kValues, std::ios::binary);
  std::stringstream contents;
  contents << file.rdbuf();
  const std::string text = must(load_checkpoint(kValues)).root().to_string();
  EXPECT_EQ(must(load_bytes(contents.str())).root().to_string(), text);
  EXPECT_EQ(must(load_checkpoint(contents)).root().to_string(), text);
  CheckpointOptions mapped;
  mapped.immutable_file = true;
  EXPECT_EQ(must(load_checkpoint(kValues, mapped)).root().to_string(), text);
}

TEST(Checkpoint, WhatIsSharedStaysSharedInAStreamOfBefore16) {
  const Checkpoint checkpoint = must(load_checkpoint(kStream));
  EXPECT_EQ(checkpoint.format(), "torch.save, stream of before 1.6");
  at::Tensor whole = must(checkpoint.get<at::Tensor>("shared_views.whole"));
  must(checkpoint.get<at::Tensor>("shared_views.part")).fill_(7);
  EXPECT_EQ(whole[2].item<float>(), 7);
}

TEST(Checkpoint, DevicesAreMappedByDeviceOrFunctionAndOtherwiseAnError) {
  // A tensor that says it was saved on a device that no test machine has.
  serialization::PickleWriter pickle;
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.mark();
  pickle.mark();
  must(pickle.text("storage"));
  pickle.global("torch", "FloatStorage");
  must(pickle.text("0"));
  must(pickle.text("cuda:77"));
  pickle.integer(0);
  pickle.tuple();
  pickle.persistent_id();
  pickle.integer(0);
  pickle.integer(0);
  pickle.tuple(1);
  pickle.integer(1);
  pickle.tuple(1);
  pickle.boolean(false);
  pickle.global("collections", "OrderedDict");
  pickle.empty_tuple();
  pickle.reduce();
  pickle.tuple();
  pickle.reduce();
  const std::string file = zip_of(std::move(pickle).finish());
  const auto refused = load_bytes(file);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(message(refused), HasSubstr("cuda:77"));
  EXPECT_THAT(message(refused), HasSubstr("CheckpointOptions::device"));
  CheckpointOptions options;
  options.device = c10::Device(c10::kCPU);
  EXPECT_TRUE(must(must(load_bytes(file, options)).get<at::Tensor>("")).is_cpu());
  CheckpointOptions function;
  std::string asked;
  function.map_location = [&](c10::Device saved) {
    asked = saved.str();
    return c10::Device(c10::kCPU);
  };
  EXPECT_TRUE(must(must(load_bytes(file, function)).get<at::Tensor>("")).is_cpu());
  EXPECT_EQ(asked, "cuda:77");
}

TEST(Checkpoint, AWrongCrcOfWeightsIsFoundWhenReadOrOnDemandOrNever) {
  const at::Tensor weights = at::arange(1000.0);
  std::string file = must(save_checkpoint(PyValue::dict({{"w", weights}})));
  const std::string needle(static_cast<const char*>(weights.const_data_ptr()), 4000);
  const size_t at = file.find(needle);
  ASSERT_NE(at, std::string::npos);
  file[at + 100] = static_cast<char>(file[at + 100] ^ 1);
  const auto copied = load_bytes(file);
  EXPECT_EQ(copied.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(message(copied), HasSubstr("archive/data/0"));
  CheckpointOptions in_place;
  in_place.immutable_file = true;
  const Checkpoint mapped = must(load_bytes(file, in_place));
  EXPECT_EQ(mapped.verify().code(), absl::StatusCode::kDataLoss);
  CheckpointOptions never;
  never.verify = VerifyWeights::kNever;
  EXPECT_TRUE(must(load_bytes(file, never)).verify().ok());
  // Pickles are always checked.
  std::string pickled = must(save_checkpoint(PyValue::dict({{"name", "some text"}})));
  pickled[pickled.find("some text")] = 'S';
  EXPECT_EQ(load_bytes(pickled, never).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Checkpoint, OtherFilesAreNamedForWhatTheyAre) {
  EXPECT_THAT(message(load_checkpoint(test::corpus("mlp"))), HasSubstr("TorchScript archive"));
  EXPECT_EQ(load_checkpoint("/nowhere.pt").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(message(load_bytes("<!DOCTYPE html>")), HasSubstr("web page"));
}

// ---- what Python would execute

TEST(HostilePickles, CallsAreNeverMadeAndComeAsInertObjects) {
  const std::string marker = ::testing::TempDir() + "vesta_pwned";
  for (const auto& [module, name] :
       {std::pair{"os", "system"}, std::pair{"posix", "system"}, std::pair{"builtins", "eval"},
        std::pair{"__builtin__", "exec"}, std::pair{"subprocess", "Popen"}, std::pair{"torch", "load"}}) {
    serialization::PickleWriter pickle;
    pickle.global(module, name);
    must(pickle.text("touch " + marker));
    pickle.tuple(1);
    pickle.reduce();
    const std::string bytes = std::move(pickle).finish();
    const PyValue inert = must(load_pickle(bytes)).root();
    EXPECT_EQ(inert.kind(), PyValue::Kind::kObject);
    EXPECT_TRUE(inert.is_call());
    EXPECT_EQ(must(inert.get<std::string>("0")), "touch " + marker);
    const auto strict = load_pickle(bytes, /*strict=*/true);
    EXPECT_EQ(strict.status().code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(message(strict), HasSubstr(std::string(".") + name + "'"));
  }
  EXPECT_FALSE(std::ifstream(marker).good());
}

TEST(HostilePickles, TricksWithNamesMemoAndExtensionsAreRefusedOrInert) {
  using namespace std::string_literals;
  const std::string text_os = "\x8c\x02os"s;
  const std::string text_system = "\x8c\x06system"s;
  // STACK_GLOBAL, protocol 4.
  const PyValue by_stack = must(load_pickle("\x80\x04"s + text_os + text_system + "\x93\x8c\x02id\x85R."s)).root();
  EXPECT_TRUE(by_stack.is_call());
  // A global that is put into the memo under another number, then fetched.
  EXPECT_TRUE(
      must(load_pickle("\x80\x02"s + "cos\nsystem\nq\x07" + "0" + "h\x07" + "X\2\0\0\0id\x85R."s)).root().is_call());
  // getattr(getattr(os, "x"), "y")("z"): calls of results of calls.
  const std::string nested =
      "\x80\x02"
      "cbuiltins\ngetattr\ncos\npath\nX\1\0\0\0x\x86RX\1\0\0\0z\x85R."s;
  const PyValue result = must(load_pickle(nested)).root();
  EXPECT_THAT(result.class_name(), HasSubstr("builtins.getattr"));
  // EXT1, EXT2, EXT4.
  for (const std::string& code : {"\x82\1"s, "\x83\1\0"s, "\x84\1\0\0\0"s}) {
    EXPECT_EQ(load_pickle("\x80\x02"s + code + ".").status().code(), absl::StatusCode::kDataLoss);
  }
  // INST and OBJ of protocol 0 and 1.
  EXPECT_TRUE(must(load_pickle("(S'id'\nios\nsystem\n.")).root().kind() == PyValue::Kind::kObject);
  EXPECT_TRUE(must(load_pickle("(cos\nsystem\nS'id'\no.")).root().kind() == PyValue::Kind::kObject);
  // BUILD on a class, a call of a number, a state for a dict.
  EXPECT_FALSE(load_pickle("\x80\x02"s + "cos\nsystem\n}b."s).ok());
  EXPECT_FALSE(load_pickle("\x80\x02K\1)R."s).ok());
  // Arguments that are no tuple (found by the fuzzer: they were written back as a tuple of one).
  EXPECT_FALSE(load_pickle("\x80\x02"s + "cos\nsystem\nX\2\0\0\0idR."s).ok());
  EXPECT_FALSE(load_pickle("\x80\x02"s + "cos\nsystem\nX\2\0\0\0id\x81."s).ok());
  EXPECT_FALSE(load_pickle("\x80\x02}}b."s).ok());
}

// Found by the fuzzer: a byte order that is none was written back as another.
TEST(HostilePickles, ADtypeWithoutAKnownByteOrderStaysACall) {
  using namespace std::string_literals;
  const auto dtype = [](const std::string& code, const std::string& order) {
    return "\x80\x02"s + "cnumpy\ndtype\nX\2\0\0\0"s + code + "\x89\x88\x87R(K\3X\1\0\0\0"s + order +
           "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb."s;
  };
  EXPECT_EQ(must(load_pickle(dtype("f8", "<"))).root().summary(), "class or function 'numpy.dtype('<f8')'");
  EXPECT_TRUE(must(load_pickle(dtype("f8", "8"))).root().is_call());
  EXPECT_TRUE(must(load_pickle(dtype("f'", "<"))).root().is_call());
}

TEST(HostilePickles, DepthAndSharedNodesAreBounded) {
  using namespace std::string_literals;
  std::string deep = "\x80\x02";
  for (int i = 0; i < 100000; ++i) deep += ']';
  for (int i = 0; i < 99999; ++i) deep += 'a';
  EXPECT_EQ(load_pickle(deep + ".").status().code(), absl::StatusCode::kResourceExhausted);
  // Each list holds the one before it ten times.
  std::string laughs = "\x80\x02]q\0"s;
  for (char level = 1; level < 20; ++level) {
    laughs += "](";
    for (int i = 0; i < 10; ++i) laughs += "h"s + static_cast<char>(level - 1);
    laughs += "eq"s + level;
  }
  EXPECT_EQ(load_pickle(laughs + ".").status().code(), absl::StatusCode::kDataLoss) << "values are left on the stack";
  std::string nested = "\x80\x02]q\0"s;
  for (char level = 1; level < 20; ++level) {
    nested += "0](";
    for (int i = 0; i < 10; ++i) nested += "h"s + static_cast<char>(level - 1);
    nested += "eq"s + level;
  }
  EXPECT_EQ(load_pickle(nested + ".").status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(HostilePickles, AnObjectThatHoldsItselfIsReadWithoutEnd) {
  using namespace std::string_literals;
  // x = Thing(); x.me = x
  const PyValue object = must(load_pickle("\x80\x02"s + "capp\nThing\n)\x81q\0}X\2\0\0\0meh\0sb."s)).root();
  EXPECT_EQ(object.class_name(), "app.Thing");
  EXPECT_EQ(must(object.at("me")).kind(), PyValue::Kind::kGlobal);
}

// All files of a folder: damaged and malicious ones that ../shared/hostile/mutate.py made, if VESTA_HOSTILE_FOLDER
// names it.
TEST(HostilePickles, MutantsAreReadOrRefusedAndWhatIsReadCanBeWalked) {
  const char* folder = std::getenv("VESTA_HOSTILE_FOLDER");
  if (folder == nullptr) GTEST_SKIP() << "VESTA_HOSTILE_FOLDER is not set";
  int64_t read = 0;
  int64_t refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    CheckpointOptions options;
    options.device = c10::Device(c10::kCPU);
    const auto checkpoint = load_checkpoint(entry.path().string(), options);
    checkpoint.ok() ? ++read : ++refused;
    if (!checkpoint.ok()) continue;
    checkpoint->root().walk([](const std::string&, const PyValue& value) {
      if (value.is_tensor() && !value.tensor().is_meta() && value.tensor().layout() == c10::kStrided) {
        (void)value.tensor().clone();
      }
      return true;
    });
    (void)save_checkpoint(checkpoint->root());
  }
  std::cout << read << " read, " << refused << " refused\n";
  EXPECT_GT(refused, 0);
  EXPECT_FALSE(std::filesystem::exists("/tmp/vesta_pwned"));
}

TEST(Checkpoint, GenuineLegacyStreamsAreRead) {
  const std::string folder = std::string(VESTA_SOURCE_DIR) + "/../shared/hostile/seeds/load/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not here";
  for (const char* name : {"sd", "cnv"}) {
    const Checkpoint stream = must(load_checkpoint(folder + name + "_legacy.pt"));
    const Checkpoint zip = must(load_checkpoint(folder + name + "_zip.pt"));
    EXPECT_EQ(stream.root().to_string(), zip.root().to_string());
  }
}

TEST(Checkpoint, StrictModeNamesTheClassAndThePath) {
  CheckpointOptions options;
  options.strict = true;
  const auto refused = load_checkpoint(kValues, options);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(message(refused), HasSubstr("'nested_jagged' is a call of 'torch._tensor._rebuild_from_type_v2'"));
  EXPECT_THAT(message(refused), HasSubstr("without 'strict'"));
}

// ---- writing

TEST(SaveCheckpoint, ReplacesTheFileWholeOrNotAtAll) {
  const std::string path = ::testing::TempDir() + "whole.pt";
  must(save_checkpoint(PyValue::dict({{"a", 1}}), path));
  PyValue bad = PyValue::dict({{"deep", PyValue::list({PyValue::global("", "<no name>")})}});
  const absl::Status refused = save_checkpoint(bad, path);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(message(refused), HasSubstr("'deep.0'"));
  EXPECT_EQ(must(must(load_checkpoint(path)).get<int64_t>("a")), 1);
}

TEST(SaveCheckpoint, AValueThatHoldsItselfIsRefused) {
  PyValue list = PyValue::list();
  PyValue inner = PyValue::list({list});
  must(list.append(inner));
  EXPECT_EQ(save_checkpoint(list).status().code(), absl::StatusCode::kInvalidArgument);
  list.body()->items.clear();
}

TEST(SaveCheckpoint, AStorageSeenUnderTwoDtypesKeepsBoth) {
  const at::Tensor floats = at::ones({4});
  const at::Tensor ints = floats.view(at::kInt);
  const PyValue loaded = round_trip(PyValue::list({floats, ints}));
  EXPECT_EQ(must(loaded.get<at::Tensor>("0")).scalar_type(), at::kFloat);
  EXPECT_EQ(must(loaded.get<at::Tensor>("1")).scalar_type(), at::kInt);
  EXPECT_TRUE(at::equal(must(loaded.get<at::Tensor>("1")), ints));
}

// ---- state dicts

TEST(StateDictOf, APrefixIsStrippedAndWrongKeysAreToldAtOnce) {
  Module module = must(load(test::corpus("mlp")));
  StateDict state = module.state_dict();
  PyValue prefixed = PyValue::dict();
  for (size_t i = 1; i < state.size(); ++i) must(prefixed.set("module." + state[i].name, state[i].value.detach()));
  must(prefixed.set("module.extra", at::ones({1})));
  must(prefixed.set("module." + state[1].name, at::ones({7, 7})));
  const auto report = load_state_dict(module, prefixed, {.strip_prefix = "module."});
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(message(report), HasSubstr("missing: " + state[0].name));
  EXPECT_THAT(message(report), HasSubstr("unexpected: extra"));
  EXPECT_THAT(message(report), HasSubstr("mismatched: " + state[1].name + ": shape"));
}

TEST(StateDictOf, ANestedCheckpointSaysWhereItsStateDictsAre) {
  const auto none = state_dict_of(PyValue::dict({{"epoch", 3}, {"model", PyValue::dict({{"w", at::ones({1})}})}}));
  EXPECT_EQ(message(none),
            "expected a state dict (a dict of tensors by name) or a module, got dict of 2; there is one at 'model'");
}

// ---- safetensors

std::string safetensors(const std::string& header, const std::string& data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return file + header + data;
}

TEST(Safetensors, TensorsOfAllDtypesComeBack) {
  PyValue state = PyValue::dict();
  for (const c10::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
                                     at::kChar, at::kByte, at::kBool, at::kComplexFloat}) {
    must(state.set(c10::toString(type), at::ones({2, 3}).to(type)));
  }
  must(state.set("transposed", at::arange(6.0).view({2, 3}).t()));
  must(state.set_attribute("__metadata__", PyValue::dict({{"format", "pt"}})));
  const std::string file = must(save_safetensors(state));
  EXPECT_EQ(file, must(save_safetensors(state)));
  const Checkpoint loaded = must(load_bytes(file));
  EXPECT_EQ(loaded.format(), "safetensors");
  EXPECT_EQ(must(loaded.get<std::string>("__metadata__.format")), "pt");
  for (const PyEntry& entry : state.entries()) {
    EXPECT_TRUE(at::equal(must(loaded.get<at::Tensor>(entry.first.text())), entry.second.tensor()))
        << entry.first.text();
  }
}

TEST(Safetensors, GapsOverlapsDoubleNamesAndRestsAreRefused) {
  const std::string eight(8, '\0');
  const auto entry = [](const std::string& name, int begin, int end) {
    return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" + std::to_string(begin) + "," +
           std::to_string(end) + "]}";
  };
  EXPECT_TRUE(load_bytes(safetensors("{" + entry("a", 0, 4) + "," + entry("b", 4, 8) + "}", eight)).ok());
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{" + entry("a", 0, 4) + "," + entry("b", 0, 4) + "}", "no overlap"},
      {"{" + entry("a", 4, 8) + "}", "no gap"},
      {"{" + entry("a", 0, 4) + "}", "4 bytes follow"},
      {"{" + entry("a", 0, 4) + "," + entry("a", 4, 8) + "}", "comes twice"},
      {"{" + entry("a", 0, 8) + "}", "do not fit its shape"},
      {"{" + entry("a", 0, 4) + "," + entry("b", 8, 12) + "}", "no gap"},
      {"{\"a\":[1]}", "expected 'dtype'"},
      {"{\"a\":", "no JSON object"},
  };
  for (const auto& [header, what] : bad) {
    const auto loaded = load_bytes(safetensors(header, eight));
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kDataLoss) << header;
    EXPECT_THAT(message(loaded), HasSubstr(what)) << header;
  }
}

TEST(Safetensors, WhatRTorchWroteHasItsGradientsAndComplexTensors) {
  const std::string header =
      R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"z":{"dtype":"U8","shape":[16],"data_offsets":[8,24]},)"
      R"("__metadata__":{"__r__":{"version":3,"type":"list","requires_grad":{"w":true},)"
      R"("special_dtype":{"z":{"shape":[2],"dtype":"cfloat"}}}}})";
  const Checkpoint loaded = must(load_bytes(safetensors(header, std::string(24, '\0') + "R's own object")));
  EXPECT_TRUE(must(loaded.get<at::Tensor>("w")).requires_grad());
  EXPECT_EQ(must(loaded.get<at::Tensor>("z")).scalar_type(), at::kComplexFloat);
  EXPECT_EQ(must(loaded.get<at::Tensor>("z")).sizes(), (std::vector<int64_t>{2}));
}

}  // namespace
}  // namespace vesta
