"""The first call, from the Python function to its result, each in a process of its own.

`python -m benchmarks.first_call CASE CONTENDER` imports the library, converts the arguments, and prints the seconds of
both import (beyond NumPy's) and first call as JSON. `first_call` runs that and reads it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .cases import CASES, Case
from .loops.cases import LOOPS, PAIRS
from .peers import peer, written

PATIENCE = 60.0
"""Seconds that a process may take. What would unroll a million steps ends here."""


@dataclass(frozen=True)
class First:
    """import_seconds: beyond NumPy's own import. call_seconds: from the Python function to the result. again_seconds:
    the same call once more, compiled by then."""

    import_seconds: float
    call_seconds: float
    again_seconds: float = 0.0


COLD = {"GRADJIT_CACHE": "0"}
"""What a first call finds where nothing else is said: no code on disk, neither of this function nor of others."""


def first_call(case: Case, name: str, repeats: int = 2, settings: Mapping[str, str] = COLD) -> First:
    """The least of some fresh processes with these variables in their environment. Raises RuntimeError with the error's
    kind and first line if the contender fails or does not end."""
    found = []
    for _ in range(repeats):
        try:
            done = _python("-m", "benchmarks.first_call", case.name, name, settings=settings)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no result after {PATIENCE:.0f} s") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            said = next((x for x in reversed(lines) if re.match(r"[\w.]+: ", x)), lines[-1])
            raise RuntimeError(re.sub(r"^(?:\w+\.)+(?=\w+: )", "", said))
        found.append(First(**json.loads(done.stdout.splitlines()[-1])))
    return First(*(min(getattr(f, field) for f in found) for field in First.__dataclass_fields__))


def import_seconds(library: str, repeats: int = 5) -> float:
    """Seconds that `import library` takes when NumPy is there; the least of some fresh processes."""
    code = f"import time, numpy; t = time.perf_counter(); import {library}; print(time.perf_counter() - t)"
    return min(float(_python("-c", code).stdout.splitlines()[-1]) for _ in range(repeats))


def _python(*arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A fresh process that keeps byte code, whatever the environment says.

    Installed packages have theirs from pip; a library measured in its checkout shall not compile its source each time.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([sys.executable, *arguments], env={**environment, **(settings or {})}, capture_output=True,
                          text=True, check=False, timeout=PATIENCE)


def main(case_name: str, name: str) -> None:
    case = next(c for c in (*CASES, *LOOPS, *(c for p in PAIRS for c in (p.few, p.many))) if c.name == case_name)
    np.zeros(1)
    begin = time.perf_counter()
    module = peer(name)
    imported = time.perf_counter()
    written(case, module.PLACE)
    arguments = module.convert(case)
    ready = time.perf_counter()
    contender = module.start(case, arguments)
    contender.run()
    done = time.perf_counter()
    contender.run()
    again = time.perf_counter()
    print(json.dumps({"import_seconds": imported - begin, "call_seconds": done - ready, "again_seconds": again - done}))


if __name__ == "__main__":
    main(*sys.argv[1:])
