"""scipy.integrate's initial value problems: explicit Runge-Kutta methods with SciPy's own control of the steps.

The steps are iterations of a loop of the program, and derivatives are those of the steps: the lengths of the steps are
held constant, as are the derivatives of any solution by its mesh. An integration that fails ends with an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...records import dataclass
from ..array import SCALAR, root
from ..calls import call
from ..numpy.common import array
from ..operands import as_traced, emit, is_traced, require, unsupported
from ..recorder import current
from .written_loops import Rule, doubles, invalid, looped, numbers, zeros

EPS = float(np.finfo(float).eps)
FAILED = "Required step size is less than spacing between numbers."
METHODS = ("RK45", "RK23", "DOP853")
STIFF = ("Radau", "BDF", "LSODA")
"""These go by Radau's steps: BDF's and LSODA's results are the same within the tolerances, on another mesh."""


@dataclass(frozen=True)
class RungeKutta:
    """The coefficients of a Runge-Kutta method: SciPy's."""

    name: str
    stages: tuple[tuple[tuple[float, ...], float], ...]
    """For each stage but the first what is taken of those before, and when it is."""
    result: tuple[float, ...]
    errors: tuple[tuple[float, ...], ...]
    more: tuple[tuple[tuple[float, ...], float], ...]
    dense: tuple[tuple[float, ...], ...]
    """What the polynomial between the ends of a step takes of the stages, power by power."""
    order: int
    """Of the estimate of the error."""


@functools.cache
def method_of(name: str) -> RungeKutta:
    import scipy.integrate as sq
    cls: Any = getattr(sq, name)

    def rows(a: Any, c: Any) -> tuple[Any, ...]:
        return tuple((tuple(map(float, row)), float(at)) for row, at in zip(a, c, strict=True))

    def plain(rows: Any) -> tuple[Any, ...]:
        return tuple(tuple(map(float, row)) for row in rows)

    extra, errors, dense = (((cls.A_EXTRA, cls.C_EXTRA), [cls.E5, cls.E3], cls.D) if name == "DOP853" else
                            (([], []), [cls.E], cls.P.T))
    return RungeKutta(name, rows(cls.A[1:], cls.C[1:]), tuple(map(float, cls.B)), plain(errors), rows(*extra),
                  plain(dense), cls.error_estimator_order)


def weighted(coefficients: Any, stages: Any) -> Any:
    terms = [c * k for c, k in zip(coefficients, stages, strict=False) if c]
    return sum(terms[1:], terms[0]) if terms else 0.0 * stages[0]


def norm(x: Any) -> Any:
    return np.sqrt(np.mean(x * x))


def held(x: Any) -> Any:
    """x, through which no derivative flows."""
    h = as_traced(x)
    return emit("stop_gradient", h, kind=h.kind)


