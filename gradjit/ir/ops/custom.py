"""Values whose derivative somebody has written.

`custom %result..., %operand... results=n rule="name"`: the n results, whose derivative with respect to the operands
behind them is that of a rule. The results themselves are made so that no derivative flows through them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from ...errors import ShapeError
from .. import attrs as kinds
from ..attrs import AttrKind
from ..types import ArrayType
from .spec import STEP, Fails, OpSpec, table

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


def _read(c: Cursor) -> Rule:
    name = c.string()
    if name not in RULES:
        raise c.error(f"there is no rule {name!r} in this process")
    return RULES[name]


RULE = AttrKind("rule", lambda rule, _: json.dumps(rule.name), _read)


def _infer(*types: ArrayType, results: int, rule: Rule) -> tuple[ArrayType, ...]:
    if not 0 < results <= len(types):
        raise ShapeError(f"custom: {results} results of {len(types)} operands")
    return types[:results]


def _evaluate(*values: np.ndarray, results: int, rule: Rule) -> Any:
    return values[:results]


OPS = table(
    OpSpec("custom", "custom", None, _infer, _evaluate, Fails.NEVER, {"results": kinds.INT, "rule": RULE},
           pinned=True, **STEP),
)
