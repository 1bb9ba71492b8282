#include "runtime/plan/derived_constants.h"

#include "absl/strings/str_cat.h"

namespace vesta::runtime::plan {

at::Tensor DerivedConstants::get(const std::string& name, const std::vector<at::Tensor>& sources,
                                 const std::function<at::Tensor()>& make) {
  std::string key = name;
  for (const at::Tensor& source : sources) {
    absl::StrAppend(&key, ":", reinterpret_cast<uintptr_t>(source.unsafeGetTensorImpl()));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = entries_.find(key);
  if (found == entries_.end()) found = entries_.emplace(key, Entry{sources, make()}).first;
  return found->second.value;
}

}  // namespace vesta::runtime::plan
