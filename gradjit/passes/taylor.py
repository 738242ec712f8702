"""Taylor mode: a function becomes one that also pushes the derivatives of curves through its parameters forward.

A parameter is a curve x(t) with known derivatives at 0; the results' derivatives along it follow, of all orders up to
one, at a cost that grows with the square of the order (nested forward mode doubles it with each). Coefficients are
x_k = x^(k)(0) / k!. (Griewank and Walther, Evaluating Derivatives, 2nd edition, chapter 13.)

- What is linear does to each coefficient what it does to values: its pushforward.
- Products are sums of products of coefficients, quotients follow from them.
- For all else y' is an expression of x, x' and y: the pushforward of the operation. Its coefficients give those of y,
  k y_k = (y')_{k-1}, and are found in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from math import factorial

from ..errors import UnsupportedError
from ..ir import Block, Builder, Func, Op, Value, captures
from ..ir.clone import Env, copy_op, new_block
from ..ir.sizes import deciding
from ..tracer.locations import fail
from . import jvp
from .checks import append_parameter, check_operation, check_parameters
from .inline import inline_calls
from .masks import unmasked
from .planes import has_complex

BILINEAR: dict[str, Callable[[Builder, Op, Value, Value], Value]] = {
    "mul": lambda b, op, x, y: b.mul(x, y),
    "contract": lambda b, op, x, y: b.contract(x, y, **op.attrs),
}


@deciding(False)
def taylor(func: Func, wrt: Sequence[int], order: int) -> Func:
    """`func` with `order` more parameters for each of `wrt`, the derivatives of its curve, and as many more results for
    each inexact result.

    Raises DifferentiationError for parameters that are not floating-point, UnsupportedError for loops, branches and
    complex numbers, with the user's line.
    """
    check_parameters(func, wrt)
    func = inline_calls(func, isolated=False)
    if has_complex(func):
        raise UnsupportedError("gj.jet of complex numbers is not supported; nest gj.jvp")
    env: Env = {}
    block = new_block(func.params, env)
    pusher = CurvePusher(Builder(block), order)
    for k in wrt:
        p = block.params[k]
        given = [append_parameter(block, p, f"d{n}_{p.name}" if p.name else f"d{n}") for n in range(1, order + 1)]
        pusher.curves[p] = Given([p, *(scaled(pusher.b, x, 1 / factorial(n)) for n, x in enumerate(given, 1))])
    for op in func.ops:
        pusher.push(copy_op(pusher.b, op, env))
    pusher.b.loc = None
    results = [env.get(r, r) for r in func.results]
    block.results = (*results, *(v for r in results if r.dtype.is_inexact for v in pusher.derivatives(r)))
    return Func(func.name + ".jet", block)


def scaled(b: Builder, x: Value, factor: float) -> Value:
    return x if factor == 1 else b.mul(x, b.like(factor, x))


# curves ---------------------------------------------------------------------------------------------------------------
class MovingValue:
    """A value that moves. `coefficient(k)`: None is a structural zero; that of 0 is the value, and always there."""

    def coefficient(self, k: int) -> Value | None:
        raise NotImplementedError


class Given(MovingValue):
    """One whose coefficients are known; those behind the last are zeros."""

    def __init__(self, coefficients: Sequence[Value]):
        self.coefficients = coefficients

    def coefficient(self, k: int) -> Value | None:
        return self.coefficients[k] if k < len(self.coefficients) else None


class DerivativeOf(MovingValue):
    """x' of a curve x, of x's type."""

    def __init__(self, b: Builder, x: MovingValue, like: Value):
        self.b, self.x, self.like = b, x, like

    def coefficient(self, k: int) -> Value | None:
        c = self.x.coefficient(k + 1)
        if c is None:
            return self.b.zeros(self.like.type) if k == 0 else None
        return scaled(self.b, c, k + 1.0)


class ResultOf(MovingValue):
    """A result of an operation."""

    def __init__(self, operation: MovingOp, index: int):
        self.operation, self.index = operation, index
        self.found: list[Value | None] = [operation.op.results[index]]

    def coefficient(self, k: int) -> Value | None:
        while len(self.found) <= k:
            self.found.append(self.operation.coefficients(len(self.found))[self.index])
        return self.found[k]


class MovingOp:
    """An operation whose operands move. op: as it stands in the function, on their values."""

    def __init__(self, b: Builder, op: Op, curves: Mapping[Value, MovingValue], operands: Sequence[MovingValue]):
        self.b, self.op, self.curves, self.operands = b, op, curves, operands
        self.results = [ResultOf(self, k) for k in range(len(op.results))]
        self.found: dict[int, list[Value | None]] = {}

    def coefficients(self, k: int) -> list[Value | None]:
        """The k-th of each result."""
        if k not in self.found:
            self.found[k] = self.computed(k)
        return self.found[k]

    def computed(self, k: int) -> list[Value | None]:
        name = self.op.name
        if name in jvp.CONSTANT:
            return [None] * len(self.results)
        if name in BILINEAR:
            x, y = self.operands
            return [self.convolved(BILINEAR[name], x, y, range(k + 1), k)]
        if name == "div":
            x, y = self.operands
            return [self.quotient(x, y, k)]
        if name in jvp.LINEAR:
            return self.pushed([x.coefficient(k) for x in self.operands])
        return [None if e is None or (c := e.coefficient(k - 1)) is None else scaled(self.b, c, 1 / k)
                for e in self.derivative]

    def pushed(self, tangents: Sequence[Value | None]) -> list[Value | None]:
        """What the pushforward makes of coefficients."""
        if all(t is None for t in tangents):
            return [None] * len(self.results)
        found = jvp.LOCAL[self.op.name](self.b, self.op, *tangents)
        return [None if f is None else unmasked(self.b, f) for f in found]

    def convolved(self, product: Callable[[Builder, Op, Value, Value], Value], x: MovingValue, y: MovingValue,
                  places: range, k: int) -> Value | None:
        """The sum of x_i * y_{k-i} over places i."""
        pairs = [(x.coefficient(i), y.coefficient(k - i)) for i in places]
        terms = [product(self.b, self.op, a, c) for a, c in pairs if a is not None and c is not None]
        return reduce(self.b.add, terms) if terms else None

    def quotient(self, x: MovingValue, y: MovingValue, k: int) -> Value | None:
        """r_k of r * y = x."""
        top = x.coefficient(k)
        lost = self.convolved(BILINEAR["mul"], y, self.results[0], range(1, k + 1), k)
        if lost is not None:
            top = self.b.neg(lost) if top is None else self.b.sub(top, lost)
        return None if top is None else self.b.div(top, self.op.operands[1])

    @cached_property
    def derivative(self) -> list[MovingValue | None]:
        """y' of each result as a curve: the operation's pushforward, of operands that move and of their derivatives."""
        op, block = self.op, Block()
        tangents = {v: Value(v.type, None, 0, "") for v, x in zip(op.operands, self.operands, strict=True)
                    if v.dtype.is_inexact and not is_constant(x)}
        b = Builder(block, op.loc)
        found = [None if f is None else unmasked(b, f)
                 for f in jvp.LOCAL[op.name](b, op, *(tangents.get(v) for v in op.operands))]
        curves: dict[Value, MovingValue] = dict(zip(op.operands, self.operands, strict=True))
        curves.update(zip(op.results, self.results, strict=True))
        curves.update({t: DerivativeOf(self.b, curves[v], v) for v, t in tangents.items()})
        for inner in block.ops:
            place(self.b, inner, curves)
        return [None if r is None else curves.get(r) or Given([r]) for r in found]


def is_constant(x: MovingValue) -> bool:
    return isinstance(x, Given) and len(x.coefficients) == 1


def place(b: Builder, op: Op, curves: dict[Value, MovingValue]) -> None:
    """Emit an operation of an expression on the values of its operands, and tell the curves of its results."""
    operands = [curves.get(v) or Given([v]) for v in op.operands]
    b.loc = op.loc
    values = [x.coefficient(0) for x in operands]
    made = b.append(op.name, [v for v in values if v is not None], op.attrs, op.regions, [r.type for r in op.results])
    if all(map(is_constant, operands)):
        curves.update({old: Given([new]) for old, new in zip(op.results, made.results, strict=True)})
    else:
        curves.update(zip(op.results, MovingOp(b, made, curves, operands).results, strict=True))


class CurvePusher:
    """Curves of the values of a function, up to an order; what is in none of them stands still."""

    def __init__(self, b: Builder, order: int):
        self.b, self.order = b, order
        self.curves: dict[Value, MovingValue] = {}

    def push(self, op: Op) -> None:
        """The curves of the results of an operation that stands in the function."""
        if not any(v in self.curves for v in (*op.operands, *(captures(op) if op.regions else ()))):
            return
        self.b.loc = op.loc
        check_operation(op, jvp.UNSUPPORTED)
        if op.name not in jvp.LOCAL and op.name not in jvp.CONSTANT:
            fail(UnsupportedError, f"gj.jet goes through straight programs, and here is a {op.name}; nest gj.jvp "
                                   f"instead", op.loc)
        operands = [self.curves.get(v) or Given([v]) for v in op.operands]
        for curve, r in zip(MovingOp(self.b, op, self.curves, operands).results, op.results, strict=True):
            self.curves[r] = curve
            for k in range(1, self.order + 1):  # now, so that no chain of operations is waited for
                curve.coefficient(k)

    def derivatives(self, v: Value) -> list[Value]:
        """Those of a result; zeros, written out only now, where it does not depend on a curve."""
        curve = self.curves.get(v) or Given([v])
        found = [curve.coefficient(k) for k in range(1, self.order + 1)]
        return [self.b.zeros(v.type) if c is None else scaled(self.b, c, float(factorial(k)))
                for k, c in enumerate(found, 1)]
