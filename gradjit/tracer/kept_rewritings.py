"""Rewritten functions that outlive the process: to find the text of a function, to prove it, to rewrite and to compile
it takes longer than most calls of a traced function.

What is kept under a code object and the whole text of its file is what `lift` made of them: the text is read again in
each process, so that an edited file is another key. The disk belongs to a later room, which lends a shelf of it.
"""

from __future__ import annotations

import hashlib
import linecache
import marshal
from collections.abc import Callable
from types import CodeType
from typing import Protocol

from ..bounded import Bounded
from .control.names import Site, named
from .proof import is_rewritten_by_pytest
from .purity import Place, Reads

KIND = "rewriting"

Rewriting = tuple[CodeType, dict[str, Site], dict[Place, Reads | None]]
"""Rewritten code, the loops and branches that it names, and what its functions read."""


class Shelf(Protocol):
    """What keeps bytes. Nothing that it gives has been changed by anybody else; it never raises."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, content: bytes) -> None: ...


_shelves: list[tuple[Callable[[], Shelf | None], Callable[..., str]]] = []


def keep_on(shelf: Callable[[], Shelf | None], key_of: Callable[..., str]) -> None:
    """From now on. shelf: gives the one that is to be used now, None without one. key_of: makes the key of an entry
    from its kind and from bytes."""
    _shelves[:] = [(shelf, key_of)]


def found(code: CodeType, label: str) -> Rewriting | None:
    """What was kept of a function, if its code and text are those of then. label: tells rewritings of it apart."""
    place = _place(code, label)
    data = place and place[0].get(place[1])
    if not data:
        return None
    new, then, reads = marshal.loads(data)
    sites: dict[str, Site] = {}
    here: dict[str, str] = {}
    for name, fields in then:  # each process gives the names anew
        site = Site(*fields)
        here[name] = named(site)
        sites[here[name]] = site
    return _with_names(new, here), sites, reads


def keep(code: CodeType, label: str, made: Rewriting) -> None:
    place = _place(code, label)
    if place is not None:
        shelf, key = place
        new, sites, reads = made
        fields = [(name, tuple(vars(site).values())) for name, site in sites.items()]
        shelf.put(key, marshal.dumps((new, fields, reads)))


def _with_names(code: CodeType, here: dict[str, str]) -> CodeType:
    constants = [_with_names(c, here) if isinstance(c, CodeType) else here.get(c, c) if isinstance(c, str) else c
                 for c in code.co_consts]
    return code.replace(co_consts=tuple(constants)) if here else code


def _place(code: CodeType, label: str) -> tuple[Shelf, str] | None:
    """None where nothing is kept: no shelf, no text, or one that is not all that shaped the code."""
    for give, key_of in _shelves:
        shelf = give()
        lines = linecache.getlines(code.co_filename) if shelf is not None else []
        if shelf is not None and lines and not is_rewritten_by_pytest(code):
            written = marshal.dumps(code, 2)  # later versions tell how often an object is referred to: that is chance
            return shelf, key_of(KIND, written, label.encode(), _digest(code.co_filename, lines))
    return None


_digests: Bounded[str, tuple[list[str], bytes]] = Bounded(64)
"""Of the text of a file, while `linecache` holds it."""


def _digest(file: str, lines: list[str]) -> bytes:
    known = _digests.get(file)
    if known is None or known[0] is not lines:
        known = _digests.put(file, (lines, hashlib.sha256("".join(lines).encode(errors="surrogatepass")).digest()))
    return known[1]
