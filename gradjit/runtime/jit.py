"""LLVM IR to machine code that can be called, and away again.

Compilation has two halves, so that a cache can stand between them: `emit_object` turns IR into relocatable object
code, and `load_object` links object code into this process. Each loaded object has a linker (an LLVM ORC `LLJIT`) of
its own: on LLVM 22 that costs 0.4 ms and returns every byte when the code is dropped, where a shared one keeps some 8
KB for each library that it ever held; and an undefined symbol is an exception, where MCJIT aborts the process.

LLVM is loaded and initialised on first use, never by `import gradjit`.
"""

from __future__ import annotations

import collections
import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradjit.runtime import cpython

if TYPE_CHECKING:
    import llvmlite.binding as llvm
    from llvmlite import ir


@dataclass(frozen=True)
class ObjectCode:
    """Relocatable machine code for one CPU, and the optimised IR (bitcode) that it was made from."""

    code: bytes
    bitcode: bytes = field(repr=False)
    exports: tuple[str, ...]


class MachineCode:
    """Code linked into this process. It is freed when this object is: whoever may run it holds a reference.

    Attributes: `addresses`, from exported name to address; `object_code`, what it was loaded from.
    """

    __slots__ = ("addresses", "object_code", "_handle", "__weakref__")

    def __init__(self, handle: object, addresses: dict[str, int], object_code: ObjectCode) -> None:
        self.addresses = addresses
        self.object_code = object_code
        self._handle = handle

    def asm(self) -> str:
        """The machine code as assembly text."""
        return assembly(self.object_code)


def compile_module(
    module: ir.Module | str,
    symbols: Mapping[str, int],
    *,
    pipeline: str = "light",
    exports: Sequence[str] | None = None,
) -> MachineCode:
    """Compile IR for this machine and link it; `symbols` gives the addresses of what it declares.

    C library functions that LLVM itself introduces (memcpy, ...) are found in the process.
    Raises RuntimeError for IR that does not parse or verify and for undefined symbols.
    """
    return load_object(emit_object(module, pipeline=pipeline, exports=exports), symbols)


def emit_object(
    module: ir.Module | str, *, pipeline: str = "light", exports: Sequence[str] | None = None
) -> ObjectCode:
    """Optimise IR with one of `PIPELINES` and generate object code for this machine.

    `exports` names what must stay reachable, by default every function with external linkage.
    """
    text = str(module)
    with _llvm_session() as llvm:
        machine = _target_machine()
        with llvm.create_context() as context, llvm.parse_assembly(text, context) as parsed:
            parsed.triple, parsed.data_layout = machine.triple, str(machine.target_data)
            parsed.verify()
            found = tuple(exports) if exports is not None else tuple(_exported(parsed))
            PIPELINES[pipeline](parsed, machine)
            return ObjectCode(machine.emit_object(parsed), parsed.as_bitcode(), found)


def load_object(object_code: ObjectCode, symbols: Mapping[str, int]) -> MachineCode:
    """Link object code into this process; `symbols` resolves what it leaves undefined.

    Raises RuntimeError if something is missing.
    """
    with _llvm_session() as llvm:
        library = llvm.JITLibraryBuilder().add_object_img(object_code.code)
        for name, address in symbols.items():
            library.import_symbol(name, address)
        for name in object_code.exports:
            library.export_symbol(name)
        machine, jit_link = _target_machine(), os.name != "nt"
        # The library shares ownership of the linker, so that closing our handle leaves both alive until it is dropped.
        with llvm.create_lljit_compiler(machine, use_jit_link=jit_link, suppress_errors=True) as linker:
            tracker = library.link(linker, "gradjit")
            number = next(_numbers)
            _linked[number] = tracker
            addresses = {name: tracker[name] for name in object_code.exports}
    return MachineCode(_handle(number), addresses, object_code)


def assembly(object_code: ObjectCode) -> str:
    """The assembly text of object code, generated again from its bitcode."""
    with _llvm_session() as llvm, llvm.create_context() as context:
        with llvm.parse_bitcode(object_code.bitcode, context) as parsed:
            return _target_machine().emit_assembly(parsed)


def optimised_ir(object_code: ObjectCode) -> str:
    """The LLVM IR text that object code was generated from."""
    with _llvm_session() as llvm, llvm.create_context() as context:
        with llvm.parse_bitcode(object_code.bitcode, context) as parsed:
            return str(parsed)


