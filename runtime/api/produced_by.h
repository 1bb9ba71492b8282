#pragma once

// What the reader found out of an archive's writer, in the API's words.

#include <vesta/produced_by.h>

#include "serialization/torchscript_reader.h"

namespace vesta::internal {

ProducedBy produced_by(const serialization::LoadedModule& loaded);

}  // namespace vesta::internal
