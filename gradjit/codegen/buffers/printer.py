"""The buffer IR as text. `print -> parse -> print` is the identity."""

from __future__ import annotations

from itertools import groupby

from ...ir import ArrayType, Value
from ...ir.attrs import show_type
from ...ir.printer import FunctionPrinter
from ..elements import row_major
from ..loopir.printer import UniqueNames
from ..loops import Buffer
from .language import BufferProgram

ON_TAPE = "tape"
"""The home of what is read where it stands in a record."""


class BufferPrinter(FunctionPrinter):
    """Prints one program: a home stands behind the type of what has one."""

    def __init__(self, p: BufferProgram):
        super().__init__()
        self.p = p
        self.called = UniqueNames("memory")
        self.called.taken.add(ON_TAPE)

    def define(self, v: Value) -> str:
        shown = super().define(v)
        home = self.p.homes.get(v)
        if home is None:
            return shown
        by = "" if home.strides == row_major(home.shape) else f" by [{', '.join(map(str, home.strides))}]"
        return f"{shown} @{ON_TAPE if home.buffer.role == 'tape' else self.called(home.buffer)}{by}"

    def program(self) -> str:
        f = self.p.func
        params = ", ".join(self.define(p) for p in f.params)
        self.out += [f"{self.step}memory {line}" for line in self.memory()]
        self.body(f.body, self.step, "return")
        results = ", ".join(f"{self.type(r.type)} @{self.called(self.p.outputs[k])}" if k in self.p.outputs
                            else self.type(r.type) for k, r in enumerate(f.results))
        self.out.insert(0, f"program @{f.name}({params}) -> ({results}) {{")
        return "\n".join([*self.out, "}"]) + "\n"

    def memory(self) -> list[str]:
        """The kernel's own memory, what is alike in one line."""
        def kind(b: Buffer) -> str:
            shown = show_type(ArrayType(b.dtype, b.shape), self.names)
            return shown + (" local" if b.role == "local" else "")
        return [f"{', '.join(map(self.called, some))}: {what}" for what, some in groupby(self.p.workspace, kind)]


def print_buffers(p: BufferProgram) -> str:
    """The text of a program, ending in a newline."""
    return BufferPrinter(p).program()
