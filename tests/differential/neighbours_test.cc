// Files that are met beside archives: load() says what each is.

#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <vesta/vesta.h>
#include <nlohmann/json.hpp>

namespace vesta::test {
namespace {

TEST(Neighbours, EachIsNamedForWhatItIs) {
  // What the message must hold, by the manifest's kind.
  const std::map<std::string, std::string> words = {
      {"checkpoint", "checkpoint of torch.save"},
      {"checkpoint of a Python object", "checkpoint of torch.save"},
      {"torch.package", "torch.package"},
      {"torch.export", "torch.export"},
      {"mobile flatbuffer", "mobile module in a flatbuffer"},
      {"zip", "zip archive"},
      {"empty", "empty file"},
      {"text", "web page"},
      {"safetensors", "safetensors"},
      {"ONNX", "ONNX"},
      {"npy", ".npy"},
      {"npz", ".npz"},
      {"HDF5", "HDF5"},
      {"pickle", "pickle"},
      {"git-lfs pointer", "Git LFS"},
      {"truncated zip", "truncated"},
  };
  const std::string folder = std::string(VESTA_SOURCE_DIR) + "/tests/corpus/neighbours/";
  nlohmann::json manifest;
  std::ifstream(folder + "neighbours.json") >> manifest;
  ASSERT_GE(manifest.at("files").size(), 20U);
  for (const auto& item : manifest["files"]) {
    const std::string file = item.at("file");
    SCOPED_TRACE(file);
    const absl::StatusOr<Module> module = load(folder + file);
    ASSERT_FALSE(module.ok());
    const std::string message(module.status().message());
    const auto expected = words.find(item.at("kind").get<std::string>());
    ASSERT_NE(expected, words.end()) << "a kind without words: " << item.at("kind");
    EXPECT_NE(message.find(expected->second), std::string::npos) << message;
    EXPECT_NE(message.find(file), std::string::npos) << message;
    EXPECT_EQ(message.find("frame #"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace vesta::test
