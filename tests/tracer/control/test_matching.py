"""`match` on what traced values decide: chosen strings, members of enumerations, traced integers."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import pytest

import gradjit as gj


class Kind(enum.Enum):
    NEAR = 1
    FAR = 2


@dataclass
class Part:
    length: float
    mode: str


def a_string(x):
    kind = "big" if x > 1 else "small"
    match kind:
        case "big":
            return x * 2
        case "small":
            return x * 3
        case _:
            return x


def a_member(x):
    kind = Kind.FAR if x > 1 else Kind.NEAR
    match kind:
        case Kind.FAR:
            y = x * 2
        case Kind.NEAR:
            y = x * 3
    return y


def pairs_and_guards(x):
    a, b = "up" if x > 1 else "down", "hot" if x > 3 else "cold"
    match a, b:
        case "up", "hot":
            return x * 2
        case "up", other:
            return x * 3 if other == "cold" else x * 7
        case ("down" | "flat"), "cold" as t if t == "cold":
            return x * 5
        case _:
            return x


def names_of_a_guard_that_is_false(x):
    match (x, 2.0):
        case (a, b) if a > 3:
            return b
        case _:
            return a * b * x


def integers(x):
    s = 0.0
    for i in range(30):
        match (i * int(np.floor(x))) % 3:
            case 0:
                s = s + x
            case 1 if x > 1:
                s = s + x * x
            case 2 | 1:
                s = s * 0.9
    return s


def attributes(x):
    p = Part(x * 2, "a" if x > 1 else "b")
    match p:
        case Part(length=v, mode="a"):
            return v
        case Part(length=v, mode="b"):
            return v * 3


def items(x):
    d = {"mode": "a" if x > 1 else "b", "v": x}
    match d:
        case {"mode": "a", "v": v}:
            return v
        case {"mode": "b", **rest}:
            return rest["v"] * 3


def states_in_a_loop(x):
    state, s = "idle", 0.0
    for _ in range(40):
        match state:
            case "idle":
                if s > 3.1:
                    state = "run"
                s = s + x
            case "run":
                s = s * 0.5
                if s < 1:
                    state = "idle"
            case _:
                s = -1.0
    return s


def a_machine(x):
    stack = []
    for op in [("push", x), ("push", 2.0), ("mul",), ("push", 1.0), ("add",)]:
        match op:
            case ("push", v):
                stack.append(v)
            case ("mul",):
                stack.append(stack.pop() * stack.pop())
            case ("add", *_):
                stack.append(stack.pop() + stack.pop())
            case _:
                raise ValueError(op)
    return stack[0]


@pytest.mark.parametrize("f", [a_string, a_member, pairs_and_guards, names_of_a_guard_that_is_false, integers,
                               attributes, items, states_in_a_loop, a_machine], ids=lambda f: f.__name__)
def test_match(f):
    compiled, gradient = gj.jit(f), gj.grad(f)
    for x in 0.71, 1.53, 4.17:
        assert compiled(x) == pytest.approx(f(x), rel=1e-13)
        assert gradient(x) == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-6)


def test_what_is_chosen_is_not_compared_unseen():
    """In a generator `match` is Python's own, which would find no case that fits."""
    def kinds(kind):
        match kind:
            case "a":
                yield 1.0
            case _:
                yield 2.0

    with pytest.raises(gj.TraceError, match="one of 'a', 'b', as a traced value decides"):
        gj.jit(lambda x: x * sum(kinds("a" if x > 0 else "b")))(1.0)
