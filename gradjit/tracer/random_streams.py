"""Draws from a generator of NumPy's that comes from outside: from its own stream, whose state moves on at each call.

The state of its bit generator is an array of the program's, carried from call to call as attributes are (state.py). A
draw is a function of that array, which gives the numbers and the next state; it is NumPy's own method, run by a
generator that is set to the state. Where places and scales are traced, what is drawn has none, and derivatives flow
through them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import TraceError
from ..ir import ArrayType, dtype_of
from ..ir.ops.custom import OpaqueFunction
from ..probe import is_of
from . import operands as o
from .array import ARRAY, SCALAR, TracedArray, root
from .leaks import refuse_rebinding
from .locations import fail
from .numpy.common import array
from .operands import as_traced, is_traced
from .outside import outside
from .recorder import current, recorders
from .state import State, is_carried

Rule = Callable[..., Any]
MISSING = object()
WORD = (1 << 64) - 1


# a state as an array --------------------------------------------------------------------------------------------------
def words(state: dict[str, Any]) -> np.ndarray:
    """The numbers of a bit generator's state, one after the other: whole ones as two words of 64 bits."""
    found: list[int] = []
    for _, value in numbers(state):
        found += value.tolist() if isinstance(value, np.ndarray) else [value & WORD, value >> 64]
    return np.array(found, np.uint64)


