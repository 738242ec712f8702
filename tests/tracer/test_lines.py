"""Every operation carries the line of the user's text that computes it: each line of a program says what it gives."""

from __future__ import annotations

import functools
import inspect
import linecache
from contextlib import contextmanager

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import walk
from gradjit.tracer.trace import trace

X = np.array([0.7, 1.3, 0.4])
N = np.int64(20)
PLUMBING = {"const", "reshape", "broadcast", "cast", "slice", "maximum", "iota", "read", "gather"}
"""What comes along with other operations: its line must give some operation, too."""


# programs: behind each line the operations that it gives --------------------------------------------------------------
def straight(x, n):
    y = np.sin(x)  # sin
    z = (y +  # add
         np.cos(  # cos mul
             y
         ) *
         np.exp(x))  # exp
    z[0] = np.tanh(  # update tanh
        x[1])  # slice reshape
    return -z  # neg


def loops(x, n):
    for _i in range(n):  # for
        x = np.sin(x)  # sin
        for _j in range(  # for
                9,
                30,
        ):
            x = x * 2.0  # mul
            x = np.cos(x)  # cos
        x = np.exp(x)  # exp
    while np.sum(  # sum lt while
            x) < 1e3:
        x = (x +  # add
             1.0)
        x = np.sqrt(x)  # sqrt
    return x


def loops_on_one_line(x, n):
    for _i in range(n): x = np.sin(x)  # for sin  # noqa: E701
    while np.sum(x * x) < 9.0: x = x - 1.0; x = np.cos(x)  # while sum mul lt sub cos  # noqa: E701, E702
    if np.max(x) > 0.5: x = np.exp(x)  # if gt max exp  # noqa: E701
    return x


def branches(x, n):
    if x[0] > 0.5:  # gt if
        y = np.sin(x)  # sin
        y = np.tanh(y)  # tanh
    elif (x[1]  # lt if
          < 0.5):
        y = np.cos(x)  # cos
    else:
        y = np.exp(x)  # exp

        y = np.sqrt(y)  # sqrt
    if (
        x[2] >= 0.1  # ge
        and np.sum(x) <= 3.0  # le sum
    ):
        y = y * 2.0  # mul

    return y


# The `and` begins in its first line, and what chooses between both sides in the line of the `if`.
branches.extra = {"if": ["if (", "x[2] >= 0.1"], "lt": ["elif (x[1]"], "select": ["x[2] >= 0.1"]}


def expressions(x, n):
    a = np.sin(x) if x[0] > 0.5 else np.cos(x)  # if gt sin cos
    b = (np.exp(x)  # if exp
         if x[1] >= 0.5  # ge
         else
         np.tanh(x))  # tanh
    c = x[0] < x[1] < np.sum(  # if lt sum
        x)
    d = [np.sqrt(v)  # sqrt
         for v in (a,
                   b * 2.0)]  # mul
    e = {k: np.log(v)  # log
         for k, v in
         enumerate(d)}
    return (sum(np.square(v)  # mul add
                for v in e.values()) +
            np.where(c, a, b))  # select


expressions.extra = {"if": ["x[0] < x[1]"]}


def methods(x, n):
    y = (x
         .cumsum()  # cumsum
         .clip(0.1,  # minimum maximum
               2.0)
         .T
         .dot(  # mul sum
             x
         ))
    z = (x
         + x.real
         ).prod()  # prod
    return y * z  # mul


methods.extra = {"add": ["z = (x"]}


def writes(x, n):
    y = np.zeros(3)
    y[0] = np.sin(x[0])  # update sin
    y[1], y[2] = (np.cos(x[1]),  # cos update
                  np.exp(x[2]))  # exp
    y[1:] *= (  # update mul
        np.tanh(x[1:]))  # tanh
    y += 1.0  # add
    for i in range(n):  # for
        y[i % 3] += np.sqrt(x[i % 3])  # update add sqrt mod
        y[0] = (
            y[1] - 1.0)  # sub
    return y


