"""Lifting: what Python functions may look like, and that it changes nothing but where the calls go."""

from __future__ import annotations

import functools
import linecache
import operator
import traceback

import numpy as np
import pytest

from gradjit.errors import LeakError, TraceError
from gradjit.tracer.hooks import Hooks
from gradjit.tracer.lift import lifted
from gradjit.tracer.source import definition
from gradjit.tracer.trace import trace

from .compare import check, run

X = np.arange(4.0)
RATE = 0.5
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])


def test_closures_and_defaults():
    scale, table = 3.0, np.ones(4)

    def f(x, power=2, *, shift=1.0, bias=WEIGHTS):
        return x * scale * power + table + shift + bias

    check(f, X)
    check(f, X, 3)
    check(f, X, power=1, shift=2.0)


def test_var_arguments():
    def f(*xs, **named):
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total * named["k"] + sum(named.values())

    check(f, X, X + 1, k=2.0, m=3.0)


def test_nested_functions_and_nonlocal():
    def f(x):
        count = 0
        total = x * 0

        def add(v):
            nonlocal count, total
            count += 1
            total += v
            return total

        add(x)
        add(x * 2)
        return total * count

    check(f, X)


def test_lambdas_on_one_line():
    fs = [lambda x: x + 1, lambda x: x * 2, lambda y: y - 3]
    for g in fs:
        check(g, X)
    a, b = (lambda x: x * RATE), (lambda x: x - RATE)
    check(a, X)
    check(b, X)


def test_lambda_over_several_lines():
    f = (lambda x:
         x * 2
         + 1)
    check(f, X)


class Model:
    rate = 2.0

    def __init__(self, w):
        self.w = w
        self.__secret = 3.0

    @property
    def doubled(self):
        return self.w * 2

    @staticmethod
    def square(x):
        return x * x

    @classmethod
    def build(cls, n):
        return cls(np.ones(n))

    def hidden(self, x):
        self.__secret += 0.0
        return x * self.__secret

    def __call__(self, x):
        return self.square(x) * self.w + self.doubled * self.rate + self.hidden(x)


class Child(Model):
    def __call__(self, x):
        return super().__call__(x) + super(Child, self).doubled

    def __getitem__(self, key):
        return self.w[key]


def test_methods_properties_inheritance_and_mangled_names():
    check(Model(np.arange(4.0)), X)
    check(Model(np.arange(4.0)).__call__, X)
    check(Child(np.arange(4.0)), X)
    check(lambda x: Child(x)(x), X)
    check(lambda x: Model.build(4)(x), X)
    model = Child(np.arange(4.0))
    check(lambda x: model[1] * x + model[:2].sum(), X)


def test_class_defined_inside():
    def f(x):
        class Pair:
            unit = 2.0

            def __init__(self, a, b):
                self.a, self.b = a, b

            def total(self):
                return self.a * self.unit + self.b

        return Pair(x, x * 2).total()

    check(f, X)


def test_decorators():
    def twice(g):
        @functools.wraps(g)
        def wrapper(*args):
            return g(g(*args))

        return wrapper

    @twice
    def f(x):
        return x * 2 + 1

    check(f, X)

    def outer(x):
        @twice
        def inner(y):
            return y * WEIGHTS

        return inner(x)

    check(outer, X)


def test_functools():
    def axpy(a, x, y):
        return a * x + y

    check(functools.partial(axpy, 2.0, y=WEIGHTS), X)
    check(lambda x: functools.partial(axpy, 2.0)(x, x), X)
    check(lambda x: functools.reduce(lambda a, b: a * WEIGHTS + b, [x, x * 2, x * 3]), X)
    check(lambda x: list(map(lambda v: v * WEIGHTS[0], x)), X)
    check(lambda x: operator.add(x, WEIGHTS), X)


def test_comprehensions_and_unpacking():
    layers = [(np.ones((4, 4)), np.zeros(4)), (np.eye(4), np.ones(4))]

    def f(x):
        for w, b in layers:
            x = (w * x).sum(axis=1) + b
        first, *rest = [v * 2 for v in x if True]
        named = {k: v for k, v in zip("abcd", x, strict=True)}
        total = sum(v for v in rest)
        (p, q), r = (x[0], x[1]), [w.sum() for w, _ in layers]
        return first + total + named["b"] + p * q + sum(r)

    check(f, X, exact=False)


def test_walrus_conditional_expressions_and_fstrings():
    def f(x, flag):
        y = (z := x * 2) + z
        label = f"{flag!r}: {x.shape[0]}"
        return (y if flag else z), label, [w := z + 1, w * 2]

    check(f, X, True)
    check(f, X, False)


