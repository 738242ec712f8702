"""What a function does to the world outside: settings and plain values stand after each call as Python leaves them, and
no traced value gets out unseen."""

from __future__ import annotations

import collections
import contextvars
import functools
import gc
import heapq
import os
import pathlib
import queue
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.array([1.0, 2.0, 3.0])


class Thing:
    """Something to hold values."""

    shared: Any = 0.0

    def keep_privately(self, x: Any) -> Any:
        self.__kept = x[0]
        return x * 2.0

    def average(self, x: Any) -> Any:
        self.__mean = 0.9 * getattr(self, "_Thing__mean", 0.0) + x[0]
        return self.__mean


THING = Thing()
NAME: Any = None
VARIABLE: contextvars.ContextVar[Any] = contextvars.ContextVar("VARIABLE", default=1.0)


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    """All that the tests set, as before."""
    global NAME
    old, options, directory, interval = np.geterr(), np.get_printoptions(), os.getcwd(), sys.getswitchinterval()
    with warnings.catch_warnings():
        yield
    np.seterr(**old)
    np.set_printoptions(**options)
    os.chdir(directory)
    sys.setswitchinterval(interval)
    THING.__dict__.clear()
    Thing.shared, NAME = 0.0, None
    VARIABLE.set(1.0)


def ignoring(x: Any) -> Any:
    np.seterr(all="ignore")
    return x * 2.0


def restoring(x: Any) -> Any:
    old = np.seterr(divide="ignore")
    y = x * 2.0
    np.seterr(**old)
    return y


def tagged(x: Any) -> Any:
    THING.tag = "mine"
    return x * 2.0


def tagged_class(x: Any) -> Any:
    Thing.shared = "mine"
    return x * 2.0


def named(x: Any) -> Any:
    global NAME
    NAME = "mine"
    return x * 2.0


def anew(x: Any) -> Any:
    THING.log = []
    THING.log.append("mine")
    return x * 2.0


def to_root(x: Any) -> Any:
    os.chdir("/")
    return x * 2.0


def other_directory() -> None:
    os.chdir(pathlib.Path(__file__).parent)


def other_log() -> None:
    THING.log.append("theirs")


def silent(x: Any) -> Any:
    warnings.simplefilter("ignore")
    return x * 2.0


def quick(x: Any) -> Any:
    np.set_printoptions(precision=3)
    sys.setswitchinterval(0.004)
    return x * 2.0


def other_name() -> None:
    global NAME
    NAME = "theirs"


SETTING: list[tuple[Callable[..., Any], Callable[[], Any], Callable[[], Any]]] = [
    (ignoring, lambda: np.seterr(all="warn"), np.geterr),
    (restoring, lambda: np.seterr(divide="raise"), np.geterr),
    (tagged, lambda: setattr(THING, "tag", "theirs"), lambda: THING.tag),
    (tagged_class, lambda: setattr(Thing, "shared", "theirs"), lambda: Thing.shared),
    (named, other_name, lambda: NAME),
    (anew, other_log, lambda: list(THING.log)),
    (to_root, other_directory, os.getcwd),
    (silent, lambda: warnings.simplefilter("always"), lambda: warnings.filters[0][0]),
    (quick, lambda: np.set_printoptions(precision=8),
     lambda: (np.get_printoptions()["precision"], sys.getswitchinterval())),
]


@pytest.mark.parametrize(("f", "otherwise", "read"), SETTING)
def test_set_at_each_call(f: Any, otherwise: Any, read: Any) -> None:
    compiled = gj.jit(f)
    np.testing.assert_array_equal(compiled(X), X * 2.0)
    for _ in range(2):
        otherwise()
        np.testing.assert_array_equal(compiled(X), X * 2.0)
        got = read()
        otherwise()
        f(X)
        assert got == read()


def test_a_setting_that_stays_compiles_once() -> None:
    compiled = gj.jit(ignoring)
    for _ in range(3):
        compiled(X)
    assert len(compiled.stats().specialisations) == 1


def recursive(x: Any) -> Any:
    sys.setrecursionlimit(5000)
    return x


def directories(x: Any) -> Any:
    os.mkdir("never_made/at_all")
    return x


def uncollected(x: Any) -> Any:
    gc.disable()
    return x


@pytest.mark.parametrize(("f", "what"), [
    (recursive, "sys.setrecursionlimit changes a setting"), (directories, "No such file|makes a directory"),
    (uncollected, "gc.disable changes a setting")])
def test_changes_of_the_system(f: Any, what: str) -> None:
    with pytest.raises((gj.TraceError, OSError), match=what):
        gj.jit(f)(X)


def test_a_file_that_is_written(tmp_path: pathlib.Path) -> None:
    def f(x: Any) -> Any:
        np.save(tmp_path / "made.npy", np.zeros(2))
        return x

    with pytest.raises(gj.TraceError, match="writes a file, which the compiled function would do once"):
        gj.jit(f)(X)


