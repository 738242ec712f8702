"""Programs grow statement by statement from a seed, with the type of every name known: integers with the interval that
they stay in, arrays with their extents. So indices are in range and loops end by construction; what NumPy refuses all
the same, or what grows out of bounds, is grown again.

Every variable whose value the program returns is bound at its beginning; a name that is bound further in is read only
within its block. Names may be any text that can be assigned to: `s1`, `box.s`, `state["v"]`, `parts[0]`.
"""

from __future__ import annotations

import itertools
import linecache
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST = 50.0
MOST_TURNS = 500
"""Of the innermost statement, by the product of the trip counts."""


# types ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Float:
    """A scalar."""


@dataclass(frozen=True)
class Bool:
    """A truth value."""


@dataclass(frozen=True)
class Int:
    """An integer in [lo, hi]."""

    lo: int
    hi: int
    fixed: bool = False
    """Whether the program must not assign to it: loop indices and counters."""


@dataclass(frozen=True)
class Vec:
    n: int


@dataclass(frozen=True)
class Mat:
    n: int
    m: int


Type = Float | Bool | Int | Vec | Mat


@dataclass(frozen=True)
class Number:
    """The text of an integer expression, and the interval that it stays in."""

    text: str
    lo: int
    hi: int


@dataclass(frozen=True)
class Helper:
    """A function of an array and a scalar that gives a scalar, and may change the array."""

    name: str
    takes: Vec | Mat


@dataclass(frozen=True)
class Program:
    """A function `f` that returns `loss, (all of its variables)`."""

    source: str
    arguments: tuple[Any, ...]
    seed: int = -1

    def compiled(self) -> Callable[..., Any]:
        """The function, with its source where lifting and tracebacks look for it."""
        filename = f"<program {hash(self.source) & 0xffffffff:x}>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        scope: dict[str, Any] = {}
        exec(compile(self.source, filename, "exec"), scope)
        return scope["f"]

    @property
    def varied(self) -> tuple[int, ...]:
        """The positions of the arguments that are differentiated."""
        return tuple(k for k, a in enumerate(self.arguments) if np.asarray(a).dtype.kind == "f")

    def __str__(self) -> str:
        shown = ", ".join(f"{a.dtype}{list(a.shape)}" if isinstance(a, np.ndarray) else repr(a) for a in self.arguments)
        return f"# seed {self.seed}: {shown}\n{self.source}"


PRELUDE = '''\
import math

import numpy as np


class Box:
    def __init__(self, s, v):
        self.s, self.v, self.k = s, v, 0

    def push(self, value):
        self.v[self.k] = value
        self.k = (self.k + 1) % len(self.v)
        self.s += 0.1 * value


'''

UNARY = ("np.sin({})", "np.cos({})", "np.tanh({})", "np.exp(-{} ** 2)", "np.sqrt(1 + {} ** 2)", "1.0 / (1 + {} ** 2)",
         "-{}", "0.5 * {}", "{} ** 2 * 0.3", "np.abs({})", "np.arctan({})", "{}")
SCALAR_ONLY = ("math.sin({})", "math.tanh({})", "abs({})", "math.exp(-abs({}))", "float({})")
BINARY = ("{} + {}", "{} - {}", "{} * {}", "{} / (2 + {} ** 2)", "np.maximum({}, {})", "np.minimum({}, {})")
PAIR_ONLY = ("max({}, {})", "min({}, {})", "math.hypot(1 + {} ** 2, {})")


class Scope:
    """Names and their types; inner blocks see outer ones."""

    def __init__(self) -> None:
        self.stack: list[dict[str, Type]] = [{}]

    @contextmanager
    def block(self) -> Iterator[None]:
        self.stack.append({})
        yield
        self.stack.pop()

    def bind(self, name: str, t: Type) -> None:
        self.stack[-1][name] = t

    def names(self, fits: Callable[[Type], bool]) -> list[str]:
        return [name for d in self.stack for name, t in d.items() if fits(t)]

    def __getitem__(self, name: str) -> Type:
        return next(d[name] for d in reversed(self.stack) if name in d)


