"""A random program's values against NumPy, its gradient against finite differences and against forward mode."""

from __future__ import annotations

import copy
import os
import re
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gradjit as gj
from gradjit.ir import verify
from gradjit.tracer.trace import trace
from tests.control.case import Case, dot, interpreted, pushed, quotient, same

from .grow import Program

BACKENDS = ("interpreter", "native")
SECONDS = 60
"""More than any program takes, by far."""

REFUSED = (
    r"copy the array when you assign it|bind a copy",  # two names of one array, perhaps, and a write
    r"whose equality does not follow",  # extents that are equal by the data only
)
"""What is refused by design: patterns of the messages. Such programs count apart."""


ANY = re.compile(r"<program \w+>|\b[a-z]\d+\b|\d+(\.\d+)?(e[-+]\d+)?|'[^']*'|\b[a-z_]+\d*\b(?=\[| =)")
"""What differs between failures that are alike."""


@dataclass(frozen=True)
class Failure:
    """What went wrong with a program: at which step, and how."""

    step: str
    kind: str
    """The class of the exception."""
    message: str

    @property
    def signature(self) -> tuple[str, str, str]:
        """Alike for programs that fail alike: names, numbers and what follows the first line are left out."""
        lines = self.message.strip().splitlines() or [""]
        return self.step, self.kind, ANY.sub("_", lines[0])[:300]

    def __str__(self) -> str:
        return f"{self.step}: {self.kind}: {self.message}"


class Refused(Exception):
    """The program is one of those that are refused by design."""


class Rough(Exception):
    """Finite differences of two widths disagree: a kink or a jump within reach. Forward and reverse mode have been
    compared all the same."""


class Endless(Exception):
    """The program took too long."""


def check(p: Program, backend: str = "native", verified: bool = True) -> Failure | None:
    """The first failure, or None. Raises Refused or Rough where less than everything could be compared."""
    before = os.environ.get("GRADJIT_VERIFY")
    os.environ["GRADJIT_VERIFY"] = "1" if verified else "0"
    rough = None
    try:
        for name, step in STEPS.items():
            try:
                with limited(SECONDS), np.errstate(all="ignore"):
                    step(p, backend)
            except Rough as e:
                rough = e
            except KeyboardInterrupt:
                raise
            except BaseException as e:  # whatever comes is the finding
                if isinstance(e, gj.GradjitError) and any(re.search(r, str(e)) for r in REFUSED):
                    raise Refused(str(e)) from e
                return Failure(name, type(e).__name__, str(e) or place_of(e))
    finally:
        os.environ["GRADJIT_VERIFY"] = before or "0"
    if rough:
        raise rough
    return None


def place_of(e: BaseException) -> str:
    """Where an exception without a text was raised."""
    frame = traceback.extract_tb(e.__traceback__)[-1]
    return f"{Path(frame.filename).name}, {frame.name}: {frame.line}"


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise Endless in what takes longer."""
    def over(*_: Any) -> None:
        raise Endless(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# steps ----------------------------------------------------------------------------------------------------------------
def case_of(p: Program) -> Case:
    return Case(p.compiled(), p.arguments, p.varied)


def loss_of(case: Case) -> Case:
    """The case of the scalar alone."""
    f = case.f
    return Case(lambda *args: f(*args)[0], case.args, case.wrt)


def traced(p: Program, backend: str) -> None:
    """The IR as it is traced is valid and means what NumPy does."""
    case = case_of(p)
    t = trace(case.f, case.copied(), {})
    verify(t.func)
    same(interpreted(t, t.func, case.copied()), case.plain(), 1e-9)


def value(p: Program, backend: str) -> None:
    """`gj.jit` gives NumPy's results and leaves the arguments as NumPy leaves them."""
    f = p.compiled()
    args, plain = copy.deepcopy(p.arguments), copy.deepcopy(p.arguments)
    expected = f(*plain)
    same(gj.jit(f, backend=backend)(*args), expected, 1e-9)
    same(args, plain, 1e-9)


def gradient(p: Program, backend: str) -> None:
    """The gradient along a direction against forward mode, and both against finite differences."""
    case = case_of(p)
    args = case.copied()
    (loss, variables), g = gj.value_and_grad(case.f, argnums=case.wrt, has_aux=True, backend=backend)(*args)
    same((loss, variables), case.plain(), 1e-9)
    same(args, case.args, 0.0)
    (d,) = case.directions(1)
    slope, size = dot(g, d)
    alone = loss_of(case)
    tangent = float(pushed(alone, backend)(tuple(case.args[k] for k in case.wrt), d)[1])
    scale = 1 + abs(tangent) + size
    differences = [float(quotient(lambda h: alone.plain(case.moved(d, h)), h)) for h in (1e-4, 3e-5)]
    text = f"{slope} by reverse mode, {tangent} by forward mode, {differences[1]} by differences"
    smooth = abs(differences[0] - differences[1]) <= 1e-6 * scale
    assert abs(slope - tangent) <= 1e-8 * scale, text
    if not smooth:
        raise Rough(text)
    assert abs(slope - differences[1]) <= 1e-5 * scale, text


STEPS: dict[str, Callable[[Program, str], None]] = {"traced": traced, "value": value, "gradient": gradient}
