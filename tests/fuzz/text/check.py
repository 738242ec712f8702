"""What becomes of a mutant: by whom it is refused, or what the results of both backends are worth."""

from __future__ import annotations

import contextlib
import io
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradjit.errors import GradjitError, UnsupportedError
from gradjit.ir import Func, Module, Op, Value, interpreter, parse, print_module, verify, walk
from gradjit.ir.clone import dims_of
from gradjit.passes import optimize
from gradjit.runtime.kernel import compile_func
from tests.fuzz.failure import Failure, Refused, Rough, limited
from tests.fuzz.inputs import arguments, same
from tests.fuzz.text.mutate import Mutant

SECONDS = 30
"""For one step of one mutant: what takes longer hangs."""
BLOCKS = 5000
"""Blocks that the interpreter runs; what goes on is left alone."""
ELEMENTS = 1 << 20
"""An array of more is not made."""

LARGE, LONG = "too large to be run, compiled", "too long to be run"


def check(m: Mutant) -> Failure | None:
    """The finding, if there is one. Raises Refused, with by whom or why, where nothing was compared, and Rough where
    rounding decides the results. (A crash ends the process.)"""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            module = read(m.text)
            last: Exception | None = None
            for f in module.funcs.values():
                try:
                    run(f, m.seed)
                except (Refused, Rough) as e:
                    last = e
            if last is not None:
                raise last
        except Found as e:
            return e.failure
    return None


class Found(Exception):
    def __init__(self, step: str, kind: str, message: str):
        self.failure = Failure(step, kind, message)


def attempt(step: str, work: Callable[[], Any], refused: str) -> Any:
    """The result of a step. What may come of a text is Refused, everything else is found."""
    try:
        with limited(SECONDS):
            return work()
    except UnsupportedError:
        raise Refused("machine code has no form for it") from None
    except GradjitError as e:
        assert str(e)
        raise Refused(refused) from e
    except MemoryError:
        raise Refused(LARGE) from None
    except Refused:
        raise
    except Exception as e:
        at = traceback.extract_tb(e.__traceback__)[-1]
        if isinstance(e, AssertionError) and at.name in ("_assert", "__call__"):  # the program's own
            raise Refused(refused) from e
        where = f"{at.filename.rpartition('gradjit/')[2]}, {at.name}"
        raise Found(step, type(e).__name__, f"in {where}: {e}") from e


def read(text: str) -> Module:
    """The module of a text, verified. Its print is read back."""
    module = attempt("parse", lambda: parse(text), "by the parser")
    attempt("verify", lambda: verify(module), "by the verifier")
    printed = attempt("print", lambda: print_module(module), "never")
    again = attempt("parse again", lambda: parse(printed), "never")
    if print_module(again) != printed:
        raise Found("print", "AssertionError", "print, parse, print is not the identity")
    return module


def run(f: Func, seed: int) -> None:
    """One function, by both backends."""
    if dims_of(f):
        raise Refused("an extent is open, and no array tells it")
    if any(size(v) > ELEMENTS for v in values(f)):
        native(f, None)
        raise Refused(LARGE)
    args = arguments(f, np.random.default_rng(seed))
    try:
        expected = attempt("interpret", lambda: interpreted(f, args), "when it ran")
    except Refused as e:
        if e.__cause__ is not None:  # machine code may have dropped what is refused, and is run, too
            native(f, args)
        raise
    if not is_static(f):
        return
    for optimized in (True, False) if seed % 4 == 0 else (True,):
        found = native(f, args, optimized)
        wrong = same(found, expected, exact=False)
        if wrong and is_rough(f, args, expected):
            raise Rough(wrong)
        if wrong:
            raise Found("run", "other results", wrong)


def native(f: Func, args: Sequence[np.ndarray] | None, optimized: bool = True) -> Any:
    """The results of machine code; without arguments it is only made."""
    if not is_static(f):
        return None
    step = "compile" if optimized else "compile as it stands"
    kernel = attempt(step, lambda: compile_func(optimize(f) if optimized else f), "by code generation")
    if args is None:
        return None
    found = attempt("run", lambda: kernel(*args), "when machine code ran")
    return [joined(a) if r.dtype.is_complex and not np.iscomplexobj(a) else a
            for a, r in zip(found, f.results, strict=True)]


def joined(planes: np.ndarray) -> np.ndarray:
    """A complex array of one whose last axis is of real and imaginary parts, as optimised programs give them."""
    return np.ascontiguousarray(planes).view(np.result_type(planes.dtype, np.complex64))[..., 0]


def values(f: Func) -> Iterator[Value]:
    yield from f.params
    for op in walk(f.body):
        yield from op.results
        for r in op.regions:
            yield from r.params


def size(v: Value) -> int:
    n = 1
    for e in v.shape:
        n *= e if isinstance(e, int) else 1
    return n


def is_static(f: Func) -> bool:
    return all(v.type.is_static for v in (*f.params, *f.results))


# the interpreter, with a budget and with noise ------------------------------------------------------------------------
Inner = Callable[..., Any]


@contextmanager
def wrapped(name: str, around: Callable[[Inner], Inner]) -> Iterator[None]:
    """A function of the interpreter in another one."""
    old = getattr(interpreter, name)
    setattr(interpreter, name, around(old))
    try:
        yield
    finally:
        setattr(interpreter, name, old)


def interpreted(f: Func, args: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results. Raises Refused for a program that would take too much."""
    left = BLOCKS

    def counting(old: Inner) -> Inner:
        def run_block(*a: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Refused(LONG)
            return old(*a)
        return run_block

    def small(old: Inner) -> Inner:
        def evaluate(op: Op, a: Any, env: Any) -> Any:
            if any(abs(int(env[e])) > ELEMENTS for r in op.results for e in r.shape if isinstance(e, Value)
                   and e in env):
                raise Refused(LARGE)
            return old(op, a, env)
        return evaluate

    with wrapped("run_block", counting), wrapped("evaluate", small):
        return interpreter.interpret(f, args)


NEAR = 1e-20
"""Of the largest number of a type: what is above it counts as near."""
EXACT = frozenset({"const", "slice", "reshape", "transpose", "broadcast", "update", "pop", "push", "select", "concat"})


def is_rough(f: Func, args: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> bool:
    """Whether rounding decides the results: with some noise behind each operation they are others, too. Or it is the
    order of operations that does: numbers come near the largest one, beyond which one order goes and another does not.
    """
    rng = np.random.default_rng(0)
    overflows = False

    def noisy(old: Inner) -> Inner:
        def evaluate(op: Op, a: Any, env: Any) -> Any:
            nonlocal overflows
            outs = old(op, a, env)
            if op.name in EXACT:
                return outs
            overflows = overflows or any(np.any(np.isfinite(o) & (np.abs(o) > NEAR * np.finfo(o.dtype).max))
                                         for o in outs if isinstance(o, np.ndarray) and o.dtype.kind == "f")
            return [(o * (1 + 8 * np.finfo(o.dtype).eps * rng.normal(size=o.shape))).astype(o.dtype)
                    if isinstance(o, np.ndarray) and o.dtype.kind == "f" else o for o in outs]
        return evaluate

    for _ in range(4):
        try:
            with wrapped("evaluate", noisy):
                found = interpreted(f, args)
        except (GradjitError, AssertionError, Refused):
            return True
        if overflows or same(found, expected, exact=False, rtol=1e-10):
            return True
    return False
