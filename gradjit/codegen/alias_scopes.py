"""Which parts of the workspace never overlap, told to LLVM.

The workspace is one pointer. LLVM sees by itself that two of its buffers are apart where both offsets are numbers; not
where sizes are open, nor for buffers that change places. Then what an iteration of a loop has stored in one of them
would be read from memory again behind each store into another. So loads and stores say to which *scope* they belong:
buffers that share bytes at different times have one scope in common.
"""

from __future__ import annotations

from itertools import pairwise

from ..ir.sizes import is_nonnegative, is_open
from . import llvm
from .loop_passes import statements
from .loops import Buffer, Exchange, Program

Scopes = frozenset[int]


class AliasScopes:
    """The scopes of a program's workspace, as metadata of a module."""

    def __init__(self, p: Program, module: llvm.Module):
        self.scopes = scopes_of(p)
        self.module = module
        self.lists: dict[Scopes, str] = {}
        self.every: Scopes = frozenset().union(*self.scopes.values())
        self.names = [self.named(k) for k in sorted(self.every)]

    def named(self, scope: int) -> str:
        return self.module.metadata(f'!"{scope}"', self.module.metadata('!"workspace"'))

    def mark(self, access: llvm.Value, buffer: Buffer) -> llvm.Value:
        """The load or store, which belongs to the scopes of the buffer."""
        own = self.scopes.get(buffer)
        if own is not None:
            assert isinstance(access, llvm.Instruction)
            access.set_metadata("alias.scope", self.list(own))
            access.set_metadata("noalias", self.list(self.every - own))
        return access

    def list(self, some: Scopes) -> str:
        if some not in self.lists:
            self.lists[some] = self.module.metadata(*(self.names[k] for k in sorted(some)))
        return self.lists[some]


def scopes_of(p: Program) -> dict[Buffer, Scopes]:
    """The scopes of each buffer of the workspace; nothing where LLVM knows as much by itself, or there is one only."""
    buffers = [b for b in p.workspace if b.role == "workspace"]
    if not any(b.moves or is_open(b.nbytes) for b in buffers):
        return {}
    scope = {b: k for k, some in enumerate(overlapping(buffers)) for b in some}
    found: dict[Buffer, Scopes] = {b: frozenset((k,)) for b, k in scope.items()}
    for one, other in exchanged(p):
        both = found[one] | found[other]
        found = {b: s | both if s & both and b.moves else s for b, s in found.items()}
    return found if len(set(scope.values())) > 1 else {}


def exchanged(p: Program) -> list[tuple[Buffer, Buffer]]:
    return [(s.one, s.other) for s in statements(p.body) if isinstance(s, Exchange)]


def overlapping(buffers: list[Buffer]) -> list[list[Buffer]]:
    """Buffers that may share bytes, together: those of known sizes by their places; those of open ones lie in a row,
    and share bytes where they begin at one place."""
    known = [b for b in buffers if not is_open(b.nbytes)]
    groups: list[list[Buffer]] = []
    end = 0
    for b in sorted(known, key=lambda b: b.offset):
        if groups and b.offset < end:
            groups[-1].append(b)
        else:
            groups.append([b])
        end = max(end, b.offset + b.nbytes)
    rows: dict[int, list[Buffer]] = {}
    for b in buffers:
        if is_open(b.nbytes):
            rows.setdefault(b.offset, []).append(b)
    row = list(rows.values())
    apart = all(is_nonnegative(b.offset - (a.offset + a.nbytes)) for (*_, a), (b, *_) in pairwise(row))
    sizes = all(b.nbytes == some[0].nbytes for some in row for b in some)
    if not row or (apart and sizes and is_nonnegative(row[0][0].offset - end)):
        return [*groups, *row]
    return [buffers]
