// Magic numbers first, in a table; a few formats have none and are told by their shape.

#include "serialization/identify.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "serialization/little_endian.h"
#include "serialization/native_format.h"
#include "serialization/zip_reader.h"

namespace vesta::serialization {
namespace {

using namespace std::string_view_literals;

struct Magic {
  FileKind kind;
  size_t offset;
  std::string_view bytes;
};

constexpr std::array kMagics = {
    Magic{FileKind::kZip, 0, "PK\3\4"sv},
    Magic{FileKind::kZip, 0, "PK\5\6"sv},
    Magic{FileKind::kNative, 0, kNativeMagic},
    Magic{FileKind::kMobileFlatbuffer, 4, "PTMF"sv},
    // The pickled magic number that starts a legacy torch.save stream.
    Magic{FileKind::kCheckpointLegacy, 0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv},
    Magic{FileKind::kCheckpointTar, 257, "ustar"sv},
    Magic{FileKind::kNumpy, 0, "\x93NUMPY"sv},
    Magic{FileKind::kExecutorch, 4, "ET12"sv},
    Magic{FileKind::kExecutorch, 4, "ET13"sv},
    Magic{FileKind::kTensorflowLite, 4, "TFL3"sv},
    Magic{FileKind::kHdf5, 0, "\x89HDF\r\n\x1a\n"sv},
    Magic{FileKind::kGguf, 0, "GGUF"sv},
    Magic{FileKind::kGzip, 0, "\x1f\x8b"sv},
    Magic{FileKind::kElf, 0,
          "\x7f"
          "ELF"sv},
    Magic{FileKind::kGitLfsPointer, 0, "version https://git-lfs"sv},
    Magic{FileKind::kWebPage, 0, "<!DOCTYPE"sv},
    Magic{FileKind::kWebPage, 0, "<!doctype"sv},
    Magic{FileKind::kWebPage, 0, "<html"sv},
    Magic{FileKind::kWebPage, 0, "<?xml"sv},
};

struct Description {
  FileKind kind;
  std::string_view name;
  // Completes "<file> is <name>: ".
  std::string_view advice;
};

constexpr std::array kDescriptions = {
    Description{FileKind::kTorchScript, "a TorchScript archive", ""},
    Description{FileKind::kMobileScript, "a TorchScript archive for mobile", ""},
    Description{FileKind::kModelJson, "a TorchScript archive of torch 1.0 to 1.2 ('model.json')", ""},
    Description{FileKind::kNative, "a native file of Vesta", ""},
    Description{FileKind::kMobileFlatbuffer, "a mobile module in a flatbuffer",
                "it holds mobile bytecode and no source; save the original module with torch.jit.save (or "
                "_save_for_lite_interpreter without flatbuffer, whose .ptl file still has its code)"},
    Description{FileKind::kTorchPackage, "a torch.package",
                "its code is Python that only Python can run; load the model there and write it with "
                "torch.jit.script(model).save(...)"},
    Description{FileKind::kExportedProgram, "an exported program of torch.export (.pt2)",
                "it is no TorchScript; in Python, torch.jit.trace(torch.export.load(file).module(), example).save(...) "
                "writes one"},
    Description{
        FileKind::kCheckpoint, "a checkpoint of torch.save",
        "it holds values (as a state dict) but no code; in Python, build the model, load_state_dict the values and "
        "write torch.jit.script(model).save(...); a loaded module takes such values by load_state_dict"},
    Description{FileKind::kCheckpointLegacy, "a checkpoint of torch.save in the format before torch 1.6",
                "it holds values but no code; in Python, build the model, load_state_dict the values and write "
                "torch.jit.script(model).save(...)"},
    Description{FileKind::kCheckpointTar, "a tar file, as torch.save wrote before 0.2",
                "it holds no TorchScript program; if it was packed around a model, unpack it"},
    Description{FileKind::kPickle, "a Python pickle", "it holds no TorchScript program"},
    Description{FileKind::kTorchServe, "a TorchServe model archive (.mar)",
                "unpack it (it is a zip file) and load the .pt file in it"},
    Description{FileKind::kZip, "a zip archive, but none that torch.jit.save wrote",
                "it has no 'data.pkl' with 'code/' in one top folder; if a model was packed into it, unpack that"},
    Description{FileKind::kNumpyZip, "a NumPy archive (.npz)", "it holds arrays and no program"},
    Description{FileKind::kNumpy, "a NumPy array (.npy)", "it holds an array and no program"},
    Description{FileKind::kSafetensors, "a safetensors file",
                "it holds tensors and no program; a loaded module takes them by load_state_dict"},
    Description{FileKind::kOnnx, "an ONNX model", "it is no TorchScript; ONNX Runtime runs it"},
    Description{FileKind::kExecutorch, "an ExecuTorch program (.pte)", "it is no TorchScript; ExecuTorch runs it"},
    Description{FileKind::kTensorflowLite, "a TensorFlow Lite model", "it is no TorchScript"},
    Description{FileKind::kHdf5, "an HDF5 file (as Keras writes)", "it is no TorchScript"},
    Description{FileKind::kGguf, "a GGUF model", "it is no TorchScript; llama.cpp runs it"},
    Description{FileKind::kGzip, "a gzip file", "unpack it first"},
    Description{FileKind::kElf, "an executable or a shared library", "it is no model"},
    Description{FileKind::kWebPage, "a web page",
                "the download gave a page (of an error or a login) in place of the model"},
    Description{FileKind::kGitLfsPointer, "a pointer of Git LFS", "fetch the file itself with 'git lfs pull'"},
    Description{FileKind::kEmpty, "an empty file", "the model was not written or not downloaded"},
    Description{FileKind::kUnknown, "no file of a known format",
                "a TorchScript archive starts with the bytes 'PK'; the file may be damaged"},
};

const Description& describe(FileKind kind) {
  return *std::find_if(kDescriptions.begin(), kDescriptions.end(),
                       [kind](const Description& row) { return row.kind == kind; });
}

bool looks_like_safetensors(std::string_view bytes) {
  // A header of JSON after its length in 8 bytes.
  return bytes.size() >= 10 && load_u64(bytes.data()) <= bytes.size() - 8 && bytes[8] == '{';
}

bool looks_like_onnx(std::string_view bytes) {
  // A protobuf message whose first field is ir_version (1, a small varint) and whose second is the
  // producer's name (2) or the graph (7), each with a length.
  return bytes.size() > 16 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 32 &&
         (bytes[2] == 0x12 || bytes[2] == 0x3a);
}

FileKind identify_zip(std::string_view bytes) {
  ZipReader::Options options;
  options.check_crc_at_open = false;
  const auto zip = ZipReader::open(borrow_bytes(bytes, /*writable=*/false), "", options);
  if (!zip.ok()) return FileKind::kZip;
  std::vector<std::string_view> names;
  for (const ZipEntry& entry : (*zip)->entries()) names.push_back(entry.name);
  return identify_members(names);
}

}  // namespace

std::string_view kind_name(FileKind kind) { return describe(kind).name; }

FileKind identify(std::string_view bytes) {
  if (bytes.empty()) return FileKind::kEmpty;
  for (const Magic& magic : kMagics) {
    if (bytes.size() < magic.offset + magic.bytes.size()) continue;
    if (bytes.substr(magic.offset, magic.bytes.size()) != magic.bytes) continue;
    return magic.kind == FileKind::kZip ? identify_zip(bytes) : magic.kind;
  }
  if (bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5) return FileKind::kPickle;
  if (looks_like_safetensors(bytes)) return FileKind::kSafetensors;
  if (looks_like_onnx(bytes)) return FileKind::kOnnx;
  return FileKind::kUnknown;
}

FileKind identify_members(const std::vector<std::string_view>& names) {
  bool code = false;
  bool npy_only = !names.empty();
  const auto has = [&](std::string_view inner) {
    return std::any_of(names.begin(), names.end(), [inner](std::string_view name) {
      const size_t slash = name.find('/');
      return slash != name.npos && name.substr(slash + 1) == inner;
    });
  };
  for (const std::string_view name : names) {
    const size_t slash = name.find('/');
    code = code || (slash != name.npos && name.substr(slash + 1).starts_with("code/"));
    npy_only = npy_only && name.ends_with(".npy");
    if (name == "MAR-INF/MANIFEST.json") return FileKind::kTorchServe;
    if (name == "serialized_exported_program.json") return FileKind::kExportedProgram;
  }
  if (npy_only) return FileKind::kNumpyZip;
  if (has("model.json")) return FileKind::kModelJson;
  if (has(".data/extern_modules") || has(".data/python_version")) return FileKind::kTorchPackage;
  if (has("archive_format") || has("models/model.json") || has("serialized_exported_program.json")) {
    return FileKind::kExportedProgram;
  }
  if (has("data.pkl")) {
    if (!code && !has("constants.pkl")) return FileKind::kCheckpoint;
    return has("bytecode.pkl") ? FileKind::kMobileScript : FileKind::kTorchScript;
  }
  return FileKind::kZip;
}

absl::Status explain(FileKind kind, const std::string& file_name) {
  const Description& row = describe(kind);
  const std::string text = absl::StrCat(file_name, " is ", std::string(row.name), ": ", std::string(row.advice));
  switch (kind) {
    case FileKind::kEmpty:
    case FileKind::kUnknown:
    case FileKind::kWebPage:
    case FileKind::kGitLfsPointer:
      return absl::DataLossError(text);
    default:
      return absl::InvalidArgumentError(text);
  }
}

}  // namespace vesta::serialization