writes.extra = {"update": ["y[0] = ("]}


def exchanges(x, n):
    y = x.copy()
    held = y[0]  # slice
    y[0] = y[1]  # update slice
    y[1] = held  # update
    return np.sin(y)  # sin


def jumps(x, n):
    total = np.sum(x)  # sum
    for i in range(n):  # while lt add
        if total > 50.0:  # gt if
            break
        if i % 3 == 0:  # mod eq if
            continue
        total = total * 1.5  # mul
        if total < -1.0:  # lt if
            return np.sin(total)  # sin
        total = np.exp(total)  # exp
    else:
        total = np.cos(total)  # cos

    return total


# What is done behind a jump stands under a condition of ours, at the statement that it begins with.
jumps.extra = {"if": ["total = total * 1.5", "total = np.exp", "total = np.cos", "return total", "for i in range(n)",
                      "if total < -1.0", "if i % 3", "while"],
               "or": None, "not": None, "and": None, "select": None}


@contextmanager
def scope():
    yield 2.0


def compound(x, n):
    with scope() as k:
        x = np.sin(x)  # sin

        x = x * k  # mul
    try:
        x = np.cos(x)  # cos
        for _i in range(n):  # for
            x = np.exp(x)  # exp
    except ValueError:
        x = -x
    finally:
        x = np.tanh(x)  # tanh
    match n:
        case None:
            pass
        case _:
            x = np.sqrt(x)  # sqrt
    assert x[0] > -1.0, "text"  # gt assert
    return x


def decorator(f):
    @functools.wraps(f)
    def wrapped(x, n):
        y = f(np.exp(x), n)  # exp

        return np.sqrt(y)  # sqrt

    return wrapped


@decorator
@decorator
def decorated(
    x: np.ndarray,
    n: int,
):
    """With a text

    of several lines."""
    for _ in range(n):  # for
        x = np.sin(x)  # sin

    helper = lambda v, k=3: (
        np.cos(v)  # cos
        * k)

    def inner(v):
        if v[0] > 0.1:  # gt if

            return np.tanh(v)  # tanh
        return v - 1.0  # sub
    return inner(
        helper(x),
    )


decorated.extra = {"mul": ["np.cos(v)"], "exp": ["f(np.exp(x), n)"], "sqrt": ["np.sqrt(y)"]}


def by_functions(x, n):
    def step(i, c):

        return np.sin(c)  # sin
    x = gj.fori_loop(0, n, step, x)  # for
    x = gj.while_loop(lambda c: np.sum(c) < 9.0,  # while lt sum
                      lambda c: np.exp(c), x)  # exp
    x = gj.cond(x[0] > 0.5,  # gt if
                lambda c: np.cos(c),  # cos
                np.tanh, x)
    y, ys = gj.scan(lambda c, r: (np.sqrt(c), r * c),  # sqrt mul
                    x, x[:, None])  # reshape
    return y + ys.sum(0)  # add sum


by_functions.extra = {"tanh": ["x = gj.cond("], "update": None}

PROGRAMS = [straight, loops, loops_on_one_line, branches, expressions, methods, writes, exchanges, jumps, compound,
            decorated, by_functions]


def given(line):
    """The operations that a line says it gives."""
    return set(line.partition("  # ")[2].partition("  # noqa")[0].split())


def operations(f):
    """(operation, line of text) of a traced program."""
    t = trace(f, (X, N), {}, checking=True)
    return [(op.name, linecache.getline(op.loc.file, op.loc.line), op.loc) for op in walk(t.func.body)]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_each_operation_has_its_text(f):
    plain = inspect.unwrap(f)
    extra = getattr(plain, "extra", {}) or getattr(f, "extra", {})
    found = operations(f)
    wrong = []
    for name, text, loc in found:
        assert loc.file == __file__
        also = extra.get(name, ())
        right = name in given(text) or also is None or any(a in text for a in also)
        some = given(text) or any(a in text for texts in extra.values() for a in texts or ())
        if not (right or (name in PLUMBING and some)):
            wrong.append(f"{name} at {loc}: {text.strip()}")
    lines, first = inspect.getsourcelines(plain)
    missing = [(name, line.strip()) for k, line in enumerate(lines, first) for name in given(line)
               if not any(name == n and loc.line == k for n, _, loc in found)]
    assert (wrong, missing) == ([], [])


