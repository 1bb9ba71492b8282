#include "runtime/code_verifier.h"

#include <gtest/gtest.h>

#include "runtime/lowering.h"
#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

std::unique_ptr<Code> sound() {
  testing::Programs programs;
  const auto graph = programs.parse(R"(graph(%x : int, %y : Tensor):
  %1 : int = prim::Constant[value=1]()
  %c : bool = aten::lt(%x, %1)
  %r : Tensor = prim::If(%c)
    block0():
      %a : Tensor = aten::relu(%y)
      -> (%a)
    block1():
      -> (%y)
  return (%r)
)");
  auto code = lower(*graph, "f", nullptr);
  EXPECT_TRUE(code.ok()) << code.status();
  return *std::move(code);
}

void refuses(const std::function<void(Code&)>& damage, std::string_view why) {
  const std::unique_ptr<Code> code = sound();
  ASSERT_TRUE(verify_code(*code).ok());
  damage(*code);
  const absl::Status status = verify_code(*code);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(std::string(status.message()).find(why), std::string::npos) << status;
}

TEST(CodeVerifier, WhatDoesNotExistIsFound) {
  refuses([](Code& code) { code.instructions[0].a = 100; }, "names 100");
  refuses([](Code& code) { code.instructions[0].b = -1; }, "names -1");
  refuses([](Code& code) { code.instructions[1].a = 7; }, "names 7");
  refuses([](Code& code) { code.value_registers = 0; }, "does not exist");
  refuses([](Code& code) { code.sites[0].inputs = 1000; }, "operands that do not exist");
  refuses([](Code& code) { code.sites[0].handle = nullptr; }, "calls no operator");
  refuses(
      [](Code& code) {
        code.instructions.back().opcode = Opcode::k_drop;
        code.instructions.back().a = 0;
      },
      "runs past its end");
  refuses([](Code& code) { code.range_of.pop_back(); }, "range for each instruction");
  refuses([](Code& code) { code.instructions[0].opcode = static_cast<Opcode>(5000); }, "unknown opcode");
}

TEST(CodeVerifier, DivisorsWithoutACheckAreConstantsWithTheirReciprocals) {
  testing::Programs programs;
  const auto graph = programs.parse(R"(graph(%x : int):
  %7 : int = prim::Constant[value=7]()
  %r : int = aten::remainder(%x, %7)
  return (%r)
)");
  auto code = lower(*graph, "f", nullptr);
  ASSERT_TRUE(code.ok() && (*code)->instructions[0].opcode == Opcode::k_mod_positive);
  EXPECT_TRUE(verify_code(**code).ok());
  std::vector<int64_t>& constants = (*code)->scalar_constants;
  const size_t at = static_cast<size_t>((*code)->instructions[0].c) - (*code)->scalar_registers;
  ASSERT_EQ(constants[at], 7);
  for (const int64_t wrong : {0, 1, -7, 8}) {
    constants[at] = wrong;
    EXPECT_EQ(verify_code(**code).code(), absl::StatusCode::kInternal) << wrong;
  }
  constants[at] = 7;
  EXPECT_TRUE(verify_code(**code).ok());
  (*code)->instructions[0].c = 0;
  EXPECT_EQ(verify_code(**code).code(), absl::StatusCode::kInternal);
}

TEST(CodeVerifier, AKernelWithoutAStackGetsAsManyOperandsAsItTakes) {
  testing::Programs programs;
  const auto graph = programs.parse(R"(graph(%x : str):
  %r : str = aten::lower(%x)
  return (%r)
)");
  ASSERT_NE(graph, nullptr);
  auto code = lower(*graph, "f", nullptr);
  ASSERT_TRUE(code.ok() && (*code)->sites[0].direct != nullptr);
  (*code)->sites[0].outputs = 0;
  EXPECT_EQ(verify_code(**code).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace vesta::runtime
