"""A random NumPy function's value against NumPy's, its gradient against finite differences; one, or many as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gradjit as gj
from gradjit.tracer.trace import trace
from tests.fuzz.effort import FULL, llvm_effort
from tests.fuzz.failure import Failure, Refused, Rough, attempt
from tests.fuzz.source import Program

from .grow import BATCH, is_derived
from .layouts import copied


def check(p: Program, backend: str = "native") -> Failure | None:
    """The failure, or None. Raises Refused or Rough where less than everything could be compared."""
    step = gradient if is_derived(p.seed) else value
    with np.errstate(all="ignore"), llvm_effort(full=True):
        return attempt(step.__name__, lambda: step(p, backend))


def can_be_traced(p: Program) -> bool:
    """Whether a program, and its gradient, come as far as code generation."""
    f = p.world().f
    body = (lambda *args: gj.value_and_grad(f, argnums=varied(p))(*args)) if is_derived(p.seed) else f
    try:
        with np.errstate(all="ignore"):
            trace(body, [copied(a) for a in p.arguments], {}, f)
    except Exception:  # found again, by itself
        return False
    return True


def check_batch(programs: Sequence[Program], backend: str = "native") -> list[Rough | None] | None:
    """What becomes of programs that are compiled as one function; None if any of them fails.

    They are all of one kind.
    """
    fs = tuple(p.world().f for p in programs)
    groups = tuple(tuple(copied(a) for a in p.arguments) for p in programs)
    derived = is_derived(programs[0].seed)
    wheres = tuple(map(varied, programs))

    def values(*groups: Any) -> Any:
        return tuple([f(*group) for f, group in zip(fs, groups, strict=True)])

    def gradients(*groups: Any) -> Any:
        return tuple([gj.value_and_grad(f, argnums=k)(*group) for f, group, k in zip(fs, groups, wheres, strict=True)])

    outcomes: list[Rough | None] = []

    def all_of_them() -> None:
        found = gj.jit(gradients if derived else values, backend=backend)(*groups)
        for p, group, one in zip(programs, groups, found, strict=True):
            try:
                (compare_gradient if derived else compare_value)(p, group, one)
                outcomes.append(None)
            except Rough as e:
                outcomes.append(e)

    with np.errstate(all="ignore"), llvm_effort(full=programs[0].seed // (2 * BATCH) % FULL == 0):
        try:
            return None if attempt("batch", all_of_them) else outcomes
        except Refused:
            return None


def varied(p: Program) -> tuple[int, ...]:
    """The positions of the arguments that are differentiated."""
    return tuple(k for k, a in enumerate(p.arguments) if a.dtype == np.float64)


def value(p: Program, backend: str) -> None:
    args = [copied(a) for a in p.arguments]
    compare_value(p, args, gj.jit(p.world().f, backend=backend)(*args))


def compare_value(p: Program, args: Sequence[np.ndarray], got: Any) -> None:
    """Values, dtypes, shapes, whether results are arrays or scalars, and what has become of the arguments."""
    plain = [copied(a) for a in p.arguments]
    expected = p.plain().f(*plain)
    pairs = [(r if isinstance(r, tuple) else (r,)) for r in (got, expected)]
    for k, (a, b) in enumerate(zip(*pairs, strict=True)):
        assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray), f"result {k}: {type(a)} for {type(b)}"
        close(a, b, f"result {k}", is_single(p))
    for k, (a, b) in enumerate(zip(args, plain, strict=True)):
        close(a, b, f"argument {k}, afterwards", is_single(p))


def gradient(p: Program, backend: str) -> None:
    args = [copied(a) for a in p.arguments]
    compare_gradient(p, args, gj.value_and_grad(p.world().f, argnums=varied(p), backend=backend)(*args))


def compare_gradient(p: Program, args: Sequence[np.ndarray], got: Any) -> None:
    """The gradient along a random direction against a central difference; the arguments are left alone."""
    f = p.plain().f
    found, gradients = got
    close(found, f(*map(copied, p.arguments)), "value")
    for k, (a, b) in enumerate(zip(args, p.arguments, strict=True)):
        assert np.array_equal(a, b), f"argument {k} has changed"
    where = varied(p)
    for k, g in zip(where, gradients, strict=True):
        assert np.shape(g) == args[k].shape and np.asarray(g).dtype == args[k].dtype, f"gradient {k}"
    direction = [np.random.default_rng(k).normal(size=args[k].shape) for k in where]
    slope = sum(np.sum(d * g) for d, g in zip(direction, gradients, strict=True))
    coarse, fine = (difference(f, p.arguments, dict(zip(where, direction, strict=True)), h) for h in (1e-4, 1e-6))
    scale = 1 + abs(fine) + sum(np.sum(np.abs(d * g)) for d, g in zip(direction, gradients, strict=True))
    text = f"{slope} by gradjit, {fine} by differences"
    if not abs(coarse - fine) <= 1e-5 * scale:
        raise Rough(text)
    assert abs(slope - fine) <= 1e-4 * scale, text


def difference(f: Callable[..., Any], at: Sequence[np.ndarray], along: dict[int, np.ndarray], h: float) -> float:
    def moved(sign: int) -> list[np.ndarray]:
        args = [copied(a) for a in at]
        for k, d in along.items():
            args[k] += sign * h * d
        return args

    return float((f(*moved(1)) - f(*moved(-1))) / (2 * h))


def is_single(p: Program) -> bool:
    """Whether numbers of single precision are on the way, so that results in double precision have their rounding."""
    return "float32" in p.source or any(a.dtype == np.float32 for a in p.arguments)


def close(a: Any, b: Any, what: str, single: bool = False) -> None:
    """Integers to the bit; floats up to their rounding, relative to the largest of the array."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype, f"{what}: {a.dtype} for {b.dtype}"
    assert a.shape == b.shape, f"{what}: shape {a.shape} for {b.shape}"
    if b.dtype.kind == "f":
        rtol = 1e-11 if b.dtype.itemsize == 8 and not single else 2e-5
        near = np.allclose(a, b, rtol=rtol, atol=rtol * (1 + np.max(np.abs(b), initial=0)), equal_nan=True)
    else:
        near = np.array_equal(a, b)
    assert near, f"{what}:\n{a!r}\nfor\n{b!r}"
