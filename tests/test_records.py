"""Records are data classes: what the standard library's are, these are."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field
from typing import Any

import pytest

from gradjit.records import dataclass
from tests.sources import FILES, PACKAGE, contents

KINDS: list[dict[str, bool]] = [{}, {"frozen": True}, {"eq": False}, {"frozen": True, "eq": False}]


def pair(**how: bool) -> list[Any]:
    """The same class, made by both."""
    def plain() -> type:
        class Point:
            x: float
            y: list[int] = field(default_factory=list)
            note: str = field(default="", compare=False, repr=False)
            key: int = field(default=3, hash=False)

        return Point

    return [dataclasses.dataclass(**how)(plain()), dataclass(**how)(plain())]


@pytest.mark.parametrize("how", KINDS, ids=str)
def test_a_record_is_a_data_class(how: dict[str, bool]) -> None:
    theirs, ours = pair(**how)
    assert [f.name for f in dataclasses.fields(ours)] == [f.name for f in dataclasses.fields(theirs)]
    assert ours.__match_args__ == theirs.__match_args__
    for arguments in ((1.0,), (1.0, [2]), (float("nan"), [2], "note", 4)):
        a, b, c = ours(*arguments), ours(*arguments), ours(2.0)
        x, y, z = theirs(*arguments), theirs(*arguments), theirs(2.0)
        assert (a == b, a == c, a != b, a == 1) == (x == y, x == z, x != y, x == 1)
        assert repr(a) == repr(x)
        assert dataclasses.replace(a, x=5.0).x == 5.0 and copy.copy(a).y is a.y
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)
    with pytest.raises(TypeError):
        ours()


@pytest.mark.parametrize("make", [dataclasses.dataclass, dataclass])
def test_what_a_class_says_itself_stays(make: Any) -> None:
    @make(frozen=True)
    class Base:
        x: int
        y: int = 1

        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "own"

    @make(frozen=True)
    class Derived(Base):
        z: int = 2

        def __hash__(self) -> int:
            return 7

    assert Base(1) == 5 and repr(Base(1)) == "own" and repr(Derived(1)).endswith("Derived(x=1, y=1, z=2)")
    assert hash(Base(1)) == hash((1, 1)) and hash(Derived(1)) == 7
    assert Derived(1) == Derived(1) and Derived(1) != Derived(2)


@dataclass(frozen=True)
class Single:
    x: float


@dataclass()
class Loop:
    inner: Any = None


def test_small_and_circular_ones() -> None:
    nan = float("nan")
    assert Single(nan) == Single(nan) and hash(Single(1.5)) == hash((1.5,)) and Single(1.0) != Loop(1.0)
    assert pickle.loads(pickle.dumps(Single(2.0))) == Single(2.0)
    loop = Loop()
    loop.inner = loop
    assert repr(loop) == "Loop(inner=...)"


def test_all_data_classes_are_records() -> None:
    """The standard library's take three times as long to define, at every import."""
    found = [f"{path.relative_to(PACKAGE)}:{i.line}" for path in FILES if path.name != "records.py"
             for i in contents(path).imports if (i.base, i.name) == ("dataclasses", "dataclass")]
    assert found == []
