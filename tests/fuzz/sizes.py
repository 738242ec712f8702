"""Programs over arrays of open sizes (`sized_programs`), compiled once, run at several sizes, empty and 1 among them.

`python -m tests.fuzz.sizes --count 2000` tells what becomes of them: the results must be NumPy's (the derivatives those
of the exact program), at every size, whoever answers: the open compilation, or another one where its conditions do not
hold. How many sizes the open one served is counted.
"""

from __future__ import annotations

import argparse
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree
import pytest

import gradjit as gj

from .sized_programs import grown
from .source import Program

SIZES = ((11, 4), (6, 5), (1, 4), (0, 3), (40, 0), (7, 1))
"""The lengths n and m, call by call."""
ARGNUMS = (0, 2, 3)


def compiled(f: Callable[..., Any], seed: int, **options: Any) -> list[Any]:
    """What is asked: value and gradient; of some programs forward derivatives."""
    if seed % 7 == 3:
        return [gj.jit(f, **options), gj.jacfwd(f, ARGNUMS, **options)]
    return [gj.value_and_grad(f, argnums=ARGNUMS, **options)]


def results(functions: Sequence[Any], args: Sequence[Any]) -> list[np.ndarray]:
    """The value and its derivatives."""
    return optree.tree_leaves([f(*args) for f in functions])  # type: ignore[no-any-return]


def arguments(seed: int, n: int, m: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Arrays of these lengths; for some programs strided ones, of reversed order, or of float32."""
    dtype = np.float32 if seed % 11 == 5 else np.float64
    x, y, A, z = (rng.standard_normal(s).astype(dtype) for s in (n, n, (n, 3), m))
    if seed % 5 == 2:
        x, A = np.repeat(x, 2)[::2], np.asfortranarray(A)
    return x, y, A, z


def is_later(ours: Exception, numpys: Exception) -> bool:
    """Whether an error names a line of the program behind that of NumPy's: what is known while a program is traced is
    told before what fails when it runs."""
    lines = [f.lineno or 0 for f in traceback.extract_tb(numpys.__traceback__) if f.filename.startswith("<program")]
    named = re.search(r"line (\d+)", str(ours))
    return isinstance(ours, gj.GradjitError) and named is not None and int(named[1]) > max(lines, default=0) > 0


def run(seed: int) -> tuple[str, int]:
    """What becomes of a program: "open", "exact" (it could not be open), "refused" or "error" (NumPy's, too), and how
    many calls an open compilation answered. AssertionError where a result is wrong."""
    text = grown(seed)
    f = Program(text, (), seed).world().f
    opened = compiled(f, seed, sizes="auto")
    exact = compiled(f, seed, sizes="exact", backend="interpreter")
    rng = np.random.default_rng(seed)
    for n, m in SIZES:
        args = arguments(seed, n, m, rng)
        where = f"seed {seed}, n = {n}, m = {m}\n{text}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = f(*args)
                want = results(exact, args)
            except gj.UnsupportedError as e:
                with pytest.raises(gj.UnsupportedError):
                    results(opened, args)
                return f"refused: {str(e).splitlines()[0][:60]}", 0
            except Exception as e:
                try:
                    results(opened, args)
                except Exception as ours:
                    plain = next(c for c in type(e).__mro__ if c.__module__ == "builtins")
                    assert isinstance(ours, plain) or isinstance(e, type(ours)) or is_later(ours, e), (where, e, ours)
                    continue
                raise AssertionError(f"no error where NumPy has {e!r}: {where}") from e
            got = results(opened, args)
        rtol, atol = (1e-3, 1e-3) if args[0].dtype == np.float32 or "float32" in text else (1e-8, 1e-9)
        np.testing.assert_allclose(got[0], value, rtol, atol, err_msg=where)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol, atol, err_msg=where)
    every = [s for g in opened for s in g.stats().specialisations]
    served = sum(s.hits for s in every if "[n]" in s.arguments or "[m]" in s.arguments)
    return ("open" if served else "exact" if every else "error"), served


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
        except Exception as e:  # whatever it is, the next program is run
            found["wrong"] += 1
            print(f"seed {seed}: {type(e).__name__}: {e}\n{grown(seed)}", flush=True)
    print(dict(found))


if __name__ == "__main__":
    main()
