"""Lists and dicts that Python itself makes for a name (`*rest`, `**kw`) belong to the call, and may be changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gradjit as gj


def rotated(items: list[Any]) -> list[Any]:
    first, *rest = items
    rest.append(first)
    rest[0] = rest[0] * 2.0
    return rest


def in_helper(x: Any) -> Any:
    a, b, c = rotated([x[0], x[1], x[2]])
    return a * b + c * c


def filled(**kw: Any) -> Any:
    kw["z"] = kw["a"] * 2.0
    kw.setdefault("y", kw["z"])
    kw.update(a=kw.pop("a") * kw["y"])
    return kw["a"] + kw["z"]


def keywords(x: Any) -> Any:
    return filled(a=x[0]) + filled(a=x[1], y=x[2])


def keywords_of_lambda(x: Any) -> Any:
    g = lambda *a, **k: (k.update(z=a[0]), k["z"] * k["b"])[1]
    return g(x[0], b=x[1]) + x[2]


def keywords_of_method(x: Any) -> Any:
    class Point:
        """With a docstring."""

        def __init__(self, **kw: Any):
            """With another."""
            kw["b"] = kw["a"] * 2.0
            self.__dict__.update(kw)

    p = Point(a=x[0])
    return p.a * p.b + x[1] * x[2]


def in_loop(x: Any) -> Any:
    total = 0.0
    for p, *rest in [(x[0], x[1]), (x[1], x[2])]:
        rest.append(p)
        total = total + rest[0] * rest[1] * p
    return total


def looping(rows: Any) -> Any:
    total = 0.0
    for p, (q, *rest) in rows:
        rest.append(p * q)
        total = total + rest[-1] * rest[0]
    return total


def in_loop_of_helper(x: Any) -> Any:
    return looping([(x[0], (x[1], x[2])), (x[2], (x[0], x[0]))])


def in_traced_loop(x: Any) -> Any:
    total = 0.0
    while total < 10.0:
        p, *rest = [x[0], x[1] + total, x[2]]
        rest.append(p)
        rest[0] = rest[0] * p
        total = total + abs(rest[0]) + abs(rest[2]) + 1.0
    return total


def in_traced_branch(x: Any) -> Any:
    if x[0] > 0.0:
        p, *rest = [x[0], x[1]]
        rest.append(p)
    else:
        rest = [x[2], x[0]]
    return rest[0] * rest[1]


def matched(items: list[Any], table: dict[str, Any]) -> Any:
    match items:
        case [p, *rest] if len(rest) > 1:
            rest.append(p)
    match table:
        case {"a": a, **others}:
            others["c"] = a
    return rest[0] * rest[2] * others["b"] + others["c"]


def in_match(x: Any) -> Any:
    return matched([x[0], x[1], x[2]], {"a": x[0], "b": x[1]})


def in_comprehension(x: Any) -> Any:
    rows = [[x[0], x[1], x[2]], [x[1], x[1], x[0]]]
    return sum([(rest.append(p), rest[0] * rest[2])[1] for p, *rest in rows])


def in_generator(x: Any) -> Any:
    def rows() -> Iterator[Any]:
        a, *b = [x[0], x[1], x[2]]
        b.append(a)
        yield from b
    return sum(v * v for v in rows())


def in_targets_with_items(x: Any) -> Any:
    held = [0.0]
    held[0], *rest = [x[0], x[1], x[2]]
    rest.append(held[0])
    return rest[0] * rest[1] * rest[2]


class Entered:
    def __init__(self, items: list[Any]):
        self.items = items

    def __enter__(self) -> list[Any]:
        return self.items

    def __exit__(self, *_: object) -> None:
        pass


def in_with(x: Any) -> Any:
    with Entered([x[0], x[1], x[2]]) as (a, *rest):
        rest.append(a)
    return rest[0] * rest[1] * rest[2]


@pytest.mark.parametrize("f", [
    in_helper, keywords, keywords_of_lambda, keywords_of_method, in_loop, in_loop_of_helper, in_traced_loop,
    in_traced_branch, in_match, in_comprehension, in_generator, in_targets_with_items, in_with])
def test_changed_in_the_call(f: Any) -> None:
    compiled = gj.value_and_grad(f)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([0.5, -2.0, 1.5])):
        value, gradient = compiled(x)
        steps = np.eye(3) * 1e-6
        assert np.isclose(value, f(x))
        np.testing.assert_allclose(gradient, [(f(x + e) - f(x - e)) / 2e-6 for e in steps], atol=1e-6)
    assert len(compiled.stats().specialisations) == 1