def test_statements():
    def f(x, n):
        with np.errstate(all="ignore"):
            y = x / 1.0
        try:
            {}["missing"]
        except KeyError as e:
            y = y + len(str(e))
        finally:
            y = y * 2
        while n > 0:
            y = y + n
            n -= 1
        else:
            y = y - 1
        match n:
            case 0 if len(x) > 2:
                y = y * WEIGHTS
            case _:
                y = y * 0
        assert len(y) == 4, "message"
        del n
        import math as m
        z: np.ndarray = y * m.pi
        return z

    check(f, X, 3)


def test_star_expressions_in_calls():
    def add(a, b, c=0.0, d=0.0):
        return a + b + c + d

    check(lambda x: add(*[x, x], **{"c": 1.0}, d=x), X)


def test_generators():
    def doubled(xs):
        for x in xs:
            yield x * 2

    check(lambda x: sum(doubled(x)), X)


def test_augmented_assignments():
    class Box:
        def __init__(self, v):
            self.v = v

    def f(x):
        box = Box(x * 1.0)
        box.v += 1.0
        items = [x * 1.0, 2.0]
        items[0] *= 3.0
        items[1] += 1.0
        d = {"a": x * 1.0}
        d["a"] -= WEIGHTS
        y = x * 1.0
        y[1:] += y[:-1]
        y[0] **= 2
        k = 3
        k //= 2
        return box.v, items, d, y * k

    check(f, X)


def test_array_from_outside_is_never_changed_while_tracing():
    w = np.ones(4)
    box = {"w": w}

    def name(x):
        v = w
        v += 1.0
        return x * v

    def item(x):
        box["w"] += 1.0
        return x * box["w"]

    def element(x):
        w[0] = 5.0
        return x * w

    for f in (name, item, element):
        t = trace(f, (X,), {})
        np.testing.assert_array_equal(w, np.ones(4))
        assert [x.what for x in t.writes][0].endswith("captured array") or "captured array" in t.writes[0].what
        assert t.writes[0].loc.file == __file__


COUNT = 0
TOTAL = np.zeros(4)


def _global_rebound(x):
    global TOTAL
    TOTAL = x * 2
    return x


def _global_changed(x):
    global TOTAL
    TOTAL += x
    return x


def _global_unpacked(x):
    global TOTAL
    TOTAL, y = x, x * 2
    return y


def test_state_outside_is_not_rebound():
    class Box:
        def __init__(self):
            self.w = np.ones(4)
            self.cache = None

        def step(self, x):
            self.w = self.w - x
            return x

        def cached(self, x):
            self.cache = x * 2
            return self.cache + self.w

    box, params, total = Box(), {"w": np.ones(4)}, np.zeros(4)

    def item(x):
        params["w"] = params["w"] - x
        return x

    def cell(x):
        nonlocal total
        total = x
        return x

    for f in (_global_rebound, _global_changed, _global_unpacked, box.step, box.cached, item, cell):
        with pytest.raises(TraceError, match=r"outside of the function.*return the new value(.|\n)*test_lift\.py"):
            trace(f, (X,), {})
    for kept in (TOTAL, total):
        np.testing.assert_array_equal(kept, np.zeros(4))
    for kept in (box.w, params["w"]):
        np.testing.assert_array_equal(kept, np.ones(4))
    assert box.cache is None


def test_numbers_outside_may_be_counted_while_tracing():
    def f(x):
        global COUNT
        COUNT += 1
        return x

    before = COUNT
    trace(f, (X,), {})
    assert COUNT == before + 1


def test_recursion_of_static_depth():
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    check(power, X, 5)


def _forever(x):
    return _again(x) + 1


def _again(x):
    return _forever(x * 2)


def test_recursion_without_end_is_named():
    with pytest.raises(TraceError, match=r"without end(.|\n)*test_lift\.py\", line \d+, in _(forever|again)"):
        trace(_forever, (X,), {})
    check(lambda x: x + 1, X)


def test_tracebacks_show_the_users_lines():
    def f(x):
        x * 2
        raise ValueError("mine")  # the line

    with pytest.raises(ValueError, match="mine") as e:
        trace(f, (X,), {})
    last = traceback.extract_tb(e.value.__traceback__)[-1]
    assert last.filename == __file__
    assert last.line == 'raise ValueError("mine")  # the line'
    assert last.name == "f"


