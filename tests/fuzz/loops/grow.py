"""Programs grow statement by statement from a seed, with the type of every name known: integers with the interval that
they stay in, arrays with their extents. So indices are in range and loops end by construction; what NumPy refuses all
the same, or what grows out of bounds, is grown again.

Every variable whose value the program returns is bound at its beginning; a name that is bound further in is read only
within its block. Names may be any text that can be assigned to: `s1`, `box.s`, `state["v"]`, `parts[0]`.
"""
from __future__ import annotations

import itertools
import random

import numpy as np

from tests.fuzz.source import Program

from . import records
from .aliases import ALIASES, LOOPS
from .integers import INTEGERS, declared
from .names import Bool, Float, Helper, Int, Listed, Mat, Type, Vec
from .outside import Outside, outside
from .statements import Statements

LARGEST = 50.0
"""Of the numbers that a program computes."""


PRELUDE = '''\
import collections
import contextlib
import copy
import dataclasses
import functools
import math
import types

import numpy as np


class Box:
    def __init__(self, s, v):
        self.s, self.v, self.k = s, v, 0

    def push(self, value):
        self.v[self.k] = value
        self.k = (self.k + 1) % len(self.v)
        self.s += 0.1 * value


''' + records.PRELUDE


def helper(rng: random.Random, k: int, n: int, m: int, around: Outside, nested: bool) -> tuple[list[Helper], list[str]]:
    """A function at module level, with loops and early returns of its own; perhaps compiled, or differentiated."""
    g = Statements(rng)
    takes = g.pick((Vec(n), Vec(m), Mat(n, m)))
    g.scope.bind("a", takes)
    g.scope.bind("r", Float())
    g.scope.bind("k", Int(0, 2))
    g.returned = "np.tanh(r)"
    g.trip_count = 20
    if not around.cells:
        g.outside = around.reads
    g.emit("k = 0")
    g.emit(f"r = {g.pick(('0.5 * b', 'b', '0.1'))}")
    g.scope.bind("b", Float())
    g.statements(rng.randint(1, 4), 1)
    g.emit("return r")
    name = f"h{k}"
    lines = [f"def {name}(a, b):", *g.lines, "", ""]
    made = [Helper(name, takes)]
    if nested:
        kind = rng.randint(0, 3)
        if kind == 0:
            lines = ["@gj.jit", *lines]
        elif kind == 1:
            lines += [f"j{k} = gj.jit({name})", "", ""]
            made.append(Helper(f"j{k}", takes))
        elif kind == 2:
            lines += [f"g{k} = gj.grad({name})", "", ""]
            made.append(Helper(f"g{k}", takes, gradient=True))
        else:
            made.append(Helper(f"gj.grad({name})", takes, gradient=True))
    return made, lines


def draft(rng: random.Random) -> Program:
    """A program that may fail or overflow. Which kinds of things it is about is drawn first."""
    n, m = rng.choice((3, 4, 5, 9, 10)), rng.choice((3, 4, 10))
    aliases, integers, captures, nested, recorded = (rng.random() < p for p in (0.3, 0.35, 0.35, 0.3, 0.5))
    around = outside(rng, n) if captures else Outside()
    lines: list[str] = []
    helpers = []
    for k in range(rng.choice((1, 1, 2) if nested else (0, 0, 1, 2))):
        h, text = helper(rng, k, n, m, around, nested)
        helpers += h
        lines += text
    tables = [ALIASES] * aliases + [INTEGERS] * integers + [records.RECORDS] * recorded
    around_them = [LOOPS] * aliases + [records.AROUND] * recorded
    g = Statements(rng, helpers, [kind for t in tables for kind in t.items()],
                   [kind for t in around_them for kind in t.items()])
    for k in range(rng.choice((1, 2)) if recorded else 0):
        q, text = records.pure(rng, k)
        g.pures.append(q)
        lines += text
    variables = declare(g, n, m, integers)
    if recorded and g.chance(0.4):
        variables |= records.declared(g)
    g.outside = around.reads
    g.returned = result(g, variables)
    g.statements(rng.randint(2, 7), rng.choice((1, 2, 2, 3)))
    g.emit(f"return {g.returned}")
    numbers = np.random.default_rng(rng.randrange(2 ** 32))
    arguments = (0.7 * numbers.normal(size=n), 0.7 * numbers.normal(size=(n, m)),
                 rng.choice((float, np.float64))(numbers.normal()), numbers.integers(0, 3, 4))
    return Program(PRELUDE + around.module([*lines, "def f(x, y, z, idx):", *g.lines]) + "\n", arguments)


def declare(g: Statements, n: int, m: int, integers: bool) -> dict[str, Type]:
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
    for name, text, ints in declared(g, n) if integers else ():
        variable(text, name, ints)
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


def result(g: Statements, variables: dict[str, Type]) -> str:
    terms = []
    for k, (name, t) in enumerate(variables.items()):
        if isinstance(t, Float):
            terms.append(f"{k + 1}.5 * {name}")
        elif isinstance(t, Vec | Mat):
            term = g.pick(("np.sum({}) * 1.1", "np.sum(np.sin({}))", "0.5 * np.sum({} ** 2)"))
            terms.append(term.format(name))
        elif isinstance(t, Listed):
            terms.append(f"0.3 * np.mean({name})")
    returned = (name for name, t in variables.items() if not isinstance(t, Listed))
    return f"{' + '.join(terms)}, ({', '.join(returned)})"


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
        for shift in (0.0, 1e-3):
            world = p.plain()
            args = [a + shift if np.asarray(a).dtype.kind == "f" else a for a in map(np.copy, p.arguments)]
            for change in (None, world.change) if world.change else (None,):
                if change:
                    change()
                with np.errstate(all="raise"):
                    loss, variables = world.f(*(a.copy() if a.ndim else a.item() for a in args))
                leaves = [loss, *variables]
                if not all(np.all(np.abs(np.asarray(v, float)) < LARGEST) for v in leaves):
                    return False
    except Exception:  # a draft or an edit may do anything
        return False
    return True
