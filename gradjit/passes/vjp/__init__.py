"""Reverse mode: a function becomes one that also pulls cotangents of its results back to its parameters.

RULES: for each operation `rule(b, op, needs, *cts)`, which gives a cotangent, or None, for each operand. `op` stands in
    the function being built, so that its operands and results can be read as residuals. `needs` says which operands
    want a cotangent: nothing is emitted for the others. `cts` are the results' cotangents, None where none arrived.
    An operation that has regions or moves records of a tape has in place of it a `walk(reverser, op)`.
CONSTANT: operations whose derivative is zero wherever it is defined, with the reason. Nothing flows through them.
UNSUPPORTED: operations through which derivatives should flow and cannot yet: differentiating them is an error.
MOVES_MASKS: operations whose rule only moves elements, and so moves the mask of a cotangent as it moves its value.
JOINS_MASKS: operations whose rule brings several elements of a cotangent into one; for each the rule that counts how
    many of these flow.
CLEARS: operations that overwrite a part of their first operand, whose cotangent their rule clears there; each with that
    rule, which takes one argument more: by which zero.
PARTS: operations whose rule may leave elements of an operand without a cotangent.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import DifferentiationError
from ...ir import Block, Builder, Func, Value
from ...ir.clone import Env
from ...ir.sizes import deciding
from ..checks import append_parameter
from ..planes import Planes, derived, has_complex
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
from .driver import Rule, VjpTables, Walk, cotangents_at, pullback

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
UNSUPPORTED: dict[str, str] = planes.UNSUPPORTED
MOVES_MASKS = movement.MOVES_MASKS | reduction.MOVES_MASKS | indexing.MOVES_MASKS
JOINS_MASKS: dict[str, Rule] = {**movement.JOINS_MASKS, **reduction.JOINS_MASKS, **indexing.JOINS_MASKS}
CLEARS: dict[str, Rule] = {**movement.CLEARS, **indexing.CLEARS}
PARTS = elementwise.PARTS | movement.PARTS | indexing.PARTS | reduction.PARTS

TABLES = VjpTables(LOCAL, WALKS, CONSTANT, UNSUPPORTED, MOVES_MASKS, JOINS_MASKS, CLEARS, PARTS)


@deciding(False)
def reverse(func: Func, wrt: Sequence[int], along_basis: bool = False) -> Func:
    """`func` with one more parameter for each inexact result, its cotangent, and one more result for each of `wrt`.

    The parameters are those of `func`, then the cotangents in the order of the results. The results are those of
    `func`, then the gradients in the order of `wrt`, of the parameters' types; zeros where there is no influence.

    along_basis: the cotangents are basis vectors, by which nobody differentiates: elements that are zero are absent.

    The cotangent of a complex value is `ct_re + 1j * ct_im`, those of its real and its imaginary part. Raises
    DifferentiationError for parameters that are not floating-point, UnsupportedError for an operation that has no
    pullback yet; both with the user's line.
    """
    if has_complex(func):
        return derived(func, lambda p: reverse(p.func, p.of(wrt), along_basis),
                       lambda f: [r for r in f.results if r.dtype.is_inexact], lambda f: [f.params[k] for k in wrt])

    def seeds(b: Builder, block: Block, env: Env) -> list[Value | None]:
        return [append_parameter(block, env[r], f"ct_{r.name}" if r.name else "ct") if r.dtype.is_inexact else None
                for r in func.results]

    return pullback(func, wrt, TABLES, ".vjp", seeds, along_basis)


@deciding(False)
def gradient(func: Func, wrt: Sequence[int], of: int = 0) -> Func:
    """`func` with the gradients of its result `of`, a real scalar, behind its results. Errors as in `reverse`."""
    t = func.results[of].type
    if not t.dtype.is_float or t.rank:
        raise DifferentiationError(f"gradients are of a real scalar; result {of} of @{func.name} is {t}")

    if has_complex(func):
        return derived(func, lambda p: gradient(p.func, p.of(wrt), p.results[of][0]), lambda f: (),
                       lambda f: [f.params[k] for k in wrt])

    def seeds(b: Builder, block: Block, env: Env) -> list[Value | None]:
        return [b.const(1, t.dtype) if k == of else None for k in range(len(func.results))]

    return pullback(func, wrt, TABLES, ".grad", seeds)


@deciding(False)
def cotangents(func: Func, targets: Sequence[int], sites: Sequence[int], ends: Sequence[int] = (), *, given: bool
               ) -> tuple[Func, list[int]]:
    """`func` with the cotangents of its results `sites`, which may stand anywhere in it, behind its results, as they
    are pulled back from its results `targets`; and the list of those sites that have one.

    given: whether the targets' cotangents are parameters behind those of `func`; else they are 1 for all elements.
    ends: results that a cotangent reaches and does not pass. Errors as in `reverse`.
    """
    if has_complex(func):
        return _complex_cotangents(func, targets, sites, ends, given)

    def seeds(b: Builder, block: Block, env: Env) -> list[Value | None]:
        found: list[Value | None] = [None] * len(func.results)
        for k in targets:
            r = env[func.results[k]]
            found[k] = append_parameter(block, r, "ct") if given else b.const(1, r.dtype, r.shape)
        return found

    return cotangents_at(func, sites, ends, TABLES, seeds)


def _complex_cotangents(func: Func, targets: Sequence[int], sites: Sequence[int], ends: Sequence[int], given: bool
                        ) -> tuple[Func, list[int]]:
    if not given and any(func.results[k].dtype.is_complex for k in targets):
        raise DifferentiationError(f"gradients are of real numbers; @{func.name} gives complex ones: take their real "
                                   f"part or np.abs, or say what their cotangent is")
    reached: list[int] = []

    def pulled(p: Planes) -> Func:
        every = [[plane for k in places for plane in p.results[k]] for places in (targets, sites, ends)]
        real, arrived = cotangents(p.func, *every, given=given)
        found = dict(zip(arrived, real.results[len(p.func.results):], strict=True))
        reached.extend(k for k in sites if any(plane in found for plane in p.results[k]))
        b = Builder(real.body)
        own = real.results[:len(p.func.results)]
        real.body.results = (*own, *(found[plane] if plane in found else b.zeros(own[plane].type)
                                     for k in reached for plane in p.results[k]))
        return real

    made = derived(func, pulled, lambda f: [f.results[k] for k in targets] if given else (),
                   lambda f: [f.results[k] for k in reached])
    return made, reached
