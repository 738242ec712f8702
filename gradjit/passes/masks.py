"""Tangents and cotangents on their way, with what is known of where they come from.

A derivative that does not flow is absent: it is no zero that could meet an infinite partial derivative and make
`0 * inf = nan`. `Masked` says where one flows. Its mask is applied behind products, as late as can be.

There are two kinds of mask, and a third way to write one. That of `select` has a truth for each element. That of a
region (a branch that was not taken, a loop that did not run) is a single one, for all elements alike; so is that of a
`select` whose condition is one truth repeated. A single truth goes along through every operation, as none of them mixes
what does not flow with what does. An array that goes from iteration to iteration, and is added to window by window,
holds its mask itself: `Signed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Union

from ..ir import BOOL, I16, I32, I64, OPS, ArrayType, Builder, Op, Slope, Value, interleaved, matrices
from ..records import dataclass
from .fold import splat_of

TRUTH = ArrayType(BOOL, ())


@dataclass(frozen=True)
class Masked:
    """`value` where `mask` holds and zero elsewhere, whatever stands there: `select(mask, value, 0)`, not yet written.

    mask: a bool for each element, or a single one for all of them.
    clean: the value has its zeros already; the mask then only matters for what is computed from it.
    signed: these zeros are -0.0, and no element that flows is: `value` is that of a `Signed`.
    """

    value: Value
    mask: Value
    clean: bool = False
    signed: bool = False

    @property
    def is_single(self) -> bool:
        return not self.mask.type.rank


@dataclass(frozen=True)
class Signed:
    """An array whose elements that do not flow are -0.0, and whose others are not.

    It needs no array of truths beside it: -0.0 changes nothing that it is added to, so that an element is -0.0 until
    something that flows is added; and +0.0 added to what flows makes sure that this is not -0.0.
    """

    value: Value


Flow = Union[Value, Masked]
"""A tangent or cotangent on its way. None in place of one: it is absent everywhere."""

Cotangent = Union[Flow, Signed]
"""A cotangent on its way through regions."""


def signed(b: Builder, flow: Cotangent) -> Signed:
    """An array's flow with its mask in its signs."""
    if isinstance(flow, Signed):
        return flow
    if isinstance(flow, Masked) and flow.signed:
        return Signed(flow.value)
    value = flow if isinstance(flow, Value) else flow.value
    there = b.add(value, b.zeros(value.type))
    if isinstance(flow, Value):
        return Signed(there)
    return Signed(b.select(repeated(b, flow.mask, value.shape), there, absent(b, value.type)))


def absent(b: Builder, t: ArrayType) -> Value:
    """An array of which nothing flows, as `Signed` writes it."""
    return b.const(-0.0, t.dtype, t.shape)


def read(b: Builder, flow: Signed) -> Masked:
    """An array's flow with a mask of its own."""
    integer = {8: I64, 4: I32, 2: I16}[flow.value.dtype.itemsize]
    bits = b.bitcast(flow.value, dtype=integer)
    return Masked(flow.value, b.ne(bits, b.like(-1 << 8 * integer.itemsize - 1, bits)), clean=True, signed=True)


def unmasked(b: Builder, flow: Cotangent) -> Value:
    """The flow as one value: the mask, if there is one, is applied."""
    if isinstance(flow, Value):
        return flow
    if isinstance(flow, Signed) or flow.clean:
        return flow.value
    return b.select(repeated(b, flow.mask, flow.value.shape), flow.value, b.zeros(flow.value.type))


def repeated(b: Builder, mask: Value, shape: tuple[object, ...]) -> Value:
    """A mask for each element."""
    op = mask.op
    if op is not None and op.name == "reshape" and op.operands[0].shape == shape:
        return op.operands[0]
    return mask if mask.shape == shape else b.broadcast(mask, shape=shape, dims=())


def single(b: Builder, mask: Value) -> Value:
    """The one truth that a mask repeats, or consists of; the mask itself where there are more."""
    op = mask.op
    if op is not None and op.name in ("broadcast", "reshape") and not op.operands[0].type.rank:
        return op.operands[0]
    return b.reshape_to(mask, ()) if mask.type.is_static and mask.type.size == 1 else mask


def both(b: Builder, x: Value, y: Value) -> Value:
    """Where both masks hold."""
    if x is y:
        return x
    shape = x.shape or y.shape
    return b.and_(repeated(b, x, shape), repeated(b, y, shape))


def either(b: Builder, x: Value, y: Value) -> Value:
    if x is y:
        return x
    shape = x.shape or y.shape
    return b.or_(repeated(b, x, shape), repeated(b, y, shape))


