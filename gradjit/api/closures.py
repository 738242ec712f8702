"""Functions that a traced program makes, and that run later than it calls them: rules, and what is not looked into."""

from __future__ import annotations

from collections.abc import Iterator
from types import CellType, FunctionType
from typing import Any

from ..tracer.lift import is_product


def as_it_stands(f: Any, made: dict[Any, Any] | None = None) -> Any:
    """The function, with what the variables around it hold now, where it was made while this program is traced: they
    may hold something else when it runs, as the variable of a loop does. So for functions that it finds there. A
    function from outside is itself.

    made: functions that have been seen to already; they may name one another.
    """
    made = {} if made is None else made
    if not is_made_here(f) or f in made:
        return made.get(f, f) if isinstance(f, FunctionType) else f
    cells = {name: CellType() for name in f.__code__.co_freevars}
    now = FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, tuple(cells.values()))
    now.__kwdefaults__, now.__qualname__, now.__module__ = f.__kwdefaults__, f.__qualname__, f.__module__
    made[f] = now
    for name, cell, held in around(f):
        if held is not cell:
            cells[name].cell_contents = as_it_stands(held, made)
    return now


def is_made_here(f: Any) -> bool:
    return isinstance(f, FunctionType) and is_product(f.__code__)


def variables_of(f: Any) -> Iterator[tuple[str, Any]]:
    """The variables around a function that was made here, and around the functions that it finds there."""
    left, seen = [f], {f}
    while left:
        for name, _, held in around(left.pop()):
            yield name, held
            if is_made_here(held) and held not in seen:
                seen.add(held)
                left.append(held)


def around(f: Any) -> Iterator[tuple[str, CellType, Any]]:
    """The variables around a function: names, cells, and what they hold (the cell itself, where that is nothing)."""
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            yield name, cell, cell.cell_contents
        except ValueError:
            yield name, cell, cell
