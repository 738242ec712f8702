"""`backward`: cotangents from a tensor back to the leaves, through the recordings that lie between."""

from __future__ import annotations

import heapq
import sys
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from ..errors import ArgumentError, DifferentiationError
from ..ir import Loc
from ..runtime.call_convention import MISS
from ..tracer.locations import fail
from . import kernels
from .recording import Past, Recording, Upstream, current, held, local
from .tensor_types import DERIVED, LEAF

if TYPE_CHECKING:
    from .tensor import Tensor
    from .tensor_gradients import GradientHooks


MANY = 1000


class Freed:
    """What a tensor came from was used up by a `backward`, which stands at this place in the code."""

    __slots__ = ("code", "at")
    leaf = recording = None
    """As of an `Upstream` that leads nowhere."""

    def __init__(self, code: CodeType, at: int):
        self.code, self.at = code, at

    def refuse(self) -> NoReturn:
        line = next((n for begin, end, n in self.code.co_lines() if begin <= self.at < end and n is not None),
                    self.code.co_firstlineno)
        loc = Loc(self.code.co_filename, line, self.code.co_name)
        fail(DifferentiationError, f"the graph behind this tensor was freed by the backward at\n  {loc.full}\nwrite "
                                   f"backward(retain_graph=True) there, or compute the tensor anew")


_freed: dict[tuple[int, int], Freed] = {}
"""By the place of the `backward`. (The identity of code is quicker than its hash, and what is found here holds it.)"""


def freed_by(frame: FrameType) -> Freed:
    code, at = frame.f_code, frame.f_lasti
    found = _freed.get((id(code), at))
    if found is None:
        if len(_freed) >= MANY:  # of code that is made anew each time
            _freed.clear()
        found = _freed[id(code), at] = Freed(code, at)
    return found


class Deliveries:
    """Cotangents on their way: to recordings, latest first, and to leaves."""

    def __init__(self, freed: Freed | None):
        self.freed = freed
        self.waiting: dict[int, tuple[Past, dict[int, np.ndarray]]] = {}
        self.order: list[int] = []
        self.leaves: dict[int, tuple[Tensor, np.ndarray]] = {}
        self.orphans: dict[int, tuple[GradientHooks, np.ndarray]] = {}
        """What arrives at hooks whose leaf is no more."""

    def send(self, source: Upstream | Freed, ct: np.ndarray) -> None:
        if isinstance(source, Freed):
            source.refuse()
        elif source.leaf is not None:
            leaf = source.leaf()
            if leaf is not None and leaf._source is source:
                self.deliver(leaf, ct)
            elif leaf is None and source.hooks:
                known = self.orphans.get(id(source))
                self.orphans[id(source)] = source.hooks, added(known and known[1], ct)
            return
        past = source.recording
        if past.number not in self.waiting:
            self.waiting[past.number] = past, {}
            heapq.heappush(self.order, -past.number)
        cts = self.waiting[past.number][1]
        cts[source.slot] = added(cts.get(source.slot), ct)

    def deliver(self, t: Tensor, ct: np.ndarray) -> None:
        if t._has_new_shape:
            ct = ct.reshape(t.shape)
        known = self.leaves.get(id(t))
        self.leaves[id(t)] = t, added(known and known[1], ct)

    def run(self) -> None:
        """Pull back through all recordings that are reached."""
        while self.order:
            past, cts = self.waiting.pop(-heapq.heappop(self.order))
            self.through(past, cts)
        for hooks, g in self.orphans.values():
            hooked_ct(hooks, g)
        for t, g in self.leaves.values():
            t._receive(hooked_ct(t._hooks, g) if t._hooks and t.role == LEAF else g)

    def through(self, past: Past, cts: dict[int, np.ndarray]) -> None:
        """Pull the cotangents of a recording's outputs back to its inputs, by way of what hooks make of them."""
        for cone, freed in past.freed:
            if not cone.isdisjoint(cts):
                freed.refuse()
        if past.rule is not None:
            (ct,) = cts.values()
            for slot, g in past.rule(ct).items():
                self.send(past.sources[slot], g)
            return
        hooked = {*past.hooks}
        plain = {s: ct for s, ct in cts.items() if s not in hooked}
        waiting = {s: ct for s, ct in cts.items() if s in hooked}
        if plain:
            self.pull(past, plain, hooked, waiting)
        while waiting:
            slot = kernels.last_made(past.node, sorted(waiting)) if len(waiting) > 1 else next(iter(waiting))
            hooked.discard(slot)
            ct = hooked_ct(past.hooks[slot], waiting.pop(slot))
            self.pull(past, {slot: ct}, hooked, waiting)

    def pull(self, past: Past, cts: dict[int, np.ndarray], ends: set[int], waiting: dict[int, np.ndarray]) -> None:
        """One pull: what arrives at `ends` is added to what waits there."""
        retained = keeping_slots(past)
        sites, targets = tuple(sorted({*past.sources, *retained, *ends})), tuple(sorted(cts))
        kernel = kernels.pull(past.node, (), targets, sites, tuple(sorted(ends)), True)
        found = kernel.kernel.run([*past.inputs, *(cts[s] for s in targets)])
        for k, ct in zip(kernel.reached, found, strict=True):
            slot = sites[k]
            if slot in ends:
                waiting[slot] = added(waiting.get(slot), ct)
            elif slot in past.sources:
                self.send(past.sources[slot], ct)
            elif slot in retained and (t := past.tensors[slot]()) is not None:
                self.deliver(t, ct)
        self.free(past, kernel.cone)

    def free(self, past: Past, cone: frozenset[int]) -> None:
        """What lies behind these slots was used up."""
        if self.freed is None or past.is_lasting:
            return
        past.freed.append((cone, self.freed))
        for slot, weak in past.tensors.items():
            if slot in cone and slot not in past.sources and (t := weak()) is not None and (
                    t._type.role == DERIVED and t._array is not None):  # what came in is freed where it was made
                t._forget_graph(self.freed)


