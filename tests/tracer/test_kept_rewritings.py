"""Rewritten functions are kept between processes, under their code and the text of their file."""

from __future__ import annotations

import importlib.util
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.runtime import disk_cache
from gradjit.tracer import kept_rewritings, lift, source

PROGRAM = """
import numpy as np
scale = 2.0
def helper(x):
    if x[0] > 0:
        return x * scale
    return x - 1.0
def f(x):
    total = 0.0
    for k in range(len(x)):
        if x[k] > 0.5:
            total = total + x[k] ** 2
    while total > 10.0:
        total = total / 2
    return total + np.sum(helper(x)) + sum([v * 2 for v in x])
g = lambda x: np.sum(x * (3.0 if x[0] > 0 else -1.0))
class Model:
    def __init__(self, rate):
        self.__rate = rate
    def loss(self, x):
        return np.sum(x) * self.__rate
"""
X = np.array([0.25, 0.75, 5.0])


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[disk_cache.DiskCache]:
    made = disk_cache.DiskCache.at(tmp_path / "cache")
    assert made is not None
    before = list(kept_rewritings._shelves)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files of one size and second are taken for the same
    kept_rewritings.keep_on(lambda: made, disk_cache.key_of)
    yield made
    kept_rewritings._shelves[:] = before


def imported(path: Path, name: str = "kept_program") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def answers(module: Any) -> list[Any]:
    """What its functions give, each compiled anew."""
    lift._lifted._items.clear()
    functions = [module.f, module.g, module.Model(1.5).loss]
    return [gj.value_and_grad(lambda x, f=f: f(x))(x) for f in functions for x in (X, -X)]


def plain(module: Any) -> list[Any]:
    """The same, by Python; without gradients."""
    return [(f(x), None) for f in (module.f, module.g, module.Model(1.5).loss) for x in (X, -X)]


def same(a: list[Any], b: list[Any]) -> None:
    for (v, g), (w, h) in zip(a, b, strict=True):
        assert v == w
        np.testing.assert_array_equal(g, h)


def test_what_was_kept_is_not_made_again(shelf: disk_cache.DiskCache, tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    first = answers(imported(path))
    kept = len(list(shelf.files()))
    assert kept >= 4  # f, helper, g, loss
    monkeypatch.setattr(lift, "definition", lambda code: pytest.fail(f"{code} is looked for") if code.co_filename
                        == str(path) else source.definition(code))
    same(first, answers(imported(path)))
    assert len(list(shelf.files())) == kept


def test_an_edited_file_is_another(shelf: disk_cache.DiskCache, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    old = imported(path)
    before = answers(old)
    path.write_text(PROGRAM.replace("x[k] ** 2", "x[k] ** 3"))
    new = answers(imported(path))
    assert [v for v, _ in new] == [v for v, _ in plain(imported(path))] != [v for v, _ in before]
    path.write_text(PROGRAM)
    same(before, answers(imported(path)))


def test_a_text_that_is_not_the_code_stays_refused(shelf: disk_cache.DiskCache, tmp_path: Path) -> None:
    """The file is edited behind the import, before the first call: its new text is not what runs."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    answers(imported(path))
    old = imported(path, "kept_program_old")
    path.write_text(PROGRAM.replace("x[0] > 0:", "x[0] > 9:"))
    lift._lifted._items.clear()
    linecache.clearcache()
    with pytest.raises(gj.GradjitError):
        gj.grad(lambda x: np.sum(old.helper(x)))(X)


def test_a_spoilt_entry_counts_as_none(shelf: disk_cache.DiskCache, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    before = answers(imported(path))
    for entry in shelf.files():
        data = bytearray(entry.read_bytes())
        data[len(data) // 2] ^= 1
        entry.write_bytes(bytes(data))
    same(before, answers(imported(path)))


def test_sites_have_names_of_their_own_in_each_process(shelf: disk_cache.DiskCache, tmp_path: Path) -> None:
    """What is taken from the shelf stands beside what this process has made: neither takes the other's loops."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    module = imported(path)
    first = answers(module)
    again = imported(path)
    same(first, answers(again))
    same(first, [gj.value_and_grad(lambda x, f=f: f(x))(x) for f in (again.f, again.g, again.Model(1.5).loss)
                 for x in (X, -X)])
