"""Sums of products over labelled axes: what matmul, tensordot and einsum have in common, and einsum itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, ShapeError
from ...ir.sizes import guess
from .. import operands as o, shaping
from ..array import root, view
from ..locations import fail
from ..operands import TracedArray, cast, emit, is_traced, static_int
from ..views import Diagonals
from .common import array, common, given, reshape, stored, transpose, truth
from .movement import diagonal_of

Rule = Callable[..., Any]
Label = Hashable
Labels = list[Any]


# contraction --------------------------------------------------------------------------------------------------------
def contract(xs: Sequence[TracedArray], labels: Sequence[Sequence[Label]], out: Sequence[Label],
             name: str) -> TracedArray:
    """The sum of products over all labels that are not in `out`, whose order the result's axes have.

    Operands have one dtype. A label may repeat within an operand (a diagonal); extents of 1 are stretched.
    """
    boolean = xs[0].ir_dtype.is_bool
    xs = [cast(x, np.int64) for x in xs] if boolean else list(xs)
    sizes = sizes_of(xs, labels, name)
    pairs = [_prepared(x, list(ls), sizes) for x, ls in zip(xs, labels, strict=True)]
    for i, j in contraction_order([ls for _, ls in pairs], out, sizes):
        y, x = pairs.pop(max(i, j)), pairs.pop(min(i, j))
        wanted = set(out).union(*(ls for _, ls in pairs))
        pairs.append(_product(*x, *y, wanted, list(out)))
    total, ls = _summed(*pairs[0], set(out))
    total = transpose(total, [ls.index(label) for label in out])
    return truth(total) if boolean else total


def sizes_of(xs: Sequence[TracedArray], labels: Sequence[Sequence[Label]], name: str) -> dict[Label, Any]:
    """The extent of each label; ShapeError where operands disagree."""
    sizes: dict[Label, Any] = {}
    for x, ls in zip(xs, labels, strict=True):
        for label, e in zip(ls, x.extents, strict=True):
            known = sizes.setdefault(label, e)
            if o.is_one(known):
                sizes[label] = e
            elif not o.is_one(e) and not o.may_agree(known, e):
                fail(ShapeError, f"{name}: operands could not be broadcast together: an axis has the extents {known} "
                                 f"and {e} in shapes {' '.join(o.shown(v.extents) for v in xs)}")
            elif not o.is_one(e):
                sizes[label] = o.agreed(known, e)
    return sizes


def _prepared(x: TracedArray, labels: Labels, sizes: dict[Label, Any]) -> tuple[TracedArray, Labels]:
    """Stretched axes dropped, diagonals taken."""
    x = o.retyped(x, tuple(e if o.is_one(e) else sizes[label] for label, e in zip(labels, x.extents, strict=True)))
    stretched = [k for k, (label, e) in enumerate(zip(labels, x.extents, strict=True))
                 if o.is_one(e) and not o.is_one(sizes[label])]
    if stretched:
        x = reshape(x, [e for k, e in enumerate(x.extents) if k not in stretched])
        labels = [label for k, label in enumerate(labels) if k not in stretched]
    for label in list(dict.fromkeys(labels)):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            x = diagonal_of(x, 0, i, j)
            labels = [other for k, other in enumerate(labels) if k not in (i, j)] + [label]
    return x, labels


def contraction_order(labels: Sequence[Labels], out: Sequence[Label], sizes: dict[Label, Any]) -> list[tuple[int, int]]:
    """Pairs of positions to contract, in turn; each pair is taken out and its product put at the end."""
    n = len(labels)
    if n < 3:
        return [(0, 1)] if n == 2 else []
    names = {label: k for k, label in enumerate(sizes)}
    arguments: list[Any] = []
    for ls in labels:
        arguments += [np.broadcast_to(0.0, [int(guess(sizes[label])) for label in ls]), [names[label] for label in ls]]
    path = np.einsum_path(*arguments, [names[label] for label in out], optimize="optimal" if n <= 5 else "greedy")[0]
    return [pair for step in path[1:] for pair in _pairwise(step, n)]


def _pairwise(step: Sequence[int], n: int) -> list[tuple[int, int]]:
    """A step of a path as pairs. (Where nothing is gained, NumPy contracts all that is left at once.)"""
    places = sorted(step)
    if len(places) == 2:
        return [(places[0], places[1])]
    left = len(places)
    return [(0, 1)] * (left - 1)


def _summed(x: TracedArray, labels: Labels, wanted: set[Label]) -> tuple[TracedArray, Labels]:
    """x without the axes that nothing else asks for."""
    axes = tuple(k for k, label in enumerate(labels) if label not in wanted)
    return (emit("sum", x, axes=axes), [label for label in labels if label in wanted]) if axes else (x, labels)


def _product(x: TracedArray, xs: Labels, y: TracedArray, ys: Labels, wanted: set[Label], out: Labels
             ) -> tuple[TracedArray, Labels]:
    """The product of two operands, summed over the labels that nobody else wants.

    Where an operand has no axis of its own the loops are those of an elementwise product, which fuses with its
    neighbours; otherwise it is a `contract`: a matrix product.
    """
    x, xs = _summed(x, xs, wanted.union(ys))
    y, ys = _summed(y, ys, wanted.union(xs))
    shared = [label for label in xs if label in ys]
    summed = [label for label in shared if label not in wanted]
    if not summed or (len(shared) == len(xs) == len(ys)):
        return _summed(*_elementwise(x, xs, y, ys, out), wanted)
    if _first(ys, shared, out) < _first(xs, shared, out):
        x, xs, y, ys = y, ys, x, xs
    batch = [label for label in out if label in shared and label not in summed]
    batch += [label for label in shared if label not in summed and label not in batch]
    z = emit("contract", x, y, xbatch=tuple(map(xs.index, batch)), ybatch=tuple(map(ys.index, batch)),
             xsum=tuple(map(xs.index, summed)), ysum=tuple(map(ys.index, summed)))
    return z, batch + [label for label in xs if label not in shared] + [label for label in ys if label not in shared]


def _first(labels: Labels, shared: Labels, out: Labels) -> int:
    """Where the first axis of one's own stands in the result: that operand goes first, which saves a transposition."""
    return min((out.index(label) for label in labels if label not in shared and label in out), default=len(out))


