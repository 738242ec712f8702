"""How often a `while` runs at most, where its condition and body say it.

    while i < len(a) and j < len(b):         at most len(a) + len(b) times: len(a) - i and len(b) - j are positive where
        if a[i] < b[j]: i += 1               the body runs, and together they get less each time
        else: j += 1

What the condition says of integers are forms that are not negative. One of them, or the sum of all, that gets less by
at least 1 whichever way the body takes is, at first, the greatest number of iterations but one.
"""

from __future__ import annotations

from collections.abc import Sequence

from .core import Block
from .linear import Linear, atom
from .ranges import Ranges, chosen_by, facts, sides

WAYS = 6
"""Conditions in a row that are looked through."""


def most_iterations(condition: Block, body: Block, inits: Sequence[Linear], ranges: Ranges) -> Linear | None:
    """The greatest number of iterations of a loop that begins with these; None where it is not known."""
    (test,) = condition.results
    numbers = {p: k for k, p in enumerate(condition.params)}
    found = [f for f in facts(test, True, ranges.linear, ranges.is_nonnegative)
             if all(a in numbers or a.owner not in condition.ops for a in f.atoms)]
    if len(found) > 1:
        found.append(sum(found[1:], found[0]))
    for f in found:
        change = Linear()
        at_first = Linear(const=f.const)
        for a, k in f.terms:
            n = numbers.get(a)
            if n is not None:
                change = change + (ranges.linear(body.results[n]) - atom(body.params[n])) * k
            at_first = at_first + (atom(a) if n is None else inits[n]) * k
        most = greatest(change, WAYS, ranges)
        if most is not None and most <= -1:
            return at_first + 1
    return None


def greatest(x: Linear, ways: int, ranges: Ranges) -> int | None:
    """The greatest number that a form can be, whichever sides of conditions are taken."""
    if x.is_number:
        return x.const
    condition = next((c for a in x.atoms if (c := chosen_by(a)) is not None), None)
    if condition is None or not ways:
        return None
    found = []
    for side in range(2):
        taken = Linear(const=x.const)
        for a, k in x.terms:
            taken = taken + (ranges.linear(sides(a)[side]) if chosen_by(a) is condition else atom(a)) * k
        found.append(greatest(taken, ways - 1, ranges))
    return max(n for n in found if n is not None) if None not in found else None
