"""The first call, from the Python function to its result, each in a process of its own.

`python -m benchmarks.first_call CASE CONTENDER` imports the library, converts the arguments, and prints the seconds of
both import (beyond NumPy's) and first call as JSON. `first_call` runs that and reads it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

from .cases import CASES, Case
from .peers import peer


@dataclass(frozen=True)
class First:
    """import_seconds: beyond NumPy's own import. call_seconds: from the Python function to the result."""

    import_seconds: float
    call_seconds: float


def first_call(case: Case, name: str, repeats: int = 2) -> First:
    """The least of some fresh processes. Raises RuntimeError with the error's last line if the contender fails."""
    found = []
    for _ in range(repeats):
        done = _python("-m", "benchmarks.first_call", case.name, name)
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
        found.append(First(**json.loads(done.stdout.splitlines()[-1])))
    return First(min(f.import_seconds for f in found), min(f.call_seconds for f in found))


def import_seconds(library: str, repeats: int = 5) -> float:
    """Seconds that `import library` takes when NumPy is there; the least of some fresh processes."""
    code = f"import time, numpy; t = time.perf_counter(); import {library}; print(time.perf_counter() - t)"
    return min(float(_python("-c", code).stdout.splitlines()[-1]) for _ in range(repeats))


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh process that keeps byte code, whatever the environment says.

    Installed packages have theirs from pip; a library measured in its checkout shall not compile its source each time.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)


def main(case_name: str, name: str) -> None:
    case = next(c for c in CASES if c.name == case_name)
    np.zeros(1)
    begin = time.perf_counter()
    module = peer(name)
    imported = time.perf_counter()
    arguments = module.convert(case)
    ready = time.perf_counter()
    module.start(case, arguments).run()
    done = time.perf_counter()
    print(json.dumps({"import_seconds": imported - begin, "call_seconds": done - ready}))


if __name__ == "__main__":
    main(*sys.argv[1:])
