#!/usr/bin/env python3
"""Fails where a file or a CMake target looks up the house, or reaches for a library that its floor may not use.

usage: layers.py REPOSITORY

Reads the `#include` lines of every source file and the DEPENDS of every folder's CMakeLists.txt. The rules
are the tables below (docs/architecture.md tells why); each run first proves on made-up lines that a rule
that is broken is noticed.
"""
import pathlib
import re
import sys

# Which folders' headers a folder may include, and which targets its own may link.
INNER = ("ir", "frontend", "tracer", "passes", "serialization", "runtime")
MAY_USE = {
    "ir": {"ir"},
    "frontend": {"ir", "frontend"},
    "tracer": {"ir", "tracer"},
    "passes": {"ir", "passes"},
    "serialization": {"ir", "frontend", "serialization"},  # an archive carries source text
    "runtime": {"ir", "passes", "runtime"},
    "runtime/api": {*INNER, "vesta"},
    "tools": {*INNER, "vesta", "tools"},
    "nn": {"vesta", "nn"},
    "bench": {*INNER, "vesta", "tools", "bench", "tests"},
    "tests": {*INNER, "vesta", "tools", "tests"},
    "examples": {"vesta", "examples"},  # what a user has
}
PRODUCT = {*INNER, "runtime/api", "tools"}

# (pattern of the included path, folders that may include it, reason), first match decides.
LIBRARIES = (
    (r"torch/custom_class_detail\.h$", {*INNER, "runtime/api", "tests"}, "custom classes are looked up with it"),
    (r"torch/csrc/autograd/function\.h$", {"tracer"}, "it tells whether backward() runs"),
    (r"torch/headeronly/", set(MAY_USE), "c10's own headers are made of these"),
    (r"torch/(nn|optim|types)", {"nn", "tests", "bench"}, "vesta_nn is the one adapter for libtorch's own modules"),
    (r"torch/", {"tests", "bench"}, "torch::jit is the oracle and the peer, never a part"),
    (r"ATen/(ATen|Functions|NativeFunctions|Operators|MethodOperators|RedispatchFunctions)\.h$",
     {"tests", "bench"}, "declares every operator: 6 s a file; name the one in ATen/ops"),
    (r"ATen/ops/", {"runtime", "runtime/api", "tests", "bench", "examples"}, "only the runtime runs operators"),
    (r"oneapi/dnnl/", {"runtime"}, "oneDNN is for the plans alone"),
    (r"flatbuffers/", {"serialization:.cc", "tests"}, "a detail of the native format"),
    (r"nlohmann/", {"serialization:.cc", "tools", "tests", "bench", "examples"}, "JSON is for the command line and in formats of files"),
    (r"CLI/", {"tools", "tests", "bench", "examples"}, "options are for the command line"),
    (r"g(test|mock)/", {"tests"}, "a test framework"),
    (r"benchmark/", {"bench"}, "a benchmark framework"),
)

