// Archives that old versions of torch wrote, against what those versions answered (tests/corpus/legacy; its
// README has the format), and the same after saving, in Vesta and in torch::jit. VESTA_LEGACY names another folder of
// the same form to run as well.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/csrc/jit/serialization/import.h>

#include "tests/legacy/recording.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> recordings() {
  std::vector<fs::path> found = find_recordings(fs::path(VESTA_SOURCE_DIR) / "tests/corpus/legacy");
  if (const char* more = std::getenv("VESTA_LEGACY")) {
    for (fs::path& path : find_recordings(more)) found.push_back(std::move(path));
  }
  return found;
}

// Recorded containers hold Any; torch::jit wants them of the type that the method declares.
c10::IValue typed(const c10::IValue& value, const c10::TypePtr& type) {
  if (const auto* optional = type->castRaw<c10::OptionalType>())
    return value.isNone() ? value : typed(value, optional->getElementType());
  if (const auto* list_type = type->castRaw<c10::ListType>()) {
    c10::impl::GenericList list(list_type->getElementType());
    for (const c10::IValue& element : value.toListRef()) list.push_back(typed(element, list_type->getElementType()));
    return list;
  }
  if (const auto* dict_type = type->castRaw<c10::DictType>()) {
    c10::impl::GenericDict dict(dict_type->getKeyType(), dict_type->getValueType());
    for (const auto& item : value.toGenericDict())
      dict.insert(typed(item.key(), dict_type->getKeyType()), typed(item.value(), dict_type->getValueType()));
    return dict;
  }
  if (const auto* tuple_type = type->castRaw<c10::TupleType>(); tuple_type != nullptr && value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (size_t i = 0; i < tuple_type->elements().size(); ++i)
      elements.push_back(typed(value.toTupleRef().elements()[i], tuple_type->elements()[i]));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  return value;
}

class Legacy : public testing::TestWithParam<fs::path> {};

// Calls of a module that torch::jit loaded.
Answer jit_answer_of(torch::jit::Module module) {
  return [module](const std::string& name, std::vector<c10::IValue> inputs,
                  std::string& printed) mutable -> absl::StatusOr<c10::IValue> {
    static std::string* sink = nullptr;
    sink = &printed;
    torch::jit::setPrintHandler([](const std::string& text) { *sink += text; });
    try {
      const torch::jit::Method method = module.get_method(name);
      const auto& formals = method.function().getSchema().arguments();
      for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = typed(inputs[i], formals.at(i + 1).type());
      return module.get_method(name)(std::move(inputs));
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(error.what());
    }
  };
}

TEST_P(Legacy, GivesWhatItsWriterGave) {
  for (const std::string& line : disagreements(GetParam())) ADD_FAILURE() << line;
}

// What is loaded with an old meaning is saved with it, in today's operators.
TEST_P(Legacy, GivesTheSameAfterSaving) {
  absl::StatusOr<Module> module = load(archive_of(GetParam()));
  ASSERT_TRUE(module.ok()) << module.status().message();
  std::stringstream saved;
  const absl::Status status = module->save(saved);
  ASSERT_TRUE(status.ok()) << status.message();

  absl::StatusOr<Module> again = load(saved);
  ASSERT_TRUE(again.ok()) << again.status().message();
  for (const std::string& line : disagreements(GetParam(), answer_of(*again))) ADD_FAILURE() << line;

  saved.clear();
  saved.seekg(0);
  try {
    for (const std::string& line : disagreements(GetParam(), jit_answer_of(torch::jit::load(saved))))
      ADD_FAILURE() << "in torch::jit: " << line;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "torch::jit does not load it: " << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, Legacy, testing::ValuesIn(recordings()), [](const auto& recording) {
  // The number keeps programs of two folders apart.
  std::string name = recording.param.parent_path().filename().string() + "_" + recording.param.stem().string() + "_" +
                     std::to_string(recording.index);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Legacy);

}  // namespace
}  // namespace vesta::test
