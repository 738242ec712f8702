"""scipy.special's functions by SciPy's loops: every row of derivatives, everywhere in the domains of `special_domains`.

Values are SciPy's by construction; derivatives are compared with differences of SciPy's values, second ones with
differences of the first ones, reverse mode with forward mode, and machine code, in which many functions share a kernel,
with the interpreter.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from gradjit.errors import DtypeError, ShapeError, UnsupportedError
from gradjit.ir import F32, F64, Builder, Func, Value, interpret, type_of, verify
from gradjit.ir.builder import build
from gradjit.ir.ops.special_functions import SIGNATURES, evaluate, signature
from gradjit.passes.inline import inline_calls
from gradjit.passes.jvp import jvp
from gradjit.passes.partials.special_functions import ROWS, STEPS, row
from gradjit.passes.vjp import reverse
from tests.ops.backends import COMPILED
from tests.ops.special_domains import DOMAINS, N

COUNT = 6
DEAR = {"gammaincc", "gammaincinv", "gammainccinv", "betaincc", "betaincinv", "betainccinv", "chdtr", "chdtrc",
        "chdtri", "chdtriv", "gdtr", "gdtrc", "gdtrix", "gdtria", "gdtrib", "fdtrc", "fdtri", "stdtrit", "stdtridf",
        "btdtria", "btdtrib"}
"""Those whose derivatives by their shapes are not compiled once more here: they are those of gammainc, betainc, fdtr
and stdtr."""
Arrays = list[np.ndarray]

CONSTANT = {"bdtrik", "bdtrin", "nbdtrik", "nbdtrin", "pdtrik", "fdtridfd", "chndtridf", "nctdtridf", "nctdtrinc",
            "_nct_pdf", "ncfdtridfn", "ncfdtridfd", "ncfdtrinc", "_ncf_pdf", "_kolmogp", "_smirnovp", "mathieu_a",
            "mathieu_b", "pro_cv", "obl_cv"}
"""Functions of which no derivative is known."""
COARSE = {"itairy": 1e-3, "stdtridf": 1e-3, "pro_rad2": 1e-5, "pro_rad2_cv": 1e-5, "btdtria": 1e-6, "btdtrib": 1e-6,
          "gdtria": 1e-6, "gdtrib": 1e-6}
"""Functions of SciPy's whose own values are as coarse as that, so that their differences are."""
WRONG = {"obl_rad2_cv"}
"""SciPy's second result is not the derivative of the first."""
ONCE = {"nctdtr", "nctdtrit", "ncfdtr", "ncfdtri", "kolmogorov", "kolmogi", "smirnov", "smirnovi"}
"""Functions that have a derivative, which has none."""


def points(name: str, domain: Sequence[Any]) -> Arrays:
    rng = np.random.default_rng(zlib.crc32(name.encode()))

    def drawn(d: Any) -> np.ndarray:
        if isinstance(d, N):
            return rng.integers(d.low, d.high + 1, COUNT)
        return rng.uniform(*d, COUNT) if isinstance(d, tuple) else np.full(COUNT, d)

    return [drawn(d) for d in domain]


def difference(f: Callable[[Arrays], np.ndarray], args: Arrays, k: int) -> np.ndarray:
    """The derivative by argument k, by the central difference of fourth order."""
    h = 1e-3 * np.maximum(np.abs(args[k]), 0.2)

    def at(steps: int) -> np.ndarray:
        return f([a + steps * h if j == k else a for j, a in enumerate(args)])

    return np.asarray((8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h))


def differentiable(name: str, result: int, domain: Sequence[Any]) -> list[int]:
    """The arguments that vary and have a derivative, or none because there are but steps."""
    return [k for k, (entry, d) in enumerate(zip(row(name, result), domain, strict=True))
            if not isinstance(entry, str) and isinstance(d, tuple) and not isinstance(d, N)]


def func(name: str, result: int, args: Arrays, dtype: Any = F64) -> Func:
    types = [type_of(a) if a.dtype.kind == "i" else type_of(a).with_dtype(dtype) for a in args]
    return build(name.strip("_"), types, lambda b, *p: [b.special_call(*p, function=name, result=result)],
                 tuple("xyzuvw"[:len(args)]))


def close(got: np.ndarray, expected: np.ndarray, scale: np.ndarray, tolerance: float, what: str) -> None:
    bound = tolerance * np.maximum(np.abs(expected), np.abs(scale))
    assert np.all(np.abs(got - expected) <= bound), f"{what}: {got} against {expected}"


CASES = [(name, domain, result) for name, domains in DOMAINS.items() for domain in domains
         for result in range(len(signature(name).results)) if name not in WRONG]


@pytest.mark.parametrize("name", DOMAINS)
def test_derivatives(name: str) -> None:
    tolerance = COARSE.get(name, 2e-7)
    for n, domain, result in CASES:
        if n == name:
            args = points(name, domain)
            assert np.all(np.isfinite(evaluate(*args, function=name, result=result)))
            for k in differentiable(name, result, domain):
                check_argument(name, result, args, k, tolerance)


