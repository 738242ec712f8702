"""Copies that NumPy makes only for another order in memory, and views where it makes none: NumPy is the judge."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import UnsupportedError
from gradjit.tracer import layout

from .compare import assert_same, run

A = np.arange(12.0).reshape(3, 4) / 7
CUBE = np.arange(24.0).reshape(2, 3, 4) / 7

SOURCES: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda c: c,
    "transposed": lambda c: c.T,
    "columns": lambda c: c[:, :2],
    "every other": lambda c: c[:, ::2],
    "backwards": lambda c: c[::-1, ::-1],
    "a row": lambda c: c[1],
    "a column": lambda c: c[:, 1],
    "one row": lambda c: c[:1],
    "sum of transposed": lambda c: c.T + 1.0,
    "sum of both orders": lambda c: c.T + np.ones((4, 3)),
    "transposed and a row": lambda c: c.T * c[:, 0],
    "where of transposed": lambda c: np.where(c.T > 0.5, c.T, 0.0),
    "copy of transposed": lambda c: c.T.copy("K"),
    "copy": lambda c: c.T.copy(),
    "zeros_like": lambda c: np.zeros_like(c.T) + c.T,
    "comparison": lambda c: (c.T > 0.5) * 1.0,
    "power": lambda c: c.T**2,
    "clipped": lambda c: np.clip(c.T, 0.2, 0.9),
    "rounded": lambda c: np.round(c.T, 1),
    "order of a ufunc": lambda c: np.add(c, 1.0, order="F"),
    "full in order F": lambda c: np.full((3, 4), 2.0, order="F") + c,
    "an integer": lambda c: c.T.astype(int),
    "chosen columns": lambda c: c[:-1, [2, 0, 1]],
    "chosen columns of transposed": lambda c: c.T[1:, [2, 0]],
    "chosen rows": lambda c: c[[2, 0]],
    "chosen columns with a new axis": lambda c: c[:, None, [2, 0]][:, 0],
    "columns under a mask": lambda c: c[:, np.array([True, False, True, True])],
    "chosen by two arrays in order F": lambda c: c[np.asfortranarray([[0, 1], [2, 0]]), [[1], [3]]],
    "chosen by numbers that are computed": lambda c: c[:, np.argsort(c[0])[:2]],
    "taken columns": lambda c: np.take(c, [2, 0, 1], axis=1),
    "columns left": lambda c: np.delete(c, 1, axis=1),
}
TAKES: dict[str, Callable[[Any], Any]] = {
    "asfortranarray": np.asfortranarray,
    "ascontiguousarray": np.ascontiguousarray,
    **{f"asarray {o}": lambda c, o=o: np.asarray(c, order=o) for o in "CFAK"},
    "array": np.array,
    "array of no copy": lambda c: np.array(c, copy=None),
    "array of no copy F": lambda c: np.array(c, copy=None, order="F"),
    "array, ndmin": lambda c: np.array(c, copy=None, ndmin=3)[0],
    **{f"astype {o}": lambda c, o=o: c.astype(float, order=o, copy=False) for o in "CFAK"},
    "astype of a copy": lambda c: c.astype(float),
    "np.astype": lambda c: np.astype(c, c.dtype, copy=False),
    **{f"require {o}": lambda c, o=o: np.require(c, requirements=o) for o in "CF"},
    **{f"reshape {o}": lambda c, o=o: c.reshape(-1, order=o) for o in "CFA"},
    "reshape, other axes": lambda c: c.reshape(*c.shape[:-1], -1, 1),
    **{f"ravel {o}": lambda c, o=o: c.ravel(o) for o in "CFAK"},
    **{f"flatten {o}": lambda c, o=o: c.flatten(o) for o in "CFAK"},
    **{f"copy {o}": lambda c, o=o: c.copy(o) for o in "CFAK"},
    "meshgrid": lambda c: np.meshgrid(np.ravel(c), copy=False)[0],
    "broadcast_arrays": lambda c: np.broadcast_arrays(c, 1.0)[0],
    "atleast_2d": np.atleast_2d,
    "squeeze": np.squeeze,
    "real": np.real,
    "as a list": lambda c: np.asarray([c])[0],
    "the flat iterator": lambda c: c.flat[:],
    "empty_like, raveled": lambda c: np.zeros_like(c).ravel("K"),
    "empty_like of F, raveled": lambda c: np.zeros_like(c, order="F").ravel("A"),
}


def written(source: Callable[[Any], Any], take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """c = copy of the argument; d is taken from it in two steps; d is written to; all are told."""

    def f(a: Any) -> Any:
        c = a.copy()
        s = source(c)
        d = take(s)
        d[0] = 9.0
        return c, s + 0.0, d + 0.0

    return f


@pytest.mark.thinned
@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
def test_what_is_written_to_what_was_taken(take: Callable[[Any], Any]) -> None:
    """Each with all kinds of sources. Nothing here has an order in memory that is not known."""
    for source in SOURCES.values():
        f = written(source, take)
        _, got = run(f, A)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = f(A)
        assert_same(got, expected)


@pytest.mark.parametrize("perm", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1), (2, 0, 1)], ids=str)
def test_arguments_in_any_order(perm: tuple[int, ...]) -> None:
    """The memory order of an argument is part of the specialisation."""
    x = np.ascontiguousarray(CUBE.transpose(perm)).transpose(np.argsort(perm))
    for take in (TAKES[n] for n in ("asfortranarray", "ravel K", "ravel A", "reshape C", "asarray C", "copy K")):
        def f(a: Any, take: Any = take) -> Any:
            d = take(a)
            d[0] = 7.0
            return a * 1.0, np.asarray(d).ravel("K")

        _, got = run(f, np.array(x, order="K"))
        assert_same(got, f(np.array(x, order="K")))


def test_gradient_through_a_copy_for_the_order() -> None:
    def loss(a: Any, take: Callable[[Any], Any]) -> Any:
        c = a * 2.0
        d = take(c)
        d[0] *= 3.0
        return np.sum(c * c) + np.sum(d)

    square = A[:, :3]
    for take in (np.asfortranarray, np.ascontiguousarray, lambda c: c.ravel("F"), lambda c: c.ravel()):
        gj.check_grads(lambda a, take=take: loss(a, take), square, modes=("rev",))


def test_an_order_that_is_not_known_is_asked_for() -> None:
    """Reading is right in any order; a write, which would be seen or not, is refused."""
    def unknown(a: Any) -> Any:
        return np.cumsum(a.T, axis=0)

    def reads(a: Any) -> Any:
        return np.asfortranarray(unknown(a)) * 2.0

    def writes(a: Any) -> Any:
        c = unknown(a)
        np.asfortranarray(c)[0] = 1.0
        return c

    assert_same(run(reads, A)[1], reads(A))
    with pytest.raises(UnsupportedError, match="memory order"):
        run(writes, A)


def test_through_repeated_elements() -> None:
    """One value for each element may be written through a broadcast view; the last of several would not be told."""
    def one(v: Any) -> Any:
        c = v.copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            g, h = np.meshgrid(c, c, copy=False)
            g[1:, 2] = 5.0
            h.T[0] = c[:, None].T
            g[0, 1:2] += 3.0
        return c, g * 1.0, h * 1.0

    def several(v: Any) -> Any:
        c = v.copy()
        g, _ = np.meshgrid(c, c, copy=False)
        g[...] = np.arange(25.0).reshape(5, 5)
        return c

    v = np.arange(5.0)
    assert_same(run(one, v)[1], one(v))
    with pytest.raises(UnsupportedError, match="several values"):
        run(several, v)


# the rules themselves -------------------------------------------------------------------------------------------------
def strides(a: np.ndarray) -> tuple[int, ...]:
    return tuple(s // a.itemsize for s in a.strides)


def told(shape: tuple[int, ...], steps: Any) -> Any:
    """Strides as far as they mean anything."""
    return () if 0 in shape else tuple(s for e, s in zip(shape, steps, strict=True) if e != 1)


def arranged(rng: random.Random, shape: list[int]) -> np.ndarray:
    """An array of the shape in some order, perhaps with gaps, perhaps backwards."""
    perm = rng.sample(range(len(shape)), len(shape))
    gaps = [rng.choice((1, 1, 2)) for _ in shape]
    a = np.zeros([shape[p] * g for p, g in zip(perm, gaps, strict=True)])
    a = a[tuple(slice(None, None, g) for g in gaps)].transpose(np.argsort(perm) if shape else None)
    return a[tuple(slice(None, None, rng.choice((1, -1))) for _ in shape)] if rng.random() < 0.2 else a


@pytest.mark.parametrize("seed", range(4))
def test_strides_of_results_and_copies(seed: int) -> None:
    rng = random.Random(seed)
    ufuncs: dict[int, Any] = {1: np.negative, 2: np.add, 3: np.clip}
    for _ in range(500):
        shape = [rng.choice((1, 2, 3, 4)) for _ in range(rng.randint(0, 4))]
        operands = [arranged(rng, [e if rng.random() < 0.8 else 1 for e in shape][rng.randint(0, min(1, len(shape))):])
                    for _ in range(rng.randint(1, 3))]
        y = np.asarray(ufuncs[len(operands)](*operands))
        assert told(y.shape, layout.of_loop(y.shape, [(x.shape, strides(x)) for x in operands])) == told(
            y.shape, strides(y))
        x = operands[0]
        for order in "CFAK":
            new = layout.copied(x.shape, strides(x), order)
            assert told(x.shape, new) == told(x.shape, strides(x.copy(order)))  # type: ignore[call-overload]
            wider = tuple(e + 1 for e in x.shape)
            like = np.empty_like(x, shape=wider, order=order)  # type: ignore[call-overload]
            assert told(wider, layout.copied(x.shape, strides(x), order, wider)) == told(wider, strides(like))
        for order in "CF":
            assert layout.is_contiguous(x.shape, strides(x), order) == x.flags[f"{order}_CONTIGUOUS"]
