"""Forward mode: a function becomes one that also pushes tangents of its parameters forward to its results.

RULES: for each operation `rule(b, op, *tangents)`, which gives a tangent, or None, for each result. `op` stands in the
    function being built; `tangents` are its operands', None where there is none. An operation that has regions or
    moves records of a tape has in place of it a `walk(pusher, b, op)`, which rebuilds it, tangents included.
LINEAR: operations of which the rule is linear in the tangents whatever the values are.
CONSTANT and UNSUPPORTED are as in reverse mode: what has no derivative there has none here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Func
from ...ir.sizes import deciding
from ..planes import derived, has_complex
from . import (
    complex_matrices,
    control,
    creation,
    custom,
    effects,
    elementwise,
    factorisation,
    fourier,
    indexing,
    linalg,
    movement,
    planes,
    reduction,
    special,
    tape,
)
from .driver import JvpTables, Rule, Walk, pushforward

LOCAL: dict[str, Rule] = {
    **creation.RULES, **elementwise.RULES, **special.RULES, **reduction.RULES, **movement.RULES, **indexing.RULES,
    **linalg.RULES, **factorisation.RULES, **complex_matrices.RULES, **effects.RULES, **custom.RULES,
    **fourier.RULES,
}
WALKS: dict[str, Walk] = {**control.RULES, **tape.RULES}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
CONSTANT: dict[str, str] = {
    **creation.CONSTANT, **elementwise.CONSTANT, **special.CONSTANT, **reduction.CONSTANT, **movement.CONSTANT,
    **indexing.CONSTANT, **linalg.CONSTANT, **factorisation.CONSTANT, **complex_matrices.CONSTANT, **fourier.CONSTANT,
    **control.CONSTANT,
    **effects.CONSTANT,
}
UNSUPPORTED: dict[str, str] = {**control.UNSUPPORTED, **planes.UNSUPPORTED}

LINEAR = elementwise.LINEAR | {name for name, rule in LOCAL.items() if rule is movement.linear}

MASKS: dict[str, Rule] = {**movement.MASKS, **indexing.MASKS, **reduction.MASKS}

TABLES = JvpTables(LOCAL, WALKS, CONSTANT, UNSUPPORTED, MASKS)


@deciding(False)
def jvp(func: Func, wrt: Sequence[int], along_basis: bool = False) -> Func:
    """`func` with one more parameter for each of `wrt`, its tangent, and one more result for each inexact result.

    The parameters are those of `func`, then the tangents in the order of `wrt`. The results are those of `func`, then
    the tangents of its inexact results in order; zeros where no parameter of `wrt` has an influence.

    along_basis: the tangents are basis vectors, by which nobody differentiates. Where one is zero nothing moves, so
        that an infinite derivative by that element does not matter.

    Raises DifferentiationError for parameters that are not floating-point, UnsupportedError for an operation that has
    no pushforward yet; both with the user's line.
    """
    if has_complex(func):
        return derived(func, lambda p: jvp(p.func, p.of(wrt), along_basis), lambda f: [f.params[k] for k in wrt],
                       lambda f: [r for r in f.results if r.dtype.is_inexact])
    return pushforward(func, wrt, TABLES, along_basis)
