"""The table of operations, walked: each has each facet, or a reason why not, and none has two."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradjit.ir import OPS, Memory
from gradjit.passes import batching, jvp, vjp
from tests.sources import FILES, PACKAGE, contents

lowering = importlib.import_module("gradjit.codegen.lower")  # the package also has a function of that name


@dataclass(frozen=True)
class Facet:
    """Where an operation's facet is declared: rules, and tables that give the reason for having none."""

    rules: Collection[str]
    reasons: tuple[Mapping[str, str], ...] = ()


def emitted(room: str) -> set[str]:
    """The operations that a room's sources name: as a text (`emit("exp", x)`) or as a builder's method (`b.exp(x)`)."""
    found: set[str] = set()
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] == room:
            words = contents(path).words
            found |= words | {w.rstrip("_") for w in words}
    return found & set(OPS)


SHOWN = {"cholesky_cotangent": "reverse mode makes it, of a factor",
         "show": "reverse mode makes it of a probe", "barrier": "reverse mode makes it, of what is computed again",
         "opaque": "gj.primitive makes it"}
TAPES = dict.fromkeys(("tape", "push", "pop"), "reverse mode makes them, for what loops keep")
MEMORY = dict.fromkeys(("copy_to", "trade", "fence"), "memory is given behind all passes over arrays (codegen/buffers)")
PLANES = dict.fromkeys(("real", "imag", "complex"), "complex numbers are planes before code is generated")
DISSOLVED = dict.fromkeys(("stop_gradient", "barrier", "copy_to"),
                          "the identity: it dissolves before code is emitted (Elements.apply)")

FUSED = {"squared_root": "derivatives make it of the square of a root",
         "squared_hypot": "planes make it of the square of a complex number's length"}

FACETS: dict[str, Facet] = {
    "tracer": Facet(emitted("tracer") - {*TAPES, *SHOWN}, (TAPES, SHOWN, FUSED, MEMORY)),
    "vjp": Facet(vjp.RULES, (vjp.CONSTANT, vjp.UNSUPPORTED, MEMORY)),
    "jvp": Facet(jvp.RULES, (jvp.CONSTANT, jvp.UNSUPPORTED, MEMORY)),
    "batching": Facet(batching.RULES, (batching.UNBATCHED, MEMORY)),
    "lowering": Facet({**lowering.ELEMENT, **lowering.EMIT, **lowering.TASKS}, (lowering.UNLOWERED, DISSOLVED, PLANES)),
}


@pytest.mark.parametrize("facet", FACETS)
@pytest.mark.parametrize("op", OPS)
def test_every_operation_has_every_facet(op: str, facet: str) -> None:
    f = FACETS[facet]
    reasons = [table[op] for table in f.reasons if op in table]
    assert (op in f.rules) + len(reasons) == 1, f"{op} has no {facet} rule and no reason, or both"
    assert all(len(r) > 10 for r in reasons)


@pytest.mark.parametrize("op", OPS)
def test_every_operation_is_specified(op: str) -> None:
    spec = OPS[op]
    assert spec.name == op
    assert (spec.evaluate is None) == (spec.regions > 0)
    assert spec.check_regions is not None or not spec.regions


@pytest.mark.parametrize("facet", FACETS)
def test_tables_name_no_unknown_operation(facet: str) -> None:
    f = FACETS[facet]
    named = {name for table in (f.rules, *f.reasons) for name in table}
    assert named <= set(OPS)


def test_both_modes_agree_on_what_has_a_derivative() -> None:
    assert {*vjp.RULES, *vjp.UNSUPPORTED} == {*jvp.RULES, *jvp.UNSUPPORTED}
    assert vjp.CONSTANT == jvp.CONSTANT


def test_rules_stand_in_the_file_of_the_family() -> None:
    for package in (vjp, jvp, batching):
        for op in package.RULES:
            module = getattr(package, OPS[op].family)
            assert op in module.RULES, f"{op} in {package.__name__}"


# facts stand on the operation -----------------------------------------------------------------------------------------
TABLES = [("passes", "vjp"), ("passes", "jvp"), ("passes", "batching"), ("passes", "partials"), ("passes", "simplify"),
          ("codegen", "lower"), ("tracer", "numpy"), ("ir", "ops")]
"""Where rules for a family's operations stand; there, too, only in the files that are named after a family."""
NUMPYS = ("assembled_sparse.py", "functions_table.py", "lost_derivatives.py", "methods.py", "selection.py",
          "special_methods.py", "structures.py", "tensor_base.py", "tensor_operators.py")
"""These list names of NumPy's and Python's, some of which operations have as well."""
FAMILIES = {spec.family for spec in OPS.values()}


def is_rule_table(path: Path) -> bool:
    of_family = path.parts[-3:-1] in TABLES and (path.stem in FAMILIES or path.stem == "__init__")
    return of_family or path.parts[-2] in ("ops", "vecmath") or path.name in NUMPYS


def test_no_set_of_operations_stands_beside_their_declarations() -> None:
    """What is true of some operations and not of others is a fact in `OpSpec`: a new one must say it."""
    found = [f"{path}:{line}" for path in FILES if not is_rule_table(path)
             for line, texts in contents(path).collections if sum(t in OPS for t in texts) > 2]
    assert not found


ALIKE = {
    "insert_checks.py": "sums and differences of numbers; the operations that may need checks inside",
    "ranges.py": "an `if` of two values is a `select`",
    "greatest_extents.py": "windows that are read, and written; what the program may stay in",
    "masks.py": "both repeat a single truth", "outer_products.py": "sums and differences of products",
    "extents.py": "equations of extents", "comparison.py": "Python's operators",
}
"""Files in which an operation is asked whether it is one of two, and what those have in common."""
ASKED = 142
"""How often an operation is asked whether it is a certain one, outside of the rule tables: each is about what that one
alone means (a constant, a branch, a loop, a window). What is true of several is a fact. The number may only go down."""


def asked() -> list[tuple[Path, int, tuple[str, ...]]]:
    return [(path, line, names) for path in FILES if not is_rule_table(path) for line, texts in contents(path).names
            if (names := tuple(t for t in texts if t in OPS))]


def test_no_comparison_with_several_operations() -> None:
    """What is true of some operations and not of others is a fact in `OpSpec`."""
    found = [f"{path}:{line}" for path, line, names in asked() if len(names) > 1 and path.name not in ALIKE]
    assert not found


def test_comparisons_with_one_operation_do_not_grow() -> None:
    assert len(asked()) <= ASKED


def test_operands_have_names() -> None:
    """`For(op).inits`, not `op.operands[3:]`."""
    found = [f"{path}:{line} {text}" for path in FILES if path.parts[-2] != "ops" for line, text in contents(path).cuts]
    assert not found


@pytest.mark.parametrize("op", OPS)
def test_facts_agree(op: str) -> None:
    spec = OPS[op]
    assert spec.is_free + spec.is_cheap + spec.is_dear + spec.is_pinned >= (spec.memory is Memory.ELEMENT)
    assert not spec.pointwise or (spec.memory is Memory.ELEMENT and spec.open_extents)
    assert (op in lowering.TASKS) >= spec.has_nest, "what has loops of its own is lowered to tasks"
    assert (op in lowering.UNLOWERED) == (spec.memory is Memory.STEP)
    assert spec.cost >= 0 and (spec.cost > 0 or spec.memory is not Memory.NEST)
    assert not spec.writes or spec.arity != 1