def numbers(state: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in state.items():
        if isinstance(value, dict):
            yield from numbers(value, (*path, key))
        elif not isinstance(value, str):
            yield (*path, key), value


def restored(like: dict[str, Any], given: np.ndarray) -> dict[str, Any]:
    """The state of which these are the words, in the form of another one."""
    left = iter(given.tolist())

    def form(state: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in state.items():
            if isinstance(value, dict):
                made[key] = form(value)
            elif isinstance(value, np.ndarray):
                made[key] = np.array([next(left) for _ in range(value.size)], value.dtype)
            else:
                made[key] = value if isinstance(value, str) else next(left) | next(left) << 64
        return made

    return form(like)


class Stream:
    """A generator from outside; `state` is that of its bit generator, or what stands for it while tracing."""

    generator: Any
    moves_on = True

    def __init__(self, generator: Any):
        self.__dict__["generator"] = generator

    def __getattr__(self, name: str) -> Any:
        if name != "state":
            raise AttributeError(name)
        return words(self.generator.bit_generator.state)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, TracedArray):
            self.__dict__["state"] = value
            return
        self.__dict__.pop("state", None)
        bits = self.generator.bit_generator
        bits.state = restored(bits.state, np.asarray(value))


def stream_of(generator: Any) -> Stream:
    """The stream of a generator: the one that is carried, if it is."""
    for s in recorders()[-1].outermost.states:
        if type(s.owner) is Stream and s.owner.generator is generator:
            return s.owner
    return Stream(generator)


# draws ----------------------------------------------------------------------------------------------------------------
_own = threading.local()


def scratch(kind: type) -> Any:
    """A generator of this thread's own, with a bit generator of a class."""
    if not hasattr(_own, "generators"):
        _own.generators = {}
    if kind not in _own.generators:
        _own.generators[kind] = np.random.Generator(kind())
    return _own.generators[kind]


_forms: dict[Any, OpaqueFunction] = {}
"""The operations that draws have become: equal ones are the same."""


def drawn(stream: Stream, method: str, *args: Any, **kwargs: Any) -> TracedArray:
    """What a method gives, of arguments that are known; the state moves on."""
    kind = type(stream.generator.bit_generator)

    def draw(state: np.ndarray) -> list[Any]:
        g = scratch(kind)
        g.bit_generator.state = restored(g.bit_generator.state, state)
        return [getattr(g, method)(*args, **kwargs), words(g.bit_generator.state)]

    form = kind, method, repr(args), repr(sorted(kwargs.items()))
    function = _forms.setdefault(form, OpaqueFunction(f"Generator.{method}", draw))
    state = as_traced(stream.state)
    sample, _ = function.function(words(kind(0).state))
    types = (ArrayType(dtype_of(np.asarray(sample).dtype), np.shape(sample)), state.type)
    r = current()
    values = r.append("opaque", (state.value,), {"function": function, "types": types})
    from .hooks import Hooks
    Hooks.set_attr(root(values[1], r, ARRAY), stream, "state")
    return root(values[0], r, ARRAY if isinstance(sample, np.ndarray) else SCALAR)


def shape_for(size: Any, *params: Any) -> Any:
    """How many numbers are drawn for parameters; None for one."""
    if size is not None:
        return o.static_shape(size)
    shape = np.broadcast_shapes(*(tuple(as_traced(p).shape) for p in params))
    return shape if shape or any(as_traced(p).kind == ARRAY for p in params) else None


def normal(s: Stream, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return loc + scale * drawn(s, "standard_normal", shape_for(size, loc, scale))


def uniform(s: Stream, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    return low + (high - low) * drawn(s, "random", shape_for(size, low, high))


def exponential(s: Stream, scale: Any = 1.0, size: Any = None) -> Any:
    return scale * drawn(s, "standard_exponential", shape_for(size, scale))


def lognormal(s: Stream, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Any:
    return np.exp(normal(s, mean, sigma, size))


def gamma(s: Stream, shape: Any, scale: Any = 1.0, size: Any = None) -> Any:
    if is_traced(shape):
        refuse("gamma", "a traced shape")
    count = shape_for(size, shape, scale)
    return scale * drawn(s, "standard_gamma", shape, size=count)


def permutation(s: Stream, x: Any, axis: int = 0) -> Any:
    v: Any = array(x)
    return np.take(v, drawn(s, "permutation", v.shape[axis]), axis=axis)


def shuffle(s: Stream, x: Any, axis: int = 0) -> None:
    v: Any = array(x)
    if v.ndim != 1:
        refuse("shuffle", "an array of more than one axis; write x[...] = x[rng.permutation(len(x))]")
    x[...] = v[drawn(s, "permutation", v.shape[0])]


def choice(s: Stream, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0,
           shuffle: bool = True) -> Any:
    if is_traced(p):
        refuse("choice", "traced probabilities")
    v: Any = array(a)
    return np.take(v, drawn(s, "choice", v.shape[axis], size, replace, p, shuffle=shuffle), axis=axis)


def refuse(method: str, what: str) -> None:
    fail(TraceError, f"Generator.{method} of {what} cannot be compiled: what is drawn depends on it; draw outside and "
                     f"pass the result")


OF_TRACED: dict[str, Rule] = {
    "normal": normal, "uniform": uniform, "exponential": exponential, "lognormal": lognormal, "gamma": gamma,
    "permutation": permutation, "shuffle": shuffle, "choice": choice,
}
"""Methods that take traced arguments."""


def draw(generator: Any, method: str, args: Any, kwargs: Any) -> Any:
    """What a method of a generator from outside gives while something is traced."""
    own = outside(current()).streams.get(id(generator))
    stream = stream_of(generator) if own is None else own
    state = State(stream, "state")
    if own is None and not is_carried(state):
        outside(current()).look_into(stream)
        refuse_rebinding("a random generator", state)
    if any(map(is_traced, (*args, *kwargs.values()))) or method == "shuffle":
        if method not in OF_TRACED:
            refuse(method, "traced arguments")
        return OF_TRACED[method](stream, *args, **kwargs)
    if kwargs.get("out") is not None:
        fail(TraceError, f"Generator.{method} with out= cannot be compiled; assign what it gives: x[...] = ...")
    return drawn(stream, method, *args, **kwargs)


# generators that the function makes itself ----------------------------------------------------------------------------
def made_inside(generator: Any) -> None:
    """Note a generator made from a seed: where it stands is known, as long as it draws what is known."""
    if is_of(generator, "numpy.random", "Generator"):
        stream = outside(current()).streams[id(generator)] = Stream(generator)
        outside(current()).made(stream)
        current().frame.fresh[id(stream)] = stream
        at_known_place(stream)


def at_known_place(stream: Stream) -> None:
    stream.__dict__["state"] = o.constant(words(stream.generator.bit_generator.state))


def drawn_as_known(generator: Any) -> None:
    """A generator made inside has drawn something, while the function was traced."""
    if (stream := outside(current()).streams.get(id(generator))) is not None:
        at_known_place(stream)


def is_stream(generator: Any, given: Any) -> bool:
    """Whether what it draws is found out when the compiled function runs: of one from outside always, of one that was
    made inside where it depends on what is traced, or stands in a loop or a branch."""
    if not is_of(generator, "numpy.random", "Generator"):
        return False
    stream = outside(current()).streams.get(id(generator))
    if stream is None:
        return id(generator) not in outside(current()).seeded
    unknown = any(isinstance(x, TracedArray) and not x.is_known for x in given)
    return unknown or recorders()[-1].frame.parent is not None or not as_traced(stream.state).is_known
