"""`gj.progress(iterable)`: a bar for a training loop, with the loss beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, TypeVar

T = TypeVar("T")


def progress(iterable: Iterable[T], loss: Callable[[], Any] | None = None, description: str = "", every: float = 0.1
             ) -> Iterator[T]:
    """The items of an iterable, with a bar on a terminal, and one line at the end where there is none.

        for epoch in gj.progress(range(1000), loss=lambda: value):

    loss: called now and then, at most once in `every` seconds, for what is to be shown: a number or a tensor. The bar
    is drawn with `rich`, which comes with the extra `demo`; without it nothing is drawn.
    """
    total = len(iterable) if isinstance(iterable, Sized) else None
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield from iterable
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TextColumn("{task.fields[shown]}"), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    last = -every
    with Progress(*columns, console=console, refresh_per_second=1 / every) as bar:
        task = bar.add_task(description, total=total, shown="")
        for item in iterable:
            yield item
            now = bar.get_time()
            due = loss is not None and now - last >= every
            bar.update(task, advance=1)
            if due:
                bar.update(task, shown=shown(loss))
                last = now
        if loss is not None:
            bar.update(task, shown=shown(loss))


def shown(loss: Callable[[], Any] | None) -> str:
    """The loss as a text; nothing where there is none yet."""
    assert loss is not None
    try:
        return f"loss {float(loss()):.4g}"
    except (NameError, TypeError):
        return ""
