"""Rules for contractions: transposes, unit axes and repeated operands are absorbed into the axes or moved outside."""

from __future__ import annotations

from ...ir import Value
from ...ir.ops.linalg import free_axes
from ..fold import splat_of
from ..patterns import Ints, is_one, made_by
from ..rewriter import Args, Attrs, Rewriter, Rule

SIDES = (("xbatch", "xsum"), ("ybatch", "ysum"))


def _result_axes(args: Args, attrs: Attrs) -> tuple[Ints, Ints]:
    """The free axes of either operand."""
    x, y = args
    return (free_axes(len(x.shape), attrs["xbatch"], attrs["xsum"]),
            free_axes(len(y.shape), attrs["ybatch"], attrs["ysum"]))


def absorb_transpose(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """contract(transpose x, y) --> contract(x, y) along other axes, where x's free axes stay in order"""
    for side, (batch, summed) in enumerate(SIDES):
        inner = made_by(args[side], "transpose")
        if not inner:
            continue
        perm = inner.attrs["perm"]
        free = [perm[a] for a in _result_axes(args, attrs)[side]]
        if free == sorted(free):
            changed = {**attrs, **{name: tuple(perm[a] for a in attrs[name]) for name in (batch, summed)}}
            operands = (inner.operands[0], args[1]) if side == 0 else (args[0], inner.operands[0])
            return rw.make("contract", *operands, **changed)
    return None


def drop_units(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """contract(x, y) --> reshape(contract(reshape x, reshape y)) without axes of extent 1"""
    lost: list[Ints] = []
    kept: dict[str, tuple[int, ...]] = {}
    for x, (batch, summed) in zip(args, SIDES, strict=True):
        units = tuple(k for k, e in enumerate(x.shape) if type(e) is int and e == 1)
        left = [k for k in range(len(x.shape)) if k not in units]
        lost.append(units)
        for name in (batch, summed):
            kept[name] = tuple(left.index(a) for a in attrs[name] if a not in units)
    if not any(lost):
        return None
    small = (rw.reshape(x, tuple(e for k, e in enumerate(x.shape) if k not in units))
             for x, units in zip(args, lost, strict=True))
    return rw.reshape(rw.make("contract", *small, **kept), _shape(args, attrs))


def _shape(args: Args, attrs: Attrs) -> tuple[int, ...]:
    x, y = args
    xfree, yfree = _result_axes(args, attrs)
    return tuple([x.shape[a] for a in (*attrs["xbatch"], *xfree)] + [y.shape[b] for b in yfree])


def outer_product(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """contract(x, y) --> broadcast x * broadcast y where nothing is summed"""
    if attrs["xsum"]:
        return None
    x, y = args
    shape, n = _shape(args, attrs), len(attrs["xbatch"])
    xfree, yfree = _result_axes(args, attrs)
    xorder, yorder = (*attrs["xbatch"], *xfree), (*attrs["ybatch"], *yfree)
    xdims, ydims = range(len(xorder)), (*range(n), *range(len(xorder), len(shape)))
    return rw.make("mul", rw.broadcast(rw.transpose(x, xorder), shape, tuple(xdims)),
                   rw.broadcast(rw.transpose(y, yorder), shape, tuple(ydims)))


def repeated_rows(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """contract(broadcast x, y) --> broadcast(contract(x, y)) where x is repeated along free axes"""
    for side, (batch, summed) in enumerate(SIDES):
        inner = made_by(args[side], "broadcast")
        if not inner:
            continue
        dims, free = inner.attrs["dims"], _result_axes(args, attrs)[side]
        new = [a for a in free if a not in dims]
        used = (*attrs[batch], *attrs[summed])
        if not new or any(a not in dims for a in used):
            continue
        changed = {**attrs, **{name: tuple(dims.index(a) for a in attrs[name]) for name in (batch, summed)}}
        operands = (inner.operands[0], args[1]) if side == 0 else (args[0], inner.operands[0])
        # Result axes: the shared ones, x's free ones, y's free ones; those of `new` are repeated.
        first = len(attrs["xbatch"]) + (len(_result_axes(args, attrs)[0]) if side else 0)
        gone = {first + free.index(a) for a in new}
        shape = _shape(args, attrs)
        return rw.broadcast(rw.make("contract", *operands, **changed), shape,
                            tuple(k for k in range(len(shape)) if k not in gone))
    return None


def sum_of_ones(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """contract(x, 1) --> broadcast(sum x), the shared axes in front"""
    for side, (batch, summed) in enumerate(SIDES):
        if not is_one(splat_of(args[1 - side])):
            continue
        v, axes, shape = args[side], attrs[summed], _shape(args, attrs)
        left = [a for a in range(len(v.shape)) if a not in axes]
        total = rw.make("sum", v, axes=tuple(sorted(axes)))
        free = _result_axes(args, attrs)[side]
        ordered = rw.transpose(total, tuple(left.index(a) for a in (*attrs[batch], *free)))
        n = len(attrs[batch])
        first = n if side == 0 else n + len(_result_axes(args, attrs)[0])
        return rw.broadcast(ordered, shape, (*range(n), *range(first, first + len(free))))
    return None


def _swap(attrs: Attrs) -> Attrs:
    return {"xbatch": attrs["ybatch"], "ybatch": attrs["xbatch"], "xsum": attrs["ysum"], "ysum": attrs["xsum"]}


def transpose_contract(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """transpose(contract(x, y)) --> contract(y, x) where x's and y's free axes change places"""
    inner = made_by(args[0], "contract")
    if not inner or not rw.is_used_once(args[0]):
        return None
    n = len(inner.attrs["xbatch"])
    xfree, yfree = map(len, _result_axes(inner.operands, inner.attrs))
    if attrs["perm"] != (*range(n), *range(n + xfree, n + xfree + yfree), *range(n, n + xfree)):
        return None
    x, y = inner.operands
    return rw.make("contract", y, x, **_swap(inner.attrs))


RULES: dict[str, tuple[Rule, ...]] = {
    "contract": (drop_units, outer_product, absorb_transpose, repeated_rows, sum_of_ones),
}
TRANSPOSE: tuple[Rule, ...] = (transpose_contract,)
"""Joined to the rules of `transpose`."""