def check_argument(name: str, result: int, args: Arrays, k: int, tolerance: float) -> None:
    f, one = func(name, result, args), np.ones(COUNT)
    value = evaluate(*args, function=name, result=result)
    if row(name, result)[k] is STEPS:
        assert not np.any(interpret(reverse(f, [k]), [*args, one])[-1])
        return
    forward = jvp(f, [k])
    verify(forward)
    slope = interpret(forward, [*args, one])[-1]
    close(slope, difference(lambda a: evaluate(*a, function=name, result=result), args, k), 1e-3 * value, tolerance,
          f"{name}, result {result}, by argument {k}")
    np.testing.assert_allclose(interpret(reverse(f, [k]), [*args, one])[-1], slope, rtol=1e-13)
    if name not in ONCE:
        second = interpret(jvp(forward, [k]), [*args, one, one])[-1]
        expected = difference(lambda a: interpret(forward, [*a, one])[-1], args, k)
        close(second, expected, 1e-2 * (np.abs(slope) + np.abs(value)), 10 * tolerance,
              f"{name}, result {result}, twice by argument {k}")


# machine code ---------------------------------------------------------------------------------------------------------
def groups(size: int = 30) -> Iterator[list[tuple[str, Any, int]]]:
    """What shares a kernel: all functions, each in its first domain."""
    first = [c for c in CASES if c[1] is DOMAINS[c[0]][0]]
    for k in range(0, len(first), size):
        yield first[k:k + size]


def together(group: Sequence[tuple[str, Any, int]], dtype: Any) -> tuple[Func, Arrays]:
    """One function of all values and derivatives of a group, and its arguments."""
    inputs: Arrays = []
    bodies = []
    for name, domain, result in group:
        args = points(name, domain)
        wrt = [k for k in differentiable(name, result, domain) if row(name, result)[k] is not STEPS]
        wrt = wrt[-1:] if name in DEAR else wrt
        f = func(name, result, args, dtype)
        bodies.append((jvp(f, wrt) if wrt else f, len(inputs), len(args), len(wrt)))
        inputs += [*args, *(np.ones(COUNT) for _ in wrt)]
    inputs = [a if a.dtype.kind == "i" else a.astype(dtype.np) for a in inputs]

    def body(b: Builder, *params: Value) -> Sequence[Value]:
        results: list[Value] = []
        for f, first, arity, tangents in bodies:
            results += b.append("call", params[first:first + arity + tangents], {"callee": f, "isolated": False},
                              results=tuple(r.type for r in f.results)).results
        return results

    return inline_calls(build("group", [type_of(a) for a in inputs], body)), inputs


@pytest.mark.thinned
@pytest.mark.parametrize("group", [pytest.param(g, id=f"{g[0][0]}-{g[-1][0]}") for g in groups()])
def test_compiled(group: list[tuple[str, Any, int]]) -> None:
    f, args = together(group, F64)
    expected = interpret(f, args)
    for compiled in COMPILED.values():
        for got, e in zip(compiled(f, args), expected, strict=True):
            np.testing.assert_allclose(got, e, rtol=1e-9, atol=1e-12)


def test_compiled_float32() -> None:
    group = [c for c in CASES if c[0] in ("jv", "gamma", "airy", "betainc", "_spherical_jn", "zetac")]
    f, args = together(group, F32)
    expected = interpret(f, args)
    for compiled in COMPILED.values():
        for got, e in zip(compiled(f, args), expected, strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, e, rtol=2e-4, atol=1e-5)


# the table ------------------------------------------------------------------------------------------------------------
def test_every_function_has_rows_and_a_domain() -> None:
    assert set(ROWS) == set(SIGNATURES)
    assert set(DOMAINS) | CONSTANT == set(SIGNATURES)
    for name in SIGNATURES:
        s = signature(name)
        for result in range(len(s.results)):
            assert len(row(name, result)) == len(s.operands)


def test_the_type_rule_refuses_what_no_loop_takes() -> None:
    x, y = np.ones(3), np.ones(2)
    with pytest.raises(DtypeError, match="takes 2 operands, not 1"):
        build("f", [type_of(x)], lambda b, p: [b.special_call(p, function="jv")], ("x",))
    with pytest.raises(ShapeError, match="operands have shapes"):
        build("f", [type_of(x), type_of(y)], lambda b, p, q: [b.special_call(p, q, function="jv")], ("x", "y"))
    with pytest.raises(DtypeError, match="no function 'nothing'"):
        build("f", [type_of(x)], lambda b, p: [b.special_call(p, function="nothing")], ("x",))


def test_what_has_no_derivative_says_which_argument() -> None:
    args = points("jv", (((0.5, 2.0)), (0.5, 2.0)))
    with pytest.raises(UnsupportedError, match="scipy.special.jv with regard to its argument v is not known"):
        reverse(func("jv", 0, args), [0])
