"""Structured control flow: operations with regions.

`if cond { then } else { otherwise }`: the regions take no parameters and yield values of the same types.
`for lo, hi, step, init... { (i, carried...) ... yield next... }`: i runs as Python's range(lo, hi, step). `snapshots`:
    the reverse of the loop keeps so many states of what it carries and computes again what lies between; 0: it keeps
    what it reads of every iteration.
`while init... { (carried...) yield bool } { (carried...) yield next... }`.
`call %x... callee=@f`: the results of a function of the module, which has no effects. `isolated=true`: its reverse runs
    it again, and keeps nothing of it.
The interpreter gives them their meaning. `For`, `While` and `If` name the parts of such an operation: nobody else
counts operands or parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..core import Block, Func, Op, Value
from ..types import BOOL, INDEX, TAPE, ArrayType
from .spec import STEP, Fails, OpSpec, table

Types = Sequence[ArrayType]


class Loop:
    """A loop by its fields: what it carries. (It looks at the operation at each access, so that it stays true while a
    pass changes that.) `Loop.of` gives the kind that fits.

    inits: what is carried into the first iteration. params: the parameters of the body that stand for it. yields: what
    the body hands to the next iteration. results: what the last one hands on.
    """

    __slots__ = ("op",)

    def __init__(self, op: Op):
        self.op = op

    @staticmethod
    def of(op: Op) -> Loop:
        return LOOPS[op.name](op)

    @property
    def inits(self) -> tuple[Value, ...]:
        return self.op.operands

    def begin_with(self, inits: Sequence[Value]) -> None:
        """Carry other values into the first iteration."""
        self.op.operands = tuple(inits)

    @property
    def body(self) -> Block:
        return self.op.regions[-1]

    @property
    def params(self) -> tuple[Value, ...]:
        return self.params_of(self.body)

    @property
    def yields(self) -> tuple[Value, ...]:
        return self.body.results

    @property
    def results(self) -> tuple[Value, ...]:
        return self.op.results

    @property
    def decides(self) -> tuple[Value, ...]:
        """What tells how many iterations there are."""
        raise NotImplementedError

    def params_of(self, region: Block) -> tuple[Value, ...]:
        """The parameters of a region that stand for what is carried."""
        return region.params

    def position(self, param: Value) -> int | None:
        """Which of the carried values a parameter of a region is; None for the index of a `for`."""
        return param.index


class For(Loop):
    """A `for` by its fields: index takes the values of range(lo, hi, step)."""

    __slots__ = ()

    @property
    def bounds(self) -> tuple[Value, Value, Value]:
        """lo, hi, step."""
        lo, hi, step = self.op.operands[:3]
        return lo, hi, step

    @property
    def lo(self) -> Value:
        return self.op.operands[0]

    @property
    def hi(self) -> Value:
        return self.op.operands[1]

    @property
    def step(self) -> Value:
        return self.op.operands[2]

    @property
    def inits(self) -> tuple[Value, ...]:
        return self.op.operands[3:]

    def begin_with(self, inits: Sequence[Value]) -> None:
        self.op.operands = (*self.bounds, *inits)

    @property
    def index(self) -> Value:
        return self.body.params[0]

    @property
    def decides(self) -> tuple[Value, ...]:
        return self.bounds

    def params_of(self, region: Block) -> tuple[Value, ...]:
        return region.params[1:]

    def position(self, param: Value) -> int | None:
        return param.index - 1 if param.index else None


class While(Loop):
    """A `while` by its fields: another iteration runs while the region `condition` yields a true `test`."""

    __slots__ = ()

    @property
    def condition(self) -> Block:
        return self.op.regions[0]

    @property
    def test(self) -> Value:
        return self.condition.results[0]

    @property
    def decides(self) -> tuple[Value, ...]:
        return (self.test,)


class If:
    """An `if` by its fields: the region `then` is run where `condition` is true, else `otherwise`."""

    __slots__ = ("op",)

    def __init__(self, op: Op):
        self.op = op

    @property
    def condition(self) -> Value:
        return self.op.operands[0]

    @property
    def then(self) -> Block:
        return self.op.regions[0]

    @property
    def otherwise(self) -> Block:
        return self.op.regions[1]

    def sides(self, k: int) -> tuple[Value, Value]:
        """What the two regions yield for result k."""
        return self.then.results[k], self.otherwise.results[k]


LOOPS: dict[str, type[Loop]] = {"for": For, "while": While}


def is_loop(op: Op) -> bool:
    return op.name in LOOPS


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


def _infer_call(*types: ArrayType, callee: Func, isolated: bool = False, results: Types = ()) -> tuple[ArrayType, ...]:
    if len(types) != len(callee.params) or len(results) != len(callee.results):
        raise ShapeError(f"call: {len(types)} operands and {len(results)} results, where @{callee.name} takes "
                         f"{len(callee.params)} and gives {len(callee.results)}")
    for t, v in zip((*types, *results), (*callee.params, *callee.results), strict=True):
        known = [(a, b) for a, b in zip(t.shape, v.shape, strict=False) if isinstance(a, int) and isinstance(b, int)]
        if t.dtype != v.dtype or t.rank != v.type.rank or any(a != b for a, b in known) or t.dtype is TAPE:
            raise ShapeError(f"call: {t} where @{callee.name} has {v!r}")
    return tuple(results)


def _call(*args: Any, callee: Func, isolated: bool = False) -> tuple[Any, ...]:
    from ..interpreter import interpret  # which imports this table
    return tuple(interpret(callee, args))


OPS = table(
    OpSpec("call", "control", None, _infer_call, _call, Fails.INSIDE,
           {"callee": kinds.FUNC, "isolated": kinds.BOOL}, defaults={"isolated": False}, states_results=True,
           **STEP),
    OpSpec("if", "control", 1, _infer_if, None, Fails.INSIDE, regions=2, check_regions=_check_if, **STEP),
    OpSpec("for", "control", None, _infer_for, None, Fails.INSIDE, {"snapshots": kinds.INT}, regions=1,
           check_regions=_check_for,
           defaults={"snapshots": 0}, **STEP),
    OpSpec("while", "control", None, _infer_while, None, Fails.INSIDE, regions=2, check_regions=_check_while,
           **STEP),
)