# loops and errors -----------------------------------------------------------------------------------------------------
def test_stats_name_loops_by_their_own_lines():
    f = gj.jit(loops)
    f.ir(X, N)
    (s,) = f.stats().specialisations
    lines, first = inspect.getsourcelines(loops)
    begin = [k for k, line in enumerate(lines, first) if line.strip().startswith(("for", "while"))]
    assert sorted(loc.line for loc in s.loops) == begin
    assert all(why == "" for why in s.loops.values())


def test_an_unrolled_loop_is_named_by_its_own_line():
    names = [str(k) for k in range(12)]

    def f(x):
        for k in range(12):
            x = x * 2.0
            x = x + float(names[k])
        return x

    g = gj.jit(f)
    g(X)
    ((loc, why),) = g.stats().specialisations[0].loops.items()
    assert loc.line == inspect.getsourcelines(f)[1] + 1
    assert why


ERRORS = {
    "if": """
        if x > 0:  # here
            return x
        return -x""",
    "if over several lines": """
        if (  # here
            x > 0
        ):
            return x
        return -x""",
    "elif": """
        if x[0] > 100.0:
            return x
        elif x > 0:  # here
            x = x * 2.0
            return x
        return -x""",
    "while": """
        while x > 0:  # here
            x = x - 1.0
            x = x * 0.5
        return x""",
    "conditional expression": """
        y = (1.0 if x > 0  # here
             else 2.0)
        return y * x""",
    "and": """
        y = (x > 0 and  # here
             x < 1)
        return y""",
    "not": """
        y = [1,
             not x]  # here
        return y""",
    "call over several lines": """
        y = x + 1.0
        return np.packbits(  # here
            y,
        )""",
    "method over several lines": """
        return (x
                .sum()
                .tobytes(  # here
                ))""",
    "comprehension": """
        return [v * 2.0
                for v in x
                if v > x]  # here""",
    "lambda": """
        f = (lambda v:
             np.packbits(v))  # here
        y = f(
            x)
        return y""",
    "in a loop": """
        for i in range(20):
            x = x + 1.0
            x = np.packbits(x)  # here
            x = x * 2.0
        return x""",
    "in a with": """
        with np.errstate(all="ignore"):
            y = x * 2.0
            z = np.packbits(y)  # here
            y = z
        return y""",
    "in a try": """
        try:
            y = np.packbits(x)  # here
        finally:
            z = x * 2.0
        return z""",
    "store": """
        x[
            0] = 1.0
        x[np.arange(4)] = np.ones(5)  # here
        return x""",
    "index": """
        y = x[1]
        return x[7]  # here""",
    "shapes": """
        y = x * 2.0
        return (y
                + np.ones(  # remark
                    4))""",
    "loop that cannot be compiled": """
        k = np.int64(0) + n
        for i in range(k):  # here
            x = np.concatenate([x, x])
            x = x * 2.0
        return x""",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_name_the_line(name):
    text = "import numpy as np\ndef erring(x, n):" + ERRORS[name].replace("\n    ", "\n") + "\n"
    file = f"<errors of {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {}
    exec(compile(text, file, "exec"), space)
    with pytest.raises(gj.GradjitError) as caught:
        gj.jit(space["erring"])(X, N)
    line = next((k for k, s in enumerate(text.splitlines(), 1) if s.endswith("# here")), 4)
    assert f'File "{file}", line {line}, in' in str(caught.value), f"line {line}: {caught.value}"
