"""Derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DifferentiationError
from ..probe import text
from ..tracer import trees
from ..tracer.calls import call
from . import functions as gj
from .signatures import positional

Argnums = int | tuple[int, ...] | None


def check_grads(f: Callable[..., Any], *args: Any, argnums: Argnums = None, order: int = 1,
                modes: Sequence[str] = ("rev", "fwd"), directions: int = 3, eps: float | None = None,
                atol: float | None = None, rtol: float | None = None, seed: int = 0, **kwargs: Any) -> None:
    """Compare the derivatives of `f` at `args` with central differences of `f` itself, run by NumPy.

    Along random directions v the difference quotient (f(x + eps v) - f(x - eps v)) / (2 eps) is compared with the
    derivative in forward mode, and, tested against a random cotangent, in reverse mode. `f` may return any pytree.

    argnums: the arguments that are varied; None stands for all floating-point ones.
    order: 2 checks the derivatives of the gradient as well, and so on.
    eps, atol, rtol: default to what float64 (or float32, where an argument is one) can resolve.

    Raises AssertionError that names mode, direction, order and both numbers; DifferentiationError if no argument can
    be varied.
    """
    args, kwargs = positional(f, args, kwargs)
    chosen = _varied(args) if argnums is None else [a % len(args) for a in _as_tuple(argnums)]
    if not chosen:
        raise DifferentiationError("check_grads: no argument is floating-point, so there is nothing to differentiate")

    def g(*varied: Any) -> Any:
        full = list(args)
        for a, x in zip(chosen, varied, strict=True):
            full[a] = x
        return call(f, *full, **kwargs)

    rng = np.random.default_rng(seed)
    _check(g, f, tuple(args[a] for a in chosen), order, modes, directions, eps, atol, rtol, rng, 1)


def _check(g: Callable[..., Any], f: Callable[..., Any], primals: tuple[Any, ...], order: int, modes: Sequence[str],
           directions: int, eps: float | None, atol: float | None, rtol: float | None, rng: np.random.Generator,
           level: int) -> None:
    single = any(np.asarray(x).dtype in (np.float32, np.complex64) for x in trees.flatten(primals)[0])
    step = eps if eps is not None else (1e-2 if single else 1e-5)
    atol = (2e-2 if single else 1e-6) if atol is None else atol
    rtol = (2e-2 if single else 1e-5) if rtol is None else rtol
    for k in range(directions):
        v = _random_like(primals, rng)
        quotient = _map(lambda a, b: (np.asarray(a, float) - np.asarray(b, float)) / (2 * step),
                        g(*_moved(primals, v, step)), g(*_moved(primals, v, -step)))
        where = f"{text(f, '__name__', 'f')}, order {level}, direction {k}"
        if "fwd" in modes:
            _, tangent = gj.jvp(g, primals, v)
            _compare(tangent, quotient, (atol, rtol), f"forward mode ({where})")
        if "rev" in modes:
            value, pullback = gj.vjp(g, *primals)
            w = _random_like(value, rng)
            _compare(_dot(pullback(w), v), _dot(w, quotient), (atol, rtol), f"reverse mode ({where})")
    if order > 1:
        w = _random_like(g(*primals), rng)

        def pulled(*xs: Any) -> Any:
            return gj.vjp(g, *xs)[1](w)

        _check(gj.jit(pulled), f, primals, order - 1, modes, directions, eps, atol, rtol, rng, level + 1)


def _as_tuple(argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    return argnums if isinstance(argnums, tuple) else (argnums,)


def _varied(args: Sequence[Any]) -> list[int]:
    """Arguments whose leaves are all floating-point (there must be one)."""
    def floats(x: Any) -> bool:
        leaves = trees.flatten(x)[0]
        return bool(leaves) and all(_is_float(leaf) for leaf in leaves)

    return [k for k, a in enumerate(args) if floats(a)]


def _is_float(x: Any) -> bool:
    return isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _random_like(tree: Any, rng: np.random.Generator) -> Any:
    """Normal numbers in place of the floating-point leaves, zeros in place of others."""
    def one(x: Any) -> Any:
        if not _is_float(x):
            return np.zeros(np.shape(x)) if isinstance(x, (np.ndarray, np.generic)) else 0.0
        v = rng.standard_normal(np.shape(x))
        return float(v) if type(x) is float else np.asarray(v, np.asarray(x).dtype)[()]

    return _map(one, tree)


def _moved(primals: Any, v: Any, step: float) -> Any:
    def move(x: Any, d: Any) -> Any:
        y = np.asarray(x, float) + step * np.asarray(d, float)
        return float(y) if type(x) is float else y.astype(np.asarray(x).dtype)[()]

    return _map(move, primals, v)


def _map(fn: Callable[..., Any], tree: Any, *others: Any) -> Any:
    leaves, spec = trees.flatten(tree)
    rest = [trees.flatten(o)[0] for o in others]
    return trees.unflatten(spec, [fn(*row) for row in zip(leaves, *rest, strict=True)])


def _dot(a: Any, b: Any) -> float:
    pairs = zip(trees.flatten(a)[0], trees.flatten(b)[0], strict=True)
    return float(sum(np.vdot(np.asarray(x, float), np.asarray(y, float)) for x, y in pairs))


def _compare(got: Any, expected: Any, close: tuple[float, float], where: str) -> None:
    atol, rtol = close
    for x, y in zip(trees.flatten(got)[0], trees.flatten(expected)[0], strict=True):
        a, b = np.asarray(x, float), np.asarray(y, float)
        bad = np.abs(a - b) > atol + rtol * np.maximum(np.abs(a), np.abs(b))
        if bad.any() or (np.isnan(a) != np.isnan(b)).any():
            worst = np.unravel_index(np.argmax(np.where(np.isnan(a - b), np.inf, np.abs(a - b))), a.shape)
            raise AssertionError(f"{where}: the derivative is {a[worst]:.10g}, finite differences give {b[worst]:.10g}"
                                 + (f" at {tuple(map(int, worst))}" if worst else ""))
