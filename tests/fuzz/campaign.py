"""The command line of a generator of programs: grows them, checks them, counts what becomes of them, prints what fails.

Programs are checked in processes of their own, so that a crash is a finding, with the program that was at work. The
processes are copies of one that has imported everything. They tell by lines in a pipe:

    @seed 17                     is begun
    @count ok                    became of one program
    @refused reason              and why
    @failure (step, kind, ...)   what follows belongs to a failure of this signature
    anything else                text for whoever reads
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import itertools
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from .failure import Failure, Refused, Rough

CHUNK = 48
"""Programs of one process."""
TOLD_EVERY = 20
"""Chunks from one line about what has become of programs so far to the next."""
STALLED = 300
"""Seconds without a word after which a process is ended: it waits for something that never comes, or spins."""
TO_SAY_WHERE = 5
"""Seconds that a process gets to print where its threads stand, before it is ended."""
STALL = "@stall"
FINE = ("ok", "rough", "refused")

Outcome = Failure | Refused | Rough | None
"""What became of a program; None if all is right."""


@dataclass(frozen=True)
class Fuzzer:
    """A kind of programs: how they are grown from seeds, checked and made small."""

    name: str
    program: Callable[[int], Any]
    outcomes: Callable[[range], Iterator[tuple[int, Outcome] | int]]
    """For seeds in order: the seed before a program, or a batch from it on, is begun, and `(seed, outcome)` behind."""
    check: Callable[[Any], Failure | None]
    reduced: Callable[[Any, float], Any]
    warm: Callable[[], object]
    """Imports and initialises what every process needs."""


def main(fuzzer: Fuzzer, about: str | None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{fuzzer.name}", description=about)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--show", type=int, metavar="SEED", help="print a program and leave")
    parser.add_argument("--reduce", type=float, default=30.0, metavar="SECONDS", help="for each new kind of failure")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing new after so long")
    a = parser.parse_args()
    if a.show is not None:
        print(fuzzer.program(a.show))
        return 0
    os.environ["GRADJIT_CACHE"] = "0"  # what is checked is compiled by this very code
    os.environ["GRADJIT_TIER"] = "compile"  # and is what loops of calls get, unless a check says otherwise
    fuzzer.warm()
    gc.freeze()  # the children's collections pass over what is there already
    return campaign(fuzzer, range(a.seed, a.seed + a.count), a.reduce, a.seconds)


def campaign(fuzzer: Fuzzer, seeds: range, reduce: float, seconds: float) -> int:
    """Runs chunk after chunk; the counts add up in what they tell, and are printed whatever ends the run."""
    signal.signal(signal.SIGTERM, ended)
    tally = Tally()
    begin = time.monotonic()
    seed = seeds.start
    try:
        for number in itertools.count(1):
            if seed >= seeds.stop or time.monotonic() - begin >= seconds:
                break
            chunk = range(seed, min(seed + CHUNK, seeds.stop))
            at, fate = run_chunk(fuzzer, chunk, reduce, tally)
            if fate and not alone(fuzzer, range(at, chunk.stop), reduce, tally):
                tally.counts[f"{fate}, but not again"] += 1
                print(f"==== seed {at} or one of the next: {fate}, but not again\n{fuzzer.program(at)}", flush=True)
            seed = chunk.stop
            if number % TOLD_EVERY == 0:
                print(f"seeds from {seeds.start}: so far {tally.outcomes}", flush=True)
    finally:
        print(f"seeds from {seeds.start}, in {time.monotonic() - begin:.0f} s, {children_seconds():.0f} s of a core: "
              f"{tally}", flush=True)
    return 1 if any(what not in FINE for what in tally.counts) else 0


def ended(*_: object) -> None:
    """The processes of this one's group, which are its children, end with it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGTERM)
    sys.exit("ended from outside")


