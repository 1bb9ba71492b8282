#!/usr/bin/env python3
"""Fails where libvesta.so needs torch::jit's machinery, or exports what is not its public API.

usage: symbols.py LIBRARY FIXTURE

FIXTURE is a small library that does both on purpose: the check must complain about it.
"""
import re
import subprocess
import sys

# Symbols of namespace torch::jit that the library may need, each with its proof that it is no machinery.
TORCH_JIT_ALLOWED = {
    # torch::jit::Function is the abstract base (ATen/core/function.h) of what c10::ClassType keeps as a
    # method. Ours derives from it, which needs its type information and nothing that it does.
    "typeinfo for torch::jit::Function": "base of vesta::ir::Function",
    "vtable for torch::jit::Function": "base of vesta::ir::Function: its inline destructor",
    "torch::jit::Function::~Function()": "base of vesta::ir::Function: its destructor",
}

# A symbol of c10 or at whose parameters mention these types only hands our own pointers through: the
# first is the base class above, the second is never more than an owner's address (ir/program.h).
TORCH_JIT_TYPES_IN_SIGNATURES = ("torch::jit::Function", "torch::jit::CompilationUnit")

# What VESTA_API may mark: namespace vesta and what its inline functions call in vesta::internal.
EXPORTED = re.compile(
    r"^(typeinfo for |typeinfo name for |vtable for )?"
    r"vesta::(?!(ir|frontend|tracer|passes|serialization|runtime|support)::)[\w:~]+")


def symbols(library, kind):
    command = ["nm", "--dynamic", "--demangle", kind, library]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    # "0000000000001234 T name(args)" or "                 U name(args)"; versions hang on as @VERS.
    return [re.sub(r"@+[\w.]+$", "", re.sub(r"^\s*[0-9a-f]*\s+\w\s+", "", line)) for line in lines]


def own_name(symbol):
    """A demangled symbol without its parameters and template arguments."""
    depth, name = 0, []
    for character in symbol:
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth -= 1
        elif depth == 0:
            name.append(character)
    return "".join(name)


def check_undefined(names):
    for name in names:
        if "torch::jit" not in name or name in TORCH_JIT_ALLOWED:
            continue
        if "torch::jit" in own_name(name):
            yield f"needs '{name}', a part of torch::jit"
            continue
        rest = name
        for allowed in TORCH_JIT_TYPES_IN_SIGNATURES:
            rest = re.sub(re.escape(allowed) + r"\b(?!::)", "", rest)
        if "torch::jit" in rest:
            yield f"needs '{name}', which takes a type of torch::jit"


def check_exported(names):
    for name in names:
        if not EXPORTED.match(name):
            yield f"exports '{name}', which is not public: see VESTA_API"


def problems_of(library):
    undefined, exported = symbols(library, "--undefined-only"), symbols(library, "--defined-only")
    return list(check_undefined(undefined)), list(check_exported(exported)), len(exported)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    needs, exports, count = problems_of(sys.argv[1])
    problems = needs + exports
    if count == 0:
        problems.append("exports nothing at all")
    needs, exports, _ = problems_of(sys.argv[2])
    if not needs or not exports:
        problems.append("self-check: the fixture needs torch::jit and exports a stranger, and it was not noticed")
    for problem in problems:
        print(problem)
    print(f"symbols: {count} exported, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
