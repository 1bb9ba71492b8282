// Order matters. constants.pkl comes first, since every body may use it; data.pkl names the classes, which
// the importer declares as they are met; bodies are compiled when a `__setstate__` has to run, and at the end.

#include "serialization/torchscript_reader.h"

#include <algorithm>

#include <ATen/core/class_type.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "ir/support/status.h"
#include "serialization/custom_state.h"
#include "serialization/debug_ranges.h"
#include "serialization/model_json.h"
#include "serialization/torch_values.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using support::Source;
using support::SourceRange;

constexpr std::string_view kDebugSuffix = ".debug_pkl";

class ModuleReader {
 public:
  ModuleReader(std::shared_ptr<const Archive> archive, Producer producer, const ReadOptions& options)
      : archive_(std::move(archive)),
        producer_(std::move(producer)),
        options_(options),
        program_(ir::Program::create()),
        importer_(program_, import_options()) {}

  absl::StatusOr<LoadedModule> read() {
    make_context();
    VESTA_RETURN_IF_ERROR(check_source_size());
    LoadedModule module;
    VESTA_ASSIGN_OR_RETURN(module.root, is_model_json() ? read_old_root() : read_root());
    VESTA_RETURN_IF_ERROR(compile());
    VESTA_ASSIGN_OR_RETURN(module.extra_files, archive_->extra_files());
    if (!options_.trust_weights) VESTA_RETURN_IF_ERROR(archive_->zip().verify_unread());
    module.producer = producer_;
    module.program = program_;
    module.version = archive_->version();
    module.kind = archive_->kind();
    module.missing_operators = importer_.missing_operators();
    module.upgraded_calls = importer_.upgraded_calls();
    return module;
  }

 private:
  frontend::ImportOptions import_options() {
    frontend::ImportOptions result;
    result.version = archive_->version();
    result.writer = producer_.writer;
    result.limits = options_.limits;
    result.find_source = [this](const std::string& qualifier) { return find_source(qualifier); };
    result.original_range = [this](const SourceRange& range) { return original_range(range); };
    return result;
  }

