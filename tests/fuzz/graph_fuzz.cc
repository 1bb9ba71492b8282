// Any text as a printed graph: what parses is printed and parsed back to the same text.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "ir/ir_parser.h"
#include "ir/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using vesta::ir::Graph;
  const absl::StatusOr<std::shared_ptr<Graph>> graph =
      vesta::ir::parse_graph(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!graph.ok()) return 0;
  const std::string text = vesta::ir::print(**graph);
  const absl::StatusOr<std::shared_ptr<Graph>> again = vesta::ir::parse_graph(text);
  if (!again.ok() || vesta::ir::print(**again) != text) std::abort();
  return 0;
}
