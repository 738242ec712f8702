"""Cotangents that go through the iterations of a reversed loop, each with a flag where it need not flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import OPS, ArrayType, Block, Builder, Loop, Value, walk
from ..masks import TRUTH, Cotangent, Masked, Signed, Truth, flowing, truth_of, written
from ..presence import ALWAYS, MAYBE, NEVER, Backwards, Presence
from .coverage import NONE, PARTIAL, Coverages
from .driver import SMALL, Reverser, elements


class CarriedCotangents:
    """What the reverse of a loop carries: the cotangents of carried values (`carried` are their positions), then of
    what the body reads from outside (`captured`), then flags.

    ends: whose cotangents come in. starts: whose go out. came: what has arrived for the ends. flagged: the positions,
    among these, of those with a flag: they flow in some iterations only, and what they go on through, in the loop or in
    front of it, may be infinite. turned: for those that flow if the loop turned at all (True), or if it did not
    (False), which of both. always: those among the flagged that flow behind each iteration. signed: those of arrays
    that have the masks of their elements in their signs, and need no flag.
    """

    def __init__(self, reverser: Reverser, loop: Loop, inits: Sequence[Value], captured: Sequence[Value]):
        self.carried = [k for k, p in enumerate(loop.params) if reverser.wants(p) or reverser.wants(loop.results[k])]
        self.captured = captured
        self.ends = [*(loop.results[k] for k in self.carried), *captured]
        self.starts = [*(inits[k] for k in self.carried), *captured]
        self.params = [*(loop.params[k] for k in self.carried), *captured]
        self.yields = [*(loop.yields[k] for k in self.carried), *captured]
        self.signed = self.with_signs(reverser, loop)
        self.came = [reverser.calm(v, k in self.signed) for k, v in enumerate(self.ends)]
        self.flagged: list[int] = []
        self.turned: dict[int, bool] = {}
        self.always: set[int] = set()
        self.plan(reverser, loop)

    def with_signs(self, reverser: Reverser, loop: Loop) -> set[int]:
        """Which positions are arrays some of whose elements may flow alone: their masks are in their signs."""
        steep, roles = is_large(loop.body), list(zip(self.starts, self.params, self.yields, self.ends, strict=True))
        found = {k for k, values in enumerate(roles) if any(reverser.meets_infinity_in_parts(v, steep) for v in values)}
        if not found:
            return found
        arrived = {v: reverser.coverage(v) for v in self.ends}
        walk = Coverages(reverser.active, reverser.tables.parts)
        begun, _ = walk.iterations(loop, [arrived.get(r, NONE) for r in loop.results],
                                   [arrived[v] for v in self.captured], self.captured)
        places = [*self.carried, *range(len(loop.results), len(begun))]
        return {k for k in found if begun[places[k]] is PARTIAL}

    def plan(self, reverser: Reverser, loop: Loop) -> None:
        walk = Backwards(reverser.active)
        found = dict(zip(self.carried, map(presence_of, self.came), strict=False))
        came = [found.get(k, NEVER) for k in range(len(loop.params))]
        there = [presence_of(f) for f in self.came[len(self.carried):]]
        begun, ended = walk.iterations(loop, came, there, self.captured)
        order = [*self.carried, *range(len(came), len(begun))]
        for k, (at, v) in enumerate(zip(order, self.starts, strict=True)):
            inside = walk.met and k < len(self.carried)
            if k in self.signed or begun[at] is not MAYBE or not (inside or v in reverser.active.singular):
                continue
            if {(came + there)[at], ended[at]} == {ALWAYS, NEVER} and not inside:
                self.turned[k] = ended[at] is ALWAYS
            else:
                self.flagged.append(k)
                if ended[at] is ALWAYS:
                    self.always.add(k)

    @property
    def types(self) -> list[ArrayType]:
        return [*(v.type for v in self.params), *(TRUTH for _ in self.flagged)]

    @property
    def names(self) -> list[str]:
        return [*(f"ct_{v.name}" if v.name else "" for v in self.params), *("" for _ in self.flagged)]

    def begun(self, reverser: Reverser) -> list[Value]:
        """What goes into the first iteration."""
        return self.handed(reverser, self.came, self.ends)

    def enter(self, inner: Reverser, given: Sequence[Value], ends: Sequence[Value]) -> list[Cotangent]:
        """Take up in an iteration what came from the iteration behind it, as cotangents of `ends`."""
        flows, first = self.received(given), len(self.carried)
        for v, f in zip((*ends[first:], *ends[:first]), (*flows[first:], *flows[:first]), strict=True):
            inner.add(v, f)
        return flows

    def received(self, given: Sequence[Value]) -> list[Cotangent]:
        """Values with their flags."""
        flags = dict(zip(self.flagged, given[len(self.params):], strict=True))
        return [Masked(v, flags[k], clean=True) if k in flags else Signed(v) if k in self.signed else v
                for k, v in enumerate(given[:len(self.params)])]

    def leave(self, inner: Reverser, starts: Sequence[Value], otherwise: Sequence[Cotangent | None] = ()
              ) -> list[Value]:
        """What an iteration hands to the one before it; `otherwise`: what came in, where nothing arrived."""
        flows = [inner.calm(v, k in self.signed) for k, v in enumerate(starts)]
        for k, other in enumerate(otherwise):
            flows[k] = other if flows[k] is None else flows[k]
        return self.handed(inner, flows, starts)

    def handed(self, reverser: Reverser, flows: Sequence[Cotangent | None], values: Sequence[Value]) -> list[Value]:
        """The flows as values, then the flags."""
        found = [reverser.zero(v, k in self.signed) if f is None else reverser.unmasked(f)
                 for k, (f, v) in enumerate(zip(flows, values, strict=True))]
        return found + [written(reverser.b, truth_of(flows[k])) for k in self.flagged]

    def arrive(self, reverser: Reverser, results: Sequence[Value], runs: Callable[[Builder], Truth]) -> None:
        """Hand on what comes out of the loop. `runs` writes whether it turned at all."""
        truth = runs(reverser.b) if self.turned or self.always else None
        for k, (v, f) in enumerate(zip(self.starts, self.received(results), strict=True)):
            if truth is True and k in self.always:
                f = results[k]
            elif truth is not None and k in self.turned and isinstance(f, Value):
                f = flowing(f, truth if self.turned[k] or isinstance(truth, bool) else reverser.b.not_(truth))
            reverser.add(v, f)


def presence_of(flow: Cotangent | None) -> Presence:
    return NEVER if flow is None else MAYBE if isinstance(flow, Masked) else ALWAYS


def is_large(body: Block) -> bool:
    """Whether an iteration computes arrays as a whole that are more than small."""
    return any(elements(r) > SMALL or not all(type(e) is int for e in r.shape)
               for op in walk(body) if OPS[op.name].pointwise for r in op.results)
