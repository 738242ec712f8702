"""The order of the rooms: a package imports those to its left, never those to its right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gradjit"

# In the order that data flows. The first five are for all; the package itself re-exports the api.
ORDER = ["errors", "environment", "probe", "processes", "bounded", "release",
         "ir", "tracer", "passes", "codegen", "runtime", "api", "tensors", "nn", "plot", "mygrad",
         "gradjit", "demo", "cli"]
RANK = {room: k for k, room in enumerate(ORDER)}

# Rooms that may know of a third-party package; every room may use NumPy and the standard library.
ALLOWED = {
    "llvmlite": {"codegen", "runtime", "cli"},
    "numba": {"codegen", "runtime", "api", "cli"},
    "sklearn": {"demo"},
    "matplotlib": {"demo", "plot"},
    "rich": {"demo", "nn", "cli"},
}


def room_of(module: str) -> str | None:
    """The room of a module of the package; None for a module from elsewhere."""
    parts = module.split(".")
    if parts[0] != "gradjit":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in RANK else "gradjit"


def imported(tree: ast.AST, module: str, is_package: bool) -> list[tuple[int, str]]:
    """(line, absolute module) of every import, also inside functions; those for type checkers are left out."""
    skipped = {id(inner) for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    here = module.split(".") if is_package else module.split(".")[:-1]
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, a.name) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            # `from .. import ir` and `from ..ir import types` both name the room.
            found += [(node.lineno, ".".join([*base, a.name])) for a in node.names]
    return found


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """What one file imports against the order, as `line: text`."""
    own = room_of(module)
    assert own is not None
    found = []
    for line, target in imported(ast.parse(source), module, is_package):
        other = room_of(target)
        if other is not None and RANK[other] > RANK[own]:
            found.append(f"{line}: {own} imports {target}")
        top = target.split(".")[0]
        if own not in ALLOWED.get(top, {own}):
            found.append(f"{line}: {own} imports {top}, which is for {sorted(ALLOWED[top])}")
    return found


def files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_order_of_the_rooms(path: Path) -> None:
    parts = ("gradjit", *path.relative_to(PACKAGE).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    # The top package is the api's face and `__main__` the command line's: both stand behind every room they name.
    if module == "gradjit.__main__":
        return
    assert violations(path.read_text(), module, is_package) == []


@pytest.mark.parametrize("source", [
    "from ..codegen import loops",
    "from .. import codegen",
    "import gradjit.runtime.disk_cache",
    "def f():\n    from ..api import grad",
    "import gradjit",
    "import llvmlite.ir",
])
def test_the_lint_sees_what_it_bans(source: str) -> None:
    assert violations(source, "gradjit.passes.fuse")


@pytest.mark.parametrize("source", [
    "from ..ir import Func",
    "from .vjp import RULES",
    "import numpy",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..runtime import Kernel",
])
def test_the_lint_passes_what_is_allowed(source: str) -> None:
    assert violations(source, "gradjit.passes.fuse") == []


def test_every_directory_is_a_room() -> None:
    named = {p.name for p in PACKAGE.iterdir() if p.is_dir() and any(p.rglob("*.py"))}
    assert named <= set(RANK)
