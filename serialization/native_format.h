#pragma once

// What a native file (`.vesta`) holds beside its bytes' layout, which docs/native_format.md describes: a program, the
// module that it was saved with, and what the optimizer has made of its methods.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/ScalarType.h>

#include "ir/graph.h"
#include "ir/program.h"

namespace vesta::serialization {

// The first bytes of a file.
inline constexpr std::string_view kNativeMagic = "\x89VESTA\r\n";
// Files of a higher version are refused; all lower ones are read.
inline constexpr uint32_t kNativeVersion = 1;
// Of the program and of each storage, in bytes.
inline constexpr uint64_t kNativeAlignment = 64;
// Of all extra files together. They lie in the program, a flatbuffer, which ends at 2 GiB.
inline constexpr uint64_t kNativeExtraBytes = uint64_t{1} << 30;

// The first 64 bytes; integers are little-endian.
struct NativeHeader {
  char magic[8];
  uint32_t version;
  uint32_t program_crc32;
  uint64_t program_offset;  // kNativeAlignment
  uint64_t program_size;
  uint64_t file_size;
  uint8_t reserved[20];   // zero
  uint32_t header_crc32;  // of what comes before
};
static_assert(sizeof(NativeHeader) == 64);

// A tensor that a plan has computed from others, by the name that it has there (runtime/plan/derived_constants.h).
struct DerivedTensor {
  std::string name;
  std::vector<at::Tensor> sources;
  at::Tensor value;
};

// The optimized body of `function` for calls on `object`.
struct OptimizedMethod {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  const ir::Function* function = nullptr;
  std::shared_ptr<const ir::Graph> graph;
  std::vector<DerivedTensor> derived;
};

// How a frozen module is optimized, and what was done ahead.
struct NativeOptimization {
  int level = 2;
  std::vector<std::string> without;
  // What the methods hold for: versions and machine. Whoever has another target does not use them.
  std::string target;
  std::vector<OptimizedMethod> methods;
};

// What a method was called with when it was optimized, and what it gave: tensors by their names in the schema.
struct NativeExample {
  struct Facts {
    std::string name;
    c10::ScalarType dtype = c10::ScalarType::Float;
    std::vector<int64_t> sizes;
  };
  std::string method;
  std::vector<Facts> inputs;
  std::vector<Facts> outputs;
};

// Who wrote the archive that the program was read from.
struct NativeOrigin {
  struct UpgradedCall {
    std::string name;
    std::string reason;
    std::string function;
    std::string call_site;
  };
  std::string torch;
  std::string evidence;
  int64_t version = 0;
  std::vector<UpgradedCall> upgraded_calls;
};

struct NativeModule {
  // The module object.
  c10::IValue root;
  std::map<std::string, std::string> extra_files;
  NativeOrigin origin;
  std::vector<NativeExample> examples;
  // None: the module is not frozen.
  std::optional<NativeOptimization> optimization;
  // "vesta 0.1.0"
  std::string producer;
};

}  // namespace vesta::serialization
