"""Calls of compiled functions from functions that Numba compiles, in nopython mode: from loops, in `prange`.

For the types of a call there is a C function (`gj.cfunc`), which a small function of Numba's own calls; so results are
Numba's arrays. Numba is imported when it asks, and never otherwise. The address of the C function is one of this
process: Numba does not cache such code on disk, and says so.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GradjitError
from ..ir.sizes import is_open
from ..ir.types import dtype_of
from ..runtime.library.error_codes import code, texts
from ..runtime.library.header import c_number
from ..runtime.library.processors import host_processor
from .library_programs import routine_of
from .native_functions import C_NUMBERS, NativeFunction, linked
from .python_module import builtin

if TYPE_CHECKING:
    from .compiled import Compiled


def numba_type(f: Compiled) -> Any:
    """The type that Numba gives a compiled function: that of a function of its own, which stands for it."""
    made = f.__dict__.get("_numba")
    if made is None:  # the type refers to the function weakly
        made = f.__dict__["_numba"] = dispatcher_of(f)
    return types().Dispatcher(made)


def dispatcher_of(f: Compiled) -> Any:
    numba, extending = library("numba"), library("numba.extending")

    def compiled_function(*args: Any) -> Any:
        raise NotImplementedError

    def implementation(*args: Any) -> Any:
        return implementation_for(f, args)

    def called(*args: Any) -> Any:
        return compiled_function(*args)

    extending.overload(compiled_function, strict=False)(implementation)
    return numba.njit(called)


def library(name: str) -> Any:
    """A module of Numba's, which has no types."""
    return importlib.import_module(name)


def types() -> Any:
    return library("numba.core.types")


def implementation_for(f: Compiled, given: tuple[Any, ...]) -> Callable[..., Any]:
    """A Python function, for Numba to compile, that calls the C function for arguments of these types.

    numba's TypingError, which tells the user's line, for what has no such function.
    """
    try:
        names = iter(range(1 << 30))
        signature = ", ".join(declared(t, names) for t in given)
        r = routine_of(f, signature, None, 0, None, (host_processor(),), alike=True)
        native = linked(r)
        source, known = CallSource(native, given).written()
    except (GradjitError, TypeError, ValueError) as e:
        raise library("numba.core.errors").NumbaTypeError(
            f"{f!r} cannot be called from compiled code with ({', '.join(map(str, given))}): {e}") from e
    exec(compile(source, f"<gradjit call of {r.name}>", "exec"), known)
    made: Callable[..., Any] = known["call"]
    return made


def declared(t: Any, names: Iterator[int]) -> str:
    """A type of Numba's as a signature has it. TypeError for one that there is not."""
    kinds = types()
    if isinstance(t, kinds.Array) and t.ndim:
        if t.layout not in "CFA":
            raise TypeError(f"no array of layout {t.layout}")
        extents = ",".join(f"d{next(names)}" for _ in range(t.ndim))
        return f"{element(t.dtype)}[{extents}]"
    if isinstance(t, kinds.BaseNamedTuple):
        raise TypeError(f"{t.instance_class.__name__} is a named tuple, which signatures do not have; pass a plain one")
    if isinstance(t, kinds.BaseTuple):
        return "(" + "".join(f"{declared(part, names)}, " for part in t.types) + ")"
    if isinstance(t, kinds.Float) and t.bitwidth == 64:
        return "float"
    if isinstance(t, (kinds.Float, kinds.Integer, kinds.Boolean)):
        return f"{element(t)}[]"
    raise TypeError(f"{t} is no array, number or tuple of such")


def element(t: Any) -> str:
    return dtype_of(library("numba.np.numpy_support").as_dtype(types().unliteral(t))).name