  void make_context() {
    context_.unit = program_->compilation_unit();
    context_.find_type = [this](std::string_view name) -> absl::StatusOr<c10::TypePtr> {
      VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, importer_.load_type(name));
      return c10::TypePtr(std::move(type));
    };
    context_.parse_type = [this](std::string_view text) { return importer_.load_annotation(text); };
    if (options_.run) {
      context_.set_state = [this](const IValue& object, const c10::ClassTypePtr& type, IValue state) {
        return set_state(object, type, std::move(state));
      };
    }
  }

  absl::Status check_source_size() const {
    uint64_t total = 0;
    for (const ZipEntry& entry : archive_->zip().entries()) {
      if (entry.name.ends_with(".py")) total += entry.size;  // bounded by the limit 'metadata_bytes'
    }
    if (total <= static_cast<uint64_t>(std::max<int64_t>(options_.limits.source_bytes, 0))) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrFormat("%s: the source takes %d bytes, the limit 'source_bytes' is %d",
                                                        archive_->file_name(), total, options_.limits.source_bytes));
  }

  absl::StatusOr<IValue> read_values(const std::string& record, const std::string& storages) {
    VESTA_ASSIGN_OR_RETURN(const ZipData data, archive_->read(record));
    TensorBuilder::Options tensor_options;
    tensor_options.limits = options_.limits;
    tensor_options.big_endian = archive_->big_endian();
    tensor_options.map_to_cpu = options_.map_to_cpu;
    TensorBuilder tensors(archive_->storage_reader(storages), tensor_options);
    PickleOptions pickle_options;
    pickle_options.limits = options_.limits;
    return read_script_pickle(data.contents, archive_->describe(record), tensors, context_, pickle_options);
  }

  bool is_model_json() const { return archive_->kind() == FileKind::kModelJson; }

  absl::StatusOr<IValue> read_root() {
    VESTA_ASSIGN_OR_RETURN(IValue constants, read_values("constants.pkl", "constants/"));
    if (!constants.isTuple()) {
      return absl::DataLossError(absl::StrCat(archive_->describe("constants.pkl"), ": the value is no tuple"));
    }
    importer_.set_constants(constants.toTupleRef().elements().vec());
    VESTA_ASSIGN_OR_RETURN(IValue root, read_values("data.pkl", "data/"));
    if (root.isObject()) return root;
    return absl::DataLossError(
        absl::StrFormat("%s: the value is no module but %s", archive_->describe("data.pkl"), root.tagKind()));
  }

  absl::StatusOr<IValue> read_old_root() {
    return read_model_json({.archive = *archive_,
                            .limits = options_.limits,
                            .map_to_cpu = options_.map_to_cpu,
                            .program = *program_,
                            .importer = importer_,
                            .values = context_,
                            .read_source = [this](const std::string& record, const std::string& debug) {
                              return read_source(record, debug);
                            }});
  }

  absl::StatusOr<std::shared_ptr<const Source>> find_source(const std::string& qualifier) {
    const std::string record =
        absl::StrCat(is_model_json() ? "libs/" : "code/", absl::StrReplaceAll(qualifier, {{".", "/"}}), ".py");
    if (!archive_->has(record)) return std::shared_ptr<const Source>();
    return read_source(record, absl::StrCat(record, std::string(kDebugSuffix)));
  }

  // The text of a record; `debug` is the record of its ranges, which need not be there.
  absl::StatusOr<std::shared_ptr<const Source>> read_source(const std::string& record, const std::string& debug) {
    VESTA_ASSIGN_OR_RETURN(const ZipData data, archive_->read(record));
    auto source = std::make_shared<Source>();
    source->text = data.contents;
    source->filename = record;
    if (!debug.empty() && archive_->has(debug)) {
      VESTA_ASSIGN_OR_RETURN(const ZipData ranges, archive_->read(debug));
      VESTA_ASSIGN_OR_RETURN(DebugRanges parsed, DebugRanges::parse(ranges.contents, archive_->describe(debug),
                                                                    options_.limits, originals_));
      ranges_.emplace(source.get(), std::move(parsed));
    }
    sources_.push_back(source);
    return std::shared_ptr<const Source>(std::move(source));
  }

  SourceRange original_range(const SourceRange& range) const {
    const auto table = ranges_.find(range.source().get());
    if (table == ranges_.end()) return range;
    SourceRange original = table->second.find(range.begin());
    return original.known() ? original : range;
  }

  absl::Status compile() {
    absl::Status status = importer_.compile_pending();
    if (options_.allow_missing_operators && !importer_.missing_operators().empty() && absl::IsUnimplemented(status)) {
      return absl::OkStatus();
    }
    return status;
  }

  absl::Status set_state(const IValue& object, const c10::ClassTypePtr& type, IValue state) {
    torch::jit::Function* method = type->findMethod("__setstate__");
    ir::Stack stack{object, std::move(state)};
    if (is_custom_class(*type)) return set_custom_state(*method, *type, stack);
    VESTA_RETURN_IF_ERROR(compile());
    return options_.run(*ir::Function::from(method), stack);
  }

  std::shared_ptr<const Archive> archive_;
  Producer producer_;
  const ReadOptions& options_;
  std::shared_ptr<ir::Program> program_;
  frontend::SourceImporter importer_;
  ScriptContext context_;
  std::vector<std::shared_ptr<const Source>> sources_;
  DebugSources originals_;
  absl::flat_hash_map<const Source*, DebugRanges> ranges_;
};

}  // namespace

absl::StatusOr<LoadedModule> read_torchscript(SharedBytes bytes, const std::string& file_name,
                                              const ReadOptions& options) {
  ArchiveOptions archive_options;
  archive_options.limits = options.limits;
  archive_options.trust_weights = options.trust_weights;
  archive_options.allow_newer = options.allow_newer;
  VESTA_ASSIGN_OR_RETURN(std::shared_ptr<const Archive> archive,
                         Archive::open(std::move(bytes), file_name, archive_options));
  VESTA_ASSIGN_OR_RETURN(Producer producer, infer_producer(*archive, options.limits));
  if (options.written_by) {
    producer.writer = {*options.written_by, *options.written_by};
    producer.evidence = "the caller says so";
  }
  return ModuleReader(std::move(archive), std::move(producer), options).read();
}

}  // namespace vesta::serialization
