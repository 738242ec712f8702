"""Functions of the user's that a library calls as Python while the program runs: a solver's `callback=`.

Such a function gets numbers, prints them or keeps them outside. It is not traced, so what the program computes is not
there for it, nor what the program makes while it is traced. What it changes outside the program may not read behind
the call: that has been read when the program began. Whether it has is looked at each time that the library is through.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...errors import TraceError
from ...probe import peek
from ...tracer import trees
from ...tracer.array import TracedArray
from ...tracer.guards import Condition, Guard, HeldItems, Repeated, Snapshot, is_plain
from ...tracer.lift import is_product, is_user_code
from ...tracer.locations import fail, with_place
from ...tracer.outside import described, outside
from ...tracer.parts import array_parts, parts
from ...tracer.recorder import Recorder, current
from ..closures import as_it_stands, is_made_here, variables_of

Function = Callable[..., Any]
Given = dict[str, Any]
PARAMETERS = ("callback", "accept_test", "take_step")
"""Under which names solvers take such functions."""
UNREAD = (types.ModuleType, type, types.BuiltinFunctionType)


class Callback:
    """A function, and what the program reads of all that it can change."""

    def __init__(self, f: Function, what: str):
        self.f = f
        self.refusal = with_place(f"{what} changes what the function reads, and has read when it began; keep what it "
                                  f"is given apart, or read that outside")
        self.conditions: list[Condition] = []
        self.arrays: list[np.ndarray] = []

    def note(self, r: Recorder) -> None:
        """At the end of the trace: which of the things that were read it can reach."""
        world, reached = r.world, {id(x): x for x in within(self.f)}
        self.conditions = [g for g in world.guards.values() if owner_of(g) in reached]
        self.arrays = [c.array for c in r.captured.values() if id(c.array) in reached]

    def watching(self, run: Function) -> Function:
        """`run`, in which the library calls the function."""

        def watched(*args: Any) -> Any:
            held = [c for c in self.conditions if c.holds()]
            before = [array_parts(a) for a in self.arrays]
            found = run(*args)
            if not all(c.holds() for c in held) or before != [array_parts(a) for a in self.arrays]:
                raise TraceError(self.refusal)
            return found

        return watched


# of a solver ----------------------------------------------------------------------------------------------------------
def has_callbacks(given: Given) -> bool:
    return any(given.get(name) is not None for name in PARAMETERS)


def with_callbacks(solver: str, given: Given) -> Given:
    """The arguments of a solver, with its callbacks as they may be called."""
    return {**given, **{name: called_as_python(given[name], f"{name}= of scipy.optimize.{solver}")
                        for name in PARAMETERS if given.get(name) is not None}}


def as_functions(given: Given) -> Given:
    """The same as SciPy gets them."""
    return {name: x.f if isinstance(x, Callback) else x for name, x in given.items()}


def watched(given: Given, run: Function) -> Function:
    """What runs the solver, and looks behind it at what the callbacks have changed."""
    for x in given.values():
        run = x.watching(run) if isinstance(x, Callback) else run
    return run


# the function ---------------------------------------------------------------------------------------------------------
def called_as_python(f: Any, what: str) -> Callback:
    """The function as a library may call it. what: how errors name it.

    Raises TraceError where it needs what is computed, or made, while the program is traced.
    """
    world = outside(current())
    for name, held in around(f):
        is_computed = any(isinstance(x, TracedArray) for x in trees.flatten(held)[0])
        if is_computed or (world.is_fresh(held) and not isinstance(held, types.FunctionType)):
            fail(TraceError, f"{what} uses {name}, which is {'computed' if is_computed else 'made'} by the function "
                             f"around it: it is called as Python while the program runs, as often as the library "
                             f"likes. {'Return what is wanted of that' if is_computed else 'Make that outside'}")
    made = Callback(as_it_stands(f), what)
    world.at_end.append(made.note)
    return made


def around(f: Any) -> Iterator[tuple[str, Any]]:
    """What a function is called with besides its arguments, with names."""
    if is_made_here(f):
        yield from variables_of(f)
    elif isinstance(f, functools.partial):
        yield from ((f"{f.func!r} with it", x) for x in (*f.args, *f.keywords.values()))
        yield from around(f.func)
    elif (owner := peek(f, "__self__")) is not None:
        yield described(owner), owner
        yield from around(peek(f, "__func__"))


def within(f: Any) -> Iterator[Any]:
    """All that a function can reach: what it holds, the names that it uses outside, and what stands there."""
    todo, seen = [f], dict[int, Any]()
    while todo:
        x = todo.pop()
        if id(x) in seen or is_unread(x):
            continue
        seen[id(x)] = x
        if not isinstance(x, types.FunctionType):
            yield x
            todo += parts(x) or ()
        elif is_user_code(x.__code__) or is_product(x.__code__):
            todo += (*(x.__closure__ or ()), *(x.__defaults__ or ()))
            yield x.__globals__
            todo += [x.__globals__[name] for name in names(x.__code__) if name in x.__globals__]


def is_unread(x: Any) -> bool:
    """Whether nothing in an object is of interest, or can be read, as it answers each question with an error."""
    try:
        return is_plain(x) or isinstance(x, UNREAD)
    except Exception:
        return True


def names(code: types.CodeType) -> Iterator[str]:
    """Of what a text uses outside, that of functions within among it."""
    yield from code.co_names
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            yield from names(c)


def owner_of(g: Any) -> int:
    """What a guard is about, by its id."""
    if isinstance(g, Guard):
        return id(g.source.owner)
    if isinstance(g, (HeldItems, Snapshot)):
        return id(g.container if isinstance(g, HeldItems) else g.owner)
    return id(g.function) if isinstance(g, Repeated) else 0
