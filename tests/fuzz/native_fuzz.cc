// Any tables in a native file whose header and checksums are right: loading gives a module or a status, and what loads
// can be looked at, lowered to instructions and written again. Nothing of it runs, nor `__setstate__`: what programs
// ask of libtorch, and how much memory, is another matter.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>

#include <vesta/vesta.h>

#include "runtime/api/context.h"
#include "runtime/api/native.h"
#include "runtime/runner.h"
#include "serialization/bytes.h"
#include "serialization/crc32.h"
#include "serialization/native_format.h"
#include "serialization/native_format_generated.h"
#include "tests/fuzz/native_mutator.h"

namespace {

// The bytes with a header that fits them, so that what lies behind it is reached.
std::string with_header(const uint8_t* data, size_t size) {
  using vesta::serialization::crc32_of;
  vesta::serialization::NativeHeader header{};
  std::memcpy(&header, data, sizeof(header));
  const uint64_t rest = size - sizeof(header);
  std::memcpy(header.magic, vesta::serialization::kNativeMagic.data(), sizeof(header.magic));
  header.version = vesta::serialization::kNativeVersion;
  header.program_offset = sizeof(header);
  header.program_size = std::min<uint64_t>(header.program_size, rest);
  header.file_size = size;
  header.program_crc32 =
      crc32_of({reinterpret_cast<const char*>(data) + sizeof(header), static_cast<size_t>(header.program_size)});
  header.header_crc32 = crc32_of({reinterpret_cast<const char*>(&header), sizeof(header) - sizeof(uint32_t)});
  std::string file(reinterpret_cast<const char*>(data), size);
  std::memcpy(file.data(), &header, sizeof(header));
  return file;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using vesta::serialization::NativeHeader;
  namespace native = vesta::serialization::native;
  if (size <= sizeof(NativeHeader) || seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  NativeHeader header;
  std::memcpy(&header, data, sizeof(header));
  uint8_t* const program = data + sizeof(header);
  const size_t program_size = std::min<uint64_t>(header.program_size, size - sizeof(header));
  flatbuffers::Verifier verifier(program, program_size);
  if (!native::VerifyProgramBuffer(verifier)) return LLVMFuzzerMutate(data, size, max_size);
  vesta::test::NativeMutator(program, native::ProgramTypeTable(), seed).mutate();
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < sizeof(vesta::serialization::NativeHeader)) return 0;
  const std::string file = with_header(data, size);
  vesta::LoadOptions options;
  options.limits.metadata_bytes = 16 * vesta::kMiB;
  options.limits.ir_nodes = 100'000;
  // The checksums of weights are not what is looked for.
  options.immutable_file = true;
  const absl::StatusOr<vesta::Module> module = vesta::internal::load_native(
      vesta::serialization::borrow_bytes(file, /*writable=*/true), "<memory>", options, [](const auto&) {},
      [](const vesta::ir::Function&, vesta::ir::Stack&) { return absl::OkStatus(); });
  if (!module.ok()) return 0;
  for (const auto& [name, part] : module->named_modules()) {
    for (const vesta::Method& method : part.methods()) {
      (void)method.signature();
      (void)vesta::runtime::Runner::code(*vesta::internal::Access::function(method));
    }
  }
  (void)module->state_dict();
  std::ostringstream out;
  (void)module->save_native(out);
  (void)module->save(out);
  return 0;
}