class InitialValueProblem:
    """A system of equations and how it is to be solved."""

    def __init__(self, fun: Rule, method: RungeKutta, rtol: Any, atol: Any, limits: tuple[Any, Any], sign: Any,
                 longest: float):
        self.step = looped(_step)
        self.fun, self.method, self.rtol, self.atol = fun, method, rtol, atol
        (self.start, self.end), self.sign, self.longest = limits, sign, longest

    def stages(self, t: Any, y: Any, f: Any, h: Any) -> tuple[tuple[Any, ...], Any, Any]:
        k = [f]
        for row, at in self.method.stages:
            k.append(self.fun(t + at * h, y + weighted(row, k) * h))
        new = y + h * weighted(self.method.result, k)
        k.append(self.fun(t + h, new))
        return tuple(k), new, k[-1]

    def error(self, k: Any, y: Any, new: Any, h: Any) -> Any:
        """How large the error of a step is, where 1 is what is allowed."""
        scale = self.atol + np.maximum(np.abs(y), np.abs(new)) * self.rtol
        found = [norm(weighted(e, k) * h / scale) for e in self.method.errors]
        if len(found) == 1:
            return held(found[0])
        fifth, third = found[0] * found[0], found[1] * found[1]
        under = fifth + 0.01 * third
        return held(np.where(under == 0, 0.0, fifth / np.sqrt(np.where(under == 0, 1.0, under))))

    def first_step(self, t: Any, y: Any, f: Any) -> Any:
        scale = self.atol + np.abs(y) * self.rtol
        whole = np.abs(self.end - t)
        d0, d1 = norm(y / scale), norm(f / scale)
        h0 = np.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / np.where(d1 == 0, 1.0, d1))
        h0 = np.minimum(h0, whole)
        d2 = norm((self.fun(t + h0 * self.sign, y + h0 * self.sign * f) - f) / scale) / np.where(h0 == 0, 1.0, h0)
        steepest = np.maximum(d1, d2)
        h1 = np.where(steepest <= 1e-15, np.maximum(1e-6, h0 * 1e-3),
                      (0.01 / np.where(steepest == 0, 1.0, steepest)) ** (1 / (self.method.order + 1)))
        return held(np.minimum(np.minimum(100 * h0, h1), np.minimum(whole, self.longest)))

    def polynomial(self, t: Any, y: Any, h: Any, k: Any, new: Any, f: Any) -> list[Any]:
        """What `between` reads."""
        if self.method.name != "DOP853":
            return [h * weighted(row, k) for row in self.method.dense]
        more = list(k)
        for row, at in self.method.more:
            more.append(self.fun(t + at * h, y + weighted(row, more) * h))
        change = new - y
        return [change, h * k[0] - change, 2 * change - h * (f + k[0]),
                *(h * weighted(row, more) for row in self.method.dense)]

    def between(self, x: Any, y: Any, parts: list[Any]) -> Any:
        """The solution at a part x of a step that begins at y."""
        if self.method.name != "DOP853":
            total = parts[-1] * x
            for p in parts[-2::-1]:
                total = (total + p) * x
            return y + total
        total = 0.0 * y
        for i, p in enumerate(parts[::-1]):
            total = (total + p) * (x if i % 2 == 0 else 1 - x)
        return y + total


def _step(p: Any, t: Any, y: Any, f: Any, h_abs: Any) -> Any:
    """One step that is good enough; shorter ones are tried until it is."""
    least = 10 * EPS * np.abs(t) + 1e-300
    h_abs = np.maximum(np.minimum(h_abs, p.longest), least)
    refused = 1.0
    ahead, h, k, new, slope, error = _attempt(p, t, y, f, h_abs)
    while not error < 1:
        if h_abs < least:
            raise RuntimeError(FAILED)
        shrunk = 0.9 * error ** (-1 / (p.method.order + 1))
        h_abs = np.abs(held(h)) * np.where(shrunk > 0.2, shrunk, 0.2)
        refused = 0.0
        ahead, h, k, new, slope, error = _attempt(p, t, y, f, h_abs)
    factor = np.minimum(10.0, 0.9 * np.where(error == 0, 1e-300, error) ** (-1 / (p.method.order + 1)))
    factor = np.where(refused == 1.0, factor, np.minimum(1.0, factor))
    return ahead, h, k, new, slope, np.abs(held(h)) * factor


def _attempt(p: Any, t: Any, y: Any, f: Any, h_abs: Any) -> Any:
    ahead = t + h_abs * p.sign
    ahead = np.where(p.sign * (ahead - p.end) > 0, p.end, ahead)
    h = ahead - t
    k, new, slope = p.stages(t, y, f, h)
    return ahead, h, k, new, slope, p.error(k, y, new, h)


def _at_times(p: Any, t: Any, y: Any, f: Any, h_abs: Any, times: Any, out: Any) -> Any:
    found = 0
    while p.sign * (p.end - t) > 0:
        ahead, h, k, new, slope, h_abs = p.step(p, t, y, f, h_abs)
        parts = p.polynomial(t, y, h, k, new, slope)
        while found < len(times) and p.sign * (times[found] - ahead) <= 0:
            out[found] = p.between((times[found] - t) / h, y, parts)
            found += 1
        t, y, f = ahead, new, slope
    return out


def _at_steps(p: Any, t: Any, y: Any, f: Any, h_abs: Any) -> Any:
    times, values = [t], [y]
    while p.sign * (p.end - t) > 0:
        t, _, _, y, f, h_abs = p.step(p, t, y, f, h_abs)
        times.append(t)
        values.append(y)
    return np.array(times), np.array(values)


HALVINGS = 50
"""Of a step in which an event is: more would not change a float."""
ASIDE = 1e-5
"""How far from an event, in parts of its step, the two points lie between which the event is where a line is 0: near
enough for derivatives by the line to be those of the curve, far enough not to be lost in rounding."""


