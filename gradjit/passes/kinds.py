"""Kinds of operations, as rewriting tells them apart when it moves or repeats them."""

from __future__ import annotations

from ..ir import OPS

FREE = frozenset({"const", "iota", "broadcast", "reshape", "transpose", "slice", "stop_gradient"})
"""These compute nothing: code generation dissolves them into what reads them."""

CHEAP = frozenset({
    "add", "sub", "mul", "neg", "abs", "minimum", "maximum", "fmin", "fmax", "select", "cast", "sign",
    "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor", "not", "isnan", "isfinite", "isinf", "signbit", "copysign",
    "bounded",
}) & set(OPS)
"""Pointwise, a cycle or a few for each element."""

MOVING = frozenset({"update", "pad", "concat", "gather", "scatter", "scatter_add"})
"""These copy arrays. Where code generation does them in place or dissolves them they must stay by their readers."""

PINNED = frozenset(name for name, spec in OPS.items()
                   if spec.pinned or spec.effect or spec.regions or spec.family == "tape")
"""These are not shared, and stay where they are."""

DEAR = frozenset(OPS) - FREE - CHEAP - MOVING - PINNED
"""Worth an array in memory where that saves a repetition: functions, quotients, reductions, products, sorting."""
