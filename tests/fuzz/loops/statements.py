"""Statements of random programs: assignments, writes through views, swaps, calls, jumps, branches, loops."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .expressions import Expressions
from .names import Bool, Float, Helper, Int, Mat, Number, Type, Vec

Make = Callable[..., None]
Kinds = Iterable[tuple[Any, int]]

MOST_ITERATIONS = 500
"""Of the innermost statement, by the product of the trip counts."""


class Statements(Expressions):
    """A function under construction, statement by statement."""

    def __init__(self, rng: random.Random, helpers: Sequence[Helper] = (), kinds: Kinds = (), loops: Kinds = ()):
        """kinds, loops: statements, simple and compound, that come on top of those in the tables below."""
        super().__init__(rng, helpers)
        self.simple: dict[Make, int] = SIMPLE | dict(kinds)
        self.compound: dict[Make, int] = COMPOUND | dict(loops)

    def statements(self, count: int, depth: int) -> None:
        """At least one statement."""
        before = len(self.lines)
        for _ in range(count):
            self.statement(depth)
        if len(self.lines) == before:
            self.set_scalar()

    def statement(self, depth: int) -> None:
        compound = depth > 0 and self.chance(0.4 if depth > 1 else 0.3)
        table = self.compound if compound else self.simple
        (make,) = self.rng.choices(list(table), list(table.values()))
        make(self, depth - 1)

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
        found = self.scope.names(lambda u: isinstance(u, Int) and u.proven and u.hi < t.n)
        if found and self.chance(0.6):
            i = self.pick(found)
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
        if not self.helpers or self.trip_count > MOST_ITERATIONS // 20:
            return self.set_scalar()
        h = self.pick(self.helpers)
        arrays = self.scope.names(lambda t: t == h.takes)
        s = self.name(lambda t: isinstance(t, Float))
        if arrays:
            array = self.pick(arrays)
            call = f"{h.name}({array}, {self.scalar(1)})"
            if h.gradient:
                target = self.pick([*arrays, array])
                return self.emit(f"{target} {self.pick(('=', '+='))} 0.1 * np.tanh({call})")
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
        if not texts or self.stays:
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
        self.trip_count *= max(trips, 1)
        self.loops.append(continues)
        with self.indented():
            yield
        self.loops.pop()
        self.trip_count //= max(trips, 1)

    @contextmanager
    def staying(self) -> Iterator[None]:
        self.stays = True
        yield
        self.stays = False

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
            self.scope.bind(i, Int(index.lo, max(index.hi, index.lo), fixed=True, proven=text[6:-1].isdigit()))
            self.statements(self.rng.randint(1, 4), depth)
        self.otherwise(depth)

    def range(self) -> tuple[str, Number, int] | None:
        """The text of a range, what its index lies in, and the most iterations."""
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
        if self.trip_count * trips > MOST_ITERATIONS:
            return None
        return text, Number("", lo, hi), trips

    def for_rows(self, depth: int) -> None:
        """Over elements and rows, alone, counted, or side by side."""
        name = self.name(lambda t: isinstance(t, Vec | Mat))
        assert name is not None
        t = self.scope[name]
        n = t.n if isinstance(t, Vec | Mat) else 0
        if self.trip_count * n > MOST_ITERATIONS:
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
            bound.append((i, Int(0, n - 1, fixed=True, proven=True)))
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
        if self.trip_count * n > MOST_ITERATIONS:
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
"""Names that a function within may change: those bound at the program's beginning."""

SIMPLE = {
    Statements.set_scalar: 5, Statements.write_element: 5, Statements.write_part: 4, Statements.shifted: 2,
    Statements.set_array: 2, Statements.special_write: 1, Statements.swap: 2, Statements.set_integer: 2,
    Statements.set_bool: 1, Statements.view: 3, Statements.call: 2, Statements.jump: 2, Statements.push: 1,
    Statements.comprehension: 1,
}
COMPOUND = {
    Statements.branch: 6, Statements.for_range: 7, Statements.for_rows: 3, Statements.while_loop: 3,
    Statements.closure: 1,
}
"""Statements, and how often they come."""