# no way out -----------------------------------------------------------------------------------------------------------
DEFAULTED: Any = types.FunctionType((lambda a, b=1.0: a * b).__code__, {}, "defaulted", (1.0,))
QUEUE: queue.Queue[Any] = queue.Queue()
SIMPLE: queue.SimpleQueue[Any] = queue.SimpleQueue()
ORDERED: Any = collections.OrderedDict(a=1.0)
LISTS: Any = collections.defaultdict(list)
RING: Any = collections.deque([1.0], maxlen=3)
TABLE: dict[str, Any] = {"a": 2.0}
ITEMS: list[Any] = [0.0]
EMPTY: list[Any] = []
CHAIN: Any = collections.ChainMap({"a": 1.0})


def into_variable(x: Any) -> Any:
    VARIABLE.set(x[0])
    return x


def into_queue(x: Any) -> Any:
    QUEUE.put(x[0])
    return x


def into_simple_queue(x: Any) -> Any:
    SIMPLE.put(x[0])
    return x


def into_ordered_dict(x: Any) -> Any:
    ORDERED["b"] = x[0]
    return x


def into_default(x: Any) -> Any:
    LISTS["b"].append(x[0])
    return x


def into_ring(x: Any) -> Any:
    RING[0] = x[0]
    return x


def into_chain(x: Any) -> Any:
    CHAIN["b"] = x[0]
    return x


def into_object_of_list(x: Any) -> Any:
    THING.things = [Thing()]
    THING.things[0].value = x * 2.0
    return x


def into_closure(x: Any) -> Any:
    THING.callback = lambda: x * 2.0
    return x


def into_iterator(x: Any) -> Any:
    THING.steps = iter([x[0]])
    return x


def into_method(x: Any) -> Any:
    THING.take = [x[0]].append
    return x


def into_list_of_dict(x: Any) -> Any:
    TABLE.setdefault("q", []).append(x[0])
    return x


def into_heap(x: Any) -> Any:
    heapq.heappush(EMPTY, x[0])
    return x


def into_slice(x: Any) -> Any:
    ITEMS[1:] = [x[0]]
    return x


def into_global_function(x: Any) -> Any:
    global NAME

    def NAME() -> Any:
        return x
    return x


@pytest.mark.parametrize("f", [
    into_variable, into_queue, into_simple_queue, into_ordered_dict, into_default, into_ring, into_chain,
    into_object_of_list, into_closure, into_iterator, into_method, into_list_of_dict, into_heap, into_slice,
    into_global_function])
def test_refused(f: Any) -> None:
    """With the line of the function, and nothing is left where it was put."""
    said = rf"gives a[\s\S]*outside of the function[\s\S]*{f.__name__}"
    with pytest.raises((gj.TraceError, gj.LeakError), match=said):
        gj.jit(f)(X)
    assert VARIABLE.get() == 1.0
    assert QUEUE.empty()
    assert SIMPLE.empty()
    assert (dict(ORDERED), dict(LISTS), list(RING), dict(CHAIN)) == ({"a": 1.0}, {}, [1.0], {"a": 1.0})
    assert THING.__dict__ == {}
    assert (TABLE, ITEMS, EMPTY) == ({"a": 2.0}, [0.0], [])
    assert NAME is None


def into_defaults(x: Any) -> Any:
    DEFAULTED.__defaults__ = (x[0],)
    return DEFAULTED(x)


def into_annotated(x: Any) -> Any:
    THING.value: Any = x[0] * 2.0
    return x


def into_target_of_loop(x: Any) -> Any:
    for THING.value in (x[0], x[1]):
        x = x * THING.value
    return x


def into_walrus(x: Any) -> Any:
    global NAME
    return x * (NAME := x[0])


def into_global_target(x: Any) -> Any:
    global NAME
    for NAME in x:
        x = x * NAME
    return x


@pytest.mark.parametrize(("f", "read"), [
    (into_defaults, lambda: DEFAULTED.__defaults__[0]), (into_annotated, lambda: THING.value),
    (into_target_of_loop, lambda: THING.value), (into_walrus, lambda: NAME), (into_global_target, lambda: NAME)])
def test_carried_from_call_to_call(f: Any, read: Any) -> None:
    compiled = gj.jit(f)
    for x in (X, X[::-1].copy()):
        got, held = compiled(x), read()
        np.testing.assert_array_equal(got, f(x))
        assert type(held) in (float, np.float64)
        assert held == read()


def test_private_attributes() -> None:
    mine, plain = Thing(), Thing()
    step = gj.jit(mine.average)
    for x in (X, 2.0 * X, X):
        assert step(x) == plain.average(x)
    gj.jit(mine.keep_privately)(X)
    assert mine.__dict__["_Thing__kept"] == 1.0


class Holder:
    def __init__(self, v):
        self.v = v


@pytest.mark.parametrize("make", [
    Holder, lambda x: {"a": Holder([x])}, lambda x: lambda: x, lambda x: functools.partial(max, x),
    lambda x: type("C", (), {"v": x}),
], ids=["object", "in a dict", "closure", "partial", "class"])
def test_what_is_returned_holds_no_traced_value(make):
    with pytest.raises(gj.LeakError, match="returns .* that holds a traced value"):
        gj.jit(lambda x: make(x * 2))(np.ones(3))


def test_objects_of_plain_values_are_returned():
    assert gj.jit(lambda x: (x, Holder(3.0)))(1.0)[1].v == 3.0
