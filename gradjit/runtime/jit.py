"""LLVM IR to machine code that can be called, and away again.

Compilation has two halves, so that a cache can stand between them: `emit_object` turns IR into relocatable object
code, and `load_objects` links it into this process. Each call of that has a linker (an LLVM ORC `LLJIT`) of
its own: on LLVM 22 that costs 0.4 ms and returns every byte when the code is dropped, where a shared one keeps some 8
KB for each library that it ever held; and an undefined symbol is an exception, where MCJIT aborts the process.

LLVM is loaded and initialised on first use, never by `import gradjit`.
"""

from __future__ import annotations

import atexit
import collections
import ctypes
import functools
import hashlib
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Any

from gradjit.processes import Lock, gate, in_child
from gradjit.records import dataclass
from gradjit.runtime import cpython
from gradjit.runtime.llvmlite_versions import dispose, has_jit_link, inline, new_context, new_library

if TYPE_CHECKING:
    import llvmlite.binding as llvm

    from gradjit.codegen.llvm import Module


Passes = Callable[[Any, Any], None]
"""`passes(module, machine)` changes a module in place."""


@dataclass(frozen=True)
class ObjectCode:
    """Relocatable machine code for one CPU, and what it was made from: optimised IR (bitcode), at a level of effort."""

    code: bytes = field(repr=False)
    bitcode: bytes = field(repr=False)
    exports: tuple[str, ...]
    level: int


class Recent:
    """Object code by what it was made from: what was asked for last, as much as `room` bytes hold.

    Closures that are made anew for each fit, methods of many objects: the text of their kernels is the same.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._codes: collections.OrderedDict[Made, ObjectCode] = collections.OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, key: Made, make: Callable[[], ObjectCode]) -> ObjectCode:
        """The code for `key`, made where it is not known."""
        with self._lock:
            if (known := self._codes.get(key)) is not None:
                self._codes.move_to_end(key)
                return known
        made = make()  # with the lock free: another thread may find what it needs meanwhile
        with self._lock:
            if key not in self._codes:
                self._codes[key] = made
                self._bytes += _size(key, made)
            while self._bytes > self.room:
                self._bytes -= _size(*self._codes.popitem(last=False))
        return made


Made = tuple[str, Passes, int, tuple[str, ...] | None]
"""What object code is made from: the text, the passes, the level of effort, what is exported."""


def _size(key: Made, code: ObjectCode) -> int:
    return len(key[0]) + len(code.code) + len(code.bitcode)


_recent = Recent(16 << 20)


class MachineCode:
    """Code linked into this process. It is freed when this object is: whoever may run it holds a reference.

    Attributes: `addresses`, from exported name to address; `objects`, what it was loaded from.
    """

    __slots__ = ("addresses", "objects", "_handle", "__weakref__")

    def __init__(self, handle: object, addresses: dict[str, int], objects: tuple[ObjectCode, ...]) -> None:
        self.addresses = addresses
        self.objects = objects
        self._handle = handle

    def asm(self) -> str:
        """The machine code as assembly text."""
        return "\n".join(map(assembly, self.objects))


def compile_module(
    module: Module | str,
    symbols: Mapping[str, int],
    *,
    pipeline: str = "light",
    exports: Sequence[str] | None = None,
    outlined: Sequence[str] = (),
) -> MachineCode:
    """Compile IR for this machine and link it; `symbols` gives the addresses of what it declares, `outlined` modules
    that define more of that.

    C library functions that LLVM itself introduces (memcpy, ...) are found in the process.
    Raises RuntimeError for IR that does not parse or verify and for undefined symbols.
    """
    code = emit_object(module, pipeline=pipeline, exports=exports)
    return load_objects([code, *emit_outlined(outlined)], symbols)


def emit_outlined(texts: Sequence[str]) -> list[ObjectCode]:
    """Object code for modules of seldom run functions, which are straight code: LLVM's effort would gain nothing."""
    return [emit_object(text, pipeline="glue") for text in texts]


def emit_object(
    module: Module | str, *, pipeline: str = "light", exports: Sequence[str] | None = None
) -> ObjectCode:
    """Optimise IR with one of `PIPELINES` and generate object code for this machine, unless that was done lately.

    `exports` names what can be called, by default every function with external linkage.
    Raises RuntimeError for IR that does not parse or verify.
    """
    text = str(module)
    passes, level = PIPELINES[pipeline]
    names = None if exports is None else tuple(exports)
    return _recent.find((text, passes, level, names), lambda: _emit(text, passes, level, names))


