"""What differs between the versions of llvmlite that gradjit runs on: 0.44, which has LLVM 15, to the newest.

Each function goes with the last version that needs it. The others know of one llvmlite only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import llvmlite.binding as llvm


def new_context() -> Any:
    """An LLVM context of our own, in which pointers are plain `ptr`.

    In 0.44 they can have types, and those of a new context do unless a variable of the environment says otherwise: that
    would change what Numba gets, too.
    """
    import llvmlite.binding as llvm

    if _is_old():
        return llvm.context.ContextRef(llvm.ffi.lib.LLVMPY_ContextCreate(True))  # type: ignore[attr-defined]
    return llvm.create_context()


def new_library() -> Any:
    """What is to be linked: nothing yet but the C library, of which LLVM itself calls functions (memcpy, ...).

    From 0.45 on each library finds that by itself.
    """
    import llvmlite.binding as llvm

    library = llvm.JITLibraryBuilder()
    if _is_old():
        library.add_current_process()
    return library


def has_jit_link() -> bool:
    """Whether LLVM's newer linker serves: it does not know Windows, and in 0.44 it keeps what was linked for ever."""
    return os.name != "nt" and not _is_old()


def inline(parsed: llvm.ModuleRef, builder: Callable[[int], llvm.PassBuilder]) -> None:
    """Inline what says alwaysinline, and drop what nobody calls then. builder: of passes for a level of effort.

    In 0.44 only LLVM's pipeline for no effort inlines, and only the old kind of pass drops.
    """
    import llvmlite.binding as llvm

    if not _is_old():
        passes = llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.add_global_dead_code_eliminate_pass()
        passes.run(parsed, builder(2))
        dispose(passes)
        return
    quick = builder(0)
    passes = quick.getModulePassManager()
    passes.run(parsed, quick)
    dispose(passes)
    with llvm.create_module_pass_manager() as dropping:  # type: ignore[attr-defined]
        dropping.add_global_dce_pass()
        dropping.run(parsed)


def dispose(passes: llvm.ModulePassManager) -> None:
    """Free a pass manager: up to 0.50 llvmlite never does (its `close` finds the empty `_dispose` of the first base
    class). Where it disposes of them, this does nothing more.
    """
    from llvmlite.binding import ffi

    if type(passes)._dispose is ffi.ObjectRef._dispose:
        ffi.lib.LLVMPY_DisposeNewModulePassManger(passes)
    passes.close()


def _is_old() -> bool:
    """Whether this is 0.44, the last that has pointers with types."""
    import llvmlite

    return hasattr(llvmlite, "opaque_pointers_enabled")
