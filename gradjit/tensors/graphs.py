"""The computational graph as a picture: `t.graph()` of a tensor, `gj.graph(f, x)` of a function."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..api import trace
from ..errors import UnsupportedError
from ..ir import ArrayType, Op, Value, dtype_of
from .recording import Upstream
from .tensor import Tensor

COLOURS = {"input": "#dbeafe", "leaf": "#dcfce7", "constant": "#f3f4f6", "operation": "#ffffff", "result": "#fee2e2"}


class GraphPicture:
    """A graph in the language of graphviz: `.source`. In a notebook it shows itself."""

    def __init__(self, source: str):
        self.source = source

    def svg(self) -> str:
        """The picture as SVG. UnsupportedError where graphviz's `dot` is not installed."""
        dot = shutil.which("dot")
        if dot is None:
            raise UnsupportedError("pictures of graphs are drawn by graphviz, whose program `dot` is not installed "
                                   "(Debian: apt-get install graphviz); .source is the text that it takes")
        return subprocess.run([dot, "-Tsvg"], input=self.source, capture_output=True, text=True, check=True).stdout

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write SVG, or with the name's ending .dot the text."""
        text = self.source if str(path).endswith((".dot", ".gv")) else self.svg()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return f"<graph of {self.source.count(' -> ')} edges>"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def drawn(results: Sequence[Value], inputs: dict[Value, tuple[str, str]], title: str) -> GraphPicture:
    """The operations behind some values. inputs: of parameters, their text and kind."""
    lines = [f"digraph {quoted(title)} {{", '  rankdir=TB; node [shape=box, style="rounded,filled", fontsize=11];']
    names: dict[Value, str] = {}

    def node(label: str, kind: str, shape: str = "") -> str:
        name = f"n{len(lines)}"
        extra = f", shape={shape}" if shape else ""
        lines.append(f"  {name} [label={quoted(label)}, fillcolor={quoted(COLOURS[kind])}{extra}];")
        return name

    order: list[Op] = []
    seen: set[Op] = set()
    stack = [(v.op, False) for v in results if v.op is not None]
    while stack:
        op, is_done = stack.pop()
        if is_done:
            order.append(op)
        elif op not in seen:
            seen.add(op)
            stack.append((op, True))
            stack += [(v.op, False) for v in op.operands if v.op is not None and v.op not in seen]
    for op in order:
        if op.name == "const" and np.size(op.attrs["value"]) == 1:
            names[op.results[0]] = node(f"{op.attrs['value'].item():g}", "constant", "ellipse")
            continue
        where = f"\\n{op.loc}" if op.loc is not None else ""
        kind = "result" if any(r in results for r in op.results) else "operation"
        made = node(f"{op.name}  {op.results[0].type}{where}".replace("\\n", "\n"), kind)
        for v in op.operands:
            if v not in names:
                names[v] = node(*inputs.get(v, (str(v.type), "input")), "ellipse")
            lines.append(f"  {names[v]} -> {made};")
        names.update(dict.fromkeys(op.results, made))
    for v in results:
        if v not in names:
            names[v] = node(*inputs.get(v, (str(v.type), "input")), "ellipse")
    return GraphPicture("\n".join([*lines, "}"]).replace("\n}", "\n}\n"))


def graph(f: Callable[..., Any], *args: Any, **kwargs: Any) -> GraphPicture:
    """The graph of what a function computes for these arguments (nothing is run): inputs, operations with their types
    and the user's lines."""
    func = trace(f, *args, **kwargs)
    inputs = {p: (f"{p.name or 'input'}  {p.type}", "leaf" if p.dtype.is_inexact else "input") for p in func.params}
    return drawn(func.results, inputs, func.name)


def graph_of(t: Tensor) -> GraphPicture:
    """The graph behind a tensor, as far back as the last look at a value that it depends on."""
    owner = t._owner
    r, source = t._recording, owner._source
    if r is not None and r.is_open:
        node, slot = r.node, t._slot
    elif isinstance(source, Upstream) and source.recording is not None and source.recording.rule is None:
        node, slot = source.recording.node, source.slot
    else:
        value = Value(_type_of(t), None)
        return drawn([value], {value: (f"leaf  {_type_of(t)}", "leaf")}, "tensor")
    opened = node.opened()
    names = ("constant", "leaf", "input")
    inputs = {v: (f"{names[opened.roles[s]]}  {v.type}", names[opened.roles[s]]) for s, v in opened.entered.items()}
    inputs |= dict.fromkeys(opened.number_inputs, ("number", "constant"))
    return drawn(opened.values([slot]), inputs, "tensor")


def _type_of(t: Tensor) -> Any:
    return ArrayType(dtype_of(t.dtype), t.shape)


__all__ = ["GraphPicture", "graph", "graph_of"]
