"""Results of which a traced condition decides what they are: strings, texts with numbers in them, None or a value."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradjit as gj


class Verdict(enum.Enum):
    PASS = 1
    FAIL = 2


@dataclass
class Result:
    x: float
    message: str
    success: bool
    note: object


def newton(x, n):
    for k in range(n):
        d = (x * x - 2) / (2 * x)
        x = x - d
        if abs(d) < 1e-9:
            return Result(x, "converged", True, f"after {k} steps: {d:.1e}")
    return Result(x, "failed", False, None)


def either(x):
    if x > 1:
        return x * 2, None, "a"
    return None, x, "b"


def texts(x):
    s = "hot" if x > 1 else "cold"
    return f"{s:>6}: {x:.2f} {np.round(x, 1)} {x}", s.upper(), f"{x:5.1f}"


def nested(x):
    big = np.array([x, 2 * x]) if x > 1 else None
    return {"best": big, "why": [Verdict.PASS if x > 1 else Verdict.FAIL]}


def one_or_the_other(x):
    for k in range(100):
        if k > x:
            return x * k, 2
    return None


def reasons(x):
    if x > 2:
        return x, f"too large: {x:.2f}"
    if x < 1:
        return x, f"too small: {x:.2f} < {1 - x:.1f}"
    for k in range(40):
        x = x * (1.01 if k < 30 else 1.02)
        if x > 1.5:
            break
    else:
        return x, "not there"
    return x, "at once" if k == 0 else f"after {k} steps"


CASES: list[tuple[Any, list[tuple[Any, ...]]]] = [
    (newton, [(1.0, 20), (1.0, 2), (1e8, 20)]), (either, [(2.0,), (0.5,)]), (texts, [(2.0,), (0.5,)]),
    (reasons, [(2.5,), (0.5,), (1.2,), (1.9,), (1.0,)]),
    (nested, [(2.0,), (0.5,)]), (one_or_the_other, [(7.5,), (200.0,)]),
]


@pytest.mark.parametrize("f, sets", [pytest.param(*c, id=c[0].__name__) for c in CASES])
def test_what_is_returned(f, sets):
    compiled, interpreted = gj.jit(f), gj.jit(f, tier="interpret")
    inside = gj.jit(lambda *args: (f(*args), compiled(*args)))
    for args in sets:
        expected = plain(f(*args))
        assert plain(compiled(*args)) == plain(interpreted(*args)) == expected
        assert plain(inside(*args)) == (expected, expected)


def plain(x: Any) -> Any:
    if isinstance(x, Result):
        return plain(list(vars(x).values()))
    if isinstance(x, (list, tuple)):
        return type(x)(map(plain, x))
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def test_beside_a_value_that_is_differentiated():
    def f(x):
        r = newton(x, 20)
        return r.x * x, r

    for x in 1.0, 1e8:
        (value, r), slope = gj.value_and_grad(f, has_aux=True)(x)
        assert (value, plain(r)) == (f(x)[0], plain(f(x)[1]))
        assert slope == pytest.approx((f(x * (1 + 1e-6))[0] - f(x * (1 - 1e-6))[0]) / (2e-6 * x), rel=1e-5)
    assert gj.jvp(either, (2.0,), (1.0,)) == ((4.0, None, "a"), (2.0, None, "a"))
    assert gj.jvp(either, (0.5,), (1.0,))[1][:2] == (None, 1.0)


def test_what_is_no_number_has_no_gradient():
    with pytest.raises(gj.TraceError, match="the if in line .*ask whether it is None"):
        gj.grad(lambda x: either(x)[0])(2.0)
    with pytest.raises(gj.TraceError, match="vmap of a function that returns a text"):
        gj.vmap(either)(np.ones(3))


def test_a_text_of_two_is_not_printed():
    def f(x):
        text = f"large: {x}" if x > 1 else "small"
        print(text)
        return x

    with pytest.raises(gj.TraceError, match="is one text or another .the if in line"):
        gj.jit(f)(2.0)


def test_exceptions_of_any_class_with_an_init_of_their_own():
    class Reflected(ArithmeticError):
        def __init__(self, surface, sine):
            super().__init__(f"total reflection at {surface}: {sine:.3f}")
            self.sine = sine

    def f(x):
        if x > 1:
            raise Reflected("front", x)
        return np.arcsin(x)

    with pytest.raises(Reflected, match="total reflection at front: 1.500") as e:
        gj.grad(f)(1.5)
    assert e.value.sine == 1.5


def test_in_the_text_of_an_exception():
    class Stopped(Exception):
        def __init__(self, status, x):
            super().__init__(status, x)
            self.status = status

    def f(x):
        size = "big" if x > 3 else "small"
        if x > 4:
            raise Stopped(size, x)
        if x > 2:
            raise ValueError(f"it is {size}: {x:.2f}")
        return x

    g = gj.value_and_grad(f)
    assert g(1.0) == (1.0, 1.0)
    for x, text in (2.5, "it is small: 2.50"), (3.5, "it is big: 3.50"):
        with pytest.raises(ValueError, match=text):
            g(x)
    with pytest.raises(Stopped) as e:
        g(5.0)
    assert e.value.args == ("big", 5.0) and e.value.status == "big"
