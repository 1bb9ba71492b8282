// The compilation unit that c10 sees is an aliasing shared_ptr to the Program: c10 compares, copies and
// destroys the pointer, and never looks behind it (torch::jit's CompilationUnit is an incomplete type here).

#include "ir/program.h"

#include <c10/util/Exception.h>

#include "absl/strings/str_cat.h"

namespace vesta::ir {

Function::Function(Program* program, c10::QualifiedName name, c10::FunctionSchema schema)
    : program_(program), name_(std::move(name)), schema_(std::move(schema)) {}

Function::~Function() = default;

std::string Function::display_name() const {
  const std::vector<std::string>& atoms = name_.atoms();
  const bool is_method = atoms.size() > 1 && !schema_.arguments().empty() && schema_.arguments()[0].name() == "self";
  return is_method ? absl::StrCat(atoms[atoms.size() - 2], ".", atoms.back()) : atoms.back();
}

void Function::set_graph(std::shared_ptr<Graph> graph) {
  graph_ = std::move(graph);
  code_.store(nullptr);
  code_owner_.reset();
}

absl::StatusOr<const CompiledCode*> Function::code(
    const std::function<absl::StatusOr<std::unique_ptr<CompiledCode>>()>& compile) const {
  std::lock_guard<std::mutex> lock(code_mutex_);
  if (code_owner_ == nullptr) {
    absl::StatusOr<std::unique_ptr<CompiledCode>> made = compile();
    if (!made.ok()) return made.status();
    code_owner_ = *std::move(made);
    code_.store(code_owner_.get(), std::memory_order_release);
  }
  return code_owner_.get();
}

void Function::run(Stack& stack) {
  TORCH_CHECK(program_->runner() != nullptr, "'", name_.qualifiedName(), "' has no runtime to run it");
  const absl::Status status = program_->runner()->run(*this, stack);
  TORCH_CHECK(status.ok(), std::string(status.message()));
}

torch::jit::Function& Function::setSchema(c10::FunctionSchema schema) {
  schema_ = std::move(schema);
  return *this;
}

std::shared_ptr<Program> Program::create() { return std::shared_ptr<Program>(new Program()); }

// Classes whose attributes lead back to themselves hold each other: without this they would never be freed.
Program::~Program() {
  for (const c10::NamedTypePtr& type : types_) {
    auto* class_type = type->castRaw<c10::ClassType>();
    if (class_type == nullptr) continue;
    while (class_type->numAttributes() > 0) {
      class_type->unsafeRemoveAttribute(class_type->getAttributeName(class_type->numAttributes() - 1));
    }
  }
}

std::shared_ptr<torch::jit::CompilationUnit> Program::compilation_unit() {
  return {shared_from_this(), reinterpret_cast<torch::jit::CompilationUnit*>(this)};
}

c10::ClassTypePtr Program::create_class(const c10::QualifiedName& name, bool is_module) {
  c10::ClassTypePtr type = c10::ClassType::create(name, compilation_unit(), is_module);
  add_type(type);
  return type;
}

void Program::add_type(c10::NamedTypePtr type) {
  types_by_name_.emplace(type->name()->qualifiedName(), type);
  types_.push_back(std::move(type));
}

c10::NamedTypePtr Program::find_type(std::string_view qualified_name) const {
  auto it = types_by_name_.find(qualified_name);
  return it == types_by_name_.end() ? nullptr : it->second;
}

Function* Program::create_anonymous(const c10::QualifiedName& name, c10::FunctionSchema schema) {
  functions_.push_back(std::make_unique<Function>(this, name, std::move(schema)));
  return functions_.back().get();
}

Function* Program::create_function(const c10::QualifiedName& name, c10::FunctionSchema schema) {
  Function* function = create_anonymous(name, std::move(schema));
  functions_by_name_.emplace(name.qualifiedName(), function);
  return function;
}

Function* Program::create_method(c10::ClassType& type, const std::string& name, c10::FunctionSchema schema) {
  Function* function = create_anonymous(c10::QualifiedName(*type.name(), name), std::move(schema));
  type.addMethod(function);
  return function;
}

Function* Program::find_function(std::string_view qualified_name) const {
  auto it = functions_by_name_.find(qualified_name);
  return it == functions_by_name_.end() ? nullptr : it->second;
}

c10::QualifiedName Program::unique_name(const c10::QualifiedName& wanted) const {
  auto taken = [&](const std::string& name) { return find_type(name) != nullptr || find_function(name) != nullptr; };
  if (!taken(wanted.qualifiedName())) return wanted;
  for (size_t i = 0;; ++i) {
    const std::string mangled = absl::StrCat("___torch_mangle_", i);
    c10::QualifiedName name =
        wanted.prefix().empty()
            ? c10::QualifiedName(c10::QualifiedName(mangled), wanted.name())
            : c10::QualifiedName(c10::QualifiedName(c10::QualifiedName(wanted.prefix()), mangled), wanted.name());
    if (!taken(name.qualifiedName())) return name;
  }
}

}  // namespace vesta::ir
