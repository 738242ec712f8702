"""A compiled kernel as plain data: what is kept of it, in memory and on disk, and all that runs it reads.

`KernelCode` is the object code, the table of errors, the size of the workspace and the names of what the code takes
from outside. It holds nothing of this process, so that it can be written down and loaded by another one. The user's
lines in its table of errors are numbers there, which the function that it is loaded for translates (`ir.fingerprint`).
"""

from __future__ import annotations

import builtins
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gradjit import errors
from gradjit.codegen import Check, CoresEntry, Lowered, lower
from gradjit.ir import Func
from gradjit.ir.fingerprint import Fingerprint, fingerprint
from gradjit.ir.size_conditions import Opening, SizeCondition, opening
from gradjit.ir.size_data import condition_data, condition_from, size_data, size_from
from gradjit.ir.sizes import Dim
from gradjit.records import dataclass
from gradjit.runtime import disk_cache, externals
from gradjit.runtime.entry import Entry, EntryCode, emit_entry, load_entry
from gradjit.runtime.entry_key import entry_key
from gradjit.runtime.entry_spec import EntrySpec
from gradjit.runtime.jit import PIPELINES, ObjectCode, emit_object, emit_outlined, improve, load_objects
from gradjit.runtime.kernel import BoundKernel
from gradjit.runtime.packed_code import joined, parted
from gradjit.tracer import kept_rewritings

kept_rewritings.keep_on(disk_cache.current, disk_cache.key_of)


@dataclass(frozen=True)
class KernelCode:
    """A kernel `i32 symbol(ptr size..., ptr input..., ptr output..., ptr workspace)` for one CPU.

    checks: what can fail; the kernel returns 1 + an index into them. workspace_bytes: the memory that a call needs.
    work: a rough count of element operations. externals: the symbols that it leaves undefined. outlined: the seldom run
    functions that it calls. sizes: the extents that are open, which it takes first; then the workspace may be open.
    conditions: what was concluded of them when it was made, beyond what was known of the function. cores: which long
    loops run on all cores, and why others do not. unfinished: the pipeline of LLVM's that quick code has not gone
    through yet.
    """

    symbol: str
    code: ObjectCode
    checks: tuple[Check, ...]
    workspace_bytes: int
    work: float
    externals: tuple[str, ...]
    outlined: tuple[ObjectCode, ...]
    sizes: tuple[Dim, ...] = ()
    conditions: tuple[SizeCondition, ...] = ()
    cores: tuple[CoresEntry, ...] = ()
    unfinished: str = ""

    @classmethod
    def of(cls, lowered: Lowered, conditions: Iterable[SizeCondition], quick: bool = False) -> KernelCode:
        """Have LLVM compile a lowered function. quick: with little effort, where that pays."""
        symbol, text = lowered.kernel.name, str(lowered.module)
        quick = quick and lowered.program.work <= QUICK_WORK * len(text) and len(text) <= QUICK_TEXT
        code = emit_object(text, pipeline="quick" if quick else lowered.pipeline, exports=(symbol,))
        return cls(symbol, code, lowered.checks, lowered.workspace_bytes, lowered.work, lowered.externals,
                   tuple(map(outlined_code, lowered.outlined)), tuple(lowered.program.sizes), tuple(conditions),
                   lowered.cores, lowered.pipeline if quick else "")

    def finished(self) -> KernelCode:
        """The same kernel with all of LLVM's effort: it gives the same bits, as rounding is decided above LLVM."""
        return replace(self, code=improve(self.code, self.unfinished), unfinished="") if self.unfinished else self


QUICK_WORK = 1000.0
"""Work for each character of LLVM IR above which quick code would lose in its first call what it has won: a character
takes LLVM some 1.5 us more with all effort, and quick code takes five to eight times as long for its work."""
QUICK_TEXT = 1_500_000
"""Characters of LLVM IR above which a kernel is never quick code: that keeps each value on the stack."""


# made, or found on disk -----------------------------------------------------------------------------------------------
Layouts = Sequence[tuple[int, ...] | None]


@dataclass(frozen=True)
class MadeKernel:
    """The code of a function; the Python objects that it names; where it came from: "compiled", "disk" or "pickle".

    lower: what lowers the function once more. What was lowered is not kept: it is many times as large as the code, and
    only people ask for it. seconds: the steps of the lowering, by name, where there was one. finish: what puts quick
    code through the rest of LLVM's passes, and keeps the result on disk in its place.
    """

    kernel: KernelCode
    objects: tuple[object, ...]
    origin: str
    lower: Callable[[], Lowered]
    seconds: dict[str, float]
    finish: Callable[[], KernelCode]


