"""Templates of statements: texts with names of arrays of the right shapes in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .inplace import INPLACE
from .transformed import mapped, opaque

if TYPE_CHECKING:
    from .grow import Grower

EVERY = "fiub"
"""The kinds of all dtypes."""

SMOOTH = (
    "np.sin({})", "np.cos({})", "np.tanh({})", "np.exp(-np.abs({}))", "np.exp(np.sin({}))", "np.sqrt(1 + {} ** 2)",
    "np.log1p({} ** 2)", "np.log(2 + np.cos({}))", "np.arctan({})", "np.arcsinh({})", "np.square({})", "-{}", "{} ** 3",
    "np.expm1(-{} ** 2)", "np.cbrt(2 + np.sin({}))", "np.abs({})", "np.reciprocal(2 + {} ** 2)",
    "np.clip({}, -0.7, 0.9)", "np.positive({})", "(2 + {} ** 2) ** -1.5", "np.sinh(np.tanh({}))",
    "np.power(1.5 + np.cos({}), 2.5)",
)
PAIRS = (
    "{} + {}", "{} - {}", "{} * {}", "{} / (2 + np.cos({}))", "np.maximum({}, {})", "np.minimum({}, {})",
    "np.hypot(1 + {} ** 2, {})", "np.arctan2(2 + np.sin({}), {})", "np.logaddexp({}, {})",
    "np.where({} > 0.1, {}, 0.3)",
    "np.fmax({}, {})", "np.add({}, {})", "np.multiply({}, {})", "np.copysign({}, {})", "np.mod({}, 3 + np.cos({}))",
)


def unary(g: Grower) -> str | None:
    a = g.name()
    return None if a is None else g.pick(SMOOTH).replace("{}", a)


def binary(g: Grower) -> str | None:
    a = g.name()
    if a is None:
        return None
    shape = g.shape(a)
    b = g.name(lambda v: _broadcasts(v.shape, shape)) if g.below(3) else None
    return g.pick(PAIRS).format(*((a, b or g.number()) if g.flip() else (b or a, a)))


def _broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def where(g: Grower) -> str | None:
    a = g.name()
    if a is None:
        return None
    b = g.name(lambda v: v.shape == g.shape(a)) or a
    mask = g.pick(("{0} > {1}", "({0} < 0.2) & ({1} > -0.3)", "~({0} >= 0.1)", "np.isfinite({0})", "{1} <= 0.5"))
    return f"np.where({mask.format(a, b)}, {a}, {b} * 2)"


def indexed(g: Grower) -> str | None:
    """Basic slices, new axes, integers, integer arrays and masks."""
    a = g.name(lambda v: v.ndim > 0)
    if a is None:
        return None
    parts = []
    for extent in g.shape(a):
        parts.append(g.pick((":", "::-1", "::2", "1:", ":-1", "None, :", "0", "-1", "...", f"[0, {extent - 1}, 0]")))
    return f"{a}[{', '.join(parts[:g.below(len(parts), 1)])}]"


def masked_sum(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    return None if a is None else f"np.sum({a}[np.arange({g.shape(a)[0]}) % 2 == 0], axis=0)"


def reduced(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    if a is None:
        return None
    fn = g.pick(("sum", "mean", "max", "min", "prod", "var", "std", "cumsum", "average", "ptp", "median"))
    rank = len(g.shape(a))
    axis = g.pick(("None", str(g.axis(a)), str(tuple(range(rank)))))
    if fn in ("cumsum", "average", "ptp", "median"):
        return f"np.{fn}({a}, axis={axis if axis == 'None' else g.axis(a)})"
    return f"np.{fn}({a}, axis={axis}, keepdims={g.flip()})"


def method(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    call = g.pick(("sum()", "mean(axis=0)", "T", "ravel()", "reshape(-1)", "max()", "flatten()", "cumsum(axis=0)",
                   "copy()", "clip(-0.5, 0.5)", "dot({0}.T)", "std()", "min(axis=-1)", "squeeze()", "swapaxes(0, -1)",
                   "repeat(2, axis=0)", "astype(np.float64)", "prod()"))
    return None if a is None else f"{a}.{call}".format(a)


def moved(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    if a is None:
        return None
    rank = len(g.shape(a))
    text = g.pick((
        "np.transpose({0})", "np.reshape({0}, -1)", "np.expand_dims({0}, {1})", "np.squeeze({0})",
        "np.flip({0}, axis={1})", "np.roll({0}, 1, axis={1})", "np.concatenate([{0}, {0} * 2], axis={1})",
        "np.stack([{0}, -{0}], axis={1})",
        "np.broadcast_to({0}, (2,) + np.shape({0}))", "np.tile({0}, 2)", "np.repeat({0}, 2, axis={1})",
        "np.pad({0}, 1)", "np.swapaxes({0}, 0, {1})", "np.moveaxis({0}, 0, -1)", "np.atleast_2d({0})",
        "np.split({0}, 2, axis={1})[0]", "np.hstack([{0}, {0}])", "np.vstack([{0}, {0}])", "np.ravel({0})",
        "np.diff({0}, axis={1})", "np.rot90({0})", "np.take({0}, [0, 0], axis={1})", "np.tril({0})", "np.triu({0})",
        "np.diag({0})", "np.diagonal({0})", "np.trace({0})", "np.zeros_like({0}) + {0}", "np.ones_like({0}) * {0}",
    ))
    return text.format(a, g.below(rank - 1))


def product(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim in (1, 2))
    if a is None:
        return None
    n = g.shape(a)[-1]
    b = g.name(lambda v: v.ndim in (1, 2) and v.shape[0] == n)
    if b is None or g.below(3) == 0:
        return g.pick(("np.dot({0}, {0}.T)", "np.outer({0}, {0})", "np.inner({0}, {0})", "{0}.T @ {0}",
                       "np.vdot({0}, {0})", "np.tensordot({0}, {0}, axes=1) if {0}.ndim == 1 else {0}",
                       "np.einsum('...i,...i->...', {0}, {0})", "np.linalg.norm({0} + 3)")).format(a)
    return g.pick(("{} @ {}", "np.matmul({}, {})", "np.dot({}, {})")).format(a, b)


def ordered(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    if a is None:
        return None
    return g.pick(("np.sort({0}, axis={1})", "np.take_along_axis({0}, np.argsort({0}, axis={1}), axis={1})",
                   "np.take({0}, np.argmax({0}, axis={1}), axis={1})", "np.cumsum({0}, axis={1})",
                   )).format(a, g.below(len(g.shape(a)) - 1))


def created(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    if a is None:
        return None
    return g.pick(("np.arange({1}.0) * {0}.T.ravel()[0]", "np.linspace(0, 1, {1}) + np.mean({0})",
                   "np.eye({1}) * np.max({0})", "np.full({1}, 0.5) * np.sum({0})",
                   "np.array([np.sum({0}), 1.0, np.max({0})])",
                   "np.ones(({1}, 2)) * np.mean({0})")).format(a, g.shape(a)[0])


def copied(g: Grower) -> str | None:
    """An array of the function's own, to be written to."""
    a = g.array(EVERY)
    return None if a is None else g.pick(("{}.copy()", "np.zeros_like({})", "np.array({})", "{} * 1")).format(a)


