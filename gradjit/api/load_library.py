"""`gj.load`: the functions of a library that `gj.export` wrote, back in Python.

A call goes through an entry as that of any compiled function, to the kernel in the library; nothing is traced, and of
LLVM only the entry is made, once for all libraries whose functions take the same (it is cached on disk, too).
"""

from __future__ import annotations

import ctypes
import operator
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, TraceError
from ..ir.size_conditions import SizeCondition
from ..processes import Lock
from ..runtime import externals
from ..runtime.artefact import entry_code
from ..runtime.call_convention import MISS
from ..runtime.callable import FastCallable
from ..runtime.entry import Entry, bind_entry
from ..runtime.entry_spec import (
    Argument,
    ArraySpec,
    Constant,
    EntrySpec,
    FloatSpec,
    NumpyScalarSpec,
    OutputSpec,
    ParameterSpec,
    StaticSpec,
)
from ..runtime.library import manifest
from ..runtime.library.description import LibraryRoutine, ProgramVersion
from ..runtime.library.entry_points import kernel_symbol
from ..runtime.library.error_codes import conditions_text
from ..runtime.library.linker import system
from ..runtime.library.manifest import Manifest
from ..runtime.library.processors import CPUID, host_processor
from ..tracer import trees
from ..tracer.recorder import running_recorders
from .backends import GIL_WORK
from .canonical_call import usual, usual_scalar
from .declared import Array, DeclaredSignature


class Library:
    """The functions of a library, as attributes, by iteration, and by name: `library["loss"]`."""

    def __init__(self, path: Path, contents: bytes, told: Manifest, functions: dict[str, LibraryFunction]) -> None:
        self.path, self._contents = path, contents
        self.name = told.library.name
        self.functions = functions
        for f in functions.values():
            f.library = self

    def __reduce__(self) -> Any:
        """By its path: another process loads the same file."""
        return loaded_again, (str(self.path.resolve()), self._contents)

    def __deepcopy__(self, memo: object) -> Library:
        return self

    def __getattr__(self, name: str) -> LibraryFunction:
        try:
            return self.__dict__["functions"][name]
        except KeyError:
            raise AttributeError(f"the library {self.__dict__.get('name')} has no function {name!r}; it has "
                                 f"{', '.join(self.__dict__.get('functions', ()))}") from None

    def __getitem__(self, name: str) -> LibraryFunction:
        return self.functions[name]

    def __iter__(self) -> Iterator[LibraryFunction]:
        return iter(self.functions.values())

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.functions]

    def __repr__(self) -> str:
        return f"<gradjit library {self.name}: {', '.join(self.functions)}>"


def load(path: str | Path) -> Library:
    """The functions of a shared library that `gj.export` or `gradjit build` wrote; path: the library, or its directory.

    They take what their signatures say and give what the functions that they were made of gave. Nothing of these is
    needed, nor is anything traced. Raises ArgumentError for a file that is no such library, was cut off or changed, was
    built for another kind of machine, or by a version of gradjit whose libraries are of another form.
    """
    path = the_library(Path(path))
    try:
        data = path.read_bytes()
    except OSError as e:
        raise ArgumentError(f"gj.load: {path} cannot be read: {e}") from e
    try:
        told = manifest.read(data)
        check_machine(told)
        dll = opened(path, data)
    except (ArgumentError, OSError) as e:
        raise ArgumentError(f"gj.load: {path} cannot be loaded: {e}") from e
    connect(told, dll)
    return Library(path, digest(data), told, {r.name: LibraryFunction(r, dll) for r in told.library.routines})


def loaded_again(path: str, contents: bytes) -> Library:
    """A library that was pickled. ArgumentError where another one stands in its place."""
    found = load(path)
    if found._contents != contents:
        raise ArgumentError(f"the library {path} is another one than that which was pickled: it has been built anew, "
                            f"or this machine has one of its own")
    return found


