"""A random program's values against NumPy, its gradient against finite differences and against forward mode.

Most of the time is compilation. So each program's value and gradient are compiled together; every second one's value
alone, too, and each that changes between calls; the others' is interpreted. What was traced for the gradient serves
forward mode, which one program in `FULL` compiles, and the others interpret. The IR is verified as it was traced and in
its last form; that of a program that fails after every pass, to name the one at fault.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import gradjit as gj
from gradjit.ir import Func, interpret, verify
from gradjit.passes.jvp import jvp
from gradjit.tracer.trace import trace
from tests.control.case import Case, dot, interpreted, pushed, quotient, same
from tests.fuzz.effort import FULL, llvm_effort
from tests.fuzz.failure import Failure, Rough, attempt
from tests.fuzz.source import Program, World

BACKENDS = ("interpreter", "native")


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


class Run:
    """A program in two worlds: NumPy's and gradjit's, in which the same things happen."""

    def __init__(self, p: Program, backend: str):
        self.p = p
        self.backend = backend
        self.plain: World = p.plain()
        self.ours: World = p.world()
        self.case = case_of(p, self.ours.f)
        alone = self.ours.change is None and p.seed % 2
        self.jit = gj.jit(self.ours.f, backend="interpreter" if alone else backend)
        self.gradient = gj.value_and_grad(self.ours.f, argnums=self.case.wrt, has_aux=True, backend=backend)

    def steps(self) -> dict[str, Callable[[], None]]:
        """What the program reads from outside changes between two calls of one of the two functions."""
        first, last = ("value", self.value), ("gradient", self.slopes)
        if self.ours.change is None:
            return dict([first, last])
        if self.p.seed % 2:
            return dict([("gradient", self.derived), ("changed", self.change), ("changed gradient", self.slopes),
                         ("changed value", self.value)])
        return dict([("value", self.value), ("changed", self.change), ("changed value", self.value),
                     ("changed gradient", self.slopes)])

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
        if self.p.seed % FULL and len(func.params) == len(case.args):
            out = interpret(jvp(func, case.wrt), [*case.copied(), *d])
            found = float(out[len(func.results)]) if not out[0].ndim else np.inf
            if abs(found - slope) <= near:
                return found
        primals = tuple(case.args[k] for k in case.wrt)
        return float(pushed(alone(case), self.backend)(primals, d)[1])