def added(known: np.ndarray | None, ct: np.ndarray) -> np.ndarray:
    """A cotangent and what arrived before, as an array, of no axes, too."""
    return ct if known is None else np.asarray(known + ct)


def hooked_ct(hooks: GradientHooks, ct: np.ndarray) -> np.ndarray:
    """A cotangent as functions of the user's hand it on."""
    for hook in list(hooks):
        given = hooks.cls._made_of(ct)
        answer = hook(given)
        if answer is None:
            ct = given._value()  # the hook may have written to it
            continue
        new = np.array(answer._value() if hasattr(answer, "_value") else answer, ct.dtype, order="C")
        if new.shape != ct.shape:
            fail(ArgumentError, f"a hook has made of a gradient of shape {ct.shape} one of shape {new.shape}")
        ct = new
    return ct


def backward(t: Tensor, ct: np.ndarray | None, retain: bool, depth: int = 2) -> None:
    """Pull a cotangent of t (None: 1 for each element) back to all leaves that it depends on. depth: how many frames
    above is the user's."""
    r = local.recording
    if r is not None and t._recording is r and t._array is None:
        slot = t._slot
    else:
        if isinstance(t._source, Freed) and t._array is not None and t._type.role == DERIVED:
            t._source.refuse()
        r = current()
        slot = r.slot(t)
    wanted, tensors = r.wanted()
    sites = observed_sites(r) if r.is_observed or t.keeps_gradients else tuple(r.sources)
    key = wanted, (slot,), sites, (), ct is not None
    kernel = r.node.kernels.get(key) or kernels.pull(r.node, *key, r)
    inputs = [*r.inputs, *r.hidden] if r.hidden else r.inputs
    if ct is not None:
        inputs = [*inputs, ct]
    try:
        made = kernel.kernel
        if made.compiled is None or (outs := made.compiled(*inputs, *made.captured)) is MISS:
            outs = made.run_slowly(inputs)
    except Exception as e:
        r.salvage(wanted, tensors, e)
        if t._failure is not None or t._array is None:
            raise
        return backward(t, ct, retain, depth + 1)
    freed = None if retain else freed_by(sys._getframe(depth))
    n = len(wanted)
    sources, alive = r.sources, r.tensors
    r.close(wanted, tensors, outs[:n], kernel.cone, freed)
    deliveries: Deliveries | None = None
    for k, g in zip(kernel.reached, outs[n:], strict=True):
        source = sources.get(sites[k])
        if source is None:
            alive[sites[k]]._receive(g)
        elif r.is_deep or source.hooks:  # more may arrive there
            deliveries = deliveries or Deliveries(freed)
            deliveries.send(source, g)
        elif source.leaf is not None and (leaf := source.leaf()) is not None and leaf._source is source:
            leaf._receive(g)
    if deliveries is not None:
        deliveries.run()


def observed_sites(r: Recording) -> tuple[int, ...]:
    """The inputs that have derivatives, and the tensors that keep their gradients."""
    keep = [slot for slot in held(r.tensors) if slot not in r.carried and keeps_gradient(r.tensors[slot])]
    return tuple(sorted({*r.sources, *keep}))


def keeping_slots(past: Past) -> list[int]:
    """Those of derived tensors that keep their gradients."""
    return [slot for slot, weak in past.tensors.items() if slot not in past.carried and (t := weak()) is not None
            and keeps_gradient(t)]


def keeps_gradient(t: Tensor) -> bool:
    return t._keeps_grad and (t._type.role == DERIVED or t._base is not None)


__all__ = ["Freed", "backward"]
