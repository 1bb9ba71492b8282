// Native files: what a damaged or made-up one is answered with, and how the bytes lie.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <flatbuffers/minireflect.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "serialization/crc32.h"
#include "serialization/native_format_generated.h"
#include "serialization/native_reader.h"
#include "serialization/native_writer.h"
#include "tests/serialization/fixtures.h"

namespace vesta::serialization {
namespace {

using testing::fixture;
using ::testing::HasSubstr;

const ReadOptions kTrusting{.trust_weights = true};
constexpr const char* kWithWeights = "../../corpus/archives/batch_norm_eval.pt";

absl::StatusOr<LoadedNative> read(const std::string& file, const ReadOptions& options = {}) {
  return read_native(*copy_bytes(file), "m.vesta", "this machine", options);
}

// The native file of a fixture's module.
std::string native_file(const std::string& name = "attributes_2.0.1.pt") {
  const absl::StatusOr<LoadedModule> module = read_torchscript(*copy_bytes(fixture(name)), name, {});
  EXPECT_TRUE(module.ok()) << module.status();
  NativeModule contents;
  contents.root = module->root;
  contents.extra_files = {{"notes.txt", "hello"}};
  contents.producer = "vesta test";
  std::string file;
  const absl::Status written = write_native(contents,
                                            [&](std::string_view bytes) {
                                              file += bytes;
                                              return absl::OkStatus();
                                            },
                                            {});
  EXPECT_TRUE(written.ok()) << written;
  return file;
}

NativeHeader header_of(const std::string& file) {
  NativeHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  return header;
}

// The file with another header, whose own checksum is right.
std::string with_header(std::string file, const std::function<void(NativeHeader&)>& change) {
  NativeHeader header = header_of(file);
  change(header);
  header.header_crc32 = crc32_of({reinterpret_cast<const char*>(&header), offsetof(NativeHeader, header_crc32)});
  std::memcpy(file.data(), &header, sizeof(header));
  return file;
}

std::string program_of(const std::string& file) { return file.substr(kNativeAlignment, header_of(file).program_size); }

// The file around another program, all sizes, places and checksums right.
std::string with_program(const std::string& file, const std::string& program) {
  std::string made = file.substr(0, kNativeAlignment) + program;
  const std::string old = program_of(file);
  const uint64_t old_end = (kNativeAlignment + old.size() + 63) / 64 * 64;
  if (file.size() > old_end) {
    made.resize((made.size() + 63) / 64 * 64);
    made += file.substr(old_end);
  }
  return with_header(made, [&](NativeHeader& header) {
    header.program_size = program.size();
    header.program_crc32 = crc32_of(program);
    header.file_size = made.size();
  });
}

// The file with its tables changed. Weights stay where they lie behind the program.
std::string with_tables(const std::string& file, const std::function<void(native::ProgramT&)>& change) {
  native::ProgramT tables;
  native::GetProgram(program_of(file).data())->UnPackTo(&tables);
  change(tables);
  const auto pack = [&] {
    flatbuffers::FlatBufferBuilder builder;
    native::FinishProgramBuffer(builder, native::Program::Pack(builder, &tables));
    return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  };
  const std::string packed = pack();
  if (!tables.storages.empty()) {
    const uint64_t begin = (kNativeAlignment + packed.size() + 63) / 64 * 64;
    const uint64_t moved = begin - tables.storages[0].offset();
    for (native::Storage& storage : tables.storages) {
      storage = native::Storage(storage.offset() + moved, storage.size(), storage.crc32());
    }
  }
  return with_program(file, pack());
}

// Tensors with elements that the objects below a module hold, in the order of attributes.
void collect_tensors(const c10::ivalue::Object& object, std::vector<at::Tensor>& tensors) {
  for (const c10::IValue& value : object.slots()) {
    if (value.isObject()) collect_tensors(value.toObjectRef(), tensors);
    if (value.isTensor() && value.toTensor().numel() > 0) tensors.push_back(value.toTensor());
  }
}

std::string message_of(const std::string& file, const ReadOptions& options = {}) {
  return std::string(read(file, options).status().message());
}

TEST(NativeFile, IsReadAndWrittenAgainByteForByte) {
  const std::string file = native_file();
  absl::StatusOr<LoadedNative> loaded = read(file);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->module.extra_files.at("notes.txt"), "hello");
  EXPECT_EQ(loaded->module.root.toObjectRef().getAttr("ai").toInt(), 41);
  std::string again;
  ASSERT_TRUE(write_native(loaded->module,
                           [&](std::string_view bytes) {
                             again += bytes;
                             return absl::OkStatus();
                           },
                           {})
                  .ok());
  EXPECT_TRUE(again == file);
}

TEST(NativeFile, ExtraFilesThatAreTooLargeAreRefused) {
  const absl::StatusOr<LoadedNative> loaded = read(native_file());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  bool written = false;
  NativeWriteOptions options;
  options.extra_bytes = 4;
  const absl::Status status = write_native(
      loaded->module,
      [&](std::string_view) {
        written = true;
        return absl::OkStatus();
      },
      options);
  EXPECT_EQ(status, absl::InvalidArgumentError("extra files take 5 bytes, a native file holds 4 of them: keep them "
                                               "beside it, or write an archive"));
  EXPECT_FALSE(written);
}

TEST(NativeFile, WeightsAreUsedInPlaceAndAligned) {
  const std::string file = native_file(kWithWeights);
  const SharedBytes bytes = *copy_bytes(file);
  const absl::StatusOr<LoadedNative> loaded = read_native(bytes, "m.vesta", "", {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  std::vector<at::Tensor> tensors;
  collect_tensors(loaded->module.root.toObjectRef(), tensors);
  EXPECT_FALSE(tensors.empty());
  for (const at::Tensor& tensor : tensors) {
    const auto* data = static_cast<const char*>(tensor.storage().data());
    EXPECT_TRUE(data >= bytes->data() && data < bytes->data() + bytes->size());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % kNativeAlignment, 0u);
  }
}

TEST(NativeFile, TruncatedAtAnyByteIsDataLoss) {
  const std::string file = native_file();
  for (size_t size = 8; size < file.size(); size += size < 256 ? 1 : 97) {
    const absl::Status status = read(file.substr(0, size)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << size << ": " << status;
  }
}

TEST(NativeFile, EveryFlippedByteIsNoticed) {
  const std::string file = native_file();
  for (size_t at = 0; at < file.size(); at += at < 256 ? 1 : 53) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    if (at >= kNativeAlignment + header_of(file).program_size && file.substr(at, 1) == std::string(1, '\0')) {
      continue;  // It may be one of the zeros between weights.
    }
    EXPECT_FALSE(read(damaged).ok()) << at;
  }
}

TEST(NativeFile, HeadersThatNoWriterGivesAreRefused) {
  const std::string file = native_file();
  EXPECT_THAT(
      message_of(with_header(file, [](NativeHeader& h) { h.version = kNativeVersion + 1; })),
      HasSubstr(absl::StrCat("it is of version ", kNativeVersion + 1, " of the native format; this Vesta reads")));
  EXPECT_EQ(read(with_header(file, [](NativeHeader& h) { h.version = 99; })).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_THAT(message_of(with_header(file, [](NativeHeader& h) { h.version = 0; })), HasSubstr("no writer gives"));
  EXPECT_THAT(message_of(with_header(file, [](NativeHeader& h) { h.program_offset = 0; })),
              HasSubstr("no writer gives"));
  EXPECT_THAT(message_of(with_header(file, [](NativeHeader& h) { h.program_size = ~0ull; })),
              HasSubstr("beyond the end"));
  EXPECT_THAT(message_of(with_header(file, [](NativeHeader& h) { h.program_crc32 ^= 1; })),
              HasSubstr("m.vesta: the program's checksum is wrong"));
  EXPECT_THAT(message_of(file + "x"), HasSubstr("it is cut off or has grown"));
  ReadOptions small;
  small.limits.metadata_bytes = 100;
  EXPECT_EQ(read(file, small).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(NativeFile, DamagedWeightsAreNoticedUnlessTheCallerTrustsThem) {
  std::string file = native_file();
  const native::Program* program = native::GetProgram(file.data() + kNativeAlignment);
  file[program->storages()->Get(0)->offset()] ^= 1;
  EXPECT_THAT(message_of(file), HasSubstr("the checksum of the weights at byte"));
  EXPECT_TRUE(read(file, kTrusting).ok());
}

struct Forged {
  const char* name;
  std::function<void(native::ProgramT&)> change;
  const char* message;
};

// What a fuzzer found: the body of a fork is a graph of its own.
TEST(NativeFile, BodiesOfForksAreVerifiedToo) {
  const std::string file = native_file("../../corpus/archives/fork_and_wait.pt");
  size_t changed = 0;
  const std::string forged = with_tables(file, [&](native::ProgramT& p) {
    for (auto& function : p.functions) {
      for (auto& node : function->graph->block->nodes) {
        for (auto& attribute : node->attributes) {
          if (attribute->kind != native::AttributeKind::Graph) continue;
          for (auto& inner : attribute->graph->block->nodes) {
            if (!inner->inputs.empty()) ++changed;
            inner->inputs.clear();
          }
        }
      }
    }
  });
  ASSERT_GT(changed, 0u);
  EXPECT_THAT(message_of(forged), HasSubstr("m.vesta: the program is damaged: broken graph: "));
}

TEST(NativeFile, NumbersThatLeadNowhereAreRefused) {
  constexpr uint32_t kFar = 1'000'000;
  const auto first_node = [](native::ProgramT& p) -> native::NodeT& {
    for (auto& function : p.functions) {
      for (auto& node : function->graph->block->nodes) {
        if (!node->inputs.empty()) return *node;
      }
    }
    throw std::runtime_error("no node");
  };
  const auto constant = [](native::ProgramT& p) -> native::NodeT& {
    for (auto& function : p.functions) {
      for (auto& node : function->graph->block->nodes) {
        if (p.names[node->kind] == "prim::Constant") return *node;
      }
    }
    throw std::runtime_error("no constant");
  };
  const std::vector<Forged> all = {
      {"root", [&](auto& p) { p.root = kFar; }, "there is no value"},
      {"a scalar as root", [&](auto& p) { p.root = 0; }, "its root is no module"},
      {"a type's element",
       [&](auto& p) {
         auto list = std::make_unique<native::TypeT>();
         list->kind = native::TypeKind::List;
         list->elements = {kFar};
         p.types.push_back(std::move(list));
         p.functions[0]->schema->returns[0]->type = static_cast<uint32_t>(p.types.size() - 1);
       },
       "there is no type"},
      {"a list of itself",
       [&](auto& p) {
         auto list = std::make_unique<native::TypeT>();
         list->kind = native::TypeKind::List;
         list->elements = {static_cast<uint32_t>(p.types.size())};
         p.types.push_back(std::move(list));
         p.functions[0]->schema->returns[0]->type = static_cast<uint32_t>(p.types.size() - 1);
       },
       "types nest deeper than the limit"},
      {"types that double",
       [&](auto& p) {
         for (int i = 0; i < 40; ++i) {
           auto tuple = std::make_unique<native::TypeT>();
           tuple->kind = native::TypeKind::Tuple;
           const auto before = i == 0 ? 0 : static_cast<uint32_t>(p.types.size() - 1);
           tuple->elements = {before, before};
           p.types.push_back(std::move(tuple));
         }
         p.functions[0]->schema->returns[0]->type = static_cast<uint32_t>(p.types.size() - 1);
       },
       "has more than 10000 parts"},
      {"a type's text",
       [&](auto& p) {
         for (auto& type : p.types) {
           if (type->kind == native::TypeKind::Text) type->text = "Nonsense[";
         }
       },
       "the program is damaged"},
      {"a value that holds a later one",
       [&](auto& p) {
         for (auto& value : p.values) {
           if (!value->elements.empty()) value->elements[0] = static_cast<uint32_t>(p.values.size() - 1);
         }
       },
       "comes behind it"},
      {"a tensor's storage", [&](auto& p) { p.tensors[0]->storage = kFar; }, "there are no weights"},
      {"a tensor's dtype", [&](auto& p) { p.tensors[0]->dtype = 200; }, "a tensor's dtype is none"},
      {"a tensor beyond its storage", [&](auto& p) { p.tensors[0]->offset = 1 << 30; }, "storage"},
      {"a tensor's strides", [&](auto& p) { p.tensors[0]->strides.push_back(1); }, "as many strides"},
      {"weights elsewhere", [&](auto& p) { p.storages.back() = native::Storage(64, 8, 0); }, "do not lie where"},
      {"a node's input", [&](auto& p) { first_node(p).inputs[0] = kFar; }, "before it is defined"},
      {"a node's operator", [&](auto& p) { first_node(p).operator_ref = kFar; }, "no such operator"},
      {"a node's kind", [&](auto& p) { first_node(p).kind = kFar; }, "no such name"},
      {"a node of no kind",
       [&](auto& p) {
         p.names.push_back("prim::Nonsense");
         native::NodeT& node = first_node(p);
         node.kind = static_cast<uint32_t>(p.names.size() - 1);
         node.operator_ref = 0;
       },
       "neither an operator nor a structural kind"},
      {"a constant's value",
       [&](auto& p) {
         for (auto& attribute : constant(p).attributes) attribute->integer = kFar;
       },
       "there is no value"},
      {"more values than types", [&](auto& p) { p.functions[0]->graph->types.pop_back(); }, "a graph"},
      {"a body without its argument", [&](auto& p) { p.functions[0]->schema->arguments.pop_back(); }, ""},
      {"a method of another class",
       [&](auto& p) {
         auto other = std::make_unique<native::DeclarationT>();
         other->kind = native::DeclarationKind::Module;
         other->name = "__torch__.Other";
         other->methods = {0};
         p.declarations.push_back(std::move(other));
       },
       "does not take an object of"},
      {"a class twice",
       [&](auto& p) {
         auto other = std::make_unique<native::DeclarationT>();
         other->name = p.declarations[0]->name;
         p.declarations.push_back(std::move(other));
       },
       "is there twice"},
      {"an attribute twice",
       [&](auto& p) {
         auto attribute = std::make_unique<native::AttributeT>(*p.declarations[0]->attributes[0]);
         p.declarations[0]->attributes.push_back(std::move(attribute));
       },
       "cannot be"},
      {"an attribute of its own class",
       [&](auto& p) {
         auto own = std::make_unique<native::TypeT>();
         own->kind = native::TypeKind::Declared;
         own->declaration = 0;
         p.types.push_back(std::move(own));
         auto optional = std::make_unique<native::TypeT>();
         optional->kind = native::TypeKind::Optional;
         optional->elements = {static_cast<uint32_t>(p.types.size() - 1)};
         p.types.push_back(std::move(optional));
         auto attribute = std::make_unique<native::AttributeT>();
         attribute->name = "next";
         attribute->type = static_cast<uint32_t>(p.types.size() - 1);
         p.declarations[0]->attributes.push_back(std::move(attribute));
       },
       "holds objects of that class again"},
      {"a class's constant that is not there",
       [&](auto& p) {
         auto value = std::make_unique<native::ValueT>();
         value->kind = native::ValueKind::UndefinedTensor;
         p.values.push_back(std::move(value));
         auto named = std::make_unique<native::NamedValueT>();
         named->name = "c";
         named->value = static_cast<uint32_t>(p.values.size() - 1);
         p.declarations[0]->constants.push_back(std::move(named));
       },
       "holds a tensor that is not defined"},
      {"an object with too few attributes", [&](auto& p) { p.values[p.root]->elements.pop_back(); }, "attributes"},
      {"an object with a value of another type",
       [&](auto& p) {
         auto& elements = p.values[p.root]->elements;
         std::rotate(elements.begin(), elements.begin() + 1, elements.end());
       },
       "attribute"},
      {"a place beyond its source",
       [&](auto& p) {
         if (p.functions[0]->range != nullptr) *p.functions[0]->range = native::Range(1, 0, kFar * 100);
       },
       "beyond its source's end"},
  };
  const std::string file = native_file();
  for (const Forged& one : all) {
    const std::string message = message_of(with_tables(file, one.change));
    EXPECT_THAT(message, ::testing::StartsWith("m.vesta: ")) << one.name;
    EXPECT_THAT(message, HasSubstr(one.message)) << one.name;
  }
  EXPECT_TRUE(read(with_tables(file, [](native::ProgramT&) {})).ok()) << "the way to forge files is wrong itself";
}

// Checksums are right, so what is inside is looked at.
TEST(NativeFile, MutantsGiveAModuleOrOneError) {
  std::mt19937 random(20261122);
  size_t refused = 0;
  constexpr size_t kMutants = 600;
  const std::string file = native_file();
  const std::string program = program_of(file);
  for (size_t i = 0; i < kMutants; ++i) {
    std::string mutant = program;
    const size_t changes = 1 + random() % 4;
    for (size_t j = 0; j < changes; ++j) {
      char& byte = mutant[random() % mutant.size()];
      byte = random() % 2 == 0 ? static_cast<char>(random()) : static_cast<char>(byte ^ (1 << (random() % 8)));
    }
    if (random() % 8 == 0) mutant.resize(random() % mutant.size());
    const absl::Status status = read(with_program(file, mutant), kTrusting).status();
    if (status.ok()) continue;
    ++refused;
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsUnimplemented(status) || absl::IsResourceExhausted(status) ||
                absl::IsInvalidArgument(status))
        << i << ": " << status;
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("m.vesta: ")) << i;
    EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr("INTERNAL ASSERT"))) << i;
  }
  EXPECT_GT(refused, kMutants / 4);
}

TEST(NativeFile, WeightsBeyondFourGigabytesAreReached) {
  constexpr uint64_t kLarge = 5ull << 30;
  const std::string file = native_file(kWithWeights);
  native::ProgramT tables;
  native::GetProgram(program_of(file).data())->UnPackTo(&tables);
  // The first weights grow; those behind them move.
  ASSERT_GE(tables.storages.size(), 2u);
  const std::vector<native::Storage> old = tables.storages;
  tables.storages[0] = native::Storage(old[0].offset(), kLarge, 0);
  uint64_t end = old[0].offset() + kLarge;
  for (size_t i = 1; i < old.size(); ++i) {
    tables.storages[i] = native::Storage((end + 63) / 64 * 64, old[i].size(), 0);
    end = tables.storages[i].offset() + old[i].size();
  }
  flatbuffers::FlatBufferBuilder builder;
  native::FinishProgramBuffer(builder, native::Program::Pack(builder, &tables));
  ASSERT_EQ(builder.GetSize(), header_of(file).program_size);
  const std::string program(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  const std::string head = with_header(file,
                                       [&](NativeHeader& header) {
                                         header.program_crc32 = crc32_of(program);
                                         header.file_size = end;
                                       })
                               .substr(0, kNativeAlignment) +
                           program;

  const std::string path =
      (std::filesystem::temp_directory_path() / absl::StrCat("vesta_large_", ::getpid(), ".vesta")).string();
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::pwrite(fd, head.data(), head.size(), 0), static_cast<ssize_t>(head.size()));
  for (size_t i = 1; i < old.size(); ++i) {
    ASSERT_EQ(
        ::pwrite(fd, file.data() + old[i].offset(), old[i].size(), static_cast<off_t>(tables.storages[i].offset())),
        static_cast<ssize_t>(old[i].size()));
  }
  const bool is_sparse = ::ftruncate(fd, static_cast<off_t>(end)) == 0;
  ::close(fd);
  if (!is_sparse) {
    std::remove(path.c_str());
    GTEST_SKIP() << "the temporary folder holds no file of 5 GiB";
  }
  {
    const absl::StatusOr<SharedBytes> bytes = map_file(path, 16 * kGiB);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const absl::StatusOr<LoadedNative> loaded = read_native(*bytes, path, "", kTrusting);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    const absl::StatusOr<LoadedNative> small = read(file);
    ASSERT_TRUE(small.ok());
    std::vector<at::Tensor> ours, theirs;
    collect_tensors(loaded->module.root.toObjectRef(), ours);
    collect_tensors(small->module.root.toObjectRef(), theirs);
    ASSERT_EQ(ours.size(), theirs.size());
    size_t compared = 0;
    for (size_t i = 0; i < ours.size(); ++i) {
      const c10::Storage& storage = ours[i].storage();
      if (storage.nbytes() == kLarge) continue;
      ++compared;
      EXPECT_EQ(std::memcmp(storage.data(), theirs[i].storage().data(), storage.nbytes()), 0);
    }
    EXPECT_GT(compared, 0u);
  }
  std::remove(path.c_str());
}

// Where each byte of a small file lies; docs/native_format.md explains it.
TEST(NativeFile, LayoutIsTheDocumentedOne) {
  const std::string file = native_file("../../corpus/archives/replaced_buffer.pt");
  const NativeHeader header = header_of(file);
  std::string dump;
  const auto field = [&](size_t begin, size_t size, std::string_view name, const std::string& value) {
    absl::StrAppend(&dump, absl::StrFormat("%6d  %-6d %-16s %s\n", begin, size, name, value));
  };
  absl::StrAppend(&dump, "offset  bytes  field            value\n");
  field(0, 8, "magic", "89 56 45 53 54 41 0d 0a");
  field(8, 4, "version", absl::StrCat(header.version));
  field(12, 4, "program_crc32", absl::StrFormat("%08x", header.program_crc32));
  field(16, 8, "program_offset", absl::StrCat(header.program_offset));
  field(24, 8, "program_size", absl::StrCat(header.program_size));
  field(32, 8, "file_size", absl::StrCat(header.file_size));
  field(40, 20, "reserved", "0");
  field(60, 4, "header_crc32", absl::StrFormat("%08x", header.header_crc32));
  const std::string program = program_of(file);
  field(64, program.size(), "program", "a flatbuffer, its tables:");
  flatbuffers::ToStringVisitor visitor("\n", true, "  ");
  flatbuffers::IterateFlatBuffer(reinterpret_cast<const uint8_t*>(program.data()), native::ProgramTypeTable(),
                                 &visitor);
  absl::StrAppend(&dump, visitor.s, "\n");
  const native::Program* tables = native::GetProgram(program.data());
  for (uint32_t i = 0; i < tables->storages()->size(); ++i) {
    const native::Storage& storage = *tables->storages()->Get(i);
    std::string hex;
    for (uint64_t j = 0; j < std::min<uint64_t>(storage.size(), 16); ++j) {
      absl::StrAppend(&hex, j == 0 ? "" : " ",
                      absl::StrFormat("%02x", static_cast<uint8_t>(file[storage.offset() + j])));
    }
    field(storage.offset(), storage.size(), absl::StrCat("storage ", i), hex);
  }
  const std::string path = std::string(VESTA_SOURCE_DIR) + "/tests/golden/native/replaced_buffer.txt";
  if (std::getenv("VESTA_UPDATE_GOLDENS") != nullptr) std::ofstream(path, std::ios::binary) << dump;
  std::ifstream golden(path, std::ios::binary);
  EXPECT_EQ(dump, std::string(std::istreambuf_iterator<char>(golden), {}));
}

}  // namespace
}  // namespace vesta::serialization
