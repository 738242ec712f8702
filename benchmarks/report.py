"""The measurements as text: what was required, what was reached, and the explanation of each figure missed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .cases import Case
from .first_call import First
from .loops.cases import GROWTH, Pair
from .measure import Times

FIRST_CALL_OF_SMALL = 0.1
IMPORT = 0.10

Row = Sequence[str]


@dataclass(frozen=True)
class Figure:
    """One requirement with what was reached. `key` is the heading of its explanation."""

    key: str
    what: str
    required: str
    reached: str
    met: bool


def speed(t: Times) -> Figure | None:
    reached = t.ratio("gradjit", "jax")
    if t.case.required is None or reached is None:
        return None
    return Figure(f"speed {t.case.name}", f"{t.case.title}: time over JAX's", at_most(t.case.required), ratio(reached),
                  reached <= t.case.required)


def over_value(t: Times) -> Figure | None:
    reached = t.ratio("gradjit", "gradjit-value")
    if t.case.over_value is None or reached is None:
        return None
    return Figure(f"over-value {t.case.name}", f"{t.case.title}: value and gradient over the compiled value",
                  at_most(t.case.over_value), f"{reached:.2f}", reached <= t.case.over_value)


def over_numba(t: Times) -> Figure | None:
    reached = t.ratio("gradjit", "numba")
    if t.case.over_numba is None or reached is None:
        return None
    return Figure(f"over-numba {t.case.name}", f"{t.case.title}: time over the adjoint by hand in Numba",
                  at_most(t.case.over_numba), f"{reached:.2f}", reached <= t.case.over_numba)


def runs(t: Times) -> Figure | None:
    """Whether gradjit has the right result. A case with figures of its own has this one while it does not run."""
    if not t.failed.get("gradjit") and not (t.case.runs and "gradjit" in t.seconds):
        return None
    why = t.failed.get("gradjit") or next((p for p in t.problems if p.startswith("gradjit")), None)
    return Figure(f"runs {t.case.name}", f"{t.case.title}: runs", "right", brief(why) if why else "right", why is None)


def growth(pair: Pair, few: First | None, many: First | None) -> Figure | None:
    if few is None or many is None:
        return None
    reached = compilation(many) / compilation(few)
    return Figure(f"growth {pair.few.function}", f"{pair.title}: first call with 1000 times the steps", at_most(GROWTH),
                  f"{reached:.2f}", reached <= GROWTH)


def compilation(first: First) -> float:
    """Seconds of the first call less those of the run in it."""
    return max(first.call_seconds - first.again_seconds, 1e-4)


def first(case: Case, ours: First | None, jax: First | None) -> list[Figure]:
    found = []
    if ours and jax:
        reached = ours.call_seconds / jax.call_seconds
        found.append(Figure(f"first {case.name}", f"{case.title}: first call over JAX's", "≤ 1", f"{reached:.2f}",
                            reached <= 1))
    if ours and case.small:
        found.append(Figure(f"first-small {case.name}", f"{case.title}: first call",
                            at_most_seconds(FIRST_CALL_OF_SMALL), show(ours.call_seconds),
                            ours.call_seconds <= FIRST_CALL_OF_SMALL))
    return found


def imports(seconds: float) -> Figure:
    return Figure("import", "`import gradjit` beyond NumPy's", at_most_seconds(IMPORT), show(seconds),
                  seconds <= IMPORT)


# numbers --------------------------------------------------------------------------------------------------------------

def at_most_seconds(seconds: float) -> str:
    return f"≤ {show(seconds)}"


def show(seconds: float | None) -> str:
    """A time with three digits and its unit."""
    if seconds is None:
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{_three(seconds / scale)} {unit}"
    return f"{_three(seconds / 1e-9)} ns"


def _three(x: float) -> str:
    return f"{x:.0f}" if x >= 99.95 else f"{x:.1f}" if x >= 9.995 else f"{x:.2f}"


def ratio(x: float) -> str:
    """1/n below one half, else a decimal."""
    return f"1/{1 / x:.1f}" if x < 0.5 else f"{x:.2f}"


def at_most(x: float) -> str:
    return f"≤ {Fraction(x).limit_denominator(1000)}"


# tables ---------------------------------------------------------------------------------------------------------------

def table(head: Row, rows: Sequence[Row]) -> str:
    """Markdown, padded so that it reads as it stands."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]

    def line(cells: Row) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, rows)])


COLUMNS = {"gradjit": "gradjit", "jax": "JAX", "numba": "by hand in Numba", "autograd": "autograd", "torch": "PyTorch",
           "gradjit-value": "gradjit, value alone", "numpy-value": "NumPy, value alone"}


