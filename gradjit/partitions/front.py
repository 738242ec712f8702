"""Value and gradient of a loss over rows, from partitions: the function that users call."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import optree

from ..api.options import Asked
from ..errors import ArgumentError
from .additivity import OVER, found_over
from .blocks import Partition, RowType, added, cut
from .payload import PartitionTask, Payload

AHEAD = 64
"""So many partitions are handed to an executor at a time: data that is loaded piece by piece never stands in memory as
a whole."""
Run = Callable[[Payload, PartitionTask, Sequence[Any], Sequence[tuple[Partition, ...]]], Sequence[tuple[int, Any]]]
"""Runs the partitions: of each, in order, the number of rows and the result."""


class Partitioned:
    """A compiled function of arguments some of which are cut into partitions along their first axis.

    What it returns has the same bits for the same partitions, whatever computes them: results are added in a tree whose
    shape depends on the number of partitions alone.
    """

    def __init__(self, compiled: Callable[..., Any], title: str, names: Sequence[str], chunked: Sequence[int],
                 over: str | None, rows: int | None, run: Run) -> None:
        self.title, self.names, self.chunked = title, list(names), list(chunked)
        self.over, self.rows, self.run = over, rows, run
        self.payload = Payload(compiled)

    @classmethod
    def of(cls, f: Callable[..., Any], compiled: Callable[..., Any], argnums: int | tuple[int, ...],
           chunked: int | str | Sequence[int | str], over: str | None, rows: int | None, run: Run,
           has_vector: bool = False) -> Partitioned:
        """What is asked of a function `f`. has_vector: whether a vector follows the differentiated argument."""
        names = list(inspect.signature(f).parameters)
        cut_ones = positions(chunked, names)
        if over is not None and over not in OVER:
            raise ValueError(f"over={over!r}; there are {', '.join(OVER)}, and None to find out")
        if rows is not None and not (is_int(rows) and rows > 0):
            raise ValueError(f"rows={rows!r}; it must be a positive int, or None")
        asked = [a % max(len(names), 1) for a in (argnums if isinstance(argnums, tuple) else (argnums,))]
        for k in asked:
            if k in cut_ones:
                raise ArgumentError(f"{names[k]} is cut into partitions, so its gradient is no sum over them; "
                                    f"differentiate by parameters that all partitions share")
        if has_vector:
            cut_ones = [k + (k > asked[-1]) for k in cut_ones]
            names.insert(asked[-1] + 1, "the vector")
        return cls(compiled, getattr(f, "__name__", "f"), names, cut_ones, over, rows, run)

    def __call__(self, *args: Any, **named_ones: Any) -> Any:
        """The result for all partitions. Raises what a partition raises, with a note which one it was."""
        args = self.placed(args, named_ones)
        names = [self.names[k] for k in self.chunked]
        partitions = cut([args[k] for k in self.chunked], names, self.rows)
        fixed = [a for k, a in enumerate(args) if k not in self.chunked]
        task, first = self.task(partitions, names, len(args))
        self.payload.prepare(task, fixed)  # so that workers get the code along
        if self.over is None:
            self.over = found_over(lambda some: self.payload.result(task, fixed, some), first, self.title)
        return self.whole(self.run(self.payload, task, fixed, partitions))

    def placed(self, args: tuple[Any, ...], named_ones: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments of a call by their places. ArgumentError where one that is cut is missing."""
        left = dict(named_ones)
        for name in self.names[len(args):]:
            if name not in left:
                break
            args += (left.pop(name),)
        missing = [self.names[k] for k in self.chunked if k >= len(args)]
        if left or missing:
            told = f"there is no place for {next(iter(left))}" if left else f"{missing[0]} is missing"
            raise ArgumentError(f"{self.title} takes {', '.join(self.names)}; {told}")
        return args

    def task(self, partitions: Sequence[tuple[Partition, ...]], names: list[str], count: int
             ) -> tuple[PartitionTask, list[np.ndarray]]:
        """What the partitions have in common, and the arrays of the first that has rows."""
        for some in partitions:
            arrays = [b.load() for b in some]
            if all(not a.ndim or len(a) for a in arrays):  # numbers are an error
                break
        else:
            raise ArgumentError(f"{self.title}: {', '.join(names)} have no rows")
        others = iter(range(count))
        order = [(True, self.chunked.index(k)) if k in self.chunked else (False, next(others)) for k in range(count)]
        return PartitionTask(tuple(order), tuple(map(RowType.of, names, arrays))), arrays

    def whole(self, results: Sequence[tuple[int, Any]]) -> Any:
        """The result from those of all partitions; those without rows say nothing."""
        some = [(n, r) for n, r in results if n]
        parts = [scaled(r, n) if self.over == "mean" else r for n, r in some]
        total = added(parts, plus)
        return scaled(total, 1 / sum(n for n, _ in some)) if self.over == "mean" else total


