"""The order of the rooms: a package imports those to its left, never those to its right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources import FILES, PACKAGE, Contents, contents, contents_of

# In the order that data flows. The first seven are for all; the package itself re-exports the api.
ORDER = ["errors", "environment", "probe", "processes", "bounded", "records", "release",
         "ir", "tracer", "passes", "codegen", "runtime", "api", "partitions", "parallel", "dask",
         "tensors", "nn", "plot", "mygrad",
         "gradjit", "demo", "cli"]
RANK = {room: k for k, room in enumerate(ORDER)}

# Rooms that may know of a third-party package; every room may use NumPy and the standard library.
ALLOWED = {
    "llvmlite": {"codegen", "runtime", "cli"},
    "numba": {"codegen", "runtime", "api", "cli"},
    "sklearn": {"demo"},
    "dask": {"partitions"},
    "matplotlib": {"demo", "plot"},
    "rich": {"demo", "nn", "cli"},
}


def room_of(module: str) -> str | None:
    """The room of a module of the package; None for a module from elsewhere."""
    parts = module.split(".")
    if parts[0] != "gradjit":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in RANK else "gradjit"


def violations(source: Contents, module: str, is_package: bool = False) -> list[str]:
    """What one file imports against the order, as `line: text`."""
    own = room_of(module)
    assert own is not None
    found = []
    for i in source.imports:
        target = i.target(module, is_package)
        other = room_of(target)
        if other is not None and RANK[other] > RANK[own]:
            found.append(f"{i.line}: {own} imports {target}")
        top = target.split(".")[0]
        if own not in ALLOWED.get(top, {own}):
            found.append(f"{i.line}: {own} imports {top}, which is for {sorted(ALLOWED[top])}")
    return found


def module_of(path: Path) -> str:
    parts = ("gradjit", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("room", ORDER)
def test_imports_follow_the_order_of_the_rooms(room: str) -> None:
    found = {}
    for path in FILES:
        module = module_of(path)
        # The top package is the api's face, `__main__` the command line's: both stand behind every room they name.
        if room_of(module) == room and module != "gradjit.__main__":
            found[module] = violations(contents(path), module, path.stem == "__init__")
    assert found, f"no file is in {room}"
    assert {module: wrong for module, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("source", [
    "from ..codegen import loops",
    "from .. import codegen",
    "import gradjit.runtime.disk_cache",
    "def f():\n    from ..api import grad",
    "import gradjit",
    "import llvmlite.ir",
])
def test_the_lint_sees_what_it_bans(source: str) -> None:
    assert violations(contents_of(source), "gradjit.passes.fuse")


@pytest.mark.parametrize("source", [
    "from ..ir import Func",
    "from .vjp import RULES",
    "import numpy",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..runtime import Kernel",
])
def test_the_lint_passes_what_is_allowed(source: str) -> None:
    assert violations(contents_of(source), "gradjit.passes.fuse") == []


def test_every_directory_is_a_room() -> None:
    named = {p.name for p in PACKAGE.iterdir() if p.is_dir() and any(p.rglob("*.py"))}
    assert named <= set(RANK)
