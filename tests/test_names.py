"""One word, one meaning: no class name and no file name stands twice in gradjit."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.sources import FILES, PACKAGE, contents

FAMILIES = {"creation", "elementwise", "special", "reduction", "movement", "indexing", "linalg", "control", "tape",
            "effects", "custom", "factorisation", "planes", "fourier", "complex_matrices"}
"""Families of operations: what belongs to one stands in the file of that name in each package."""
SHARED = {
    "__init__": "Python's own name",
    "driver": "the walk of jvp, vjp and batching over a function: the same part in each",
    **dict.fromkeys(("parser", "printer", "verifier", "interpreter"), "of the array IR, and of the loop IR"),
    "sizes": "open extents: what they are, their code, and how users ask for them",
    **dict.fromkeys(("activations", "layers", "losses"), "of gj.nn, and under MyGrad's names"),
    **dict.fromkeys(("errors", "ufuncs"), "gradjit's own, and under MyGrad's names"),
    **dict.fromkeys(("exponential", "gamma"), "functions of one kind: their machine code, and their derivatives"),
}


def twice(found: Iterable[tuple[str, Path]]) -> dict[str, list[str]]:
    """The names that stand in more than one place, with the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in found:
        places[name].append(str(path.relative_to(PACKAGE)))
    return {name: where for name, where in places.items() if len(where) > 1}


def test_no_class_name_stands_twice() -> None:
    assert twice((name, path) for path in FILES for name in contents(path).classes) == {}


def test_no_file_name_stands_twice() -> None:
    assert twice((path.stem, path) for path in FILES if path.stem not in FAMILIES | SHARED.keys()) == {}


VAGUE = {"twins", "undo", "lasting", "kept", "places", "settled", "ties", "turns", "bound", "running", "pinning",
         "kinds", "jam", "finish", "flow", "scope", "utils", "misc", "helpers"}
"""Words that have meant many things: no file is called so."""


def test_no_file_has_a_vague_name() -> None:
    assert [str(path) for path in FILES if path.stem in VAGUE] == []


def test_what_is_shared_is_shared() -> None:
    stems = twice((path.stem, path) for path in FILES)
    assert stems.keys() == FAMILIES | SHARED.keys()


def test_what_stands_twice_is_found() -> None:
    assert twice([("a", PACKAGE / "x.py"), ("b", PACKAGE / "x.py"), ("a", PACKAGE / "ir" / "y.py")]) == {
        "a": ["x.py", "ir/y.py"]}


GLOSSARY = Path(__file__).parents[1] / "docs" / "architecture.md"


def test_the_glossary_names_files_that_exist() -> None:
    rows = GLOSSARY.read_text(encoding="utf-8").split("## Words")[1].splitlines()[6:]
    assert len(rows) >= 40
    missing = []
    for row in rows:
        room = PACKAGE
        for name in re.findall(r"`([a-z_/]+(?:\.py)?)`", row.split("|")[3]):
            path = PACKAGE / name if "/" in name else room / name
            room = path.parent
            if not path.exists():
                missing.append(name)
    assert missing == []
