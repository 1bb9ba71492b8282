#include "runtime/api/produced_by.h"

#include "absl/strings/str_cat.h"
#include "frontend/historic_operators.h"

namespace vesta::internal {

ProducedBy produced_by(const serialization::LoadedModule& loaded) {
  ProducedBy result;
  result.torch = loaded.producer.writer.text();
  result.evidence = loaded.producer.evidence;
  result.version = loaded.version;
  for (const frontend::UpgradedCall& call : loaded.upgraded_calls) {
    const c10::FunctionSchema& schema = call.op->schema;
    const std::string& overload = schema.overload_name();
    result.upgraded_calls.push_back({overload.empty() ? schema.name() : absl::StrCat(schema.name(), ".", overload),
                                     call.op->reason, call.function, call.call_site.short_description()});
  }
  return result;
}

}  // namespace vesta::internal
