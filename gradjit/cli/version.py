"""Print gradjit's version and what it compiles for: LLVM, processor, its features, threads."""

from __future__ import annotations

import argparse
import os
import platform
import textwrap
from importlib.metadata import PackageNotFoundError, version as installed

from ..environment import count
from . import console

HELP = "print versions, processor and threads"
PACKAGES = ("numpy", "llvmlite", "numba", "scipy", "optree")


def options(p: argparse.ArgumentParser) -> None:
    """None."""


def command(o: argparse.Namespace) -> int:
    import llvmlite.binding as llvm

    console.listing([
        ("gradjit", _version("gradjit")),
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("llvm", ".".join(map(str, llvm.llvm_version_info))),
        *((package, _version(package)) for package in PACKAGES),
        ("target", llvm.get_process_triple()),
        ("processor", llvm.get_host_cpu_name()),
        ("features", _wrapped(_features())),
        ("threads", str(_threads())),
    ])
    return 0


def _version(package: str) -> str:
    try:
        return installed(package)
    except PackageNotFoundError:
        return "not installed"


def _features() -> list[str]:
    import llvmlite.binding as llvm
    try:
        found = llvm.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell on every system
        return []
    return sorted(name for name, present in found.items() if present)


def _wrapped(names: list[str]) -> str:
    lines = textwrap.wrap(" ".join(names) or "unknown", 100)
    return f"\n{' ' * 11}".join(lines)


def _threads() -> int:
    """How many threads compiled loops may use: GRADJIT_NUM_THREADS, or the cores that this process may run on."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return count("GRADJIT_NUM_THREADS") or available
