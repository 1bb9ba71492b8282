#pragma once

// Archives of torch 1.0 to 1.2: no data.pkl, but `model.json`, the protobuf message `ModelDef` of torch.proto as JSON:
//   protoVersion               1 in 1.0, 3 in 1.1, 5 in 1.2
//   mainModule                 {name, parameters [{name, tensorId, isBuffer}], attributes [{name, type, id}],
//                              submodules [a module each], torchscriptArena {key of the text of the methods},
//                              torchscriptDebugArena {key}, getStateAttributeId}
//   tensors                    [{dims, strides, offset, dataType, isQuantized, scale, zeroPoint, requiresGrad, device,
//                              data {key of the storage's record}}]; tensors of one key share their storage
// Fields at their default may be missing; 64-bit ints are strings. Beside it lie
//   tensors/N                  storages
//   attributes.pkl             a tuple (1.1: protoVersion 2: a list) of the attributes' values by id; its tensors are
//                              indices into `tensors`
//   code/NAME.py               the methods of one module as plain `def`s; CONSTANTS.cN is tensor N
//   libs/**.py                 classes and functions by qualifier
//   debug/NAME.pkl             as code/*.py.debug_pkl of later archives
// Source of these facts: archives of those versions, and torch's public reader of them.

#include <functional>
#include <memory>
#include <string>

#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"
#include "frontend/importer.h"
#include "ir/program.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"
#include "serialization/archive.h"
#include "serialization/torch_values.h"

namespace vesta::serialization {

// What reading a module needs of the reader of archives.
struct ModelJsonContext {
  const Archive& archive;
  Limits limits;
  bool map_to_cpu = false;
  ir::Program& program;
  frontend::SourceImporter& importer;
  ScriptContext& values;  // takes the table of tensors
  // The text of a record, with the table of its ranges where `debug_record` is not empty.
  std::function<absl::StatusOr<std::shared_ptr<const support::Source>>(const std::string& record,
                                                                       const std::string& debug_record)>
      read_source;
};

// `protoVersion`. DataLoss where model.json is none.
absl::StatusOr<int64_t> read_proto_version(const Archive& archive);

// The module with its classes declared and the bodies of its methods queued in the importer. A `__setstate__` runs
// (through `values.set_state`, if that is there) when all attributes of its module are set.
absl::StatusOr<c10::IValue> read_model_json(const ModelJsonContext& context);

}  // namespace vesta::serialization
