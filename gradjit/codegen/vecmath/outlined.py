"""Parts of vector math that seldom run, as functions of their own: the reduction of huge arguments, poles of gamma.

Inlined they would crowd the registers of the code around them, and in the module of each kernel they would take longer
to compile than the kernel. So each stands in a module of its own, which is emitted and compiled once a process and
linked to every kernel that declares its function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...records import dataclass
from .. import llvm

PREFIX = "gradjit.outlined."


@dataclass(frozen=True)
class Outlined:
    """A module with one exported function, as text, and what else it calls that LLVM does not provide."""

    text: str
    calls: tuple[str, ...]


_made: dict[str, Outlined] = {}  # as many as there are names, dtypes and widths


def declared(
    module: llvm.Module, name: str, result: llvm.Type, args: Sequence[llvm.Type],
    body: Callable[[llvm.IRBuilder], llvm.Value],
) -> llvm.Function:
    """The outlined function `name`, declared in `module`; `body(builder)` emits its result at its first use."""
    symbol = PREFIX + name
    kind = llvm.FunctionType(result, list(args))
    if symbol not in _made:
        own = llvm.Module(symbol)
        function = _function(own, kind, symbol)
        builder = llvm.IRBuilder(function.append_basic_block("entry"))
        builder.ret(body(builder))
        _made[symbol] = Outlined(str(own), undefined(own))
    known = module.function(symbol)
    return known if known is not None else _function(module, kind, symbol)


def _function(module: llvm.Module, kind: llvm.FunctionType, symbol: str) -> llvm.Function:
    return llvm.Function(module, kind, symbol, attributes=("noinline", "cold", "nounwind"))


def undefined(module: llvm.Module) -> tuple[str, ...]:
    """The functions that a module declares and LLVM does not provide."""
    return tuple(f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm."))


def needed(names: Sequence[str]) -> tuple[list[Outlined], list[str]]:
    """The outlined functions among the names of what a module calls, with those that they call; and the other names."""
    waiting, seen = list(names), dict.fromkeys(names)
    for name in waiting:  # which grows
        for other in _made[name].calls if name.startswith(PREFIX) else ():
            if other not in seen:
                seen[other] = None
                waiting.append(other)
    return [_made[n] for n in seen if n.startswith(PREFIX)], [n for n in seen if not n.startswith(PREFIX)]
