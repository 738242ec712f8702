"""Which values of a function under construction are equal whatever its arguments: such have the same number.

Two values are equal if the same operation has made them of equal values. Arrays that consist of elements of others
(windows, transposes, joined pieces) are equal if their elements are, by whichever way they came together: a matrix
without its first and then without its second column is the one without its second and then without its first.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from math import prod
from typing import Any

import numpy as np

from ..ir import OPS, Op, Value
from ..ir.ops.spec import Memory
from ..ir.sizes import is_open

FEW = 1024
"""Of arrays with more elements it is not told where each comes from."""


class ValueNumbers:
    """Numbers of the values of one recorder."""

    def __init__(self) -> None:
        self.numbers: dict[Value, int] = {}
        self.by_key: dict[Hashable, int] = {}
        self.elements: dict[int, np.ndarray] = {}
        """By number, of arrays with few elements: an integer for each, equal where the elements are."""
        self.count = itertools.count()
        self.count_of_elements = 0

    def of(self, v: Value) -> int:
        """The number of a value."""
        todo = [v]
        while todo:
            top = todo[-1]
            if top in self.numbers:
                todo.pop()
            elif missing := [] if top.op is None else [u for u in top.op.uses() if u not in self.numbers]:
                todo += missing
            else:
                self.numbers[top] = self.number(top)
        return self.numbers[v]

    def number(self, v: Value) -> int:
        """The number of a value whose operands have theirs."""
        op, few = v.op, all(map(is_fixed, v.shape)) and prod(v.shape) <= FEW
        if few and op is not None and (moved := self.moved(op)) is not None:
            return self.of_elements(v, moved)
        key = None if op is None else self.key(op)
        if key is None:
            number = next(self.count)
        else:
            key = key, v.index
            if key not in self.by_key:
                self.by_key[key] = next(self.count)
            number = self.by_key[key]
        if few and number not in self.elements:
            first, self.count_of_elements = self.count_of_elements, self.count_of_elements + prod(v.shape)
            self.elements[number] = ids = np.arange(first, self.count_of_elements).reshape(v.shape)
            self.by_key[elements_key(v, ids)] = number
        return number

    def of_elements(self, v: Value, ids: np.ndarray) -> int:
        key = elements_key(v, ids)
        if key not in self.by_key:
            self.by_key[key] = number = next(self.count)
            self.elements[number] = ids
        return self.by_key[key]

    def moved(self, op: Op) -> np.ndarray | None:
        """The elements of the result of an operation that only puts those of its operands to other places."""
        spec = OPS[op.name]
        if spec.memory not in (Memory.VIEW, Memory.COPY) or spec.evaluate is None:
            return None
        operands = [self.elements.get(self.numbers[u]) for u in op.operands]
        if op.name == "gather":  # behind the array come the places
            operands[1:] = [literal(u) for u in op.operands[1:]]
        if any(e is None for e in operands) or not all(
                is_fixed(e) for a in op.attrs.values() if isinstance(a, tuple) for e in a):
            return None
        return np.asarray(spec.evaluate(*operands, **op.attrs))

    def key(self, op: Op) -> Hashable | None:
        """Equal for operations that give the same; None for what is like no other."""
        spec = OPS[op.name]
        if spec.is_pinned or spec.effect or spec.calls_user or op.regions:
            return None
        if op.name == "const":
            value = op.attrs["value"]
            attrs: list[Any] = [value.dtype, value.shape, value.tobytes(), op.attrs["shape"]]
        else:
            attrs = list(op.attrs.values())
        if any(is_open(e) for a in attrs if isinstance(a, tuple) for e in a):
            return None
        attrs = [tuple(map(self.attribute, a)) if isinstance(a, tuple) else a for a in attrs]
        numbers = [self.numbers[u] for u in op.operands]
        key = op.name, *(sorted(numbers) if spec.commutative else numbers), *attrs
        return key if is_hashable(key) else None

    def attribute(self, e: Any) -> Any:
        return ("value", self.numbers[e]) if isinstance(e, Value) else e


def is_fixed(extent: Any) -> bool:
    """Whether it is a number, and no size that differs from call to call."""
    return isinstance(extent, int) and not is_open(extent)


def elements_key(v: Value, ids: np.ndarray) -> Hashable:
    return v.type, ids.tobytes()


def literal(v: Value) -> np.ndarray | None:
    """The elements of a constant."""
    if v.op is None or v.op.name != "const":
        return None
    return np.broadcast_to(v.op.attrs["value"], v.shape)


def is_hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True
