"""Names that a loop or a branch binds, and the arrays that they name: values, arguments afterwards, and gradients are
those of the plain function. What only a run could tell is refused, here and nowhere else."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import verify, walk
from gradjit.tracer.trace import trace

X = np.arange(1.0, 7.0)
Y = np.linspace(-1.5, 2.0, 6)
M = np.arange(1.0, 13.0).reshape(3, 4) / 3
N = np.int64(11)
NONE = np.int64(0)


def turned_round(x):
    v = x[2:]
    for _ in range(12):
        v = v[::-1]
    x[3] += 10.0
    return v


def turned_round_an_odd_number_of_times(x):
    v = x[2:]
    for _ in range(13):
        v = v[::-1]
    x[3] += 10.0
    return v


def turned_round_an_unknown_number_of_times(x, n):
    v = x[2:]
    for _ in range(n):
        v = v[::-1]
    x[3] += 10.0
    return v


def turned_round_and_only_read(x, n):
    v = x[2:]
    for _ in range(n):
        v = v[::-1]
    return v * x[1]


def turned_round_and_written(x):
    v = x[1:]
    for _ in range(12):
        v = v[::-1]
    v[0] = 50.0
    return np.sum(x * x)


def the_same_view_in_each_iteration(x, n):
    v = x[2:]
    for i in range(n):
        v = x[2:]
        v[0] += 0.1 * i
    x[2] += 5.0
    v[1] *= 2.0
    return v


def all_of_it_in_each_iteration(x, n):
    v = x
    for _ in range(n):
        v += 1.0
        v = v[:]
    v[0] = 3.0
    return x


def last_view_of_a_loop(x, n):
    v = x[:3]
    for _ in range(n):
        v = x[3:]
    v[0] *= 7.0
    return x


def fresh_in_each_iteration(x):
    v = x
    for _ in range(12):
        v = np.where(v > 0, v, 0.0)
    x[0] = 9.0
    return v


def fresh_in_each_iteration_if_any(x, n):
    v = x
    for _ in range(n):
        v = v * 1.1
    x[0] = 9.0
    return v


def fresh_in_each_iteration_if_any_and_written(x, n):
    v = x
    for _ in range(n):
        v = v * 1.1
    v[0] = 9.0
    return x


def a_view_if_there_is_no_iteration(x, n):
    v = x[1:]
    for _ in range(n):
        v = v * 1.1
    v[0] = 9.0
    x[2] = 4.0
    return v


def another_array_if_there_is_an_iteration(x, y, n):
    v = x
    for _ in range(n):
        v = y
    v[0] = 9.0
    x[1] = 4.0
    return v * 2.0, x[0] + y[0]


def bound_in_a_branch_of_a_loop(x):
    w = x
    for _ in range(12):
        if x[1] > 50.0:
            w = x * 2.0
    x[0] = 77.0
    return w


def bound_in_a_branch_of_a_loop_unknown(x, n):
    w = x
    for _ in range(n):
        if x[1] > 50.0:
            w = x * 2.0
    x[0] = 77.0
    return w


def bound_in_a_branch_of_a_loop_and_only_read(x, n):
    w = x
    for i in range(n):
        if x[1] > 0.1 * i:
            w = w * 0.5
    return w


def negated_in_no_iteration(x):
    for _ in range(10):
        if x[0] > 100.0:
            x = -x
    x *= 2.0
    return np.sum(x)


def negated_in_some_branch(x):
    if x[0] > 0.0:
        x = -x
    x *= 2.0
    return np.sum(x)


def negated_in_no_branch(x):
    if x[0] > 100.0:
        x = -x
    x *= 2.0
    return np.sum(x)


def while_of_no_iteration(x, z):
    v = x * z
    while z < -0.2:
        x = np.tanh(v)
        z = z + 1.0
    x[:] = v
    return v * 2.0


def while_of_an_iteration(x, z):
    v = x * z
    while z < 0.7:
        x = np.tanh(v)
        z = z + 1.0
    x[:] = v
    return v * 2.0


def while_of_no_iteration_in_a_for(x, z):
    v = x * z
    for _ in range(3):
        x[:] = v
        while z < -0.2:
            x = np.tanh(v)
            z = z + 1
    return v * 2.0


def while_left_at_once(x, z):
    v = x * z
    while True:
        if z > -0.2:
            break
        x = np.tanh(v)
        z = z + 1
    x[:] = v
    return v * 2.0


def rows_by_iteration(m):
    r = m[0]
    for i in range(15):
        r = m[i % 3]
    m[2, 1] += 5.0
    return r * 1.0


def rows_by_iteration_written(m):
    r = m[0]
    for i in range(15):
        r = m[i % 3]
        r[0] += 1.0
    r[1] = 0.0
    return m[2] * r


def rows_over_an_array(m):
    last = m[0]
    for row in m:
        last = row
    last[1] *= 3.0
    return m * 2.0


def transposed(m):
    t = m
    for _ in range(2):
        t = t.T
    for _ in range(12):
        t = t[::-1]
    m[0, 0] = 30.0
    return t * 2.0


def shrinking(x):
    v = x
    for _ in range(3):
        v = v[1:]
    x[3:] *= 3.0
    return v


def swapped_by_turns(x):
    a, b = x[:3], x[3:]
    for _ in range(11):
        a, b = b, a
    x[0] = 40.0
    return a + 2.0 * b


def swapped_an_unknown_number_of_times(x, n):
    a, b = x[:3], x[3:]
    for _ in range(n):
        a, b = b, a
    x[0] = 40.0
    return a + 2.0 * b


def swapped_buffers(x, n):
    a, b = x * 1.0, np.zeros(6)
    for _ in range(n):
        b[1:] = 0.5 * a[:-1]
        a, b = b, a
    a[0] = 4.0
    return a + 2.0 * b


def swapped_without_a_write(x, y, n):
    a, b = x * 1.0, y * 1.0
    for _ in range(n):
        a, b = b, a
    a[0] = 4.0
    return a + 2.0 * b


def swapped_in_a_branch(x, y):
    a, b = x, y
    if x[1] > y[1]:
        a, b = b, a
    a[0] = 4.0
    b[1] = 5.0
    return a * 2.0 + b, x - y


def swapped_in_two_branches(x, y):
    a, b = x, y
    if x[1] > y[1]:
        a, b = b, a
    a[0] = 4.0
    b[1:] += a[1:]
    if x[2] > 0.0:
        a, b = b, a
    a *= 2.0
    return a * 2.0 + b, x - y


def one_of_two(x, y):
    w = x
    for i in range(11):
        if x[i % 6] > 3.0:
            w = y
    y[0] += 100.0
    return w * 1.0


def one_of_two_is_returned(x, y):
    w = y
    for _ in range(11):
        if y[0] > -5.0:
            w = x
    w[1] = 33.0
    return w


def one_of_two_views(x):
    v = x[:3] if x[0] > 0.0 else x[3:]
    x[1] = 5.0
    v[2] *= 3.0
    return v * 1.0, x * 1.0


def overlapping_views(x):
    v = x[:4] if x[0] < 0.0 else x[2:]
    w = x[1:5]
    v[1] = 5.0
    w[2] *= 3.0
    x[2] += v[2]
    return v * w


def chosen_twice(x, y):
    a = x if x[0] > 0.0 else y
    b = a if y[0] > 0.0 else x
    b[1] = 7.0
    a[2] = 8.0
    x[3] = 9.0
    return a + 2.0 * b + 3.0 * x + 4.0 * y


def chosen_or_computed(x):
    v = x if x[0] > 0.5 else x * 2.0
    for _ in range(11):
        v = v if x[1] > 0.5 else -v
    x[2] = 60.0
    return v


def nested_choice(x, y):
    w = y
    if x[0] > 0.0:
        if y[0] > 0.0:
            w = x
    return w[1] * x[0]


def elif_chain(x, y):
    if x[0] > 3.0:
        w = x
    elif x[1] > 1.0:
        w = y
    else:
        w = x * 1.0
    w[0] = 4.0
    return x + y


def kept_in_a_list(x):
    box = [x]
    for _ in range(11):
        box[0] = box[0][::-1]
    x[0] = 25.0
    return box[0] * 1.0


def kept_in_a_dict(x, y):
    box = {"a": x, "b": y}
    if x[0] > 0.0:
        box["a"], box["b"] = box["b"], box["a"]
    box["a"][1] = 25.0
    return x * 2.0 + y


def list_of_views(x):
    parts = [x[:2], x[2:4], x[4:]]
    total = 0.0
    for k in range(3):
        parts[k][0] *= 2.0
        total = total + np.sum(parts[k])
    x[1] = 3.0
    return total + parts[0][1]


def list_by_a_traced_number(x, n):
    parts = [x[:3], x[3:]]
    v = parts[n % 2]
    return v * 2.0


class Box:
    def __init__(self, v):
        self.v = v


def kept_in_an_object(x):
    box = Box(x)
    for _ in range(11):
        box.v = box.v[::-1]
    x[0] = 25.0
    return box.v * 1.0


def kept_in_an_object_in_a_branch(x, y):
    box = Box(x)
    if x[0] > 0.0:
        box.v = y
    box.v[0] = 25.0
    return x * y


def nested_loops(x):
    v = x[1:5]
    for _ in range(4):
        for _ in range(4):
            v = v[::-1]
        x[2] += 1.0
    return v


def over_arrays(x):
    last = x[:2]
    for part in (x[:2], x[2:4], x[4:]):
        last = part
    x[5] = 12.0
    return last * 3.0


def broken_off(x):
    v = x
    for i in range(12):
        if x[i % 6] > 4.5:
            v = x[::-1]
            break
    x[0] = 15.0
    return v


def broken_off_or_else(x):
    for i in range(12):
        if x[i % 6] > 4.5:
            v = x[1:]
            break
    else:
        v = x[:5]
    x[1] = 15.0
    return v


def kept(u):
    for _ in range(12):
        if u[0] > 1e9:
            u = u * 2.0
    return u


def helper_gives_its_argument_back(x):
    v = kept(x)
    v[0] = 21.0
    return np.sum(x * x)


def larger(u, v):
    if u[0] > v[0]:
        return u
    return v


def helper_gives_one_of_two_back(x, y):
    v = larger(x, y)
    v[1] = 21.0
    y[2] = 3.0
    return v * x + y


def helper_in_a_loop(x, y, n):
    for i in range(n):
        v = larger(x, y)
        v[i % 6] += 0.1
    return x * y


def early_return(x, y):
    for i in range(9):
        if x[i % 6] > y[i % 3] + 4.0:
            return x[::-1]
        x[i % 6] += 0.1
    return y


def in_try_and_finally(x, y):
    v = x
    try:
        if x[0] > 0.0:
            v = y
    finally:
        x[0] = 3.0
    v[1] = 5.0
    return v * x


def view_of_a_base_that_is_bound_anew(x, n):
    b = x * 1.0
    v = b[1:]
    for _ in range(n):
        v = b[1:]
        b = b * 1.5
        v[0] = 0.0
    return b * v[0]


def argument_bound_anew_and_written(x):
    x = x[::-1]
    x[0] = 4.0
    x = x[1:]
    x[0] = 5.0
    return x


def read_in_a_loop_behind_a_branch(x, y):
    v = x if x[0] > y[0] else y
    s = 0.0
    for i in range(12):
        s = s + v[i % 6]
        x[i % 6] *= 1.5
    return s


def written_in_a_loop_behind_a_branch(x, y):
    v = x if x[0] > y[0] else y
    s = 0.0
    for i in range(12):
        v[i % 6] *= 1.5
        s = s + x[(i + 1) % 6] * y[i % 6]
    return s


def changed_before_and_in_a_loop(x, y):
    v = x if x[0] > y[0] else y
    v[1] = 0.5
    for i in range(12):
        x[i % 6] += 1.0
    return v + x * y


def changed_on_both_sides(x, y):
    v = x if x[0] > y[0] else y
    if x[2] > 1.0:
        v[0] = 3.0
    else:
        v[1] = 4.0
    return v * x + y


def changed_under_another_name_on_each_side(x, y):
    v = x if x[0] > y[0] else y
    if x[2] > 1.0:
        v[0] = 3.0
    else:
        x[1] = 4.0
    return x * 1.0


def reshaped_behind_a_branch(m):
    t = m.reshape(-1) if m[0, 0] > 0.0 else m[::-1].reshape(-1)
    m[0, 1] = 5.0
    t[2] = 6.0
    return t * 1.0, m * 1.0


def two_names_of_one_new_array(x):
    if x[0] > 0.0:
        a = b = x * 2.0
    else:
        a, b = x * 3.0, x * 4.0
    return a * b


def two_names_of_one_new_array_written(x):
    if x[0] > 0.0:
        a = b = x * 2.0
    else:
        a, b = x * 3.0, x * 4.0
    a[0] = 1.0
    return a * b


CASES = {
    turned_round: (X,), turned_round_an_odd_number_of_times: (X,), turned_round_an_unknown_number_of_times: (X, N),
    turned_round_and_only_read: (X, N), turned_round_and_written: (X,), the_same_view_in_each_iteration: (X, N),
    all_of_it_in_each_iteration: (X, N), last_view_of_a_loop: (X, N), fresh_in_each_iteration: (X,),
    fresh_in_each_iteration_if_any: (X, N), fresh_in_each_iteration_if_any_and_written: (X, N),
    a_view_if_there_is_no_iteration: (X, N), another_array_if_there_is_an_iteration: (X, Y, N),
    bound_in_a_branch_of_a_loop: (X,), bound_in_a_branch_of_a_loop_unknown: (X, N),
    bound_in_a_branch_of_a_loop_and_only_read: (X, N), negated_in_no_iteration: (X,), negated_in_some_branch: (X,),
    negated_in_no_branch: (X,), while_of_no_iteration: (X, 0.5), while_of_an_iteration: (X, 0.5),
    while_of_no_iteration_in_a_for: (X, 0.5), while_left_at_once: (X, 0.5), rows_by_iteration: (M,),
    rows_by_iteration_written: (M,), rows_over_an_array: (M,), transposed: (M,), shrinking: (X,),
    swapped_by_turns: (X,), swapped_an_unknown_number_of_times: (X, N), swapped_buffers: (X, N),
    swapped_without_a_write: (X, Y, N), swapped_in_a_branch: (X, Y), swapped_in_two_branches: (X, Y),
    one_of_two: (X, Y), one_of_two_is_returned: (X, Y), one_of_two_views: (X,), overlapping_views: (X,),
    chosen_twice: (X, Y), chosen_or_computed: (X,), nested_choice: (X, Y), elif_chain: (X, Y), kept_in_a_list: (X,),
    kept_in_a_dict: (X, Y), list_of_views: (X,), list_by_a_traced_number: (X, N), kept_in_an_object: (X,),
    kept_in_an_object_in_a_branch: (X, Y), nested_loops: (X,), over_arrays: (X,), broken_off: (X,),
    broken_off_or_else: (X,), helper_gives_its_argument_back: (X,), helper_gives_one_of_two_back: (X, Y),
    helper_in_a_loop: (X, Y, N), early_return: (X, Y), in_try_and_finally: (X, Y),
    view_of_a_base_that_is_bound_anew: (X, N), argument_bound_anew_and_written: (X,),
    read_in_a_loop_behind_a_branch: (X, Y), written_in_a_loop_behind_a_branch: (X, Y),
    changed_before_and_in_a_loop: (X, Y), changed_on_both_sides: (X, Y),
    changed_under_another_name_on_each_side: (X, Y), reshaped_behind_a_branch: (M,), two_names_of_one_new_array: (X,),
    two_names_of_one_new_array_written: (X,),
}

REFUSED = {
    turned_round_an_unknown_number_of_times, bound_in_a_branch_of_a_loop_unknown, while_left_at_once,
    swapped_an_unknown_number_of_times, broken_off, changed_under_another_name_on_each_side,
    two_names_of_one_new_array_written,
}
"""Those whose aliases only a run can tell."""
NATIVE = (
    turned_round, last_view_of_a_loop, another_array_if_there_is_an_iteration, while_of_no_iteration,
    while_of_an_iteration, swapped_in_two_branches, overlapping_views, elif_chain, helper_in_a_loop,
    written_in_a_loop_behind_a_branch,
)


program = pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)


def variants(f):
    """The arguments; with the signs of the first changed; with no iterations."""
    args = CASES[f]
    yield args
    yield (-args[0], *args[1:])
    if args[-1] is N:
        yield (*args[:-1], NONE)


def compare(f, backend):
    compiled = gj.jit(f, backend=backend)
    for args in variants(f):
        mine, theirs = copy.deepcopy(args), copy.deepcopy(args)
        try:
            want = f(*theirs)
        except UnboundLocalError:
            continue
        got = compiled(*mine)
        for a, b in zip((*leaves(got), *mine), (*leaves(want), *theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def leaves(x):
    return x if isinstance(x, tuple) else (x,)


@program
def test_value_and_arguments_afterwards(f):
    if f in REFUSED:
        with pytest.raises(gj.TraceError, match=r"(?s)copy.*test_aliases.py\", line \d+"):
            compare(f, "interpreter")
    else:
        compare(f, "interpreter")


@pytest.mark.parametrize("f", NATIVE, ids=lambda f: f.__name__)
def test_machine_code(f):
    compare(f, "native")


@pytest.mark.parametrize("f", [f for f in CASES if f not in REFUSED], ids=lambda f: f.__name__)
def test_gradient(f):
    def objective(*args):
        return sum(np.sum(np.sin(y + 0.3)) for y in leaves(f(*args)))

    args = CASES[f]
    got = gj.grad(objective, backend="interpreter")(*args)
    want = np.zeros_like(args[0])
    for k in np.ndindex(want.shape):
        sides = []
        for h in (1e-6, -1e-6):
            moved = copy.deepcopy(args)
            moved[0][k] += h
            sides.append(objective(*moved))
        want[k] = (sides[0] - sides[1]) / 2e-6
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6)


# what names stand for, iteration by iteration -------------------------------------------------------------------------
def chosen_anew(x, y, n):
    for k in range(n):
        x = x if y[k % 5] > 0.3 else y
        y[k % 6] += 0.5
    x[2] *= 3.0
    return x * 1.0, y * 1.0


def changing_places(x, y, n):
    z = x
    for k in range(n):
        if x[k % 6] > y[0]:
            x, y = y, x
        x[k % 6] += y[k % 5]
        z[1] += 0.25
    return x * 1.0, y * 1.0, z * 1.0


def kept_in_a_list(x, y, n):
    kept = []
    for k in range(n):
        x, y = (x, y) if x[k % 6] < 2.5 else (y, x)
        kept.append(x)
        kept[k // 2][k % 6] += 0.5
    kept[0][3] = 9.0
    return sum(np.sum(np.sin(a)) for a in kept), x * 1.0, y * 1.0


def fresh_at_times(x, y, n):
    for k in range(n):
        y = x if y[k % 6] > 0 else y * 2.0
        y[k % 6] -= 0.75
        x[0] += 0.5
    return x * 1.0, y * 1.0


@pytest.mark.parametrize("f", [chosen_anew, changing_places, kept_in_a_list, fresh_at_times])
def test_bound_anew_in_iterations_that_run_as_python(f):
    for n in (3, 8):
        x, y, u, v = X.copy(), Y.copy(), X.copy(), Y.copy()
        for a, b in zip(gj.jit(f, backend="interpreter")(x, y, n), f(u, v, n), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)
        np.testing.assert_allclose(x, u, rtol=1e-14)
        np.testing.assert_allclose(y, v, rtol=1e-14)


@pytest.mark.parametrize("f", [chosen_anew, changing_places])
def test_the_trace_grows_with_the_iterations_alone(f):
    """And not with their square, as it does where each iteration looks through the names of all iterations before."""
    def size(n):
        return sum(1 for _ in walk(trace(f, (X.copy(), Y.copy(), n), {}).func.body))

    assert size(64) - size(48) <= 1.1 * (size(48) - size(32))


def test_what_an_attempt_has_bound_is_forgotten_with_it():
    """The loop is tried iteration by iteration first: the array that it merged there is none of the loop that is made
    instead."""
    def f(z):
        v = np.zeros(3)
        early = z > 0.1
        for _ in range(3):
            if early:
                v += 0.1
                return v
            v = v / 1
        return v

    func = trace(f, (0.5,), {}).func
    verify(func)
    for z in (0.5, 0.0):
        np.testing.assert_array_equal(gj.jit(f)(z), f(z))


def test_what_grows_without_measure_is_refused():
    """Each iteration of an unrolled loop needs what all iterations before it may have changed."""
    def f(x, y):
        k = 0
        while k < 40:
            k += 1
            x[k % 3] += y[0]
            if x[0] > 0.3 * k:
                x, y = y, x
            elif y[1] > 0.1:
                y = y[::-1]
            y[1] *= 0.9
        return np.sum(x * x) + np.sum(y)

    with pytest.raises(gj.TraceError, match="(?s)[xy] may be one array or another .* copy the array .*test_aliases.py"):
        gj.jit(f)(X.copy(), Y.copy())


def test_exchanged_again_and_again_by_loops_of_computed_length():
    """The ways from a name to what it may be are more than can be counted; what it may be are few."""
    def f(x, y, n):
        k = 40
        while k > 0:
            k -= 1
            y = y[::-1]
            for _ in range(n[0] % 3 + 1):
                x, y = y, x
        y *= 2.0
        return np.sum(x) + y[0]

    with pytest.raises(gj.TraceError, match="(?s)may be the same array .* copy the array .*test_aliases.py"):
        gj.jit(f)(X.copy(), Y.copy(), np.array([2]))


def changed_where_it_was(x):
    held = {"a": [x, 2.0]}
    row, total = held["a"], 0.0
    for k in range(30):
        if k * x < 8:
            row[0] += 0.1 * x
        else:
            held["a"] = [3.0 * x, x]
        total += held["a"][0]
    return total + row[0]


def changed_behind_the_loop(x):
    held = {"a": [x, 2.0]}
    row = held["a"]
    for k in range(30):
        if k * x > 50:
            held["a"] = [3.0 * x + k, x]
    row[0] = 100.0 * x
    return held["a"][0] + row[1]


def changed_though_no_iteration_ran(x):
    held = {"a": [x, 2.0]}
    row, y = held["a"], x
    while y < 1:
        held["a"] = [3.0 * y, x]
        y = y + 0.5
    row[0] = 100.0 * x
    return held["a"][0]


def changed_while_a_name_goes_on(x):
    first = [x, 1.0]
    last, total = first, 0.0
    while total < 50:
        last = [last[0] + x, last[1]]
        first[1] = first[1] * 1.1 + 0.1 * x
        total += last[0] + last[1]
    return total + first[1]


HELD_ELSEWHERE = [
    changed_where_it_was, changed_behind_the_loop, changed_though_no_iteration_ran, changed_while_a_name_goes_on,
]


@pytest.mark.parametrize("f", HELD_ELSEWHERE, ids=lambda f: f.__name__)
def test_what_a_loop_binds_anew_may_not_be_changed_under_another_name(f):
    """(The compiled function would not see the one change with the other.)"""
    for x in 0.7, 1.3:
        with pytest.raises(gj.TraceError, match="change a copy"):
            gj.jit(f)(x)


def itself_or_half(a, t):
    return a if t > 0.1 else 0.5 * a


def one_of_two_in_loops_within(x, z):
    v = x * 0.5
    r = itself_or_half(v, z)
    s, count = 0.0, 0
    while count < 3 and s < 100:
        count += 1
        for k in range(10):
            perhaps = itself_or_half(r, x[k])
            perhaps[1] = 3.0
            s = s + np.tanh(np.sum(perhaps))
    return s + np.sum(v)


@pytest.mark.parametrize("z", [0.0, 1.2])
def test_what_a_loop_within_has_told_of_names_is_taken_back_with_the_loop_around(z, monkeypatch):
    """(The loop around is traced again when its types are known.)"""
    monkeypatch.setenv("GRADJIT_VERIFY", "1")
    x = np.linspace(-0.5, 0.9, 10)
    assert np.isclose(gj.jit(one_of_two_in_loops_within)(x, z), one_of_two_in_loops_within(x, z))
    gj.check_grads(one_of_two_in_loops_within, x, z)
