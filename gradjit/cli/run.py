"""Run a function of an IR file, a program of buffers, or a kernel of a file of loops, with the interpreter or compiled.

    gradjit run program.ir --arg 'f64[4]' --compiled
    gradjit run program.buffers
    gradjit run kernel.loops

Parameters for which no argument is given get sample data of their type.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import ArrayType, Block, Func, Module, Value, called, interpret, parse, type_of, verify
from . import arguments, console, ir
from .usage import UsageError

if TYPE_CHECKING:
    from ..codegen.buffers import BufferProgram

HELP = "run a function of an IR file, a program of a .buffers file, or a kernel of a .loops file"


def options(p: argparse.ArgumentParser) -> None:
    p.add_argument("file", metavar="FILE.ir|FILE.buffers|FILE.loops")
    p.add_argument("--func", metavar="NAME", help="which function (default: the first)")
    p.add_argument("--arg", action="append", default=[], metavar="SPEC",
                   help="an argument, in order; parameters without one get sample data")
    p.add_argument("--compiled", action="store_true", help="run machine code, not the interpreter")
    p.add_argument("--seed", type=ir.seed, default=0, help="of the sample data (default: 0)")


def command(o: argparse.Namespace) -> int:
    if o.file.endswith(".loops"):
        return kernel(o)
    program = buffers(o) if o.file.endswith(".buffers") else None
    func = program.func if program else chosen(module(Path(o.file)), o.func)
    rng = np.random.default_rng(o.seed)
    args = complete(func, [arguments.read(text, rng) for text in o.arg], rng)
    for v in (*func.params, *func.results):
        if v.type.is_static:
            arguments.check_size(v.type)
    try:
        if o.compiled:
            results = compiled_buffers(program, args) if program else compiled(func, args)
        else:
            results = interpret(func, args)
    except MemoryError as e:
        raise UsageError(f"@{func.name} needs more memory than there is") from e
    return say(results)


def say(results: Sequence[Any]) -> int:
    for k, r in enumerate(results):
        console.say(f"result {k}: {type_of(r)}\n{r}")
    return 0


def buffers(o: argparse.Namespace) -> BufferProgram:
    """The program of a file of buffers."""
    from ..codegen.buffers import parse_buffers, verify_buffers

    p = parse_buffers(text_of(Path(o.file)), o.file)
    verify_buffers(p)
    if o.func not in (None, p.func.name):
        raise UsageError(f"the file has the program @{p.func.name}, no @{o.func}")
    return p


def compiled_buffers(p: BufferProgram, args: Sequence[Any]) -> Sequence[Any]:
    from ..codegen import loops_of
    from ..codegen.target import this_machine
    from ..runtime.kernel import compile_program

    return compile_program(loops_of(p, this_machine(), {}))(*args)


def kernel(o: argparse.Namespace) -> int:
    """Run the kernel of a file of loops. Compiled, it runs in the interpreter first, which looks at each address."""
    from ..codegen import loopir
    from ..runtime.kernel import compile_program

    text = text_of(Path(o.file))
    p = loopir.parse(text, o.file)
    loopir.verify(p)
    p = loopir.parse(text, o.file, {d.name: d.example for d in p.sizes})
    if o.func not in (None, p.name):
        raise UsageError(f"the file has the kernel @{p.name}, no @{o.func}")
    rng = np.random.default_rng(o.seed)
    block = Block()
    block.params = tuple(Value(ArrayType(b.dtype, b.shape), block, k, b.name) for k, b in enumerate(p.inputs))
    args = complete(Func(p.name, block), [arguments.read(text, rng) for text in o.arg], rng)
    for b in (*p.inputs, *p.outputs, *p.workspace):
        arguments.check_size(ArrayType(b.dtype, b.shape))
    results = loopir.interpret(p, args)
    return say(compile_program(p)(*args) if o.compiled else results)


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as e:
        raise UsageError(f"cannot read {path!s:.200}: {console.one_line(e)}") from e


def module(path: Path) -> Module:
    """The verified module in a file. Raises UsageError if there is no such file, IRError if it is not well formed."""
    parsed = parse(text_of(path), str(path))
    verify(parsed)
    return parsed


def chosen(m: Module, name: str | None) -> Func:
    if not m.funcs:
        raise UsageError("the file has no function")
    if name is None:
        inner = {f for func in m.funcs.values() for f in called(func)}
        return next(f for f in m.funcs.values() if f not in inner)
    if name not in m.funcs:
        raise UsageError(f"the file has no function @{name}; it has {', '.join('@' + n for n in m.funcs)}")
    return m[name]


def complete(func: Func, given: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """The given arguments, checked against the parameters, and sample data for the rest."""
    if len(given) > len(func.params):
        raise UsageError(f"@{func.name} takes {len(func.params)} arguments, {len(given)} were given")
    known: dict[Value, int] = {}
    args = []
    for k, p in enumerate(func.params):
        shape = tuple(e if isinstance(e, int) else known[e] for e in p.shape)
        a = fitted(given[k], p, shape, f"argument {k} of @{func.name}") if k < len(given) else \
            arguments.sample(p.dtype, shape, rng)
        if p.type.rank == 0 and p.dtype.is_integer:
            known[p] = int(a)  # later extents may name it
        args.append(a)
    return args


def fitted(given: Any, p: Value, shape: tuple[int, ...], what: str) -> Any:
    """The argument in the parameter's dtype. Raises UsageError if it does not fit."""
    try:
        a = np.asarray(given)
    except ValueError:  # lists of different lengths
        a = np.asarray(None)
    if a.shape != shape or a.dtype.kind not in "biufc" or not np.can_cast(a.dtype, p.dtype.np, "same_kind"):
        raise UsageError(f"{what} is {p.type.with_shape(shape)}, given was {arguments.describe(given):.200}")
    return a.astype(p.dtype.np)


def compiled(func: Func, args: Sequence[Any]) -> Sequence[Any]:
    """The results of machine code. Raises UsageError if the parameters' extents are not all known."""
    from ..passes import optimize
    from ..runtime.kernel import compile_func

    if not all(v.type.is_static for v in (*func.params, *func.results)):
        raise UsageError(f"@{func.name} has symbolic extents, which only the interpreter runs")
    return compile_func(optimize(func))(*args)
