#include "runtime/plan/derived_constants.h"

#include "absl/strings/str_cat.h"

namespace vesta::runtime::plan {
namespace {

std::string key_of(const std::string& name, const std::vector<at::Tensor>& sources) {
  std::string key = name;
  for (const at::Tensor& source : sources) {
    absl::StrAppend(&key, ":", reinterpret_cast<uintptr_t>(source.unsafeGetTensorImpl()));
  }
  return key;
}

bool has_form(const at::Tensor& value, const DerivedConstants::Form& form) {
  return value.scalar_type() == form.dtype && value.sizes() == at::IntArrayRef(form.sizes) && value.is_contiguous();
}

bool looks_like(const at::Tensor& value, const at::Tensor& made) {
  return value.scalar_type() == made.scalar_type() && value.sizes() == made.sizes() &&
         value.strides() == made.strides();
}

}  // namespace

at::Tensor DerivedConstants::get(const std::string& name, const std::vector<at::Tensor>& sources,
                                 const std::function<at::Tensor()>& make, const std::optional<Form>& form) {
  std::string key = key_of(name, sources);
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) {
    entries_.push_back({name, sources, make()});
    numbers_.emplace(std::move(key), entries_.size() - 1);
    return entries_.back().value;
  }
  Entry& entry = entries_[found->second];
  if (entry.is_unchecked) {
    if (form.has_value()) {
      if (!has_form(entry.value, *form)) entry.value = make();
    } else if (at::Tensor made = make(); !looks_like(entry.value, made)) {
      entry.value = std::move(made);
    }
    entry.is_unchecked = false;
  }
  return entry.value;
}

at::Tensor DerivedConstants::find(const std::string& name, const std::vector<at::Tensor>& sources) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = numbers_.find(key_of(name, sources));
  return found == numbers_.end() ? at::Tensor() : entries_[found->second].value;
}

void DerivedConstants::set(const std::string& name, std::vector<at::Tensor> sources, at::Tensor value) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto [found, is_new] = numbers_.emplace(key_of(name, sources), entries_.size());
  if (is_new) {
    entries_.push_back({name, std::move(sources), std::move(value)});
  } else {
    entries_[found->second].value = std::move(value);
  }
}

void DerivedConstants::restore(const std::string& name, std::vector<at::Tensor> sources, at::Tensor value) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!numbers_.emplace(key_of(name, sources), entries_.size()).second) return;
  entries_.push_back({name, std::move(sources), std::move(value), true});
}

std::vector<DerivedConstants::Entry> DerivedConstants::entries() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_;
}

}  // namespace vesta::runtime::plan
