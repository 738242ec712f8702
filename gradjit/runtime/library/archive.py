"""A static library: an archive with one object file in it, and the index of its symbols that linkers read.

The format is that of System V, which GNU's and LLVM's linkers and Microsoft's read; everything that would differ from
one run to the next (times, users) is 0.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAGIC = b"!<arch>\n"


def archive(name: str, code: bytes, symbols: Sequence[str]) -> bytes:
    """The bytes of an archive with the object file `name`, which defines `symbols`."""
    names = b"".join(s.encode() + b"\0" for s in symbols)
    long_names = f"{name}/\n".encode()
    index_size = 4 + 4 * len(symbols) + len(names)
    start = len(MAGIC) + 60 + index_size + index_size % 2 + 60 + len(long_names) + len(long_names) % 2
    index = struct.pack(">I", len(symbols)) + struct.pack(">I", start) * len(symbols) + names
    members = [member("/", index), member("//", long_names), member("/0", code)]
    return MAGIC + b"".join(members)


def member(name: str, data: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode()
    return head + data + (b"\n" if len(data) % 2 else b"")


__all__ = ["archive"]
