"""Rebuilding operations on tapes: of a record the live entries, of a tape those records that have some."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..ir import Op
from ..ir.clone import Env
from ..ir.core import map_type
from ..ir.ops.tape import record_of
from .dependence import is_tape

if TYPE_CHECKING:
    from .rewriter import Rewriter


def rebuild_tape(rw: Rewriter, op: Op, env: Env) -> None:
    """A tape that sides of a branch begin and hand on is begun before it, one for all sides."""
    root = rw.live.records.tapes.root
    own, level, outermost = root(op.result), len(rw.frames) - 1, None
    while (branch := rw.frames[level].branch) is not None and own in map(root, filter(is_tape, branch.results)):
        level, outermost = level - 1, branch
    if outermost is None:
        rw.once(op, (), op.attrs, op.results, env)
        return
    key = outermost, own
    if key not in rw.begun:
        new = Op("tape", (), {}, (op.result.type,), (), op.loc)
        rw.place(new, rw.frames[level].block)
        rw.begun[key] = new.result
    rw.bind(op.result, rw.begun[key], env)


def rebuild_push(rw: Rewriter, op: Op, env: Env) -> None:
    kept, tape = rw.live.kept[op], env[op.operands[0]]
    if not kept:
        rw.bind(op.results[0], tape, env)
        return
    entries = record_of(op)
    rw.once(op, (tape, *[env[entries[k]] for k in kept]), op.attrs, op.results, env)


def rebuild_pop(rw: Rewriter, op: Op, env: Env) -> None:
    kept, tape = rw.live.kept[op], env[op.operands[0]]
    if not kept:
        rw.bind(op.results[0], tape, env)
        return
    entries = [record_of(op)[k] for k in kept]
    types = tuple([map_type(v.type, env.__getitem__) for v in entries])
    rw.once(op, (tape,), {"types": types}, (op.results[0], *entries), env)


REBUILD: dict[str, Callable[[Rewriter, Op, Env], None]] = {
    "tape": rebuild_tape, "push": rebuild_push, "pop": rebuild_pop,
}
