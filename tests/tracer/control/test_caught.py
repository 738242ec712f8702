"""Exceptions that are raised under traced conditions and caught inside of the same compiled function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gradjit as gj


class NoConvergence(Exception):
    def __init__(self, n):
        super().__init__(n)
        self.n = n


def in_the_function(x):
    try:
        if x > 3:
            raise ValueError("big")
        y = x * 2
    except ValueError:
        y = x * x
    return y


def newton(x, n=20):
    for _ in range(n):
        d = (x**3 - 2) / (3 * x * x)
        x = x - d
    if abs(d) > 1e-9:
        raise NoConvergence(d)
    return x


def in_a_function_called(x):
    try:
        r = newton(x)
    except NoConvergence as e:
        r = e.n * 3
    return r + x


def with_jumps_in_a_loop(x):
    s = 0.0
    log = []
    for k in range(30):
        try:
            if x * k > 20:
                raise OverflowError(k)
            if x + k < 1.2:
                raise ValueError
            s = s + np.sin(x * k)
            log.append(s)
        except OverflowError as e:
            s = s - e.args[0] * 0.01
            continue
        except ValueError:
            s = s + 5 * x
            break
        else:
            s = s * 1.01
        s = s + 0.1
    return s + len(log)


def safe_log(v):
    if v <= 0:
        raise ValueError("log of a negative")
    return np.log(v)


def two_and_finally(x):
    try:
        a = safe_log(x - 1)
    except ValueError:
        a = -10.0 * x
    try:
        b = safe_log(2 - x)
    except (ValueError, KeyError):
        b = x * 0.5
    finally:
        x = x + 1
    return a + b * x


def arrays_written_before(x):
    v = np.zeros(3)
    v[0] = x
    try:
        v[1] = x * 2
        if x > 1:
            v[2] = x * 3
            raise KeyError("k")
        else:
            v[1] = v[1] * 2
        v[0] = 7 * x
    except KeyError:
        v[1] = v[1] + v[2] ** 2
    return (v * [1, 2, 3]).sum()


def two_kinds(x):
    try:
        if x < 3:
            y = x * 2
        else:
            raise ValueError("x")
        z = y * x
        if z > 4:
            raise TypeError("y")
        w = z + 1
    except ValueError:
        w = x
    except TypeError:
        w = y + z
    return w * x


def in_a_loop_that_is_unrolled(x):
    def f(v):
        if v > 2:
            raise ArithmeticError
        return v * v
    out = []
    for v in (x, x + 1, x + 2):
        try:
            out.append(f(v))
        except ArithmeticError:
            out.append(v)
    return sum(out)


def behind_a_return(x):
    try:
        if x > 2:
            return x * 5
        if x > 1:
            raise ValueError
    except ValueError:
        return x * 7
    return x


class Solver:
    def __init__(self):
        self.fails, self.history = 0, []

    def step(self, x):
        if x > 2.2:
            self.fails += 1
            raise NoConvergence(x)
        self.history.append(x)
        return x * 1.1


def attributes_of_an_object(x):
    s = Solver()
    for _ in range(12):
        try:
            x = s.step(x)
        except NoConvergence as e:
            x = e.n * 0.5
    return x + s.fails + len(s.history)


def items_of_a_dict(x):
    d = {"a": x}
    try:
        d["a"] = d["a"] * 2
        if d["a"] > 4:
            raise KeyError
        d["a"] += 1
    except KeyError:
        d["a"] = d["a"] ** 2
    return d["a"]


def in_a_while_loop(x):
    while x < 50:
        try:
            if 5 < x < 10:
                raise ValueError("zone")
            x = x * 1.5
        except ValueError:
            x = x + 4
    return x


def nested_branches(x):
    try:
        if x > 1:
            if x > 3:
                raise ValueError
            x = x + 1
        x = x * 2
    except ValueError:
        x = -x
    return x


def root(x, tol=1e-9):
    if x < 0:
        raise ValueError("negative")
    if x < 1e-3:
        return x
    y = x
    for _ in range(30):
        d = (y * y - x) / (2 * y)
        y = y - d
    if abs(d) > tol:
        raise NoConvergence(y)
    if y > 2:
        raise NoConvergence(y * 10)
    return y


def early_return_and_two_kinds(x):
    try:
        r = root(x - 1)
    except ValueError:
        r = 0.1 * x
    except NoConvergence as e:
        r = e.n * 2
    return r * x


def the_same_in_a_loop(x):
    total = 0.0
    for k in range(25):
        try:
            total += root(x + k * 0.2 - 1.5)
        except ValueError:
            total -= 0.01 * x
            continue
        except NoConvergence as e:
            total += e.n * 0.001
    return total


def scratch_arrays_and_items(x):
    v = np.array([x, 2 * x, 3 * x])
    state = {"n": 0, "last": 0.0}
    def check(i):
        state["n"] += 1
        if v[i] > 2:
            state["last"] = v[i]
            if v[i] > 6:
                raise OverflowError(v[i] * 2)
            v[i] = v[i] * 0.5
            if v[i] > 2:
                raise ValueError("still")
        return v[i]
    s = 0.0
    for i in range(3):
        try:
            s = s + check(i)
        except OverflowError as e:
            s = s + e.args[0]
            v[i] = 0.3 * x
        except ValueError:
            s = s - v[i]
    return s + state["n"] * x + state["last"] + v.sum()


def four_deep(x):
    try:
        a = x * 2
        if x > 1:
            a = a + 1
            if x > 2:
                a = a * 3
                if x > 3:
                    raise ValueError
                a = a + x
            a = a * x
            if a > 10:
                raise KeyError("a")
        b = a * a
    except (ValueError, KeyError):
        b = a * 0.1
    else:
        b = b + 1
    return b + a


def on_the_second_side(x):
    try:
        if x > 1:
            y = np.ones(3) * x
        else:
            raise ValueError("bad")
        z = y.sum()
    except ValueError:
        z = x * 7
    return z


def the_best_of_some(x):
    best, tries = None, 0
    for guess in (x, x * 2, x * 3):
        tries += 1
        try:
            r = root(guess - 2)
        except (ValueError, NoConvergence):
            continue
        if best is None or r < best:
            best = r
    return (x if best is None else best) + tries


def through_another_try(x):
    def inner(y):
        try:
            if y > 2:
                raise ValueError("i")
            return y * 2
        except KeyError:
            return -y
    try:
        return inner(x) + 1
    except ValueError:
        return x * 9


def handler_binds_a_flag(x):
    ok = True
    try:
        if x > 2:
            raise ValueError(f"{x:.3f}")
    except ValueError as e:
        ok = False
        print("caught", e) if False else None
    if ok:
        return x * 2
    return x * 3


FUNCTIONS = [in_the_function, in_a_function_called, with_jumps_in_a_loop, two_and_finally,
             arrays_written_before, two_kinds, in_a_loop_that_is_unrolled, behind_a_return,
             attributes_of_an_object, items_of_a_dict, in_a_while_loop, nested_branches,
             early_return_and_two_kinds, the_same_in_a_loop, scratch_arrays_and_items, four_deep,
             on_the_second_side, the_best_of_some, through_another_try, handler_binds_a_flag]
POINTS = (0.73, 1.51, 2.33, 3.11, 4.17)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_value_and_derivatives(f):
    compiled, gradient, forward = gj.jit(f), gj.grad(f), gj.jit(lambda x: gj.jvp(f, (x,), (1.0,))[1])
    for x in POINTS:
        assert compiled(x) == pytest.approx(f(x), rel=1e-12)
        assert gj.jit(f, tier="interpret")(x) == pytest.approx(f(x), rel=1e-12)
        assert gradient(x) == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-5)
        assert forward(x) == pytest.approx(gradient(x), rel=1e-12)


def test_what_no_handler_catches_is_raised():
    def f(x):
        try:
            if x > 1:
                raise KeyError("caught")
            if x < 0:
                raise ValueError(f"not caught: {x:.1f}")
            y = x
        except KeyError:
            y = x * 2
            if x > 3:
                raise RuntimeError("of the handler") from None
        return y

    g = gj.value_and_grad(f)
    assert g(0.5) == (0.5, 1.0) and g(2.0) == (4.0, 2.0)
    with pytest.raises(ValueError, match="not caught: -1.0"):
        g(-1.0)
    with pytest.raises(RuntimeError, match="of the handler"):
        g(4.0)


def test_a_call_leaves_no_trace_of_the_other_way():
    seen = np.zeros(2)

    @gj.jit
    def f(x, out):
        try:
            out[0] = x
            if x > 1:
                raise ValueError
            out[1] = x
        except ValueError:
            out[0] = -x

    f(2.0, seen)
    assert seen.tolist() == [-2.0, 0.0]
    f(0.5, seen)
    assert seen.tolist() == [0.5, 0.5]

# loops of which the `try` stands outside ------------------------------------------------------------------------------
class Diverged(Exception):
    def __init__(self, step, x):
        super().__init__(f"diverged at {step}: {x:.3f}")
        self.step, self.x = step, x


def nested(p):
    total = 0.0
    try:
        for i in range(12):
            for j in range(12):
                total += p[0] * i - p[1] * j * 0.1
                if total > 20.0 * p[2]:
                    raise Diverged(i * 12 + j, total)
            total *= 0.9
    except Diverged as e:
        return e.x * p[0] + e.step
    else:
        total += 1.0
    return total


def two_raises(p):
    x = p[0]
    try:
        for k in range(40):
            x = x + p[1] * math.sin(x)
            if x > 100.0:
                raise OverflowError("big")
            if abs(math.sin(x)) < 0.05:
                raise Diverged(k, x)
    except Diverged as e:
        x = e.x * p[2] + e.step
    except OverflowError:
        x = 0.0 * x
    return x


def retry(p):
    # tries larger dampings until the iteration converges
    damping = 0.0
    for _ in range(6):
        x = 2.0
        try:
            for k in range(30):
                x = x - (1 - damping) * (x ** 3 - p[0]) / (0.3 * p[1])
                if abs(x) > 10.0:
                    raise Diverged(k, x)
            break
        except Diverged:
            damping = damping + 0.15
    return x * p[2] + damping


def with_return(p):
    x = p[0]
    try:
        for k in range(30):
            x = math.cos(x) * p[1]
            if abs(x - math.cos(x) * p[1]) < 1e-10:
                return x * p[2]
            if k > 25:
                raise Diverged(k, x)
        x = x + 1.0
    except Diverged as e:
        return e.x
    return x


def with_finally(p):
    log = []
    x = p[0]
    try:
        for k in range(20):
            x = x * 1.2
            if x > 4.0 * p[1]:
                raise Diverged(k, x)
    except Diverged as e:
        x = e.x - 1.0
    finally:
        log.append(x)
    return log[0] * p[2]


def else_clause(p):
    x, n = p[0], 0
    try:
        for _ in range(10):
            x = x * 1.1
            n += 1
            if x > 9.0:
                raise ValueError(f"{x}")
        else:
            x = x + p[1]
    except ValueError:
        x = -x
    return x * p[2] + n


def while_state(p):
    t, y, h, rejected = 0.0, p[0], 0.5, 0
    try:
        while t < 5.0:
            k1 = -p[1] * y
            k2 = -p[1] * (y + h * k1)
            err = abs(h * (k2 - k1) / 2)
            if err > 0.05:
                h *= 0.5
                rejected += 1
                if h < 1e-3:
                    raise Diverged(rejected, h)
                continue
            y = y + h * (k1 + k2) / 2
            t += h
    except Diverged as e:
        return e.x
    return y * p[2] + rejected * 0.0 + t


def inner_caught(p):
    total = 0.0
    for i in range(12):
        x = p[0] * i
        try:
            while x < 30.0:
                x = x * (1 + p[1]) + 0.1
                if x > 25.0:
                    raise ValueError("no")
        except ValueError:
            x = x * 0.5
        total += x
    return total * p[2]


def try_while(p):
    x = p[0]
    try:
        while True:
            x = x - 0.1 * p[1]
            if x < -0.0505:
                raise StopIteration
    except StopIteration:
        return x * p[2]


class NoRoot(Exception):
    pass


def bounded_root(a, limit):
    x = a
    for k in range(60):
        x = 0.5 * (x + a / x)
        if x > limit:
            raise NoRoot(f"left after {k}: {x}")
        if abs(x * x - a) < 1e-12:
            return x
    raise NoRoot("no")


def caller(p):
    try:
        r = bounded_root(p[0] * 9, 3.0)
    except NoRoot:
        r = p[1]
    return r * p[2]


def caller_ok(p):
    try:
        r = bounded_root(p[0] * 9, 30.0)
    except NoRoot:
        r = p[1]
    return r * p[2]


def in_loop(p):
    total, bad = 0.0, 0
    for i in range(1, 13):
        try:
            total += bounded_root(p[0] * i, 2.5 * p[1])
        except NoRoot:
            bad += 1
    return total * p[2] + bad


class Descent:
    def __init__(self, tol):
        self.tol, self.iterations = tol, 0
    def solve(self, f, x):
        for _ in range(50):
            self.iterations += 1
            dx = f(x) / 3.0
            x = x - dx
            if abs(x) > 50.0:
                raise FloatingPointError("diverged")
            if abs(dx) < self.tol:
                return x
        raise NoRoot(self.iterations)


def solver(p):
    s = Descent(1e-10)
    try:
        x = s.solve(lambda v: v * v - p[0], 1.0)
    except (NoRoot, FloatingPointError):
        x = p[1]
    return x * p[2] + s.iterations * 0.0


def either_raise(x, lim):
    if x > 0.1:
        return x * 2
    if x > lim:
        raise ValueError("a")
    raise ValueError("b")


def raises_whichever_way(p):
    try:
        r = either_raise(p[0], p[1])
    except ValueError:
        r = p[2]
    return r * 3


def raises_on_one_side(p):
    try:
        x = p[0]
        if x > 0.1:
            r = x * 2
        else:
            if x > p[1]:
                raise ValueError("a")
            raise ValueError("b")
    except ValueError:
        r = p[2]
    return r * 3


def in_a_compiled_loop(p):
    x = p[0]
    try:
        for _ in range(20):
            x = x * 1.2
            if x > 10:
                raise OverflowError
    except OverflowError:
        x = x * 0.1
    return x + p[1] * p[2]


OUT_OF_LOOPS = [in_a_compiled_loop, nested, two_raises, retry, with_return, with_finally, else_clause, while_state,
                inner_caught, try_while, caller, caller_ok, in_loop, solver, raises_whichever_way, raises_on_one_side]


@pytest.mark.parametrize("at", [(0.7, 1.3, 0.9), (0.05, 0.01, 0.9), (2.0, 0.4, 1.1)], ids=str)
@pytest.mark.parametrize("f", OUT_OF_LOOPS, ids=lambda f: f.__name__)
def test_out_of_loops(f, at):
    p = np.array(at)
    with np.errstate(all="ignore"):
        value, gradient = gj.value_and_grad(f)(p)
        np.testing.assert_allclose(value, f(p), rtol=1e-12)
        for k, h in enumerate(1e-7 * np.eye(3)):  # (a longer step may change when an iteration ends)
            np.testing.assert_allclose(gradient[k], (f(p + h) - f(p - h)) / 2e-7, rtol=1e-5, atol=1e-5)


# what stays refused ---------------------------------------------------------------------------------------------------
def called_in_a_loop(x):
    def checked(x):
        if x > 10:
            raise OverflowError
        return x * 1.2

    try:
        for _ in range(20):
            x = checked(x)
    except OverflowError:
        x = x * 0.1
    return x


def behind_a_finally(x):
    try:
        try:
            if x > 2:
                raise OverflowError
        finally:
            x = x * 2
    except OverflowError:
        x = 5.0
    return x


def out_of_a_handler(x):
    try:
        try:
            if x > 1:
                raise KeyError
        except KeyError:
            if x > 3:
                raise OverflowError from None
            x = x * 10
    except OverflowError:
        x = x * 100
    return x


@pytest.mark.parametrize("f", [called_in_a_loop, behind_a_finally, out_of_a_handler], ids=lambda f: f.__name__)
def test_what_stays_refused(f):
    with pytest.raises(gj.TraceError, match="raises OverflowError under a condition on traced values, and the try in"):
        gj.jit(f)(4.0)


def missed(p):
    """(The items of the loop are of several kinds: it runs as ordinary Python.)"""
    total = 0.0
    for h in (1.0, 2.0, 3.0):
        y = h
        try:
            for radius, n in [(5.0 * p[0], 1.5), (-4, 1.0), (p[1], 2)]:
                if abs(y / radius) > 1:
                    raise ArithmeticError("missed")
                y = y + n * p[2] / radius
        except ArithmeticError:
            continue
        total += y
    return total


def test_a_loop_that_runs_as_python():
    for p in (np.array([0.7, 3.3, 0.9]), np.array([1.7, 2.9, 0.3])):
        np.testing.assert_allclose(gj.jit(missed)(p), missed(p), rtol=1e-12)


# exceptions of Python's own behind an early return --------------------------------------------------------------------
TABLE = {"a": 2.0}


def around_the_return(x: Any) -> Any:
    try:
        if x[0] > 0:
            return x
        y = TABLE["b"]
    except KeyError:
        y = 3.0
    return x * y


def with_a_raise_before(x: Any) -> Any:
    try:
        if x[0] > 0:
            return x
        if x[1] > 0:
            raise KeyError("a")
        y = TABLE["b"]
    except KeyError:
        y = 3.0
    return x * y


def test_an_exception_of_pythons_own_that_some_runs_come_to():
    for x in (np.array([-1.0, 2.0]), np.array([1.0, 2.0])):
        np.testing.assert_array_equal(gj.jit(around_the_return)(x), around_the_return(x))
    with pytest.raises(gj.TraceError, match=r"(behind a return|assigned in one branch only)[^$]*test_caught"):
        gj.jit(with_a_raise_before)(np.array([-1.0, 2.0]))


def out_of_bounds(x: Any) -> Any:
    return x[7]


def no_number(x: Any) -> Any:
    return x[0] + TABLE["b"]


def by_zero(x: Any) -> Any:
    return x[0] + 1 // len(TABLE.get("none", ""))


def of_nothing(x: Any) -> Any:
    return np.max(x[:0])


@pytest.mark.parametrize("fails", [out_of_bounds, no_number, by_zero, of_nothing], ids=lambda f: f.__name__)
def test_what_fails_in_each_run_that_takes_a_side(fails):
    """It is raised when the compiled function takes that side, and only then."""
    def chosen(x: Any) -> Any:
        if x[0] > 0:
            return fails(x)
        return x[1]

    def inline(x: Any) -> Any:
        return (fails(x) if x[0] > 0 else x[1]) + (1.0 if x[0] > 0 and fails(x) > 1 else 2.0)

    for f in (chosen, inline):
        compiled = gj.jit(f)
        x = np.array([-1.0, 2.0])
        assert compiled(x) == f(x)
        with pytest.raises((ValueError, LookupError, ZeroDivisionError)) as at_run:
            compiled(-x)
        with pytest.raises((ValueError, LookupError, ZeroDivisionError)) as by_numpy:
            f(-x)
        assert isinstance(at_run.value, by_numpy.type)


def behind_the_return(x: Any) -> Any:
    if x[0] > 0:
        return x
    try:
        y = TABLE["b"]
    except KeyError:
        y = 3.0
    try:
        z = x + "a"
    except TypeError:
        z = x * 5.0
    return y * z


def test_a_try_behind_the_return():
    for x in (np.array([1.0, 2.0]), np.array([-1.0, 2.0])):
        np.testing.assert_array_equal(gj.jit(behind_the_return)(x), behind_the_return(x))