class CallSource:
    """The text of the function that Numba compiles."""

    def __init__(self, native: NativeFunction, given: tuple[Any, ...]) -> None:
        self.r, self.given = native.routine, given
        self.known: dict[str, Any] = {"np": np, "native": as_numbers(native)}
        self.lines: list[str] = []

    def written(self) -> tuple[str, dict[str, Any]]:
        r = self.r
        leaves = [leaf for k, t in enumerate(self.given) for leaf in leaves_of(t, f"args[{k}]")]
        inputs = [p for p in r.parameters if p.role != "out"]
        sizes: dict[str, str] = {}
        data, later = [], []
        for p, (place, t) in zip(inputs, leaves, strict=True):
            if not p.shape:
                data.append(place)
                continue
            in_order = t.layout == "C" and t.aligned
            if p.role == "inout" and not t.mutable:
                raise TypeError(f"{r.name} writes to {p.label}, which is read-only")
            self.lines.append(f"{p.name} = {place if in_order else f'np.ascontiguousarray({place})'}")
            for axis, e in enumerate(p.shape):
                if is_open(e) and e.dim is not None:
                    sizes.setdefault(e.text, f"{p.name}.shape[{axis}]")
            data.append(f"{p.name}.ctypes.data")
            if not in_order:
                later.append(f"{place}[...] = {p.name}" if p.role == "inout" else f"len({p.name})")
        self.lines += [f"s_{d} = {sizes[d.name]}" for d in r.sizes]
        self.check_shapes(inputs)
        for p in (p for p in r.parameters if p.role == "out"):
            shape = ", ".join(map(self.number, p.shape)) or "1"
            self.known[f"t_{p.name}"] = p.dtype.np
            self.lines.append(f"{p.name} = np.empty(({shape},), t_{p.name})")
            data.append(f"{p.name}.ctypes.data")
        self.lines.append(f"code = native({', '.join([*(f's_{d}' for d in r.sizes), *data, '0'])})")
        self.lines += [*later, "if code != 0:", *(f"    {line}" for line in self.errors())]
        self.lines.append(f"return {self.result(r.result)}")
        return "def call(*args):\n" + "\n".join(f"    {line}" for line in self.lines) + "\n", self.known

    def number(self, n: int) -> str:
        from .python_module import renamed

        text = n.text if is_open(n) else c_number(n)
        for d in self.r.sizes:
            text = renamed(text, d.name, f"s_{d.name}")
        return text

    def check_shapes(self, inputs: list[Any]) -> None:
        """What the C function takes on trust: that arrays are as large as the sizes say."""
        for p in inputs:
            for axis, e in enumerate(p.shape):
                self.lines += [f"if {p.name}.shape[{axis}] != {self.number(e)}:",
                               f"    raise ValueError({f'{self.r.name}: {p.label} is no {p.type}'!r})"]
        for p in (p for p in self.r.parameters if p.role == "out"):
            for e in (e for e in p.shape if is_open(e)):
                self.lines += [f"if {self.number(e)} < 0:", f"    raise ValueError({dict(texts(self.r))[code(6)]!r})"]

    def errors(self) -> Iterator[str]:
        every = dict(texts(self.r))
        for k, check in enumerate(self.r.checks, 1):
            yield f"if code == {k}:"
            yield f"    raise {builtin(check.error)}({every[k]!r})"
        for number, text in every.items():
            if number < 0:
                yield f"if code == {number}:"
                yield f"    raise ValueError({f'{self.r.name}: {text}'!r})"
        yield f"raise RuntimeError({self.r.name!r})"

    def result(self, node: Any) -> str:
        ((kind, value),) = node.items()
        if kind == "output":
            p = self.r.parameters[self.r.outputs[value]]
            return p.name if p.shape else f"{p.name}[0]"
        if kind == "constant":
            return repr(value)
        if kind == "argument":
            return f"args[{value}]"
        if kind != "tuple":
            raise TypeError(f"its result is a {kind}; return a tuple")
        return "(" + "".join(f"{self.result(v)}, " for v in value) + ")"


def leaves_of(t: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(t, types().BaseTuple):
        for k, part in enumerate(t.types):
            yield from leaves_of(part, f"{place}[{k}]")
    else:
        yield place, t


def as_numbers(native: NativeFunction) -> Any:
    """The function with addresses as numbers, as Numba has those of arrays."""
    r = native.routine
    parameters = [C_NUMBERS[p.dtype.name] if p.by_value else ctypes.c_size_t for p in r.parameters]
    made: Any = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * len(r.sizes), *parameters, ctypes.c_size_t)(
        native.address)
    made.keeps = native
    return made


__all__ = ["numba_type"]
