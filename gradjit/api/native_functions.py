"""`gj.cfunc`: the C function of a compiled function, in this process: for ctypes, cffi, SciPy, Numba.

It is the function of a library (`gj.export`) that is never written to a file: what it takes and gives, its error codes
and its checks are described there. Arrays that the function reads from outside are constants, as they are now.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from ..codegen.symbols import CYTHON
from ..errors import ArgumentError
from ..probe import parameters_of, text
from ..runtime import externals
from ..runtime.jit import MachineCode, ObjectCode, load_objects
from ..runtime.library.callbacks import CONVENTIONS, PYTHON, emit_callback
from ..runtime.library.description import LibraryDescription, LibraryRoutine
from ..runtime.library.header import plain
from ..runtime.library.object_file import exported, object_code
from ..runtime.library.processors import host_processor
from ..runtime.library.routines_outside import outside_routines
from .compiled import Compiled
from .library_programs import routine_of

C_NUMBERS: dict[str, Any] = {
    "f64": ctypes.c_double, "f32": ctypes.c_float, "bool": ctypes.c_uint8,
    **{f"i{n}": getattr(ctypes, f"c_int{n}") for n in (8, 16, 32, 64)},
    **{f"u{n}": getattr(ctypes, f"c_uint{n}") for n in (8, 16, 32, 64)},
}


class NativeFunction:
    """A C function `int32_t f(size..., parameter..., void *workspace)`, with arrays in row-major order.

    address: where it is. declaration: as a header has it. ctypes: the same for `ctypes`. A call with Python's numbers
    and addresses, `f(3, x.ctypes.data, ..., None)`, gives its code, which `error` explains. The machine code lives
    as long as this object.
    """

    def __init__(self, r: LibraryRoutine, code: MachineCode, callback: str | None) -> None:
        self.routine = r
        self._code = code
        self.address = code.addresses[r.name]
        self.callback = code.addresses[callback] if callback is not None else None
        taken = [*(f"int64_t {d}" for d in r.sizes), *map(plain, r.parameters), "void *workspace"]
        self.declaration = f"int32_t {r.name}({', '.join(taken)})"
        types: list[Any] = [ctypes.c_int64] * len(r.sizes)
        types += [C_NUMBERS[p.dtype.name] if p.by_value else ctypes.c_void_p for p in r.parameters]
        self.ctypes = ctypes.CFUNCTYPE(ctypes.c_int32, *types, ctypes.c_void_p)(self.address)

    def __call__(self, *values: Any) -> int:
        code: int = self.ctypes(*values)
        return code

    def error(self, code: int) -> str:
        """What a code means."""
        tell = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_int32)(self._code.addresses[f"{self.routine.name}_error"])
        told: bytes = tell(code)
        return told.decode()

    def workspace(self, *sizes: int) -> int:
        """The bytes of a workspace, or what is wrong with the sizes."""
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(sizes))
        nbytes: int = kind(self._code.addresses[f"{self.routine.name}_workspace"])(*sizes)
        return nbytes

    def __repr__(self) -> str:
        return f"<gradjit C function {self.declaration}>"


def cfunc(f: Callable[..., Any], *types: str, convention: str | None = None) -> NativeFunction:
    """The C function of a compiled (or plain) function for arguments of these types: `gj.cfunc(gj.grad(f), "f64[n]")`.

    Without types: those of the signature that the function was declared with. Raises what `gj.export` would.
    """
    if not types and isinstance(f, Compiled) and f.options.signature is not None:
        types = (f.options.signature,)
    if not types:
        raise ArgumentError(f"the C function of {text(f, '__name__', 'f')} needs the types of the arguments: "
                            f"gj.cfunc(f, \"f64[n]\"), or gj.jit(f, signature=\"f64[n]\")")
    r = routine_of(f, ", ".join(types), None, 0, None, (host_processor(),))
    return linked(r, convention)


def linked(r: LibraryRoutine, convention: str | None = None) -> NativeFunction:
    """The routine's machine code in this process."""
    library = LibraryDescription(f"{r.name}_", (r,))
    callback: list[str] = []

    def more(module: Any) -> list[str]:
        callback.extend([emit_callback(module, r, convention)] if convention is not None else [])
        return callback

    data = object_code(library, (host_processor(),), b"", weak=False, more=more)
    names = [n for n in exported(library) if not n.endswith("_manifest")]
    symbols = {x.fortran: externals.resolve(x.symbol) for x in outside_routines(library)}
    assert all(x.symbol in CYTHON for x in outside_routines(library))
    if convention is not None:
        symbols |= {name: python_address(name) for name in PYTHON}
    code = load_objects([ObjectCode(data, b"", (*names, *callback), 2)], symbols)
    return NativeFunction(r, code, callback[0] if callback else None)


def python_address(name: str) -> int:
    """Where a function or variable of Python's own is."""
    if name.startswith("PyExc_"):
        return ctypes.addressof(ctypes.c_void_p.in_dll(ctypes.pythonapi, name))
    found = ctypes.cast(ctypes.pythonapi[name], ctypes.c_void_p).value
    assert found is not None
    return found


# SciPy ----------------------------------------------------------------------------------------------------------------
def low_level_callable(f: Callable[..., Any], convention: str, *types: str) -> Any:
    """A `scipy.LowLevelCallable` that calls a compiled function without Python, for `scipy.integrate.quad` and `nquad`,
    `scipy.ndimage.generic_filter` and others.

    convention: how SciPy calls it, one of

        double (double)                              quad: f(x)
        double (int, double *)                       nquad: f(x, y, ...) of numbers, or f(x) of an array
        double (double, void *), double (int, double *, void *)        the same, with data that is passed over
        int (double *, npy_intp, double *, void *)   generic_filter: f(window)

    types: of the arguments of f; by default numbers, or an array for a filter. Where the function meets an error its
    value is nan; in a filter that is a RuntimeError. Raises ArgumentError for a function that does not fit.
    """
    if convention not in CONVENTIONS:
        raise ArgumentError(f"convention={convention!r}; there are {', '.join(CONVENTIONS)}")
    if not types and not (isinstance(f, Compiled) and f.options.signature is not None):
        types = usual_types(f, convention)
    made = cfunc(f, *types, convention=convention)
    assert made.callback is not None
    from scipy import LowLevelCallable

    function: Any = ctypes.CFUNCTYPE(*CTYPES[convention])(made.callback)
    function.keeps = made  # SciPy keeps the function
    return LowLevelCallable(function, signature=convention)


_D, _P = ctypes.c_double, ctypes.POINTER(ctypes.c_double)
CTYPES: dict[str, tuple[Any, ...]] = {
    "double (double)": (_D, _D), "double (double, void *)": (_D, _D, ctypes.c_void_p),
    "double (int, double *)": (_D, ctypes.c_int, _P),
    "double (int, double *, void *)": (_D, ctypes.c_int, _P, ctypes.c_void_p),
    "int (double *, npy_intp, double *, void *)": (ctypes.c_int, _P, ctypes.c_ssize_t, _P, ctypes.c_void_p),
}
"""The conventions as ctypes has them: the result, the arguments."""


def usual_types(f: Callable[..., Any], convention: str) -> tuple[str, ...]:
    """The types of the arguments, as a convention has them."""

    if convention.startswith("int"):
        return ("f64[n]",)
    if "int," not in convention:
        return ("float",)
    every = parameters_of(f) or []
    needed = [p for p in every if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return ("float",) * max(len(needed), 1)


__all__ = ["NativeFunction", "cfunc", "linked", "low_level_callable"]