def alone(fuzzer: Fuzzer, seeds: range, reduce: float, tally: Tally) -> bool:
    """Each of these in a process of its own; whether one of them has ended it."""
    found = False
    for seed in seeds:
        _, fate = run_chunk(fuzzer, range(seed, seed + 1), reduce, tally)
        if fate:
            found = True
            tally.counts[fate] += 1
            print(f"==== seed {seed}: {fate}\n{fuzzer.program(seed)}", flush=True)
    return found


@dataclass
class Tally:
    """What has become of the programs so far."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of refusals."""
    seen: set[str] = field(default_factory=set)
    """Signatures of failures that have been shown."""

    @property
    def outcomes(self) -> str:
        counts = ", ".join(f"{n} {what}" for what, n in self.counts.most_common())
        return f"{sum(self.counts.values())} programs: {counts}"

    def __str__(self) -> str:
        return self.outcomes + "".join(f"\n    {n} refused: {reason}" for reason, n in self.reasons.most_common())


def children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def run_chunk(fuzzer: Fuzzer, seeds: range, reduce: float, tally: Tally) -> tuple[int, str]:
    """The last seed that a chunk began, and what ended the chunk too early, if anything did."""
    receiving, sending = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        run_child(fuzzer, seeds, reduce, sending)
    os.close(sending)
    at, quiet, stalled = seeds.start, False, False
    with os.fdopen(receiving) as pipe:
        for line in lines(pipe, child):
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "@seed":
                at, quiet = int(rest), False
            elif word == "@count":
                tally.counts[rest] += 1
            elif word == "@refused":
                tally.reasons[rest] += 1
            elif word == "@failure":
                quiet = rest in tally.seen
                tally.seen.add(rest)
            elif word == STALL:
                stalled = True
            elif not quiet:
                print(line, end="", flush=True)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"the check of seed {at} broke, not the program; see above")
    if os.WIFEXITED(status):
        return at, ""
    return at, "stall" if stalled else f"crash by {signal.Signals(os.WTERMSIG(status)).name}"


def lines(pipe: TextIO, child: int) -> Iterable[str]:
    """What the child says; a child that falls silent is asked where it stands, and ended."""
    buffer = b""
    while True:
        if not select.select([pipe], [], [], STALLED)[0]:
            os.kill(child, signal.SIGUSR1)
            time.sleep(TO_SAY_WHERE)
            os.kill(child, signal.SIGKILL)
            yield STALL
        data = os.read(pipe.fileno(), 1 << 16)
        if not data:
            return
        *whole, buffer = (buffer + data).split(b"\n")
        yield from (line.decode() + "\n" for line in whole)


def run_child(fuzzer: Fuzzer, seeds: range, reduce: float, sending: int) -> None:
    """Never returns: this process ends here."""
    code = 1
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        faulthandler.enable(sys.__stderr__ or 2)
        faulthandler.register(signal.SIGUSR1, sys.__stderr__ or 2)  # asked where it stands
        with os.fdopen(sending, "w") as pipe:
            for line in told(fuzzer, seeds, reduce):
                print(line, file=pipe, flush=True)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def told(fuzzer: Fuzzer, seeds: range, reduce: float) -> Iterator[str]:
    seen: set[Any] = set()
    for item in fuzzer.outcomes(seeds):
        if isinstance(item, int):
            yield f"@seed {item}"
            continue
        seed, outcome = item
        if not isinstance(outcome, Failure):
            yield f"@count {'ok' if outcome is None else type(outcome).__name__.lower()}"
            if isinstance(outcome, Refused):
                yield f"@refused {outcome.reason}"
            continue
        yield f"@count {outcome.step} {outcome.kind}"
        if outcome.signature not in seen:
            seen.add(outcome.signature)
            yield f"@failure {outcome.signature}"
            p = fuzzer.program(seed)
            small = fuzzer.reduced(p, reduce) if reduce else p
            yield f"==== {fuzzer.check(small) or outcome}\n{small}"
