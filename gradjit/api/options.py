"""What a user may ask of every transformation, by keyword: how its result is run.

`gj.config` holds what is meant where nothing is said; the environment (GRADJIT_TIER, GRADJIT_SIZES) what is meant
where that says nothing either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypedDict, Unpack

from ..environment import say
from ..records import dataclass
from ..runtime.threads import checked

BACKENDS = ("native", "interpreter")
TIERS = ("quick", "compile", "interpret")
POLICIES = ("auto", "exact", "any")


class Asked(TypedDict, total=False):
    """The keywords of `jit`, `grad` and the others.

    backend: "native", or "interpreter" to run the IR with NumPy, one operation at a time, for debugging.
    check: whether assertions on traced values are carried out; None asks the environment (GRADJIT_CHECK=1).
    tier: "quick" to have the first calls answered by code that LLVM made with little effort, "interpret" to have them
        answered by the interpreter, "compile" to compile at once; None asks `gj.config`.
    sizes: "auto" to open the extents in which calls differ, so that one compilation serves all sizes; "any" to open all
        from the first call on; "exact" to compile for each size; None asks `gj.config`.
    signature: the types of the arguments, with names for the extents that are open: "f64[n,3], f64[n] -> ...". Other
        calls are an ArgumentError then.
    threads: how many threads its loops may use; None for what holds for all functions (`gj.set_threads`).
    """

    backend: str
    check: bool | None
    tier: str | None
    sizes: str | None
    signature: str | None
    threads: int | None


@dataclass(frozen=True)
class Options:
    """What was asked, with what nobody asked for."""

    backend: str = "native"
    check: bool | None = None
    tier: str | None = None
    sizes: str | None = None
    signature: str | None = None
    threads: int | None = None

    @classmethod
    def of(cls, name: str, others: Callable[[], Sequence[str]] = tuple, **asked: Unpack[Asked]) -> Options:
        """The options of `gj.<name>`. TypeError for a keyword that there is not, ValueError for another value.

        others: tells the names of arguments that this function has besides."""
        known = [f.name for f in fields(cls)]
        for keyword in asked:
            if keyword not in known:
                raise TypeError(f"gj.{name} has no option {keyword!r}; there are {', '.join([*known, *others()])}")
        if (number := asked.get("threads")) is not None:
            asked["threads"] = checked(number)
        made = cls(**asked)
        one_of("backend", made.backend, BACKENDS)
        if made.sizes is not None:
            one_of("sizes", made.sizes, POLICIES)
        if made.tier is not None:
            one_of("tier", made.tier, TIERS)
        return made

    def asked(self) -> dict[str, Any]:
        """The keywords that give these options."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


USUAL = Options()


def one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}={value!r}; there are {', '.join(known)}")


class Config:
    """What is meant where a function is not told: `gj.config.tier = "interpret"`, or for some lines only

        with gj.config(tier="interpret"):
            ...

    tier: what answers the first calls of each specialisation. "quick", unless said: code that LLVM has made with
        little effort, in half the time; behind three calls it is made once more with all of it. The numbers are the
        same, to the last bit. (What takes long is compiled with all effort at once.) "compile": each specialisation is
        compiled so at its first call. "interpret": its first `interpreted_calls` calls are answered by the interpreter
        of the IR, and machine code is made for the call behind them; functions with loops are compiled at once. For
        test suites and scripts that call a function once or twice. It goes by count, so that two runs give the same
        numbers; the interpreter's last bits may differ from machine code's.
    interpreted_calls: how many; 2.
    sizes: what is open where a function is not told: "auto", "exact" (nothing) or "any"; see `gj.jit`. What has been
        compiled stays.
    """

    def __init__(self) -> None:
        self._tier: str | None = None
        self._calls = 2
        self._sizes: str | None = None

    @property
    def tier(self) -> str:
        return self._tier or of_environment("GRADJIT_TIER", TIERS, "quick")

    @tier.setter
    def tier(self, value: str | None) -> None:
        if value is not None:
            one_of("tier", value, TIERS)
        self._tier = value

    @property
    def sizes(self) -> str:
        return self._sizes or of_environment("GRADJIT_SIZES", POLICIES, "auto")

    @sizes.setter
    def sizes(self, value: str | None) -> None:
        if value is not None:
            one_of("sizes", value, POLICIES)
        self._sizes = value

    @property
    def interpreted_calls(self) -> int:
        return self._calls

    @interpreted_calls.setter
    def interpreted_calls(self, value: int) -> None:
        if type(value) is not int or value < 1:
            raise ValueError(f"interpreted_calls={value!r}; it must be a positive int")
        self._calls = value

    @contextmanager
    def __call__(self, **settings: Any) -> Iterator[Config]:
        """For the lines within: `with gj.config(tier="interpret", interpreted_calls=5):`."""
        for name in settings:
            if name not in SETTINGS:
                raise TypeError(f"gj.config has no setting {name!r}; there are {', '.join(SETTINGS)}")
        before = self._tier, self._calls, self._sizes
        try:
            for name, value in settings.items():
                setattr(self, name, value)
            yield self
        finally:
            self._tier, self._calls, self._sizes = before

    def __repr__(self) -> str:
        return f"gj.config({', '.join(f'{name}={getattr(self, name)!r}' for name in SETTINGS)})"

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in (*SETTINGS, "_tier", "_calls", "_sizes"):
            raise AttributeError(f"gj.config has no setting {name!r}; there are {', '.join(SETTINGS)}")
        super().__setattr__(name, value)


SETTINGS = ("tier", "interpreted_calls", "sizes")


def of_environment(name: str, known: tuple[str, ...], default: str) -> str:
    """What a variable says for a whole process: GRADJIT_TIER=interpret, GRADJIT_SIZES=auto."""
    asked = os.environ.get(name) or default
    if asked not in known:
        say(f"{name}={asked!r} is none of {', '.join(known)}, and counts as {default}")
        return default
    return asked


config = Config()

__all__ = ["USUAL", "Asked", "Config", "Options", "config"]