class Event:
    """A function of t and y whose zeros are looked for: all of them, or the first one, which ends the integration."""

    def __init__(self, function: Any, args: tuple[Any, ...]):
        self.function, self.args = function, args
        self.direction = float(getattr(function, "direction", 0.0))
        self.is_terminal = getattr(function, "terminal", False) in (True, 1)
        if getattr(function, "terminal", False) not in (True, False, 0, 1, None):
            unsupported("scipy.integrate.solve_ivp", "an event that ends the integration when it comes the second time "
                                                     "or later; take the time from t_events")

    def __call__(self, t: Any, y: Any) -> Any:
        return np.reshape(doubles(call(self.function, t, y, *self.args)), ())

    def is_between(self, before: Any, behind: Any) -> Any:
        rises, falls = (before <= 0) & (behind >= 0), (before >= 0) & (behind <= 0)
        return ((self.direction >= 0) & rises) | ((self.direction <= 0) & falls)


def _part(p: Any, t: Any, y: Any, h: Any, parts: Any, event: Any, behind: Any) -> Any:
    """At which part of a step an event is."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        value = held(event(t + middle * h, p.between(middle, y, parts)))
        if (value >= 0) == (behind >= 0):
            high = middle
        else:
            low = middle
    first, second = high - ASIDE, high + ASIDE
    g0 = event(t + first * h, p.between(first, y, parts))
    g1 = event(t + second * h, p.between(second, y, parts))
    return first - g0 * (second - first) / (g1 - g0)


def _to_event(p: Any, part: Any, t: Any, y: Any, f: Any, h_abs: Any, events: Any) -> Any:
    """The steps up to the first of several events, or to the end, and which that was, counted from 1 (0: none)."""
    times, values = [t], [y]
    before, found = np.stack([held(event(t, y)) for event in events]), 0
    while (p.sign * (p.end - t) > 0) & (found == 0):
        ahead, h, k, new, slope, h_abs = p.step(p, t, y, f, h_abs)
        behind = np.stack([held(event(ahead, new)) for event in events])
        parts = p.polynomial(t, y, h, k, new, slope)
        first = 2.0
        for i in range(len(events)):
            if events[i].is_between(before[i], behind[i]):
                x = part(p, t, y, h, parts, events[i], behind[i])
                if x < first:
                    first, found = x, i + 1
        if found > 0:
            ahead, new = t + first * h, p.between(first, y, parts)
        before = behind
        t, y, f = ahead, new, slope
        times.append(t)
        values.append(y)
    return np.array(times), np.array(values), found


def _crossings(p: Any, part: Any, t: Any, y: Any, f: Any, h_abs: Any, event: Any, last: Any) -> Any:
    """All times up to `last` at which an event is, and the solution there; in front of them the start."""
    times, values = [t], [y]
    before = held(event(t, y))
    while p.sign * (last - t) > 0:
        ahead, h, k, new, slope, h_abs = p.step(p, t, y, f, h_abs)
        behind = held(event(ahead, new))
        if event.is_between(before, behind):
            parts = p.polynomial(t, y, h, k, new, slope)
            x = part(p, t, y, h, parts, event, behind)
            if p.sign * (last - (t + held(x) * h)) >= 0:
                times.append(t + x * h)
                values.append(p.between(x, y, parts))
        before = behind
        t, y, f = ahead, new, slope
    return np.array(times), np.array(values)


class DenseSolution:
    """The solution at any times within the interval: integrated once more, by the same steps."""

    def __init__(self, made: tuple[Any, ...]):
        self.made = made

    def __call__(self, t: Any) -> Any:
        p, start, y0, *_ = self.made
        given = doubles(t)
        times = np.reshape(given, -1)
        low, high = np.minimum(start, p.end), np.maximum(start, p.end)
        require(array(np.all((times >= low) & (times <= high))), "a time is not within `t_span`, and solutions are not "
                                                                 "continued beyond it")
        order = np.argsort(times * p.sign)
        out = zeros((times.shape[0], y0.shape[0])) + y0
        found = looped(_at_times)(*self.made, times[order], out)
        values = found[np.argsort(order)].T
        return values if given.ndim else values[:, 0]


class OdeSolution:
    """What solve_ivp gives."""

    def __init__(self, t: Any, y: Any):
        self.t, self.y = t, y
        self.sol: Any = None
        self.t_events: Any = None
        self.y_events: Any = None
        self.status, self.success = 0, True
        self.message = "The solver successfully reached the end of the integration interval."

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


OWN_CALLS = ("which this solver calls at other times than SciPy's does: counts and records of its calls would be "
             "others, too; take method='RK45', which calls it as SciPy does, or call it outside of compiled functions")


def unaware(fun: Callable[..., Any], at: tuple[Any, ...]) -> None:
    """TraceError where a function changes what is around it, which is for a solver of ours to call."""
    from ..trace import trace
    trace(fun, at, {}, sharing=True, writing=True, called_by=OWN_CALLS)


def system(fun: Callable[..., Any], args: Any, n: int, time_first: bool = True) -> Rule:
    """The user's function as one of float64 arrays."""
    def slope(t: Any, y: Any) -> Any:
        f = doubles(call(fun, *((t, y) if time_first else (y, t)), *args))
        if tuple(np.atleast_1d(f).shape) != (n,):
            invalid(f"the function of the differential equations returns an array of shape {tuple(f.shape)}, and y0 "
                    f"has {n} elements")
        return np.reshape(f, (n,))

    return slope


