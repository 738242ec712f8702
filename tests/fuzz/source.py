"""A program as source text with its arguments, and the worlds that it is run in."""

from __future__ import annotations

import linecache
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradjit as gj


@dataclass(frozen=True)
class World:
    """A program's module, executed: its function, and what it reads from outside."""

    f: Callable[..., Any]
    change: Callable[[], None] | None
    """Changes what the function reads from outside, if the program has a function of that name."""


@dataclass(frozen=True)
class Program:
    """A module with a function `f`, and perhaps `change`."""

    source: str
    arguments: tuple[Any, ...]
    seed: int = -1

    def world(self, gradjit: Any = gj) -> World:
        """The module with its source where lifting and tracebacks look for it; `gj` is `gradjit` there."""
        filename = f"<program {zlib.crc32(self.source.encode()):x}>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        scope: dict[str, Any] = {"np": np, "gj": gradjit}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of what an edit may make
            exec(compile(self.source, filename, "exec"), scope)
        return World(scope["f"], scope.get("change"))

    def plain(self) -> World:
        """The module where NumPy runs it. Derivatives within are made anew when something has changed."""
        eager = Eager()
        world = self.world(eager)
        change = world.change

        def changed() -> None:
            assert change is not None
            change()
            eager.gradients.clear()

        return World(world.f, changed if change else None)

    def __str__(self) -> str:
        return f"# seed {self.seed}: {', '.join(map(shown, self.arguments))}\n{self.source}"


class Eager:
    """Stands for gradjit where NumPy judges: a compiled function is the function; a gradient is the interpreter's, made
    anew when something has changed."""

    def __init__(self) -> None:
        self.gradients: dict[Any, Callable[..., Any]] = {}

    def jit(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return f

    def grad(self, f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
        def gradient(*args: Any) -> Any:
            if (f, argnums) not in self.gradients:
                self.gradients[f, argnums] = gj.grad(f, argnums, backend="interpreter")
            return self.gradients[f, argnums](*args)

        return gradient

    def checkpoint(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return f

    def primitive(self, f: Callable[..., Any], out: Callable[..., Any], **rules: Any) -> Callable[..., Any]:
        def opaque(*args: Any) -> Any:
            """The function, with copies of its arguments; its result is new and of the declared kind."""
            given = [np.array(a) for a in args]
            found, declared = f(*given), out(*given)
            return np.array(found, order="C") if isinstance(declared, np.ndarray) else float(found)

        return opaque

    def vmap(self, f: Callable[..., Any], in_axes: tuple[int, ...] | int = 0, out_axes: int = 0) -> Callable[..., Any]:
        def mapped(*args: Any) -> Any:
            axes = (in_axes,) * len(args) if isinstance(in_axes, int) else in_axes
            rows = zip(*(np.moveaxis(a, k, 0) for a, k in zip(args, axes, strict=True)), strict=True)
            return np.ascontiguousarray(np.stack([f(*row) for row in rows], out_axes))

        return mapped


def shown(a: Any) -> str:
    """An argument in short; its layout where it is not C's."""
    if not isinstance(a, np.ndarray):
        return repr(a)
    steps = tuple(s // a.itemsize for s in a.strides)
    return f"{a.dtype}{list(a.shape)}{'' if a.flags.c_contiguous else f' by steps of {steps}'}"