def target_key() -> tuple[str, ...]:
    """What object code depends on besides the IR: LLVM's version, the target triple, the CPU and its features."""
    with _llvm_session() as llvm:
        return (".".join(map(str, llvm.llvm_version_info)), llvm.get_process_triple(), *_host())


def _exported(parsed: llvm.ModuleRef) -> Iterator[str]:
    import llvmlite.binding as llvm

    for function in parsed.functions:
        if not function.is_declaration and function.linkage == llvm.Linkage.external:
            yield function.name


# -- the target
# ----------------------------------------------------------------------------------------------------------


@functools.cache
def _host() -> tuple[str, str]:
    import llvmlite.binding as llvm

    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM cannot tell on this machine; the CPU's name then implies them
        features = ""
    return llvm.get_host_cpu_name(), features


@functools.cache
def _target_machine() -> llvm.TargetMachine:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = _host()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=cpu, features=features, opt=2, codemodel="jitdefault", jit=True)


# -- optimisation
# --------------------------------------------------------------------------------------------------------


def _no_passes(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Code generation alone."""


def _light(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Inline what says alwaysinline, then LLVM's simplification of each function, without vectorisers and unrolling.

    For code that is explicitly vectorised it gives what the whole O2 pipeline gives, in half the time.
    """
    import llvmlite.binding as llvm

    builder = _pass_builder(machine, 2, vectorise=False)
    inliner = llvm.create_new_module_pass_manager()
    inliner.add_always_inliner_pass()
    inliner.add_global_dead_code_eliminate_pass()
    inliner.run(parsed, builder)
    _dispose(inliner)
    simplify = _simplifier()
    for function in parsed.functions:
        if not function.is_declaration:
            simplify.run(function, builder)


def _whole(level: int, vectorise: bool) -> Callable[[Any, Any], None]:
    def run(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
        builder = _pass_builder(machine, level, vectorise)
        passes = builder.getModulePassManager()
        passes.run(parsed, builder)
        _dispose(passes)

    return run


PIPELINES: dict[str, Callable[[Any, Any], None]] = {
    "none": _no_passes,
    "light": _light,
    "O1": _whole(1, vectorise=False),
    "O2": _whole(2, vectorise=False),
    "O3": _whole(3, vectorise=False),
    "vectorise": _whole(3, vectorise=True),
}


def _pass_builder(machine: llvm.TargetMachine, level: int, vectorise: bool) -> llvm.PassBuilder:
    import llvmlite.binding as llvm

    tuning = llvm.create_pipeline_tuning_options(speed_level=level)
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_interleaving = vectorise
    return llvm.create_pass_builder(machine, tuning)


@functools.cache
def _simplifier() -> llvm.FunctionPassManager:
    """Function pass managers can run many times (module pass managers with an inliner cannot), so one is enough."""
    return _pass_builder(_target_machine(), 2, vectorise=False).getFunctionPassManager()


def _dispose(passes: llvm.ModulePassManager) -> None:
    """Free a pass manager: llvmlite 0.50 never does (its `close` finds the empty `_dispose` of the first base class).

    To be deleted when llvmlite disposes of pass managers; it does nothing then.
    """
    from llvmlite.binding import ffi

    if type(passes)._dispose is ffi.ObjectRef._dispose:
        ffi.lib.LLVMPY_DisposeNewModulePassManger(passes)
    passes.close()


# -- threads and processes
# -----------------------------------------------------------------------------------------------

_lock = threading.RLock()
_numbers = itertools.count()
_linked: dict[int, Any] = {}
_graves: collections.deque[int] = collections.deque()


@contextmanager
def _llvm_session() -> Iterator[Any]:
    """Sole use of LLVM: one compilation at a time, and never while the process forks (nor is it imported then)."""
    with _lock:
        import llvmlite.binding

        yield llvmlite.binding
    _fill_graves()


def _bury(number: int) -> None:
    _graves.append(number)
    _fill_graves()


_handle = cpython.mortal_words("gradjit.runtime.jit.Handle", _bury)  # stands for an item of _linked


def _fill_graves() -> None:
    """Free the code whose handles died. As they die at any moment, this must not wait for a compilation to end."""
    while _graves and _lock.acquire(blocking=False):
        try:
            _linked.pop(_graves.popleft()).close()
        except IndexError:  # another thread was faster
            pass
        finally:
            _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