def kernel_of(func: Func, layouts: Layouts, note: Callable[[str], None], concluded: Opening | None = None,
              quick: bool = False) -> MadeKernel:
    """The code of a function, found or made.

    concluded: what is known of open extents; what the code takes for granted beyond that is added. note: told the name
    of each step that has ended. quick: whether code does that was made with little effort, which `finish` improves.
    """
    concluded = concluded if concluded is not None else Opening()
    before = tuple(concluded.conditions)
    objects: tuple[object, ...] = ()
    seconds: dict[str, float] = {}
    store = disk_cache.current()
    print_ = fingerprint(func, before) if store is not None or _received else None
    kernel, origin = kept(store, layouts, print_) if print_ is not None else (None, "compiled")
    if print_ is not None:
        note("cache")
    if kernel is None:
        lowered, conditions = lowered_under(func, layouts, before)
        note("lower")
        kernel, objects, seconds = KernelCode.of(lowered, conditions, quick), lowered.objects, lowered.seconds
        note("llvm")
        if store is not None and print_ is not None and not objects:
            keep(store, layouts, print_, kernel)
            note("cache")
    found = kernel

    def finish() -> KernelCode:
        finished = found.finished()
        if finished is not found and store is not None and print_ is not None and not objects:
            keep(store, layouts, print_, finished, found)
        return finished

    if kernel.unfinished and not quick:
        kernel = finish()
        note("llvm")
    for c in kernel.conditions:
        concluded.add(c)
    return MadeKernel(kernel, objects, origin, lambda: lowered_under(func, layouts, before)[0], seconds, finish)


def lowered_under(func: Func, layouts: Layouts, known: Sequence[SizeCondition]
                  ) -> tuple[Lowered, tuple[SizeCondition, ...]]:
    """A lowered function, of whose open extents something is known, and what was concluded beyond that."""
    with opening(Opening()) as o:
        for c in known:
            o.add(c)
        lowered = lower(func, layouts)
    return lowered, tuple(o.conditions)[len(known):]


VARIANTS = 4
"""So many kernels are kept of a function with open extents, each for other conditions."""


def kernel_keys(layouts: Layouts, print_: Fingerprint) -> list[str]:
    """The names under which kernels of a function are kept."""
    return [disk_cache.key_of("kernel", b"%d" % k, repr(list(layouts)).encode(), print_.key)
            for k in range(VARIANTS if print_.dims else 1)]


MAX_RECEIVED = 256
_received: OrderedDict[str, tuple[bytes, ...]] = OrderedDict()
"""Kernels that came with pickled functions, by the first of their keys."""


def portable(func: Func, layouts: Layouts, kernel: KernelCode, concluded: Opening) -> tuple[str, bytes] | None:
    """A kernel for `receive` in another process; None where it cannot be used there."""
    print_ = fingerprint(func, [c for c in concluded.conditions if c not in kernel.conditions])
    data = packed(kernel, print_) if print_ is not None else None
    return None if data is None or print_ is None else (kernel_keys(layouts, print_)[0], data)


def receive(code: Sequence[tuple[str, bytes]]) -> None:
    """Take what `portable` gave in another process. It will be found by a program that it is the code of, on a machine
    and with versions that it was made for."""
    for key, data in code:
        others = [d for d in _received.pop(key, ()) if d != data]
        _received[key] = (*others[1 - VARIANTS:], data)
    while len(_received) > MAX_RECEIVED:
        _received.popitem(last=False)


def kept(store: disk_cache.DiskCache | None, layouts: Layouts, print_: Fingerprint) -> tuple[KernelCode | None, str]:
    """The kernel that was kept of a function, if there is one, and where it was."""
    keys = kernel_keys(layouts, print_)
    found: list[tuple[str, bytes | None]] = [("pickle", data) for data in _received.get(keys[0], ())]
    found += [("disk", store.get(key)) for key in keys] if store is not None else []
    for origin, data in found:
        kernel = usable(data, print_) if data is not None else None
        if kernel is not None:
            return kernel, origin
    return None, "compiled"


def usable(data: bytes, print_: Fingerprint) -> KernelCode | None:
    """The kernel, if it is one, and does for the sizes that a function is compiled for."""
    try:
        kernel = unpacked(data, print_)
    except ValueError:
        return None
    return kernel if all(c.holds({d: d.example for d in print_.dims}) for c in kernel.conditions) else None


def keep(store: disk_cache.DiskCache, layouts: Layouts, print_: Fingerprint, kernel: KernelCode,
         before: KernelCode | None = None) -> None:
    """Keep a kernel, in the place of the one that it was made from, or beside those that are for other conditions."""
    data = packed(kernel, print_)
    if data is not None:
        keys = kernel_keys(layouts, print_)
        replaced = packed(before, print_) if before is not None else None
        free = (key for key in keys if store.get(key) in (None, replaced))
        store.put(next(free, keys[-1]), data)


def loaded(kernel: KernelCode, spec: EntrySpec, objects: Sequence[object], threads: int = 0) -> Entry:
    """A kernel behind its entry, linked into this process. threads: how many it may use; 0 for what holds for all."""
    return load_entry(kernel.code, entry_code(kernel.symbol, spec), spec,
                      externals.addresses(kernel.externals, objects, threads), kernel.outlined)


def bound(kernel: KernelCode, takes: int, objects: Sequence[object], threads: int = 0, alone: bool = False
          ) -> BoundKernel:
    """A kernel without an entry, linked into this process. takes: how many inputs and outputs it has. alone: it runs
    while other threads may."""
    code = load_objects([kernel.code, *kernel.outlined], externals.addresses(kernel.externals, objects, threads))
    return BoundKernel(kernel.symbol, code, takes + len(kernel.sizes), kernel.checks, kernel.workspace_bytes,
                       alone)


