// Recorded programs: thousands of archives with inputs and what torch 2.11 answered, unpacked in the folder that
// the environment variable VESTA_CONFORMANCE names (entries <group>/<n>_<name>/{program.pt, io_ts.pt, meta.json}).
// Each group must agree for at least its floor, in percent; failures are listed in conformance_failures.txt of
// the build folder. VESTA_CONFORMANCE_FILTER picks entries whose path holds the text.
//
// Programs run in a forked child, so that one that kills the process is counted and the rest goes on.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DefaultDtype.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <vesta/vesta.h>
#include <nlohmann/json.hpp>

#include "tests/differential/compare.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> entries_of(const fs::path& root) {
  const char* filter = std::getenv("VESTA_CONFORMANCE_FILTER");
  std::vector<fs::path> found;
  for (const auto& item : fs::recursive_directory_iterator(root)) {
    if (item.path().filename() != "meta.json") continue;
    const fs::path folder = item.path().parent_path();
    if (filter == nullptr || folder.string().find(filter) != std::string::npos) found.push_back(folder);
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool tagged(const c10::IValue& value, const char* tag) {
  if (!value.isTuple() || value.toTupleRef().elements().empty()) return false;
  const c10::IValue& first = value.toTupleRef().elements()[0];
  return first.isString() && first.toStringRef() == tag;
}

// A recorded value as an argument of the declared type: objects, enums and NamedTuples are built.
c10::IValue argument(const c10::IValue& recorded, const c10::TypePtr& type) {
  if (auto optional = type->cast<c10::OptionalType>()) {
    return recorded.isNone() ? recorded : argument(recorded, optional->getElementType());
  }
  if (tagged(recorded, "__object__")) {
    auto class_type = type->cast<c10::ClassType>();
    if (!class_type) throw std::runtime_error("an object is recorded for another type");
    auto object = c10::ivalue::Object::create(c10::StrongTypePtr(class_type->compilation_unit(), class_type),
                                              class_type->numAttributes());
    const auto& names = recorded.toTupleRef().elements()[2].toTupleRef().elements();
    const auto& values = recorded.toTupleRef().elements()[3].toTupleRef().elements();
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string& name = names[i].toStringRef();
      object->setAttr(name, argument(values[i], class_type->getAttribute(name)));
    }
    return object;
  }
  if (tagged(recorded, "__enum__")) {
    auto enum_type = type->cast<c10::EnumType>();
    if (!enum_type) throw std::runtime_error("an enum is recorded for another type");
    const auto& parts = recorded.toTupleRef().elements();
    return c10::IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(enum_type, parts[2].toStringRef(), parts[3]));
  }
  if (auto tuple = type->cast<c10::TupleType>(); tuple && recorded.isTuple()) {
    std::vector<c10::IValue> elements;
    const auto& given = recorded.toTupleRef().elements();
    for (size_t i = 0; i < given.size(); ++i) elements.push_back(argument(given[i], tuple->elements().at(i)));
    return tuple->schema() ? c10::ivalue::Tuple::createNamed(std::move(elements), tuple)
                           : c10::ivalue::Tuple::create(std::move(elements));
  }
  if (auto list = type->cast<c10::ListType>(); list && recorded.isList()) {
    c10::impl::GenericList elements(list->getElementType());
    for (const auto& element : recorded.toListRef()) elements.push_back(argument(element, list->getElementType()));
    return elements;
  }
  return recorded;
}

