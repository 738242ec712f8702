"""What functions of a library return: 0, the number of a check of the program's that failed, or what is wrong with a
call, as a number below 0 that tells the kind and the parameter."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from gradjit.runtime.library.description import LibraryRoutine

NULL_POINTER, MISALIGNED, EXTENT, STRIDES, SHARED, CONDITION, NO_MEMORY, INTERRUPTED, PROCESSOR, NO_ROUTINE, SHAPE = (
    range(1, 12))
RAISED = 12

KINDS: dict[int, tuple[str, str]] = {
    NULL_POINTER: ("NULL_POINTER", "a null pointer where there are elements"),
    MISALIGNED: ("MISALIGNED", "an address that is no multiple of the element's size (of the workspace: of 64)"),
    EXTENT: ("EXTENT", "an extent that is negative, or so large that no memory holds the array"),
    STRIDES: ("STRIDES", "strides that are no multiples of the element's size, reach too far, or (of an array that is "
                         "written to) let elements share memory"),
    SHARED: ("SHARED", "an array that is written to shares memory with another one"),
    CONDITION: ("CONDITION", "sizes that the function was not compiled for"),
    NO_MEMORY: ("NO_MEMORY", "out of memory"),
    INTERRUPTED: ("INTERRUPTED", "the interrupt function said so"),
    PROCESSOR: ("PROCESSOR", "this processor lacks instructions that the library was made for"),
    NO_ROUTINE: ("NO_ROUTINE", "a routine of BLAS or LAPACK that the library was not linked with"),
    SHAPE: ("SHAPE", "an extent that does not fit the others"),
    RAISED: ("RAISED", "the function raised an error"),
}
"""Each kind: its name in the header, and what it means."""

FACTOR = 1000


def code(kind: int, number: int = 0) -> int:
    """number: of the parameter in C, from 1."""
    return -(kind * FACTOR + number)


def first_array(r: LibraryRoutine) -> int:
    """The number of the first of `r.parameters` in C: the sizes stand before them."""
    return len(r.sizes) + 1


def texts(r: LibraryRoutine) -> Iterator[tuple[int, str]]:
    """Every code of a function with its text."""
    yield 0, "ok"
    for k, check in enumerate(r.checks):
        yield k + 1, check_text(check)
    for k, d in enumerate(r.sizes):
        yield code(EXTENT, k + 1), f"{d.name} is negative, or so large that no memory holds the array"
    for k, p in enumerate(r.parameters, first_array(r)):
        if p.by_value:
            continue
        yield code(NULL_POINTER, k), f"{p.name} is a null pointer"
        if p.dtype.itemsize > 1:
            yield code(MISALIGNED, k), (f"{p.name} is no address of an element: it must be a multiple of "
                                        f"{p.dtype.itemsize}")
        if p.shape:
            yield code(EXTENT, k), f"{p.name} has an extent that is negative, or larger than any memory"
            yield code(STRIDES, k), f"{p.name} has strides that the function does not take"
            yield code(SHAPE, k), f"{p.name} has other extents than {p.type}"
        yield code(SHARED, k), f"{p.name} shares memory with another array, and one of them is written to"
    workspace = first_array(r) + len(r.parameters)
    yield code(MISALIGNED, workspace), "the workspace is no multiple of 64"
    yield code(SHARED, workspace), "the workspace shares memory with an array"
    yield code(NULL_POINTER, 0), "the arguments are a null pointer"
    yield code(CONDITION, 0), f"the function was compiled for {conditions_text(r)}"
    for kind in (NO_MEMORY, INTERRUPTED, PROCESSOR, NO_ROUTINE, RAISED):
        yield code(kind), KINDS[kind][1]


def check_text(check: object) -> str:
    """What a check of the program's says; the index that was out of range is known to the program alone."""
    from gradjit.codegen import Check

    assert isinstance(check, Check)
    where = f" ({check.loc})" if check.loc else ""
    if check.assertion is not None:
        return f"{check.error.__name__}: {check.assertion}{where}"
    extent = f" with size {check.extent}" if check.extent is not None else ""
    return f"IndexError: an index is out of bounds for an axis{extent}{where}"


def conditions_text(r: LibraryRoutine) -> str:
    """The sizes that a function takes, for people."""
    if takes_all(r):
        return "all sizes"
    return " or ".join("(" + " and ".join(c.words for c in v.conditions) + ")" for v in r.versions)


SIZES = (*range(40), 97, 255, 1024, 100_000, 10**7)


def takes_all(r: LibraryRoutine) -> bool:
    """Whether there is a version for every size, as far as a look at many of them tells."""
    if any(not v.conditions for v in r.versions):
        return True
    some = SIZES if len(r.sizes) < 3 else SIZES[::4]
    return all(any(all(c.holds(dims) for c in v.conditions) for v in r.versions)
               for numbers in product(some, repeat=len(r.sizes))
               for dims in [dict(zip(r.sizes, numbers, strict=True))]) if len(r.sizes) < 4 else False


__all__ = ["FACTOR", "KINDS", "check_text", "code", "conditions_text", "first_array", "takes_all", "texts"]
