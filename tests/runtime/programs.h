#pragma once

// Programs for tests, written as IR text. Source lines in messages are those of the text, under "model.py".

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "ir/ir_parser.h"
#include "ir/program.h"
#include "runtime/runner.h"

namespace vesta::runtime::testing {

class Programs {
 public:
  Programs() : program_(ir::Program::create()) {}

  ir::Program& program() { return *program_; }

  // A class with attributes, given as "int".
  c10::ClassTypePtr make_class(const std::string& name,
                               const std::vector<std::pair<std::string, c10::TypePtr>>& attributes,
                               bool is_module = false) {
    c10::ClassTypePtr type = program_->create_class(name, is_module);
    for (const auto& [attribute, attribute_type] : attributes) type->addAttribute(attribute, attribute_type);
    return type;
  }

  // Declared first where bodies call each other; then defined.
  ir::Function* declare(const std::string& name, std::vector<c10::TypePtr> arguments, c10::TypePtr result) {
    return program_->create_function(name, schema(name, std::move(arguments), std::move(result), false));
  }
  ir::Function* declare_method(c10::ClassType& type, const std::string& name, std::vector<c10::TypePtr> arguments,
                               c10::TypePtr result) {
    return program_->create_method(type, name, schema(name, std::move(arguments), std::move(result), true));
  }
  ir::Function* define(ir::Function* function, std::string_view text) {
    function->set_graph(parse(text));
    return function;
  }
  // Both, with the graph's own types. The graph may not call itself.
  ir::Function* function(const std::string& name, std::string_view text) {
    std::shared_ptr<ir::Graph> graph = parse(text);
    if (graph == nullptr) return nullptr;
    std::vector<c10::TypePtr> arguments;
    for (const ir::Value* input : graph->inputs()) arguments.push_back(input->type());
    ir::Function* made =
        declare(name, arguments, graph->outputs().empty() ? c10::NoneType::get() : graph->outputs()[0]->type());
    made->set_graph(graph);
    return made;
  }
  std::shared_ptr<ir::Graph> parse(std::string_view text) {
    auto source = std::make_shared<support::Source>();
    source->text = std::string(text);
    source->filename = "model.py";
    ir::IrParseOptions options;
    options.program = program_.get();
    auto graph = ir::parse_graph(source, options);
    EXPECT_TRUE(graph.ok()) << graph.status();
    return graph.ok() ? *graph : nullptr;
  }

 private:
  static c10::FunctionSchema schema(const std::string& name, std::vector<c10::TypePtr> arguments, c10::TypePtr result,
                                    bool method) {
    std::vector<c10::Argument> made;
    for (size_t i = 0; i < arguments.size(); ++i) {
      made.emplace_back(method && i == 0 ? "self" : "x" + std::to_string(i), arguments[i]);
    }
    return c10::FunctionSchema(name, "", std::move(made), {c10::Argument("", std::move(result))});
  }

  std::shared_ptr<ir::Program> program_;
};

// The one result of a function or graph; fails the test where there is none.
inline c10::IValue run(const ir::Function& function, ir::Stack arguments, const CallOptions& options = {},
                       const Runner& runner = Runner::standard()) {
  const absl::Status status = runner.run(function, arguments, options);
  EXPECT_TRUE(status.ok()) << status;
  return arguments.empty() ? c10::IValue() : arguments[0];
}
inline c10::IValue run(const ir::Graph& graph, ir::Stack arguments) {
  const absl::Status status = Runner::standard().run(graph, arguments);
  EXPECT_TRUE(status.ok()) << status;
  return arguments.empty() ? c10::IValue() : arguments[0];
}
inline absl::Status failure(const ir::Function& function, ir::Stack arguments, const CallOptions& options = {},
                            const Runner& runner = Runner::standard()) {
  return runner.run(function, arguments, options);
}

}  // namespace vesta::runtime::testing