def prepared(fun: Rule, limits: tuple[Any, Any], y0: Any, name: str, rtol: Any, atol: Any, longest: float,
             first: Any, jac: Any = None) -> tuple[Any, ...]:
    start, end = limits
    sign = 1.0 if not (is_traced(start) or is_traced(end)) and start <= end else np.sign(end - start)
    tolerance = rtol if is_traced(rtol) else np.maximum(rtol, 100 * EPS)
    if name in STIFF:
        from . import stiff
        p, start, *rest = stiff.prepared(fun, limits, sign, y0, tolerance, atol, longest, first, jac)
        return p, begun(start), *rest
    p = InitialValueProblem(fun, method_of(name), tolerance, atol, (start, end), sign, longest)
    f = fun(start, y0)
    h = p.first_step(start, y0, f) if first is None else held(doubles(first)[()])
    return p, begun(start), y0, f, h


def begun(t: Any) -> Any:
    """The time at which the steps begin, as a value that is not known: else a loop would first be tried as one of
    Python's own."""
    h = as_traced(t)
    return root(h.value, current(), SCALAR)


def scalar(x: Any) -> Any:
    """A number in float64 as the program has it, so that a loop can carry it."""
    return doubles(x)[()] if is_traced(x) else float(x)


def solve_ivp(fun, t_span, y0, method="RK45", t_eval=None, dense_output=False, events=None, vectorized=False,
              args=None, *, rtol=1e-3, atol=1e-6, first_step=None, max_step=np.inf, jac=None, jac_sparsity=None,
              lband=None, uband=None, min_step=0.0):
    name = method if isinstance(method, str) else getattr(method, "__name__", str(method))
    if name not in (*METHODS, *STIFF):
        unsupported("scipy.integrate.solve_ivp", f"method={name!r}; {', '.join(map(repr, (*METHODS, *STIFF)))} are")
    for what, value in {"jac_sparsity": jac_sparsity, "lband": lband, "uband": uband}.items():
        if value is not None:
            unsupported("scipy.integrate.solve_ivp", f"with {what}=")
    given = () if events is None else events if isinstance(events, (list, tuple)) else (events,)
    found = [Event(event, tuple(args) if args is not None else ()) for event in given]
    start, end = (scalar(t) for t in t_span)
    y = doubles(y0)
    if y.ndim != 1:
        invalid("`y0` must be 1-dimensional.")
    limit = tolerance_of(atol, y.shape[0])
    extra = tuple(args) if args is not None else ()
    if name in STIFF:
        unaware(fun, (start, y, *extra))
    f = system(fun, extra, y.shape[0])
    made = prepared(f, (start, end), y, name, rtol, limit, max_step, first_step,
                    jacobian_of(jac, extra))
    solution, last = stepped(made, found) if t_eval is None or any(e.is_terminal for e in found) else (None, end)
    if t_eval is not None:
        solution = at_times(made, doubles(t_eval), solution, last)
    assert solution is not None
    solution.sol = DenseSolution(made) if dense_output else None
    if found and solution.t_events is None:
        solution.t_events, solution.y_events = [None] * len(found), [None] * len(found)
    for k, e in enumerate(found):
        if not e.is_terminal:
            times, values = looped(_crossings)(made[0], looped(_part), *made[1:], e, held(last))
            solution.t_events[k], solution.y_events[k] = times[1:], values[1:]
    return solution


