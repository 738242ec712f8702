"""C functions as others call them: integrands and filters of SciPy's, root finders.

Each is a small function around the one that checks its arguments. Where that gives an error the answer is nan; one that
can tell of errors sets Python's.
"""

from __future__ import annotations

from collections.abc import Callable

from gradjit.codegen import llvm
from gradjit.errors import ArgumentError
from gradjit.ir.sizes import is_open
from gradjit.runtime.c_function import F64, I32, I64, NULL, PTR, CFunction, i32
from gradjit.runtime.library.description import LibraryParameter, LibraryRoutine

NAN = llvm.Constant(F64, float("nan"))


def scalar_result(r: LibraryRoutine) -> None:
    """ArgumentError for a function that gives anything but one number."""
    results = [p for p in r.parameters if p.role != "in"]
    if len(results) != 1 or results[0].shape or results[0].dtype.name != "f64":
        raise ArgumentError(f"{r.title} gives {', '.join(p.type for p in results)}; a callback gives one f64[]")


def one_array(r: LibraryRoutine) -> LibraryParameter | None:
    """The array of numbers that a function takes, if it takes nothing else."""
    taken = [p for p in r.parameters if p.role == "in"]
    fits = len(taken) == 1 and len(taken[0].shape) == 1 and taken[0].dtype.name == "f64"
    return taken[0] if fits else None


def numbers_only(r: LibraryRoutine, count: int | None = None) -> int:
    """How many numbers a function takes. ArgumentError where it takes anything else."""
    taken = [p for p in r.parameters if p.role == "in"]
    if any(p.shape or p.dtype.name != "f64" for p in taken) or (count is not None and len(taken) != count):
        raise ArgumentError(f"{r.title} takes {', '.join(p.type for p in taken)}; this callback is called with "
                            f"{'one number' if count == 1 else 'numbers'}")
    return len(taken)


def _number(module: llvm.Module, r: LibraryRoutine, symbol: str) -> None:
    """`double f(double)`, and with `void *` behind, which is passed over."""
    numbers_only(r, 1)
    frame = CFunction(module, symbol, "d", "dp" if symbol.endswith("data") else "d")
    _answer(frame, r, [frame.function.args[0]])


def _numbers(module: llvm.Module, r: LibraryRoutine, symbol: str) -> None:
    """`double f(int, double *)`, and with `void *` behind."""
    frame = CFunction(module, symbol, "d", "ipp" if symbol.endswith("data") else "ip")
    count, at = frame.function.args[:2]
    b = frame.builder
    array = one_array(r)
    wrong = frame.block("wrong")
    if array is not None:
        extent = array.shape[0]
        if not is_open(extent):
            frame.require(frame.same(count, i32(extent)), wrong)
        arguments = [*([b.sext(count, I64)] if is_open(extent) else []), at]
    else:
        taken = numbers_only(r)
        frame.require(frame.same(count, i32(taken)), wrong)
        arguments = [frame.load(at, 8 * k, F64) for k in range(taken)]
    _answer(frame, r, arguments, finish=False)
    frame.enter(wrong)
    b.ret(NAN)
    frame.finish()


def _answer(frame: CFunction, r: LibraryRoutine, arguments: list[llvm.Value], finish: bool = True) -> None:
    """Call the function and return its number."""
    b = frame.builder
    cell = frame.cell(8, 8)
    status = b.call(frame.module.defined(r.name), [*arguments, cell, NULL])
    value = frame.load(cell, 0, F64)
    b.ret(b.select(frame.same(status, i32(0)), value, NAN))
    if finish:
        frame.finish()


def _filter(module: llvm.Module, r: LibraryRoutine, symbol: str) -> None:
    """`int f(double *window, npy_intp count, double *result, void *)`: 1, or 0 with an error set."""
    array = one_array(r)
    if array is None:
        numbers_only(r, 0)
    assert array is not None
    frame = CFunction(module, symbol, "i", "pnpp")
    window, count, result, _ = frame.function.args
    extent = array.shape[0]
    wrong = frame.block("wrong")
    if not is_open(extent):
        frame.require(frame.same(count, llvm.Constant(I64, extent)), wrong)
    arguments = [*([count] if is_open(extent) else []), window, result, NULL]
    status = frame.builder.call(module.defined(r.name), arguments)
    failed = frame.block("failed")
    frame.require(frame.same(status, i32(0)), failed)
    frame.builder.ret(i32(1))
    frame.enter(failed)
    text = frame.builder.call(module.defined(f"{r.name}_error"), [status])
    _raise(frame, text)
    frame.enter(wrong)
    _raise(frame, frame.text(f"the function takes {array.type}, and the window has another number of elements"))
    frame.finish()


def _raise(frame: CFunction, text: llvm.Value) -> None:
    """Set a RuntimeError, and return 0."""
    b = frame.builder
    state = b.call(_python(frame, "PyGILState_Ensure", I32, []), [])
    error = frame.load(_python_data(frame, "PyExc_RuntimeError"))
    b.call(_python(frame, "PyErr_SetString", llvm.VoidType(), [PTR, PTR]), [error, text])
    b.call(_python(frame, "PyGILState_Release", llvm.VoidType(), [I32]), [state])
    b.ret(i32(0))


PYTHON = ("PyGILState_Ensure", "PyErr_SetString", "PyGILState_Release", "PyExc_RuntimeError")
"""What callbacks take from Python."""


def _python(frame: CFunction, name: str, result: llvm.Type, parameters: list[llvm.Type]) -> llvm.Function:
    return frame.module.declared(name, llvm.FunctionType(result, parameters))


def _python_data(frame: CFunction, name: str) -> llvm.Value:
    return frame.module.variable(name) or llvm.GlobalVariable(frame.module, PTR, name)


CONVENTIONS: dict[str, tuple[str, Callable[[llvm.Module, LibraryRoutine, str], None]]] = {
    "double (double)": ("number", _number),
    "double (double, void *)": ("number_with_data", _number),
    "double (int, double *)": ("numbers", _numbers),
    "double (int, double *, void *)": ("numbers_with_data", _numbers),
    "int (double *, npy_intp, double *, void *)": ("filter", _filter),
}
"""The conventions by their signatures in C, as SciPy writes them: the end of the symbol, and what emits it."""


def emit_callback(module: llvm.Module, r: LibraryRoutine, convention: str) -> str:
    """A function of that convention around a routine; its name. ArgumentError where the routine does not fit."""
    scalar_result(r)
    end, emit = CONVENTIONS[convention]
    symbol = f"{r.name}_{end}"
    emit(module, r, symbol)
    return symbol


__all__ = ["CONVENTIONS", "PYTHON", "emit_callback", "one_array"]
