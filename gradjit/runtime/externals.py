"""Where the functions live that kernels call: in the runtime (`gradjit_*`), in SciPy and the C library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradjit.codegen import symbols
from gradjit.runtime import support

PREFIX = "gradjit_"
OBJECT = "gradjit_object_"


def resolve(name: str) -> int:
    """The address of an external symbol of a kernel. LookupError for one that nobody provides.

    `gradjit_interrupted` and `gradjit_print` are those of `support`.
    """
    if name.startswith(PREFIX):
        try:
            return support.addresses()[f"gradjit.{name.removeprefix(PREFIX)}"]
        except KeyError:
            raise LookupError(f"the runtime has no function {name!r}") from None
    return symbols.resolve(name)


def addresses(names: Iterable[str], objects: Sequence[object] = ()) -> dict[str, int]:
    """The addresses of a kernel's external symbols; `gradjit_object_<k>` is the k-th of its Python objects."""
    return {name: id(objects[int(name.removeprefix(OBJECT))]) if name.startswith(OBJECT) else resolve(name)
            for name in names}
