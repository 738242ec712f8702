"""The contenders. Each makes, from a case, a statement that computes value and gradient and waits for both."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Protocol

from ..cases import Case

MODULES = {
    "gradjit": "with_gradjit", "jax": "with_jax", "numba": "with_numba", "autograd": "with_autograd",
    "torch": "with_torch", "gradjit-value": "with_gradjit_value", "numpy-value": "with_numpy_value",
}
GRADIENTS = ("gradjit", "jax", "numba", "autograd", "torch")
VALUES = ("gradjit-value", "numpy-value")
# Who takes part in which table. autograd and PyTorch run loops step by step in Python, and autograd has no mutation.
CONTENDERS = {
    "functions": ("gradjit", "jax", "autograd", "torch", "gradjit-value", "numpy-value"),
    "loops": ("gradjit", "jax", "numba", "gradjit-value", "numpy-value"),
}
# Functions that a library's users would not write in it this way, and programs that have no adjoint by hand.
LEFT_OUT = {
    "torch": ("mixture", "mixture_broadcast", "phase_retrieval", "claims"),
    # Parts of SciPy that it does not have: solve_triangular for its arrays, logarithms of some densities.
    "autograd": ("gaussian_process", "claims"),
    "numba": ("bodies", "bodies_by_pairs", "determinant", "kepler", "bisection", "escape", "look_up",
              "kalman_filter"),
}


@dataclass
class Contender:
    """An expression for value and gradient, the names that it reads, and what stands behind it to wait for the result.

    It is timed as written, without a wrapping call.
    """

    expression: str
    names: dict[str, Any]
    wait: str = ""

    def run(self) -> Any:
        """The result, computed to the end."""
        result = eval(self.expression, self.names)
        eval("result" + self.wait, {"result": result})
        return result


class Peer(Protocol):
    """A module of this package. PLACE: the module of each package of programs that it takes them from."""

    PLACE: str

    def convert(self, case: Case) -> tuple[Any, ...]:
        """The case's arguments as this library's own arrays, placed where it computes."""

    def start(self, case: Case, arguments: tuple[Any, ...]) -> Contender:
        """The contender, not run yet: what its first run costs beyond later ones is its compilation."""

    def arrays(self, result: Any) -> list[Any]:
        """What the statement gave as NumPy arrays: the value, then the gradient's leaves in order."""


def peer(name: str) -> Peer:
    """Imports the contender's library."""
    return importlib.import_module(f".{MODULES[name]}", __name__)


def takes(name: str, case: Case) -> bool:
    """Whether the contender has this case."""
    return name in CONTENDERS[case.programs] and case.function not in LEFT_OUT.get(name, ())


def written(case: Case, place: str) -> Any:
    """The case's function as the module `place` (`in_numpy`, `in_jax`, ...) of its programs has it."""
    return getattr(importlib.import_module(f"benchmarks.{case.programs}.{place}"), case.function)


def call(function: Any, arguments: tuple[Any, ...], wait: str = "") -> Contender:
    """`f(x0, x1, ...)`."""
    names = {f"x{i}": a for i, a in enumerate(arguments)}
    return Contender(f"f({', '.join(names)})", {"f": function, **names}, wait)


def leaves(tree: Any) -> list[Any]:
    """The arrays in nested lists and tuples."""
    return [x for part in tree for x in leaves(part)] if isinstance(tree, list | tuple) else [tree]
