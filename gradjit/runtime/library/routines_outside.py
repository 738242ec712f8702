"""What kernels call outside of themselves: BLAS and LAPACK by their Fortran names, the interrupt function.

A program may give the address of a routine (`NAME_set_routine`), as Python does; else it is the symbol that the library
was linked with. In the shared library that is a weak one, so that it can be loaded without BLAS: calls that need it
give an error code then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradjit.codegen import llvm
from gradjit.codegen.emit_control import ASK
from gradjit.codegen.emit_parallel import LIMIT, RUN
from gradjit.codegen.routines import pocketfft
from gradjit.codegen.symbols import CYTHON
from gradjit.errors import UnsupportedError
from gradjit.ir.ops import special_functions
from gradjit.records import dataclass
from gradjit.runtime.c_function import I8, I32, I64, NULL, PTR, CFunction, i32
from gradjit.runtime.library.description import LibraryDescription, LibraryRoutine
from gradjit.runtime.pool import PoolFunction, one_by_one

C_LIBRARY = frozenset({"malloc", "realloc", "madvise", "free", "memcpy", "memset", "memmove"})
_TYPES: dict[str, llvm.Type] = {"ptr": PTR, "double": llvm.DoubleType(), "float": llvm.FloatType(), "i32": I32,
                                "i64": I64, "i8": I8, "void": llvm.VoidType()}
_HEAD = r'^declare ([^\s@]+) @"{name}"\(([^)]*)\)'


@dataclass(frozen=True)
class OutsideRoutine:
    """symbol: its name in the kernels. fortran: its name outside."""

    symbol: str
    fortran: str
    kind: llvm.FunctionType

    @property
    def name(self) -> str:
        return self.fortran.rstrip("_")


def check_externals(r: LibraryRoutine) -> None:
    """UnsupportedError where a kernel calls what no library can have."""
    for name in (x for v in r.versions for k in v.kernels for x in k.externals):
        if name.startswith(pocketfft.LOOPS):
            raise UnsupportedError(f"{r.title} calls numpy.fft for lines whose length or number is open, or of more "
                                   f"than 65536 elements, which NumPy's own machine code computes: no part of a "
                                   f"library that needs no Python. Write numbers for open sizes in the signature")
        if name.startswith(special_functions.LOOPS):
            written = special_functions.signature(name.removeprefix(special_functions.LOOPS).split(".")[0]).written
            raise UnsupportedError(f"{r.title} calls {written}, which is computed by SciPy's own machine code: no "
                                   f"part of a library that needs no Python. What is: exp, log, sin, tanh, pow and "
                                   f"their kin, erf, erfc, erfinv, expit, gammaln, digamma")
        if name == "gradjit_print" or name.startswith("gradjit_object"):
            raise UnsupportedError(f"{r.title} prints, or calls a function of Python's; a library that needs no Python "
                                   f"cannot: leave print and gj.debug_print away")


def outside_routines(library: LibraryDescription) -> list[OutsideRoutine]:
    """The routines of BLAS and LAPACK that a library calls, with their types as the kernels declare them."""
    found: dict[str, OutsideRoutine] = {}
    for k in (k for r in library.routines for v in r.versions for k in v.kernels):
        for symbol in k.externals:
            if symbol in CYTHON and symbol not in found:
                found[symbol] = OutsideRoutine(symbol, f"{CYTHON[symbol][1]}_", declared_type(k.text, symbol))
    return list(found.values())


def declared_type(text: str, symbol: str) -> llvm.FunctionType:
    m = re.search(_HEAD.format(name=re.escape(symbol)), text, re.M)
    assert m is not None, symbol
    return llvm.FunctionType(_TYPES[m[1]], [_TYPES[p.split()[0]] for p in m[2].split(", ") if p])


def needs(r: LibraryRoutine, routines: Sequence[OutsideRoutine]) -> list[OutsideRoutine]:
    """Those of the routines that one function calls."""
    called = {x for v in r.versions for k in v.kernels for x in k.externals}
    return [x for x in routines if x.symbol in called]


# emission -------------------------------------------------------------------------------------------------------------
def there_symbol(x: OutsideRoutine) -> str:
    return f"gradjit.there.{x.name}"


def own_pointer(module: llvm.Module, name: str) -> llvm.Value:
    return llvm.GlobalVariable(module, PTR, name, NULL, linkage="internal")


def emit_outside(module: llvm.Module, library: LibraryDescription, routines: Sequence[OutsideRoutine],
                 weak: bool) -> None:
    """The functions that the kernels call, and those that say where they are. weak: they may be missing."""
    places = {x.name: own_pointer(module, f"gradjit.routine.{x.name}") for x in routines}
    for x in routines:
        _calls(module, x, places[x.name], weak)
    ask = own_pointer(module, "gradjit.interrupt")
    _asks(module, ask)
    _runs(module)
    frame = CFunction(module, f"{library.name}_set_interrupt", "v", "p")
    frame.store(frame.function.args[0], ask)
    frame.builder.ret_void()
    frame.finish()
    _sets(module, f"{library.name}_set_routine", places)


def _calls(module: llvm.Module, x: OutsideRoutine, place: llvm.Value, weak: bool) -> None:
    outside = llvm.Function(module, x.kind, x.fortran, "extern_weak" if weak else "")
    frame = CFunction(module, there_symbol(x), "i", "")
    b = frame.builder
    known = frame.differs(frame.load(place), NULL)
    linked = frame.differs(b.ptrtoint(outside, I64), llvm.Constant(I64, 0))
    b.ret(b.zext(b.or_(known, linked), I32))
    frame.finish()
    own = llvm.Function(module, x.kind, x.symbol)
    b = llvm.IRBuilder(own.append_basic_block("entry"))
    set_, plain = own.append_basic_block("set"), own.append_basic_block("linked")
    pointer = b.load(place, type=PTR)
    b.cbranch(b.icmp_unsigned("!=", pointer, NULL), set_, plain)
    for block, callee in ((set_, llvm.FunctionPointer(pointer.ref, x.kind)), (plain, outside)):
        b.position_at_end(block)
        answer = b.call(callee, own.args)
        b.ret_void() if isinstance(x.kind.result, llvm.VoidType) else b.ret(answer)


def _asks(module: llvm.Module, ask: llvm.Value) -> None:
    frame = CFunction(module, ASK, "i", "")
    none, some = frame.block("none"), frame.block("some")
    pointer = frame.load(ask)
    frame.builder.cbranch(frame.same(pointer, NULL), none, some)
    frame.enter(none)
    frame.builder.ret(i32(0))
    frame.enter(some)
    frame.builder.ret(frame.call_pointer(pointer, I32))
    frame.finish()


def _runs(module: llvm.Module) -> None:
    """Loops in chunks: a library has no threads of its own, and gives the same bits as the function does in Python."""
    frame = PoolFunction(module, RUN, "i", "ppnpp")
    one_by_one(frame, ASK)
    frame.finish()
    llvm.GlobalVariable(module, I64, LIMIT, I64(1))


def _sets(module: llvm.Module, name: str, places: dict[str, llvm.Value]) -> None:
    """`int32_t NAME_set_routine(const char *name, void (*address)(void))`: 0, or -1 for one that is not called."""
    frame = CFunction(module, name, "i", "pp")
    given, address = frame.function.args
    kind = llvm.FunctionType(I32, [PTR, PTR])
    for routine, place in places.items():
        this, on = frame.block(routine), frame.block()
        answer = frame.builder.call(module.declared("strcmp", kind), [given, frame.text(routine)])
        frame.builder.cbranch(frame.same(answer, i32(0)), this, on)
        frame.enter(this)
        frame.store(address, place)
        frame.builder.ret(i32(0))
        frame.enter(on)
    frame.builder.ret(i32(-1))
    frame.finish()


__all__ = ["OutsideRoutine", "check_externals", "emit_outside", "needs", "outside_routines", "there_symbol"]
