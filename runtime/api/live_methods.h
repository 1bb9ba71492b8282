#pragma once

// The optimized forms of the methods of a module that is not frozen: made as those of a frozen one, and used as long as
// what they rest on is as it was.

#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/options.h>

#include "absl/status/statusor.h"
#include "ir/program.h"
#include "runtime/api/context.h"
#include "runtime/by_thread.h"
#include "runtime/bytecode.h"

namespace vesta::internal {

// One for each root. Each call compares the attributes of all modules below the root with what they were when the code
// was made: numbers, texts and modules by identity, tensors by identity, address and version counter too. (Of memory
// that is written to past its tensors, through data_ptr(), nothing is known: see Module.) Where something has
// changed, the code is made anew; the more often that happens, the more calls run plainly before it is tried again.
//
// Thread-safe as far as nobody changes the module.
class LiveMethods {
 public:
  // Null where `options` ask for no optimization. InvalidArgument where they name a pass that does not exist.
  static absl::StatusOr<std::shared_ptr<const LiveMethods>> create(const ObjectPtr& root,
                                                                   const OptimizationOptions& options);
  // Of a copy of the modules that shares what no method changes (Module::instance): it shares the code.
  std::shared_ptr<const LiveMethods> for_instance(const ObjectPtr& root) const;

  // What the optimized code of one call rests on, kept until the call has ended. May not outlive its LiveMethods.
  class Lease;

  // The method's optimized code for this object, as long as `lease` lives; empty where the plain one has to do:
  // gradients may be wanted, the object is not of the tree, or something has just changed. Errors are Internal, and
  // only in checked builds.
  absl::StatusOr<const std::shared_ptr<const runtime::Code>*> code(const c10::ivalue::Object& object,
                                                                   const ir::Function& method,
                                                                   const std::vector<c10::IValue>& arguments,
                                                                   Lease& lease) const;
  const OptimizationOptions& options() const { return options_; }

 private:
  struct Generation;
  struct Kept;
  LiveMethods(ObjectPtr root, OptimizationOptions options) : root_(std::move(root)), options_(std::move(options)) {}
  Lease current() const;
  std::shared_ptr<const Generation> current_of_all() const;

  const ObjectPtr root_;
  const OptimizationOptions options_;
  mutable runtime::ByThread<Kept> kept_;
  mutable std::mutex mutex_;  // Guards what follows.
  mutable std::shared_ptr<const Generation> generation_;
  mutable int64_t to_wait_ = 0;  // Calls until the next one is made.
  mutable int changes_ = 0;      // In a row, with few calls between them.
};

// A generation, and how many calls of the thread it has served.
struct LiveMethods::Kept {
  std::shared_ptr<const Generation> generation;
  int64_t calls = 0;
};

class LiveMethods::Lease {
 public:
  Lease() = default;
  Lease(const LiveMethods& of, std::unique_ptr<Kept> kept) : of_(&of), kept_(std::move(kept)) {}
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = default;
  ~Lease() {
    if (kept_ != nullptr) of_->kept_.put(std::move(kept_));
  }
  // Null where there is none now.
  const Generation* generation() const { return kept_ == nullptr ? nullptr : kept_->generation.get(); }

 private:
  const LiveMethods* of_ = nullptr;
  std::unique_ptr<Kept> kept_;
};

}  // namespace vesta::internal
