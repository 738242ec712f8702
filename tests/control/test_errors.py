"""What a lifted loop or branch cannot be: an error with the user's line and what to write instead, or it works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import gradjit as gj

from .case import same

HERE = r'(?s).*File ".*test_errors\.py", line \d+'
X = np.array([0.5, -1.2, 2.0, 0.3, -0.4, 1.1, 0.9, -0.6, 0.2, 1.7, -0.8, 0.1])


# works ----------------------------------------------------------------------------------------------------------------
def int_that_becomes_float(x):
    total = 0
    for v in x:
        total += v
    return total


def index_after_the_loop(x):
    for i in range(len(x)):
        if x[i] > 1.5:
            break
    return i * x[i]


def bound_in_the_loop_and_read_behind(x):
    for i in range(len(x)):
        last = x[i] * i
    return last


def bound_in_both_branches(x):
    if x[0] > 0:
        a, b = x[0], 2.0
    else:
        a, b = x[1], x[2]
    return a * b


def bound_in_one_branch_and_not_read(x):
    total = 0.0
    for v in x:
        if v > 0:
            square = v * v
            total += square
    return total


def growing_list_of_known_length(x):
    parts = []
    for i in range(len(x)):
        parts.append(x[i] * i)
    return np.sum(np.array(parts))


def growing_array_of_known_length(x):
    a = np.zeros(0)
    for i in range(len(x)):
        a = np.append(a, x[i] * i)
    return np.sum(a)


def shapes_by_the_index(x):
    total = 0.0
    for i in range(1, len(x)):
        total += np.sum(np.ones(i) * x[:i])
    return total


def table_by_the_index(x):
    """A dict that is looked up by a known index."""
    table = {k: k * k for k in range(len(x))}
    total = 0.0
    for i in range(len(x)):
        total += table[i] * x[i]
    return total


def handler_around_a_loop(x):
    try:
        total = 0.0
        for v in x:
            total += v * v
    finally:
        total *= 2
    return total


def loop_that_never_runs(x):
    total = x[0]
    for i in range(5, 5):
        total = missing * i  # noqa: F821
    return total


def generator_over_a_loop(x):
    def squares():
        for i in range(len(x)):
            yield x[i] * x[i]
    return sum(squares())


def best_so_far_from_none(x):
    best = None
    for v in x:
        if best is None or v > best:
            best = v
    return best


def integer_overflow_is_numpys(x):
    k = np.int64(2 ** 62)
    for i in range(12):
        k = k + k
    return x[0] * k


WORKS = (
    int_that_becomes_float, index_after_the_loop, bound_in_the_loop_and_read_behind, bound_in_both_branches,
    bound_in_one_branch_and_not_read, growing_list_of_known_length, growing_array_of_known_length, shapes_by_the_index,
    table_by_the_index, handler_around_a_loop, loop_that_never_runs, generator_over_a_loop, best_so_far_from_none,
    integer_overflow_is_numpys,
)


@pytest.mark.parametrize("f", WORKS, ids=lambda f: f.__name__)
def test_works(f):
    with np.errstate(all="ignore"):
        same(gj.jit(f)(X), f(X))
        value, gradient = gj.value_and_grad(f)(X)
        same(value, f(X) * 1.0)
        for k in range(len(X)):
            h = np.zeros(len(X))
            h[k] = 1e-6
            assert abs((f(X + h) - f(X - h)) / 2e-6 - gradient[k]) < 1e-6 * (1 + abs(gradient[k]))


# is refused -----------------------------------------------------------------------------------------------------------
def shape_changes(x):
    a, n = x, np.argmax(x) + 3
    for i in range(n):
        a = np.concatenate([a, a])
    return np.sum(a)


def rank_changes(x):
    a, k = x, 0
    while a.sum() > 0.1 and k < 20:
        a = a[:, None] * np.ones(1)
        k += 1
    return np.sum(a)


def dtype_changes(x):
    a, n = np.zeros(len(x), np.float32), np.argmax(x) + 3
    for i in range(n):
        a = a * x
    return np.sum(a)


def becomes_a_tuple(x):
    a = x[0]
    for k in range(np.argmax(x) + 3):
        a = (a, x[0])
    return np.sum(x)


def bound_in_one_branch_in_a_loop(x):
    total = 0.0
    for v in x:
        if v > 300:
            weight = v
        total += weight
    return total


def bound_in_a_loop_that_may_not_run(x):
    for i in range(np.argmax(x) - 2):
        last = x[i]
    return last


def traced_key(x):
    table = {0: 1.0, 1: 2.0, 2: 3.0}
    return table[np.argmax(x) % 3] * np.sum(x)


def traced_shape(x):
    n = 3
    for v in x:
        if v > 0:
            n += 1
    return np.sum(np.zeros(n)) + x[0]


def dict_under_a_traced_condition(x):
    found = {}
    for v in x:
        if v > 0:
            found["v"] = v
    return found["v"] + x[0]


def try_around_a_traced_condition(x):
    total = 0.0
    try:
        if x[0] > 0:
            total = x[0]
    except ValueError:
        total = 1.0
    return total


def try_in_a_traced_branch(x):
    total = 0.0
    for v in x:
        if v > 0:
            try:
                total += v
            except ValueError:
                total += 1.0
    return total


def generator_with_a_traced_condition(x):
    def positive():
        for i in range(len(x)):
            if x[i] > 0:
                yield x[i]
    return sum(positive())


def match_on_a_traced_value(x):
    total = 0.0
    for i in range(len(x)):
        match int(x[i] > 0) + i % 2:
            case 0:
                total += x[i]
            case 1:
                total -= x[i]
            case _:
                total += 2 * x[i]
    return total


def del_in_a_traced_branch(x):
    a = x[0]
    if x[1] > 0:
        del a
    return np.sum(x)


def truth_of_an_array(x):
    return np.sum(x) if x > 0 else np.sum(x * 2)


def while_on_an_array(x):
    while x > 1.0:
        x = x / 2
    return np.sum(x)


def float_as_an_index(x):
    s = 1.0
    for i in range(len(x)):
        s += x[s]
    return s


def float_as_a_bound(x):
    total = 0.0
    for i in range(x[0]):
        total += x[i]
    return total


def step_zero(x):
    total = 0.0
    for i in range(0, 10, 0):
        total += x[i]
    return total


def too_few_to_unpack(x):
    total = 0.0
    for a, b, c in np.ones((12, 2)) * x[:, None]:
        total += a * b * c
    return total


def recursion_on_a_traced_value(x):
    def halve(v):
        if v < 0.01:
            return v
        print(v)
        return halve(v / 2)
    return halve(x[0])


def constant_index_out_of_range(x):
    total = 0.0
    for i in range(20):
        total += x[12] * i
    return total


def shapes_that_do_not_fit(x):
    total = np.zeros(3)
    for i in range(20):
        total = total + x
    return np.sum(total)


def different_shapes_of_branches(x):
    y = x[:2] if x[0] > 0 else x[:3]
    return np.sum(y)


def iterates_over_a_number(x):
    total = 0.0
    for v in x[0]:
        total += v
    return total


def unpacks_a_longer_array(x):
    a, b = x
    return a * b


REFUSED = (
    (shape_changes, gj.TraceError, r"\ba\b.*f64\[12\].*f64\[24\]"),
    (rank_changes, gj.TraceError, r"\ba\b.*f64\[12\].*f64\[12,1\]"),
    (dtype_changes, gj.TraceError, r"\ba\b.*f32\[12\].*f64\[12\]"),
    (becomes_a_tuple, gj.TraceError, r"\ba\b.*tuple"),
    (bound_in_one_branch_in_a_loop, UnboundLocalError, r"\bweight\b"),
    (bound_in_a_loop_that_may_not_run, UnboundLocalError, r"\blast\b"),
    (traced_key, gj.TraceError, "key|hash"),
    (traced_shape, gj.TraceError, "shape"),
    (dict_under_a_traced_condition, gj.TraceError, r"\bfound\b|dict"),
    (truth_of_an_array, (gj.GradjitError, ValueError), r"any\(\).*all\(\)|array"),
    (while_on_an_array, (gj.GradjitError, ValueError), r"any\(\).*all\(\)|array"),
    (float_as_an_index, (gj.GradjitError, IndexError), "integer"),
    (float_as_a_bound, (gj.GradjitError, TypeError), "integer"),
    (step_zero, ValueError, "zero"),
    (too_few_to_unpack, ValueError, "unpack"),
    (recursion_on_a_traced_value, gj.TraceError, "recursion|calls itself"),
    (constant_index_out_of_range, IndexError, "index 12 is out of bounds"),
    (shapes_that_do_not_fit, ValueError, "broadcast"),
    (different_shapes_of_branches, gj.TraceError, r"f64\[2\].*f64\[3\]"),
    (iterates_over_a_number, TypeError, "iterat"),
    (unpacks_a_longer_array, ValueError, "unpack"),
)


@pytest.mark.parametrize("f, error, message", REFUSED, ids=lambda c: getattr(c, "__name__", None))
@pytest.mark.parametrize("transform", [gj.jit, gj.grad], ids=["jit", "grad"])
def test_refused(transform, f, error, message):
    g = transform(f)
    for _ in range(2):  # the second time as the first
        with pytest.raises(error, match=f"(?s){message}") as e:
            g(X)
        if isinstance(e.value, gj.GradjitError):
            line = f.__code__.co_firstlineno
            assert any(f'test_errors.py", line {k}' in str(e.value) for k in range(line, line + 14)), str(e.value)
    same(gj.grad(int_that_becomes_float)(X), np.ones(len(X)))


EITHER = (
    try_around_a_traced_condition, try_in_a_traced_branch, generator_with_a_traced_condition, match_on_a_traced_value,
    del_in_a_traced_branch,
)


@pytest.mark.parametrize("f", EITHER, ids=lambda f: f.__name__)
def test_works_or_is_refused(f):
    try:
        got = gj.jit(f)(X)
    except gj.TraceError as e:
        line = f.__code__.co_firstlineno
        assert any(f'test_errors.py", line {k}' in str(e) for k in range(line, line + 14)), str(e)
    else:
        same(got, f(X))


# at run time ----------------------------------------------------------------------------------------------------------
def test_no_end_can_be_interrupted():
    """Ctrl-C in compiled code that never ends."""
    program = textwrap.dedent("""
        import signal
        import sys
        import numpy as np
        import gradjit as gj

        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

        def forever(x):
            while x > 0:
                x = x * 0.5 + 1.0
            return x

        f = gj.jit(forever)
        print("called", flush=True)
        try:
            f(1.0)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.exit(0)
    """)
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"forever_{os.getpid()}.py"
    path.write_text(program)
    try:
        with subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "called\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(3)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            assert process.returncode == 0
            assert process.stdout.read() == "interrupted\n"
    finally:
        path.unlink()


def test_index_out_of_range_is_named_when_checked():
    def f(x, start):
        total = 0.0
        for k in range(10):
            total += x[start + 2 * k]
        return total

    with pytest.raises(IndexError, match=r"(?s)12.*size 12.*test_errors\.py"):
        gj.jit(f, check=True)(X, np.int64(0))
    with pytest.raises(IndexError, match=r"(?s)size 12.*test_errors\.py"):
        gj.grad(f, check=True)(X, np.int64(2))


def test_asserts_are_checked_when_asked_for():
    def f(x):
        total = 0.0
        for v in x:
            assert v > -1.0, "below"
            total += v
        return total

    same(gj.jit(f)(X), np.sum(X), 1e-9)
    with pytest.raises(AssertionError, match=r"(?s)below.*test_errors\.py"):
        gj.jit(f, check=True)(X)
    same(gj.jit(f, check=True)(X + 1), f(X + 1), 1e-9)
