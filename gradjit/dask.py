"""`gj.dask`: a loss over rows, on a cluster of Dask's workers (extra `dask`).

The compiled function goes to the workers with its machine code and is loaded once in each; the parameters are sent once
a call; values and gradients are added on the workers, in a tree whose shape depends on the number of partitions alone,
so that results have the same bits whoever computes them, and a lost worker changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from .api import functions
from .api.options import Asked
from .partitions.clusters import DaskPartitioned
from .partitions.front import options_of


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *,
                   chunked: int | str | Sequence[int | str], client: Any = None, over: str | None = None,
                   **options: Unpack[Asked]) -> DaskPartitioned:
    """The value of `f` and its gradient, for a loss that is a sum or a mean over the rows of its data.

    chunked: the arguments that have rows, by place or name: Dask arrays (whose chunks along the first axis are the
        partitions) or lists of `dask.delayed` values, of futures or of arrays, one for each partition.
    client: a `dask.distributed.Client`; None for the one that is active, or else Dask's own scheduler in this process.
    over: "sum" or "mean"; None to find out at the first call, on two halves of the first partition.

    Raises what `gj.parallel.value_and_grad` raises, and ImportError where Dask is not installed.

        loss = lambda w, x, y: np.mean((x @ w - y) ** 2)
        step = gj.dask.value_and_grad(loss, chunked=("x", "y"))
        value, gradient = step(w, x.persist(), y.persist())
    """
    compiled = functions.value_and_grad(f, argnums, **options_of(options))
    return DaskPartitioned.made(f, compiled, argnums, chunked, over, client, has_vector=False)


def hvp(f: Callable[..., Any], argnums: int = 0, *, chunked: int | str | Sequence[int | str], client: Any = None,
        over: str | None = None, **options: Unpack[Asked]) -> DaskPartitioned:
    """The Hessian of such a loss times a vector: `hvp(f, ...)(x, v, *others)` for `f(x, *others)`, as in `gj.hvp`."""
    return DaskPartitioned.made(f, functions.hvp(f, argnums, **options_of(options)), argnums, chunked, over, client,
                                has_vector=True)


__all__ = ["hvp", "value_and_grad"]
