"""Random NumPy functions as source text, grown statement by statement beside the arrays that they compute.

A statement is a template filled with names of the right shapes; it is run as it is written, and left out again where
NumPy refuses it or its numbers grow out of bounds. So every program runs, and `Program.source` is what a user would
type.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
Fits = Callable[[np.ndarray], bool]

LARGEST = 1e3
MOST_ELEMENTS = 60
SHAPES = ((3,), (2, 3), (), (4,), (3, 3), (1, 3), (2, 1), (2, 2, 3))


@dataclass(frozen=True)
class Program:
    """A function `f` of float arrays. `arguments` are those that it was grown with."""

    source: str
    arguments: tuple[np.ndarray, ...]
    results: tuple[Any, ...] = field(repr=False)

    def compiled(self) -> Callable[..., Any]:
        """The function, with its source where `inspect` and tracebacks look for it."""
        filename = "<program>"  # the same for all: hypothesis tells failures apart by where they arise
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        scope: dict[str, Any] = {"np": np}
        exec(compile(self.source, filename, "exec"), scope)
        return scope["f"]

    def __str__(self) -> str:
        shown = ", ".join(f"{a.dtype}{list(a.shape)}" for a in self.arguments)
        return f"# {shown}\n{self.source}"


class Grower:
    """A program under construction: its statements, and what each name holds."""

    def __init__(self, draw: Draw, arguments: Sequence[np.ndarray]):
        self.draw = draw
        self.env: dict[str, Any] = {"xyz"[k]: a for k, a in enumerate(arguments)}
        self.lines: list[str] = []

    # choices ----------------------------------------------------------------------------------------------------------
    def pick(self, items: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(items)))

    def below(self, n: int, least: int = 0) -> int:
        return self.draw(st.integers(least, n))

    def flip(self) -> bool:
        return self.draw(st.booleans())

    def name(self, fits: Fits = lambda a: True) -> str | None:
        """The name of a floating-point array that fits, a late one more often than an early one."""
        found = [n for n, a in self.env.items() if np.asarray(a).dtype.kind == "f" and fits(np.asarray(a))]
        if not found:
            return None
        return found[-1] if self.flip() else self.pick(found)

    def shape(self, name: str) -> tuple[int, ...]:
        return np.shape(self.env[name])

    def number(self) -> str:
        return self.pick(("2.0", "0.5", "-1.0", "3", "1.5", "0.1"))

    def axis(self, name: str) -> int:
        rank = len(self.shape(name))
        axis = self.below(rank - 1)
        return axis - rank if self.flip() else axis

    # growth -----------------------------------------------------------------------------------------------------------
    def statement(self) -> None:
        template = self.pick(TEMPLATES)
        text = template(self)
        if text is None:
            return
        if template in WRITES:
            self.write(text)
            return
        target = f"v{len(self.lines)}"
        value = self.tried(f"{target} = {text}", target)
        if value is not None:
            self.lines.append(f"{target} = {text}")
            self.env[target] = value

    def tried(self, line: str, target: str) -> Any:
        """The value that the statement computes, if it is of a size and magnitude to go on with."""
        scope = dict(self.env)
        try:
            with np.errstate(all="ignore"):
                exec(line, {"np": np}, scope)
        except (ValueError, IndexError, TypeError, np.exceptions.AxisError):
            return None
        value = np.asarray(scope[target])
        if value.dtype.kind not in "fib" or value.size > MOST_ELEMENTS or value.ndim > 4 or not value.size:
            return None
        return scope[target] if np.all(np.abs(value.astype(float)) < LARGEST) else None

    def write(self, line: str) -> None:
        """A statement that changes an array in place, and with it what shares its memory: all is run again."""
        target = self.env[line.replace("[", " ").split()[0]]
        scope = {name: a.copy() for name, a in self.env.items() if name in "xyz"}
        if any(np.may_share_memory(target, self.env[name]) for name in scope):
            return  # an argument: whether its change is seen outside depends on the wrapper
        try:
            with np.errstate(all="ignore"):
                exec("\n".join([*self.lines, line]), {"np": np}, scope)
        except (ValueError, IndexError, TypeError):
            return
        if all(np.all(np.abs(np.asarray(a, float)) < LARGEST) for a in scope.values()):
            self.lines.append(line)
            self.env = scope

    def program(self, arguments: Sequence[np.ndarray], scalar: bool) -> Program:
        found = [n for n, a in self.env.items() if np.asarray(a).dtype.kind == "f"]
        last = found[-min(3, len(found)):]
        terms = [f"np.sum({n} * {k + 1}.5)" if self.flip() else f"np.mean({n})" for k, n in enumerate(last)]
        results = [" + ".join(terms)] if scalar else last
        body = [*self.lines, f"return {', '.join(results)}"]
        params = ", ".join("xyz"[:len(arguments)])
        source = f"def f({params}):\n" + "".join(f"    {line}\n" for line in body)
        return Program(source, tuple(arguments), tuple(self.env[n] for n in last))


# templates ------------------------------------------------------------------------------------------------------------
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
    a = g.name(lambda v: v.ndim > 0)
    return None if a is None else g.pick(("{}.copy()", "np.zeros_like({})", "np.array({})", "{} * 1.5")).format(a)


def viewed(g: Grower) -> str | None:
    a = g.name(lambda v: v.ndim > 0)
    return None if a is None else g.pick(("{}[1:]", "{}[::-1]", "{}.T", "{}[::2]", "{}[0]", "{}.reshape(-1)")).format(a)


def written(g: Grower) -> str | None:
    """Assignments and augmented assignments to elements, rows, windows, masks and whole arrays, views among them."""
    a = g.name(lambda v: v.ndim > 0)
    if a is None or a in "xyz":
        return None
    if g.below(7) == 7:
        return f"{a}[{a} > 0.2] {g.pick(('=', '+=', '*='))} {g.number()}"
    place = g.pick(("[0]", "[-1]", "[1:]", "[::2]", "[...]", "[::-1]", "[[0, -1]]", "[..., 0]", ""))
    b = g.name(lambda v: v.size == 1) if g.below(2) == 0 else a
    value = f"{a}{place}" if b == a and g.flip() else (f"np.sum({b})" if g.flip() else g.number())
    if not place:
        return f"{a} {g.pick(('+=', '*=', '-='))} {value}"
    return f"{a}{place} {g.pick(('=', '=', '+=', '*=', '-='))} {value} {g.pick(('* 0.5', '+ 0.25', ''))}".rstrip()


WRITES = (written,)
TEMPLATES: tuple[Callable[[Grower], str | None], ...] = (
    unary, unary, binary, binary, binary, where, indexed, indexed, masked_sum, reduced, reduced, method, moved, moved,
    product, product, ordered, created, copied, viewed, written, written, written,
)


@st.composite
def programs(draw: Draw, most: int = 10, scalar: bool = True, dtype: Any = np.float64) -> Program:
    """Functions of one to three arrays; of a scalar result, or of the last arrays computed."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    arguments = [np.asarray(rng.normal(size=s)).astype(dtype) for s in shapes]
    grower = Grower(draw, arguments)
    for _ in range(draw(st.integers(1, most))):
        grower.statement()
    return grower.program(arguments, scalar)
