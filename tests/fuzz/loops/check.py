"""A random program's values against NumPy, its gradient against finite differences and against forward mode.

Most of the time is compilation. So each program's value and gradient are compiled together; every second one's value
alone, too, and each that changes between calls; the others' is interpreted. What was traced for the gradient serves
forward mode, which one program in `FULL` compiles, and the others interpret. The IR is verified as it was traced and in
its last form; that of a program that fails after every pass, to name the one at fault.

What is compiled is called again, with other numbers, which may go other ways through the program: those calls are
taken by the machine code that Python calls directly. One program in `QUICK` begins with quick code, and is called until
the best code has answered.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import gradjit as gj
from gradjit.api.tiers import QUICK_CALLS
from gradjit.ir import Func, interpret, verify
from gradjit.passes.jvp import jvp
from gradjit.tracer import trees
from gradjit.tracer.trace import trace
from tests.control.case import Case, dot, interpreted, pushed, quotient, same
from tests.fuzz.effort import FULL, llvm_effort
from tests.fuzz.failure import Failure, Rough, attempt
from tests.fuzz.source import Program, World

from .grow import LARGEST

BACKENDS = ("interpreter", "native")
QUICK = 5
"""One program in so many is compiled in two steps, as users' programs are."""


def check(p: Program, backend: str = "native") -> Failure | None:
    """The first failure, or None. Raises Refused or Rough where less than everything could be compared."""
    full = p.seed % FULL == 0
    rough = None
    with np.errstate(all="ignore"), llvm_effort(full):
        run = Run(p, backend)
        for name, step in run.steps().items():
            try:
                failure = attempt(name, step)
            except Rough as e:
                rough = e
                continue
            if failure:
                return blamed(p, backend, name) or failure
    if rough:
        raise rough
    return None


def blamed(p: Program, backend: str, step: str) -> Failure | None:
    """The failure of a step, found again with everything verified: the trace's, where it is at fault already."""
    with verified():
        failure = attempt("traced", lambda: traced(p))
        run = Run(p, backend).steps()
        for name in [] if failure else run:
            failure = attempt(name, run[name])
            if failure or name == step:
                break
    return failure


@contextmanager
def verified() -> Iterator[None]:
    """The IR is verified after every pass."""
    before = os.environ.get("GRADJIT_VERIFY")
    os.environ["GRADJIT_VERIFY"] = "1"
    try:
        yield
    finally:
        os.environ["GRADJIT_VERIFY"] = before or "0"


def traced(p: Program) -> None:
    """The IR as it is traced is valid and means what NumPy does."""
    case = case_of(p, p.world().f)
    t = trace(case.f, case.copied(), {})
    verify(t.func)
    same(interpreted(t, t.func, case.copied()), case_of(p, p.plain().f).plain(), 1e-9)


def case_of(p: Program, f: Callable[..., Any]) -> Case:
    """The program's case; of those arguments that are floats the derivatives are taken."""
    return Case(f, p.arguments, tuple(k for k, a in enumerate(p.arguments) if np.asarray(a).dtype.kind == "f"))


def alone(case: Case) -> Case:
    """The case of the scalar alone."""
    f = case.f
    return Case(lambda *args: f(*args)[0], case.args, case.wrt)


def reversed_numbers(a: Any) -> Any:
    """Floats of another order and sign; integers, which are indices and counts, as they are."""
    if np.asarray(a).dtype.kind != "f":
        return a
    return np.flip(a).copy() if np.ndim(a) else -a


def ordinary(f: Callable[..., Any], args: Sequence[Any]) -> Any:
    """What NumPy gives; None where it refuses the numbers, or they grow out of bounds."""
    try:
        results = f(*args)
    except Exception:
        return None
    leaves = trees.flatten(results)[0]
    return results if all(np.all(np.abs(np.asarray(r, float)) < LARGEST) for r in leaves) else None


