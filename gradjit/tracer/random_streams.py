"""Draws from a generator of NumPy's that comes from outside: from its own stream, whose state moves on at each call.

The state of its bit generator is an array of the program's, carried from call to call as attributes are (state.py). A
draw is a function of that array, which gives the numbers and the next state; it is NumPy's own method, run by a
generator that is set to the state. Where places and scales are traced, what is drawn has none, and derivatives flow
through them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
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
    def run(g: Any) -> Any:
        return getattr(g, method)(*args, **kwargs)

    kind = type(stream.generator.bit_generator)
    like = getattr(np.random.Generator(kind(0)), method)(*args, **kwargs)
    return drawn_by(stream, f"Generator.{method}", run, like, (), (method, *map(form_of, args), *(
        (k, form_of(v)) for k, v in sorted(kwargs.items()))))


def form_of(x: Any) -> Any:
    """What tells an argument from others: an array by all of its elements."""
    if isinstance(x, np.ndarray):
        return x.dtype, x.shape, x.tobytes()
    if isinstance(x, (tuple, list)):
        return type(x), *map(form_of, x)
    return type(x), repr(x)


def drawn_by(stream: Stream, title: str, run: Callable[..., Any], like: Any, operands: Sequence[Any], form: Any,
             ) -> TracedArray:
    """What `run(generator, *operands)` gives while the program runs; the generator's state moves on.

    like: a number or an array of the result's type. form: what tells this draw from others on such operands; None if
    nothing does.
    """
    kind = type(stream.generator.bit_generator)

    def draw(state: np.ndarray, *given: np.ndarray) -> list[Any]:
        g = scratch(kind)
        g.bit_generator.state = restored(g.bit_generator.state, state)
        return [run(g, *given), words(g.bit_generator.state)]

    function = OpaqueFunction(title, draw)
    if form is not None:
        function = _forms.setdefault((kind, title, form), function)
    state = as_traced(stream.state)
    types = (ArrayType(dtype_of(np.asarray(like).dtype), np.shape(like)), state.type)
    r = current()
    values = r.append("opaque", (state.value, *(as_traced(x).value for x in operands)),
                      {"function": function, "types": types})
    from .hooks import Hooks
    Hooks.set_attr(root(values[1], r, ARRAY), stream, "state")
    return root(values[0], r, ARRAY if isinstance(like, np.ndarray) else SCALAR)


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
    v: Any = array(a)
    v = array(np.arange(o.static_int(v, "a number of things to choose from"))) if v.ndim == 0 else v
    count = v.shape[axis]
    if not is_traced(p):
        return np.take(v, drawn(s, "choice", count, size, replace, p, shuffle=shuffle), axis=axis)

    def run(g: Any, p: Any) -> Any:
        return g.choice(count, size, replace, p, shuffle=shuffle)

    like = np.int64(0) if size is None else np.zeros(o.static_shape(size), np.int64)
    return np.take(v, drawn_by(s, "Generator.choice", run, like, (p,), (count, repr(size), replace, shuffle)),
                   axis=axis)


def whole(method: str, *names: str) -> Rule:
    """Numbers of events, of parameters with these names: integers, through which no derivative flows."""
    def rule(s: Stream, *params: Any, size: Any = None, **named: Any) -> Any:
        if len(params) > len(names):
            *params, size = params  # type: ignore[assignment]
        given = {**dict(zip(names, params, strict=False)), **named}
        values = [array(given.get(name, 1.0)) for name in names]
        shape = shape_for(size, *values)

        def run(g: Any, *params: Any) -> Any:
            return getattr(g, method)(*params, size=shape)

        like = np.int64(0) if shape is None else np.zeros(shape, np.int64)
        return drawn_by(s, f"Generator.{method}", run, like, values, shape)

    return rule


def moved(method: str) -> Rule:
    """What is drawn for a place 0 and a scale 1, moved and scaled."""
    def rule(s: Stream, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        return loc + scale * drawn(s, method, size=shape_for(size, loc, scale))

    return rule


def by_exponential(formula: Callable[[Any, Any], Any]) -> Rule:
    """NumPy's formulas of exponential numbers and a parameter."""
    def rule(s: Stream, a: Any = 1.0, size: Any = None) -> Any:
        return formula(drawn(s, "standard_exponential", shape_for(size, a)), a)

    return rule


def multivariate_normal(s: Stream, mean: Any, cov: Any, size: Any = None, check_valid: str = "warn",
                        tol: float = 1e-8, *, method: str = "svd") -> Any:
    cov = o.cast(array(cov), np.float64)
    n = o.static_int(cov.shape[0], "a number of variables")
    shape = (*(() if size is None else o.static_shape(size)), n)

    def run(g: Any, cov: Any) -> Any:
        return np.reshape(g.multivariate_normal(np.zeros(n), cov, size, check_valid, tol, method=method), shape)

    x = drawn_by(s, "Generator.multivariate_normal", run, np.zeros(shape), (still(cov),),
                 (shape, check_valid, tol, method))
    return mean + with_covariance(x, cov)


def still(x: TracedArray) -> TracedArray:
    """The same, through which no derivative flows."""
    return o.emit("stop_gradient", x) if x.ir_dtype.is_inexact else x


def with_covariance(x: Any, cov: TracedArray) -> Any:
    """Rows that were drawn for a covariance, as functions of that.

    They are A z with A A^T = C, of which dA = dC A^-T / 2 is a solution whatever A is (and C may have equal
    eigenvalues); so dx = dC C^-1 x / 2, and of second order A A^T = C still.
    """
    away = cov - still(cov)
    inverse = np.linalg.pinv(still(cov), hermitian=True)
    first = x @ inverse @ away
    return x + first / 2 - first @ inverse @ away / 8


def refuse(method: str, what: str) -> None:
    fail(TraceError, f"Generator.{method} of {what} cannot be compiled: what is drawn depends on it; draw outside and "
                     f"pass the result")


OF_TRACED: dict[str, Rule] = {
    "normal": normal, "uniform": uniform, "exponential": exponential, "lognormal": lognormal, "gamma": gamma,
    "permutation": permutation, "shuffle": shuffle, "choice": choice,
    "multivariate_normal": multivariate_normal,
    **{name: moved(name) for name in ("laplace", "logistic", "gumbel")},
    "poisson": whole("poisson", "lam"), "geometric": whole("geometric", "p"),
    **{name: whole(name, "n", "p") for name in ("binomial", "negative_binomial")},
    "weibull": by_exponential(lambda e, a: e ** (1.0 / a)), "pareto": by_exponential(lambda e, a: np.expm1(e / a)),
    "power": by_exponential(lambda e, a: (-np.expm1(-e)) ** (1.0 / a)),
    "rayleigh": by_exponential(lambda e, scale: scale * np.sqrt(2.0 * e)),
}
"""Methods that take traced arguments."""


def stream_at(generator: Any) -> Stream:
    """What stands for a generator while something is traced."""
    own = outside(current()).streams.get(id(generator))
    stream = stream_of(generator) if own is None else own
    state = State(stream, "state")
    if own is None and not is_carried(state):
        outside(current()).look_into(stream)
        refuse_rebinding("a random generator", state)
    return stream


def draw(generator: Any, method: str, args: Any, kwargs: Any) -> Any:
    """What a method of a generator from outside gives while something is traced."""
    stream = stream_at(generator)
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