def times_table(all_times: Sequence[Times], names: Sequence[str]) -> str:
    """Seconds a call of every contender, and gradjit's over JAX's, and over Numba's where it takes part, with the
    bounds."""
    head = ["value and gradient", *(COLUMNS[n] for n in names), "gradjit / JAX", "required"]
    head += ["gradjit / Numba", "required"] if "numba" in names else []
    return table(head, [[t.case.title, *(cell(t, n) for n in names), *against(t, "jax", t.case.required, speed(t)),
                         *(against(t, "numba", t.case.over_numba, over_numba(t)) if "numba" in names else ())]
                        for t in all_times])


def cell(t: Times, name: str) -> str:
    """The time, or what keeps the contender from having one."""
    return f"does not run yet: {brief(t.failed[name])}" if name in t.failed else show(t.seconds.get(name))


def brief(why: str, length: int = 70) -> str:
    """The beginning of a message, fit for a cell."""
    why = why.replace("|", "/")
    return why if len(why) <= length else why[:length - 1].rstrip() + "…"


def against(t: Times, name: str, required: float | None, figure: Figure | None) -> Row:
    """Two cells: gradjit's time over the contender's, and the bound with the verdict."""
    reached = t.ratio("gradjit", name)
    bound = verdict(at_most(required), figure) if required else "runs" if t.case.runs and name == "jax" else "–"
    return ratio(reached) if reached else "–", bound


def growth_table(found: Sequence[tuple[Pair, First | None, First | None]]) -> str:
    head = ["first call less a later one", "10 steps", "10,000 steps", "ratio", "required"]
    rows = []
    for pair, few, many in found:
        figure = growth(pair, few, many)
        rows.append([pair.title, *(show(compilation(f)) if f else "–" for f in (few, many)),
                     figure.reached if figure else "–", verdict(at_most(GROWTH), figure)])
    return table(head, rows)


def first_table(found: Sequence[tuple[Case, dict[str, First]]], names: Sequence[str]) -> str:
    head = ["first call", *(COLUMNS[n] for n in names), "gradjit / JAX"]
    rows = []
    for case, firsts in found:
        ours, jax = firsts.get("gradjit"), firsts.get("jax")
        rows.append([case.title, *(show(f.call_seconds) if (f := firsts.get(n)) else "–" for n in names),
                     ratio(ours.call_seconds / jax.call_seconds) if ours and jax else "–"])
    return table(head, rows)


def verdict(required: str, figure: Figure | None) -> str:
    return required if figure is None else f"{required}: {'met' if figure.met else 'MISSED'}"


def figures_table(figures: Sequence[Figure]) -> str:
    return table(["figure", "required", "reached", ""],
                 [[f.what, f.required, f.reached, "met" if f.met else "MISSED"] for f in figures])


# the whole ------------------------------------------------------------------------------------------------------------

def explanations(path: Path) -> dict[str, str]:
    """The sections of the file of explanations by their headings; a heading may name several figures, `a, b`."""
    if not path.exists():
        return {}
    parts = re.split(r"^## +(.+)$", path.read_text(), flags=re.M)
    return {key.strip(): text.strip() for heads, text in zip(parts[1::2], parts[2::2], strict=True)
            for key in heads.split(",")}


def explained(figures: Sequence[Figure], known: dict[str, str]) -> str:
    """A section for each figure missed: its measured reason, or that there is none yet. Equal reasons stand once."""
    reasons: dict[str, list[Figure]] = {}
    for f in figures:
        if not f.met:
            reasons.setdefault(known.get(f.key, f"Not explained yet (`{f.key}`)."), []).append(f)
    if not reasons:
        return "Every required figure was reached.\n"
    parts = []
    for text, missed in reasons.items():
        heads = "\n".join(f"- {f.what}: required {f.required}, reached {f.reached}" for f in missed)
        parts.append(f"{heads}\n\n{text}\n")
    return "\n".join(parts)


def document(machine: Sequence[str], tables: dict[str, str], figures: Sequence[Figure], problems: Sequence[str],
             known: dict[str, str]) -> str:
    """RESULTS.md. tables: by heading."""
    shown = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in tables.items())
    met = sum(f.met for f in figures)
    described = "\n".join(f"- {line}" for line in machine)
    wrong = "\n".join(f"- {p}" for p in problems) or "All contenders agree on values and gradients in every case."
    return f"""# Measured

Written by `make bench`; the reasons under "Missed" are kept in `explanations.md`.

{described}

A time is the least over interleaved rounds in one process, all contenders held to the same cores, each with its
arguments in its own arrays and waiting for its results. First calls are taken each in a fresh process, after the
import, from the Python function to the result; gradjit finds no code on disk, unless a table says so.

{shown}

## Required and reached: {met} of {len(figures)} met

{figures_table(figures)}

## Agreement

{wrong}

## Missed

{explained(figures, known)}"""