def options_of(asked: Asked) -> Asked:
    """The options of the function that computes partitions: one compilation for all sizes, as which one a worker has
    made first must not matter."""
    return {"sizes": "any", **asked}


def plus(a: Any, b: Any) -> Any:
    return optree.tree_map(lambda x, y: x + y, a, b)


def scaled(a: Any, by: float) -> Any:
    """A result times a number, in its own dtype."""
    return optree.tree_map(lambda x: x * np.asarray(x).dtype.type(by), a)


def is_int(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def positions(asked: int | str | Sequence[int | str], names: list[str]) -> list[int]:
    """The arguments that are cut, by their places."""
    found = []
    for k in [asked] if isinstance(asked, (int, np.integer, str)) else asked:
        if k not in (names if isinstance(k, str) else range(-len(names), len(names)) if is_int(k) else ()):
            raise ValueError(f"chunked={k!r}; the arguments are {', '.join(names)}")
        place = names.index(k) if isinstance(k, str) else k
        found.append(place % len(names))
    if not found:
        raise ValueError("chunked names no argument")
    return sorted(set(found))


# who computes ---------------------------------------------------------------------------------------------------------
def one_by_one(payload: Payload, task: PartitionTask, fixed: Sequence[Any], partitions: Sequence[tuple[Partition, ...]]
               ) -> list[tuple[int, Any]]:
    """The partitions, in this thread."""
    return [named(k, partial(payload, task, fixed, some)) for k, some in enumerate(partitions)]


def named(k: int, get: Callable[[], Any]) -> Any:
    """What `get` gives; an error of it says which partition it is."""
    try:
        return get()
    except BaseException as e:
        e.add_note(f"in partition {k}")
        raise


def by_executor(executor: Any) -> Run:
    """What runs partitions on an executor of concurrent.futures, or on one of joblib.Parallel."""
    if executor is None:
        return one_by_one
    if callable(getattr(executor, "submit", None)):
        return lambda *given: list(submitted(executor, *given))
    if type(executor).__module__.startswith("joblib"):
        return lambda payload, task, fixed, partitions: list(
            executor((payload, (task, fixed, some), {}) for some in partitions))
    raise TypeError(f"executor={executor!r}; it must be an executor of concurrent.futures, a joblib.Parallel, or None")


def submitted(executor: Any, payload: Payload, task: PartitionTask, fixed: Sequence[Any],
              partitions: Sequence[tuple[Partition, ...]]) -> Iterator[tuple[int, Any]]:
    """The results in order, of which some are on their way. Where one fails, those not begun are cancelled."""
    waiting: deque[Any] = deque()
    done = 0
    try:
        for some in partitions:
            waiting.append(executor.submit(payload, task, fixed, some))
            if len(waiting) == AHEAD:
                yield named(done, waiting[0].result)
                waiting.popleft()
                done += 1
        while waiting:
            yield named(done, waiting[0].result)
            waiting.popleft()
            done += 1
    finally:
        for future in waiting:
            future.cancel()


__all__ = ["Partitioned", "Run", "by_executor", "named", "options_of", "plus"]
