"""The passes from a function of the array IR to one whose arrays stand in memory, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ...environment import switch
from ...ir import Func
from ...passes.dump import Dumper
from ...records import dataclass
from .double_buffer import double_buffer
from .language import BufferProgram
from .order import change_last
from .outputs import place_outputs
from .placement import place


@dataclass(frozen=True)
class BufferPass:
    """A named change of a program of buffers, in place."""

    name: str
    run: Callable[[BufferProgram], None]
    about: str


PIPELINE: tuple[BufferPass, ...] = (
    BufferPass("order", change_last, "arrays are changed behind all that reads what they were"),
    BufferPass("memory", place, "what is read outside of its loops has memory; what is dead is changed in place"),
    BufferPass("double-buffer", double_buffer, "what an iteration makes anew changes places with what it was"),
    BufferPass("outputs", place_outputs, "results stand in the caller's memory"),
)
"""What every program goes through on its way to loop nests."""


def to_buffers(func: Func, layouts: Sequence[tuple[int, ...] | None] = (), seconds: dict[str, float] | None = None
               ) -> BufferProgram:
    """The program with its memory.

    GRADJIT_DUMP has each pass write its output, GRADJIT_VERIFY has it verified; the seconds are added to `seconds` by
    name. layouts: for each parameter its strides in elements, or None (and for those left out) for row-major order.
    """
    p = BufferProgram.of(func, layouts)
    dump, verify = Dumper.from_environment(), switch("GRADJIT_VERIFY")
    for each in PIPELINE:
        start = time.perf_counter()
        each.run(p)
        if seconds is not None:
            seconds[each.name] = time.perf_counter() - start
        look(p, each.name, dump, verify and each is PIPELINE[-1])
    p.name_memory()
    return p


def look(p: BufferProgram, name: str, dump: Dumper | None, verify: bool) -> None:
    """What surrounds a pass."""
    if dump is not None:
        p.name_memory()
        dump.text(name, p.func.name, str(p), "buffers")
    if verify:
        from .verifier import verify_buffers
        p.name_memory()
        try:
            verify_buffers(p)
        except Exception as e:
            e.add_note(f"after the pass {name!r}")
            raise
