"""The passes from loop nests as they are generated to those that are emitted, in order."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..environment import switch
from ..passes.dump import Dumper
from ..records import dataclass
from .cores import parallelise
from .interrupts import place_polls
from .loop_passes import coalesce, drop_dead_stores
from .loops import Program
from .masked_branches import branch_on_masks
from .multiply_add import multiply_add
from .records_in_place import write_into_records
from .scalar_promotion import promote
from .short_loops import write_out_short
from .split_scans import split_scans
from .strips import strip_mine
from .tape_layout import pack_tapes
from .target import Machine
from .unroll_and_jam import unroll_and_jam
from .vectorise import vectorise, write_out
from .workspace import alias_outputs, place_workspace


@dataclass(frozen=True)
class LoopPass:
    """A named change of a kernel, in place. `run` is told what machine the code is for."""

    name: str
    run: Callable[[Program, Machine], None]
    about: str


PIPELINE: tuple[LoopPass, ...] = (
    LoopPass("tapes", pack_tapes, "records lie close together, and tapes of known length are allocated at once"),
    LoopPass("coalesce", coalesce, "nested loops that run through memory as one become one"),
    LoopPass("dead-stores", drop_dead_stores, "what is stored and not loaded is not stored, nor computed"),
    LoopPass("records", write_into_records, "what is kept for the reverse is written where it is kept"),
    LoopPass("short-loops", write_out_short, "short loops become straight code where the loop around gets lanes by it"),
    LoopPass("promote", promote, "what a loop adds to one element runs in a register"),
    LoopPass("scans", split_scans, "what is dear and scanned is computed in a loop of its own"),
    LoopPass("strip-mine", strip_mine, "dear scalar work on rows is done for several rows side by side"),
    LoopPass("branches", branch_on_masks, "loops that a mask makes idle are not run"),
    LoopPass("vectorise", vectorise, "loops get lanes, and several vectors an iteration where they are short of work"),
    LoopPass("write-out", write_out, "short loops over memory in registers become straight code"),
    LoopPass("jam", unroll_and_jam, "products with rows take several rows at once"),
    LoopPass("alias-outputs", alias_outputs, "workspace lives in outputs that are filled later"),
    LoopPass("parallel", parallelise, "independent loops are cut into chunks, which may run at once"),
    LoopPass("layout", place_workspace, "workspace that is never alive together shares bytes"),
    LoopPass("multiply-add", multiply_add, "a product that is only added to something is rounded with the sum"),
    LoopPass("polls", place_polls, "what takes long asks whether the user interrupts"),
)
"""What every kernel goes through."""

LOOP_PASSES: dict[str, LoopPass] = {p.name: p for p in PIPELINE}


def run_loop_passes(p: Program, machine: Machine, timings: dict[str, float]) -> Program:
    """All passes, in place.

    GRADJIT_DUMP has each write its output, GRADJIT_VERIFY has it verified; the seconds are added to `timings` by name.
    """
    dump, verify = Dumper.from_environment(), switch("GRADJIT_VERIFY")
    look(p, "nests", dump, verify)
    for each in PIPELINE:
        start = time.perf_counter()
        each.run(p, machine)
        timings[each.name] = timings.get(each.name, 0.0) + time.perf_counter() - start
        look(p, each.name, dump, verify)
    return p


def look(p: Program, name: str, dump: Dumper | None, verify: bool) -> None:
    """What surrounds a pass."""
    if dump is None and not verify:
        return
    from .loopir import print_program, verify as check
    if dump is not None:
        dump.text(name, p.name, print_program(p), "loops")
    if verify:
        try:
            check(p)
        except Exception as e:
            e.add_note(f"after the pass {name!r}")
            raise
