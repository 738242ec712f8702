"""How many threads parallel loops may use: what the user says, or what the machine and the process have.

In order: `gj.set_threads`, GRADJIT_NUM_THREADS, OMP_NUM_THREADS (which BLAS libraries follow, too, and by which Dask
and job schedulers tell their workers to use one core); one in a process that is a worker among others; else the cores
that the process may run on.
"""

from __future__ import annotations

import math
import operator
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradjit.environment import count
from gradjit.processes import Lock
from gradjit.runtime import pool


class ThreadNumber:
    """A number of threads that the user has asked for, or None."""

    def __init__(self, number: int | None):
        self.number = number


_asked = [ThreadNumber(None)]
"""What the user has said in this process: by `set_threads`, and then for lines that are running. The last one holds."""
_lock = Lock()
CGROUP = Path("/sys/fs/cgroup")


def checked(n: object, words: str = "threads") -> int:
    """A number of threads. TypeError for what is no int, ValueError for one out of range."""
    try:
        number = operator.index(n if not isinstance(n, bool) else None)  # type: ignore[arg-type]  # raises TypeError
    except TypeError:
        raise TypeError(f"{words}={n!r}; it must be an int, or None for as many as the process has cores") from None
    if not 1 <= number <= pool.MAX_THREADS:
        raise ValueError(f"{words}={number}; it must be 1 to {pool.MAX_THREADS}, or None for as many threads as the "
                         f"process has cores ({cores()})")
    return number


def set_threads(n: int | None) -> None:
    """Let compiled code use n threads, in this process, from the next call on; None for as many as there are cores.

    Results do not depend on it, to the last bit (products that BLAS computes excepted).
    Raises ValueError for numbers below 1 or above 1024, TypeError for what is no int.
    """
    number = None if n is None else checked(n, "n")
    with _lock:
        _asked[-1].number = number
        _apply()


def get_threads() -> int:
    """How many threads compiled code uses where a function says nothing else (`threads=`)."""
    with _lock:
        if not pool.threads():
            pool.allow(usual())
        return pool.threads()


@contextmanager
def threads(n: int | None) -> Iterator[None]:
    """For the lines within: `with gj.threads(2):`. It holds for the whole process, as `set_threads` does. Where several
    Python threads are in such lines the last to enter says how many; when all have left it is as before."""
    own = ThreadNumber(None if n is None else checked(n, "n"))
    with _lock:
        _asked.append(own)
        _apply()
    try:
        yield
    finally:
        with _lock:
            _asked.remove(own)
            _apply()


def _apply() -> None:
    number = _asked[-1].number
    pool.allow(usual() if number is None else number)


def usual() -> int:
    """The number of threads where the user says nothing."""
    asked = count("GRADJIT_NUM_THREADS") or from_openmp()
    return min(asked, pool.MAX_THREADS) if asked else 1 if is_worker() else cores()


def from_openmp() -> int | None:
    """OMP_NUM_THREADS: a number, or one for each level of nesting. What is neither is OpenMP's affair."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


def is_worker() -> bool:
    """Whether this process is one of several that share the machine: of multiprocessing, joblib, Dask, pytest-xdist."""
    known = sys.modules.get("multiprocessing.process")
    return (known is not None and known.parent_process() is not None) or "PYTEST_XDIST_WORKER" in os.environ


def cores() -> int:
    """The cores that this process may use: what its affinity mask allows, and the quota of its control groups."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, quota(), pool.MAX_THREADS))


def quota() -> int:
    """The cores that the control groups of this process allow; many where they say nothing. Python itself knows of the
    affinity mask only."""
    found = [float(pool.MAX_THREADS)]
    for limit in (*version_2(), *version_1()):
        try:
            most, period = (int(x) for x in limit)
        except ValueError:  # "max"
            continue
        if most > 0 and period > 0:
            found.append(most / period)
    return max(1, math.ceil(min(found)))


def version_2() -> Iterator[list[str]]:
    """`quota period` of the group and of those around it."""
    for line in read(Path("/proc/self/cgroup")).splitlines():
        group = CGROUP / line.partition("::")[2].lstrip("/")
        for each in (group, *group.parents):
            if CGROUP in (each, *each.parents) and len(pair := read(each / "cpu.max").split()) == 2:
                yield pair


def version_1() -> Iterator[list[str]]:
    pair = [read(CGROUP / "cpu" / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    if all(pair):
        yield pair


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _in_child() -> None:
    """A forked child is a worker, unless somebody has said how many threads there are to be."""
    if pool.threads():
        pool.allow(_asked[-1].number or count("GRADJIT_NUM_THREADS") or from_openmp() or 1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

__all__ = ["checked", "cores", "get_threads", "set_threads", "threads"]
