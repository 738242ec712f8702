"""Operations that move elements leave the batch axis where it is."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import I64, Builder, Op, Value
from .driver import Batcher, Rule, Walk, all_spread, spread

Values = Sequence[Value]
Flags = Sequence[bool]


def _broadcast(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.broadcast(*operands, shape=(size, *op.attrs["shape"]), dims=(0, *(d + 1 for d in op.attrs["dims"])))]


def _reshape(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.reshape(*operands, shape=(size, *op.attrs["shape"]))]


def _transpose(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.transpose(*operands, perm=(0, *(p + 1 for p in op.attrs["perm"])))]


def _slice(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    a = op.attrs
    return [b.slice(*operands, starts=(0, *a["starts"]), sizes=(size, *a["sizes"]), steps=(1, *a["steps"]))]


def _update(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    a = op.attrs
    return [b.update(*all_spread(b, operands, batched, size), starts=(0, *a["starts"]), steps=(1, *a["steps"]))]


def _pad(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    (x, value), a = operands, op.attrs
    around = {name: (0, *a[name]) for name in ("lows", "highs", "interiors")}
    if not batched[1]:
        return [b.pad(x, value, **around)]
    # Each example has a fill of its own: the stack of fills with the examples written into it.
    fill = b.broadcast(value, shape=(size, *op.result.shape), dims=(0,))
    x = x if batched[0] else spread(b, x, size)
    return [b.update(fill, x, starts=around["lows"], steps=(1, *(i + 1 for i in a["interiors"])))]


def _concat(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.concat(*all_spread(b, operands, batched, size), axis=op.attrs["axis"] + 1)]


RULES: dict[str, Rule] = {
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "update": _update,
    "pad": _pad,
    "concat": _concat,
}


# windows that differ from lane to lane --------------------------------------------------------------------------------
def _window(batcher: Batcher, b: Builder, old: Op, sizes: Sequence[int | Value], axes: Sequence[int]) -> list[Value]:
    """For each of some axes the indices of a window, of shape (size, *the window's sizes along these axes)."""
    starts, steps = old.attrs["starts"], old.attrs["steps"]
    shape = (batcher.size, *(sizes[k] for k in axes))
    return [b.add(_starts(batcher, b, starts[k], sizes[k], steps[k], shape),
                  b.mul(b.iota(shape=shape, axis=1 + n, dtype=I64), b.const(steps[k], I64, shape)))
            for n, k in enumerate(axes)]


def _starts(batcher: Batcher, b: Builder, start: int | Value, size: int | Value, step: int,
            shape: tuple[int | Value, ...]) -> Value:
    """Where a window begins, for each of its elements."""
    if isinstance(start, int):
        return b.const(start, I64, shape)
    new = batcher.look(start)
    if not batcher.has(start):
        return b.broadcast(new, shape=shape, dims=())
    if batcher.mask is not None:
        new = batcher.index(b, new) if step > 0 else _from_end(batcher, b, new, size, step)
    return b.broadcast(new, shape=shape, dims=(0,))


def _from_end(batcher: Batcher, b: Builder, start: Value, size: int | Value, step: int) -> Value:
    """The start of a window that goes backwards; the last element is element 0 in lanes that do not take part."""
    count = b.const(size, I64) if isinstance(size, int) else size
    safe = b.mul(b.sub(count, b.const(1, I64)), b.const(-step, I64))
    assert batcher.mask is not None
    return b.select(batcher.mask, start, spread(b, safe, batcher.size))


def _numbered(b: Builder, indices: Values) -> list[Value]:
    """Index arrays with the lane's number before them."""
    return [b.iota(shape=indices[0].shape, axis=0, dtype=I64), *indices]


def _slice_apart(batcher: Batcher, b: Builder, op: Op) -> None:
    """What all lanes cut alike is cut; along the other axes elements are gathered."""
    (old,), a, has = op.operands, op.attrs, batcher.has(op.operands[0])
    axes = [k for k, s in enumerate(a["starts"]) if isinstance(s, Value) and batcher.has(s)]
    rest = [k for k in range(old.type.rank) if k not in axes]
    new, front = batcher.look(old), int(has)
    whole = new.shape[front:]
    sizes = [_looked(batcher, n) for n in a["sizes"]]
    bounds = [(0, whole[k], 1) if k in axes else (_looked(batcher, a["starts"][k]), sizes[k], a["steps"][k])
              for k in range(old.type.rank)]
    if rest:
        starts, counts, steps = zip(*[(0, batcher.size, 1)] * has, *bounds, strict=True)
        new = b.slice(new, starts=starts, sizes=counts, steps=steps)
    indices = _window(batcher, b, op, sizes, axes)
    if has:
        indices = _numbered(b, indices)
    at = tuple(k + front for k in axes)
    found = b.gather(new, *indices, axes=(0, *at) if has else at)
    order = [*axes, *rest]
    batcher.bind(op.result, b.transpose(found, perm=(0, *(1 + order.index(k) for k in range(old.type.rank)))))


def _update_apart(batcher: Batcher, b: Builder, op: Op) -> None:
    """A scatter along all axes that are not written as a whole."""
    x, v = (batcher.spread(b, w) for w in op.operands)
    starts, steps, sizes = op.attrs["starts"], op.attrs["steps"], v.shape[1:]
    rest = [k for k, s in enumerate(starts) if isinstance(s, int) and steps[k] == 1 and sizes[k] == x.shape[1 + k]]
    axes = [k for k in range(len(starts)) if k not in rest]
    indices = _numbered(b, _window(batcher, b, op, sizes, axes))
    moved = b.transpose(v, perm=(0, *(1 + k for k in (*axes, *rest))))
    batcher.bind(op.result, b.scatter(x, *indices, moved, axes=(0, *(1 + k for k in axes))))


def _looked(batcher: Batcher, bound: int | Value) -> int | Value:
    return batcher.look(bound) if isinstance(bound, Value) else bound


WINDOWS: dict[str, Walk] = {"slice": _slice_apart, "update": _update_apart}
"""How windows are taken whose starts differ from lane to lane."""
