"""Calls found by their signature: containers flattened in machine code, many specialisations in one table."""

from __future__ import annotations

import collections
import dataclasses
import gc
import random
import sys
import threading
import weakref

import numpy as np
import pytest

import gradjit as gj
from gradjit.runtime.signature import MAX_LEAVES, MAX_RECORDS, hash_of, named_by, signature_of

Point = collections.namedtuple("Point", "x y")  # noqa: PYI024 (as users write it)
X = np.arange(3.0)


def words(*args):
    found = signature_of(args)
    return None if found is None else found.form + found.extents


def leaves(*args):
    found = signature_of(args)
    return None if found is None else found.leaves


# the walk -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("args, expected", [
    ((), []), ((X,), [X]), ((X, 1.5), [X, 1.5]), (([X, (2.5, "a")],), [X, 2.5, "a"]),
    (({"b": X, "a": [True, None]},), [X, True]), ((Point(X, 3),), [X, 3]), (((), [], {}),[]),
    ((np.float64(2.0), np.int32(3), np.bool_(True), 1j),) * 2,
])
def test_leaves_in_order(args, expected):
    assert leaves(*args) == [id(x) for x in expected]


class Own(list):
    pass


@pytest.mark.parametrize("x", [
    {1: X}, {X.tobytes(): X}, {"a": {2.0: X}}, {1, 2}, Own([X]), object(), np.ma.masked_array(X), b"bytes", len,
    collections.OrderedDict(a=X), collections.deque([X]), [X] * (MAX_LEAVES + 1), [[[[[[[[[[X]]]]]]]]]],
    np.dtype(float), [()] * 300, np.longdouble(1.0), np.str_("a"),
], ids=lambda x: type(x).__name__)
def test_what_has_no_signature(x):
    assert words(x) is None and words([X, x]) is None


@pytest.mark.parametrize("a, b", [
    ((X,), (X[:2],)), ((X,), (X.astype("f4"),)), ((X,), (X[None],)), ((X,), ([X],)), (([X],), ((X,),)),
    (([X, X],), ([X], X)), (({"a": X},), ({"b": X},)), (({"a": X, "b": 1.0},), ({"b": 1.0, "a": X},)),
    ((1.0,), (1,)), ((1,), (2,)), ((1,), (True,)), ((None,), ((),)), ((X, None), (X,)), ((Point(X, X),), ((X, X),)),
    ((np.float64(1),), (1.0,)), ((np.float64(1),), (np.float32(1),)), (([[X], X],), ([[X, X]],)), ((X[::2],), (X[:2],)),
])
def test_what_has_signatures_of_its_own(a, b):
    assert words(*a) is not None and words(*b) is not None
    assert words(*a) != words(*b)


def test_values_do_not_count():
    assert words(X, 1.0, {"a": [2.5]}) == words(X + 1, 2.0, {"a": [3.5]})


def test_objects_that_a_structure_names():
    assert named_by(({"a": [Point(X, {"b": 1})]}, X)) == ["a", Point, "b"]


# calls ----------------------------------------------------------------------------------------------------------------
def loss(p, x):
    return np.sum(np.tanh(x @ p["w"] + p["b"])) * p["c"][0]


def arguments(seed=0):
    rng = np.random.default_rng(seed)
    return {"w": rng.normal(size=(3, 2)), "b": rng.normal(size=2), "c": [rng.normal(), 1]}, np.ones((4, 3))


def test_containers_stay_in_machine_code():
    f = gj.jit(loss)
    for seed in range(5):
        args = arguments(seed)
        assert np.isclose(f(*args), loss(*args))
    assert (f.misses, f.hits, f.entries) == (1, 5, ())


def test_containers_of_changing_sizes_stay_in_machine_code():
    """What serves every size is found by the structure alone, behind what is compiled for the very sizes."""
    f = gj.jit(loss)
    p, _ = arguments()
    for n in (4, 5, *range(6, 40), 4, 5):
        x = np.full((n, 3), 1.0 / n)
        assert np.isclose(f(p, x), loss(p, x))
    exact, opened = f.stats().specialisations
    assert (f.misses, f.hits, exact.hits, opened.hits) == (2, 38, 2, 36)


def test_sizes_for_which_an_entry_is_not_meant_go_on():
    def f(p):
        return np.sum(p[0][2:]) if len(p[0]) > 3 else np.sum(p[0]) * 100

    g = gj.jit(f)
    for n in (5, 6, 7, 2, 3, 8, 2, 3, 9):
        p = [np.arange(n + 1.0) + 1]
        assert g(p) == f(p)


