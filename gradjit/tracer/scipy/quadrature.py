"""scipy.integrate's adaptive integrals: Gauss and Kronrod's rule of 21 points on halves of the worst interval, in a
loop of the program, through which derivatives flow: by what the function reads, and by the limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..calls import call
from ..hooks import Hooks
from ..lift import lifted
from ..operands import as_traced, emit, is_traced, static_int, unsupported
from .written_loops import Rule, doubles, looped, numbers, zeros

NODES = np.array([
    0.995657163025808080735527280689003, 0.973906528517171720077964012084452, 0.930157491355708226001207180059508,
    0.865063366688984510732096688423493, 0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
    0.562757134668604683339000099272694, 0.433395394129247190799265943165784, 0.294392862701460198131126603103866,
    0.148874338981631210884826001129720, 0.0])
KRONROD = np.array([
    0.011694638867371874278064396062192, 0.032558162307964727478818972459390, 0.054755896574351996031381300244580,
    0.075039674810919952767043140916190, 0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
    0.123491976262065851077958109585166, 0.134709217311473325928054001771707, 0.142775938577060080797094273138717,
    0.147739104901338491374841515972068, 0.149445554002916905664936468389821])
GAUSS = np.array([
    0.0, 0.066671344308688137593568809893332, 0.0, 0.149451349150580593145863396957698, 0.0,
    0.219086362515982043995534934228163, 0.0, 0.269266719309996355091226921569469, 0.0,
    0.295524224714752870173815619188769, 0.0])
"""The rules of 21 and of 10 points on [-1, 1]: the positive nodes, and 0."""
X = np.concatenate([-NODES, NODES[-2::-1]])
W, W10 = (np.concatenate([w, w[-2::-1]]) for w in (KRONROD, GAUSS))
MOST = 1000
"""Intervals of `quad_vec`, for which there must be memory."""
EPS, TINY = np.finfo(float).eps, np.finfo(float).tiny


def _on_interval(g: Any, low: Any, high: Any, values: Any, x: Any, w: Any, w10: Any) -> Any:
    """The integral by 21 points, and how far off it may be. values: memory for those of the function, which may be
    arrays: of these the error is one number, as of their lengths."""
    half, middle = 0.5 * (high - low), 0.5 * (high + low)
    for j in range(21):
        values[j] = g(middle + half * x[j])
    whole = w @ values
    spread = length(w @ np.abs(values - 0.5 * whole)) * np.abs(half)
    size = length(w @ np.abs(values)) * np.abs(half)
    off = length((whole - w10 @ values) * half)
    share = np.minimum(1.0, (200 * off / np.where(spread == 0, 1.0, spread)) ** 1.5)
    off = np.where((spread != 0) & (off != 0), spread * share, off)
    off = np.where(size > TINY / (50 * EPS), np.maximum(50 * EPS * size, off), off)
    return whole * half, off


def length(x: Any) -> Any:
    return np.abs(x) if x.ndim == 0 else np.sqrt(np.sum(x * x))


def _integrated(g: Any, one: Any, edges: Any, epsabs: Any, epsrel: Any, limit: Any, lows: Any, highs: Any, values: Any,
                errors: Any, memory: Any, x: Any, w: Any, w10: Any) -> Any:
    """Halves of the interval whose part is the least sure, until the sum is sure enough."""
    count = len(edges) - 1
    for k in range(count):
        lows[k], highs[k] = edges[k], edges[k + 1]
        values[k], errors[k] = one(g, edges[k], edges[k + 1], memory, x, w, w10)
    total, left = np.sum(values, axis=0), np.sum(errors)
    while left > max(epsabs, epsrel * length(total)) and count < limit:
        k = int(np.argmax(errors))
        a, b = lows[k], highs[k]
        middle = 0.5 * (a + b)
        first, first_error = one(g, a, middle, memory, x, w, w10)
        second, second_error = one(g, middle, b, memory, x, w, w10)
        lows[count], highs[count], values[count], errors[count] = middle, b, second, second_error
        highs[k], values[k], errors[k] = middle, first, first_error
        count += 1
        total, left = np.sum(values, axis=0), np.sum(errors)
    return total, left


def on_line(f: Callable[[Any], Any], a: Any, b: Any) -> tuple[Callable[[Any], Any], Any, Any, float]:
    """A function on a finite interval with the same integral, its limits, and the sign."""
    ends = [float(v) if not is_traced(v) else 0.0 for v in (a, b)]
    if not any(map(math.isinf, ends)):
        return f, as_traced(a) * 1.0, as_traced(b) * 1.0, 1.0
    if all(map(math.isinf, ends)):
        def both(t: Any) -> Any:
            x = (1 - t) / t
            return (f(x) + f(-x)) / (t * t)

        return both, 0.0, 1.0, float(np.sign(ends[1] - ends[0]))
    far = next(e for e in ends if math.isinf(e))
    start, sign = (a if math.isinf(ends[1]) else b), math.copysign(1.0, far)
    # upwards from `start` to infinity, or from minus infinity upwards to it
    return (lambda t: f(start + sign * (1 - t) / t) / (t * t)), 0.0, 1.0, sign if math.isinf(ends[1]) else -sign


def integral(f: Callable[[Any], Any], a: Any, b: Any, epsabs: Any, epsrel: Any, limit: int,
             points: tuple[float, ...] = (), shape: tuple[int, ...] = ()) -> tuple[Any, Any]:
    """The integral of a function of numbers, or of arrays of that shape, and its error. points: where the interval is
    cut to begin with."""
    g, low, high, sign = on_line(f, a, b)
    edges = np.stack([doubles(e)[()] for e in (low, *points, high)])
    room = max(limit, len(points) + 1)
    value, error = looped(_integrated)(
        lambda t: doubles(g(t))[()], looped_once(), edges, epsabs, epsrel, limit, zeros(room), zeros(room),
        zeros((room, *shape)), zeros(room), zeros((21, *shape)), X, W, W10)
    return sign * value, emit("stop_gradient", as_traced(error))


def looped_once() -> Rule:
    return lifted(_on_interval, Hooks)  # type: ignore[arg-type]


def only_default(function: str, **given: Any) -> None:
    for what, value in given.items():
        if value not in (None, 0, False):
            unsupported(f"scipy.integrate.{function}", f"with {what}=")


def quad(func, a, b, args=(), full_output=0, epsabs=1.49e-08, epsrel=1.49e-08, limit=50, points=None, weight=None,
         wvar=None, wopts=None, maxp1=50, limlst=50, complex_func=False):
    only_default("quad", full_output=full_output)
    extra = args if isinstance(args, tuple) else (args,)
    if weight is not None and (weight not in WEIGHTS or not (is_traced((a, b)) or np.all(np.isfinite([a, b])))):
        unsupported("scipy.integrate.quad", f"with weight={weight!r}, but 'cos' and 'sin' between finite limits")

    def f(t: Any) -> Any:
        y = call(func, t, *extra)
        return y if weight is None else y * WEIGHTS[weight](wvar * t)

    def whole(part: Rule) -> Any:
        return integral(lambda t: part(f(t)), a, b, epsabs, epsrel, static_int(limit, "limit"),
                        within(points, a, b, "quad"))

    if not complex_func:
        return whole(lambda y: y)
    (re, of_re), (im, of_im) = whole(np.real), whole(np.imag)
    return re + 1j * im, of_re + 1j * of_im


WEIGHTS: dict[str, Rule] = {"cos": np.cos, "sin": np.sin}


def within(points: Any, a: Any, b: Any, function: str) -> tuple[float, ...]:
    """The points at which an interval is cut, from its start to its end."""
    if points is None:
        return ()
    if is_traced(a) or is_traced(b) or not np.all(np.isfinite([a, b])):
        unsupported(f"scipy.integrate.{function}", "with points= and limits that are not known, or infinite")
    inside = sorted({p for p in numbers(points, "points") if min(a, b) < p < max(a, b)})
    return tuple(inside if a <= b else inside[::-1])


def quad_vec(f, a, b, epsabs=1e-200, epsrel=1e-8, norm="2", cache_size=None, limit=10000, workers=1, points=None,
             quadrature=None, full_output=False, *, args=()):
    """Of a function that gives an array. The intervals are halved by the same rule as in `quad`."""
    only_default("quad_vec", full_output=full_output)
    if norm != "2" or quadrature not in (None, "gk21"):
        unsupported("scipy.integrate.quad_vec", f"with norm={norm!r}, quadrature={quadrature!r}; norm='2' and "
                                                f"quadrature='gk21' are")
    extra = args if isinstance(args, tuple) else (args,)

    def flat(t: Any) -> Any:
        return np.ravel(doubles(call(f, t, *extra)))

    shape = np.shape(doubles(call(f, next((e for e in (a, b) if is_traced(e) or math.isfinite(e)), 0.0), *extra)))
    value, error = integral(flat, a, b, epsabs, epsrel, min(static_int(limit, "limit"), MOST),
                            within(points, a, b, "quad_vec"), (int(np.prod(shape, dtype=int)),))
    return np.reshape(value, shape), error


def limit_of(x: Any, *outer: Any) -> Any:
    return call(x, *outer) if callable(x) else x


def dblquad(func, a, b, gfun, hfun, args=(), epsabs=1.49e-08, epsrel=1.49e-08):
    return nquad(func, [lambda x, *rest: (limit_of(gfun, x), limit_of(hfun, x)), (a, b)], args,
                 {"epsabs": epsabs, "epsrel": epsrel})


def tplquad(func, a, b, gfun, hfun, qfun, rfun, args=(), epsabs=1.49e-08, epsrel=1.49e-08):
    return nquad(func, [lambda y, x, *rest: (limit_of(qfun, x, y), limit_of(rfun, x, y)),
                        lambda x, *rest: (limit_of(gfun, x), limit_of(hfun, x)), (a, b)], args,
                 {"epsabs": epsabs, "epsrel": epsrel})


def nquad(func, ranges, args=None, opts=None, full_output=False):
    """The first range is the innermost."""
    only_default("nquad", full_output=full_output)
    extra = () if args is None else args if isinstance(args, tuple) else (args,)
    each = opts if isinstance(opts, (list, tuple)) else [opts or {}] * len(ranges)
    for o in each:
        if not isinstance(o, dict) or not set(o) <= {"epsabs", "epsrel", "limit"}:
            unsupported("scipy.integrate.nquad", "but with the options epsabs, epsrel and limit")

    def over(depth: int, outer: tuple[Any, ...]) -> tuple[Any, Any]:
        r, o = ranges[depth], each[depth]
        low, high = call(r, *outer, *extra) if callable(r) else r

        def inner(t: Any) -> Any:
            return over(depth - 1, (t, *outer))[0] if depth else call(func, t, *outer, *extra)

        return integral(inner, low, high, o.get("epsabs", 1.49e-08), o.get("epsrel", 1.49e-08), o.get("limit", 50))

    return over(len(ranges) - 1, ())


_FILE = "scipy.integrate._quadpack_py"
RULES: dict[tuple[str, str], Rule] = {
    **{(_FILE, f.__name__): f for f in (quad, dblquad, tplquad, nquad)},
    ("scipy.integrate._quad_vec", "quad_vec"): quad_vec}
