"""Compares calls of SciPy's functions, compiled, with SciPy: value, dtype, shape; and gradients with differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gradjit as gj

Call = Callable[..., Any]


def check_values(calls: Sequence[Call], args: Sequence[Any], tolerance: float = 1e-12) -> None:
    """All calls of one list of arguments in one kernel."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = [np.asarray(f(*args)) for f in calls]
    got = gj.jit(lambda *a: [f(*a) for f in calls])(*args)
    for k, (g, e) in enumerate(zip(got, expected, strict=True)):
        what = f"call {k} ({calls[k].__code__.co_firstlineno})"
        assert (np.shape(g), np.asarray(g).dtype) == (e.shape, e.dtype), what
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance, err_msg=what)


def check_gradients(calls: Sequence[Call], args: Sequence[Any], tolerance: float = 1e-6) -> None:
    """Along one direction: the tangent of each call's result against the difference of SciPy's, and the gradient of a
    weighted sum of all of them against the tangents. One kernel, and one function of the interpreter."""
    rng = np.random.default_rng(1)
    args = [np.asarray(a, float) for a in args]
    direction = [rng.uniform(0.5, 1.5, a.shape) for a in args]
    expected = [slope(f, args, direction) for f in calls]
    pushed_along = gj.jit(lambda a, t: gj.jvp(lambda *x: [f(*x) for f in calls], a, t)[1], backend="interpreter")
    tangents = pushed_along(tuple(args), tuple(direction))
    wrong = [f"call {k} (line {f.__code__.co_firstlineno}): {t} against {e}" for k, (f, t, e) in
             enumerate(zip(calls, tangents, expected, strict=True))
             if not np.all(np.abs(t - e) <= tolerance * np.maximum(1.0, np.abs(e)))]
    assert not wrong, "\n".join(wrong)
    weights = [rng.uniform(0.5, 1.5, np.shape(e)) for e in expected]
    total = gj.grad(lambda *a: sum(np.sum(w * f(*a)) for f, w in zip(calls, weights, strict=True)),
                    argnums=tuple(range(len(args))))
    pulled = sum(np.sum(g * d) for g, d in zip(total(*args), direction, strict=True))
    pushed = sum(np.sum(w * t) for w, t in zip(weights, tangents, strict=True))
    np.testing.assert_allclose(pulled, pushed, rtol=1e-10)


def slope(f: Call, args: Sequence[np.ndarray], direction: Sequence[np.ndarray]) -> np.ndarray:
    def at(step: float) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(f(*(a + step * d for a, d in zip(args, direction, strict=True))))

    h = 1e-4
    return np.asarray((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h))