def _emit(text: str, passes: Passes, level: int, exports: tuple[str, ...] | None) -> ObjectCode:
    with llvm_session() as llvm:
        machine = _target_machine(level)
        with new_context() as context, llvm.parse_assembly(text, context) as parsed:
            parsed.triple, parsed.data_layout = machine.triple, str(machine.target_data)
            parsed.verify()
            return _compiled(parsed, passes, level, exports if exports is not None else tuple(_exported(parsed)))


def _compiled(parsed: llvm.ModuleRef, passes: Passes, level: int, exports: tuple[str, ...]) -> ObjectCode:
    machine = _target_machine(level)
    passes(parsed, machine)
    bitcode = parsed.as_bitcode()  # before code generation, which changes the module
    return ObjectCode(machine.emit_object(parsed), bitcode, exports, level)


def improve(code: ObjectCode, pipeline: str) -> ObjectCode:
    """Object code of the same IR, with the effort of another pipeline."""
    passes, level = PIPELINES[pipeline]
    key = hashlib.sha256(code.bitcode).hexdigest(), passes, level, code.exports
    return _recent.find(key, lambda: _improved(code, passes, level))


def _improved(code: ObjectCode, passes: Passes, level: int) -> ObjectCode:
    with llvm_session() as llvm, new_context() as context:
        with llvm.parse_bitcode(code.bitcode, context) as parsed:
            return _compiled(parsed, passes, level, code.exports)


def load_objects(objects: Sequence[ObjectCode], symbols: Mapping[str, int]) -> MachineCode:
    """Link object code into this process, as one; `symbols` resolves what it leaves undefined.

    Raises RuntimeError if something is missing.
    """
    exports = [name for code in objects for name in code.exports]
    with llvm_session() as llvm:
        library = new_library()
        for code in objects:
            library.add_object_img(code.code)
        for name, address in symbols.items():
            library.import_symbol(name, address)
        for name in exports:
            library.export_symbol(name)
        machine = _target_machine(2)
        # The library shares ownership of the linker, so that closing our handle leaves both alive until it is dropped.
        with llvm.create_lljit_compiler(machine, use_jit_link=has_jit_link(), suppress_errors=True) as linker:
            tracker = library.link(linker, "gradjit")
            number = next(_numbers)
            _linked[number] = tracker
            addresses = {name: tracker[name] for name in exports}
    return MachineCode(_handle(number), addresses, tuple(objects))


def assembly(code: ObjectCode) -> str:
    """The assembly text of object code, generated again from its bitcode."""
    with llvm_session() as llvm, new_context() as context:
        with llvm.parse_bitcode(code.bitcode, context) as parsed:
            return _target_machine(code.level).emit_assembly(parsed)


def optimised_ir(code: ObjectCode) -> str:
    """The LLVM IR text that object code was generated from."""
    with llvm_session() as llvm, new_context() as context:
        with llvm.parse_bitcode(code.bitcode, context) as parsed:
            return str(parsed)


def target_key() -> tuple[str, ...]:
    """What object code depends on besides the IR: LLVM's version, the target triple, the CPU and its features."""
    with llvm_session() as llvm:
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


LONG_BLOCKS = "-combiner-tokenfactor-inline-limit=16"
"""For LLVM's selection of instructions, which lists what each store must wait for. With its own limit, 2048, a block of
two thousand lines that loads and stores much took half a minute, with this one two seconds; the code is the same."""


@functools.cache
def allow_long_blocks() -> None:
    """Tell LLVM, which has one such setting for the process."""
    import llvmlite.binding as llvm

    llvm.set_option("", LONG_BLOCKS)


@functools.cache
def _target_machine(level: int) -> llvm.TargetMachine:
    """A code generator for this machine; level 0 is quick, level 2 makes quick code."""
    import llvmlite.binding as llvm

    allow_long_blocks()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = _host()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(cpu=cpu, features=features, opt=level, codemodel="jitdefault", jit=True)
    _made.append(machine)
    return machine


# -- optimisation
# --------------------------------------------------------------------------------------------------------


