"""IR as text. `print -> parse -> print` is the identity."""

from __future__ import annotations

import re

from .attrs import show_literal, show_type
from .core import Block, Func, Module, Op, Value
from .ops import OPS
from .types import ArrayType, Extent

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class _Names:
    """A unique name for each value: its hint where it has one, else a number."""

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}
        self.taken: dict[str, int] = {}
        self.count = 0

    def define(self, v: Value) -> str:
        hint = v.name
        if _NAME.fullmatch(hint or ""):
            n = self.taken.get(hint, 0)
            self.taken[hint] = n + 1
            name = f"{hint}.{n}" if n else hint
            while n and name in self.taken:
                n += 1
                name = f"{hint}.{n}"
            self.taken.setdefault(name, 1)
        else:
            name = str(self.count)
            self.count += 1
        self.names[v] = "%" + name
        return "%" + name

    def __call__(self, v: Value) -> str:
        return self.names.get(v) or f"%<undefined:{v.name or id(v)}>"


class Printer:
    """Prints one function. `lines` says whether each operation shows the user's file and line."""

    def __init__(self, locations: bool = True, indent: str = "  "):
        self.names = _Names()
        self.locations = locations
        self.step = indent
        self.out: list[str] = []

    def type(self, t: ArrayType) -> str:
        return show_type(t, self.names)

    def define(self, v: Value) -> str:
        return f"{self.names.define(v)}: {self.type(v.type)}"

    def func(self, f: Func) -> str:
        params = ", ".join(self.define(p) for p in f.params)
        results = [self.type(r.type) for r in f.results]
        arrow = results[0] if len(results) == 1 else f"({', '.join(results)})"
        self.out.append(f"func @{f.name}({params}) -> {arrow} {{")
        self.body(f.body, self.step, "return")
        self.out.append("}")
        return "\n".join(self.out) + "\n"

    def body(self, block: Block, pad: str, leave: str) -> None:
        for op in block.ops:
            self.op(op, pad)
        self.out.append(f"{pad}{leave} {', '.join(map(self.names, block.results))}".rstrip())

    def op(self, op: Op, pad: str) -> None:
        shown = self.operation(op)
        results = ", ".join(self.define(r) for r in op.results)
        where = f"  ; {op.loc}" if self.locations and op.loc else ""
        head = f"{pad}{results} = {shown}" if results else f"{pad}{shown}"
        if not op.regions:
            self.out.append(head + where)
            return
        self.out.append(f"{head} {{{where}")
        for k, region in enumerate(op.regions):
            if k:
                self.out.append(f"{pad}}} {{")
            params = ", ".join(self.define(p) for p in region.params)
            self.out.append(f"{pad}{self.step}({params})")
            self.body(region, pad + self.step, "yield")
        self.out.append(f"{pad}}}")

    def operation(self, op: Op) -> str:
        parts = [op.name] + ([", ".join(map(self.names, op.operands))] if op.operands else [])
        return " ".join(parts + self.attrs(op))

    def attrs(self, op: Op) -> list[str]:
        if op.name == "slice":
            return [self.window(op.attrs["starts"], op.attrs["sizes"], op.attrs["steps"])]
        if op.name == "const":
            return [show_literal(op.attrs["value"])]
        spec = OPS[op.name]
        return [f"{name}={kind.show(op.attrs[name], self.names)}" for name, kind in spec.attrs.items()
                if name not in spec.defaults or op.attrs.get(name, spec.defaults[name]) != spec.defaults[name]]

    def window(self, starts: tuple[Extent, ...], sizes: tuple[Extent, ...], steps: tuple[int, ...]) -> str:
        """`[start:+size:step, ...]`, the step left out where it is 1."""
        def show(e: Extent) -> str:
            return str(e) if isinstance(e, int) else self.names(e)
        axes = zip(starts, sizes, steps, strict=True)
        return "[" + ", ".join(f"{show(a)}:+{show(n)}" + (f":{s}" if s != 1 else "") for a, n, s in axes) + "]"


def print_func(f: Func, locations: bool = True) -> str:
    """The text of a function, ending in a newline."""
    return Printer(locations).func(f)


def print_module(m: Module, locations: bool = True) -> str:
    """The text of all functions, with an empty line between."""
    return "\n".join(print_func(f, locations) for f in m.funcs.values())