class Grower:
    """A function under construction."""

    def __init__(self, rng: random.Random, helpers: Sequence[Helper] = (), level: int = 1):
        self.rng = rng
        self.lines: list[str] = []
        self.scope = Scope()
        self.level = level
        self.helpers = list(helpers)
        self.turns = 1
        self.loops: list[bool] = []
        """For each loop around: whether `continue` may stand in it."""
        self.returned: str | None = None
        """What an early `return` gives; None where there may be none."""
        self.numbers = itertools.count()

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

    def writable(self) -> list[str]:
        return self.scope.names(lambda t: isinstance(t, Vec | Mat))

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
        return out

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

    # conditions -------------------------------------------------------------------------------------------------------
    def condition(self, depth: int = 1) -> str:
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

    # statements -------------------------------------------------------------------------------------------------------
    def statements(self, count: int, depth: int) -> None:
        """At least one statement."""
        before = len(self.lines)
        for _ in range(count):
            self.statement(depth)
        if len(self.lines) == before:
            self.set_scalar()

    def statement(self, depth: int) -> None:
        compound = depth > 0 and self.chance(0.4 if depth > 1 else 0.3)
        self.pick(COMPOUND if compound else SIMPLE)(self, depth - 1)

    def set_scalar(self, depth: int = 0) -> None:
        name = self.name(lambda t: isinstance(t, Float))
        if name is None or self.chance(0.1):
            name = self.fresh("t")
            self.emit(f"{name} = {self.scalar()}")
            self.scope.bind(name, Float())
        elif self.chance(0.5):
            self.emit(f"{name} {self.pick(('+=', '-='))} 0.1 * {self.parenthesised(2)}")
        elif self.chance(0.3):
            self.emit(f"{name} *= {self.pick(('0.9', f'np.cos({self.scalar(1)})'))}")
        else:
            self.emit(f"{name} = {self.pick(('np.tanh({})', '0.8 * np.sin({})', '0.5 * ({})')).format(self.scalar())}")

    def write_element(self, depth: int = 0) -> None:
        place = self.element()
        if place[0].isdigit():
            return
        self.emit(self.pick(("{} = {}", "{} = np.sin({})", "{} += 0.1 * ({})", "{} -= 0.2 * ({})", "{} *= np.cos({})",
                             "{} = 0.5 * ({})")).format(place, self.scalar()))

    def write_part(self, depth: int = 0) -> None:
        name, part, n = self.line()
        target = f"{part}[:]" if part == name else part
        kind = self.rng.randint(0, 6)
        if kind < 2:
            self.emit(f"{target} {self.pick(('=', '+=', '*='))} {self.scalar(1)}")
        elif kind < 5:
            other = self.like(name, part)
            self.emit(self.pick((f"{target} += 0.1 * {other}", f"{target} = 0.5 * {other} + {self.scalar(0)}",
                                 f"{target} -= {self.scalar(0)} * {other}", f"{target} *= np.cos({other})",
                                 f"{target} = {other}")))
        elif n is not None:
            value = self.vector(n)
            if value:
                self.emit(f"{target} {self.pick(('=', '='))} 0.7 * ({value})")

    def shifted(self, depth: int = 0) -> None:
        """Neighbours: slices of one array whose extents are equal though their texts are not; they overlap."""
        v = self.name(lambda t: isinstance(t, Vec))
        if v is None:
            return
        t = self.scope[v]
        assert isinstance(t, Vec)
        found = [x for x in self.integers() if x.lo >= 0 and x.hi < t.n]
        if found and self.chance(0.6):
            i = self.pick(found).text
            self.emit(self.pick((
                f"{v}[{i} + 1:] -= 0.3 * {v}[{i}:-1]", f"{v}[1:{i} + 1] += 0.2 * {v}[:{i}]",
                f"{v}[:{i}] = {v}[1:{i} + 1]",
                f"{v}[{i}:] = {v}[{i}:][::-1]", f"{v}[:{i}] += 0.1 * {v}[:{i}][::-1]",
            )))
        else:
            self.emit(self.pick((f"{v}[1:] += 0.2 * {v}[:-1]", f"{v}[:-1] = {v}[1:]", f"{v}[1:-1] = {v}[2:] - {v}[:-2]",
                                 f"{v}[:] = {v}[::-1]", f"{v}[::2] -= 0.1 * {v}[0]")))

    def set_array(self, depth: int = 0) -> None:
        name = self.name(lambda t: isinstance(t, Vec | Mat))
        assert name is not None
        t = self.scope[name]
        if isinstance(t, Vec):
            value = self.vector(t.n)
            if value:
                self.emit(self.pick((f"{name} = 0.8 * ({value})", f"{name} = np.tanh({value})",
                                     f"{name} += 0.1 * ({value})", f"{name} *= {self.scalar(0)}")))
        else:
            other = self.pick(self.scope.names(lambda u: u == t))
            self.emit(self.pick((f"{name} = 0.5 * ({name} + {other})", f"{name} += 0.1 * np.sin({other})",
                                 f"{name} *= {self.scalar(0)}", f"{name} = np.cos({other}) * {self.scalar(0)}")))

    def special_write(self, depth: int = 0) -> None:
        v = self.name(lambda t: isinstance(t, Vec))
        if v is None:
            return
        t = self.scope[v]
        assert isinstance(t, Vec)
        i, j, s = self.index(t.n), self.index(t.n), self.scalar(0)
        self.emit(self.pick((
            f"{v}[{v} > 0.5] *= 0.5", f"{v}[{v} < {self.scalar(0)}] = {s}", f"{v}[[0, 2, 0]] += {s}",
            f"np.add.at({v}, [1, 1, 0], {s})", f"np.multiply({v}, 0.9, out={v})", f"{v}.fill({self.scalar(1)})",
            f"np.add({v}, {s}, out={v})", f"{v}.sort()", f"{v}[[{i}, {j}]] = {v}[[{j}, {i}]]",
            f"{v}[np.arange({t.n}) % 2 == 0] += 0.1",
        )))

    def swap(self, depth: int = 0) -> None:
        kind = self.rng.randint(0, 3)
        v = self.name(lambda t: isinstance(t, Vec))
        if kind < 2 and v:
            t = self.scope[v]
            assert isinstance(t, Vec)
            i, j = self.index(t.n), self.index(t.n)
            self.emit(f"{v}[{i}], {v}[{j}] = {v}[{j}], {v}[{i}]")
            return
        every = self.scope.names(lambda t: isinstance(t, Float | Vec | Mat))
        a = self.pick(every)
        b = self.pick([n for n in every if self.scope[n] == self.scope[a]])
        if isinstance(self.scope[a], Float):
            self.emit(f"{a}, {b} = {b}, {self.pick((a, f'0.5 * ({a} + {b})'))}")
        else:
            self.emit(f"{a}, {b} = {b}, {a}")

    def set_integer(self, depth: int = 0) -> None:
        k = self.name(lambda t: isinstance(t, Int) and not t.fixed)
        if k is None:
            return
        t = self.scope[k]
        assert isinstance(t, Int)
        m, x = t.hi + 1, self.integer().text
        self.emit(self.pick((f"{k} = ({x}) % {m}", f"{k} = ({k} + 1) % {m}", f"{k} = min({k} + 1, {t.hi})",
                             f"{k} = max({k} - 1, 0)", f"{k} = ({k} * 3 + {x}) % {m}",
                             f"{k} = 1 if {self.condition(0)} else {k}")))

    def set_bool(self, depth: int = 0) -> None:
        b = self.name(lambda t: isinstance(t, Bool))
        if b is not None:
            self.emit(self.pick((f"{b} = {self.condition()}", f"{b} = not {b}", f"{b} = bool({self.scalar(0)} > 0.2)")))

    def view(self, depth: int = 0) -> None:
        """A new name for a part of an array, a whole one, or a copy."""
        name = self.name(lambda t: isinstance(t, Vec | Mat))
        assert name is not None
        t = self.scope[name]
        new = self.fresh("w")
        if isinstance(t, Vec):
            text, n = self.pick(((f"{name}[1:]", t.n - 1), (f"{name}[:-1]", t.n - 1), (f"{name}[::-1]", t.n),
                                 (f"{name}[::2]", (t.n + 1) // 2), (name, t.n), (f"{name}.copy()", t.n),
                                 (f"{name}[1:][::-1]", t.n - 1)))
            if n < 3:
                return
            made: Type = Vec(n)
        elif self.chance(0.7):
            text, n = self.pick(((f"{name}[{self.index(t.n)}]", t.m), (f"{name}[:, {self.index(t.m)}]", t.n),
                                 (f"{name}.T[{self.index(t.m)}]", t.n), (f"{name}[{self.index(t.n)}][::-1]", t.m)))
            made = Vec(n)
        else:
            text, made = self.pick(((f"{name}.T", Mat(t.m, t.n)), (f"{name}[::-1]", t), (f"{name}.copy()", t)))
        self.emit(f"{new} = {text}")
        self.scope.bind(new, made)

    def call(self, depth: int = 0) -> None:
        if not self.helpers or self.turns > MOST_TURNS // 20:
            return self.set_scalar()
        h = self.pick(self.helpers)
        arrays = self.scope.names(lambda t: t == h.takes)
        s = self.name(lambda t: isinstance(t, Float))
        if arrays:
            call = f"{h.name}({self.pick(arrays)}, {self.scalar(1)})"
            self.emit(f"{s} = 0.5 * {call}" if s and self.chance(0.7) else call)

    def push(self, depth: int = 0) -> None:
        if "box.s" in self.scope.names(lambda t: isinstance(t, Float)):
            self.emit(f"box.push({self.scalar(1)})")
        else:
            self.write_element()

    def jump(self, depth: int = 0) -> None:
        """break, continue or return, under a condition."""
        texts = (["break"] * 2 if self.loops else []) + (["continue"] * 2 if self.loops and self.loops[-1] else [])
        if self.returned is not None and (self.loops or self.chance(0.3)):
            texts.append(f"return {self.returned}")
        if not texts:
            return self.set_scalar()
        self.emit(f"if {self.condition()}:")
        with self.indented():
            if self.chance(0.4):
                self.statements(1, 0)
            self.emit(self.pick(texts))

    # compound statements ----------------------------------------------------------------------------------------------
    def branch(self, depth: int) -> None:
        self.emit(f"if {self.condition()}:")
        with self.indented():
            self.statements(self.rng.randint(1, 3), depth)
        while self.chance(0.25):
            self.emit(f"elif {self.condition()}:")
            with self.indented():
                self.statements(self.rng.randint(1, 2), depth)
        if self.chance(0.5):
            self.emit("else:")
            with self.indented():
                self.statements(self.rng.randint(1, 2), depth)

    @contextmanager
    def turning(self, trips: int, continues: bool) -> Iterator[None]:
        self.turns *= max(trips, 1)
        self.loops.append(continues)
        with self.indented():
            yield
        self.loops.pop()
        self.turns //= max(trips, 1)

    def otherwise(self, depth: int) -> None:
        if self.chance(0.12):
            self.emit("else:")
            with self.indented():
                self.statements(1, depth)

    def for_range(self, depth: int) -> None:
        header = self.range()
        if header is None:
            return self.set_scalar()
        text, index, trips = header
        i = self.fresh("i")
        self.emit(f"for {i} in {text}:")
        with self.turning(trips, True):
            self.scope.bind(i, Int(index.lo, max(index.hi, index.lo), fixed=True))
            self.statements(self.rng.randint(1, 4), depth)
        self.otherwise(depth)

    def range(self) -> tuple[str, Number, int] | None:
        """The text of a range, what its index lies in, and the most turns."""
        n = self.pick((3, 4, 9, 10, 11, 12))
        x = self.integer()
        d = self.rng.randint(0, 2)
        choices = [
            (f"range({n})", 0, n - 1), (f"range({n})", 0, n - 1), (f"range({n} - 1, -1, -1)", 0, n - 1),
            (f"range(1, {n})", 1, n - 1), (f"range(0, {n}, 2)", 0, n - 1), (f"reversed(range({n}))", 0, n - 1),
            (f"range({n}, {d}, -2)", d, n), (f"range({x.text}, {n})", x.lo, n - 1),
            (f"range({x.text} + 1, {n})", x.lo + 1, n - 1), (f"range({x.text})", 0, x.hi - 1),
            (f"range({x.text}, -1, -1)", 0, x.hi), (f"range({x.text}, {x.text} + 3)", x.lo, x.hi + 2),
            (f"range({d}, {x.text} + 1, 2)", d, x.hi),
        ]
        v = self.name(lambda t: isinstance(t, Vec))
        if v:
            t = self.scope[v]
            assert isinstance(t, Vec)
            choices += [(f"range(len({v}))", 0, t.n - 1), (f"range({v}.shape[0] - 1)", 0, t.n - 2)] * 2
        text, lo, hi = self.pick(choices)
        trips = 3 if "+ 3)" in text else hi - lo + 1
        if self.turns * trips > MOST_TURNS:
            return None
        return text, Number("", lo, hi), trips

    def for_rows(self, depth: int) -> None:
        """Over elements and rows, alone, counted, or side by side."""
        name = self.name(lambda t: isinstance(t, Vec | Mat))
        assert name is not None
        t = self.scope[name]
        n = t.n if isinstance(t, Vec | Mat) else 0
        if self.turns * n > MOST_TURNS:
            return self.set_scalar()
        e, i, o = self.fresh("e"), self.fresh("i"), self.fresh("e")
        item: Type = Float() if isinstance(t, Vec) else Vec(t.m)  # type: ignore[union-attr]
        kind = self.rng.randint(0, 4)
        others = self.scope.names(lambda u: u == Vec(n))
        bound: list[tuple[str, Type]] = [(e, item)]
        if kind == 0:
            text = f"for {e} in {name}:"
        elif kind == 1:
            text = f"for {i}, {e} in enumerate({name}):"
            bound.append((i, Int(0, n - 1, fixed=True)))
        elif kind == 2 and others:
            text = f"for {e}, {o} in zip({name}, {self.pick(others)}):"
            bound.append((o, Float()))
        elif kind == 3:
            text = f"for {e} in reversed({name}):"
        else:
            text = f"for {e} in {name}[::-1]:"
        self.emit(text)
        with self.turning(n, True):
            for bind in bound:
                self.scope.bind(*bind)
            self.statements(self.rng.randint(1, 3), depth)
        self.otherwise(depth)

    def while_loop(self, depth: int) -> None:
        n = self.pick((3, 9, 11, 14))
        if self.turns * n > MOST_TURNS:
            return self.set_scalar()
        c = self.fresh("c")
        kind = self.rng.randint(0, 4)
        down = kind == 3
        self.emit(f"{c} = {n if down else 0}")
        head = (f"{c} < {n}", f"{c} < {n} and {self.condition(0)}", "True", f"{c} > 0",
                f"{self.condition(0)} and {c} < {n}")[kind]
        self.emit(f"while {head}:")
        with self.turning(n, True):
            self.scope.bind(c, Int(0, n, fixed=True))
            if kind == 2:
                self.emit(f"if {c} >= {n}{self.pick(('', f' or {self.condition(0)}'))}:")
                self.emit("    break")
            if down:
                self.emit(self.pick((f"{c} -= 1", f"{c} //= 2")))
            else:
                self.emit(f"{c} += {self.pick(('1', '1', '2'))}")
                self.scope.bind(c, Int(0, n + 1, fixed=True))
            self.statements(self.rng.randint(1, 3), depth)
        self.scope.bind(c, Int(0, n + 1, fixed=True))
        if kind != 2:
            self.otherwise(depth)

    def closure(self, depth: int) -> None:
        """A function within, that changes a name outside of it."""
        s = next((n for n in self.scope.names(lambda t: isinstance(t, Float)) if n in NONLOCAL), None)
        if s is None or self.level != 1:
            return self.branch(depth)
        g, a = self.fresh("g"), self.fresh("a")
        self.emit(f"def {g}({a}, {a}_scale=0.5):")
        self.emit(f"    nonlocal {s}")
        self.emit(f"    {s} += 0.1 * {a} * {a}_scale")
        self.emit(f"    return {self.pick(('np.sin', 'np.tanh'))}({s})")
        t = self.name(lambda t: isinstance(t, Float))
        n = self.pick((3, 9))
        self.emit(f"for _ in range({n}):")
        with self.turning(n, True):
            self.emit(f"{t} = 0.5 * {g}({self.scalar(1)})")
            self.statements(1, 0)

    def comprehension(self, depth: int = 0) -> None:
        v = self.name(lambda t: isinstance(t, Vec))
        s = self.name(lambda t: isinstance(t, Float))
        if v is None or s is None:
            return
        t = self.scope[v]
        assert isinstance(t, Vec)
        self.emit(self.pick((f"{s} = 0.1 * sum([np.sin(e) for e in {v}])",
                             f"{s} = 0.1 * sum({v}[k] * (k + 1) for k in range({t.n}))",
                             f"{s} = 0.2 * np.sum(np.array([{s}, {v}[0], {self.scalar(0)}]))")))


NONLOCAL = ("s0", "s1")
SIMPLE: tuple[Callable[[Grower, int], None], ...] = (
    *(Grower.set_scalar,) * 5, *(Grower.write_element,) * 5, *(Grower.write_part,) * 4, *(Grower.shifted,) * 2,
    *(Grower.set_array,) * 2, Grower.special_write, *(Grower.swap,) * 2, *(Grower.set_integer,) * 2, Grower.set_bool,
    *(Grower.view,) * 3, *(Grower.call,) * 2, *(Grower.jump,) * 2, Grower.push, Grower.comprehension,
)
COMPOUND: tuple[Callable[[Grower, int], None], ...] = (
    *(Grower.branch,) * 6, *(Grower.for_range,) * 7, *(Grower.for_rows,) * 3, *(Grower.while_loop,) * 3, Grower.closure,
)


# whole programs -------------------------------------------------------------------------------------------------------
def helper(rng: random.Random, k: int, n: int, m: int) -> tuple[Helper, list[str]]:
    """A function at module level, with loops and early returns of its own."""
    g = Grower(rng)
    takes = g.pick((Vec(n), Vec(m), Mat(n, m)))
    g.scope.bind("a", takes)
    g.scope.bind("r", Float())
    g.scope.bind("k", Int(0, 2))
    g.returned = "np.tanh(r)"
    g.turns = 20
    g.emit("k = 0")
    g.emit(f"r = {g.pick(('0.5 * b', 'b', '0.1'))}")
    g.scope.bind("b", Float())
    g.statements(rng.randint(1, 4), 1)
    g.emit("return r")
    name = f"h{k}"
    return Helper(name, takes), [f"def {name}(a, b):", *g.lines, "", ""]


def draft(rng: random.Random) -> Program:
    """A program that may fail or overflow."""
    n, m = rng.choice((3, 4, 5, 9, 10)), rng.choice((3, 4, 10))
    lines: list[str] = []
    helpers = []
    for k in range(rng.choice((0, 0, 1, 2))):
        h, text = helper(rng, k, n, m)
        helpers.append(h)
        lines += text
    g = Grower(rng, helpers)
    variables = declare(g, n, m)
    g.returned = result(g, variables)
    g.statements(rng.randint(2, 7), rng.choice((1, 2, 2, 3)))
    g.emit(f"return {g.returned}")
    numbers = np.random.default_rng(rng.randrange(2 ** 32))
    arguments = (0.7 * numbers.normal(size=n), 0.7 * numbers.normal(size=(n, m)),
                 rng.choice((float, np.float64))(numbers.normal()), numbers.integers(0, 3, 4))
    return Program(PRELUDE + "\n".join([*lines, "def f(x, y, z, idx):", *g.lines]) + "\n", arguments)


def declare(g: Grower, n: int, m: int) -> dict[str, Type]:
    """The variables that the program returns: from the arguments, constants, containers."""
    returned: dict[str, Type] = {}

    def variable(text: str, name: str, t: Type) -> None:
        g.emit(f"{name} = {text}")
        g.scope.bind(name, t)
        returned[name] = t

    variable("z", "s0", Float())
    variable(g.pick(("0.5", "x[0] * z", "np.sum(y) * 0.1")), "s1", Float())
    variable(g.pick(("x.copy()", "x * z", "np.zeros_like(x)")), "v0", Vec(n))
    variable(g.pick((f"np.zeros({n})", f"np.ones({n}) * z", "y[:, 0] + x")), "v1", Vec(n))
    variable(g.pick(("y.copy()", "np.sin(y)", "0.5 * y")), "m0", Mat(n, m))
    if g.chance(0.3):
        variable(f"np.zeros(({n}, {m}))", "m1", Mat(n, m))
    if g.chance(0.5):
        variable(g.pick(("0", "2", "idx[0]")), "k0", Int(0, 4))
    if g.chance(0.4):
        variable(g.pick(("True", "False", "z > 0.1")), "b0", Bool())
    g.scope.bind("x" if g.chance(0.2) else "v0", Vec(n))
    for k in range(2):
        if g.chance(0.3):
            g.scope.bind(f"idx[{k}]", Int(0, 2, fixed=True))
    container = g.rng.randint(0, 5)
    if container == 0:
        g.emit(f"box = Box(0.2 * z, {g.pick(('x * 0.5', f'np.zeros({n})'))})")
        names = {"box.s": Float(), "box.v": Vec(n)}
    elif container == 1:
        g.emit(f"state = {{'s': 0.3, 'v': {g.pick(('x + 1', 'v1'))}}}")
        names = {"state['s']": Float(), "state['v']": Vec(n)}
    elif container == 2:
        g.emit(f"parts = [y[0] * 1.0, {g.pick(('z', '0.1'))}]")
        names = {"parts[0]": Vec(m), "parts[1]": Float()}
    else:
        names = {}
    for name, t in names.items():
        g.scope.bind(name, t)
        returned[name] = t
    return returned


def result(g: Grower, variables: dict[str, Type]) -> str:
    terms = []
    for k, (name, t) in enumerate(variables.items()):
        if isinstance(t, Float):
            terms.append(f"{k + 1}.5 * {name}")
        elif isinstance(t, Vec | Mat):
            term = g.pick(("np.sum({}) * 1.1", "np.sum(np.sin({}))", "0.5 * np.sum({} ** 2)"))
            terms.append(term.format(name))
    return f"{' + '.join(terms)}, ({', '.join(variables)})"


def program(seed: int) -> Program:
    """The program of a seed: the first draft that NumPy runs, with numbers that stay within bounds."""
    for attempt in itertools.count():
        rng = random.Random(f"{seed}/{attempt}")
        p = draft(rng)
        if runs(p):
            return Program(p.source, p.arguments, seed)
    raise AssertionError("unreachable")


def runs(p: Program) -> bool:
    """Whether NumPy runs a program, and near its arguments too, without a warning, with numbers of ordinary size."""
    try:
        f = p.compiled()
        for shift in (0.0, 1e-3):
            args = [a + shift if np.asarray(a).dtype.kind == "f" else a for a in map(np.copy, p.arguments)]
            with np.errstate(all="raise"):
                loss, variables = f(*(a if a.ndim else a.item() for a in args))
            leaves = [loss, *variables]
            if not all(np.all(np.abs(np.asarray(v, float)) < LARGEST) for v in leaves):
                return False
    except (ValueError, IndexError, FloatingPointError, OverflowError, ZeroDivisionError, UnboundLocalError, TypeError,
            KeyError, AttributeError):
        return False
    return True