def test_dicts_in_another_order_and_equal_keys():
    f = gj.jit(loss)
    p, x = arguments()
    for names in ("wbc", "cbw", "bwc") * 3:
        q = {name: p[name] for name in names}
        assert np.isclose(f(q, x), loss(p, x))
    fresh = {"".join(["w"]): p["w"], "".join(["b"]): p["b"], "".join(["c"]): p["c"]}
    for _ in range(3):
        assert np.isclose(f(fresh, x), loss(p, x))


def test_leaves_that_were_one_object_when_it_was_compiled():
    def f(p):
        return p["a"] - 2 * p["b"] + 3 * p["c"][0]

    g = gj.jit(f)
    one = np.ones(2)
    for _ in range(2):
        assert g({"c": [one], "a": one, "b": one}).tolist() == [2, 2]
    other = {"c": [np.full(2, 5.0)], "a": np.full(2, 7.0), "b": np.full(2, 11.0)}
    for _ in range(3):
        assert g(other).tolist() == f(other).tolist() == [0, 0]


def test_static_values_by_value():
    g = gj.jit(lambda p: p["x"] * p["n"])
    for k in (10**20, 10**20 + 1, 5, True, 10**20):
        for _ in range(2):
            assert g({"x": 2.0, "n": int(str(k)) if k is not True else True}) == 2.0 * k


def test_many_specialisations():
    f = gj.jit(lambda x: np.sum(x) + x.size, sizes="exact")
    arrays = [np.ones(n) for n in range(1, 40)]
    for _ in range(3):
        for x in arrays:
            assert f(x) == 2 * x.size
    assert f.misses == len(arrays)
    assert f.hits == 3 * len(arrays)


def test_guards_are_checked():
    scale = {"c": 1.0}
    f = gj.jit(lambda p: p["x"] * scale["c"])
    p = {"x": X}
    for c in (1.0, 1.0, 2.0, 2.0, 1.0, 3.0):
        scale["c"] = c
        assert f(p).tolist() == (X * c).tolist()


def test_writes_reach_the_callers_arrays():
    def f(state):
        state["u"][0] += 1
        return state["u"][0]

    g = gj.jit(f)
    state = {"u": np.zeros(2)}
    assert [g(state) for _ in range(4)] == [1, 2, 3, 4]
    state["u"].flags.writeable = False
    with pytest.raises(gj.ArgumentError):
        g(state)
    state["u"] = np.zeros(4)[::2]
    assert [g(state) for _ in range(3)] == [1, 2, 3]


def test_bindings_in_the_callers_containers():
    def f(state):
        state["u"] = state["u"] * 2
        return state["u"]

    g = gj.jit(f)
    state = {"u": np.ones(2)}
    for k in range(1, 5):
        g(state)
        assert state["u"].tolist() == [2**k] * 2


def test_derivatives_have_the_arguments_structure():
    f = gj.grad(lambda p: np.sum(p.x * p.y[0]))
    for _ in range(3):
        g = f(Point(X, (X + 1,)))
        assert type(g) is Point and g.x.tolist() == (X + 1).tolist() and g.y[0].tolist() == X.tolist()


@dataclasses.dataclass
class Params:
    w: object
    b: object = 0.5


@dataclasses.dataclass(slots=True)
class Slots:
    params: Params
    more: list


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: object


def of_dataclasses(s, x):
    return np.sum(s.params.w * x) + s.params.b + s.more[0]["a"].x


def test_dataclasses():
    f = gj.value_and_grad(of_dataclasses)
    for k in range(4):
        s = Slots(Params(X + k, float(k)), [{"a": Frozen(2.0)}])
        value, g = f(s, X)
        assert value == of_dataclasses(s, X)
        assert type(g) is Slots and type(g.params) is Params and g.params.w.tolist() == X.tolist()
    assert (f.misses, f.hits) == (1, 4)


def test_a_field_that_is_missing_or_a_property():
    f = gj.jit(lambda p: p.w * 2.0)
    p = Params(X, 1.0)
    for _ in range(3):
        assert f(p).tolist() == (2 * X).tolist()
    del p.b
    try:  # the default of the class stands there then
        assert f(p).tolist() == (2 * X).tolist()
    finally:
        p.b = 1.0
    asked = []

    class Odd(Params):
        pass

    odd = Odd(X, 1.0)
    for _ in range(3):
        assert f(odd).tolist() == (2 * X).tolist()
    holder = [odd, X]
    g = gj.jit(lambda q: q[0].w + q[1])
    for _ in range(3):
        assert g(holder).tolist() == (2 * X).tolist()
    Odd.w = property(lambda self: (asked.append(1), holder.clear(), np.ones(3))[-1])
    for _ in range(3):
        try:
            g(holder)
        except (IndexError, gj.GradjitError):
            pass
        holder[:] = [odd, X]
    assert asked


