"""What the user declares: functions that are not looked into, and derivatives that somebody has written.

`opaque %operand... function="name" types=[f64[3]]`: what a Python function makes of the operands. It gives the same for
the same operands, and changes nothing; it may raise an exception.

`custom %result..., %operand... results=n rule="name"`: the n results, whose derivative with respect to the operands
behind them is that of a rule. The results themselves are made so that no derivative flows through them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..attrs import AttrKind
from ..types import ArrayType
from .spec import STEP, Fails, Memory, OpSpec, table

if TYPE_CHECKING:
    from ..core import Func
    from ..parser import Cursor


class Rule:
    """A derivative as IR, made when it is asked for. One of `push` and `pull` is enough: each is the other, transposed.

    name: the user's name for it. refused: operands (by position) that it does not differentiate, with the reason.
    """

    def __init__(self, name: str, refused: dict[int, str]):
        self.name = f"{name}#{len(RULES)}"
        while self.name in RULES:
            self.name += "'"
        self.refused = refused
        RULES[self.name] = self

    def push(self) -> Func | None:
        """A function of the operands, then of tangents of those that are inexact: the inexact results' tangents."""
        return None

    def pull(self) -> Func | None:
        """A function of the operands, then of cotangents of the inexact results: the inexact operands' cotangents."""
        return None


RULES: WeakValueDictionary[str, Rule] = WeakValueDictionary()
"""By their names, the rules that some program still knows of."""


def by_name(kind: str, known: Mapping[str, Any]) -> AttrKind:
    """The kind of an attribute that is written by its name, and read where this process knows that."""
    def read(c: Cursor) -> Any:
        name = c.string()
        if name not in known:
            raise c.error(f"there is no {kind} {name!r} in this process")
        return known[name]

    return AttrKind(kind, lambda x, _: json.dumps(x.name), read)


RULE = by_name("rule", RULES)


def _infer(*types: ArrayType, results: int, rule: Rule) -> tuple[ArrayType, ...]:
    if not 0 < results <= len(types):
        raise ShapeError(f"custom: {results} results of {len(types)} operands")
    return types[:results]


def _evaluate(*values: np.ndarray, results: int, rule: Rule) -> Any:
    return values[0] if results == 1 else values[:results]


class OpaqueFunction:
    """A Python function as an operation.

    name: the user's name for it. function: of the operands as arrays; gives a sequence of the results.
    """

    def __init__(self, name: str, function: Callable[..., Sequence[Any]]):
        self.title = name
        self.name = f"{name}#{len(FUNCTIONS)}"
        while self.name in FUNCTIONS:
            self.name += "'"
        self.function = function
        FUNCTIONS[self.name] = self

    def __call__(self, operands: Sequence[np.ndarray], types: Sequence[tuple[np.dtype[Any], tuple[int, ...]]]
                 ) -> list[np.ndarray]:
        """The results, which must have the dtypes and shapes that are declared."""
        found = self.function(*operands)
        if len(found) != len(types):
            raise ShapeError(f"{self.title} returned {len(found)} arrays, and {len(types)} are declared")
        return [fitted(self.title, x, k, *t) for k, (x, t) in enumerate(zip(found, types, strict=True))]


def fitted(name: str, x: Any, k: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Result k of an opaque function as a row-major array of its own; ShapeError, DtypeError where it is not what is
    declared."""
    a = np.asarray(x)
    if a.shape != shape:
        raise ShapeError(f"{name} returned an array of shape {a.shape} as result {k}; {shape} is declared")
    if not np.can_cast(a.dtype, dtype, "same_kind"):
        raise DtypeError(f"{name} returned {a.dtype} as result {k}; {dtype} is declared")
    return a.astype(dtype, order="C")


FUNCTIONS: WeakValueDictionary[str, OpaqueFunction] = WeakValueDictionary()
"""By their names, the functions that some program still knows of."""


FUNCTION = by_name("function", FUNCTIONS)


def _infer_opaque(*operands: ArrayType, function: OpaqueFunction, types: tuple[ArrayType, ...]
                  ) -> tuple[ArrayType, ...]:
    if not types:
        raise ShapeError("opaque: a function has a result at least")
    return types


def _apply(*operands: np.ndarray, function: OpaqueFunction, types: tuple[ArrayType, ...]) -> tuple[np.ndarray, ...]:
    return tuple(function(operands, [(t.dtype.np, t.extents) for t in types]))


OPS = table(
    OpSpec("opaque", "custom", None, _infer_opaque, _apply, Fails.SOMETIMES,
           {"function": FUNCTION, "types": kinds.TYPES}, calls_user=True, memory=Memory.NEST, cost=1e4,
           open_extents=False),
    OpSpec("custom", "custom", None, _infer, _evaluate, Fails.NEVER, {"results": kinds.INT, "rule": RULE},
           **STEP),
)