def _elementwise(x: TracedArray, xs: Labels, y: TracedArray, ys: Labels, out: Labels) -> tuple[TracedArray, Labels]:
    """x times y over the union of their labels, in the order of the result as far as it goes."""
    order = [label for label in out if label in xs or label in ys]
    order += [label for label in dict.fromkeys([*xs, *ys]) if label not in order]
    sizes = {**dict(zip(xs, x.extents, strict=True)), **dict(zip(ys, y.extents, strict=True))}
    shape = tuple(sizes[label] for label in order)
    return emit("mul", _spread(x, xs, order, shape), _spread(y, ys, order, shape)), order


def _spread(x: TracedArray, labels: Labels, order: Labels, shape: tuple[Any, ...]) -> TracedArray:
    """x over all labels of `order`."""
    mine = [label for label in order if label in labels]
    x = transpose(x, [labels.index(label) for label in mine])
    return x if x.extents == shape else emit("broadcast", x, shape=shape,
                                             dims=tuple(order.index(label) for label in mine))


# einsum -------------------------------------------------------------------------------------------------------------
def einsum(*operands, out=None, optimize=False, dtype=None, order="K", casting="safe"):
    """NumPy's einsum: letters or lists of numbers, ellipses, diagonals, implicit output, any number of operands."""
    xs, inputs, output = parse(operands)
    target = np.dtype(dtype) if given(dtype) else common(*xs)
    for x in xs:
        if not np.can_cast(x.dtype, target, casting):
            fail(DtypeError, f"Cannot cast operand from {x.dtype!r} to {target!r} according to the rule {casting!r}")
    if len(xs) == 1 and sorted(map(str, set(inputs[0]))) == sorted(map(str, output)):
        return stored(np.einsum, _rearranged(xs[0], inputs[0], output, target), out, "safe")
    return stored(np.einsum, contract([cast(x, target) for x in xs], inputs, output, "einsum"), out, "safe")


def _rearranged(x: TracedArray, labels: Sequence[Label], output: Sequence[Label], dtype: np.dtype) -> TracedArray:
    """Nothing is summed: a view."""
    def read(p: TracedArray) -> TracedArray:
        y, ls = _prepared(p, list(labels), sizes_of([p], [labels], "einsum"))
        return transpose(y, [ls.index(label) for label in output])

    x = cast(x, dtype)
    if not x.ndim:
        return root(x.content, x.home)
    if len(set(labels)) == len(labels):
        return shaping.permuted(x, [labels.index(label) for label in output])
    return view(x, Diagonals(tuple(output.index(label) for label in labels), read), None)


