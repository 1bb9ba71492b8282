#!/usr/bin/env python3
"""Fails where libvesta.so needs torch::jit's machinery, or exports what is not its public API.

usage: symbols.py LIBRARY FIXTURE

FIXTURE is a small library that does both on purpose: the check must complain about it.
"""
import re
import subprocess
import sys

# No symbol of namespace torch::jit itself may be needed. c10's own classes mention two of its types, which they
# only hand through: torch::jit::Function is the abstract base (ATen/core/function.h) of what a class keeps as a
# method, and ours derives from it; a torch::jit::CompilationUnit is never more than the address of a class's owner
# (ir/program.h). These are the symbols that do, each with its proof.
C10_MENTIONS = {
    "c10::ClassType::create": "keeps the owner's weak pointer, to tell two programs' classes apart",
    "c10::ClassType::addMethod": "keeps the pointer in a list",
    "c10::ClassType::addStaticMethod": "keeps the pointer in a list",
    "c10::ClassType::addProperty": "keeps the pointers of getter and setter",
    "c10::ClassType::addForwardHook": "keeps the pointer in a list",
    "c10::ClassType::addForwardPreHook": "keeps the pointer in a list",
    "c10::FunctionType::FunctionType": "keeps the pointer and asks it for its name",
    "c10::StrongTypePtr::StrongTypePtr": "keeps the owner's pointer beside a type",
    "c10::WeakTypePtr::WeakTypePtr": "keeps the owner's weak pointer beside a type",
    "c10::WeakOrStrongCompilationUnit::WeakOrStrongCompilationUnit": "keeps the owner's pointer",
}
TYPES = re.compile(r"torch::jit::(Function|CompilationUnit)\b(?!::)")

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
        if "torch::jit" not in name:
            continue
        if "torch::jit" in own_name(name) or "torch::jit" in TYPES.sub("", name):
            yield f"needs '{name}', a part of torch::jit"
        elif own_name(name) not in C10_MENTIONS:
            yield f"needs '{name}', which mentions torch::jit and is not listed in symbols.py with its proof"


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