EXCEPTIONS = {
    # An installation puts those files in these ones' place.
    ("runtime/api/vesta/limits.h", "../../../ir/support/limits.h"),
    ("runtime/api/vesta/python_value.h", "../../../serialization/python_value.h"),
    # The example that shows Vesta beside torch::jit; a program of the user's has no such part.
    ("examples/silero_vad.cc", "bench/silero_peer.h"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def floor_of(path):
    """The row of MAY_USE that a file of the repository belongs to, or None."""
    if path.startswith("runtime/api/"):
        return "runtime/api"
    top = path.split("/")[0]
    return top if top in MAY_USE else None


def owner_of(included):
    """The row of MAY_USE that an included path belongs to, or None for a library's."""
    if included.startswith("vesta/"):
        return "vesta"
    return floor_of(included) if "/" in included else None


def check_include(path, included):
    """What is wrong with `included` in `path`, or None."""
    floor, owner = floor_of(path), owner_of(included)
    if floor is None or (path, included) in EXCEPTIONS:
        return None
    if included.startswith("."):
        return f"includes '{included}': paths start at the repository's root"
    if path.startswith("runtime/api/vesta/") and owner not in (None, "vesta"):
        return f"a public header includes '{included}', which is not installed"
    if owner == "runtime/api":
        # Tests and tools look below the facade too, but not at its public headers by another name.
        inside = floor in ("runtime/api", "tests", "tools") and not included.startswith("runtime/api/vesta/")
        return None if inside or floor == "runtime/api" else f"includes '{included}': public headers are named <vesta/...>"
    if owner is not None:
        allowed = MAY_USE[floor]
        return None if owner in allowed else f"'{floor}' may not include '{included}': it may use {sorted(allowed)}"
    for pattern, folders, reason in LIBRARIES:
        if re.match(pattern, included):
            suffixed = floor + ":" + pathlib.PurePath(path).suffix
            if floor in folders or suffixed in folders:
                return None
            return f"'{floor}' may not include '{included}': {reason}"
    return None


def check_links(folder, cmake_text):
    """What is wrong with a folder's DEPENDS."""
    for match in re.finditer(r"vesta_add_folder\((\w+)([^)]*)\)", cmake_text):
        words = match.group(2).split()
        depends = words[words.index("DEPENDS") + 1:] if "DEPENDS" in words else []
        for word in depends:
            if word.isupper():
                break
            if word not in MAY_USE[folder]:
                yield f"target 'vesta_{match.group(1)}' may not link 'vesta_{word}'"
    # Nobody below the facade names another folder's target directly.
    if folder in INNER:
        for target in re.findall(r"\bvesta_(" + "|".join((*INNER, "api", "tools")) + r")\b", cmake_text):
            if target not in MAY_USE[folder]:
                yield f"'{folder}' may not link 'vesta_{target}'"


def self_check():
    """The rules notice what they are there for."""
    refused = (
        ("ir/graph.h", "frontend/parser.h"),
        ("frontend/emitter.cc", "runtime/interpreter.h"),
        ("frontend/emitter.cc", "serialization/archive.h"),
        ("passes/dead_code.cc", "frontend/parser.h"),
        ("runtime/interpreter.cc", "vesta/vesta.h"),
        ("runtime/interpreter.cc", "frontend/parser.h"),
        ("serialization/archive.cc", "runtime/interpreter.h"),
        ("tools/run.cc", "torch/script.h"),
        ("runtime/api/module.cc", "torch/csrc/jit/api/module.h"),
        ("runtime/kernels/list.cc", "ATen/ATen.h"),
        ("ir/graph.cc", "ATen/ops/add.h"),
        ("serialization/native.h", "flatbuffers/flatbuffers.h"),
        ("serialization/native.h", "nlohmann/json.hpp"),
        ("passes/group_planned_nodes.cc", "oneapi/dnnl/dnnl.hpp"),
        ("runtime/api/vesta/module.h", "ir/program.h"),
        ("examples/silero_vad.cc", "ir/graph.h"),
        ("tools/run.cc", "tests/support/files.h"),
        ("ir/graph.cc", "../frontend/parser.h"),
        ("tests/api/module_test.cc", "runtime/api/vesta/module.h"),
        ("runtime/interpreter.cc", "runtime/api/context.h"),
    )
    accepted = (
        ("frontend/emitter.cc", "ir/graph.h"),
        ("serialization/archive.cc", "frontend/parser.h"),
        ("serialization/native.cc", "flatbuffers/flatbuffers.h"),
        ("runtime/kernels/list.cc", "ATen/ops/add.h"),
        ("runtime/plan/dnnl.h", "oneapi/dnnl/dnnl.hpp"),
        ("runtime/api/module.cc", "serialization/archive.h"),
        ("tests/differential/oracle.cc", "torch/script.h"),
        ("ir/graph.h", "ATen/core/ivalue.h"),
        ("tools/run.cc", "vesta/vesta.h"),
        ("examples/silero_vad.cc", "vesta/vesta.h"),
    )
    for path, included in refused:
        if check_include(path, included) is None:
            yield f"self-check: '{included}' in '{path}' should have been refused"
    for path, included in accepted:
        if check_include(path, included) is not None:
            yield f"self-check: '{included}' in '{path}' should have been accepted"
    if not list(check_links("ir", "vesta_add_folder(ir DEPENDS frontend)")):
        yield "self-check: ir linking frontend should have been refused"
    if not list(check_links("passes", "target_link_libraries(vesta_passes PUBLIC vesta_runtime)")):
        yield "self-check: passes linking runtime should have been refused"
    if list(check_links("runtime", "vesta_add_folder(runtime DEPENDS ir passes EXCLUDE api)")):
        yield "self-check: runtime linking ir and passes should have been accepted"


def check_repository(root):
    files = 0
    for folder in sorted({name.split("/")[0] for name in MAY_USE}):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc", ".def", ".inc") or not path.is_file():
                continue
            files += 1
            relative = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                problem = check_include(relative, match.group(2))
                if problem:
                    line = text.count("\n", 0, match.start(1)) + 1
                    yield f"{relative}:{line}: {problem}"
    for folder in INNER:
        cmake = root / folder / "CMakeLists.txt"
        for problem in check_links(folder, cmake.read_text(encoding="utf-8")):
            yield f"{folder}/CMakeLists.txt: {problem}"
    if files == 0:
        yield f"no source files in '{root}'"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems = [*self_check(), *check_repository(pathlib.Path(sys.argv[1]))]
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