def parse(operands: Sequence[Any]) -> tuple[list[TracedArray], list[Labels], Labels]:
    """Operands, the labels of their axes, and those of the result."""
    if not operands:
        fail(ArgumentError, "must specify the einstein sum subscripts string and at least one operand, or at least one "
                            "operand and its corresponding subscripts list")
    if isinstance(operands[0], str):
        xs, terms, output = _parse_text(operands)
    else:
        xs, terms, output = _parse_lists(operands)
    if len(terms) != len(xs):
        fail(ArgumentError, f"{'more' if len(terms) < len(xs) else 'fewer'} operands provided to einstein sum function "
                            f"than specified in the subscripts string")
    rank = 0
    inputs = []
    for x, term in zip(xs, terms, strict=True):
        labels = _filled(x, term)
        rank = max(rank, sum(isinstance(label, tuple) for label in labels))
        inputs.append(labels)
    return xs, inputs, _output(inputs, output, rank)


def _parse_text(operands: Sequence[Any]) -> tuple[list[TracedArray], list[Labels], Labels | None]:
    text = operands[0].replace(" ", "")
    if "-" in text.replace("->", "") or ">" in text.replace("->", "") or text.count("->") > 1:
        fail(ArgumentError, "einstein sum subscript string contains invalid '->'")
    left, arrow, right = text.partition("->")
    terms = [_letters(t) for t in left.split(",")]
    return [array(x) for x in operands[1:]], terms, _letters(right) if arrow else None


def _letters(term: str) -> Labels:
    """Letters and Ellipsis."""
    head, dots, tail = term.partition("...")
    for c in head + tail:
        if not ("a" <= c <= "z" or "A" <= c <= "Z"):
            fail(ArgumentError, f"invalid subscript '{c}' in einstein sum subscripts string, subscripts must be "
                                f"letters")
    return [*head, *([Ellipsis] if dots else []), *tail]


def _parse_lists(operands: Sequence[Any]) -> tuple[list[TracedArray], list[Labels], Labels | None]:
    """x, [0, 1], y, [1, 2], [0, 2]: numbers sort as the letters would."""
    items = list(operands)
    output = _numbers(items.pop()) if len(items) % 2 else None
    return [array(x) for x in items[::2]], [_numbers(i) for i in items[1::2]], output


def _numbers(labels: Any) -> Labels:
    if is_traced(labels) or not isinstance(labels, (list, tuple, np.ndarray)):
        fail(ArgumentError, "subscripts must be lists of ints, or an Ellipsis")
    return [i if i is Ellipsis else chr(64 + static_int(i, "a subscript") + 1) for i in labels]


def _filled(x: TracedArray, term: Labels) -> Labels:
    """Labels for all axes: an ellipsis stands for those counted from the end."""
    extra = x.ndim - (len(term) - (Ellipsis in term))
    if extra < 0 or (extra and Ellipsis not in term):
        fail(ArgumentError, f"einstein sum subscripts string {'contains too many' if extra < 0 else 'has not enough'} "
                            f"subscripts for an operand of {x.ndim} dimensions")
    if Ellipsis not in term:
        return term
    k = term.index(Ellipsis)
    return [*term[:k], *((extra - j,) for j in range(extra)), *term[k + 1:]]


def _output(inputs: Sequence[Labels], output: Labels | None, rank: int) -> Labels:
    """The labels of the result: given, or those that occur once, in alphabetical order behind the ellipsis."""
    stars: Labels = [(rank - j,) for j in range(rank)]
    letters = [label for labels in inputs for label in labels if isinstance(label, str)]
    if output is None:
        return stars + sorted(label for label in set(letters) if letters.count(label) == 1)
    if rank and Ellipsis not in output:
        fail(ArgumentError, "output has more dimensions than subscripts given in einstein sum, but no '...' ellipsis "
                            "provided to broadcast the extra dimensions over.")
    for label in output:
        if label is not Ellipsis and label not in letters:
            fail(ArgumentError, f"einstein sum subscripts string included output subscript '{label}' which never "
                                f"appeared in an input")
        if output.count(label) > 1:
            fail(ArgumentError, f"einstein sum subscripts string includes output subscript '{label}' multiple times")
    return [label for item in output for label in (stars if item is Ellipsis else [item])]


def einsum_path(*operands, optimize="greedy", einsum_call=False):
    plain = [np.broadcast_to(0.0, x.extents) if isinstance(x, TracedArray) else x for x in operands]
    return np.einsum_path(*plain, optimize=optimize)


RULES: dict[Callable[..., Any], Rule] = {np.einsum: einsum, np.einsum_path: einsum_path}

