"""Programs over arrays of open sizes: grown at random, compiled once, run at several sizes, empty and 1 among them.

`python -m tests.fuzz.sizes --count 2000` tells what becomes of them: the results must be NumPy's (the derivatives those
of the exact program), at every size, whoever answers: the open compilation, or another one where its conditions do not
hold. How many sizes the open one served is counted.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter

import numpy as np

import gradjit as gj

from .source import Program

SIZES = (11, 6, 1, 0, 40)
UNARY = ("np.sin({})", "np.exp(-{0} * {0})", "np.tanh({})", "({0} * {0})", "np.abs({})", "{}[::-1]",
         "np.cumsum({}) * 0.1", "np.where({0} > 0, {0}, 0.5)", "np.clip({}, -0.5, 0.7)", "({} + 1.0)", "{}.copy()",
         "np.maximum({}, 0.1)", "np.sort({})", "np.roll({}, 1)", "({0} - np.mean({0}))", "({0} / (1 + {0} * {0}))",
         "np.flip({})")
BINARY = ("({} + {})", "({} * {})", "({} - {})", "np.maximum({}, {})", "np.where({0} > {1}, {0}, {1})",
          "np.arctan2({0}, 2 + {1} * {1})", "({} * len({}))")
WIDE = ("A.sum(axis=1)", "A[:, 0]", "A[:, 1] * A[:, 2]", "(A @ np.array([1.0, 2.0, 3.0]))", "A.max(axis=1)",
        "np.arange(len(x)) * 0.1", "np.linspace(0, 1, len(x))", "np.ones(x.shape[0])", "np.zeros_like(x)")
ENDS = ("np.sum({})", "np.sum({0} * {0})", "{0} @ {0}", "np.sum({0}[1:] * {0}[:-1])", "np.sum({0}[:, None] * {0})",
        "np.sum(np.concatenate([{0}, {0}]) ** 2)", "np.sum({0}[::2] ** 2)", "np.sum({0}.reshape(-1, 1) * {0})",
        "np.sum(np.stack([{0}, 2 * {0}], 1) ** 2)", "np.sqrt(1 + np.sum({0} ** 2))", "np.mean({})", "np.max({})",
        "np.sum(np.diff({}) ** 2)")
STEPS = ("    for i in range(len(x)):\n        s = s * 0.9 + {}[i]\n", "    for v in {}:\n        s += v * v\n",
         "    z = {0}.copy()\n    for _ in range(3):\n        z = z + 0.1 * np.sin(z)\n    s += np.sum(z)\n",
         "    z = np.zeros(len(x))\n    z[1:] = {0}[:-1]\n    s += np.sum(z * {0})\n",
         "    z = {0}.copy()\n    z[z < 0] = 0.0\n    s += np.sum(z)\n",
         "    if len(x) > 4:\n        s += np.sum({})\n",
         "    for i in range(1, len(x)):\n        s += ({0}[:i] @ y[:i]) * 0.1\n",
         "    z = np.zeros(len(x))\n    for i in range(len(x)):\n"
         "        z[i] = {0}[i] - 0.1 * np.sum(z[:i] * {0}[:i])\n"
         "    s += np.sum(z)\n",
         "    z = {0}.copy()\n    for i in range(len(x)):\n        z[i:] += 0.1 * np.sin({0}[i]) * {0}[i:]\n"
         "    s += z @ z\n",
         "    for i in range(1, len(x)):\n        w = np.exp(-A[:i, 1] * {0}[i])\n"
         "        s += np.sum(w * w[::-1]) / (i + np.sum(w))\n",
         "    M = x[:, None] * {0}\n    for i in range(len(x)):\n"
         "        s += M[i, :i] @ M[i, :i] - np.sum(M[i + 1:, i])\n",
         "    z = np.zeros(len(x))\n    for i in range(1, len(x)):\n        z[i] = 0.5 * z[i - 1] + {}[i]\n"
         "    s += z @ z\n")


def grown(seed: int) -> str:
    """The text of a program `f(x, y, A)` for arrays of n, n and n by 3."""
    rng = np.random.default_rng(seed)

    def vector(depth: int) -> str:
        kind = rng.integers(4) if depth else 0
        if kind == 0:
            return str(rng.choice(("x", "y", "x", str(rng.choice(WIDE)))))
        if kind == 3:
            return str(rng.choice(BINARY)).format(vector(depth - 1), vector(depth - 1))
        return str(rng.choice(UNARY)).format(vector(depth - 1))

    lines = ["def f(x, y, A):\n", "    s = 0.0\n"]
    for k in range(rng.integers(1, 4)):
        lines.append(f"    v{k} = {vector(2)}\n")
        lines.append(str(rng.choice(STEPS)).format(f"v{k}") if rng.random() < 0.5 else
                     f"    s += {str(rng.choice(ENDS)).format(f'v{k}')}\n")
    return "".join((*lines, "    return s\n"))


def run(seed: int) -> tuple[str, int]:
    """What becomes of a program: "open", "exact" (it could not be open) or "error" (NumPy's, too), and at how many
    sizes an open compilation answered. AssertionError where a result is wrong."""
    f = Program(grown(seed), (), seed).world().f
    opened = gj.value_and_grad(f, argnums=(0, 2), sizes="auto")
    exact = gj.value_and_grad(f, argnums=(0, 2), sizes="exact", backend="interpreter")
    rng = np.random.default_rng(seed)
    for n in SIZES:
        args = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal((n, 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value, want = f(*args), exact(*args)
            except Exception as e:
                try:
                    opened(*args)
                except Exception as ours:
                    assert isinstance(ours, type(e)) or isinstance(e, type(ours)), (seed, n, e, ours)
                    continue
                raise AssertionError(f"no error at n = {n}, where NumPy has {e!r}\n{grown(seed)}") from e
            got = opened(*args)
        for a, b in ((got[0], value), (got[0], want[0]), *zip(got[1], want[1], strict=True)):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9, err_msg=f"seed {seed}, n = {n}\n{grown(seed)}")
    every = opened.stats()
    served = sum(s.hits for s in every.specialisations if "[n]" in s.arguments)
    return ("open" if served else "exact" if every.specialisations else "error"), served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    found: Counter[str] = Counter()
    for seed in range(asked.first, asked.first + asked.count):
        try:
            kind, served = run(seed)
            found[kind] += 1
            found["sizes served"] += served
        except AssertionError as e:
            found["wrong"] += 1
            print(e)
    print(dict(found))


if __name__ == "__main__":
    main()
