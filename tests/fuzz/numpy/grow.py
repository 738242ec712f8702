"""Programs grow statement by statement beside the arrays that they compute.

A statement is a template filled with names of the right shapes; it is run as it is written, and left out again where
NumPy refuses it or its numbers grow out of bounds. So every program runs, and `Program.source` is what a user would
type.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.fuzz.source import Eager, Program

from .layouts import LAYOUTS, copied
from .templates import CHOICES, WEIGHTS, WRITES

LARGEST = 1e3
"""Of floating-point numbers; integers wrap."""
BATCH = 8
"""Programs, one seed after the other, that are of one kind, and compiled as one."""
MOST_ELEMENTS = 60
MOST_STATEMENTS = 12
SHAPES = ((3,), (2, 3), (), (4,), (3, 3), (1, 3), (2, 1), (2, 2, 3))
DTYPES = ("int64", "int32", "uint8", "int16", "bool", "float32", "int8", "uint16", "uint32", "uint64")
"""Of arguments that are not differentiated."""
REFUSALS = (ValueError, IndexError, TypeError, OverflowError, np.exceptions.AxisError)
"""Of NumPy's."""


class Grower:
    """A program under construction: its statements, and what each name holds."""

    def __init__(self, rng: random.Random, arguments: Sequence[np.ndarray], derived: bool):
        self.rng = rng
        self.arguments = {"xyz"[k]: a for k, a in enumerate(arguments)}
        self.env: dict[str, Any] = {name: copied(a) for name, a in self.arguments.items()}
        self.lines: list[str] = []
        self.derived = derived
        """Whether the program is to be differentiated: then its floats are of double precision."""

    # choices ----------------------------------------------------------------------------------------------------------
    def pick(self, items: Sequence[Any]) -> Any:
        return self.rng.choice(items)

    def below(self, n: int, least: int = 0) -> int:
        return self.rng.randint(least, max(n, least))

    def flip(self) -> bool:
        return self.rng.random() < 0.5

    def name(self, fits: Any = lambda a: True, kinds: str = "f") -> str | None:
        """The name of an array of these kinds of dtypes that fits, a late one more often than an early one."""
        found = [n for n, a in self.env.items() if np.asarray(a).dtype.kind in kinds and fits(np.asarray(a))]
        if not found:
            return None
        return found[-1] if self.flip() else self.pick(found)

    def array(self, kinds: str = "f") -> str | None:
        """The name of an array that is no scalar."""
        return self.name(lambda a: a.ndim > 0, kinds)

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
        (template,) = self.rng.choices(CHOICES, WEIGHTS)
        text = template(self)
        if text is None:
            return
        if template in WRITES:
            self.write(text)
            return
        target = f"v{len(self.lines)}"
        if self.tried(f"{target} = {text}", self.env) and self.fits(self.env[target]):
            self.lines.append(f"{target} = {text}")
        else:
            self.env.pop(target, None)

    def write(self, line: str) -> None:
        """A statement that changes arrays in place, and with them what shares their memory: all is run again."""
        scope: dict[str, Any] = {name: copied(a) for name, a in self.arguments.items()}
        if self.tried("\n".join([*self.lines, line]), scope) and all(map(self.fits, scope.values())):
            self.lines.append(line)
            self.env = scope

    def tried(self, text: str, scope: dict[str, Any]) -> bool:
        """Whether NumPy runs it. The scope is that of a module, so that lambdas see it."""
        module = {"np": np, "gj": Eager(), **scope}
        try:
            with np.errstate(all="ignore"):
                exec(text, module)
        except REFUSALS:
            return False
        scope.update({name: x for name, x in module.items() if name not in ("np", "gj", "__builtins__")})
        return True

    def fits(self, x: Any) -> bool:
        """Whether a value is of a kind, size and magnitude to go on with."""
        a = np.asarray(x)
        if a.dtype.kind not in "fibuc" or a.dtype == np.float16 or a.size > MOST_ELEMENTS or a.ndim > 4 or not a.size:
            return False
        if a.dtype.kind not in "fc":
            return True
        return bool(np.all(np.abs(a) < LARGEST)) and (a.dtype in (float, complex) or not self.derived)

    def source(self) -> str:
        kinds = "f" if self.derived else "fiub"
        found = [n for n, a in self.env.items() if np.asarray(a).dtype.kind in kinds]
        last = found[-min(3, len(found)):]
        terms = [f"np.sum({n} * {k + 1}.5)" if self.flip() else f"np.mean({n})" for k, n in enumerate(last)]
        body = [*self.lines, f"return {' + '.join(terms) if self.derived else ', '.join(last)}"]
        return f"def f({', '.join(self.arguments)}):\n" + "".join(f"    {line}\n" for line in body)


def argument(rng: random.Random, numbers: np.random.Generator, plain: bool) -> np.ndarray:
    """An array of any layout; a plain one is of double precision."""
    a = np.asarray(numbers.normal(size=rng.choice(SHAPES)))
    if not plain:
        a = np.asarray(a * rng.choice((1, 3, 100, 400))).astype(np.int64).astype(rng.choice(DTYPES))
    return rng.choice(LAYOUTS)(a) if a.ndim else a


def is_derived(seed: int) -> bool:
    """Whether the program of a seed is one that gives a number, and is differentiated."""
    return seed // BATCH % 2 == 1


def program(seed: int) -> Program:
    """The program of a seed. Its first argument, at least, is of double precision."""
    rng, numbers, derived = random.Random(seed), np.random.default_rng(seed), is_derived(seed)
    plain = [True, *(rng.random() < (0.8 if derived else 0.6) for _ in range(rng.randint(0, 2)))]
    grower = Grower(rng, [argument(rng, numbers, p) for p in plain], derived)
    for _ in range(rng.randint(1, MOST_STATEMENTS)):
        grower.statement()
    return Program(grower.source(), tuple(grower.arguments.values()), seed)


def runs(p: Program) -> bool:
    """Whether NumPy runs a program, and near its arguments too."""
    try:
        for shift in (0.0, 1e-3):
            with np.errstate(all="ignore"):
                args = [copied(a) for a in p.arguments]
                for a in args:
                    if a.dtype.kind == "f":
                        a += shift
                results = p.plain().f(*args)
            for r in results if isinstance(results, tuple) else (results,):
                if not np.all(np.isfinite(np.asarray(r, float))):
                    return False
            if is_derived(p.seed) and np.ndim(results):
                return False
    except Exception:  # an edit may do anything
        return False
    return True
