// The module's portable program goes to the writer as it is: what the runtime makes of graphs is kept beside them.

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <vesta/compile.h>
#include <vesta/module.h>

#include "ir/graph.h"
#include "ir/program.h"
#include "ir/support/status.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"
#include "runtime/api/guard.h"
#include "runtime/api/stream_sink.h"
#include "serialization/torchscript_writer.h"

namespace vesta {
namespace {

serialization::WriteOptions write_options(const ExtraFiles& extra_files) {
  serialization::WriteOptions options;
  options.extra_files.insert(extra_files.begin(), extra_files.end());
  options.run = internal::run_while_loading;
  return options;
}

absl::Status write(const c10::IValue& root, std::ostream& out, const ExtraFiles& extra_files) {
  return internal::write_to_stream(
      out, [&](const auto& sink) { return serialization::write_torchscript(root, sink, write_options(extra_files)); });
}

// `def name(self, ...): return <function>(...)`
void add_method(ir::Program& program, c10::ClassType& type, ir::Function& function) {
  const c10::FunctionSchema& schema = function.schema();
  std::vector<c10::Argument> arguments{c10::Argument("self", type.shared_from_this()->cast<c10::ClassType>())};
  arguments.insert(arguments.end(), schema.arguments().begin(), schema.arguments().end());
  auto graph = std::make_shared<ir::Graph>();
  graph->add_input(arguments[0].type(), "self");
  ir::Node* callee = graph->insert(graph->create(ir::prim::Constant));
  callee->set(ir::attr::name, function.qualname().qualifiedName());
  callee->output()->set_type(c10::FunctionType::create(&function));
  std::vector<ir::Value*> inputs{callee->output()};
  for (const c10::Argument& argument : schema.arguments())
    inputs.push_back(graph->add_input(argument.type(), argument.name()));
  ir::Node* call = graph->insert(graph->create(ir::prim::CallFunction, inputs));
  call->output()->set_type(schema.returns().empty() ? c10::TypePtr(c10::NoneType::get()) : schema.returns()[0].type());
  graph->add_output(call->output());
  const std::string name = function.name();
  ir::Function* method =
      program.create_method(type, name, c10::FunctionSchema(name, "", std::move(arguments), schema.returns()));
  method->set_graph(std::move(graph));
}

// A module that is nothing but the functions of a unit; torch gives it this name too.
absl::StatusOr<c10::IValue> module_of(const Unit& unit) {
  const std::vector<Method> functions = unit.functions();
  if (functions.empty()) return absl::InvalidArgumentError("there is no function to save");
  const std::shared_ptr<ir::Program> program = ir::Program::create();
  const c10::ClassTypePtr type =
      program->create_class(c10::QualifiedName("__torch__.PlaceholderModule"), /*is_module=*/true);
  type->addAttribute("training", c10::BoolType::get());
  for (const Method& function : functions) add_method(*program, *type, *internal::Access::function(function));
  auto object = c10::ivalue::Object::create(c10::StrongTypePtr(program->compilation_unit(), type), 1);
  object->setSlot(0, true);
  return c10::IValue(std::move(object));
}

}  // namespace

absl::Status Unit::save(const std::string& path, const ExtraFiles& extra_files) const {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue root, module_of(*this));
  return serialization::write_torchscript(root, path, write_options(extra_files));
}

absl::Status Unit::save(std::ostream& stream, const ExtraFiles& extra_files) const {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue root, module_of(*this));
  return write(root, stream, extra_files);
}

absl::Status Module::save(const std::string& path, const ExtraFiles& extra_files) const {
  return serialization::write_torchscript(value(), path, write_options(extra_files));
}

absl::Status Module::save(std::ostream& stream, const ExtraFiles& extra_files) const {
  return write(value(), stream, extra_files);
}

}  // namespace vesta