// The recording's form of a value: NamedTuples are plain tuples, objects and enums tagged tuples.
c10::IValue plain(const c10::IValue& value) {
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& element : value.toTupleRef().elements()) elements.push_back(plain(element));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isEnum()) {
    const auto holder = value.toEnumHolder();
    return c10::ivalue::Tuple::create({"__enum__", "", holder->name(), holder->value()});
  }
  if (value.isObject()) {
    const auto object = value.toObject();
    if (object->type()->is_module()) return c10::ivalue::Tuple::create({"__module__", ""});
    std::vector<c10::IValue> names;
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < object->type()->numAttributes(); ++i) {
      names.emplace_back(object->type()->getAttributeName(i));
      values.push_back(plain(object->getSlot(i)));
    }
    return c10::ivalue::Tuple::create({"__object__", "", c10::ivalue::Tuple::create(std::move(names)),
                                       c10::ivalue::Tuple::create(std::move(values))});
  }
  if (value.isList() && !value.toListRef().empty() &&
      (value.toListRef()[0].isTuple() || value.toListRef()[0].isObject() || value.toListRef()[0].isEnum() ||
       value.toListRef()[0].isList())) {
    c10::impl::GenericList list(c10::AnyType::get());
    for (const auto& element : value.toListRef()) list.push_back(plain(element));
    return list;
  }
  if (value.isFuture()) {
    value.toFuture()->wait();
    return plain(value.toFuture()->value());
  }
  return value;
}

// Class names may be mangled otherwise in each runtime.
c10::IValue without_class_names(const c10::IValue& value) {
  if (!value.isTuple()) return value;
  std::vector<c10::IValue> elements;
  for (const auto& element : value.toTupleRef().elements()) elements.push_back(without_class_names(element));
  for (const char* tag : {"__object__", "__enum__", "__module__"}) {
    if (tagged(value, tag)) elements[1] = "";
  }
  return c10::ivalue::Tuple::create(std::move(elements));
}

// Uninitialized elements: only what kind of tensor it is.
c10::IValue erased(const c10::IValue& value, bool uninitialized) {
  if (!uninitialized || !value.isTensor()) return value;
  return at::zeros_like(value.toTensor());
}

std::string run_entry(const fs::path& folder) {
  nlohmann::json meta;
  std::ifstream(folder / "meta.json") >> meta;
  absl::StatusOr<Module> module = load((folder / "program.pt").string());
  if (!module.ok()) return "load: " + std::string(module.status().message());
  if (!fs::exists(folder / "io_ts.pt")) return {};
  const torch::jit::Module io = torch::jit::load((folder / "io_ts.pt").string());
  absl::StatusOr<Method> method = module->get_method(meta.at("method").get<std::string>());
  if (!method.ok()) return "method: " + std::string(method.status().message());

  std::vector<c10::IValue> inputs;
  const auto& formals = method->schema().arguments();
  size_t index = 1;
  for (const auto& recorded : io.attr("inputs").toTupleRef().elements()) {
    inputs.push_back(index < formals.size() ? argument(recorded, formals[index].type()) : recorded);
    ++index;
  }
  Kwargs kwargs;
  if (io.hasattr("kwarg_names")) {
    const auto names = io.attr("kwarg_names");
    const auto values = io.attr("kwarg_values");
    const auto elements = [](const c10::IValue& v, size_t i) {
      return v.isTuple() ? v.toTupleRef().elements()[i] : v.toListRef()[i];
    };
    const size_t count = names.isTuple() ? names.toTupleRef().elements().size() : names.toListRef().size();
    for (size_t i = 0; i < count; ++i) {
      const std::string name = elements(names, i).toStringRef();
      c10::IValue value = elements(values, i);
      for (const auto& formal : formals) {
        if (formal.name() == name) value = argument(value, formal.type());
      }
      kwargs.emplace_back(name, value);
    }
  }
  c10::set_default_dtype(
      caffe2::TypeMeta::fromScalarType(meta.value("default_dtype", "float32") == "float64" ? at::kDouble : at::kFloat));
  at::AutoGradMode grad(meta.value("grad_enabled", true));
  at::manual_seed(meta.value("seed", uint64_t{0}));
  std::string printed;
  CallOptions options;
  options.print = [&](std::string_view text) { printed += text; };
  absl::StatusOr<c10::IValue> result = (*method)(inputs, kwargs, options);
  if (meta.at("outcome") == "raises") return result.ok() ? "should raise: " + meta.at("exception").dump() : "";
  if (!result.ok()) return "call: " + std::string(result.status().message());
  if (meta.value("inference_mode", false)) return {};

  const bool uninitialized = meta.value("uninitialized_output", false);
  const c10::IValue expected = io.attr("outputs");
  const bool wide = meta.value("default_dtype", "float32") == "float64";
  const Tolerance tolerance{wide ? 1e-7 : 1e-4, wide ? 1e-9 : 1e-5, false};
  std::string wrong = difference(without_class_names(plain(erased(*result, uninitialized))),
                                 without_class_names(plain(erased(expected, uninitialized))), tolerance, "output");
  if (printed != meta.value("stdout", "")) wrong += "printed: " + printed;
  if (meta.value("mutates_inputs", false) && io.hasattr("inputs_after")) {
    const c10::IValue after = io.attr("inputs_after");
    std::vector<c10::IValue> ours;
    for (const auto& input : inputs) ours.push_back(plain(input));
    wrong += difference(without_class_names(c10::ivalue::Tuple::create(std::move(ours))),
                        without_class_names(plain(after)), tolerance, "input afterwards");
  }
  return wrong;
}

