"""What travels to the workers: a compiled function with its code, once, and how it is run there."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..api.compiled import Compiled
from ..errors import ArgumentError, LinkError
from ..processes import Lock
from ..records import dataclass
from ..release import VERSION
from ..runtime.jit import target_key
from .blocks import Partition, RowType


@dataclass(frozen=True)
class PartitionTask:
    """What all partitions of a call have in common. order: for each argument whether it is cut, and which one of those,
    or of the others, it is. like: what the rows of each that is cut are."""

    order: tuple[tuple[bool, int], ...]
    like: tuple[RowType, ...]

    def arguments(self, fixed: Sequence[Any], arrays: Sequence[np.ndarray]) -> list[Any]:
        return [arrays[k] if is_block else fixed[k] for is_block, k in self.order]


EXAMPLE_ROWS, EXAMPLE_BYTES = 1 << 20, 1 << 28
"""Of the arrays for which functions are compiled: not so much memory as that, as nothing is written to them."""
KEPT = 32
"""So many functions a worker keeps."""
_loaded: OrderedDict[str, Callable[..., Any]] = OrderedDict()
_lock = Lock()


class Payload:
    """A compiled function for workers of this process and of others.

    A worker loads it once, with the machine code that it has by now; it must have the same version of gradjit, and a
    processor of the same kind, so that all partitions are computed alike.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function: Callable[..., Any] | None = function
        self.data: bytes | None = None
        self.prepared_for: PartitionTask | None = None
        self.key = ""
        self.maker = f"gradjit {VERSION} on {' '.join(target_key())}"

    def __getstate__(self) -> dict[str, Any]:
        if self.data is None:
            self.data = dumped(self.function)
            self.key = hashlib.sha256(self.data).hexdigest()
        return {**self.__dict__, "function": None, "prepared_for": None}

    def load(self) -> Callable[..., Any]:
        """The function, in whatever process this is. LinkError in one that would compute otherwise."""
        if self.function is not None:
            return self.function
        own = f"gradjit {VERSION} on {' '.join(target_key())}"
        if own != self.maker:
            raise LinkError(f"the worker {platform.node()}:{os.getpid()} has {own}; the function comes from "
                            f"{self.maker}. All workers need the same version of gradjit and processors of one kind")
        with _lock:
            if self.key not in _loaded:
                assert self.data is not None
                _loaded[self.key] = pickle.loads(self.data)
                while len(_loaded) > KEPT:
                    _loaded.popitem(last=False)
            _loaded.move_to_end(self.key)
            self.function = _loaded[self.key]
        return self.function

    def prepare(self, task: PartitionTask, fixed: Sequence[Any]) -> None:
        """Compile for large partitions, whatever comes first: code for few rows, and code for many that follows it, may
        add in another order, and no result must depend on which partitions a worker has had before."""
        if self.prepared_for is task:
            return
        function = self.load()
        if isinstance(function, Compiled) and function.options.sizes == "any":
            rows = max(min(EXAMPLE_BYTES // max(sum(r.row_bytes for r in task.like), 1), EXAMPLE_ROWS), 2)
            arrays = [np.empty((rows, *r.shape), r.dtype) for r in task.like]  # nobody looks at them
            with suppress(Exception):  # the call itself tells what is wrong
                function.prepare(*task.arguments(fixed, arrays))
        self.prepared_for = task

    def __call__(self, task: PartitionTask, fixed: Sequence[Any], blocks: Sequence[Any]) -> tuple[int, Any]:
        """The rows of one partition, and the result for them; None where there are none."""
        every = [b if isinstance(b, Partition) else Partition(b) for b in blocks]
        arrays = [b.load(like) for b, like in zip(every, task.like, strict=True)]
        lengths = {len(a) for a in arrays}
        if len(lengths) > 1:
            told = ", ".join(f"{r.name} {len(a)}" for r, a in zip(task.like, arrays, strict=True))
            raise ArgumentError(f"the arguments have different numbers of rows in one partition: {told}")
        return len(arrays[0]), self.result(task, fixed, arrays) if len(arrays[0]) else None

    def result(self, task: PartitionTask, fixed: Sequence[Any], arrays: Sequence[np.ndarray]) -> Any:
        """What the function gives for some rows."""
        self.prepare(task, fixed)
        return self.load()(*task.arguments(fixed, arrays))


def dumped(function: Any) -> bytes:
    """The function as bytes. cloudpickle, which joblib and Dask bring, takes the code of those along that workers
    cannot import: of the main program, of closures."""
    try:
        import cloudpickle  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        pass
    else:
        return bytes(cloudpickle.dumps(function))
    try:
        return pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as e:
        raise TypeError(f"{function!r} cannot go to other processes: {e}. Define its function at the top of a module, "
                        f"or install cloudpickle") from None


__all__ = ["Payload", "PartitionTask"]
