"""The command line: see the package. Programs are checked in processes of their own, so that a crash is a finding."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter

from . import BACKENDS, check, program, reduced
from .check import Refused, Rough

CHUNK = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.loops", description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--backend", choices=BACKENDS, default="native")
    parser.add_argument("--show", type=int, metavar="SEED", help="print a program and leave")
    parser.add_argument("--reduce", type=float, default=30.0, metavar="SECONDS", help="for each new kind of failure")
    parser.add_argument("--chunk", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.show is not None:
        print(program(a.show))
        return 0
    return chunk(a) if a.chunk else parent(a)


def parent(a: argparse.Namespace) -> int:
    """Runs chunk after chunk; the counts add up in what they print."""
    totals: Counter[str] = Counter()
    seen: set[str] = set()
    begin = time.monotonic()
    seed, end = a.seed, a.seed + a.count
    while seed < end:
        size = min(CHUNK, end - seed)
        done, at = run_chunk(a, seed, size, totals, seen)
        if not done:
            totals["crash"] += 1
            print(f"==== seed {at}: the process died\n{program(at)}", flush=True)
        seed = seed + size if done else at + 1
    failures = sum(n for what, n in totals.items() if what not in ("ok", "rough", "refused"))
    counts = ", ".join(f"{n} {what}" for what, n in totals.most_common())
    print(f"{a.count} programs in {time.monotonic() - begin:.0f} s: {counts}")
    return 1 if failures else 0


def run_chunk(a: argparse.Namespace, seed: int, size: int, totals: Counter[str], seen: set[str]) -> tuple[bool, int]:
    """Whether a chunk came to its end, and the last seed that it began."""
    command = [sys.executable, "-m", "tests.fuzz.loops", "--chunk", "--seed", str(seed), "--count", str(size),
               "--backend", a.backend, "--reduce", str(a.reduce)]
    at = seed
    quiet = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "@seed":
                at, quiet = int(rest), False
            elif word == "@count":
                totals[rest] += 1
            elif word == "@failure":
                quiet = rest in seen
                seen.add(rest)
            elif not quiet:
                print(line, end="", flush=True)
    if process.returncode > 0:
        raise SystemExit(f"the check of seed {at} broke, not the program; see above")
    return process.returncode == 0, at


def chunk(a: argparse.Namespace) -> int:
    seen: set[tuple[str, str, str]] = set()
    for seed in range(a.seed, a.seed + a.count):
        print("@seed", seed, flush=True)
        p = program(seed)
        try:
            failure = check(p, a.backend)
        except (Refused, Rough) as e:
            print("@count", type(e).__name__.lower(), flush=True)
            continue
        print("@count", failure.step + " " + failure.kind if failure else "ok", flush=True)
        if failure is None or failure.signature in seen:
            continue
        seen.add(failure.signature)
        print("@failure", failure.signature, flush=True)
        small = reduced(p, a.backend, a.reduce) if a.reduce else p
        print(f"==== {check(small, a.backend)}\n{small}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
