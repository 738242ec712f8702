"""Where the functions live that kernels call: in the runtime (`gradjit_*`), in SciPy and the C library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradjit.codegen import symbols
from gradjit.codegen.emit_parallel import LIMIT, RUN
from gradjit.runtime import pool, support, threads

PREFIX = "gradjit_"
OBJECT = "gradjit_object_"


def resolve(name: str) -> int:
    """The address of an external symbol of a kernel. LookupError for one that nobody provides.

    `gradjit_interrupted` and `gradjit_print` are those of `support`, `gradjit_parallel` that of `pool`.
    """
    if name == RUN:
        threads.get_threads()
        return pool.address()
    if name.startswith(PREFIX):
        try:
            return support.addresses()[f"gradjit.{name.removeprefix(PREFIX)}"]
        except KeyError:
            raise LookupError(f"the runtime has no function {name!r}") from None
    return symbols.resolve(name)


def addresses(names: Iterable[str], objects: Sequence[object] = (), most: int = 0) -> dict[str, int]:
    """The addresses of a kernel's external symbols; `gradjit_object_<k>` is the k-th of its Python objects.

    most: how many threads its loops may use; 0 for what holds for all functions.
    """
    def found(name: str) -> int:
        if name == LIMIT:
            return pool.limit_word(most)
        return id(objects[int(name.removeprefix(OBJECT))]) if name.startswith(OBJECT) else resolve(name)

    return {name: found(name) for name in names}