class Run:
    """A program in two worlds: NumPy's and gradjit's, in which the same things happen."""

    def __init__(self, p: Program, backend: str):
        self.p = p
        self.backend = backend
        self.plain: World = p.plain()
        self.ours: World = p.world()
        self.case = case_of(p, self.ours.f)
        self.other = tuple(map(reversed_numbers, p.arguments))
        alone = self.ours.change is None and p.seed % 2
        quick = p.seed % QUICK == 0
        tier = "quick" if quick else "compile"
        self.calls = QUICK_CALLS + 1 if quick else 1
        self.jit = gj.jit(self.ours.f, backend="interpreter" if alone else backend, tier=tier)
        self.gradient = gj.value_and_grad(self.ours.f, argnums=self.case.wrt, has_aux=True, backend=backend, tier=tier)

    def steps(self) -> dict[str, Callable[[], None]]:
        """What the program reads from outside changes between two calls of one of the two functions."""
        first, last = ("value", self.value), ("gradient", self.slopes)
        again, derived_again = ("value again", self.value_again), ("gradient again", self.derived_again)
        changed = ("changed", self.change)
        if self.ours.change is None:
            return dict([first, again, last, derived_again])
        if self.p.seed % 2:
            return dict([("gradient", self.derived), changed, ("changed gradient", self.slopes), derived_again,
                         ("changed value", self.value), again])
        return dict([first, changed, ("changed value", self.value), again, ("changed gradient", self.slopes),
                     derived_again])

    def change(self) -> None:
        for world in (self.plain, self.ours):
            assert world.change is not None
            world.change()

    def value(self) -> None:
        """`gj.jit` gives NumPy's results and leaves the arguments as NumPy leaves them."""
        args, plain = copy.deepcopy(self.p.arguments), copy.deepcopy(self.p.arguments)
        expected = self.plain.f(*plain)
        same(self.jit(*args), expected, 1e-9)
        same(args, plain, 1e-9)
        self.verify(self.jit)

    def value_again(self) -> None:
        """The same at other numbers."""
        plain = copy.deepcopy(self.other)
        expected = ordinary(self.plain.f, plain)
        for _ in range(self.calls if expected is not None else 0):
            args = copy.deepcopy(self.other)
            same(self.jit(*args), expected, 1e-9)
            same(args, plain, 1e-9)

    def derived_again(self) -> None:
        """The values that come with the gradient, at other numbers."""
        expected = ordinary(self.plain.f, copy.deepcopy(self.other))
        for _ in range(self.calls if expected is not None else 0):
            args = copy.deepcopy(self.other)
            values, _ = self.gradient(*args)
            same(values, expected, 1e-9)
            same(args, self.other, 0.0)

    def derived(self) -> Any:
        """The gradient, behind a check of the values that come with it; the arguments are left alone."""
        args = self.case.copied()
        values, g = self.gradient(*args)
        same(values, self.plain.f(*copy.deepcopy(self.p.arguments)), 1e-9)
        same(args, self.p.arguments, 0.0)
        self.verify(self.gradient)
        return g

    def verify(self, compiled: Any) -> None:
        for stage in ("traced", "optimized"):
            verify(compiled.latest.stages[stage])

    def slopes(self) -> None:
        """The gradient along a direction against forward mode, and both against finite differences."""
        g = self.derived()
        case = self.case
        (d,) = case.directions(1)
        slope, size = dot(g, d)
        scale = 1 + abs(slope) + size
        tangent = self.tangent(d, slope, 1e-8 * scale)
        judge = alone(case_of(self.p, self.plain.f))
        differences = [float(quotient(lambda h: judge.plain(case.moved(d, h)), h)) for h in (1e-4, 3e-5)]
        text = f"{slope} by reverse mode, {tangent} by forward mode, {differences[1]} by differences"
        assert abs(slope - tangent) <= 1e-8 * scale, text
        if not abs(differences[0] - differences[1]) <= 1e-6 * scale:
            raise Rough(text)
        assert abs(slope - differences[1]) <= 1e-5 * scale, text

    def tangent(self, d: tuple[Any, ...], slope: float, near: float) -> float:
        """The slope by forward mode; of what was traced already, where that has no parameters but the arguments."""
        func: Func = self.gradient.latest.stages["traced"]
        case = self.case
        given = [(a.dtype, a.shape) for a in map(np.asarray, case.args)]
        if self.p.seed % FULL and [(p.dtype.np, p.shape) for p in func.params] == given:
            out = interpret(jvp(func, case.wrt), [*case.copied(), *d])
            found = float(out[len(func.results)]) if not out[0].ndim else np.inf
            if abs(found - slope) <= near:
                return found
        primals = tuple(case.args[k] for k in case.wrt)
        return float(pushed(alone(case), self.backend)(primals, d)[1])
