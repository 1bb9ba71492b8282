// Files that Python's torch wrote (tests/interop), against what Python held: every path, class, number, text, dtype,
// shape, stride and checksum.

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <vesta/checkpoint.h>
#include <nlohmann/json.hpp>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>

#include "tools/commands.h"

namespace vesta::tools {
namespace {

using nlohmann::json;

const std::string kData = std::string(VESTA_SOURCE_DIR) + "/tests/cli/data/";

struct Output {
  int code = 0;
  std::string out;
  std::string err;
};

Output run(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_vesta(arguments, out, err);
  return {code, out.str(), err.str()};
}

// Numbers are compared as numbers: Python's are in hexadecimal.
bool same_plain(const std::string& type, const std::string& expected, const std::string& got) {
  if (type == "float") {
    const double a = std::strtod(expected.c_str(), nullptr);
    const double b = std::strtod(got.c_str(), nullptr);
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
  }
  if (type == "complex") return got == "(1.5-2.5j)";
  if (type == "torch.device") return got == "device '" + expected + "'";
  return expected == got;
}

bool same_fact(const std::string& name, const json& type, const json& expected, const json& got) {
  if (name == "value" && got.is_string() && expected.is_string()) {
    return same_plain(type.get<std::string>(), expected.get<std::string>(), got.get<std::string>());
  }
  if (!expected.is_object()) return expected == got;
  for (const auto& [inner, fact] : expected.items()) {
    if (!got.is_object() || !got.contains(inner) || !same_fact(inner, type, fact, got[inner])) return false;
  }
  return true;
}

// The paths at which the file is not what Python held.
std::vector<std::string> differences(const std::string& name, const std::string& file) {
  std::ifstream expected_file(kData + name + ".json");
  const json expected = json::parse(expected_file);
  const Output inspected = run({"inspect", "--json", file});
  if (inspected.code != 0) return {inspected.err};
  const json said = json::parse(inspected.out);
  std::map<std::string, json> found;
  for (const char* kind : {"tensors", "arrays", "values"}) {
    for (const json& entry : said[kind]) found[entry["path"].get<std::string>()] = entry;
  }
  std::vector<std::string> wrong;
  for (const auto& [path, facts] : expected.items()) {
    for (const auto& [fact, value] : facts.items()) {
      if (found.count(path) == 0 || !same_fact(fact, facts["class"], value, found[path].value(fact, json()))) {
        wrong.push_back(path + ": " + fact + ": " + value.dump() + " in Python, " +
                        (found.count(path) == 0 ? "nothing" : found[path].value(fact, json()).dump()));
      }
    }
  }
  EXPECT_GT(expected.size(), name == "values_tar" ? 8u : 600u);
  return wrong;
}

TEST(CheckpointFiles, EveryValueOfAZipFileIsWhatPythonHeld) {
  EXPECT_EQ(differences("values_zip", kData + "values_zip.pt"), std::vector<std::string>{});
}

TEST(CheckpointFiles, EveryValueOfAStreamOfBefore16IsWhatPythonHeld) {
  EXPECT_EQ(differences("values_stream", kData + "values_stream.pt"), std::vector<std::string>{});
}

TEST(CheckpointFiles, EveryValueOfATarOfTorch01IsWhatPythonReadsInIt) {
  EXPECT_EQ(differences("values_tar", kData + "values_tar.pt"), std::vector<std::string>{});
}

TEST(CheckpointFiles, EveryValueSurvivesBeingWrittenAnewAndTheBytesAreTheSameEachTime) {
  for (const std::string name : {"values_zip", "values_stream"}) {
    const std::string copy = ::testing::TempDir() + name + "_copy.pt";
    const std::string again = ::testing::TempDir() + name + "_again.pt";
    const Output converted = run({"convert", kData + name + ".pt", copy});
    ASSERT_EQ(converted.code, 0) << converted.err;
    EXPECT_EQ(differences(name, copy), std::vector<std::string>{});
    ASSERT_EQ(run({"convert", copy, again}).code, 0);
    std::ifstream a(copy, std::ios::binary);
    std::ifstream b(again, std::ios::binary);
    EXPECT_TRUE(std::equal(std::istreambuf_iterator<char>(a), {}, std::istreambuf_iterator<char>(b), {})) << name;
  }
}

TEST(CheckpointCommands, ConvertGoesToSafetensorsAndBackAndDiffSaysSo) {
  const std::string folder = ::testing::TempDir();
  const std::string state = folder + "state.pt";
  const std::string tensors = folder + "state.safetensors";
  const std::string back = folder + "back.pt";
  ASSERT_EQ(run({"convert", kData + "values_zip.pt", state, "--at", "state_dict"}).code, 0);
  const Output there = run({"convert", state, tensors});
  ASSERT_EQ(there.code, 0) << there.err;
  ASSERT_EQ(run({"convert", tensors, back}).code, 0);
  const Output same = run({"diff", tensors, back});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_NE(same.out.find("8 the same, 0 not"), std::string::npos) << same.out;
  const Output refused = run({"convert", kData + "values_zip.pt", folder + "x.what"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("does not tell a format"), std::string::npos) << refused.err;
}

TEST(CheckpointCommands, DiffShowsWhatDiffersAndFails) {
  const std::string a = ::testing::TempDir() + "a.pt";
  const std::string b = ::testing::TempDir() + "b.pt";
  at::Tensor changed = at::arange(4.0);
  changed[2] += 0.5;
  ASSERT_TRUE(save_checkpoint(PyValue::dict({{"w", at::arange(4.0)}, {"gone", 1}, {"n", 3}}), a).ok());
  ASSERT_TRUE(save_checkpoint(PyValue::dict({{"w", changed}, {"new", at::ones({2})}, {"n", 3}}), b).ok());
  const Output diff = run({"diff", a, b});
  EXPECT_EQ(diff.code, 1);
  EXPECT_EQ(diff.out,
            "~  w     1 of 4 elements differ, at most by 0.5\n"
            "-  gone  1\n"
            "+  new   Tensor float32 [2]\n"
            "1 the same, 3 not\n");
  EXPECT_EQ(run({"diff", a, a}).code, 0);
}

TEST(CheckpointCommands, InspectShowsSharingAndWasteOfViews) {
  const std::string path = ::testing::TempDir() + "views.pt";
  const at::Tensor large = at::arange(1000.0);
  ASSERT_TRUE(
      save_checkpoint(PyValue::dict({{"a", large.slice(0, 10, 20)}, {"b", large.slice(0, 15, 25)}}), path).ok());
  const Output inspected = run({"inspect", path});
  EXPECT_NE(inspected.out.find("tensors: 2 in 1 storages of 3.9 KiB, of which no tensor reaches 3.8 KiB"),
            std::string::npos)
      << inspected.out;
  EXPECT_NE(inspected.out.find("storage 0 (shared by 2)"), std::string::npos) << inspected.out;
}

}  // namespace
}  // namespace vesta::tools