def stepped(made: tuple[Any, ...], events: list[Event]) -> tuple[OdeSolution, Any]:
    """The solution at all steps, up to the first event that ends it; and when it ends."""
    ending = [e for e in events if e.is_terminal]
    if not ending:
        times, values = looped(_at_steps)(*made)
        return OdeSolution(times, values.T), made[0].end
    times, values, which = looped(_to_event)(made[0], looped(_part), *made[1:], ending)
    solution, n = OdeSolution(times, values.T), times.shape[0]
    solution.status, solution.message = np.minimum(which, 1), "A termination event occurred, or the end was reached."
    here = [(n - (which == 1 + ending.index(e)) if e.is_terminal else n) for e in events]
    solution.t_events, solution.y_events = [times[k:] for k in here], [values[k:] for k in here]
    return solution, times[-1]


def at_times(made: tuple[Any, ...], times: Any, until: OdeSolution | None, last: Any) -> OdeSolution:
    """The solution at given times: at those up to an event, where that has ended it."""
    p, start, y, *_ = made
    if times.ndim != 1:
        invalid("`t_eval` must be 1-dimensional.")
    low, high = np.minimum(start, p.end), np.maximum(start, p.end)
    require(array(np.all((times >= low) & (times <= high))), "Values in `t_eval` are not within `t_span`.")
    require(array(np.all(np.diff(times) * p.sign > 0)), "Values in `t_eval` are not properly sorted.")
    values = looped(_at_times)(*made, times, zeros((times.shape[0], y.shape[0])) + y)
    if until is None:
        return OdeSolution(times, values.T)
    reached = p.sign * (held(last) - times) >= 0
    until.t, until.y = times[reached], values[reached].T
    return until


def jacobian_of(jac: Any, args: tuple[Any, ...]) -> Any:
    """The user's function for it as one of t and y; or the matrix, or None."""
    if not callable(jac):
        return jac

    def matrix(t: Any, y: Any) -> Any:
        return call(jac, t, y, *args)

    return matrix


def tolerance_of(atol: Any, n: int) -> Any:
    if np.ndim(atol) and tuple(np.shape(atol)) != (n,):
        invalid("`atol` has wrong shape.")
    if not is_traced(atol) and min(numbers(atol, "atol")) < 0:
        invalid("`atol` must be positive.")
    return atol


def odeint(func, y0, t, args=(), Dfun=None, col_deriv=0, full_output=0, ml=None, mu=None, rtol=None, atol=None,
           tcrit=None, h0=0.0, hmax=0.0, hmin=0.0, ixpr=0, mxstep=0, mxhnil=0, mxordn=12, mxords=5, printmessg=0,
           tfirst=False):
    """By DOP853 within the tolerances, which default to those of odeint."""
    if full_output:
        return odeint(func, y0, t, args, Dfun, col_deriv, 0, ml, mu, rtol, atol, tcrit, h0, hmax, hmin, ixpr, mxstep,
                      mxhnil, mxordn, mxords, printmessg, tfirst), {"message": "what SciPy says is not known here"}
    times = doubles(t)
    y = np.atleast_1d(doubles(y0))
    if times.ndim != 1 or y.ndim != 1:
        invalid("Initial condition y0 and t must be one-dimensional.")
    extra = args if isinstance(args, tuple) else (args,)
    unaware(func, (*((times[0], y) if tfirst else (y, times[0])), *extra))
    f = system(func, extra, y.shape[0], time_first=tfirst)
    rtol, atol = (1.49012e-8 if v is None else v for v in (rtol, atol))
    limits = times[0], times[-1]
    require(array(np.all(np.diff(times) * np.sign(limits[1] - limits[0]) >= 0)), "t must be monotonic")
    made = prepared(f, limits, y, "DOP853", rtol, tolerance_of(atol, y.shape[0]), hmax or np.inf, h0 or None)
    out = zeros((times.shape[0], y.shape[0])) + y
    return looped(_at_times)(*made, times, out)


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.integrate._ivp.ivp", "solve_ivp"): solve_ivp, ("scipy.integrate._odepack_py", "odeint"): odeint}
