"""Values from outside: captured arrays, guards, hidden state."""

from __future__ import annotations

import datetime
import glob
import os
import random
import subprocess
import time
import types

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import DtypeError, TraceError, UnsupportedError
from gradjit.tracer.guards import ABSENT, Guard, HeldItems, Source, same_value
from gradjit.tracer.trace import trace

from .compare import check

X = np.arange(3.0)
W = np.array([1.0, 2.0, 3.0])
RATE = 0.5
TABLE = {"w": np.ones(3), "n": 2, "inner": {"k": [1.0, 2.0]}}


class Config:
    scale = 2.0

    def __init__(self):
        self.w = np.ones(3)
        self.layers = [np.ones(3), np.zeros(3)]
        self.n = 3


def sources(t):
    return [(c.source.kind, c.source.key) if c.source else None for c in t.captured]


def guards(t):
    """Without those of names that stand for modules, builtins, code and the like."""
    return [g for g in t.guards if not is_usual(g)]


def is_usual(g):
    return isinstance(g, Guard) and (g.expected is ABSENT or g.expected is None or isinstance(
        g.expected, (types.ModuleType, types.BuiltinFunctionType, types.CodeType, np.ufunc, type))
        or getattr(g.source.owner, "__name__", "") in ("numpy", "builtins") or g.source.name == "check")


def test_global_arrays_are_read_by_name():
    t = check(lambda x: x * W, X)
    assert sources(t) == [("item", "W")]
    assert t.captured[0].source.read() is W
    assert not guards(t)
    assert t.func.params[1].name == "W"


def test_one_hidden_input_for_each_source():
    t = check(lambda x: x * W + W[0] + W.sum(), X)
    assert len(t.captured) == 1


def test_cells_and_attributes_and_items():
    w, c = np.ones(3), Config()
    t = check(lambda x: x * w + c.w + TABLE["w"] + c.layers[1], X)
    assert sources(t) == [("cell", None), ("attribute", "w"), ("item", "w"), ("item", 1)]


def test_arrays_in_containers_are_found_wherever_they_turn_up():
    layers = [np.ones(3), np.full(3, 2.0)]

    def f(x):
        for w in layers:
            x = x * w
        a, b = layers
        copied = list(layers)
        total = sum(w * 1 for w in reversed(layers))
        return x + a + b + copied[1] + total + np.stack(layers).sum()

    t = check(f, X)
    assert sources(t) == [("item", 0), ("item", 1)]


def test_an_array_at_two_places_is_tied_to_both():
    w = np.ones(3)
    layers = [w, w]
    t = check(lambda x: [x * v for v in layers], X)
    tied = [g for g in guards(t) if isinstance(g, Guard) and g.expected is w]
    assert len(tied) == 2
    layers[1] = np.zeros(3)
    assert not t.holds()


def test_numbers_are_guarded_by_value():
    space = {"np": np, "rate": 2.0, "n": 3, "name": "a", "pair": (1, 2.0)}
    exec("def f(x): return x * rate + n + len(name) + pair[0]", space)
    t = trace(space["f"], (X,), {})
    assert {g.source.key for g in guards(t) if isinstance(g, Guard)} == {"rate", "n", "name", "pair"}
    assert t.holds()
    space["rate"] = 1.0 + 1.0
    space["pair"] = tuple([1, 2.0])
    assert t.holds()
    space["n"] = 3.0
    assert not t.holds()


@pytest.mark.parametrize("rebind", ["rate", "helper", "config", "missing"])
def test_each_rebinding_is_noticed(rebind):
    space = {"np": np, "rate": 2.0, "config": Config()}
    exec("def helper(x): return x * rate\ndef f(x): return helper(x) * config.n + config.scale", space)
    t = trace(space["f"], (X,), {})
    assert t.holds()
    if rebind == "missing":
        del space["rate"]
    else:
        space[rebind] = {"rate": 3.0, "helper": lambda x: x, "config": Config()}[rebind]
    assert not t.holds()


def test_attributes_are_guarded_on_objects_from_outside():
    c = Config()
    t = check(lambda x: x * c.n * c.scale, X)
    assert t.holds()
    c.n = 4
    assert not t.holds()
    c.n = 3
    assert t.holds()
    c.scale = 5.0  # hides the class's
    assert not t.holds()


def test_contents_are_guarded():
    numbers, names = [1.0, 2.0], {"a": 1, "b": [2.0]}
    t = check(lambda x: x * numbers[0] + sum(numbers) + names["a"] + names["b"][0], X)
    assert sum(isinstance(g, HeldItems) for g in t.guards) == 3
    assert t.holds()
    for change, undo in [
        (lambda: numbers.append(3.0), numbers.pop),
        (lambda: names.update(c=1), lambda: names.pop("c")),
        (lambda: names["b"].append(1), names["b"].pop),
    ]:
        change()
        assert not t.holds()
        undo()
        assert t.holds()


def test_containers_made_inside_are_not_guarded():
    def f(x):
        parts = [1.0, x]
        parts.append(2.0)
        return parts[0] * parts[1]

    assert not guards(check(f, X))


def test_rebinding_an_array_needs_no_new_trace():
    space = {"np": np, "w": np.ones(3)}
    exec("def f(x): return x * w", space)
    t = trace(space["f"], (X,), {})
    new = space["w"] = np.full(3, 7.0)
    assert t.holds()
    assert t.captured[0].source.read() is new


def test_captured_arrays_that_are_not_read_are_no_inputs():
    def f(x):
        unused = W  # noqa: F841
        return x * W.shape[0]

    assert not check(f, X).captured


