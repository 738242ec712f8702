"""Rules for operations that move elements.

The normal form: a `broadcast` only adds axes of extents other than 1 (it stretches none), unit axes come and go by
`reshape`, and moves of one kind that follow each other are one. Slices go towards what is sliced, broadcasts and
transposes away from it, so that like meets like.
"""

from __future__ import annotations

from typing import Any

from ...ir import Value, dtype_of, windows
from ...ir.sizes import same
from ..fold import compact, splat_of
from ..patterns import is_zero, made_by, nonunit, static_ints, unit_move, without
from ..rewriter import Args, Attrs, Rewriter, Rule


# creation -------------------------------------------------------------------------------------------------------------
def const_compact(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """const {c, c, ...} --> const c"""
    value = attrs["value"]
    small = compact(value)
    return rw.const(small, dtype_of(value.dtype), attrs["shape"]) if small.ndim < value.ndim else None


def iota_along_one(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """iota of several axes --> broadcast(iota of one);  iota of one element --> 0"""
    shape, axis, dtype = attrs["shape"], attrs["axis"], attrs["dtype"]
    if shape[axis] == 1:
        return rw.const(0, dtype, shape)
    if len(shape) == 1:
        return None
    return rw.broadcast(rw.make("iota", shape=(shape[axis],), axis=0, dtype=dtype), shape, (axis,))


# broadcast ------------------------------------------------------------------------------------------------------------
def broadcast_nothing(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """broadcast x --> x to its own shape"""
    return args[0] if args[0].shape == attrs["shape"] else None


def broadcast_units(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """broadcast x --> broadcast(reshape x) without x's unit axes;  --> reshape x where only unit axes are new"""
    x, shape, dims = args[0], attrs["shape"], attrs["dims"]
    if unit_move(x.shape, shape) is not None:
        return rw.reshape(x, shape)
    kept = nonunit(x.shape)
    if len(kept) == len(x.shape):
        return None
    return rw.broadcast(rw.reshape(x, tuple(x.shape[k] for k in kept)), shape, tuple(dims[k] for k in kept))


def broadcast_broadcast(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """broadcast(broadcast x) --> broadcast x"""
    inner, dims = made_by(args[0], "broadcast"), attrs["dims"]
    if not inner:
        return None
    return rw.broadcast(inner.operands[0], attrs["shape"], tuple(dims[d] for d in inner.attrs["dims"]))


# reshape --------------------------------------------------------------------------------------------------------------
def reshape_nothing(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """reshape x --> x to its own shape"""
    return args[0] if args[0].shape == attrs["shape"] else None


def reshape_reshape(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """reshape(reshape x) --> reshape x"""
    inner = made_by(args[0], "reshape")
    return rw.reshape(inner.operands[0], attrs["shape"]) if inner else None


def reshape_broadcast(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """reshape(broadcast x) --> broadcast x, of one element or where only unit axes come and go"""
    inner, shape = made_by(args[0], "broadcast"), attrs["shape"]
    if not inner:
        return None
    x, dims = inner.operands[0], inner.attrs["dims"]
    if not x.shape:
        return rw.broadcast(x, shape, ())
    moved = unit_move(args[0].shape, shape)
    if moved is None or any(d not in moved for d in dims):
        return None
    return rw.broadcast(x, shape, tuple(moved[d] for d in dims))


# transpose ------------------------------------------------------------------------------------------------------------
def transpose_units(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """transpose x --> reshape x where only unit axes change places"""
    x, perm = args[0], attrs["perm"]
    kept = nonunit(x.shape)
    if [p for p in perm if p in kept] == list(kept):
        return rw.reshape(x, tuple(x.shape[p] for p in perm))
    return None


def transpose_transpose(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """transpose(transpose x) --> transpose x"""
    inner = made_by(args[0], "transpose")
    if not inner:
        return None
    return rw.transpose(inner.operands[0], tuple(inner.attrs["perm"][p] for p in attrs["perm"]))


def transpose_broadcast(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """transpose(broadcast x) --> broadcast(transpose x)"""
    inner, perm = made_by(args[0], "broadcast"), attrs["perm"]
    if not inner:
        return None
    dims = [perm.index(d) for d in inner.attrs["dims"]]
    order = tuple(sorted(range(len(dims)), key=dims.__getitem__))
    shape = tuple(inner.attrs["shape"][p] for p in perm)
    return rw.broadcast(rw.transpose(inner.operands[0], order), shape, tuple(sorted(dims)))


# slice ----------------------------------------------------------------------------------------------------------------
def slice_nothing(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice x --> x where the window is all of x"""
    x = args[0]
    if attrs["sizes"] == x.shape and all(
            n == 1 or (s == 0 and step == 1)
            for s, n, step in zip(attrs["starts"], attrs["sizes"], attrs["steps"], strict=True)):
        return x
    return None


def slice_one(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """x[s : s+1 : k] --> x[s : s+1 : 1], so that equal windows look alike"""
    sizes, steps = attrs["sizes"], attrs["steps"]
    plain = tuple(1 if n == 1 else step for n, step in zip(sizes, steps, strict=True))
    return rw.slice(args[0], attrs["starts"], sizes, plain) if plain != steps else None


def slice_slice(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(slice x) --> slice x, where the bounds are known"""
    inner = made_by(args[0], "slice")
    if not inner:
        return None
    starts, steps = [], []
    outer = zip(attrs["starts"], attrs["steps"], strict=True)
    for a, k, (b, j) in zip(inner.attrs["starts"], inner.attrs["steps"], outer, strict=True):
        if b == 0:
            starts.append(a)
        elif a == 0 and k == 1:
            starts.append(b)
        elif type(a) is int and type(b) is int:
            starts.append(a + k * b)
        else:
            return None
        steps.append(k * j)
    return rw.slice(inner.operands[0], tuple(starts), attrs["sizes"], tuple(steps))


def slice_broadcast(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(broadcast x) --> broadcast(slice x)"""
    inner = made_by(args[0], "broadcast")
    if not inner:
        return None
    dims = inner.attrs["dims"]
    window = (tuple(attrs[a][d] for d in dims) for a in ("starts", "sizes", "steps"))
    return rw.broadcast(rw.slice(inner.operands[0], *window), attrs["sizes"], dims)


def slice_transpose(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(transpose x) --> transpose(slice x)"""
    inner = made_by(args[0], "transpose")
    if not inner:
        return None
    perm = inner.attrs["perm"]
    order = [perm.index(k) for k in range(len(perm))]
    window = (tuple(attrs[a][k] for k in order) for a in ("starts", "sizes", "steps"))
    return rw.transpose(rw.slice(inner.operands[0], *window), perm)


def slice_reshape(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(reshape x) --> reshape(slice x), where the reshape only moves unit axes"""
    inner = made_by(args[0], "reshape")
    moved = unit_move(inner.operands[0].shape, inner.attrs["shape"]) if inner else None
    if inner is None or moved is None:
        return None
    x = inner.operands[0]
    if any(n != 1 for k, n in enumerate(attrs["sizes"]) if k not in moved.values()):
        return None
    starts, sizes, steps = ([attrs[a][moved[k]] if k in moved else unit for k in range(len(x.shape))]
                            for a, unit in (("starts", 0), ("sizes", 1), ("steps", 1)))
    return rw.reshape(rw.slice(x, tuple(starts), tuple(sizes), tuple(steps)), attrs["sizes"])


def span(start: int, size: int, step: int) -> tuple[int, int]:
    """The least position of a window along an axis, and the one behind the greatest."""
    last = start + (size - 1) * step
    return min(start, last), max(start, last) + 1


def known_starts(x: Value, starts: tuple[Any, ...], sizes: tuple[Any, ...], steps: tuple[int, ...]
                 ) -> tuple[Any, ...] | None:
    """Starts with numbers in place of constants. None where there are none, or the window would be out of range: what
    no iteration runs may say so."""
    found = tuple(s if isinstance(s, int) or (n := splat_of(s)) is None else int(n) for s in starts)
    if found == starts:
        return None
    for start, size, step, extent in zip(found, sizes, steps, x.shape, strict=True):
        if static_ints((start, size, extent)):
            lo, hi = span(start, size, step)
            if size and not 0 <= lo < hi <= extent:
                return None
    return found


def slice_known(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice x [c:+n] --> slice x [3:+n] where c is the constant 3"""
    starts = known_starts(args[0], attrs["starts"], attrs["sizes"], attrs["steps"])
    return None if starts is None else rw.slice(args[0], starts, attrs["sizes"], attrs["steps"])


def update_known(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """update x, v starts=[c] --> update x, v starts=[3] where c is the constant 3"""
    starts = known_starts(args[0], attrs["starts"], args[1].shape, attrs["steps"])
    return None if starts is None else rw.make("update", *args, **{**attrs, "starts": starts})


def slice_concat(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(concat(..., x, ...)) --> slice x, where the window lies within x"""
    inner, starts = made_by(args[0], "concat"), attrs["starts"]
    if not inner:
        return None
    axis = inner.attrs["axis"]
    if not static_ints((starts[axis], attrs["sizes"][axis])):
        return None
    lo, hi = span(starts[axis], attrs["sizes"][axis], attrs["steps"][axis])
    at = 0
    for x in inner.operands:
        end = at + x.shape[axis]
        if at <= lo and hi <= end:
            moved = (*starts[:axis], starts[axis] - at, *starts[axis + 1:])
            return rw.slice(x, moved, attrs["sizes"], attrs["steps"])
        at = end
    return None


def slice_pad(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(pad x) --> slice x where the window lies within x;  --> broadcast c where it lies in the padding"""
    inner, starts, sizes, steps = made_by(args[0], "pad"), attrs["starts"], attrs["sizes"], attrs["steps"]
    if not inner or not static_ints(starts, sizes):
        return None
    x, c = inner.operands
    inside = True
    for axis, n in enumerate(x.shape):
        low, high, gap = (inner.attrs[a][axis] for a in ("lows", "highs", "interiors"))
        if _is_nothing(low, high, gap):
            continue
        lo, hi = span(starts[axis], sizes[axis], steps[axis])
        end = low + n + max(n - 1, 0) * gap
        if hi <= low or lo >= end:
            return rw.broadcast(c, sizes, ())
        inside = inside and gap == 0 and low <= lo and hi <= end
    if not inside:
        return None
    return rw.slice(x, tuple(s - low for s, low in zip(starts, inner.attrs["lows"], strict=True)), sizes, steps)


def slice_update(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """slice(update(x, v)) --> v for the same window;  --> slice x for windows apart at known places, through any number
    of updates

    The second only beside the updates: read in a loop or a branch behind them, x would have to live on besides. And not
    at computed places: x would be read behind the write into it, which would then not be done in place.
    """
    found = args[0]
    read = list(zip(attrs["starts"], attrs["sizes"], attrs["steps"], strict=True))
    known = static_ints(attrs["starts"], attrs["sizes"])
    for k in range(MOST_UPDATES):
        inner = made_by(found, "update")
        if not inner:
            break
        x, v = inner.operands
        known = known and static_ints(inner.attrs["starts"], v.shape)
        if k >= MOST_COMPUTED and not known:
            break
        if v.shape == attrs["sizes"] and same_window(attrs, inner.attrs):
            rw.passes(found)
            return v
        if rw.home.get(found) is not rw.block or not windows.are_apart(rw.ranges, read, windows.of_update(inner)):
            break
        rw.passes(found)
        found = x
    if found is args[0] or not known:
        return None
    return rw.slice(found, attrs["starts"], attrs["sizes"], attrs["steps"])


MOST_UPDATES = 1000
"""So many updates are looked through: what reads each of n elements after n updates takes no n * n steps."""
MOST_COMPUTED = 16
"""So many where places are computed: it takes a proof for each."""


def same_window(a: Attrs, b: Attrs) -> bool:
    return bool(a["starts"] == b["starts"] and a["steps"] == b["steps"])


# update ---------------------------------------------------------------------------------------------------------------
def update_whole(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """update(x, v) --> v where v covers x;  --> x where v is empty"""
    x, v = args
    if 0 in v.shape:
        return x
    bounds = zip(attrs["starts"], v.shape, attrs["steps"], strict=True)
    return v if v.shape == x.shape and all(n == 1 or (s == 0 and step == 1) for s, n, step in bounds) else None


def update_update(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """update(update(x, _), v) --> update(x, v) of the same window, where nothing else reads the inner one

    (Were it read, x would have two arrays made of it, of which but one can stand in its memory.)
    """
    inner = made_by(args[0], "update")
    same = inner and inner.operands[1].shape == args[1].shape and same_window(attrs, inner.attrs)
    if inner and same and rw.is_used_once(args[0]):
        return rw.make("update", inner.operands[0], args[1], **attrs)
    return None


def update_same(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """update(x, slice x) --> x of the same window;  update(update(x, v), v) --> update(x, v)"""
    x, v = args
    read, written = made_by(v, "slice"), made_by(x, "update")
    if read and read.operands[0] is x and same_window(attrs, read.attrs):
        return x
    return x if written and written.operands[1] is v and same_window(attrs, written.attrs) else None


def add_refilled(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """update(x, 0) + pad(y, 0) --> update(x, y) of the same window, where nothing else reads the first: what the
    reverse of `x[window] += v` does

    The zeros around a pad are no numbers: they are not added.
    """
    for one, other in (args, args[::-1]):
        cleared, padded = made_by(one, "update"), made_by(other, "pad")
        if not cleared or not padded:
            continue
        (x, zero), (y, around) = cleared.operands, padded.operands
        same = y.shape == zero.shape and cleared.attrs["starts"] == padded.attrs["lows"] and rw.is_used_once(one)
        plain = all(step == 1 for step in cleared.attrs["steps"]) and not any(padded.attrs["interiors"])
        if same and plain and is_zero(splat_of(zero)) and is_zero(splat_of(around)):
            return rw.make("update", x, y, **cleared.attrs)
    return None


# pad and concat -------------------------------------------------------------------------------------------------------
def pad_nothing(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """pad x --> x by nothing"""
    moves = any(not same(n, 0) for a in attrs.values() for n in a)
    return None if moves and args[0].shape != _grown(args, attrs) else args[0]


def _grown(args: Args, attrs: Attrs) -> tuple[int, ...]:
    """The shape of the result. An extent that is computed is not padded."""
    each = zip(args[0].shape, attrs["lows"], attrs["highs"], attrs["interiors"], strict=True)
    return tuple(n if _is_nothing(lo, hi, gap) else lo + hi + n + (max(n - 1, 0) * gap if gap else 0)
                 for n, lo, hi, gap in each)


def _is_nothing(low: int, high: int, gap: int) -> bool:
    """Whether an axis is not padded."""
    return same(low, 0) and same(high, 0) and same(gap, 0)


def pad_constant(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """pad(c, c) --> c;  pad of an empty array --> broadcast c"""
    x, c = args
    a, b = splat_of(x), splat_of(c)
    same = a is not None and b is not None and a.tobytes() == b.tobytes()
    return rw.broadcast(c, _grown(args, attrs), ()) if same or 0 in x.shape else None


def pad_pad(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """pad(pad(x, c), c) --> pad(x, c), where the outer one adds nothing between elements"""
    inner = made_by(args[0], "pad")
    if not inner or inner.operands[1] is not args[1] or any(attrs["interiors"]):
        return None
    lows, highs = (tuple(map(sum, zip(attrs[a], inner.attrs[a], strict=True))) for a in ("lows", "highs"))
    return rw.make("pad", *inner.operands, lows=lows, highs=highs, interiors=inner.attrs["interiors"])


def concat_flat(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """concat(x) --> x;  concat(x, concat(y, z)) --> concat(x, y, z);  concat(x, empty) --> x"""
    axis = attrs["axis"]
    pieces: list[Value] = []
    for x in args:
        inner = made_by(x, "concat")
        found = inner.operands if inner and inner.attrs["axis"] == axis else (x,)
        pieces += [p for p in found if p.shape[axis] != 0]
    if len(pieces) == 1:
        return pieces[0]
    return rw.make("concat", *pieces, axis=axis) if tuple(pieces) != args else None


def concat_neighbours(rw: Rewriter, args: Args, attrs: Attrs) -> Value | None:
    """concat(x[a:b], x[b:c]) --> x[a:c];  concat(c, c) --> c"""
    axis = attrs["axis"]
    pieces = [args[0]]
    for x in args[1:]:
        joined = _join_splats(rw, pieces[-1], x, axis) or _join_slices(rw, pieces[-1], x, axis)
        pieces[-1:] = [joined] if joined else [pieces[-1], x]
    return rw.make("concat", *pieces, axis=axis) if len(pieces) < len(args) else None


def _longer(x: Value, y: Value, axis: int) -> tuple[Any, ...]:
    return (*x.shape[:axis], x.shape[axis] + y.shape[axis], *x.shape[axis + 1:])


def _join_splats(rw: Rewriter, x: Value, y: Value, axis: int) -> Value | None:
    a, b = splat_of(x), splat_of(y)
    if a is None or b is None or a.tobytes() != b.tobytes() or not static_ints((x.shape[axis], y.shape[axis])):
        return None
    return rw.splat(x, _longer(x, y, axis))


def _join_slices(rw: Rewriter, x: Value, y: Value, axis: int) -> Value | None:
    a, b = made_by(x, "slice"), made_by(y, "slice")
    if not a or not b or a.operands[0] is not b.operands[0]:
        return None
    if not static_ints((a.attrs["starts"][axis], b.attrs["starts"][axis], x.shape[axis], y.shape[axis])):
        return None
    step = a.attrs["steps"][axis] if x.shape[axis] > 1 else b.attrs["starts"][axis] - a.attrs["starts"][axis]
    follows = (*a.attrs["starts"][:axis], a.attrs["starts"][axis] + step * x.shape[axis], *a.attrs["starts"][axis + 1:])
    steps = (*a.attrs["steps"][:axis], step, *a.attrs["steps"][axis + 1:])
    compared = without(steps, (axis,)), without(b.attrs["steps"], (axis,))
    if y.shape[axis] > 1:
        compared = steps, b.attrs["steps"]
    if not step or b.attrs["starts"] != follows or compared[0] != compared[1]:
        return None
    return rw.slice(a.operands[0], a.attrs["starts"], _longer(x, y, axis), steps)


ADD: tuple[Rule, ...] = (add_refilled,)
"""Rules for additions of windows."""

RULES: dict[str, tuple[Rule, ...]] = {
    "const": (const_compact,),
    "iota": (iota_along_one,),
    "broadcast": (broadcast_nothing, broadcast_units, broadcast_broadcast),
    "reshape": (reshape_nothing, reshape_reshape, reshape_broadcast),
    "transpose": (transpose_units, transpose_transpose, transpose_broadcast),
    "slice": (slice_known, slice_nothing, slice_one, slice_slice, slice_broadcast, slice_transpose, slice_reshape,
              slice_concat, slice_pad, slice_update),
    "update": (update_known, update_whole, update_same, update_update),
    "pad": (pad_nothing, pad_constant, pad_pad),
    "concat": (concat_flat, concat_neighbours),
}
