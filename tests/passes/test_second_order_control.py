"""Second derivatives through loops: forward over reverse, reverse over forward and reverse over reverse, batched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradjit.ir import Block, Builder, Func, walk
from gradjit.ir.clone import copy_op, new_block
from gradjit.passes import optimize
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient, reverse
from tests.passes.derivatives import func, run, total
from tests.passes.loops import LOOPS

RNG = np.random.default_rng(17)


def scalar(f: Func) -> Func:
    """The sum of the exponentials of sines of all floating-point results, so that all second derivatives are there."""
    env: dict[Any, Any] = {}
    block: Block = new_block(f.params, env)
    b = Builder(block)
    for op in f.ops:
        copy_op(b, op, env)
    parts = [total(b, b.exp(b.sin(env[r]))) for r in f.results if r.dtype.is_float]
    for p in parts[1:]:
        parts[0] = b.add(parts[0], p)
    block.results = (parts[0],)
    return Func(f.name, block)


def hessian(f: Func, args: list[Any], k: int) -> np.ndarray:
    """Central differences of the gradient for parameter k."""
    g, h = gradient(f, [k]), 1e-6
    x = np.asarray(args[k])
    rows = []
    for place in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[place] = h
        ends = [run(g, *args[:k], x + s * e, *args[k + 1:])[1] for s in (1, -1)]
        rows.append((ends[0] - ends[1]) / (2 * h))
    return np.stack(rows)


@pytest.mark.thinned
@pytest.mark.parametrize("name", LOOPS)
def test_hessians(name: str) -> None:
    text, args = LOOPS[name]
    f = scalar(func(text))
    for k in (k for k, p in enumerate(f.params) if p.dtype.is_float):
        if name == "newton" and k == 1:
            continue  # the tolerance decides how often, which differences do not show
        x = np.asarray(args[k])
        units = np.eye(x.size).reshape(x.size, *x.shape)
        expected = hessian(f, args, k)
        g = gradient(f, [k])
        plain = [False] * len(args)
        for build in (lambda g, k: (batch(jvp(g, [k]), [*plain, True], x.size), []),
                      lambda g, k: (batch(reverse(g, [k]), [*plain, False, True], x.size), [0.0])):
            h, seeds = build(g, k)
            got = run(h, *args, *seeds, units)[-1]
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
            best = optimize(h, verify=True)
            np.testing.assert_allclose(run(best, *args, *seeds, units)[-1], got, rtol=1e-10, atol=1e-12)
        under = run(gradient(jvp(f, [k]), [k], of=1), *args, units[0])[-1]
        np.testing.assert_allclose(under, expected[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["products", "newton", "nest"])
def test_what_does_not_depend_on_the_direction_is_computed_once(name: str) -> None:
    """The primal loop, the tape's primal entries and the gradient are those of one gradient."""
    text, args = LOOPS[name]
    f = scalar(func(text))
    k = next(k for k, p in enumerate(f.params) if p.dtype.is_float)
    h = batch(jvp(gradient(f, [k]), [k]), [*[False] * len(args), True], 3)
    for op in walk(h.body):
        if op.name in ("if", "while"):
            assert all(not v.type.rank for v in op.regions[0].results) or op.name == "if"
        if op.name == "push":
            assert any(v.type.shape[:1] != (3,) for v in op.operands[1:])


@pytest.mark.parametrize("name", LOOPS)
def test_stacks_of_gradients(name: str) -> None:
    """Every example has a gradient of its own, where the loop has iterations and branches of its own."""
    text, args = LOOPS[name]
    f = scalar(func(text))
    wrt = [k for k, p in enumerate(f.params) if p.dtype.is_float]
    g = gradient(f, wrt)
    stacks = [np.array([a] * 3) if isinstance(a, int) else a * RNG.uniform(0.8, 1.2, (3, *np.shape(a))) for a in args]
    got = run(batch(g, [p.dtype.is_float for p in f.params], 3),
              *(s if p.dtype.is_float else a for s, a, p in zip(stacks, args, f.params, strict=True)))
    for lane in range(3):
        one = run(g, *(s[lane] if p.dtype.is_float else a for s, a, p in zip(stacks, args, f.params, strict=True)))
        for a, b in zip(got, one, strict=True):
            np.testing.assert_allclose(a[lane], b, rtol=1e-10, atol=1e-12)