MAX_ENTRIES = 512
_entries: OrderedDict[bytes, EntryCode] = OrderedDict()
"""The code of entries by what it depends on, those used last at the end: functions that take the same share it."""


def entry_code(symbol: str, spec: EntrySpec) -> EntryCode:
    """The code of an entry: of an equal one in this process, from disk, or compiled."""
    own = entry_key(symbol, spec)
    found = _entries.pop(own, None)
    if found is None:
        store = disk_cache.current()
        key = disk_cache.key_of("entry", own) if store is not None else ""
        found = entry_on_disk(store, key)
        if found is None:
            found = emit_entry(symbol, spec)
            if store is not None:
                store.put(key, joined({"symbols": found.symbols, "words": found.state_words}, [found.code]))
    _entries[own] = found
    while len(_entries) > MAX_ENTRIES:
        _entries.popitem(last=False)
    return found


def entry_on_disk(store: disk_cache.DiskCache | None, key: str) -> EntryCode | None:
    data = store.get(key) if store is not None else None
    try:
        if data is None:
            return None
        head, (code,) = parted(data)
        return EntryCode(code, tuple(head["symbols"]), head["words"])
    except (ValueError, KeyError, TypeError):
        return None


_outlined: dict[str, ObjectCode] = {}
"""The code of seldom run functions by their text: as many as there are such functions, dtypes and widths."""


def outlined_code(text: str) -> ObjectCode:
    """The code of a seldom run function, which many kernels share: known to this process, from disk, or compiled."""
    found = _outlined.get(text)
    if found is None:
        store = disk_cache.current()
        key = disk_cache.key_of("outlined", text.encode()) if store is not None else ""
        found = outlined_on_disk(store, key)
        if found is None:
            (found,) = emit_outlined([text])
            if store is not None:
                store.put(key, joined({}, [found]))
        _outlined[text] = found
    return found


def outlined_on_disk(store: disk_cache.DiskCache | None, key: str) -> ObjectCode | None:
    data = store.get(key) if store is not None else None
    try:
        return parted(data)[1][0] if data is not None else None
    except (ValueError, IndexError):
        return None


# as bytes -------------------------------------------------------------------------------------------------------------
def packed(kernel: KernelCode, print_: Fingerprint) -> bytes | None:
    """A kernel as bytes; None where it raises an error that only this process knows. The fingerprint is that of the
    function that it was made from."""
    numbers = {loc: k for k, loc in enumerate(print_.lines)}
    dims = {d: k for k, d in enumerate(print_.dims)}
    checks: list[Any] = []
    for c in kernel.checks:
        if known_error(c.error.__name__) is not c.error or (c.loc is not None and c.loc not in numbers):
            return None
        checks.append([c.error.__name__, c.extent, None if c.loc is None else numbers[c.loc], c.assertion])
    head = {"symbol": kernel.symbol, "workspace": size_data(kernel.workspace_bytes, dims), "work": kernel.work,
            "checks": checks, "externals": kernel.externals, "sizes": [dims[d] for d in kernel.sizes],
            "conditions": [condition_data(c, dims) for c in kernel.conditions],
            "unfinished": kernel.unfinished,
            "cores": [[None if c.loc is None else numbers.get(c.loc), c.is_parallel, c.words] for c in kernel.cores]}
    return joined(head, (kernel.code, *kernel.outlined))


def unpacked(data: bytes, print_: Fingerprint) -> KernelCode:
    """A kernel from what `packed` gave, for a function with this fingerprint. ValueError where it was something
    else."""
    head, (code, *outlined) = parted(data)
    dims = print_.dims
    try:
        checks = tuple(Check(extent, None if k is None else print_.lines[k], assertion, error_named(name))
                       for name, extent, k, assertion in head["checks"])
        return KernelCode(head["symbol"], code, checks, size_from(head["workspace"], dims), head["work"],
                          tuple(head["externals"]), tuple(outlined), tuple(dims[k] for k in head["sizes"]),
                          tuple(condition_from(c, dims) for c in head["conditions"]),
                          tuple(CoresEntry(None if k is None else print_.lines[k], bool(is_parallel), str(words))
                                for k, is_parallel, words in head["cores"]), pipeline_named(head["unfinished"]))
    except (KeyError, TypeError, IndexError, ArithmeticError) as e:
        raise ValueError("not a kernel") from e


def pipeline_named(name: str) -> str:
    if name and name not in PIPELINES:
        raise ValueError(f"no pipeline {name!r}")
    return name


def known_error(name: str) -> Any:
    """The exception class that every process knows by this name, or None."""
    return getattr(errors, name, None) or getattr(builtins, name, None)


def error_named(name: str) -> type[Exception]:
    found = known_error(name)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        raise ValueError(f"no error {name!r}")
    return found


__all__ = ["KernelCode", "entry_code", "kernel_of", "loaded", "packed", "portable", "receive", "unpacked"]
