// Header, checksums, flatbuffers' verifier; then the decoder, which trusts no number.

#include "serialization/native_reader.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/crc32.h"
#include "serialization/custom_state.h"
#include "serialization/native_decoder.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

// Of tables within tables: blocks nest through nodes.
constexpr uint32_t kMaxTableDepth = 2000;

absl::StatusOr<NativeHeader> read_header(std::string_view file, const Limits& limits) {
  NativeHeader header{};
  if (file.size() < sizeof(header)) {
    return absl::DataLossError(absl::StrFormat("the file ends after %d bytes, within its header", file.size()));
  }
  std::memcpy(&header, file.data(), sizeof(header));
  if (std::string_view(header.magic, sizeof(header.magic)) != kNativeMagic) {
    return absl::DataLossError("it does not begin as a native file does");
  }
  if (header.version > kNativeVersion) {
    return absl::UnimplementedError(
        absl::StrFormat("it is of version %d of the native format; this Vesta reads versions up to %d: load it with a "
                        "newer one, or make "
                        "it anew from the archive",
                        header.version, kNativeVersion));
  }
  if (crc32_of(file.substr(0, offsetof(NativeHeader, header_crc32))) != header.header_crc32) {
    return absl::DataLossError("the header's checksum is wrong");
  }
  if (header.version == 0 || header.program_offset != kNativeAlignment) {
    return absl::DataLossError("the header has values that no writer gives");
  }
  if (header.file_size != file.size()) {
    return absl::DataLossError(absl::StrFormat("the file has %d bytes, %d were written: it is cut off or has grown",
                                               file.size(), header.file_size));
  }
  if (header.program_size > file.size() - kNativeAlignment) {
    return absl::DataLossError("the program reaches beyond the end of the file");
  }
  if (header.program_size >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return absl::DataLossError("the program is larger than a flatbuffer can be");
  }
  if (header.program_size > static_cast<uint64_t>(std::max<int64_t>(limits.metadata_bytes, 0))) {
    return absl::ResourceExhaustedError(absl::StrFormat("the program takes %d bytes, the limit 'metadata_bytes' is %d",
                                                        header.program_size, limits.metadata_bytes));
  }
  return header;
}

absl::StatusOr<const native::Program*> verified_program(std::string_view bytes, const NativeHeader& header,
                                                        const Limits& limits) {
  if (crc32_of(bytes) != header.program_crc32) return absl::DataLossError("the program's checksum is wrong");
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto tables = static_cast<uint32_t>(std::min<int64_t>(limits.ir_nodes, 100'000'000)) * 8;
  flatbuffers::Verifier verifier(data, bytes.size(), kMaxTableDepth, tables);
  if (!native::VerifyProgramBuffer(verifier)) {
    return absl::DataLossError("the program is damaged: its tables do not hold together");
  }
  return native::GetProgram(data);
}

absl::StatusOr<LoadedNative> read(SharedBytes bytes, const std::string& target, const ReadOptions& options) {
  VESTA_ASSIGN_OR_RETURN(const NativeHeader header, read_header(bytes->view(), options.limits));
  const std::string_view contents = bytes->view().substr(kNativeAlignment, header.program_size);
  VESTA_ASSIGN_OR_RETURN(const native::Program* const program, verified_program(contents, header, options.limits));
  try {
    return NativeDecoder(*program, header.program_size, std::move(bytes), target, options).read();
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return damaged(printable(std::string_view(text).substr(0, text.find('\n'))));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("there is not enough memory for the program");
  }
}

std::vector<NativeExample::Facts> facts(const flatbuffers::Vector<flatbuffers::Offset<native::TensorFacts>>* in) {
  std::vector<NativeExample::Facts> result;
  for (uint32_t i = 0; i < size_of(in); ++i) {
    const native::TensorFacts& one = *in->Get(i);
    NativeExample::Facts out;
    out.name = string_of(one.name());
    out.dtype = static_cast<c10::ScalarType>(one.dtype());
    out.sizes = ints(one.sizes());
    result.push_back(std::move(out));
  }
  return result;
}

void describe(const native::Program& in, NativeModule& out) {
  for (uint32_t i = 0; i < size_of(in.extra_files()); ++i) {
    const native::ExtraFile& file = *in.extra_files()->Get(i);
    std::string& contents = out.extra_files[string_of(file.name())];
    if (file.contents() != nullptr) contents.assign(file.contents()->begin(), file.contents()->end());
  }
  if (const native::Origin* origin = in.origin()) {
    out.origin.torch = string_of(origin->torch());
    out.origin.evidence = string_of(origin->evidence());
    out.origin.version = origin->version();
    for (uint32_t i = 0; i < size_of(origin->upgraded_calls()); ++i) {
      const native::UpgradedCall& call = *origin->upgraded_calls()->Get(i);
      out.origin.upgraded_calls.push_back(
          {string_of(call.name()), string_of(call.reason()), string_of(call.function()), string_of(call.call_site())});
    }
  }
  for (uint32_t i = 0; i < size_of(in.examples()); ++i) {
    const native::Example& example = *in.examples()->Get(i);
    out.examples.push_back({string_of(example.method()), facts(example.inputs()), facts(example.outputs())});
  }
  out.producer = string_of(in.producer());
}

}  // namespace

