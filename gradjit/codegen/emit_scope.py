"""Where a node's machine value is known: one scope for each loop body, looked up outwards."""

from __future__ import annotations

from dataclasses import field

from ..records import dataclass
from . import llvm
from .affine import Var
from .loops import Node


@dataclass(eq=False)
class EmitScope:
    """The values computed in a loop body (or in the function), and where its loop is.

    var and start: the loop variable and its (first) value. lanes: how many consecutive values it stands for.
    valid: where the last vector of a loop overlaps the one before, the lanes that are new; else None. masked: that
    vector does not overlap but ends beyond the loop: the other lanes neither load nor store.
    """

    parent: EmitScope | None
    var: Var | None = None
    start: llvm.Value | None = None
    lanes: int = 1
    copy: int = 0  # which of the unrolled bodies
    valid: llvm.Value | None = None
    masked: bool = False
    vector: EmitScope | None = field(init=False)  # the enclosing loop that runs many values at once, or this one
    values: dict[Node, llvm.Value] = field(default_factory=dict)
    wide: dict[Node, llvm.Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vector = self if self.lanes > 1 else self.parent.vector if self.parent else None

    @property
    def width(self) -> int:
        """How many lanes values have here where they differ between lanes."""
        return self.vector.lanes if self.vector else 1

    @property
    def new_lanes(self) -> llvm.Value | None:
        """The lanes that no earlier iteration has counted; None for all."""
        return self.vector.valid if self.vector else None

    @property
    def mask(self) -> llvm.Value | None:
        """The lanes that may touch memory; None for all."""
        return self.vector.valid if self.vector and self.vector.masked else None

    def find(self, node: Node) -> llvm.Value | None:
        scope: EmitScope | None = self
        while scope is not None:
            if node in scope.values:
                return scope.values[node]
            scope = scope.parent
        return None

    def holding(self, var: Var) -> EmitScope:
        """The scope of the loop over `var`."""
        scope: EmitScope | None = self
        while scope is not None:
            if scope.var is var:
                return scope
            scope = scope.parent
        raise AssertionError(f"{var!r} is not in scope")