def digest(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(data).digest()


_opened: dict[bytes, ctypes.CDLL] = {}
"""The libraries of this process by their contents. They stay, as functions of theirs may."""
_lock = Lock()


def opened(path: Path, data: bytes) -> ctypes.CDLL:
    """The code of a library whose file holds `data`. The system knows libraries by their paths, and would give the code
    that was there before: what has been built anew, where one has been loaded from, is loaded from a copy."""
    contents = digest(data)
    with _lock:
        if contents not in _opened:
            place = str(path.resolve())
            _opened[contents] = from_copy(path.name, data) if is_loaded(place) else ctypes.CDLL(place)
        return _opened[contents]


def is_loaded(place: str) -> bool:
    """Whether a library of this path is in the process, whoever has loaded it. (Windows lets nobody write to one that
    is.)"""
    if not hasattr(os, "RTLD_NOLOAD"):
        return False
    try:
        ctypes.CDLL(place, mode=os.RTLD_NOLOAD)
    except OSError:
        return False
    return True


def from_copy(name: str, data: bytes) -> ctypes.CDLL:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / name
        copy.write_bytes(data)
        return ctypes.CDLL(str(copy))


def the_library(path: Path) -> Path:
    """The only shared library of a directory; any other path itself."""
    if not path.is_dir():
        return path
    found = sorted(p for p in path.iterdir() if p.suffix in LIBRARIES)
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "no shared library"
        raise ArgumentError(f"gj.load: the directory {path} holds {names}; name one file")
    return found[0]


LIBRARIES = (".so", ".dylib", ".dll")


def check_machine(told: Manifest) -> None:
    """ArgumentError for a library of another kind of machine."""
    here = host_processor()
    architecture = told.triple.partition("-")[0]
    same = architecture.replace("arm64", "aarch64") == here.architecture.replace("arm64", "aarch64")
    if not same or system(here) != ("darwin" if "apple" in told.triple else "windows" if "windows" in told.triple else
                                    "linux"):
        raise ArgumentError(f"it was built for {told.triple}, and this is {here.triple}")
    if here.architecture == "x86_64":
        has = set(here.needs)
        lacking = [sorted(set(needs) & set(CPUID) - has) for _, needs in told.processors]
        if all(lacking):
            names = ", ".join(name for name, _ in told.processors)
            raise ArgumentError(f"it was built for {names}, and this processor lacks {', '.join(lacking[0])}")


def connect(told: Manifest, dll: ctypes.CDLL) -> None:
    """Have a library call SciPy's BLAS and LAPACK, and ask whether the user has pressed Ctrl-C."""
    set_routine = dll[f"{told.library.name}_set_routine"]
    set_routine.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    for symbol, name in told.routines:
        set_routine(name.encode(), externals.resolve(symbol))
    set_interrupt = dll[f"{told.library.name}_set_interrupt"]
    set_interrupt.argtypes = [ctypes.c_void_p]
    set_interrupt(externals.resolve("gradjit_interrupted"))


class LibraryFunction(FastCallable):
    """A function of a library. `address` is that of its C function, as the header declares it."""

    library: Library

    def __init__(self, r: LibraryRoutine, dll: ctypes.CDLL) -> None:
        super().__init__(self.answer)
        self.routine = r
        self.declared = DeclaredSignature(r.signature)
        self.address = address_of(dll, r.name)
        self.__name__ = self.__qualname__ = r.name
        self.__doc__ = f"{r.title}: ({r.signature})"
        self.specs = [entry_spec(r, v, self.declared) for v in r.versions]
        self.loaded = [bind_entry(kernel_symbol(r, k), address_of(dll, kernel_symbol(r, k)),
                                  entry_code(kernel_symbol(r, k), spec), spec) for k, spec in enumerate(self.specs)]
        self.is_flat = not any(isinstance(x, (list, tuple, dict)) for x in self.declared.arguments)
        if self.is_flat:
            for entry in reversed(self.loaded):
                self.install(entry)

    def __reduce__(self) -> Any:
        return operator.getitem, (self.library, self.routine.name)

    def __copy__(self) -> LibraryFunction:
        return self

    def __deepcopy__(self, memo: object) -> LibraryFunction:
        return self

    def __repr__(self) -> str:
        return f"<gradjit library function {self.routine.name}({self.routine.signature})>"

    def answer(self, /, *args: Any, **kwargs: Any) -> Any:
        """A call that machine code did not take."""
        if running_recorders():
            raise TraceError(f"{self!r} is called while another function is traced, and is machine code: call the "
                             f"function that it was built of")
        args = self.positional(args, kwargs)
        given, tree, _ = trees.flatten_call((args, {}))
        leaves = [in_rows(x) for x in given]
        names = trees.leaf_names(tree, list(self.routine.arguments))
        self.declared.check(self.routine.name, tree, leaves, names)
        for entry in self.loaded:
            result = entry.call(*leaves)
            if result is not MISS:
                self.finish(entry, args, given, leaves)
                return result
        self.refuse(given)

    def positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        names = self.routine.arguments[len(args):]
        unknown = [k for k in kwargs if k not in names]
        missing = [n for n in names[:len(self.declared.arguments) - len(args)] if n not in kwargs]
        if unknown or (kwargs and missing):
            raise TypeError(f"{self.routine.name}({', '.join(self.routine.arguments)}) was called with "
                            f"{', '.join(unknown)}" if unknown else
                            f"{self.routine.name}() lacks the argument {missing[0]!r}")
        return (*args, *(kwargs[n] for n in names if n in kwargs))

    def finish(self, entry: Entry, args: tuple[Any, ...], given: list[Any], leaves: list[Any]) -> None:
        """Carry out what was done to copies, and have the next call find the entry at once."""
        for target, _ in entry.spec.writes:
            if isinstance(target, Argument) and leaves[target.index] is not given[target.index]:
                given[target.index][...] = leaves[target.index]
        if not self.is_flat and all(x is y for x, y in zip(given, leaves, strict=True)):
            found = trees.in_order(args)
            if found is not None:
                self.install_indexed(entry, args, *found, any_size=True)

    def refuse(self, given: list[Any]) -> None:
        """No entry takes a call whose types are right."""
        for p, k in zip(self.routine.parameters, self.passed(), strict=False):
            if p.role == "inout" and not given[k].flags.writeable:
                raise ArgumentError(f"{self.routine.name} writes to {p.label}, which is read-only; pass a copy")
        if not any(all(c.holds(self.sizes_of(given)) for c in v.conditions) for v in self.routine.versions):
            raise ArgumentError(f"{self.routine.name} was compiled for {conditions_text(self.routine)}")
        raise ArgumentError(f"{self.routine.name}: an array that it writes to shares memory with another argument; "
                            f"pass a copy")

    def passed(self) -> list[int]:
        """The leaves that the kernel gets."""
        return [k for k, s in enumerate(self.specs[0].parameters) if not isinstance(s, StaticSpec)]

    def sizes_of(self, given: list[Any]) -> dict[Any, int]:
        found = {}
        for p, k in zip(self.routine.parameters, self.passed(), strict=False):
            for e, n in zip(p.shape, np.shape(given[k]), strict=True):
                for d in self.routine.sizes:
                    if str(e) == d.name:
                        found[d] = n
        return found


def in_rows(x: Any) -> Any:
    """An array as a library takes it: row-major; a scalar for one without axes."""
    if isinstance(x, np.ndarray) and not x.ndim:
        return usual(x)[()]
    if isinstance(x, np.ndarray):
        return x if type(x) is np.ndarray and x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative else (
            np.ascontiguousarray(usual(x)))
    return usual_scalar(x) if isinstance(x, np.generic) else x


def address_of(dll: ctypes.CDLL, name: str) -> int:
    found = ctypes.cast(dll[name], ctypes.c_void_p).value
    assert found is not None
    return found


# what an entry is to do -----------------------------------------------------------------------------------------------
def entry_spec(r: LibraryRoutine, v: ProgramVersion, declared: DeclaredSignature) -> EntrySpec:
    """The entry of a version."""
    parameters: list[ParameterSpec] = []
    taken = iter(p for p in r.parameters if p.role != "out")
    positions: list[int] = []
    for k, x in enumerate(declared.leaves):
        if isinstance(x, Array) or type(x) is float:
            p = next(taken)
            positions.append(k)
            parameters.append(FloatSpec() if type(x) is float else NumpyScalarSpec(p.dtype.np) if not p.shape else
                              ArraySpec(p.dtype.np, p.shape, None, p.role == "inout", p.apart))
        else:
            parameters.append(StaticSpec(x))
    outputs = tuple(OutputSpec(r.parameters[k].dtype.np, r.parameters[k].shape, form)
                    for k, form in zip(r.outputs, r.forms, strict=True))
    writes = tuple((Argument(positions[k]), output) for output, k in enumerate(r.outputs)
                   if r.parameters[k].role == "inout")
    errors = tuple((c.error, c.describe if c.is_described else c.describe(0, 0)) for c in v.checks)
    conditions: tuple[SizeCondition, ...] = v.conditions
    return EntrySpec(tuple(parameters), outputs, template(r.result), errors=errors, workspace_bytes=v.workspace_bytes,
                     release_gil=v.work > GIL_WORK, writes=writes, sizes=r.sizes, conditions=conditions)


def template(told: Any) -> Any:
    """How a result is built."""
    ((kind, value),) = told.items()
    match kind:
        case "output":
            return int(value)
        case "argument":
            return Argument(int(value))
        case "constant":
            return Constant(value)
        case "dict":
            return {k: template(v) for k, v in value}
        case "list":
            return [template(v) for v in value]
    return tuple(template(v) for v in value)


__all__ = ["Library", "LibraryFunction", "load"]
