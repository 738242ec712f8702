"""The types of an extension module's functions, as a `.pyi` file."""

from __future__ import annotations

from typing import Any

from ..ir.types import dtype_of
from ..runtime.library.description import LibraryDescription, LibraryRoutine
from .declared import Array, DeclaredSignature

NUMPY_TYPES = {"f64": "np.float64", "f32": "np.float32", "bool": "np.bool_",
               **{f"i{n}": f"np.int{n}" for n in (8, 16, 32, 64)}, **{f"u{n}": f"np.uint{n}" for n in (8, 16, 32, 64)}}


def stub(library: LibraryDescription) -> str:
    """The `.pyi` file."""
    lines = ["import numpy as np", "from numpy.typing import NDArray", ""]
    for r in library.routines:
        declared = DeclaredSignature(r.signature).arguments
        taken = [f"{n}: {_declared_type(x)}" for n, x in zip(r.arguments, declared, strict=True)]
        lines += [f"def {r.name}({', '.join(taken)}) -> {_result_type(r, r.result)}:",
                  f'    """{r.title}: ({r.signature})"""'.replace("\\", "/"), ""]
    return "\n".join(lines)


def _declared_type(x: Any) -> str:
    if isinstance(x, dict):
        return "dict[str, " + " | ".join(dict.fromkeys(map(_declared_type, x.values()))) + "]"
    if isinstance(x, tuple):
        return f"tuple[{', '.join(map(_declared_type, x)) or '()'}]"
    if isinstance(x, list):
        return "list[" + " | ".join(dict.fromkeys(map(_declared_type, x))) + "]"
    if isinstance(x, Array):
        name = NUMPY_TYPES[dtype_of(x.dtype).name]
        return f"NDArray[{name}]" if x.shape else name
    return type(x).__name__ if x is not None else "None"


def _result_type(r: LibraryRoutine, node: Any) -> str:
    ((kind, value),) = node.items()
    if kind == "output":
        p = r.parameters[r.outputs[value]]
        name = NUMPY_TYPES[p.dtype.name]
        return f"NDArray[{name}]" if p.shape or r.forms[value] == "array" else name
    if kind == "argument":
        return "object"
    if kind == "constant":
        return "None" if value is None else type(value).__name__
    parts = [_result_type(r, v[1] if kind == "dict" else v) for v in value]
    if kind == "tuple":
        return f"tuple[{', '.join(parts) or '()'}]"
    joined = " | ".join(dict.fromkeys(parts)) or "object"
    return f"list[{joined}]" if kind == "list" else f"dict[str, {joined}]"


__all__ = ["stub"]