def _no_passes(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Code generation alone."""


def only_inline(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Inline what says alwaysinline, and drop what nobody calls then."""
    inline(parsed, lambda level: _pass_builder(machine, level, vectorise=False))


def _light(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Inline what says alwaysinline, then LLVM's simplification of each function, without vectorisers and unrolling.

    For code that is explicitly vectorised it gives what the whole O2 pipeline gives, in half the time.
    """
    builder = _pass_builder(machine, 2, vectorise=False)
    only_inline(parsed, machine)
    simplify = _simplifier()
    for function in parsed.functions:
        if not function.is_declaration:
            simplify.run(function, builder)


def _whole(level: int, vectorise: bool) -> Passes:
    def run(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
        builder = _pass_builder(machine, level, vectorise)
        passes = builder.getModulePassManager()
        passes.run(parsed, builder)
        dispose(passes)

    return run


def _loops(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """The O2 pipeline with LLVM's vectoriser of loops: for the program's own loops over elements.

    Without unrolling and interleaving, which multiply the time to compile and gain little.
    """
    import llvmlite.binding as llvm

    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization, tuning.slp_vectorization = True, False
    tuning.loop_unrolling = tuning.loop_interleaving = False
    builder = llvm.create_pass_builder(machine, tuning)
    passes = builder.getModulePassManager()
    passes.run(parsed, builder)
    dispose(passes)


# name -> (passes, level of effort of code generation)
PIPELINES: dict[str, tuple[Passes, int]] = {
    "glue": (_no_passes, 0),  # for code that runs once a call, or seldom: a seventh of the time, and some 2 ns slower
    "quick": (_no_passes, 0),  # for the first calls of a kernel: a quarter of the time, and several times as slow
    "none": (_no_passes, 2),
    "light": (_light, 2),
    "loops": (_loops, 2),
    "O1": (_whole(1, vectorise=False), 2),
    "O2": (_whole(2, vectorise=False), 2),
    "O3": (_whole(3, vectorise=False), 2),
    "vectorise": (_whole(3, vectorise=True), 2),
}


def _pass_builder(machine: llvm.TargetMachine, level: int, vectorise: bool) -> llvm.PassBuilder:
    import llvmlite.binding as llvm

    tuning = llvm.create_pipeline_tuning_options(speed_level=level)
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_interleaving = vectorise
    return llvm.create_pass_builder(machine, tuning)


@functools.cache
def _simplifier() -> llvm.FunctionPassManager:
    """Function pass managers can run many times (module pass managers with an inliner cannot), so one is enough."""
    passes = _pass_builder(_target_machine(2), 2, vectorise=False).getFunctionPassManager()
    _made.append(passes)
    return passes


# -- threads and processes
# -----------------------------------------------------------------------------------------------

_numbers = itertools.count()
_linked: dict[int, Any] = {}
_graves: collections.deque[int] = collections.deque()
_made: list[object] = []  # what serves all compilations, and is never freed: see `_anew`


@contextmanager
def llvm_session() -> Iterator[Any]:
    """Sole use of LLVM: one compilation at a time, and never while the process forks (nor is it imported then)."""
    with gate:
        import llvmlite.binding

        yield llvmlite.binding
    _fill_graves()


def _bury(number: int) -> None:
    _graves.append(number)
    _fill_graves()


_handle = cpython.mortal_words("gradjit.runtime.jit.Handle", _bury)  # stands for an item of _linked


def _fill_graves() -> None:
    """Free the code whose handles died. As they die at any moment, this must not wait for a compilation to end."""
    while _graves and gate.acquire(blocking=False):
        try:
            _linked.pop(_graves.popleft()).close()
        except IndexError:  # another thread was faster
            pass
        finally:
            gate.release()


def _anew() -> None:
    """In a child that was forked in the midst of another thread's compilation: leave alone what that was working with.

    llvmlite has a lock around each call into LLVM, which knows nothing of forks (to be deleted when it does)."""
    if (binding := sys.modules.get("llvmlite.binding")) is not None:
        around = binding.ffi.lib._lock
        if isinstance(getattr(around, "_lock", None), type(threading.RLock())):
            around._lock = threading.RLock()
    _target_machine.cache_clear()
    _simplifier.cache_clear()


in_child(_anew)


@atexit.register
def _keep_code() -> None:
    """Threads that Python does not wait for may run compiled code to the very end: it is not unloaded any more."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_linked))
