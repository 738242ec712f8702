"""Elementwise operations and special functions: domains as data."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from gradjit.ir import F32, F64, I32, I64, OPS, interpret
from tests.ops.harness import Case, check

Range = tuple[float, float]

# Where the derivative exists, away from kinks by more than a finite difference's reach.
UNARY: dict[str, tuple[Range, ...]] = {
    "neg": ((-3, 3),),
    "abs": ((-3, -0.1), (0.1, 3)),
    "exp": ((-3, 3),),
    "exp2": ((-3, 3),),
    "expm1": ((-3, 3), (-1e-3, 1e-3)),
    "log": ((0.1, 5), (1e-3, 2e-3)),
    "log2": ((0.1, 5),),
    "log10": ((0.1, 5),),
    "log1p": ((-0.9, 5), (-1e-3, 1e-3)),
    "sqrt": ((0.1, 9),),
    "cbrt": ((-9, -0.1), (0.1, 9)),
    "sin": ((-6, 6),),
    "cos": ((-6, 6),),
    "tan": ((-1.3, 1.3),),
    "arcsin": ((-0.95, 0.95),),
    "arccos": ((-0.95, 0.95),),
    "arctan": ((-6, 6),),
    "sinh": ((-3, 3),),
    "cosh": ((-3, 3),),
    "tanh": ((-3, 3),),
    "arcsinh": ((-6, 6),),
    "arccosh": ((1.1, 6),),
    "arctanh": ((-0.9, 0.9),),
    "squared_root": ((0.1, 9),),
    "erf": ((-2, 2),),
    "erfc": ((-2, 2),),
    "erfinv": ((-0.9, 0.9),),
    "expit": ((-6, 6),),
    "gammaln": ((0.2, 9), (-0.9, -0.1)),
    "digamma": ((0.3, 9),),
}

POSITIVE, BOTH, BELOW, ABOVE = (0.3, 3), (-3, 3), (-3, -0.2), (0.2, 3)

BINARY: dict[str, tuple[tuple[Range, Range], ...]] = {
    "add": ((BOTH, BOTH),),
    "sub": ((BOTH, BOTH),),
    "mul": ((BOTH, BOTH),),
    "div": ((BOTH, ABOVE), (BOTH, BELOW)),
    "pow": ((POSITIVE, BOTH),),
    "mod": (((0.2, 0.9), (1, 2)), ((3.1, 3.4), (1.2, 1.4)), ((3.1, 3.4), (-1.4, -1.2))),
    "fmod": (((0.2, 0.9), (1, 2)), ((3.1, 3.4), (1.2, 1.4)), ((-3.4, -3.1), (1.2, 1.4))),
    "arctan2": ((BOTH, ABOVE), (ABOVE, BOTH), (BELOW, BELOW)),
    "hypot": ((BOTH, ABOVE),),
    "squared_hypot": ((BOTH, ABOVE),),
    "logaddexp": ((BOTH, BOTH),),
    "logaddexp2": ((BOTH, BOTH),),
    "maximum": ((BELOW, ABOVE), (ABOVE, BELOW)),
    "minimum": ((BELOW, ABOVE), (ABOVE, BELOW)),
    "fmax": ((BELOW, ABOVE), (ABOVE, BELOW)),
    "fmin": ((BELOW, ABOVE), (ABOVE, BELOW)),
    "copysign": ((BELOW, ABOVE), (ABOVE, ABOVE)),
    "nextafter": ((BOTH, BOTH),),
}

# NumPy's name where the table's differs.
NUMPY = {
    "neg": "negative", "sub": "subtract", "mul": "multiply", "div": "true_divide", "pow": "power", "mod": "remainder",
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "not": "bitwise_not", "shl": "left_shift",
    "shr": "right_shift", "floordiv": "floor_divide",
}

SHAPES = ((), (5,), (2, 3))


def reference(op: str) -> Any:
    if OPS[op].family == "special":
        special = pytest.importorskip("scipy.special")
        return getattr(special, op)
    if op == "squared_root":
        return lambda x: np.square(np.sqrt(x))
    if op == "squared_hypot":
        return lambda x, y: np.square(np.hypot(x, y))
    return getattr(np, NUMPY.get(op, op))


def draw(key: str, interval: Range, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(np.random.default_rng(zlib.crc32(key.encode())).uniform(*interval, shape))


def smooth_cases() -> list[Case]:
    cases = []
    for op, ranges in UNARY.items():
        for k, r in enumerate(ranges):
            shape = SHAPES[(len(cases) + k) % 3]
            cases.append(Case(op, (draw(op, r, shape),), reference=reference(op), note=f"from{r[0]}"))
    for op, pairs in BINARY.items():
        for k, (rx, ry) in enumerate(pairs):
            shape = SHAPES[(len(cases) + k) % 3]
            # A step of nextafter is far below a finite difference's resolution, and its second one means nothing.
            cases.append(Case(op, (draw(op + "x", rx, shape), draw(op + "y", ry, shape)), reference=reference(op),
                              note=f"from{rx[0]},{ry[0]}"))
    return cases


def with_exponent(n: float, base: Range) -> Case:
    return Case("pow", (draw(f"pow{n}", base, (4,)),), body=lambda b, x: b.pow(x, b.like(n, x)),
                reference=lambda x: x ** n, note=f"exponent{n}")


POWERS = [with_exponent(n, base) for n, base in (
    (2, BOTH), (3, BOTH), (4, BOTH), (-1, ABOVE), (-2, BELOW), (1, BOTH), (0.5, ABOVE), (1.5, ABOVE), (2.7, ABOVE),
    (-0.3, ABOVE))]

X5 = np.array([-1.5, -0.4, 0.3, 1.2, 2.5])
OTHERS = [
    Case("pow", (X5,), body=lambda b, x: b.pow(b.like(2.5, x), x), reference=lambda x: 2.5 ** x, note="base2.5"),
    Case("polygamma", (draw("polygamma", (0.4, 5), (4,)),), {"order": 1}, note="1"),
    Case("polygamma", (draw("polygamma", (0.4, 5), (4,)),), {"order": 2}, note="2", rtol=1e-6),
    Case("select", (np.array([True, False, True, False, True]), X5, X5[::-1] * 2), reference=np.where),
    Case("fma", (X5, X5[::-1] * 2, X5 - 1), reference=lambda x, y, z: x * y + z),
    Case("barrier", (X5,), reference=lambda x: x),
    Case("bitcast", (X5,), {"dtype": I64}, reference=lambda x: x.view(np.int64), smooth=False, float32=False),
    Case("bitcast", (np.arange(5) << 52,), {"dtype": F64}, reference=lambda x: x.view(np.float64), note="to-float"),
    Case("cast", (X5,), {"dtype": F64}, reference=lambda x: x, float32=False),
    Case("cast", (X5,), {"dtype": I32}, reference=lambda x: x.astype(np.int32), smooth=False, note="to-int"),
    Case("cast", (np.array([3, -2]),), {"dtype": F32}, reference=lambda x: x.astype(np.float32), note="from-int"),
    Case("mul", (X5,), body=lambda b, x: b.mul(x, x), reference=np.square, note="square"),
    Case("div", (X5,), body=lambda b, x: b.div(x, x), reference=np.ones_like, note="itself"),
    Case("stop_gradient", (X5,), reference=lambda x: x, smooth=False),
]

INTS, BOOLS = np.array([7, -3, 0, 12, -9]), np.array([True, False, True, True, False])
STEPPED = [Case(op, (X5 * 1.7,), reference=reference(op), smooth=False)
           for op in ("floor", "ceil", "trunc", "rint", "sign", "isnan", "isinf", "isfinite", "signbit")]
COMPARED = [Case(op, (X5, np.array([-1.5, 3.0, np.nan, 1.2, 0.0])), reference=reference(op), smooth=False)
            for op in ("eq", "ne", "lt", "le", "gt", "ge")]
WHOLE = [Case(op, (INTS, np.array([2, 5, 1, -4, 3])), reference=reference(op), note="int")
         for op in ("add", "sub", "mul", "floordiv", "mod", "fmod", "and", "or", "xor", "maximum", "minimum")]
WHOLE += [Case(op, (INTS, np.array([2, 5, 1, 4, 3])), reference=reference(op), note="int")
          for op in ("pow", "shl", "shr", "gcd")]
WHOLE += [Case(op, (INTS,), reference=reference(op), note="int") for op in ("neg", "abs", "sign", "not")]
LOGIC = [Case(op, (BOOLS, BOOLS[::-1]), reference=reference(op), note="bool") for op in ("and", "or", "xor")]
LOGIC += [Case("not", (BOOLS,), reference=reference("not"), note="bool"),
          Case("floordiv", (X5, np.array([0.7, -0.3, 2.0, 0.5, -1.1])), reference=reference("floordiv"), smooth=False)]

CASES = [*smooth_cases(), *POWERS, *OTHERS, *STEPPED, *COMPARED, *WHOLE, *LOGIC]


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_operation(case: Case) -> None:
    check(case)


def test_every_pointwise_operation_has_a_case() -> None:
    named = {c.op for c in CASES} | {"special_call"}  # which has a file of its own: test_special_functions.py
    assert {name for name, s in OPS.items() if s.family in ("elementwise", "special")} - named == set()


def test_int64_is_the_dtype_of_whole_numbers() -> None:
    f = Case("add", (INTS, INTS)).func()
    assert f.results[0].dtype == I64
    assert interpret(f, [INTS, INTS])[0].dtype == np.int64

