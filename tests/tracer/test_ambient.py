"""State of the process that a function reads by name, or depends on silently: what changed is noticed."""

from __future__ import annotations

import calendar
import csv
import decimal
import functools
import gc
import locale
import logging
import os
import pathlib
import shutil
import socket
import sys
import threading
import types
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj


class Base:
    pass


class Derived(Base):
    pass


class Other:
    pass


LOGGER = logging.getLogger("gradjit.tests.ambient")
ADDED: list[type] = []
USUAL = sys.getrecursionlimit()


def context(**settings: Any) -> Callable[[], None]:
    def change() -> None:
        for name, value in settings.items():
            setattr(decimal.getcontext(), name, value)

    return change


def precise() -> Callable[[], None]:
    return context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


def waiting() -> None:
    DONE.clear()
    threading.Thread(target=DONE.wait, daemon=True).start()


def module(name: str, **names: Any) -> types.ModuleType:
    sys.modules[name] = made = types.ModuleType(name)
    vars(made).update(names)
    return made


def optional(name: str, otherwise: float) -> float:
    try:
        import gradjit_test_optional
    except ImportError:
        return otherwise
    return getattr(gradjit_test_optional, name)


def optional_name() -> float:
    try:
        from gradjit_test_partial import better as found
    except ImportError:
        from gradjit_test_partial import usual as found
    return found


PARTIAL = module("gradjit_test_partial", usual=2.0)
HERE, HOME, PATH = os.getcwd(), os.environ.get("HOME", "/"), os.environ.get("PATH", "")
DONE = threading.Event()
THIRD = decimal.Decimal(1) / decimal.Decimal(3)
READ: dict[str, tuple[Callable[[float], float], Callable[[], Any], Callable[[], Any]]] = {
    "geterr": (lambda x: x * (1 + (np.geterr()["divide"] == "ignore")), lambda: np.seterr(divide="ignore"),
               lambda: np.seterr(divide="warn")),
    "getbufsize": (lambda x: x * np.getbufsize(), lambda: np.setbufsize(16384), lambda: np.setbufsize(8192)),
    "geterrcall": (lambda x: x * (1 + (np.geterrcall() is None)), lambda: np.seterrcall(print),
                   lambda: np.seterrcall(None)),
    "print options": (lambda x: x * np.get_printoptions()["precision"], lambda: np.set_printoptions(precision=3),
                      lambda: np.set_printoptions(precision=8)),
    "array2string": (lambda x: x * len(np.array2string(np.array([1 / 3]))), lambda: np.set_printoptions(precision=3),
                     lambda: np.set_printoptions(precision=8)),
    "repr of a number": (lambda x: x * len(repr(np.float64(1 / 3))), lambda: np.set_printoptions(legacy="1.25"),
                         lambda: np.set_printoptions(legacy=False)),
    "prec": (lambda x: x * decimal.getcontext().prec, context(prec=5), precise()),
    "a quotient of decimals": (lambda x: x * float(decimal.Decimal(1) / decimal.Decimal(3)), context(prec=5),
                               precise()),
    "a decimal from outside": (lambda x: x * float(+THIRD), context(prec=5), precise()),
    "decimals in a list": (lambda x: x * float(sum([THIRD, THIRD])), context(prec=5), precise()),
    "rounding of decimals": (lambda x: x * int(decimal.Decimal("2.5").to_integral_value()),
                             context(rounding=decimal.ROUND_UP), precise()),
    "recursion limit": (lambda x: x * sys.getrecursionlimit(), lambda: sys.setrecursionlimit(1234),
                        lambda: sys.setrecursionlimit(USUAL)),
    "switch interval": (lambda x: x * sys.getswitchinterval(), lambda: sys.setswitchinterval(0.5),
                        lambda: sys.setswitchinterval(0.005)),
    "locale": (lambda x: x * len(str(locale.getlocale(locale.LC_NUMERIC))),
               lambda: locale.setlocale(locale.LC_NUMERIC, "C.UTF-8"),
               lambda: locale.setlocale(locale.LC_NUMERIC, "C")),
    "level of a logger": (lambda x: x * (1 + LOGGER.level), lambda: LOGGER.setLevel(10), lambda: LOGGER.setLevel(0)),
    "environment": (lambda x: x * float(os.environ.get("GRADJIT_TEST_AMBIENT", "1")),
                    lambda: os.environ.__setitem__("GRADJIT_TEST_AMBIENT", "5"),
                    lambda: os.environ.pop("GRADJIT_TEST_AMBIENT", None)),
    "subclasses": (lambda x: x * len(Other.__subclasses__()), lambda: ADDED.append(type("New", (Other,), {})),
                   ADDED.clear),
    "variables in a path": (lambda x: x * len(os.path.expandvars("$GRADJIT_TEST_AMBIENT")),
                            lambda: os.environ.__setitem__("GRADJIT_TEST_AMBIENT", "5"),
                            lambda: os.environ.pop("GRADJIT_TEST_AMBIENT", None)),
    "directory": (lambda x: x * len(os.path.abspath("a")), lambda: os.chdir("/"), lambda: os.chdir(HERE)),
    "home": (lambda x: x * len(str(pathlib.Path.home())), lambda: os.environ.__setitem__("HOME", "/somewhere/else"),
             lambda: os.environ.__setitem__("HOME", HOME)),
    "a program": (lambda x: x * (1 + (shutil.which("sh") is None)), lambda: os.environ.__setitem__("PATH", "/nowhere"),
                  lambda: os.environ.__setitem__("PATH", PATH)),
    "threads": (lambda x: x * threading.active_count() * len(threading.enumerate()), lambda: waiting(), DONE.set),
    "names of levels": (lambda x: x * len(logging.getLevelName(33)), lambda: logging.addLevelName(33, "Q"),
                        lambda: logging.addLevelName(33, "Level 33")),
    "first day of weeks": (lambda x: x * (1 + calendar.firstweekday()), lambda: calendar.setfirstweekday(3),
                           lambda: calendar.setfirstweekday(0)),
    "timeout": (lambda x: x * (socket.getdefaulttimeout() or 1.0), lambda: socket.setdefaulttimeout(5.0),
                lambda: socket.setdefaulttimeout(None)),
    "dialects": (lambda x: x * len(csv.list_dialects()), lambda: csv.register_dialect("gradjit"),
                 lambda: csv.unregister_dialect("gradjit")),
    "hints of a class": (lambda x: x * (1 + len(typing.get_type_hints(Other))),
                         lambda: setattr(Other, "__annotations__", {"a": int}),
                         lambda: setattr(Other, "__annotations__", {})),
    "a module that is missing": (lambda x: x * optional("K", 3.0), lambda: module("gradjit_test_optional", K=7.0),
                                 lambda: sys.modules.pop("gradjit_test_optional", None)),
    "a name that a module lacks": (lambda x: x * optional_name(), lambda: setattr(PARTIAL, "better", 7.0),
                                   lambda: delattr(PARTIAL, "better")),
    "mro": (lambda x: x * (1 + (Base in Derived.mro())), lambda: setattr(Derived, "__bases__", (Other,)),
            lambda: setattr(Derived, "__bases__", (Base,))),
}