def test_errors_come_out():
    f = gj.jit(lambda p: p["x"][p["i"]])
    good, bad = {"x": X, "i": np.int64(1)}, {"x": X, "i": np.int64(7)}
    for _ in range(3):
        assert f(good) == 1.0
        with pytest.raises(gj.BoundsError):
            f(bad)


def test_an_entry_that_is_dropped():
    f = gj.jit(loss)
    args = arguments()
    f(*args)
    entry = weakref.ref(f.stats() and next(iter(f.found.values()))[0].executable.entry)
    f.clear_cache()
    gc.collect()
    assert entry() is None
    assert np.isclose(f(*args), loss(*args)) and f.misses == 2


def test_references():
    """Nothing that is passed is kept, and nothing is released twice."""
    f = gj.jit(lambda p: p["a"] + p["b"][0])
    p = {"a": np.ones(3), "b": [np.ones(3), "name"]}
    f(p)
    before = [sys.getrefcount(x) for x in (p, p["a"], p["b"], p["b"][0])]
    for _ in range(100):
        f(p)
    assert [sys.getrefcount(x) for x in (p, p["a"], p["b"], p["b"][0])] == before
    alive = weakref.ref(p["a"])
    del p
    assert alive() is None


def test_a_guard_that_takes_arguments_away():
    """Python code that runs while guards are checked may empty the containers: the leaves are held."""
    class Watched:
        def __getattr__(self, name):
            p.clear()
            return 2.0

    w = Watched()
    f = gj.jit(lambda q: q["a"] * w.scale if w.scale else q["a"])
    for _ in range(4):
        p = {"a": np.ones(1000)}
        try:
            assert f(p).tolist() == [2.0] * 1000
        except (gj.GradjitError, KeyError):
            pass  # refused; what counts is that nothing is read that is gone


def test_a_table_of_many_records():
    f = gj.jit(lambda p: p["x"] + p["n"] * 0)
    for k in range(3):
        for n in range(40):
            assert f({"x": float(n), "n": n}) == n, (k, n)
    assert f.misses <= 40 + 1


def test_a_table_that_is_full_begins_anew():
    """Keys that are fresh objects each time are other signatures of one specialisation."""
    f = gj.jit(lambda p: next(iter(p.values())) * 2)
    name = "a key that is no identifier"
    for k in range(MAX_RECORDS + 50):
        assert f({"".join([name[:5], name[5:]]): float(k)}) == 2.0 * k
    assert len(f.stats().specialisations) == 1


@pytest.mark.parametrize("row", [(), (0,), (1, 2, 3), (2**64 - 1, 0), tuple(range(100))])
def test_hashes_are_words(row):
    assert 0 <= hash_of(row) < 2**64


def random_tree(rng, depth=0):
    kind = rng.choice(["array", "float", "int", "dict", "list", "tuple", "point", "none"][:8 if depth < 3 else 3])
    if kind == "array":
        return np.full(rng.choice([1, 2, 3]), rng.random())
    if kind in ("float", "int"):
        return rng.random() if kind == "float" else rng.randrange(3)
    if kind == "none":
        return None
    if kind == "point":
        return Point(random_tree(rng, depth + 1), random_tree(rng, depth + 1))
    items = [random_tree(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == "dict":
        names = rng.sample(["a", "b", "c", "d"], len(items))
        return dict(zip(names, items, strict=True))
    return items if kind == "list" else tuple(items)


def total(tree):
    """A number that tells leaves, places and structures apart."""
    if tree is None:
        return 0.5
    if isinstance(tree, dict):
        return sum((k + 2) * 3.0 * total(tree[name]) for k, name in enumerate(tree))
    if isinstance(tree, (list, tuple)):
        return sum((k + 1) * 2.0 * total(x) for k, x in enumerate(tree)) + (1.0 if isinstance(tree, list) else 0.25)
    return np.sum(tree) * 1.5


def test_random_structures():
    """One function called with arguments of many structures, each several times and in turn."""
    rng = random.Random(4)
    f = gj.jit(lambda tree: total(tree) + 0.0, tier="interpret")
    trees = [random_tree(rng) for _ in range(12)]
    for _ in range(4):
        rng.shuffle(trees)
        for tree in trees:
            assert np.isclose(f(tree), total(tree)), tree


def test_threads():
    f = gj.jit(loss)
    wrong = []

    def work(seed):
        for k in range(200):
            args = arguments(seed + k % 7)
            if k % 50 == 0:
                args[0]["c"][1] = k // 50
            if not np.isclose(f(*args), loss(*args)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