def test_modules_and_builtins_are_guarded():
    def f(x):
        return np.add(x, len(x)) * np.pi + abs(-1)

    found = {(g.source.key, g.source.owner is globals()): g.expected for g in check(f, X).guards}
    assert found[("np", True)] is np
    assert found[("add", False)] is np.add
    assert found[("pi", False)] == np.pi
    assert found[("abs", True)] is ABSENT
    assert found[("abs", False)] is abs


def test_helpers_without_source_are_guarded():
    space = {"np": np, "rate": 2.0, "w": np.ones(3)}
    exec("def f(x): return np.sum(x * w) * rate", space)
    t = trace(space["f"], (X,), {})
    assert sources(t) == [("item", "w")]
    space["rate"] = 3.0
    assert not t.holds()


def test_known_arrays_and_large_tables():
    def f(x):
        table = np.linspace(0.0, 1.0, 3000) ** 1.0
        counter = np.arange(5000)
        return x.sum() * table, counter + 0.5, np.zeros(4000) + x[0]

    t = check(f, X, exact=False)
    assert len(t.captured) == 1
    assert t.captured[0].array.size == 3000
    literals = [op for op in t.func.ops if op.name == "const"]
    assert all(op.attrs["value"].size <= 1024 for op in literals)
    assert any(op.name == "iota" for op in t.func.ops)


@pytest.mark.parametrize("call", [
    lambda x: x + np.random.rand(3), lambda x: x * random.random(),
    lambda x: x + np.random.default_rng().normal(size=3),
    lambda x: x * time.time(), lambda x: x * time.perf_counter(), lambda x: x * datetime.datetime.now().year,
    lambda x: x * RNG.normal(), lambda x: x * random.gauss(0, 1), lambda x: x * np.random.RandomState().rand(),
    lambda x: x * float(open("nowhere").read()), lambda x: x * float(input()),
])
def test_what_changes_at_each_call_is_refused(call):
    with pytest.raises(TraceError, match=r"(.|\n)*test_outside\.py\", line \d+"):
        trace(call, (X,), {})


RNG = np.random.default_rng(0)


def test_seeded_generators_made_inside_are_fixed():
    check(lambda x: x + np.random.default_rng(3).normal(size=3), X)

    def f(x):
        rng = np.random.RandomState(1)
        order = rng.permutation(3)
        return x[order] + rng.rand(3)

    check(f, X)


def test_odd_arrays_from_outside():
    objects = np.array([{"a": 1}, None, 2], dtype=object)
    names = np.array(["p", "q"])
    check(lambda x: x * objects[2] + len(names[0]), X)
    with pytest.raises((DtypeError, UnsupportedError), match="test_outside"):
        trace(lambda x: x + objects, (X,), {})
    masked = np.ma.masked_array(X, X > 1)
    check(lambda x: (x + masked).sum(), X)
    check(lambda x: (masked * x).filled(0.0), X)
    check(lambda x: np.sum(x + np.ma.masked_array(X, X > 1)), X)
    with pytest.raises((DtypeError, UnsupportedError), match="test_outside"):
        trace(lambda x: x + np.array([1, 2, 3], np.float16), (X,), {})


class Elsewhere:
    """Its module is a descriptor, as that of classes is that Cython has made."""

    __module__ = property(lambda self: "elsewhere")  # type: ignore[assignment]
    rate = 2.0

    def scaled(self, x):
        return x * self.rate

    def __getitem__(self, k):
        return 3.0


def test_classes_that_have_a_descriptor_for_their_module():
    one, held = Elsewhere(), [Elsewhere()]

    def f(x):
        return np.sum(one.scaled(x)) * held[0][1]

    slope = gj.grad(f)
    assert slope(X).tolist() == [6.0] * 3
    one.rate = 5.0
    assert slope(X).tolist() == [15.0] * 3
    assert gj.grad(lambda x, o: np.sum(x) * o.rate)(X, one).tolist() == [5.0] * 3
    with pytest.raises(gj.GradjitError, match="Elsewhere"):
        gj.grad(lambda x: one)(X)


def test_same_value():
    assert same_value(float("nan"), float("nan"))
    assert same_value((1, "a"), (1, "a"))
    for a, b in [(1, 1.0), (1, True), (0.0, -0.0), ((1,), (1.0,)), ("a", b"a"), ([1], [1])]:
        assert not same_value(a, b)


def test_sources_that_are_gone():
    s = Source("item", {}, "a")
    assert s.read() is ABSENT
    assert not Guard(s, 1, True).holds()


@pytest.mark.parametrize("names", [{7, 15}, {15, 7}, {7, 15, 23}])
def test_sets_are_left_alone(names):
    """Filled anew with the same items a set may have another order."""
    order = list(names)

    def f(x):
        for a in x:
            x[len(names)] = 0.7 * a
        return x

    trace(f, (np.ones(12),), {})
    assert list(names) == order


def test_what_files_hold_is_refused_and_which_there_are_is_watched(tmp_path):
    text, numbers, new = tmp_path / "a.txt", tmp_path / "a.npy", tmp_path / "b"
    text.write_text("2")
    np.save(numbers, np.ones(2))
    for read in (lambda: float(text.read_text()), lambda: np.load(numbers)[0], lambda: np.loadtxt(text),
                 lambda: np.fromfile(numbers)[0], lambda: len(subprocess.check_output(["true"]))):
        with pytest.raises(TraceError, match=r"(reads a file|runs a program)[^$]*outside[^$]*test_outside"):
            gj.jit(lambda x: x * read())(1.0)
    f = gj.jit(lambda x: (x * len(os.listdir(tmp_path)), x * os.path.exists(new), x * len(list(glob.glob(str(new))))))
    assert f(1.0) == (2.0, 0.0, 0.0)
    new.touch()
    assert f(1.0) == (3.0, 1.0, 1.0)
