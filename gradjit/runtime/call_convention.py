"""What the callable type and the machine code have agreed on; the code itself stands in `support`."""

from __future__ import annotations

from gradjit.runtime import cpython


class _Miss:
    def __repr__(self) -> str:
        return "MISS"


MISS = _Miss()
"""What `Entry.call` returns for arguments that its specialisation was not compiled for."""

# The words that instances of `FastCallable` have after their header.
VECTORCALL, MISSES, INDEX, TABLE, HANDLER = (object.__basicsize__ + cpython.WORD * k for k in range(5))

ENTRY_BYTES = 16  # a packed entry: address of the function, address of its counter of hits
