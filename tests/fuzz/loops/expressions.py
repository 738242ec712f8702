"""Expressions of random programs: integers with their intervals, floats, vectors, parts of arrays, conditions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from .names import Bool, Float, Helper, Int, Ints, Mat, Number, Pure, Scope, Type, Vec

Kind = TypeVar("Kind")

UNARY = ("np.sin({})", "np.cos({})", "np.tanh({})", "np.exp(-{} ** 2)", "np.sqrt(1 + {} ** 2)", "1.0 / (1 + {} ** 2)",
         "-{}", "0.5 * {}", "{} ** 2 * 0.3", "np.abs({})", "np.arctan({})", "{}")
SCALAR_ONLY = ("math.sin({})", "math.tanh({})", "abs({})", "math.exp(-abs({}))", "float({})")
BINARY = ("{} + {}", "{} - {}", "{} * {}", "{} / (2 + {} ** 2)", "np.maximum({}, {})", "np.minimum({}, {})")
INNER = 0.04
"""How often an expression calls a function that is mapped, differentiated or checkpointed."""
PAIR_ONLY = ("max({}, {})", "min({}, {})", "math.hypot(1 + {} ** 2, {})")


class Expressions:
    """A function under construction: its lines, its names, and the expressions that they allow."""

    def __init__(self, rng: random.Random, helpers: Sequence[Helper] = (), level: int = 1):
        self.rng = rng
        self.lines: list[str] = []
        self.scope = Scope()
        self.level = level
        self.helpers = list(helpers)
        self.pures: list[Pure] = []
        self.trip_count = 1
        self.loops: list[bool] = []
        self.stays = False
        """Whether there are no jumps: in a `finally` they are left to Python."""
        """For each loop around: whether `continue` may stand in it."""
        self.returned: str | None = None
        """What an early `return` gives; None where there may be none."""
        self.numbers = itertools.count()
        self.outside: list[tuple[Type, str]] = []
        """What can be read from outside, and never assigned to; `{}` in a text stands for a scalar."""

    # choices ----------------------------------------------------------------------------------------------------------
    def pick(self, items: Sequence[Any]) -> Any:
        return self.rng.choice(items)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def fresh(self, letter: str) -> str:
        return f"{letter}{next(self.numbers)}"

    def name(self, fits: Callable[[Type], bool]) -> str | None:
        """A name of a type: an inner one rather than an outer one, now and then."""
        found = self.scope.names(fits)
        if not found:
            return None
        return found[-1] if self.chance(0.25) else self.pick(found)

    def named(self, kind: type[Kind]) -> tuple[str, Kind] | None:
        """A name of a class of types, and its type."""
        name = self.name(lambda t: isinstance(t, kind))
        t = None if name is None else self.scope[name]
        return (name, t) if name is not None and isinstance(t, kind) else None

    def read(self, fits: Callable[[Type], bool], p: float) -> str | None:
        """With some probability something from outside that fits."""
        found = [text for t, text in self.outside if fits(t)] if self.outside and self.chance(p) else []
        return self.pick(found).replace("{}", "0.3" if self.chance(0.3) else self.element()) if found else None

    # text -------------------------------------------------------------------------------------------------------------
    def emit(self, text: str) -> None:
        self.lines.append("    " * self.level + text)

    @contextmanager
    def indented(self) -> Iterator[None]:
        self.level += 1
        with self.scope.block():
            yield
        self.level -= 1

    # integers ---------------------------------------------------------------------------------------------------------
    def integers(self) -> list[Number]:
        out = []
        for name in self.scope.names(lambda t: isinstance(t, Int)):
            t = self.scope[name]
            assert isinstance(t, Int)
            out.append(Number(name, t.lo, t.hi))
        out += [Number(text, t.lo, t.hi) for t, text in self.outside if isinstance(t, Int)]
        arrays = self.scope.names(lambda t: isinstance(t, Ints))
        return [*out, Number(f"int({self.pick(arrays)}[0]) % 4", 0, 3)] if arrays else out

    def integer(self) -> Number:
        """A name, shifted, scaled, or a constant."""
        found = self.integers()
        if not found or self.chance(0.15):
            c = self.rng.randint(0, 4)
            return Number(str(c), c, c)
        x = found[-1] if self.chance(0.5) else self.pick(found)
        kind = self.rng.randint(0, 9)
        if kind < 4:
            return x
        if kind < 7:
            d = self.pick((1, 1, 2, 3, -1, -2))
            return Number(f"{x.text} {'+' if d > 0 else '-'} {abs(d)}", x.lo + d, x.hi + d)
        if kind == 7:
            return Number(f"{x.text} * 2", 2 * x.lo, 2 * x.hi)
        if kind == 8:
            return Number(f"{x.text} // 2", x.lo // 2, x.hi // 2)
        y = self.pick(found)
        return Number(f"{x.text} + {y.text}", x.lo + y.lo, x.hi + y.hi)

    def index(self, extent: int) -> str:
        """An index in range, negative ones among them."""
        for _ in range(4):
            x = self.integer()
            if -extent <= x.lo and x.hi < extent:
                return x.text
            back = Number(f"{extent - 1} - ({x.text})", extent - 1 - x.hi, extent - 1 - x.lo)
            if self.chance(0.3) and -extent <= back.lo and back.hi < extent:
                return back.text
        kind = self.rng.randint(0, 5)
        v = self.name(lambda t: t == Vec(extent))
        if kind == 0 and v:
            return self.pick((f"np.argmax({v})", f"int(np.argmin({v} ** 2))"))
        if kind < 4:
            return f"({self.integer().text}) % {extent}"
        return str(self.rng.randint(-extent, extent - 1))

    def bounds(self, extent: int) -> str:
        """The inside of a slice: whatever NumPy clips, or a fixed part."""
        a, b = self.integer().text, self.integer().text
        return self.pick((
            f":{a}", f"{a}:", f"{a} + 1:", f":{a} + 1", f"-({a}) - 1:", f"{a}:{b}", f"{a}:{a} + 2", f":-1 - ({a})",
            f"{a}::2", f":{a}:2", f"{a}::-1", f":{a}:-1", f"{extent} - ({a}):", "1:", ":-1", "::2", "::-1", ":",
        ))

    # floats -----------------------------------------------------------------------------------------------------------
    def scalar(self, depth: int = 2) -> str:
        """A float expression, parenthesised where it needs to be."""
        if found := self.read(lambda t: isinstance(t, Float), 0.12):
            return found
        if depth and self.chance(INNER):
            return self.inner_scalar()
        kind = self.rng.randint(0, 11) if depth else self.rng.randint(0, 6)
        if kind < 4:
            name = self.name(lambda t: isinstance(t, Float))
            if name:
                return name
        if kind < 6:
            return self.element()
        if kind == 6:
            return self.pick(("0.3", "1.5", "-0.7", "0.25", "1.1")) if self.chance(0.5) else self.from_integer()
        if kind < 9:
            return self.pick(UNARY + SCALAR_ONLY).format(self.parenthesised(depth - 1))
        if kind < 10:
            a, b = self.parenthesised(depth - 1), self.parenthesised(depth - 1)
            return self.pick(BINARY + PAIR_ONLY).format(a, b)
        if kind == 10:
            return self.reduced()
        return f"({self.scalar(depth - 1)} if {self.condition(0)} else {self.scalar(depth - 1)})"

    def parenthesised(self, depth: int) -> str:
        text = self.scalar(depth)
        return text if text.isidentifier() else f"({text})"

    def from_integer(self) -> str:
        x = self.integer()
        return f"0.1 * ({x.text})" if max(abs(x.lo), abs(x.hi)) < 40 else f"0.1 * (({x.text}) % 9)"

    def element(self) -> str:
        name = self.name(lambda t: isinstance(t, Vec | Mat))
        if name is None:
            return "0.6"
        t = self.scope[name]
        if isinstance(t, Vec):
            return f"{name}[{self.index(t.n)}]"
        assert isinstance(t, Mat)
        i, j = self.index(t.n), self.index(t.m)
        return self.pick((f"{name}[{i}, {j}]", f"{name}[{i}, {j}]", f"{name}[{i}][{j}]", f"{name}.T[{j}, {i}]"))

    def reduced(self) -> str:
        """A sum or product over a part of an array, often a part that a loop index bounds."""
        name, part, n = self.line()
        kind = self.rng.randint(0, 5)
        if kind == 0 and n is not None:
            return f"0.3 * np.max({part})"
        if kind == 1:
            return f"0.1 * np.sum({self.pick(UNARY).format(f'({part})')})"
        other = self.like(name, part)
        if kind == 2:
            return f"0.2 * ({part} @ {other})"
        return self.pick((f"0.1 * np.sum({part} * {other})", f"0.2 * np.dot({part}, {other})", f"0.2 * {part}.sum()",
                          f"np.tanh(sum({part}))"))

    def line(self) -> tuple[str, str, int | None]:
        """A vector, or a line of a matrix, or a part of either: the array's name, the text, and its extent if known."""
        name = self.name(lambda t: isinstance(t, Vec | Mat))
        assert name is not None
        t = self.scope[name]
        if isinstance(t, Vec):
            if self.chance(0.35):
                return name, name, t.n
            return name, f"{name}[{self.bounds(t.n)}]", None
        assert isinstance(t, Mat)
        i, j = self.index(t.n), self.index(t.m)
        kind = self.rng.randint(0, 5)
        if kind == 0:
            return name, f"{name}[{i}]", t.m
        if kind == 1:
            return name, f"{name}[:, {j}]", t.n
        if kind == 2:
            return name, f"{name}.T[{j}]", t.n
        if kind == 3:
            return name, f"{name}[{i}, {self.bounds(t.m)}]", None
        if kind == 4:
            return name, f"{name}[{self.bounds(t.n)}, {j}]", None
        return name, f"{name}[{i}][{self.bounds(t.m)}]", None

    def like(self, name: str, part: str) -> str:
        """The same part of another array of the same type."""
        t = self.scope[name]
        other = self.pick(self.scope.names(lambda u: u == t))
        if part == name:
            return other
        return other + part[len(name):]

    def vector(self, n: int, depth: int = 1) -> str | None:
        """A vector expression of a known extent."""
        if found := self.read(lambda t: t == Vec(n), 0.2):
            return found
        if depth and self.chance(INNER) and (found := self.inner_vector(n)):
            return found
        kind = self.rng.randint(0, 6)
        names = self.scope.names(lambda t: t == Vec(n))
        rows = self.scope.names(lambda t: isinstance(t, Mat) and t.m == n)
        columns = self.scope.names(lambda t: isinstance(t, Mat) and t.n == n)
        if depth and kind < 2:
            a = self.vector(n, 0)
            return a and self.pick(UNARY).format(f"({a})")
        if depth and kind < 4:
            a, b = self.vector(n, 0), self.vector(n, 0) if self.chance(0.6) else self.scalar(1)
            return a and b and self.pick(BINARY).format(f"({a})", f"({b})")
        if kind == 4 and rows:
            m = self.pick(rows)
            t = self.scope[m]
            assert isinstance(t, Mat)
            return f"{m}[{self.index(t.n)}]"
        if kind == 5 and columns:
            m = self.pick(columns)
            t = self.scope[m]
            assert isinstance(t, Mat)
            vs = self.scope.names(lambda u: u == Vec(t.m))
            return f"0.3 * ({m} @ {self.pick(vs)})" if vs and self.chance(0.5) else f"{m}[:, {self.index(t.m)}]"
        if not names:
            return None
        v = self.pick(names)
        return self.pick((v, v, v, f"{v}[::-1]", f"np.roll({v}, 1)", f"np.where({v} > 0.1, {v}, {self.scalar(0)})"))

    # functions within: they capture what is in scope, views and arrays that loops change among it ---------------------
    def inner(self, kind: Type) -> tuple[str, str]:
        """The parameter and the text of a function of something of a type, which gives a float."""
        name = self.fresh("t")
        with self.scope.block():
            self.scope.bind(name, kind)
            return name, self.scalar(1)

    def inner_scalar(self) -> str:
        name, text = self.inner(Float())
        form = self.pick(("gj.grad(lambda {0}: {1})({2})", "gj.checkpoint(lambda {0}: {1})({2})",
                          "gj.vmap(lambda {0}: {1})(np.array([{2}, 0.4]))[0]"))
        return f"0.3 * {form.format(name, text, self.scalar(0))}"

    def inner_vector(self, n: int) -> str | None:
        rows = self.name(lambda t: isinstance(t, Mat) and t.n == n)
        if rows is not None and self.chance(0.5):
            m = self.scope[rows]
            assert isinstance(m, Mat)
            name, text = self.inner(Vec(m.m))
            return f"0.3 * gj.vmap(lambda {name}: {text})({rows})"
        v = self.name(lambda t: t == Vec(n))
        if v is None:
            return None
        if self.chance(0.5):
            name, text = self.inner(Float())
            return f"0.3 * gj.vmap(lambda {name}: {text})({v})"
        name, text = self.inner(Vec(n))
        return f"0.3 * gj.grad(lambda {name}: {text} + 0.1 * np.sum({name} ** 2))({v})"

    # conditions -------------------------------------------------------------------------------------------------------
    def condition(self, depth: int = 1) -> str:
        if found := self.read(lambda t: isinstance(t, Bool), 0.2):
            return found
        kind = self.rng.randint(0, 9)
        if depth and kind < 2:
            return f"{self.condition(0)} {self.pick(('and', 'or'))} {self.condition(0)}"
        if kind == 2:
            b = self.name(lambda t: isinstance(t, Bool))
            if b:
                return self.pick((b, f"not {b}"))
        if kind < 5:
            x = self.integer().text
            return self.pick((f"{x} > {self.integer().text}", f"({x}) % 3 == 1", f"({x}) % 2 != 0", f"{x} < 4",
                              f"1 <= {x} <= 5"))
        if kind == 5:
            return f"-0.5 < {self.scalar(1)} < {self.scalar(0)}"
        other = self.pick(("0.1", "-0.2", "0.4", self.scalar(0)))
        return f"{self.scalar(1)} {self.pick(('<', '>', '<=', '>='))} {other}"
