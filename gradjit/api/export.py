"""`gj.export`: compiled functions as files that need no Python."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from ..probe import text
from ..records import dataclass
from ..release import VERSION
from ..runtime.library import archive, build_files, header, linker, manifest
from ..runtime.library.description import LibraryDescription, function_identifier, identifier, is_identifier, is_taken
from ..runtime.library.object_file import exported, object_code
from ..runtime.library.processors import Processor, chosen
from ..runtime.library.routines_outside import outside_routines
from . import python_module, python_stub
from .library_programs import routine_of


@dataclass(frozen=True)
class Routine:
    """A function of a library that `gj.export` is to write: `gj.Routine(f, "f64[n,3]", derivative="grad")`.

    The keywords are those of `gj.export`; `name` is the function's in C.
    """

    function: Callable[..., Any]
    signature: str
    derivative: str | None = None
    argnums: int | tuple[int, ...] = 0
    name: str | None = None


@dataclass(frozen=True)
class LibraryFiles:
    """What was written. `shared` is None where there is no linker; `messages` say so."""

    directory: Path
    object: Path
    static: Path
    header: Path
    example: Path
    shared: Path | None
    others: tuple[Path, ...]
    functions: tuple[str, ...]
    module: Path | None = None
    """The extension module for Python, if one was asked for and there is a compiler."""
    module_source: Path | None = None
    module_object: Path | None = None
    """What it is made of, for build systems that compile it themselves."""
    messages: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        files = [p for p in (self.object, self.static, self.shared, self.header, self.example, *self.others,
                             self.module) if p]
        return "\n".join([*map(str, files), *self.messages])


def export(f: Callable[..., Any] | Sequence[Routine], signature: str | None = None, *, derivative: str | None = None,
           argnums: int | tuple[int, ...] = 0, name: str | None = None, output: str | Path = "build",
           targets: str | Sequence[str] = "native", libraries: Sequence[str] = (), python: bool = False
           ) -> LibraryFiles:
    """Compile a function, or one of its derivatives, into a library with a C interface, which needs no Python.

        gj.export(loss, "f64[3], f64[n,3], f64[n]", derivative="value_and_grad")
        gj.export([gj.Routine(f, "f64[n]"), gj.Routine(f, "f64[n]", "grad")], name="models")

    signature: the types of the arguments, as for `gj.jit(signature=)`; extents that are named are open.
    derivative: "grad", "value_and_grad", "hessian", "hvp", "jacobian", ...; None for the function itself.
    argnums: with respect to what.
    name: of the library; by default that of (the first) function.
    output: the directory that is written to, made if need be: the object file NAME.o, the libraries libNAME.a and
        libNAME.so, the header NAME.h, main.c as an example, NAME.pc for pkg-config and NAMEConfig.cmake.
    targets: processors: "native" (this one), "x86-64-v3" and the other levels, a triple such as "aarch64-linux-gnu"; or
        several levels of x86-64, among which the library chooses when it runs.
    libraries: what the shared library is linked with besides, such as "openblas", where the functions call BLAS.
    python: also an extension module NAME.abi3.so, with NAME.pyi beside it, that needs NumPy alone and serves all
        versions of Python from 3.11 on; and its source NAMEmodule.c. That takes a compiler of C and Python's headers.

    Arrays and numbers from outside of the function become constants. Raises ArgumentError for a signature that does not
    fit the function, UnsupportedError for what only Python can do, LinkError where the linker fails.
    """
    routines = [Routine(f, required(signature), derivative, argnums)] if callable(f) else (
        list(f) if isinstance(f, (list, tuple)) else [])
    if not routines or not all(isinstance(r, Routine) for r in routines):
        raise ArgumentError("gj.export takes a function and its signature, or a list of gj.Routine")
    processors = chosen([targets] if isinstance(targets, str) else targets)
    library = described(routines, name, processors)
    files = written(library, processors, Path(output), libraries)
    return with_module(files, library, processors, libraries) if python else files


def required(signature: str | None) -> str:
    if signature is None:
        raise ArgumentError("gj.export needs the types of the arguments: gj.export(f, \"f64[n,3], f64[n]\")")
    return signature


def described(routines: Sequence[Routine], name: str | None, processors: Sequence[Processor]) -> LibraryDescription:
    made = [routine_of(r.function, r.signature, r.derivative, r.argnums, r.name, processors) for r in routines]
    twice = {r.name for r in made if sum(r.name == s.name for s in made) > 1}
    if twice:
        raise ArgumentError(f"two functions of the library are called {', '.join(sorted(twice))}; give them names: "
                            f"gj.Routine(f, ..., name=\"...\")")
    own = name or text(routines[0].function, "__name__", "library").replace("<lambda>", "library")
    if not is_identifier(own):
        raise ArgumentError(f"name={own!r}: a library's name is one in C, such as {identifier(own)!r}")
    names = [r.name for r in made]
    for r in made:
        if not is_identifier(r.name):
            raise ArgumentError(f"name={r.name!r}: a function's name is one in C, such as {identifier(r.name)!r}")
        if is_taken(r.name):
            raise ArgumentError(f"name={r.name!r}: C's own libraries, or the code around the function, have this name; "
                                f"take another, such as {function_identifier(r.name)!r}")
    library = LibraryDescription(own, tuple(made))
    symbols = exported(library)
    if len(set(symbols)) < len(symbols):
        raise ArgumentError(f"the names {', '.join(names)} give two functions one symbol; choose others")
    return library


def written(library: LibraryDescription, processors: Sequence[Processor], directory: Path, libraries: Sequence[str]
            ) -> LibraryFiles:
    """Write all files of a library."""
    routines = outside_routines(library)
    told = manifest.written(library, processors, [(x.symbol, x.name) for x in routines], VERSION)
    code = object_code(library, processors, told)
    name, first = library.name, processors[0]
    by = f"gradjit {VERSION}"
    directory.mkdir(parents=True, exist_ok=True)
    shared_name = linker.shared_name(name, first)
    static = directory / f"lib{name}.a"
    files: dict[Path, bytes | str] = {
        directory / f"{name}.o": code,
        static: archive.archive(f"{name}.o", code, exported(library)),
        directory / f"{name}.h": header.header(library, routines, [p.name for p in processors], by),
        directory / "main.c": header.example(library),
        directory / f"{name}.pc": build_files.pkg_config(name, VERSION, header.linked_with(library, routines),
                                                         libraries or (["lapack", "blas"] if routines else [])),
        directory / f"{name}Config.cmake": build_files.cmake(name, shared_name, libraries or (
            ["lapack", "blas"] if routines else [])),
    }
    for path, content in files.items():
        if path.name == "main.c" and path.exists() and not path.read_bytes().startswith(header.EXAMPLE_TOP.encode()):
            continue  # the user's own
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    messages = []
    shared: Path | None = directory / shared_name
    if (found := linker.found(first)) is None:
        shared = None
        messages.append(f"{shared_name} was not made: {linker.none_found(first)}.")
    else:
        assert shared is not None
        link(found, library, processors, told, code, shared, libraries, bool(routines))
    every = list(files)
    return LibraryFiles(directory, every[0], every[1], every[2], every[3], shared, tuple(every[4:]),
                        tuple(r.name for r in library.routines), messages=tuple(messages))


def link(found: linker.Linker, library: LibraryDescription, processors: Sequence[Processor], told: bytes, code: bytes,
         to: Path, libraries: Sequence[str], calls_routines: bool) -> None:
    """Make the shared library, and seal it. BLAS and LAPACK may be missing when it is loaded."""
    part = to.with_name(f"{to.name}.o")
    linked = to.with_name(f"{to.name}.part")
    try:
        part.write_bytes(object_code(library, processors, told, weak=True) if calls_routines else code)
        linker.link_shared(found, part, linked, processors[0], libraries, to.name)
        data = linked.read_bytes()
        linked.write_bytes(data if linker.system(processors[0]) == "darwin" else manifest.sealed(data))
        linked.replace(to)
    finally:
        for path in (part, linked):
            path.unlink(missing_ok=True)


# for Python -----------------------------------------------------------------------------------------------------------
def with_module(files: LibraryFiles, library: LibraryDescription, processors: Sequence[Processor],
                libraries: Sequence[str]) -> LibraryFiles:
    """An extension module besides."""
    import numpy as np

    routines = outside_routines(library)
    told = manifest.written(library, processors, [(x.symbol, x.name) for x in routines], VERSION)
    source = files.directory / f"{library.name}module.c"
    code = files.directory / f"{library.name}module.o"
    stub = files.directory / f"{library.name}.pyi"
    source.write_text(python_module.module_source(library, routines, VERSION), encoding="utf-8")
    stub.write_text(python_stub.stub(library), encoding="utf-8")
    code.write_bytes(object_code(library, processors, told, weak=True))
    made = replace(files, others=(*files.others, source, stub), module_source=source, module_object=code)
    include = [sysconfig.get_paths()["include"], np.get_include(), str(files.directory)]
    found = linker.found(processors[0], compiles=True)
    if found is None or not Path(include[0], "Python.h").exists():
        lacks = f"there is no {include[0]}/Python.h (python3-dev)" if found else "there is no compiler of C (cc, clang)"
        return replace(made, messages=(*made.messages, f"the module for Python was not made: {lacks}."))
    module = files.directory / (f"{library.name}.pyd" if sys.platform == "win32" else f"{library.name}.abi3.so")
    part = module.with_name(f"{module.name}.part")
    try:
        linker.link_module(found, source, code, part, include, libraries)
        part.replace(module)
    finally:
        part.unlink(missing_ok=True)
    return replace(made, module=module)


__all__ = ["LibraryFiles", "Routine", "export"]
