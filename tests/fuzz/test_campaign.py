"""The command line counts what becomes of programs, and survives them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

import tests.fuzz.campaign
from tests.fuzz.campaign import Fuzzer, Outcome, campaign
from tests.fuzz.failure import Failure, Refused, Rough
from tests.fuzz.reduce import reduced
from tests.fuzz.source import Program

WRONG = Failure("value", "AssertionError", "1.0 for 2.0")
FATES: dict[int, Outcome] = {2: Refused("not 7 of these"), 3: Rough("kink"), 4: WRONG, 6: WRONG}


def outcomes(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
    for seed in seeds:
        yield seed
        if seed == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        yield seed, FATES.get(seed)


FUZZER = Fuzzer("fake", lambda seed: f"program {seed}", outcomes, lambda p: None, lambda p, seconds: p, lambda: None)


def test_everything_is_counted(capsys: Any) -> None:
    """The failures that are alike are shown once; a process that dies is a crash, and the seeds behind it come all the
    same."""
    assert campaign(FUZZER, range(9), reduce=0, seconds=60) == 1
    shown = capsys.readouterr().out
    assert "9 programs: 4 ok, 2 value AssertionError, 1 refused, 1 rough, 1 crash by SIGKILL" in shown
    assert "1 refused: not _ of these" in shown
    assert shown.count("==== value: AssertionError: 1.0 for 2.0\nprogram 4") == 1
    assert "==== seed 5: crash by SIGKILL\nprogram 5" in shown


def test_a_death_that_does_not_come_again(capsys: Any) -> None:
    def dying(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
        for seed in seeds:
            yield seed
            if seed == 1 and len(seeds) > 1:
                os.kill(os.getpid(), signal.SIGKILL)
            yield seed, None

    fuzzer = Fuzzer("fake", str, dying, lambda p: None, lambda p, seconds: p, lambda: None)
    assert campaign(fuzzer, range(4), reduce=0, seconds=60) == 1
    assert "4 ok, 1 crash by SIGKILL, but not again" in capsys.readouterr().out


def test_a_process_that_spins(capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked where it stands, and ended; the seeds behind it come all the same."""
    monkeypatch.setattr(tests.fuzz.campaign, "STALLED", 1)
    monkeypatch.setattr(tests.fuzz.campaign, "TO_SAY_WHERE", 0.5)

    def spinning(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
        for seed in seeds:
            yield seed
            while seed == 1:
                pass
            yield seed, None

    fuzzer = Fuzzer("fake", str, spinning, lambda p: None, lambda p, seconds: p, lambda: None)
    assert campaign(fuzzer, range(3), reduce=0, seconds=60) == 1
    out, err = capfd.readouterr()
    assert "2 ok, 1 stall" in out
    assert " in spinning" in err


def test_nothing_wrong() -> None:
    assert campaign(FUZZER, range(2), reduce=0, seconds=60) == 0


def test_a_broken_check_is_no_finding() -> None:
    def broken(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
        yield seeds[0]
        raise ZeroDivisionError

    with pytest.raises(SystemExit, match="the check of seed 0 broke"):
        campaign(Fuzzer("fake", str, broken, lambda p: None, lambda p, seconds: p, lambda: None), range(3), 0, 60)


def test_reduced() -> None:
    """What does not matter goes; what the failure needs stays."""
    p = Program("def f(x):\n    y = x + 1\n    for i in range(3):\n        z = abs(x) * 2\n    return z\n", (1.0,))

    def check(q: Program) -> Failure | None:
        return WRONG if "abs(x)" in q.source else None

    assert reduced(p, check, lambda q: True).source == "def f(x):\n    z = abs(x)\n"
