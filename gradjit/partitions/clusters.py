"""Partitions that Dask holds: its arrays, delayed values and futures; sums on the workers."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .additivity import found_over
from .blocks import Partition, added
from .front import Partitioned, one_by_one, plus, scaled
from .payload import PartitionTask, Payload

RETRIES = 3
"""So often Dask runs a partition again whose worker was lost, or that failed."""


class DaskPartitioned(Partitioned):
    """The same as `Partitioned`, for data that stands on a cluster."""

    client: Any

    @classmethod
    def made(cls, f: Callable[..., Any], compiled: Callable[..., Any], argnums: int | tuple[int, ...],
             chunked: int | str | Sequence[int | str], over: str | None, client: Any, has_vector: bool
             ) -> DaskPartitioned:
        if importlib.util.find_spec("dask") is None:
            raise ImportError("gj.dask needs Dask: pip install 'gradjit[dask]'")
        found = cls.of(f, compiled, argnums, chunked, over, None, one_by_one, has_vector)
        assert isinstance(found, DaskPartitioned)
        found.client = client
        return found

    def __call__(self, *args: Any, **named_ones: Any) -> Any:
        """The result for all partitions."""
        import dask

        args = self.placed(args, named_ones)
        names = [self.names[k] for k in self.chunked]
        columns = [delayed_blocks(args[k], name) for k, name in zip(self.chunked, names, strict=True)]
        lengths = [len(c) for c in columns]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise ArgumentError(f"{', '.join(names)} have {', '.join(map(str, lengths))} partitions")
        partitions = list(zip(*columns, strict=True))
        fixed = [a for k, a in enumerate(args) if k not in self.chunked]
        client = self.client or active_client()
        task, first = self.looked_at(partitions, names, len(args), client)
        self.payload.prepare(task, fixed)
        if self.over is None:
            self.over = found_over(lambda some: self.payload.result(task, fixed, some), first, self.title)
        # Tasks of the graph, not scattered: what a lost worker alone has been given could not be computed again.
        payload, shared = (dask.delayed(x, traverse=False) for x in (self.payload, fixed))
        weigh = dask.delayed(weighed, pure=False)
        parts = [weigh(payload, task, shared, self.over == "mean", k, *some) for k, some in enumerate(partitions)]
        total = added(parts, dask.delayed(joined, pure=False))
        rows, result = computed([total], client)[0]
        return scaled(result, 1 / rows) if self.over == "mean" else result

    def looked_at(self, partitions: Sequence[tuple[Any, ...]], names: list[str], count: int, client: Any
                  ) -> tuple[PartitionTask, list[np.ndarray]]:
        """What the partitions have in common, and the arrays of the first that has rows."""
        for some in partitions:
            arrays = [np.asarray(a) for a in computed(list(some), client)]
            if all(not a.ndim or len(a) for a in arrays):
                return self.task([tuple(map(Partition, arrays))], names, count)
        raise ArgumentError(f"{self.title}: {', '.join(names)} have no rows")


def delayed_blocks(x: Any, name: str) -> list[Any]:
    """The partitions of an argument, as values that Dask knows."""
    if hasattr(x, "to_delayed") and hasattr(x, "rechunk"):
        if x.ndim == 0:
            raise ArgumentError(f"{name} is a number; what is cut into partitions has rows")
        whole = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
        return list(whole.to_delayed().ravel())
    if isinstance(x, (list, tuple)):
        return list(x)
    raise ArgumentError(f"{name} is a {type(x).__name__}; it must be a Dask array, or a list with one value for each "
                        f"partition")


def active_client() -> Any:
    """The client of the cluster that is in use, if any."""
    distributed = sys.modules.get("distributed")
    try:
        return None if distributed is None else distributed.get_client()
    except ValueError:
        return None


def computed(values: list[Any], client: Any) -> list[Any]:
    """Values that Dask knows, here."""
    import dask
    if client is None:
        return list(dask.compute(*values))
    return list(client.gather(client.compute(values, retries=RETRIES)))


def weighed(payload: Payload, task: PartitionTask, fixed: Sequence[Any], by_rows: bool, number: int, *blocks: Any
            ) -> tuple[int, Any]:
    """On a worker: the rows of a partition, and its part of the sum."""
    try:
        rows, result = payload(task, fixed, blocks)
    except Exception as e:
        e.add_note(f"in partition {number}")
        raise
    return rows, scaled(result, rows) if by_rows and rows else result


def joined(a: tuple[int, Any], b: tuple[int, Any]) -> tuple[int, Any]:
    """Two parts of the sum as one. (What has no rows says nothing.)"""
    if not a[0] or not b[0]:
        return b if not a[0] else a
    return a[0] + b[0], plus(a[1], b[1])


__all__ = ["DaskPartitioned"]
