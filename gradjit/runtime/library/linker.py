"""Finding a linker, and having it make a shared library of an object file."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gradjit.errors import LinkError
from gradjit.records import dataclass
from gradjit.runtime.library.processors import Processor

COMPILERS = ("cc", "gcc", "clang")
LINKERS = ("ld.lld", "ld")
SECONDS = 120
NONE = ("no linker was found: looked for {} and the package ziglang (pip install 'gradjit[aot]'). The object file and "
        "the static library are whole without")


@dataclass(frozen=True)
class Linker:
    """How it is called. style: of its options: those of a compiler, of `ld`, or of Microsoft's link."""

    command: tuple[str, ...]
    style: str

    @property
    def compiles(self) -> bool:
        """Whether it compiles C, too."""
        return self.style == "compiler"


def found(p: Processor, compiles: bool = False) -> Linker | None:
    """A linker for a processor's kind of machine: of the variable CC, in the path, or that of the ziglang wheel. Only
    zig's makes code for other machines than this."""
    from gradjit.runtime.library.processors import host_processor

    here = host_processor()
    if (here.architecture, system(here)) != (p.architecture, system(p)):
        return zig(p)
    if (asked := os.environ.get("CC")) and shutil.which(asked.split()[0]):
        return Linker(tuple(asked.split()), "compiler")
    for name in COMPILERS:
        if path := shutil.which(name):
            return Linker((path,), "compiler")
    if not compiles and sys.platform not in ("win32", "darwin"):
        for name in LINKERS:
            if path := shutil.which(name):
                return Linker((path,), "ld")
    if not compiles and sys.platform == "win32":
        for name in ("lld-link", "link"):
            if path := shutil.which(name):
                return Linker((path,), "link")
    return zig(p)


def zig(p: Processor) -> Linker | None:
    """The compiler of the ziglang wheel, for any machine."""
    if importlib.util.find_spec("ziglang") is None:
        return None
    architecture = {"arm64": "aarch64"}.get(p.architecture, p.architecture)
    target = {"linux": f"{architecture}-linux-gnu", "darwin": f"{architecture}-macos",
              "windows": f"{architecture}-windows-gnu"}[system(p)]
    return Linker((sys.executable, "-m", "ziglang", "cc", "-target", target), "compiler")


def system(p: Processor) -> str:
    """The system of a triple."""
    return "darwin" if "apple" in p.triple else "windows" if "windows" in p.triple else "linux"


def shared_name(name: str, p: Processor) -> str:
    """What a shared library is called."""
    return {"linux": f"lib{name}.so", "darwin": f"lib{name}.dylib", "windows": f"{name}.dll"}[system(p)]


def link_shared(linker: Linker, code: Path, to: Path, p: Processor, libraries: Sequence[str], name: str) -> None:
    """Make a shared library that will be called `name`. LinkError, with what the linker said, where that fails."""
    more = [x if x.startswith(("-", "/")) or os.sep in x else f"-l{x}" for x in libraries]
    if linker.style == "link":
        command = [*linker.command, "/NOLOGO", "/DLL", f"/OUT:{to}", str(code), *(f"{x}.lib" for x in libraries)]
    elif system(p) == "darwin":
        command = [*linker.command, "-dynamiclib", "-undefined", "dynamic_lookup", "-o", str(to), str(code),
                   f"-Wl,-install_name,@rpath/{name}", *more]
    elif linker.style == "ld":
        command = [*linker.command, "-shared", "-z", "noexecstack", "-soname", name, "-o", str(to), str(code), *more]
    else:
        command = [*linker.command, "-shared", "-o", str(to), str(code), f"-Wl,-soname,{name}",
                   "-Wl,-z,noexecstack", *more, *([] if system(p) == "windows" else ["-lm"])]
    run(command)


def link_module(linker: Linker, source: Path, code: Path, to: Path, include: Sequence[str], libraries: Sequence[str]
                ) -> None:
    """Compile and link an extension module for Python. LinkError where that fails."""
    more = [x if x.startswith(("-", "/")) or os.sep in x else f"-l{x}" for x in libraries]
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared", "-fPIC"]
    run([*linker.command, *shared, "-O2", *(f"-I{x}" for x in include), str(source), str(code), "-o", str(to), *more,
         *([] if sys.platform == "win32" else ["-lm"])])


def run(command: Sequence[str]) -> None:
    """Run a program. LinkError where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise LinkError(f"{command[0]} cannot be run: {e}") from e
    if done.returncode:
        raise LinkError(f"{' '.join(command)}\nfailed: {(done.stderr or done.stdout).strip()[-2000:]}")


def none_found(p: Processor) -> str:
    """What is said where there is no linker."""
    return NONE.format(", ".join((*COMPILERS, *LINKERS)) if sys.platform != "win32" else "cc, clang, lld-link, link")


__all__ = ["Linker", "found", "link_module", "link_shared", "none_found", "run", "shared_name", "system"]
