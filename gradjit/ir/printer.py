"""IR as text. `print -> parse -> print` is the identity."""

from __future__ import annotations

import itertools
import re

from .attrs import show_literal, show_type
from .core import Block, Func, Module, Op, Value, called
from .ops import OPS
from .types import ArrayType, Extent

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class _Names:
    """A unique name for each value: its hint where it has one, else a number."""

    def __init__(self, functions: dict[Func, str]) -> None:
        self.functions = functions
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

    def __call__(self, v: Value | Func) -> str:
        if isinstance(v, Func):
            return "@" + self.functions.get(v, v.name)
        return self.names.get(v) or f"%<undefined:{v.name or id(v)}>"


class FunctionPrinter:
    """Prints one function. `locations` says whether each operation shows the user's file and line; `functions` are the
    names of functions that are not called by their own."""

    def __init__(self, locations: bool = True, indent: str = "  ", functions: dict[Func, str] | None = None):
        self.names = _Names(functions or {})
        self.locations = locations
        self.step = indent
        self.out: list[str] = []

    def type(self, t: ArrayType) -> str:
        return show_type(t, self.names)

    def define(self, v: Value) -> str:
        return f"{self.names.define(v)}: {self.type(v.type)}"

    def func(self, f: Func) -> str:
        params = ", ".join(self.define(p) for p in f.params)
        self.body(f.body, self.step, "return")
        results = [self.type(r.type) for r in f.results]  # their extents may be computed in the body
        arrow = results[0] if len(results) == 1 else f"({', '.join(results)})"
        self.out.insert(0, f"func {self.names(f)}({params}) -> {arrow} {{")
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
    """The text of a function behind those that it calls, ending in a newline."""
    return _print([f], locations)


def print_module(m: Module, locations: bool = True) -> str:
    """The text of all functions, with an empty line between."""
    return _print(list(m.funcs.values()), locations)


def _print(functions: list[Func], locations: bool) -> str:
    """The functions in order, each behind those that it calls; two of one name are told apart by a number."""
    every = list(dict.fromkeys(g for f in functions for g in (*called(f), f)))
    taken = {f.name for f in functions}
    names: dict[Func, str] = {}
    for f in every:
        if f not in functions:
            name = next(n for k in itertools.count() if (n := f"{f.name}.{k}" if k else f.name) not in taken)
            taken.add(name)
            names[f] = name
    return "\n".join(FunctionPrinter(locations, functions=names).func(f) for f in every)
