"""Random programs, as tensors and as functions: the same values and gradients, whoever looks when.

Views, writes in place, shared operands; at random places somebody looks at a tensor, or takes its buffer.
"""

from __future__ import annotations

import linecache
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gradjit as gj
from gradjit.tensors import kernels

UNARY = ["np.sin({0})", "np.tanh({0})", "-{0}", "{0} * 2", "{0}**2", "np.exp({0} * 0.1)", "abs({0})", "{0} + 1.5",
         "3.0 - {0}", "np.maximum({0}, 0.25)", "np.sqrt({0} * {0} + 1.0)", "{0}.reshape(2, 3).T.copy().reshape(6)",
         "{0}[::-1]", "{0}.sum() * {0}", "np.cumsum({0})", "{0}[[0, 2, 2, 5, 1, 3]]", "np.sort({0})"]
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / ({1} * {1} + 2.0)", "np.minimum({0}, {1})",
          "np.where({0} > {1}, {0}, {1} * 0.5)", "np.concatenate([{0}[:3], {1}[3:]])", "np.outer({0}, {1}).sum(0)"]
WRITES = ["{2}[{3}] {4} 2.0", "{2}[{3}] {4} {0}[0]", "{2} {4} {0}", "{2}[1:4] = {0}[:3]", "{2}[{0} > 0.2] *= 0.5"]


def program(seed: int) -> str:
    """The text of a function `f(x, y, look)`."""
    rng = random.Random(seed)
    names, lines = ["x", "y"], ["x, y = x * 1.0, y * 1.0"]
    for k in range(rng.randint(3, 9)):
        a, b = rng.choice(names), rng.choice(names)
        made = [n for n in names if n not in "xy"]
        if made and rng.random() < 0.3:
            where, op = rng.choice(["1:4", "::2", "0", "[0, 2]"]), rng.choice(["*=", "+=", "-="])
            lines.append(rng.choice(WRITES).format(a, b, rng.choice(made), where, op))
        else:
            lines.append(f"v{k} = {rng.choice(UNARY if rng.random() < 0.5 else BINARY).format(a, b)}")
            names.append(f"v{k}")
        lines.append("look()")
    lines.append(f"return ({names[-1]} * {rng.choice(names)}).sum() + {rng.choice(names)}.sum()")
    return "def f(x, y, look):\n" + "".join(f"    {line}\n" for line in lines)


def compiled(text: str, name: str) -> Callable[..., Any]:
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    names: dict[str, Any] = {"np": np}
    exec(compile(text, name, "exec"), names)
    return names["f"]


def looking(rng: random.Random, how: str) -> Callable[[], None]:
    """What looks at a tensor of the program at times. "held": its buffer, which is kept."""
    held = []

    def look() -> None:
        found = [v for v in sys._getframe(1).f_locals.values() if isinstance(v, gj.Tensor)]
        t = rng.choice(found)
        if rng.random() < 0.4:
            if how == "value":
                float(t.sum())
            elif how == "buffer":
                t.numpy()
            elif how == "held":
                held.append((t, t.numpy()))
        for t, a in held:
            assert_array_equal(a, t)
    return look


def check(seed: int) -> None:
    f = compiled(program(seed), f"<program {seed}>")
    x, y = np.linspace(-1, 1.3, 6), np.linspace(0.5, 2, 6)
    expected = f(x.copy(), y.copy(), lambda: None)
    _, gradients = gj.value_and_grad(lambda x, y: f(x, y, lambda: None), argnums=(0, 1))(x, y)
    for how in ("never", "never", "value", "buffer", "held"):
        tx, ty = gj.tensor(x, requires_grad=True), gj.tensor(y, requires_grad=True)
        z = f(tx, ty, looking(random.Random(seed), how))
        assert_allclose(z.item() if how == "value" else expected, expected, rtol=1e-10)
        z.backward()
        assert_allclose(z, expected, rtol=1e-10, err_msg=program(seed))
        for t, g in zip((tx, ty), gradients, strict=True):
            found = np.zeros(6) if t.grad is None else t.grad
            assert_allclose(found, g, rtol=1e-9, atol=1e-10, err_msg=f"{how}: {program(seed)}")


@pytest.mark.thinned
@pytest.mark.parametrize("seed", range(30))
def test_programs(seed: int) -> None:
    check(seed)


@pytest.mark.thinned
@pytest.mark.parametrize("seed", range(100, 104))
def test_compiled_programs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "runs_interpreted", lambda func: 0)
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 2000, 100))
def test_many_programs(start: int) -> None:
    for seed in range(start, start + 100):
        check(seed)