std::string guarded(const fs::path& folder) {
  try {
    return run_entry(folder);
  } catch (const std::exception& error) {
    return std::string("exception escapes: ") + error.what();
  }
}

// Results of entries begin..; ends early where the child died.
size_t run_batch(const std::vector<fs::path>& entries, size_t begin, std::map<size_t, std::string>& failures) {
  int channel[2];
  if (pipe(channel) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = fork();
  if (child == 0) {
    close(channel[0]);
    std::FILE* out = fdopen(channel[1], "w");
    for (size_t i = begin; i < entries.size(); ++i) {
      std::string failure;
      alarm(60);
      failure = guarded(entries[i]);
      std::replace(failure.begin(), failure.end(), '\n', '\x01');
      std::fprintf(out, "%zu %s\n", i, failure.c_str());
      std::fflush(out);
    }
    _exit(0);
  }
  close(channel[1]);
  std::FILE* in = fdopen(channel[0], "r");
  size_t done = begin;
  char* text = nullptr;
  size_t capacity = 0;
  while (getline(&text, &capacity, in) > 0) {
    std::string result(text);
    result.pop_back();
    std::replace(result.begin(), result.end(), '\x01', '\n');
    const size_t space = result.find(' ');
    if (space + 1 < result.size()) failures[done] = result.substr(space + 1);
    ++done;
  }
  std::free(text);
  std::fclose(in);
  int status = 0;
  waitpid(child, &status, 0);
  if (done < entries.size())
    failures[done++] =
        WIFSIGNALED(status) ? "the process died of signal " + std::to_string(WTERMSIG(status)) : "the process ended";
  return done;
}

TEST(Conformance, RecordedProgramsAgree) {
  const char* root = std::getenv("VESTA_CONFORMANCE");
  if (root == nullptr) GTEST_SKIP() << "VESTA_CONFORMANCE names no folder of recorded programs";
  const std::vector<fs::path> entries = entries_of(root);
  ASSERT_FALSE(entries.empty());
  std::map<size_t, std::string> failures;
  for (size_t done = 0; done < entries.size();) done = run_batch(entries, done, failures);

  std::map<std::string, std::pair<size_t, size_t>> groups;  // agreed, all
  for (size_t i = 0; i < entries.size(); ++i) {
    auto& [agreed, all] = groups[entries[i].parent_path().filename()];
    agreed += failures.contains(i) ? 0 : 1;
    ++all;
  }
  std::ofstream list(std::string(VESTA_BINARY_DIR) + "/conformance_failures.txt");
  for (const auto& [i, failure] : failures) list << "=== " << entries[i].string() << "\n" << failure << "\n";
  for (const auto& [group, counts] : groups) {
    const double percent = 100.0 * static_cast<double>(counts.first) / static_cast<double>(counts.second);
    std::printf("%s: %zu of %zu programs agree (%.2f %%)\n", group.c_str(), counts.first, counts.second, percent);
    EXPECT_GE(percent, 98.0) << group;
  }
}

}  // namespace
}  // namespace vesta::test