@pytest.mark.parametrize(("name", "way"), [
    *((name, gj.jit) for name in READ), *((name, gj.grad) for name in ("geterr", "prec", "subclasses"))])
def test_changes_are_noticed(name, way):
    f, change, undo = READ[name]
    g = way(f)
    factor = 3.0 if way is gj.jit else 1.0
    try:
        before = f(1.0)
        assert g(3.0) == g(3.0) == pytest.approx(factor * before)
        change()
        assert f(1.0) != before
        assert g(3.0) == g(3.0) == pytest.approx(factor * f(1.0))
    finally:
        undo()


def test_a_context_of_its_own():
    def f(x):
        with decimal.localcontext() as c:
            c.prec = 3
            third = float(decimal.Decimal(1) / 3)
        return x * third

    assert gj.jit(f)(2.0) == f(2.0) == 0.666


def test_what_gradjit_itself_changes_is_refused():
    for f in (lambda x: x * gc.isenabled(), lambda x: x * sys.getrefcount(x),
              lambda x: x * len(sys._getframe().f_code.co_name)):
        with pytest.raises(gj.TraceError, match="another result at each call"):
            gj.jit(f)(1.0)


def test_how_often_a_cache_was_asked_is_refused():
    @functools.cache
    def setting(n):
        return n * 2.0

    with pytest.raises(gj.TraceError, match=r"cache_info\(\) tells how often .*(.|\n)*test_ambient.py"):
        gj.jit(lambda x: x * setting(1) * setting.cache_info().currsize)(1.0)
