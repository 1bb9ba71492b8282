// Objects, enums, devices, futures, generators, and questions about the world around a program.

#include <chrono>
#include <string>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/core/class_type.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_type.h>
#include <c10/core/Device.h>
#include <c10/core/DeviceType.h>

#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {
namespace {

// A child of a module container, by its name ("0", "1"... in a ModuleList).
absl::StatusOr<IValue> child(const IValue& container, const std::string& name) {
  if (!container.isObject()) return value_error("expected a module container, got ", container.tagKind());
  const c10::ivalue::Object& object = container.toObjectRef();
  const std::optional<size_t> slot = object.type()->findAttributeSlot(name);
  if (!slot.has_value()) return value_error("'", object.type()->repr_str(), "' has no module '", name, "'");
  return object.getSlot(*slot);
}

absl::StatusOr<IValue> wait(const IValue& value) {
  const auto future = value.toFuture();
  future->wait();
  if (future->hasError()) return absl::InvalidArgumentError(future->tryRetrieveErrorMessage());
  return future->value();
}

bool enums_equal(const IValue& a, const IValue& b) {
  const auto left = a.toEnumHolder(), right = b.toEnumHolder();
  return left->name() == right->name() && left->type()->equals(*right->type());
}

at::Generator make_generator(const IValue& device, const IValue& seed) {
  const c10::Device place = device.isNone() ? c10::Device(c10::kCPU) : device.toDevice();
  at::Generator generator =
      place.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>()
                     : at::globalContext().getAcceleratorHooksInterface(place.type()).getNewGenerator(place.index());
  if (!seed.isNone()) generator.set_current_seed(static_cast<uint64_t>(seed.toInt()));
  return generator;
}

// Ends the profiler range `handle`: a tensor in old archives, an object of profiler._RecordFunction in newer ones.
void end_profiler_range(const IValue& handle) {
  const auto op = c10::Dispatcher::singleton().findSchema(
      {"profiler::_record_function_exit", handle.isTensor() ? "" : "_RecordFunction"});
  if (!op.has_value()) return;  // A libtorch without the profiler has begun no range.
  ir::Stack stack = {handle};
  op->callBoxed(stack);
}

}  // namespace

VESTA_KERNEL(end_profiler_range_with_future, [](const IValue& handle, const IValue& future) -> IValue {
  return future.toFuture()->then(
      [handle](c10::ivalue::Future& done) {
        end_profiler_range(handle);
        return done.value();
      },
      future.toFuture()->elementType());
})

VESTA_KERNEL(value_hash, [](const IValue& value) { return static_cast<int64_t>(IValue::hash(value)); })
VESTA_KERNEL(value_is, [](const IValue& a, const IValue& b) { return a.is(b); })
VESTA_KERNEL(value_is_not, [](const IValue& a, const IValue& b) { return !a.is(b); })
VESTA_KERNEL(object_id, [](const IValue& value) {
  return value.isNone() ? int64_t{0} : reinterpret_cast<int64_t>(value.internalToPointer());
})

VESTA_KERNEL(unwrap_optional, [](const IValue& value) -> absl::StatusOr<IValue> {
  if (value.isNone()) return value_error("Unwrapping null optional");
  return value;
})
VESTA_KERNEL(unchecked_unwrap_optional, [](const IValue& value) { return value; })

VESTA_KERNEL(module_container_index,
             [](const IValue& container, int64_t index) { return child(container, std::to_string(index)); })
VESTA_KERNEL(module_container_key,
             [](const IValue& container, std::string_view key) { return child(container, std::string(key)); })

VESTA_KERNEL(enum_eq, [](const IValue& a, const IValue& b) { return enums_equal(a, b); })
VESTA_KERNEL(enum_ne, [](const IValue& a, const IValue& b) { return !enums_equal(a, b); })

VESTA_KERNEL(device_from_str, [](std::string_view text) { return c10::Device(std::string(text)); })
VESTA_KERNEL(device_with_index, [](std::string_view type, int64_t index) -> absl::StatusOr<c10::Device> {
  const c10::Device device{std::string(type)};
  if (device.has_index()) return value_error("type (string) must not include an index: '", std::string(type), "'");
  if (index < -1 || index > 127) return value_error("device index ", index, " is out of range");
  return c10::Device(device.type(), static_cast<c10::DeviceIndex>(index));
})
VESTA_KERNEL(device_eq, [](const IValue& a, const IValue& b) { return a.toDevice() == b.toDevice(); })
VESTA_KERNEL(device_ne, [](const IValue& a, const IValue& b) { return a.toDevice() != b.toDevice(); })
VESTA_KERNEL(device_type,
             [](const IValue& device) { return c10::DeviceTypeName(device.toDevice().type(), /*lower_case=*/true); })
VESTA_KERNEL(device_index, [](const IValue& device) {
  return device.toDevice().has_index() ? IValue(static_cast<int64_t>(device.toDevice().index())) : IValue();
})

// Blocks the thread: the interpreter waits in its own way, this serves futures of others.
VESTA_KERNEL(future_wait, [](const IValue& future) { return wait(future); })
VESTA_KERNEL(await_wrap, [](const IValue& value) {
  auto result = c10::make_intrusive<c10::ivalue::Await>(value.type());
  result->markCompleted(value);
  return IValue(std::move(result));
})
VESTA_KERNEL(await_wait, [](const IValue& value) { return value.toAwait()->wait(); })

VESTA_KERNEL(manual_seed, [](int64_t seed) { at::manual_seed(static_cast<uint64_t>(seed)); })
VESTA_KERNEL(generator_make, &make_generator)
VESTA_KERNEL(generator_manual_seed, [](const IValue& value, int64_t seed) {
  at::Generator generator = value.toGenerator();
  generator.set_current_seed(static_cast<uint64_t>(seed));
  return generator;
})
VESTA_KERNEL(generator_seed,
             [](const IValue& generator) { return static_cast<int64_t>(generator.toGenerator().seed()); })
VESTA_KERNEL(generator_initial_seed,
             [](const IValue& generator) { return static_cast<int64_t>(generator.toGenerator().current_seed()); })

VESTA_KERNEL(is_scripting, []() { return true; })
VESTA_KERNEL(get_tracing_state, []() { return false; })
VESTA_KERNEL(cpu_capability, []() { return at::get_cpu_capability(); })
VESTA_KERNEL(time_point, []() {
  return static_cast<int64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
})
// TorchScript's statistics go nowhere unless a logger is installed, which only torch::jit has.
VESTA_KERNEL(add_stat_value, [](std::string_view, int64_t) {})

absl::Status has_torch_function(Stack& stack) {
  const size_t count = variadic_arguments(stack).size();
  drop(stack, count);
  stack.emplace_back(false);
  return absl::OkStatus();
}
VESTA_STACK_KERNEL(has_torch_function)

absl::Status refuse_save(Stack&) {
  return absl::FailedPreconditionError(
      "'aten::save' is refused: a program may not write files; return the value and save it in C++");
}
VESTA_STACK_KERNEL(refuse_save)

}  // namespace vesta::runtime::kernels
