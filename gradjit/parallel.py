"""`gj.parallel`: a loss over rows, in threads or processes, partition by partition.

Compiled functions use all the cores by themselves (`gj.set_threads`). What stands here is for data that is loaded piece
by piece, and for executors that a program has anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from .api import functions
from .api.options import Asked
from .partitions.front import Partitioned, by_executor, options_of


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *,
                   chunked: int | str | Sequence[int | str], executor: Any = None, over: str | None = None,
                   rows: int | None = None, **options: Unpack[Asked]) -> Partitioned:
    """The value of `f` and its gradient, for a loss that is a sum or a mean over the rows of its data.

    chunked: the arguments that have rows, by place or name. Each is an array, which is cut, or a list of partitions:
        arrays, or functions without arguments that load one, called where it is used. Partitions without rows do not
        count.
    executor: of `concurrent.futures` (threads or processes), a `joblib.Parallel`, or None for one after the other.
    over: "sum" or "mean"; None to find out at the first call, on two halves of the first partition.
    rows: of a partition, where arrays are cut; by default as many as make about 8 MB.

    Results have the same bits for the same partitions, whoever computes them. Raises ArgumentError for a loss that is
    neither sum nor mean, DtypeError and ShapeError for partitions that do not go together.

        loss = lambda w, x, y: np.mean((x @ w - y) ** 2)
        with ThreadPoolExecutor() as pool:
            step = gj.parallel.value_and_grad(loss, chunked=("x", "y"), executor=pool)
            value, gradient = step(w, x, y)
    """
    run, made = by_executor(executor), functions.value_and_grad(f, argnums, **options_of(options))
    return Partitioned.of(f, made, argnums, chunked, over, rows, run)


def hvp(f: Callable[..., Any], argnums: int = 0, *, chunked: int | str | Sequence[int | str], executor: Any = None,
        over: str | None = None, rows: int | None = None, **options: Unpack[Asked]) -> Partitioned:
    """The Hessian of such a loss times a vector: `hvp(f, ...)(x, v, *others)` for `f(x, *others)`, as in `gj.hvp`."""
    return Partitioned.of(f, functions.hvp(f, argnums, **options_of(options)), argnums, chunked, over, rows,
                          by_executor(executor), has_vector=True)


__all__ = ["hvp", "value_and_grad"]
