// Header, program, storages. A storage's place and checksum stand in the program, so all are known before a byte is
// written: the places depend on the program's size, but its size not on them, as they are structs of fixed size.

#include "serialization/native_writer.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/crc32.h"
#include "serialization/native_encoder.h"

namespace vesta::serialization {
namespace {

constexpr uint64_t aligned(uint64_t offset) {
  return (offset + kNativeAlignment - 1) / kNativeAlignment * kNativeAlignment;
}

std::string_view bytes_of(const c10::Storage& storage) {
  return {static_cast<const char*>(storage.data()), storage.nbytes()};
}

std::vector<std::unique_ptr<native::TensorFactsT>> facts(const std::vector<NativeExample::Facts>& all) {
  std::vector<std::unique_ptr<native::TensorFactsT>> result;
  for (const NativeExample::Facts& one : all) {
    auto out = std::make_unique<native::TensorFactsT>();
    out->name = one.name;
    out->dtype = static_cast<uint8_t>(one.dtype);
    out->sizes = one.sizes;
    result.push_back(std::move(out));
  }
  return result;
}

absl::Status check_extra_files(const std::map<std::string, std::string>& files, uint64_t limit) {
  uint64_t total = 0;
  for (const auto& [name, contents] : files) total += contents.size();
  if (total <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "extra files take %d bytes, a native file holds %d of them: keep them beside it, or write an archive", total,
      limit));
}

void describe(const NativeModule& module, native::ProgramT& out) {
  for (const auto& [name, contents] : module.extra_files) {
    auto file = std::make_unique<native::ExtraFileT>();
    file->name = name;
    file->contents.assign(contents.begin(), contents.end());
    out.extra_files.push_back(std::move(file));
  }
  out.origin = std::make_unique<native::OriginT>();
  out.origin->torch = module.origin.torch;
  out.origin->evidence = module.origin.evidence;
  out.origin->version = module.origin.version;
  for (const NativeOrigin::UpgradedCall& call : module.origin.upgraded_calls) {
    auto one = std::make_unique<native::UpgradedCallT>();
    one->name = call.name;
    one->reason = call.reason;
    one->function = call.function;
    one->call_site = call.call_site;
    out.origin->upgraded_calls.push_back(std::move(one));
  }
  for (const NativeExample& example : module.examples) {
    auto one = std::make_unique<native::ExampleT>();
    one->method = example.method;
    one->inputs = facts(example.inputs);
    one->outputs = facts(example.outputs);
    out.examples.push_back(std::move(one));
  }
  out.producer = module.producer;
}

absl::Status encode_method(const OptimizedMethod& method, NativeEncoder& encoder, native::OptimizedMethodT& out) {
  VESTA_ASSIGN_OR_RETURN(out.object, encoder.value(c10::IValue(method.object)));
  VESTA_ASSIGN_OR_RETURN(out.function, encoder.function(const_cast<ir::Function&>(*method.function)));
  VESTA_ASSIGN_OR_RETURN(out.graph, encoder.graph(*method.graph));
  for (const DerivedTensor& derived : method.derived) {
    auto one = std::make_unique<native::DerivedConstantT>();
    one->name = derived.name;
    for (const at::Tensor& source : derived.sources) {
      VESTA_ASSIGN_OR_RETURN(one->sources.emplace_back(), encoder.tensor(source));
    }
    VESTA_ASSIGN_OR_RETURN(one->value, encoder.tensor(derived.value));
    out.derived.push_back(std::move(one));
  }
  return absl::OkStatus();
}

absl::Status encode(const NativeModule& module, NativeEncoder& encoder) {
  if (!module.root.isObject())
    return absl::InvalidArgumentError(absl::StrCat("no module, but ", module.root.tagKind()));
  native::ProgramT& out = encoder.program();
  VESTA_ASSIGN_OR_RETURN(out.root, encoder.value(module.root));
  VESTA_RETURN_IF_ERROR(encoder.finish());
  describe(module, out);
  if (!module.optimization.has_value()) return absl::OkStatus();
  out.optimization = std::make_unique<native::OptimizationT>();
  out.optimization->level = static_cast<uint8_t>(module.optimization->level);
  out.optimization->without = module.optimization->without;
  out.optimization->target = module.optimization->target;
  for (const OptimizedMethod& method : module.optimization->methods) {
    out.optimization->methods.push_back(std::make_unique<native::OptimizedMethodT>());
    VESTA_RETURN_IF_ERROR(encode_method(method, encoder, *out.optimization->methods.back()));
  }
  return encoder.finish();
}

}  // namespace

absl::Status write_native(const NativeModule& module, const std::function<absl::Status(std::string_view)>& sink,
                          const NativeWriteOptions& options) {
  VESTA_RETURN_IF_ERROR(check_extra_files(module.extra_files, options.extra_bytes));
  NativeEncoder encoder(options.run);
  VESTA_RETURN_IF_ERROR(encode(module, encoder));
  flatbuffers::FlatBufferBuilder builder;
  native::FinishProgramBuffer(builder, native::Program::Pack(builder, &encoder.program()));
  const std::string_view packed(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  // Structs, so they are filled in where they lie.
  const auto* const places = native::GetProgram(builder.GetBufferPointer())->storages();
  uint64_t end = kNativeAlignment + packed.size();
  for (uint32_t i = 0; i < encoder.storages().size(); ++i) {
    const std::string_view contents = bytes_of(encoder.storages()[i]);
    const native::Storage place(aligned(end), contents.size(), crc32_of(contents));
    *const_cast<native::Storage*>(places->Get(i)) = place;
    end = place.offset() + place.size();
  }
  NativeHeader header{};
  std::memcpy(header.magic, kNativeMagic.data(), sizeof(header.magic));
  header.version = kNativeVersion;
  header.program_crc32 = crc32_of(packed);
  header.program_offset = kNativeAlignment;
  header.program_size = packed.size();
  header.file_size = end;
  const char* const head = reinterpret_cast<const char*>(&header);
  header.header_crc32 = crc32_of({head, offsetof(NativeHeader, header_crc32)});
  VESTA_RETURN_IF_ERROR(sink({head, sizeof(header)}));
  VESTA_RETURN_IF_ERROR(sink(packed));
  uint64_t at = kNativeAlignment + packed.size();
  static constexpr char kZeros[kNativeAlignment] = {};
  for (uint32_t i = 0; i < encoder.storages().size(); ++i) {
    VESTA_RETURN_IF_ERROR(sink({kZeros, places->Get(i)->offset() - at}));
    VESTA_RETURN_IF_ERROR(sink(bytes_of(encoder.storages()[i])));
    at = places->Get(i)->offset() + places->Get(i)->size();
  }
  return absl::OkStatus();
}

absl::Status write_native(const NativeModule& module, const std::string& path, const NativeWriteOptions& options) {
  VESTA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(write_native(
      module, [&file](std::string_view bytes) { return file.write(bytes); }, options));
  return file.commit();
}

}  // namespace vesta::serialization
