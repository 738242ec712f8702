"""`while`: as a region where its condition is traced, or it has run for some iterations and records operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir import INDEX, Block, Builder, Op, Value, captures
from ...ir.clone import Env, copy_op, new_block
from ...ir.linear import Linear, atom
from ...ir.while_bounds import most_iterations
from .. import extents, patience
from ..recorder import Recorder
from .branches import truth
from .frames import TRIAL, Again, Frame
from .loop_regions import MUCH, TENTATIVE, LoopStatement, count_unrolled, explained
from .loop_variables import CarriedValue, Mismatch
from .names import Site
from .recursion import answered


class WhileStatement(LoopStatement):
    """The protocol of one `while`."""

    why_region = "has a traced condition"

    def __init__(self, site: Site, values: tuple[Any, ...], hints: tuple[Any, ...]):
        super().__init__(site, values, hints)
        self.begins = False
        """Whether the condition is known to be true at first."""
        self.tested = 0
        """How many operations the condition took."""
        self.condition: Value | None = None
        self.first_test: tuple[Block, list[Value]] | None = None
        """The region of the condition, and what it is tested on at first."""
        self.most: Linear | None = None
        """How often it runs at most, where that is known of one that has been made."""

    @property
    def may_be_empty(self) -> bool:
        return not self.begins

    def again(self) -> bool:
        if self.done:
            return False
        patience.look()
        if self.as_region:
            try:
                self.begin()
            except Mismatch as e:
                self.give_up(e)
                return self.again()
        elif self.recorder is not None and self.iteration == 0:
            r = self.recorder
            self.trial = r.frame = Frame(TRIAL, r, r.frame, self.loc)
            self.trial.names = self.site.names
        elif self.recorder is not None and self.learned.failed is not None:
            count_unrolled(self.recorder, self)
        return True

    def enter(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.frame is None and self.iteration == 0:
            return self.values[:self.site.carried]
        return super().enter(values)

    def test(self, condition: Any) -> bool:
        """Whether the body runs: always when it is traced for all iterations."""
        t = truth(condition, self.learned.failed is not None)
        if self.frame is not None:
            if isinstance(t, bool):  # the body may still show what the condition depends on
                self.condition = None
                if not t:
                    self.check()
                return True
            if (sure := answered()) is not None:
                t = truth(np.logical_and(t, sure))
            self.condition, self.tested = t.value, len(self.frame.block.ops)
            assert self.recorder is not None
            facts = extents.facts_of(t, True)
            if self.recorder.integers is not None:
                self.recorder.integers.ranges.facts += facts
            return True
        if not isinstance(t, bool):
            if self.learned.failed is not None:
                raise explained(self.learned.failed, f"{self.word} has a traced condition, and "
                                                     f"cannot be compiled as a loop", self.loc)
            raise Again
        if t and self.iteration == 0:
            self.begins = True
        if t and self.is_long() and self.learned.failed is None and self.is_tracing():
            raise Again
        self.done = not t
        return t

    def check(self) -> None:
        if self.condition is None:
            raise Mismatch("its condition does not depend on what the body computes")

    def is_long(self) -> bool:
        """Whether it has run for so many iterations, or recorded so much, that it is tried as a region."""
        f = self.trial
        return self.iteration == TENTATIVE or (
            f is not None and self.iteration >= TENTATIVE // 4 and len(f.block.ops) - f.start > MUCH)

    def is_tracing(self) -> bool:
        """Whether the iterations so far have recorded operations or written to arrays."""
        f = self.trial
        return f is not None and not f.irreversible and (len(f.block.ops) > f.start or bool(f.log))

    def trip_count_at_most(self) -> Linear | None:
        return self.most

    def leave(self, values: tuple[Any, ...]) -> None:
        if self.frame is not None:
            self.finish(values)
        else:
            self.iteration += 1

    def give_up(self, error: Exception) -> None:
        self.take_back()
        if not self.begins:
            raise explained(error, f"{self.word} has a traced condition, and cannot be "
                                   f"compiled as a loop", self.loc) from error
        self.learned.failed = error
        self.as_region = False

    def operation(self, block: Block, slots: list[CarriedValue], inits: list[Value]) -> Sequence[Value]:
        r = self.recorder
        assert r is not None and self.condition is not None
        env: Env = {}
        cond = new_block(block.params, env)
        b = Builder(cond)
        for op in block.ops[:self.tested]:
            copy_op(b, op, env)
        c = self.condition
        cond.results = (env.get(c, c),)
        block.ops[:self.tested] = [op for op in block.ops[:self.tested] if op.results]  # effects stay in the condition
        self.first_test = cond, inits
        if self.histories:
            first = [extents.linear(v) if v.type == INDEX else atom(v) for v in inits]
            self.most = most_iterations(cond, block, first, extents.integers().ranges)
        builder = r.builder
        builder.loc = self.loc
        return builder.append("while", inits, {}, (cond, block)).results

    def is_empty(self, recorder: Recorder) -> Value:
        """The condition, computed once more on what the loop began with."""
        assert self.first_test is not None
        cond, inits = self.first_test
        env: Env = dict(zip(cond.params, inits, strict=True))
        for op in needed(cond):
            copy_op(recorder.builder, op, env)
        (test,) = cond.results
        return recorder.builder.not_(env.get(test, test))


def needed(block: Block) -> list[Op]:
    """The operations that the results of a block depend on, in order."""
    wanted = set(block.results)
    found = []
    for op in reversed(block.ops):
        if not wanted.isdisjoint(op.results):
            found.append(op)
            wanted.update(op.uses(), *(captures(op),) if op.regions else ())
    return found[::-1]
