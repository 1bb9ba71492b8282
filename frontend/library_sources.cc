#include "frontend/library_sources.h"

#include <unordered_map>

namespace vesta::frontend {
namespace {

constexpr const char* kGradMode = R"(
class no_grad:
    def __init__(self):
        self.prev = False
    def __enter__(self):
        self.prev = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
    def __exit__(self, kind: Any, value: Any, trace: Any):
        torch.set_grad_enabled(self.prev)

class enable_grad:
    def __init__(self):
        self.prev = False
    def __enter__(self):
        self.prev = torch.is_grad_enabled()
        torch.set_grad_enabled(True)
    def __exit__(self, kind: Any, value: Any, trace: Any):
        torch.set_grad_enabled(self.prev)
)";

// The interpreter knows the class by its name and looks at its attributes when it is entered.
constexpr const char* kAutocast = R"(
class autocast:
    def __init__(self, device_type: str, dtype: Optional[int] = None, enabled: bool = True,
                 cache_enabled: Optional[bool] = None):
        self.device = device_type
        self.fast_dtype = torch.get_autocast_dtype(device_type) if dtype is None else dtype
        self._enabled = enabled
    def __enter__(self):
        pass
    def __exit__(self, kind: Any, value: Any, trace: Any):
        pass
)";

constexpr const char* kProfiler = R"(
class record_function:
    def __init__(self, name: str, args: Optional[str] = None):
        self.name = name
        self.args = args
        self.record = torch.jit.annotate(Optional[__torch__.torch.classes.profiler._RecordFunction], None)
    def __enter__(self):
        self.record = torch.ops.profiler._record_function_enter_new(self.name, self.args)
        return self
    def __exit__(self, kind: Any, value: Any, trace: Any):
        record = self.record
        if record is not None:
            torch.ops.profiler._record_function_exit(record)
)";

const std::unordered_map<std::string, const char*>& sources() {
  static const auto* const table = new std::unordered_map<std::string, const char*>{
      {"__torch__.torch.autograd.grad_mode", kGradMode},
      {"__torch__.torch.amp.autocast_mode", kAutocast},
      {"__torch__.torch.autograd.profiler", kProfiler},
  };
  return *table;
}

const std::unordered_map<std::string, const char*>& classes() {
  static const auto* const table = new std::unordered_map<std::string, const char*>{
      {"torch.no_grad", "__torch__.torch.autograd.grad_mode.no_grad"},
      {"torch.autograd.no_grad", "__torch__.torch.autograd.grad_mode.no_grad"},
      {"torch.enable_grad", "__torch__.torch.autograd.grad_mode.enable_grad"},
      {"torch.autograd.enable_grad", "__torch__.torch.autograd.grad_mode.enable_grad"},
      {"torch.autocast", "__torch__.torch.amp.autocast_mode.autocast"},
      {"torch.amp.autocast", "__torch__.torch.amp.autocast_mode.autocast"},
      {"torch.autograd.profiler.record_function", "__torch__.torch.autograd.profiler.record_function"},
      {"torch.profiler.record_function", "__torch__.torch.autograd.profiler.record_function"},
  };
  return *table;
}

}  // namespace

std::shared_ptr<const support::Source> library_source(const std::string& qualifier) {
  const auto it = sources().find(qualifier);
  if (it == sources().end()) return nullptr;
  auto source = std::make_shared<support::Source>();
  source->text = it->second;
  source->filename = qualifier;
  return source;
}

std::string library_class(const std::string& dotted_name) {
  const auto it = classes().find(dotted_name);
  return it == classes().end() ? "" : it->second;
}

}  // namespace vesta::frontend
