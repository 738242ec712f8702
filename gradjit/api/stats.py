"""What `f.stats()` tells."""

from __future__ import annotations

from dataclasses import field

from ..codegen.cores import CoresEntry
from ..ir import Loc
from ..passes.vjp.tape_report import TapeEntry
from ..records import dataclass


@dataclass(frozen=True)
class Specialised:
    """One specialisation: its arguments, how often it answered, and what compiling it took."""

    arguments: str
    hits: int
    workspace_bytes: int
    seconds: dict[str, float]
    """By step: trace, passes (each pass as "pass NAME"), cache (looking there), lower, llvm, entry."""
    traced_operations: int
    adjoint_operations: int
    optimized_operations: int
    kept: list[TapeEntry] = field(default_factory=list)
    """What loops keep for the reverse pass: at each line the bytes an iteration, and how many iterations there are at
    most."""
    loops: dict[Loc | None, str] = field(default_factory=dict)
    """By their lines, loops that were compiled as loops (""), or unrolled and why. Short ones are not listed."""
    origin: str = "compiled"
    """Where the code came from: "compiled" now, from "disk", with a "pickle", or "interpreter" (not yet compiled)."""

    conditions: list[str] = field(default_factory=list)
    """Where extents are open: what they must meet, in the user's words, as `len(x) == len(y)`."""

    cores: list[CoresEntry] = field(default_factory=list)
    """Of the long loops of the machine code: which run on all cores, and why others do not."""

    @property
    def kept_bytes(self) -> int | None:
        """The most bytes that loops keep for the reverse pass; None where that depends on numbers at run time."""
        totals = [k.total for k in self.kept]
        return None if None in totals else sum(t for t in totals if t is not None)

    @property
    def compile_seconds(self) -> float:
        return sum(s for step, s in self.seconds.items() if not step.startswith("pass "))


@dataclass(frozen=True)
class Stats:
    """The state of a compiled function. `misses` counts the calls that went through Python: the first ones of each
    specialisation (see `gj.config.tier`), calls with keywords, arrays in an unusual layout."""

    function: str
    misses: int
    specialisations: list[Specialised]
    closed: list[str] = field(default_factory=list)
    """Extents that have come in several sizes, and for which the function is compiled anew each time: why."""

    @property
    def hits(self) -> int:
        return sum(s.hits for s in self.specialisations)

    @property
    def compile_seconds(self) -> float:
        return sum(s.compile_seconds for s in self.specialisations)

    @property
    def workspace_bytes(self) -> int:
        return max((s.workspace_bytes for s in self.specialisations), default=0)

    def __str__(self) -> str:
        lines = [f"{self.function}: {len(self.specialisations)} specialisation(s), {self.hits} calls answered, "
                 f"{self.misses} of all calls through Python"]
        for s in self.specialisations:
            steps = ", ".join(f"{name} {1e3 * t:.1f}" for name, t in s.seconds.items())
            lines.append(f"  ({s.arguments})\n    {s.hits} calls; {ORIGINS[s.origin]}; operations "
                         f"{s.traced_operations} traced, "
                         f"{s.adjoint_operations} differentiated, {s.optimized_operations} optimized; workspace "
                         f"{s.workspace_bytes} bytes\n    {1e3 * s.compile_seconds:.1f} ms: {steps}")
            if s.conditions:
                lines.append(f"    for {', '.join(s.conditions)}")
            lines += [f"    {loc}: {f'unrolled: {why}' if why else 'a loop'}" for loc, why in s.loops.items()]
            lines += [f"    {c}" for c in s.cores]
            lines += [f"    {k.loc} keeps {amount(k)}" for k in s.kept]
        return "\n".join([*lines, *(f"  {c}" for c in self.closed)])


ORIGINS = {"compiled": "compiled", "disk": "code from disk", "pickle": "code came with the pickled function",
           "interpreter": "interpreted"}


def amount(k: TapeEntry) -> str:
    """What is kept of one value, for people."""
    each = f"{k.type}, " + (f"{k.bytes} bytes" if k.bytes is not None else "a size that is known at run time")
    return f"{each} an iteration, {k.trip_count} iterations" if k.trip_count is not None else f"{each} an iteration"