absl::Status damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("the program is damaged: ", absl::string_view(what.data(), what.size())));
}

NativeDecoder::NativeDecoder(const native::Program& program, uint64_t program_size, SharedBytes file,
                             const std::string& target, const ReadOptions& options)
    : in_(program),
      program_size_(program_size),
      file_(std::move(file)),
      target_(target),
      options_(options),
      program_(ir::Program::create()),
      tensor_builder_(nullptr, {.limits = options.limits}),
      types_(size_of(in_.types())),
      declarations_(size_of(in_.declarations())),
      declarations_in_work_(declarations_.size()),
      values_(size_of(in_.values())),
      values_made_(values_.size()),
      tensors_(size_of(in_.tensors())),
      storages_(size_of(in_.storages())),
      storages_made_(storages_.size()),
      sources_(size_of(in_.sources())),
      operators_(size_of(in_.operators())),
      symbols_(size_of(in_.names())) {
  context_.unit = program_->compilation_unit();
  if (options_.run) {
    context_.set_state = [this](const c10::IValue& object, const c10::ClassTypePtr& type,
                                c10::IValue state) -> absl::Status {
      torch::jit::Function* method = type->findMethod("__setstate__");
      ir::Stack stack{object, std::move(state)};
      if (is_custom_class(*type)) return set_custom_state(*method, *type, stack);
      if (!bodies_are_made_) return damaged("an object with a '__setstate__' stands where a constant is");
      return options_.run(*ir::Function::from(method), stack);
    };
  }
}

absl::StatusOr<LoadedNative> NativeDecoder::read() {
  if (static_cast<int64_t>(tensors_.size()) > options_.limits.tensors) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%d tensors; the limit 'tensors' is %d", tensors_.size(), options_.limits.tensors));
  }
  VESTA_RETURN_IF_ERROR(check_storages());
  VESTA_RETURN_IF_ERROR(declare_all());
  VESTA_RETURN_IF_ERROR(make_bodies());
  if (!missing_.empty() && !options_.allow_missing_operators) {
    return absl::UnimplementedError(frontend::missing_operators_text(missing_));
  }
  LoadedNative result;
  VESTA_ASSIGN_OR_RETURN(result.module.root, value(in_.root()));
  if (!result.module.root.isObject()) return damaged("its root is no module");
  describe(in_, result.module);
  if (in_.optimization() != nullptr) {
    VESTA_ASSIGN_OR_RETURN(result.module.optimization, optimization(*in_.optimization()));
  }
  result.program = std::move(program_);
  result.missing_operators = std::move(missing_);
  return result;
}

absl::StatusOr<NativeOptimization> NativeDecoder::optimization(const native::Optimization& in) {
  NativeOptimization out;
  out.level = in.level();
  if (out.level > 2) return damaged("there is no such level of optimization");
  for (uint32_t i = 0; i < size_of(in.without()); ++i) out.without.push_back(string_of(in.without()->Get(i)));
  out.target = string_of(in.target());
  if (out.target != target_) return out;
  for (uint32_t i = 0; i < size_of(in.methods()); ++i) {
    VESTA_ASSIGN_OR_RETURN(out.methods.emplace_back(), optimized_method(*in.methods()->Get(i)));
  }
  return out;
}

absl::StatusOr<OptimizedMethod> NativeDecoder::optimized_method(const native::OptimizedMethod& in) {
  OptimizedMethod out;
  VESTA_ASSIGN_OR_RETURN(const c10::IValue object, value(in.object()));
  VESTA_ASSIGN_OR_RETURN(ir::Function* const method, function(in.function()));
  if (!object.isObject() || object.toObjectRef().type()->findMethod(method->name()) != method) {
    return damaged("an optimized method is none of its object's");
  }
  out.object = object.toObject();
  out.function = method;
  VESTA_ASSIGN_OR_RETURN(out.graph, graph(in.graph(), method, BodyKind::kOptimized));
  for (uint32_t i = 0; i < size_of(in.derived()); ++i) {
    const native::DerivedConstant& constant = *in.derived()->Get(i);
    DerivedTensor derived;
    derived.name = string_of(constant.name());
    for (uint32_t j = 0; j < size_of(constant.sources()); ++j) {
      VESTA_ASSIGN_OR_RETURN(derived.sources.emplace_back(), tensor(constant.sources()->Get(j)));
    }
    VESTA_ASSIGN_OR_RETURN(derived.value, tensor(constant.value()));
    out.derived.push_back(std::move(derived));
  }
  return out;
}

absl::StatusOr<LoadedNative> read_native(SharedBytes bytes, const std::string& file_name, const std::string& target,
                                         const ReadOptions& options) {
  absl::StatusOr<LoadedNative> result = read(std::move(bytes), target, options);
  if (result.ok()) return result;
  return support::with_context(result.status(), file_name);
}

}  // namespace vesta::serialization