def test_locations_of_operations():
    def f(x):
        y = x * 2
        z = (y
             + helper(x))
        return z

    def helper(x):
        return x - 1

    t = trace(f, (X,), {})
    first = f.__code__.co_firstlineno
    lines = {op.name: op.loc.line for op in t.func.ops if op.name != "const"}
    assert lines["mul"] == first + 1
    assert lines["add"] == first + 2
    assert lines["sub"] == helper.__code__.co_firstlineno + 1
    assert all(op.loc.file == __file__ for op in t.func.ops)


def test_lifted_functions_keep_what_functions_have():
    def f(a, b=2, *, c=3):
        """Doc."""
        return a + b + c

    f.note = "kept"
    g = lifted(f, Hooks)
    assert g is not f
    assert g(1) == f(1) == 6
    assert (g.__name__, g.__doc__, g.__defaults__, g.__kwdefaults__, g.note) == ("f", "Doc.", (2,), {"c": 3}, "kept")
    assert g.__qualname__ == f.__qualname__
    assert g.__globals__ is f.__globals__
    assert lifted(f, Hooks).__code__ is g.__code__
    assert lifted(g, Hooks) is g


def test_cells_are_shared():
    def make():
        total = 0.0

        def set_total(v):
            nonlocal total
            total = v

        def f(x):
            return x * total

        return set_total, f

    set_total, f = make()
    set_total(2.0)
    check(f, X)
    set_total(3.0)
    check(f, X)


def _from_text(text, name, filename):
    space = {"np": np, "WEIGHTS": WEIGHTS}
    exec(compile(text, filename, "exec"), space)
    return space[name]


def test_without_source_plain_tracing_works():
    f = _from_text("def f(x):\n    return np.sin(x) * WEIGHTS + 2", "f", "<nowhere>")
    assert definition(f.__code__) is None
    check(f, X)
    assert len(trace(f, (X,), {}).captured) == 1
    g = _from_text("def g(x):\n    return np.array([x[0], 1.0])", "g", "<nowhere>")
    with pytest.raises(TraceError, match="no source for g.*in a file"):
        trace(g, (X,), {})


def test_functions_of_no_module():
    """What `exec` makes without a `__name__`."""
    text = ("import contextlib\n@contextlib.contextmanager\ndef doubled(v):\n    v *= 2\n    yield v\n    v /= 4\n"
            "def f(x):\n    y = x * 1.0\n    with doubled(y) as z:\n        s = np.sum(z * z)\n    return s + y[0]\n")
    space: dict = {"np": np}
    linecache.cache["<nowhere>"] = (len(text), None, text.splitlines(keepends=True), "<nowhere>")
    exec(compile(text, "<nowhere>", "exec"), space)
    check(space["f"], X)


def test_source_from_linecache():
    text = "def f(x):\n    y = np.zeros(4)\n    y[1:] = x[1:]\n    return y\n"
    name = "<cell 1>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    f = _from_text(text, "f", name)
    check(f, X)


def test_source_that_no_longer_fits_is_not_used(tmp_path):
    path = tmp_path / "edited.py"
    path.write_text("def f(x):\n    return x * 2\n")
    f = _from_text(path.read_text(), "f", str(path))
    path.write_text("def g(x, y):\n    return x * 3\n\n")
    linecache.checkcache(str(path))
    assert definition(f.__code__) is None
    check(f, X)


def test_locals_and_eval_see_the_users_frame():
    def f(x, n):
        k = 2
        return x * k * eval("n + k") + locals()["k"]

    _, got = run(f, X, 3)
    np.testing.assert_array_equal(got, X * 2 * 5 + 2)


def test_values_kept_from_a_trace_are_refused_later():
    def f(x):
        doubled = x * 2
        error = KeyError("carries them out")
        error.kept = [doubled, doubled[1:]]
        raise error

    with pytest.raises(KeyError) as raised:
        trace(f, (X,), {})
    kept = raised.value.kept
    for leaked in kept:
        with pytest.raises(LeakError, match="has been traced"):
            leaked + 1
        with pytest.raises(LeakError):
            np.sin(leaked)
        with pytest.raises(LeakError):
            trace(lambda x: x[0] * leaked, (X,), {})
    assert "Traced" in repr(kept)


def test_functions_kept_from_a_trace_run_plainly():
    kept = []

    def f(x):
        def g(y):
            return y * WEIGHTS + np.sum(y)

        kept.append(g)
        return g(x)

    trace(f, (X,), {})
    np.testing.assert_array_equal(kept[0](X), X * WEIGHTS + X.sum())
