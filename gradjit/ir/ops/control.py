"""Structured control flow: operations with regions.

`if cond { then } else { otherwise }`: the regions take no parameters and yield values of the same types.
`for lo, hi, step, init... { (i, carried...) ... yield next... }`: i runs as Python's range(lo, hi, step). `snapshots`:
    the reverse of the loop keeps so many states of what it carries and computes again what lies between; 0: it keeps
    what it reads of every turn.
`while init... { (carried...) yield bool } { (carried...) yield next... }`.
The interpreter gives them their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import DtypeError
from .. import attrs as kinds
from ..core import Block
from ..types import BOOL, INDEX, ArrayType
from .spec import OpSpec, table

Types = Sequence[ArrayType]


def _types(values: Sequence[Any]) -> list[ArrayType]:
    return [v.type for v in values]


def _mismatch(what: str, got: Types, expected: Types) -> list[str]:
    return [] if list(got) == list(expected) else [f"{what} {list(got)}, expected {list(expected)}"]


def _infer_if(*types: ArrayType, results: Types = ()) -> tuple[ArrayType, ...]:
    if types != (ArrayType(BOOL),):
        raise DtypeError(f"if: the condition is {types}")
    return tuple(results)


def _check_if(_: Types, __: dict[str, Any], regions: Sequence[Block]) -> list[str]:
    then, other = regions
    return (_mismatch("if: then takes", _types(then.params), []) + _mismatch("if: else takes", _types(other.params), [])
            + _mismatch("if: else yields", _types(other.results), _types(then.results)))


def _infer_for(*types: ArrayType, results: Types = ()) -> tuple[ArrayType, ...]:
    if len(types) < 3 or any(t != INDEX for t in types[:3]):
        raise DtypeError(f"for: bounds and step must be three i64[], got {types[:3]}")
    return types[3:]


def _check_for(types: Types, _: dict[str, Any], regions: Sequence[Block]) -> list[str]:
    (body,) = regions
    return (_mismatch("for: the body takes", _types(body.params), [INDEX, *types[3:]])
            + _mismatch("for: the body yields", _types(body.results), types[3:]))


def _infer_while(*types: ArrayType, results: Types = ()) -> tuple[ArrayType, ...]:
    return types


def _check_while(types: Types, _: dict[str, Any], regions: Sequence[Block]) -> list[str]:
    cond, body = regions
    return (_mismatch("while: the condition takes", _types(cond.params), types)
            + _mismatch("while: the condition yields", _types(cond.results), [ArrayType(BOOL)])
            + _mismatch("while: the body takes", _types(body.params), types)
            + _mismatch("while: the body yields", _types(body.results), types))


OPS = table(
    OpSpec("if", "control", 1, _infer_if, None, regions=2, check_regions=_check_if),
    OpSpec("for", "control", None, _infer_for, None, {"snapshots": kinds.INT}, regions=1, check_regions=_check_for,
           defaults={"snapshots": 0}),
    OpSpec("while", "control", None, _infer_while, None, regions=2, check_regions=_check_while),
)
