"""A compiled kernel as plain data: what is kept of it, in memory and on disk, and all that runs it reads.

`KernelCode` is the object code, the table of errors, the size of the workspace and the names of what the code takes
from outside. It holds nothing of this process, so that it can be written down and loaded by another one. The user's
lines in its table of errors are numbers there, which the function that it is loaded for translates (`ir.fingerprint`).
"""

from __future__ import annotations

import builtins
import contextlib
import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradjit import errors
from gradjit.codegen import Check, Lowered, lower
from gradjit.ir import Func, Loc
from gradjit.ir.fingerprint import Fingerprint, fingerprint
from gradjit.ir.sizes import Dim
from gradjit.runtime import disk_cache, externals
from gradjit.runtime.entry import Entry, EntryCode, emit_entry, load_entry
from gradjit.runtime.entry_key import entry_key
from gradjit.runtime.entry_spec import EntrySpec
from gradjit.runtime.jit import ObjectCode, emit_object, emit_outlined
from gradjit.runtime.packed_code import joined, parted


@dataclass(frozen=True)
class KernelCode:
    """A kernel `i32 symbol(ptr size..., ptr input..., ptr output..., ptr workspace)` for one CPU.

    checks: what can fail; the kernel returns 1 + an index into them. workspace_bytes: the memory that a call needs.
    work: a rough count of element operations. externals: the symbols that it leaves undefined. outlined: the seldom run
    functions that it calls. sizes: the extents that are open, which it takes first; then the workspace may be open.
    """

    symbol: str
    code: ObjectCode
    checks: tuple[Check, ...]
    workspace_bytes: int
    work: float
    externals: tuple[str, ...]
    outlined: tuple[ObjectCode, ...]
    sizes: tuple[Dim, ...] = ()

    @classmethod
    def of(cls, lowered: Lowered) -> KernelCode:
        """Have LLVM compile a lowered function."""
        symbol = lowered.kernel.name
        code = emit_object(lowered.module, pipeline=lowered.pipeline, exports=(symbol,))
        return cls(symbol, code, lowered.checks, lowered.workspace_bytes, lowered.work, lowered.externals,
                   tuple(emit_outlined(lowered.outlined)), tuple(lowered.program.sizes))


# made, or found on disk -----------------------------------------------------------------------------------------------
Layouts = Sequence[tuple[int, ...] | None]


def kernel_of(func: Func, layouts: Layouts, note: Callable[[str], None]
              ) -> tuple[KernelCode, tuple[object, ...], Callable[[], Lowered], str]:
    """The code of a function; the Python objects that it names; what lowers it (once); and where the code came from.

    note: told the name of each step that has ended.
    """
    steps = functools.cache(lambda: lower(func, layouts))
    store = disk_cache.current()
    print_ = fingerprint(func) if store is not None or _received else None
    if print_ is None:
        return compiled(steps, note), steps().objects, steps, "compiled"
    key = kernel_key(layouts, print_)
    found = kept(store, key, print_)
    note("cache")
    if found is not None:
        return found[0], (), steps, found[1]
    kernel = compiled(steps, note)
    if store is not None and not steps().objects and (data := packed(kernel, print_.lines)) is not None:
        store.put(key, data)
        note("cache")
    return kernel, steps().objects, steps, "compiled"


def kernel_key(layouts: Layouts, print_: Fingerprint) -> str:
    return disk_cache.key_of("kernel", repr(list(layouts)).encode(), print_.key)


MAX_RECEIVED = 256
_received: OrderedDict[str, bytes] = OrderedDict()
"""Kernels that came with pickled functions, by their keys."""


def portable(func: Func, layouts: Layouts, kernel: KernelCode) -> tuple[str, bytes] | None:
    """A kernel for `receive` in another process; None where it cannot be used there."""
    print_ = fingerprint(func)
    data = packed(kernel, print_.lines) if print_ is not None else None
    return None if data is None or print_ is None else (kernel_key(layouts, print_), data)


def receive(code: Sequence[tuple[str, bytes]]) -> None:
    """Take what `portable` gave in another process. It will be found by a program that it is the code of, on a machine
    and with versions that it was made for."""
    for key, data in code:
        _received[key] = data
    while len(_received) > MAX_RECEIVED:
        _received.popitem(last=False)


def compiled(steps: Callable[[], Lowered], note: Callable[[str], None]) -> KernelCode:
    lowered = steps()
    note("lower")
    kernel = KernelCode.of(lowered)
    note("llvm")
    return kernel


def kept(store: disk_cache.DiskCache | None, key: str, print_: Fingerprint) -> tuple[KernelCode, str] | None:
    """The kernel that was kept under a key, for a function with this fingerprint, and where it was."""
    for origin, data in (("pickle", _received.get(key)), ("disk", store.get(key) if store is not None else None)):
        with contextlib.suppress(ValueError):
            if data is not None:
                return unpacked(data, print_.lines), origin
    return None


def loaded(kernel: KernelCode, spec: EntrySpec, objects: Sequence[object]) -> Entry:
    """A kernel behind its entry, linked into this process."""
    return load_entry(kernel.code, entry_code(kernel.symbol, spec), spec,
                      externals.addresses(kernel.externals, objects), kernel.outlined)


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


# as bytes -------------------------------------------------------------------------------------------------------------
def packed(kernel: KernelCode, lines: Sequence[Loc]) -> bytes | None:
    """A kernel as bytes; None where it raises an error that only this process knows. `lines` are those of the function
    that it was made from."""
    numbers = {loc: k for k, loc in enumerate(lines)}
    checks: list[Any] = []
    for c in kernel.checks:
        if known_error(c.error.__name__) is not c.error or (c.loc is not None and c.loc not in numbers):
            return None
        checks.append([c.error.__name__, c.extent, None if c.loc is None else numbers[c.loc], c.assertion])
    head = {"symbol": kernel.symbol, "workspace": kernel.workspace_bytes, "work": kernel.work, "checks": checks,
            "externals": kernel.externals}
    return joined(head, (kernel.code, *kernel.outlined))


def unpacked(data: bytes, lines: Sequence[Loc]) -> KernelCode:
    """A kernel from what `packed` gave, for a function with these lines. ValueError where it was something else."""
    head, (code, *outlined) = parted(data)
    try:
        checks = tuple(Check(extent, None if k is None else lines[k], assertion, error_named(name))
                       for name, extent, k, assertion in head["checks"])
        return KernelCode(head["symbol"], code, checks, head["workspace"], head["work"], tuple(head["externals"]),
                          tuple(outlined))
    except (KeyError, TypeError, IndexError) as e:
        raise ValueError("not a kernel") from e


def known_error(name: str) -> Any:
    """The exception class that every process knows by this name, or None."""
    return getattr(errors, name, None) or getattr(builtins, name, None)


def error_named(name: str) -> type[Exception]:
    found = known_error(name)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        raise ValueError(f"no error {name!r}")
    return found


__all__ = ["KernelCode", "entry_code", "kernel_of", "loaded", "packed", "portable", "receive", "unpacked"]
