"""The decorators that programs register themselves by, and the list they land in."""

import dataclasses
import typing

import torch


@dataclasses.dataclass
class Program:
    name: str
    build: typing.Callable[[], typing.Any]  # gives a ScriptModule or ScriptFunction
    calls: typing.List[dict]
    how: str = "script"
    seed: int = 7
    fill: bool = False
    grad: bool = False
    tolerance: typing.Optional[dict] = None
    tags: typing.Tuple[str, ...] = ()
    extra_files: typing.Optional[typing.Dict[str, str]] = None
    storage: str = "deflated"  # "deflated", or "verbatim": as torch wrote it
    drop_debug: bool = False  # leaves out the source ranges, as tools that shrink archives do
    mobile: bool = False  # written by _save_for_lite_interpreter, as .ptl


PROGRAMS: typing.List[Program] = []


def add(program):
    assert all(p.name != program.name for p in PROGRAMS), program.name
    program.tags = tuple(program.tags)
    PROGRAMS.append(program)


def fn(*calls, name=None, **options):
    """Registers a function to be scripted."""

    def decorate(function):
        add(Program(name or function.__name__, lambda: torch.jit.script(function), list(calls), **options))
        return function

    return decorate


def module(*calls, args=(), name=None, train=False, how="script", example=None, **options):
    """Registers a class of nn.Module, to be scripted (or traced with `example`) as `cls(*args)`."""

    def decorate(cls):
        def build():
            made = cls(*args)
            made.train(train)
            if how == "trace":
                return torch.jit.trace(made, example(), check_trace=False)
            return torch.jit.script(made)

        add(Program(name or snake_case(cls.__name__), build, list(calls), how=how, **options))
        return cls

    return decorate


def scripted(*calls, name=None, **options):
    """Registers a builder which gives the ScriptModule itself."""

    def decorate(builder):
        add(Program(name or builder.__name__, builder, list(calls), **options))
        return builder

    return decorate


def traced(*calls, name=None, **options):
    """Registers a builder which gives a module (or function) and example inputs, to be traced."""

    def decorate(builder):
        def build():
            made, example = builder()
            return torch.jit.trace(made, example, check_trace=False, strict=False)

        add(Program(name or builder.__name__, build, list(calls), how="trace", **options))
        return builder

    return decorate


def snake_case(name):
    out = ""
    for i, char in enumerate(name):
        if char.isupper() and i and not (name[i - 1].isupper() or name[i - 1].isdigit()):
            out += "_"
        out += char.lower()
    return out


