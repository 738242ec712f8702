"""The object file of a library: its kernels for each processor, linked with the functions that C calls.

Everything is one module of LLVM. A kernel carries the processor that it is for as an attribute of its functions, so
that kernels for several stand side by side; all around them is for the least of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from gradjit.codegen import llvm
from gradjit.codegen.emit import KERNEL
from gradjit.codegen.emit_parallel import LIMIT
from gradjit.codegen.target import Machine
from gradjit.codegen.vecmath.outlined import PREFIX as OUTLINED
from gradjit.runtime.c_function import I8
from gradjit.runtime.jit import PIPELINES, llvm_session
from gradjit.runtime.library.description import KernelText, LibraryDescription
from gradjit.runtime.library.entry_points import (
    emit_plain,
    emit_strided,
    emit_texts,
    emit_versions,
    emit_workspace,
    kernel_symbol,
    own_symbol,
)
from gradjit.runtime.library.processor_choice import emit_level
from gradjit.runtime.library.processors import Processor, initialise
from gradjit.runtime.library.routines_outside import emit_outside, needs, outside_routines, there_symbol
from gradjit.runtime.library.strided_views import emit_view_functions
from gradjit.runtime.llvmlite_versions import new_context

_DEFINED = re.compile(r"^(define [^\n]*)$", re.M)
_TARGET = re.compile(r"^target (triple|datalayout) = .*$", re.M)


def exported(library: LibraryDescription) -> list[str]:
    """What can be called from outside."""
    names = [f"{library.name}_{x}" for x in ("set_interrupt", "set_routine", "manifest")]
    for r in library.routines:
        names += [r.name, *(f"{r.name}_{x}" for x in ("strided", "workspace", "error"))]
        names += [kernel_symbol(r, k) for k in range(len(r.versions))]
    return names


def object_code(library: LibraryDescription, processors: Sequence[Processor], manifest: bytes, weak: bool = False,
                more: Callable[[llvm.Module], list[str]] = lambda module: []) -> bytes:
    """Relocatable code. weak: whether BLAS and LAPACK may be missing when it is linked. more: emits other functions,
    and gives their names.

    Raises RuntimeError where LLVM does not take what was made.
    """
    base = common_ground(processors)
    text, names = around(library, processors, manifest, weak, more)
    with llvm_session() as llvm:
        initialise(llvm)
        target = llvm.Target.from_triple(base.triple)
        machine = target.create_target_machine(cpu=base.cpu, features=base.features, opt=2, reloc="pic",
                                               codemodel="default")
        with new_context() as context, parsed(llvm, context, machine, text, "light") as whole:
            for t, pipeline in kernel_texts(library, processors):
                whole.link_in(parsed(llvm, context, machine, t, pipeline))
            hide(whole, [*exported(library), *names])
            whole.verify()
            code: bytes = machine.emit_object(whole)
            return code


def kernel_texts(library: LibraryDescription, processors: Sequence[Processor]) -> list[tuple[str, str]]:
    """The modules of all kernels, each once, and how they are optimised."""
    found: dict[str, str] = {}
    for r in library.routines:
        for number, version in enumerate(r.versions):
            for k, p in zip(version.kernels, processors, strict=True):
                found.update(texts_of(k, p, own_symbol(r, number, p)))
    return list(found.items())


def parsed(llvm: Any, context: Any, machine: Any, text: str, pipeline: str) -> Any:
    """A module, optimised."""
    m = llvm.parse_assembly(text, context)
    m.triple, m.data_layout = machine.triple, str(machine.target_data)
    m.verify()
    PIPELINES[pipeline][0](m, machine)
    return m


def common_ground(processors: Sequence[Processor]) -> Processor:
    """What the functions around the kernels are compiled for: any processor of the architecture can run them."""
    first = processors[0]
    if first.architecture != "x86_64":
        return first
    return Processor("x86-64", first.triple, "x86-64", "", (), Machine(16, multiply_adds=False))


def texts_of(k: KernelText, p: Processor, symbol: str) -> list[tuple[str, str]]:
    """The modules of a kernel for a processor, under names of their own."""
    texts = [(k.text.replace(f'@"{KERNEL}', f'@"{symbol}'), k.pipeline), *((t, "glue") for t in k.outlined)]
    return [(for_processor(t, p), pipeline) for t, pipeline in texts]


def for_processor(text: str, p: Processor) -> str:
    """A module all of whose functions are for a processor; what is shared by kernels is shared by those for it."""
    text = _TARGET.sub("", text.replace(f'@"{OUTLINED}', f'@"{OUTLINED}{p.suffix}.'))
    attributes = f'"target-cpu"="{p.cpu}"' + (f' "target-features"="{p.features}"' if p.features else "")
    return _DEFINED.sub(rf"\1 {attributes}", text)


def hide(whole: Any, names: Sequence[str]) -> None:
    """Keep all functions to the library but for those that are exported."""
    for f in whole.functions:
        if not f.is_declaration and f.name not in names:
            f.linkage = "internal"
    for v in whole.global_variables:
        if v.name == LIMIT:
            v.linkage = "internal"


def around(library: LibraryDescription, processors: Sequence[Processor], manifest: bytes, weak: bool,
           more: Callable[[llvm.Module], list[str]]) -> tuple[str, list[str]]:
    """Everything but the kernels, as LLVM IR, and the names that `more` gives."""
    module = llvm.Module("gradjit.library")
    emit_level(module, processors)
    emit_view_functions(module)
    routines = outside_routines(library)
    emit_outside(module, library, routines, weak)
    for r in library.routines:
        emit_versions(module, r, processors)
        emit_plain(module, r, [module.defined(there_symbol(x)) for x in needs(r, routines)])
        emit_strided(module, r)
        emit_workspace(module, r)
        emit_texts(module, r)
    kind = llvm.ArrayType(I8, len(manifest))
    llvm.GlobalVariable(module, kind, f"{library.name}_manifest", kind(manifest), is_constant=True, align=8)
    names = more(module)
    return _TARGET.sub("", str(module)), names


__all__ = ["common_ground", "exported", "object_code"]
