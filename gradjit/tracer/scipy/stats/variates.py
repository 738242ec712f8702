"""`rvs` of scipy.stats' distributions, with a generator: SciPy draws while the program runs, from NumPy's own stream.

What is drawn is for place 0 and scale 1, so that derivatives flow through both. A shape moves what is drawn as it moves
the quantile: the share of the distribution below it stays, F(x, shape) = u, and dx = -dF/dshape / f(x) (implicit
reparametrisation; Figurnov, Mohamed and Mnih, 2018). Through numbers of events no derivative flows.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from ....errors import GradjitError, TraceError
from ....probe import is_of, text
from ... import random_streams as streams
from ...calls import as_known
from ...locations import fail
from ...numpy.common import array
from ...operands import as_traced, cast, is_traced, unsupported
from ...outside import outside
from ...recorder import current
from ...run_by_python import run_by_python
from .formulas import formula

STEPS = 3
"""Newton's steps behind what is drawn, which changes nothing in it. Each doubles the order up to which derivatives
are."""


class Seed:
    """A whole number as random_state=: SciPy makes a generator of its own of that, at each call."""

    def __init__(self, number: int):
        self.number = number


def generator_of(name: str, given: Any) -> Any:
    """What a call draws from."""
    if is_of(given, "numpy.random", "Generator"):
        return given
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return Seed(int(given))
    what = "without random_state=" if given is None else "of that random_state="
    fail(TraceError, f"scipy.stats.{name}.rvs {what} draws from a state that the compiled function does not see, and "
                     f"would repeat the first draw; write rng = np.random.default_rng(seed) and random_state=rng, or "
                     f"call it outside and pass the result")


def draws(name: str, generator: Any, run: Any, like: Any, operands: list[Any], form: Any) -> Any:
    """What `run(generator, *operands)` gives. Unless the operands are still, a derivative through it is an error."""
    title, given = f"scipy.stats.{name}.rvs", [as_traced(x) for x in operands]
    if not isinstance(generator, Seed):
        return streams.drawn_by(streams.stream_at(generator), title, run, like, given, form)
    return run_by_python(title, lambda *given: [run(np.random.RandomState(generator.number), *given)], [like], given)[0]


def is_known(generator: Any, given: Any) -> bool:
    """Whether what is drawn is known while the function is traced."""
    return not isinstance(generator, Seed) and not streams.is_stream(generator, given)


def rvs(dist: Any, *args: Any, random_state: Any = None, **kwds: Any) -> Any:
    generator = generator_of(dist.name, random_state)
    if is_known(generator, (*args, *kwds.values())):
        return drawn_while_traced(dist.rvs, generator, args, kwds)
    if not text(type(dist), "__module__").startswith("scipy.stats"):
        unsupported(f"{type(dist).__name__}.rvs", "a distribution of your own: draw what it is made of")
    size = kwds.pop("size", None)
    *shapes, loc, scale = (array(x) for x in flat(dist._parse_args(*args, **kwds)))
    is_discrete = hasattr(dist, "pmf")
    dummies = [np.ones(x.shape) for x in (*shapes, loc, scale)]
    shape = tuple(int(n) for n in dist._argcheck_rvs(*dummies, size=size)[-1])
    reach = np.ones(loc.shape)

    def run(g: Any, *given: Any) -> Any:
        found = dist.rvs(*given[:-1], loc=0 * reach, size=shape, random_state=g, **(
            {} if is_discrete else {"scale": np.where(given[-1] > 0, 1.0, given[-1])}))
        return np.asarray(found, np.int64 if is_discrete else np.float64)

    like: Any = np.zeros(shape, np.int64 if is_discrete else np.float64)
    x = draws(dist.name, generator, run, like if shape else like[()], [*shapes, streams.still(scale)],
              (shape, loc.shape))
    if is_discrete:
        return (x + loc).astype(np.int64)
    if any(h.ir_dtype.is_inexact and not h.is_known for h in shapes):
        x = moving(dist, x, shapes)
    return x * scale + loc


def flat(parsed: Any) -> tuple[Any, ...]:
    shapes, loc, scale = parsed
    return (*shapes, loc, scale)


def moving(dist: Any, x: Any, shapes: list[Any]) -> Any:
    """What was drawn, as a function of the shapes. Where SciPy has no formula a derivative through it is an error."""
    live, held = x, list(map(streams.still, shapes))
    x = drawn = streams.still(as_traced(x))
    try:
        integral, density = formula(dist, "cdf"), formula(dist, "pdf")
        share = streams.still(as_traced(integral(drawn, *held)))
        for _ in range(STEPS):
            f = density(x, *shapes)
            is_steep = np.isfinite(f) & (f > 0)
            x = x - np.where(is_steep, (integral(x, *shapes) - share) / np.where(is_steep, f, 1.0), 0.0)
    except GradjitError:
        return live
    return x


def drawn_while_traced(run: Any, generator: Any, args: Any, kwds: Any) -> Any:
    """By a generator that the function has made, of what is known: the same at each call."""
    found = run(*map(known, args), random_state=generator, **{k: known(v) for k, v in kwds.items()})
    streams.drawn_as_known(generator)
    return as_known(found)


def known(x: Any) -> Any:
    return np.array(x) if is_traced(x) and not isinstance(x, (list, tuple)) else x


def of_frozen(frozen: Any, size: Any = None, random_state: Any = None) -> Any:
    return rvs(frozen.dist, *frozen.args, **frozen.kwds, size=size, random_state=random_state)


def of_angle(dist: Any, *args: Any, **kwds: Any) -> Any:
    """vonmises.rvs: from -pi to pi."""
    return np.mod(rvs(dist, *args, **kwds) + np.pi, 2 * np.pi) - np.pi


# of several variables -------------------------------------------------------------------------------------------------
def of_many(name: str) -> Any:
    """`rvs` of a distribution of several variables. A derivative through its parameters is an error."""
    def rule(dist: Any, *args: Any, size: Any = 1, random_state: Any = None, **kwds: Any) -> Any:
        generator = generator_of(name, random_state)
        if is_known(generator, (*args, *kwds.values())):
            return drawn_while_traced(functools.partial(dist.rvs, size=size), generator, args, kwds)
        names, given = tuple(kwds), [array(x) for x in (*args, *kwds.values())]

        def run(g: Any, *given: Any) -> Any:
            params = [x[()] for x in given]  # of a number SciPy wants to be one
            return dist.rvs(*params[:len(args)], size=size, random_state=g, **dict(
                zip(names, params[len(args):], strict=True)))

        like = run(np.random.default_rng(0), *(example(name, x) for x in given))
        return draws(name, generator, run, like, given, (len(args), names, repr(size)))

    return rule


def of_many_frozen(name: str) -> Any:
    """The same with its parameters, which are watched."""
    def rule(frozen: Any, size: Any = 1, random_state: Any = None) -> Any:
        generator = generator_of(name, random_state)
        outside(current()).watch(frozen, f"scipy.stats.{name}.rvs")
        if is_known(generator, ()):
            return drawn_while_traced(functools.partial(frozen.rvs, size), generator, (), {})

        def run(g: Any) -> Any:
            return frozen.rvs(size=size, random_state=g)

        return draws(name, generator, run, run(np.random.default_rng(0)), [], None)

    return rule


def example(name: str, x: Any) -> Any:
    """What stands for an argument while the function is traced, to see the shape of what is drawn."""
    if x.is_known:
        return np.array(x)
    if x.ndim == 2:
        return np.eye(*x.shape)
    value = 20 if name == "wishart" else 1 / max(x.shape[-1], 1) if x.ndim else 1
    return np.full(x.shape, value, x.dtype)[()]


def of_normal(mean: Any, cov: Any, size: Any = 1, random_state: Any = None) -> Any:
    """multivariate_normal.rvs, of a place (a vector) and a covariance (a matrix)."""
    generator = generator_of("multivariate_normal", random_state)
    cov, dist = cast(array(cov), np.float64), importlib.import_module("scipy.stats").multivariate_normal
    n = cov.shape[0]

    def run(g: Any, cov: Any) -> Any:
        return np.reshape(dist.rvs(np.zeros(n), cov, size, random_state=g), (*shape, n))

    shape = tuple(np.atleast_1d(size).tolist()) if size else ()
    x = draws("multivariate_normal", generator, run, np.zeros((*shape, n)), [streams.still(cov)], shape)
    return np.squeeze(mean + streams.with_covariance(x, cov))[()]


RULES = {("scipy.stats._multivariate", f"{name}_{kind}.rvs"): rule(name)
         for name in ("multivariate_t", "wishart", "dirichlet", "multinomial")
         for kind, rule in (("gen", of_many), ("frozen", of_many_frozen))}
