"""Algebraic simplification: the rules of each family, joined here.

A rule states `before --> after` in its docstring. Every rewrite is exact in IEEE arithmetic: infinities, nan and the
sign of zero come out as before. The exceptions, and there are no others: the order of the terms of a `sum`, `prod` or
`contract` may change (which the design allows), so that repeated terms become a product with their count, and the
sign of a zero that a sum of zeros gives may change with it; zeros that a pad puts around a window are not added;
powers with the exponents 2, 3, 4 and -1 become products or a quotient, within two units in the last place; and
between two constant factors, one a power of two, the product is not rounded to a subnormal number.
"""

from __future__ import annotations

from ...ir import Func
from ..rewriter import RegionRule, Rewriter, Rule
from . import control, elementwise, indexing, linalg, movement, reduction

RULES: dict[str, tuple[Rule, ...]] = {
    **elementwise.RULES, **movement.RULES, **reduction.RULES, **indexing.RULES, **linalg.RULES,
    "add": (*elementwise.RULES["add"], *movement.ADD),
    "transpose": (*movement.RULES["transpose"], *linalg.TRANSPOSE),
}
REGION_RULES: dict[str, tuple[RegionRule, ...]] = control.RULES

MOST_ROUNDS = 4
"""One walk finds nearly everything; a loop that loses a carried value can ask for another."""


def simplify(func: Func) -> Func:
    """Fold constants, apply the rules, share common subexpressions, drop dead code. `func` is not changed."""
    for _ in range(MOST_ROUNDS):
        walk = Rewriter(RULES, REGION_RULES, hoist=True)
        func = walk.run(func)
        if not walk.again:
            break
    return func