def viewed(g: Grower) -> str | None:
    a = g.array(EVERY)
    return None if a is None else g.pick(("{}[1:]", "{}[::-1]", "{}.T", "{}[::2]", "{}[0]", "{}.reshape(-1)")).format(a)


def written(g: Grower) -> str | None:
    """Assignments and augmented assignments to elements, rows, windows, masks and whole arrays, views among them."""
    a = g.name(lambda v: v.ndim > 0)
    if a is None:
        return None
    if g.below(7) == 7:
        return f"{a}[{a} > 0.2] {g.pick(('=', '+=', '*='))} {g.number()}"
    place = g.pick(("[0]", "[-1]", "[1:]", "[::2]", "[...]", "[::-1]", "[[0, -1]]", "[..., 0]", ""))
    b = (g.name(lambda v: v.size == 1) if g.below(2) == 0 else None) or a
    value = f"{a}{place}" if b == a and g.flip() else (f"np.sum({b})" if g.flip() else g.number())
    if not place:
        return f"{a} {g.pick(('+=', '*=', '-='))} {value}"
    return f"{a}{place} {g.pick(('=', '=', '+=', '*=', '-='))} {value} {g.pick(('* 0.5', '+ 0.25', ''))}".rstrip()


# layouts, casts, keywords ---------------------------------------------------------------------------------------------
DTYPES = ("float64", "float32", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool")
ORDERS = ("'C'", "'F'", "'A'", "'K'")


def laid_out(g: Grower) -> str | None:
    """The same elements in another order of memory: a copy or a view, by NumPy's rules."""
    a = g.array(EVERY)
    if a is None:
        return None
    return g.pick(LAID_OUT).format(a, g.pick(ORDERS), g.pick(ORDERS[:2]))


LAID_OUT = (
    "np.asfortranarray({0})", "np.ascontiguousarray({0}.T)", "np.asarray({0}, order={1})", "np.array({0}, order={1})",
    "np.array({0}, copy=None, order={2})", "{0}.copy(order={1})", "np.copy({0}, {1})", "{0}.ravel(order={2})",
    "np.ravel({0}, {2})", "{0}.flatten({2})", "{0}.reshape(-1, order={2})", "np.reshape({0}, -1, order={2})",
    "{0}.astype({0}.dtype, order={1}, copy=False)", "np.zeros_like({0}, order={1}) + {0}", "{0}.T.reshape(-1)",
    "np.ones_like({0}, order={2}) * {0}", "np.asanyarray({0}, order={1})",
    "{0}.T.ravel()", "np.ascontiguousarray({0})", "{0}.swapaxes(0, -1).ravel({2})", "{0}[...]", "{0}.view()",
    "np.broadcast_arrays({0}, {0}[:1])[0]", "np.meshgrid({0}.ravel(), np.arange(2.0), copy=False)[0]",
    "np.stack([{0}, {0}], axis=-1)[..., 0]", "np.atleast_2d({0}).T", "np.diagonal(np.atleast_2d({0}))",
)


def cast(g: Grower) -> str | None:
    """Between all dtypes, by all the ways to ask for it; numbers out of range among them."""
    a = g.array(EVERY)
    if a is None:
        return None
    dtype = g.pick(("float64", "int64", "int32", "uint8", "bool") if g.derived else DTYPES)
    return g.pick(CASTS).format(a, dtype, g.pick(("300.7", "-1.5", "1e5", "3e9", "1e20")))


CASTS = (
    "{0}.astype(np.{1})", "{0}.astype('{1}')", "{0}.astype(dtype=np.{1}, copy=False)", "np.asarray({0}, dtype=np.{1})",
    "np.array({0}, np.{1})", "({0} * {2}).astype(np.{1})", "np.{1}({0})", "np.zeros_like({0}, dtype=np.{1}) + 1",
    "np.sum({0}, dtype=np.{1})", "np.full_like({0}, 1.7, dtype=np.{1})", "({0} > 0.1).astype(np.{1})",
    "np.add({0}, 1, dtype=np.{1}, casting='unsafe')", "np.cumsum({0}, dtype=np.{1})",
    "np.full({0}.shape, {0}.ravel()[0], np.{1})",
    "np.prod({0}, dtype=np.{1})", "np.ones({0}.shape, dtype='{1}') * {0}",
)


def of_integers(g: Grower) -> str | None:
    """Arithmetic of integers, with each other, with floats and with Python's numbers."""
    a = g.array("iu")
    if a is None:
        return None
    b = g.name(lambda v: _broadcasts(v.shape, g.shape(a)), EVERY) or a
    return g.pick(OF_INTEGERS).format(a, b, g.pick(("2", "-3", "7", "1")), g.axis(a))


OF_INTEGERS = (
    "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / 3", "{0} // {2}", "{0} % {2}", "{0} // 3", "{0} % 5", "{0} & 6",
    "{0} | 1",
    "{0} ^ {0}", "~{0}", "{0} << 1", "{0} >> 1", "-{0}", "np.abs({0})", "np.divmod({0}, {2})[0]", "np.sign({0})",
    "np.maximum({0}, {1})", "np.where({0} > 1, {0}, {1})", "np.sum({0})", "np.mean({0})", "np.cumsum({0}, {3})",
    "np.max({0}, axis={3})", "np.prod({0}, axis={3})", "np.sort({0}, axis={3})", "np.clip({0}, 0, 5)",
    "np.power({0}, 2)",
    "np.sqrt(np.abs({0}))", "np.floor_divide({0}, 2.0)", "np.fmod({0}, {2})", "np.square({0})",
    "np.arange(9.0)[np.abs({0}) % 9]", "np.take(np.arange(5.0), {0}, mode='wrap')", "np.argsort({0}, axis={3})",
    "np.bitwise_and({0}, 3)", "np.left_shift({0}, 2)", "np.invert({0})", "np.median({0})",
    "np.dot({0}.ravel(), {0}.ravel())",
    "np.equal({0}, {1})", "{0} > {1}", "np.any({0} > 2)", "np.count_nonzero({0})", "np.diff({0})",
    "np.bincount({0}.ravel() % 4)",
)


def by_keyword(g: Grower) -> str | None:
    """Arguments of NumPy's functions by position where they mostly stand by name, and the other way round."""
    a = g.array()
    return None if a is None else g.pick(BY_KEYWORD).format(a, g.axis(a), g.flip(), g.shape(a)[0])


BY_KEYWORD = (
    "np.sum({0}, {1})", "np.sum(a={0}, axis={1}, keepdims={2})", "np.sum({0}, {1}, None, None, {2})",
    "np.mean({0}, {1})",
    "np.mean({0}, {1}, None, None, keepdims={2})", "np.max({0}, {1}, None, {2})", "np.std({0}, {1}, ddof=1)",
    "np.var({0}, axis={1}, mean=np.mean({0}, axis={1}, keepdims=True))", "np.sum({0}, initial=2.5)",
    "np.sum({0}, axis={1}, where={0} > 0)", "np.max({0}, initial=0.3, where={0} > 0)", "np.prod({0}, {1})",
    "np.concatenate(({0}, {0}), {1})", "np.sort({0}, {1}, 'stable')", "np.sort(a={0}, axis={1})",
    "np.clip(a={0}, a_min=-0.5, a_max=0.4)",
    "np.clip({0}, min=-0.5, max=0.4)", "np.clip({0}, None, 0.3)", "np.roll(a={0}, shift=1, axis={1})",
    "np.roll({0}, -2)",
    "np.take({0}, indices=[0, -1], axis={1})", "np.take({0}, [5, -7], {1}, None, 'wrap')",
    "np.repeat({0}, repeats=2, axis={1})",
    "np.stack(arrays=({0}, {0}), axis={1})", "np.expand_dims(a={0}, axis={1})", "np.round({0}, 1)",
    "np.round(a={0}, decimals=2)",
    "np.full(shape={3}, fill_value={0}.ravel()[0])", "np.linspace({0}.ravel()[0], 1.0, 5, False)",
    "np.diff({0}, 1, {1})",
    "np.pad({0}, 1, 'constant', constant_values=0.5)", "np.pad({0}, pad_width=1, mode='edge')",
    "np.flip(m={0}, axis={1})",
    "np.cumsum(a={0}, axis={1})", "np.average({0}, {1}, np.abs({0}) + 1)", "np.average(a={0}, axis={1})",
    "{0}.sum({1})",
    "{0}.mean({1}, keepdims={2})", "{0}.max(axis={1}, initial=0.2)", "{0}.std({1}, None, None, 0)", "{0}.clip(max=0.3)",
    "{0}.take([0], {1})", "{0}.round(1)", "{0}.cumsum({1})", "{0}.transpose(None)", "{0}.argmax({1})", "{0}.squeeze()",
    "np.moveaxis({0}, source=0, destination=-1)", "np.tensordot({0}, {0}, axes=({1}, {1}))",
    "np.trapezoid({0}, dx=0.5)",
    "np.percentile({0}, q=30, axis={1})", "np.quantile({0}, 0.4, {1})", "np.median(a={0}, axis={1})",
    "np.tile(A={0}, reps=2)",
    "np.array_split({0}, indices_or_sections=2, axis={1})[0]", "np.ptp({0}, {1})", "np.gradient({0}.ravel())",
    "np.nansum({0}, {1})", "np.interp({0}, [-1.0, 0.0, 1.0], [0.0, 2.0, 1.0])",
    "np.swapaxes(a={0}, axis1=0, axis2={1})",
    "np.matrix_transpose(np.atleast_2d({0}))", "np.searchsorted([-0.5, 0.5], {0})",

)

# complex numbers and matrices -----------------------------------------------------------------------------------------
def made_complex(g: Grower) -> str | None:
    a = g.array()
    return None if a is None else g.pick(MADE_COMPLEX).format(a, g.axis(a))


MADE_COMPLEX = (
    "{0} + 1j * {0}", "np.exp(1j * {0})", "{0}.astype(complex)", "np.fft.fft({0}, axis={1})", "({0} - 0.3j) ** 2",
    "np.sqrt({0} + 2j)", "np.fft.rfft({0}, axis={1})", "1 / ({0} + 2j)", "np.zeros({0}.shape, complex) + {0}",
    "np.fft.fftn({0})", "np.log({0} + 1.5j)",
)


def of_complex(g: Grower) -> str | None:
    a = g.array("c")
    if a is None:
        return None
    b = g.name(lambda v: _broadcasts(v.shape, g.shape(a)), "cf") or a
    return g.pick(OF_COMPLEX).format(a, b, g.axis(a))


OF_COMPLEX = (
    "np.conj({0})", "{0} * {1}", "{0} + {1}", "{0} - {1}", "{0} / (3j + {1} * np.conj({1}))", "np.real({0})",
    "{0}.imag",
    "np.abs({0} + 3)", "np.angle({0} + 40)", "np.exp({0} * 0.1)", "{0}.T", "np.sum({0}, axis={2})", "np.mean({0})",
    "np.fft.ifft({0}, axis={2})", "np.concatenate([{0}, {0}], {2})", "np.where({0}.real > 0.1, {0}, 2j)", "{0}[::-1]",
    "np.vdot({0}, {0}).real", "np.real({0} @ np.conj({0}).T)", "np.sin({0} * 0.2)", "np.cumsum({0}, axis={2})",
    "np.fft.irfft({0}, axis={2})", "np.sum(np.abs({0}) ** 2)", "-{0}", "{0}.real ** 2 + {0}.imag ** 2",
    "np.stack([{0}, np.conj({0})]).real", "np.prod({0} * 0.5, axis={2})", "np.tanh({0} * 0.3)", "np.square({0})",
)


def factorised(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim == 2)
    if a is None:
        return None
    square = f"({a} @ {a}.T + 2 * np.eye({g.shape(a)[0]}))"
    return g.pick(FACTORISED).format(a, square)


FACTORISED = (
    "np.linalg.cholesky({1})", "np.linalg.solve({1}, {0})", "np.linalg.inv({1})", "np.linalg.det({1} * 0.3)",
    "np.linalg.slogdet({1})[1]", "np.sum(np.linalg.eigvalsh({1}) ** 2)", "np.linalg.qr({1})[1]",
    "np.sum(np.linalg.svd({1}, compute_uv=False))", "np.linalg.matrix_power({1} * 0.2, 3)", "np.linalg.pinv({1})",
    "np.real(np.linalg.inv({1} + 1j * np.eye(len({0}))))", "np.linalg.solve({1} + 0.5j * {1}.T, {0}).imag",
    "np.abs(np.linalg.det({1} + 1j * np.eye(len({0}))))", "np.linalg.norm({0}, 'fro')",
    "np.linalg.eigh({1})[0][::-1]", "np.sum(np.linalg.eigvals({1}).real ** 3) * 0.01",
    "np.linalg.multi_dot([{1}, {0}])",
)

# transformations ------------------------------------------------------------------------------------------------------
over_rows = mapped((unary, unary, binary, where, indexed, reduced, moved, product, ordered, factorised, opaque))

TEMPLATES: dict[Callable[[Grower], str | None], int] = {
    unary: 2, binary: 3, where: 1, indexed: 2, masked_sum: 1, reduced: 2, method: 1, moved: 2, product: 2, ordered: 1,
    created: 1, copied: 2, viewed: 2, laid_out: 4, cast: 3, of_integers: 3, by_keyword: 3,
    made_complex: 2, of_complex: 4, factorised: 2, over_rows: 3, opaque: 1,
}
"""Statements that give a value, and how often they come."""
WRITES: dict[Callable[[Grower], str | None], int] = {written: 3, **INPLACE}
"""Statements that change arrays."""
CHOICES = [*TEMPLATES, *WRITES]
WEIGHTS = [*TEMPLATES.values(), *WRITES.values()]
