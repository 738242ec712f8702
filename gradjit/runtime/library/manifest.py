"""What a library says of itself: a text in its constants, by which `gj.load` finds its functions.

    "gradjit library\\0"  a digest  the length of the text  the text (JSON)

The digest is that of the whole file, with 64 zeros in its own place. It is written into the shared library when that
has been linked, so that a file which was cut off or changed since is refused before it is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from gradjit.codegen import Check
from gradjit.errors import ArgumentError
from gradjit.ir import Loc
from gradjit.ir.size_conditions import SizeCondition
from gradjit.ir.sizes import Dim, Quotient, Size, total
from gradjit.ir.types import DTYPES
from gradjit.records import dataclass
from gradjit.runtime.artefact import error_named
from gradjit.runtime.library.description import LibraryDescription, LibraryParameter, LibraryRoutine, ProgramVersion
from gradjit.runtime.library.processors import Processor

MAGIC = b"gradjit library\0"
DIGEST = 64
FORMAT = 2
"""Raised when what is written changes: other libraries are refused, and built anew."""


@dataclass(frozen=True)
class Manifest:
    """library: with versions that have no code. processors: names and what each needs. routines: of BLAS and
    LAPACK, by their names in kernels and in the library."""

    library: LibraryDescription
    triple: str
    processors: tuple[tuple[str, tuple[str, ...]], ...]
    routines: tuple[tuple[str, str], ...]
    written_by: str


# written --------------------------------------------------------------------------------------------------------------
def written(library: LibraryDescription, processors: Sequence[Processor], routines: Sequence[tuple[str, str]],
            version: str) -> bytes:
    """The constant of a library. routines: those of BLAS and LAPACK, by their names in kernels and in the library."""
    text = json.dumps({
        "format": FORMAT, "gradjit": version, "name": library.name, "triple": processors[0].triple,
        "processors": [[p.name, p.needs] for p in processors], "routines": list(routines),
        "functions": [_routine(r) for r in library.routines],
    }).encode()
    return MAGIC + b"0" * DIGEST + len(text).to_bytes(8, "little") + text


def _routine(r: LibraryRoutine) -> dict[str, Any]:
    return {
        "name": r.name, "title": r.title, "derivative": r.derivative, "signature": r.signature,
        "sizes": [[d.name, d.words] for d in r.sizes],
        "parameters": [[p.name, p.label, p.dtype.name, [_size(e) for e in p.shape], p.role, p.apart]
                       for p in r.parameters],
        "outputs": r.outputs, "forms": r.forms, "result": r.result, "arguments": r.arguments, "notes": r.notes,
        "versions": [{
            "conditions": [[_size(c.left), c.op, _size(c.right)] for c in v.conditions],
            "sizes": [_size(n) for n in v.sizes], "workspace": _size(v.workspace_bytes), "work": v.work,
            "checks": [[c.error.__name__, c.extent, _loc(c.loc), c.assertion] for c in v.checks],
        } for v in r.versions],
    }


def _loc(loc: Loc | None) -> Any:
    return None if loc is None else [loc.file, loc.line, loc.function]


def _size(n: int) -> Any:
    if type(n) is not Size:
        return int(n)
    return [[factor, [a.name if isinstance(a, Dim) else [_size(a.of), a.by] for a in monomial]]
            for monomial, factor in n.terms.items()]


def digest_of(data: bytes) -> tuple[int, bytes]:
    """Where the digest stands in a file, and what it must be. ArgumentError where the file holds no library's text."""
    at = data.find(MAGIC + b"0" * DIGEST)
    if at < 0:
        at = data.find(MAGIC)
    if at < 0 or at + len(MAGIC) + DIGEST > len(data):
        raise ArgumentError("it is no library of gradjit's")
    at += len(MAGIC)
    blank = data[:at] + b"0" * DIGEST + data[at + DIGEST:]
    return at, hashlib.sha256(blank).hexdigest().encode()


def sealed(data: bytes) -> bytes:
    """A shared library with its digest in it."""
    at, digest = digest_of(data)
    return data[:at] + digest + data[at + DIGEST:]


# read -----------------------------------------------------------------------------------------------------------------
def read(data: bytes) -> Manifest:
    """What a file says of itself. ArgumentError where it is no library, or not as it was when it was made."""
    at, digest = digest_of(data)
    if data[at:at + DIGEST] != digest:
        raise ArgumentError("it was cut off or changed since it was built (`strip` changes it, too); build it again")
    start = at + DIGEST + 8
    size = int.from_bytes(data[start - 8:start], "little")
    try:
        told = json.loads(data[start:start + size])
        if told["format"] != FORMAT:
            raise ArgumentError(f"it was built by gradjit {told['gradjit']}, whose libraries are of another form; "
                                f"build it again")
        library = LibraryDescription(told["name"], tuple(map(_read_routine, told["functions"])))
        return Manifest(library, told["triple"], tuple((n, tuple(needs)) for n, needs in told["processors"]),
                        tuple((a, b) for a, b in told["routines"]), told["gradjit"])
    except (ValueError, KeyError, TypeError, IndexError) as e:
        if isinstance(e, ArgumentError):
            raise
        raise ArgumentError("what it says of itself cannot be read; build it again") from e


def _read_routine(told: dict[str, Any]) -> LibraryRoutine:
    dims = {name: Dim(name, 256, words) for name, words in told["sizes"]}
    parameters = tuple(LibraryParameter(
        name, label, DTYPES[dtype], tuple(_read_size(e, dims) for e in shape), role, apart)
        for name, label, dtype, shape, role, apart in told["parameters"])
    versions = tuple(ProgramVersion(
        tuple(SizeCondition(_read_size(a, dims), op, _read_size(b, dims)) for a, op, b in v["conditions"]),
        tuple(_read_size(n, dims) for n in v["sizes"]), _read_size(v["workspace"], dims), (),
        tuple(Check(extent, None if loc is None else Loc(*loc), text, error_named(error))
              for error, extent, loc, text in v["checks"]),
        (), v["work"]) for v in told["versions"])
    return LibraryRoutine(told["name"], told["title"], told["derivative"], told["signature"], tuple(dims.values()),
                          parameters, tuple(told["outputs"]), tuple(told["forms"]), told["result"],
                          tuple(told["arguments"]), tuple(told["notes"]), versions)


def _read_size(told: Any, dims: dict[str, Dim]) -> int:
    if isinstance(told, int):
        return told
    terms = {}
    for factor, atoms in told:
        found = [dims[a] if isinstance(a, str) else Quotient(_read_open(a[0], dims), a[1]) for a in atoms]
        terms[tuple(sorted(found, key=lambda a: (a.serial, isinstance(a, Quotient))))] = factor
    return total(terms)


def _read_open(told: Any, dims: dict[str, Dim]) -> Size:
    found = _read_size(told, dims)
    if type(found) is not Size:
        raise ValueError("a quotient of a number")
    return found


__all__ = ["MAGIC", "Manifest", "read", "sealed", "written"]
