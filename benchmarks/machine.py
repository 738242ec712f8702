"""What the figures were taken on."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("gradjit", "numpy", "scipy", "llvmlite", "numba", "optree", "jax", "jaxlib", "autograd",
            "torch")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
                    "GRADJIT_NUM_THREADS")
STEERING_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What an environment may set to make BLAS take other kernels than it chooses for the processor."""


def pin() -> list[int]:
    """Hold this process and its children to the cores that it may use now, with as many threads in every pool.

    Every library chooses its code for the processor by itself, whatever the environment says.

    To be called before NumPy is imported, whose BLAS reads its variable then. XLA counts the cores that it may use.
    """
    if not hasattr(os, "sched_setaffinity"):
        cores = list(range(os.cpu_count() or 1))
    else:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores)
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(len(cores))
    for variable in STEERING_VARIABLES:
        os.environ.pop(variable, None)
    return cores


def describe(cores: int) -> list[str]:
    """Lines about machine, versions and date."""
    import llvmlite.binding as llvm

    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    versions = ", ".join(f"{p} {v}" for p in PACKAGES if (v := _version(p)))
    return [
        f"Date: {datetime.date.today().isoformat()}",
        f"Processor: {processor()} ({llvm.get_host_cpu_name()} to LLVM), {cores} cores used by every contender, "
        f"{_memory()}",
        f"System: {platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        f"Versions: Python {platform.python_version()}, LLVM {llvm_version}, {versions}",
    ]


def processor() -> str:
    """The processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "memory unknown"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB of memory"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