def of_matrices(b: Builder, op: Op, masks: Sequence[Value]) -> Value:
    """For each matrix of a stack, on which `op` works by itself, whether some element of it flows by some mask; a
    single truth where all masks are."""
    stack = max(v.type.rank for v in op.operands) - OPS[op.name].matrix
    found = []
    for mask in masks:
        within = tuple(range(stack, mask.type.rank))
        found.append(b.any(mask, axes=within) if within else mask)
    return reduce(lambda x, y: either(b, x, y), found)


def regular(b: Builder, op: Op, mask: Value) -> Op:
    """The operation as its rule sees it where only some matrices flow: the others are unit matrices, and their factors
    such, so that their derivative is neither infinite nor an error. (What it gives for them is thrown away.)"""
    spec = OPS[op.name]
    if not spec.slope.is_singular:
        return op
    stack = max(v.type.rank for v in op.operands) - spec.matrix

    def safe(v: Value) -> Value:
        rank = v.type.rank - stack
        if not v.dtype.is_float or rank < 2:
            return v
        unit = matrices.identity_like(b, v) if rank == 2 else interleaved.identity_like(b, v)
        return b.select(repeated(b, of_stack(b, mask, v.shape), v.shape), v, unit)

    seen = Op(op.name, tuple(map(safe, op.operands)), op.attrs, (), (), op.loc)
    seen.results = tuple(map(safe, op.results))
    return seen


def is_steep(op: Op) -> bool:
    """Whether the operation may have an infinite derivative where its result is finite. (A power x**p with p >= 1 has
    none.)"""
    if OPS[op.name].slope is not Slope.STEEP:
        return False
    exponents = [splat_of(v) for v in op.operands[1:]]
    return not exponents or not all(p is not None and p >= 1 for p in exponents)


def along_axes(b: Builder, basis: Value) -> Masked:
    """A basis vector as a flow: nothing moves along the elements that are zero in it. (Of a direction that may be
    differentiated by that would be wrong: what flows is linear in it, at zero, too.)"""
    return Masked(basis, b.ne(basis, b.zeros(basis.type)), clean=True)


def of_stack(b: Builder, mask: Value, shape: tuple[object, ...]) -> Value:
    """A truth for each matrix of a stack as one for each element of an array of that stack."""
    return b.broadcast(mask, shape=shape, dims=tuple(range(mask.type.rank))) if mask.type.rank else mask


def united(b: Builder, flows: Sequence[Masked]) -> Masked:
    """The sum of flows with different masks: zero where none of the masks holds."""
    value = reduce(b.add, [unmasked(b, f) for f in flows])
    return Masked(value, reduce(lambda x, y: either(b, x, y), [f.mask for f in flows]), clean=True)


def summed(b: Builder, flows: Sequence[Flow]) -> list[Flow]:
    """Flows of the same sum: one without a mask at most, and one for each mask."""
    plain: Value | None = None
    sums: dict[Value, Masked] = {}
    for f in flows:
        if isinstance(f, Masked):
            known = sums.get(f.mask)
            sums[f.mask] = f if known is None else Masked(b.add(known.value, f.value), f.mask, known.clean and f.clean)
        else:
            plain = f if plain is None else b.add(plain, f)
    return [*sums.values()] if plain is None else [plain, *sums.values()]


def masked(b: Builder, flow: Flow, outer: Masked, keeps_zeros: bool) -> Masked:
    """What a pointwise operation makes of `outer.value`, with the mask that it came with."""
    if isinstance(flow, Masked):
        return Masked(flow.value, both(b, outer.mask, flow.mask))
    return Masked(flow, outer.mask, clean=outer.clean and keeps_zeros, signed=outer.signed and flow is outer.value)


# across the border of a region ----------------------------------------------------------------------------------------
Truth = Union[bool, Value]
"""Whether something flows: known, or one truth that is computed."""


def calm(b: Builder, flow: Cotangent | None) -> Flow | None:
    """The flow as it goes in or out of a region: its zeros in place, and no mask but a single truth."""
    if isinstance(flow, Signed):
        flow = read(b, flow)
    if not isinstance(flow, Masked):
        return flow
    value, mask = unmasked(b, flow), single(b, flow.mask)
    return value if mask.type.rank else Masked(value, mask, clean=True)


def truth_of(flow: Cotangent | None) -> Truth:
    """Whether a calm flow flows."""
    return flow.mask if isinstance(flow, Masked) else flow is not None


def written(b: Builder, known: Truth) -> Value:
    return b.const(known, BOOL) if isinstance(known, bool) else known


def flowing(value: Value, known: Truth) -> Flow:
    """A value that has its zeros in place, and whether it flows."""
    return value if isinstance(known, bool) else Masked(value, known, clean=True)


def of_branch(b: Builder, condition: Value, then: Truth, other: Truth) -> Truth | None:
    """Whether what comes out of a branch flows, from both sides; None where a side alone knows."""
    if then is other:
        return then
    if isinstance(then, bool) and isinstance(other, bool):
        return condition if then else b.not_(condition)
    return None
