"""What a first call would otherwise wait for: the rest of gradjit, LLVM, and the code that all entries share.

Imported with gradjit. Loading it here or there takes the same time; a program that measures its first call, or answers
a first request, wants it here; and a process that forks while another thread imports leaves an import that never ends.
SciPy is not among it: only products of matrices and a few special functions load it.
"""

from __future__ import annotations

import contextlib

from .. import codegen
from ..codegen import interrupts, strips, symbols, unroll_and_jam
from ..codegen.loopir import printer
from ..errors import LayoutError
from ..passes import batching, jvp, vjp
from ..runtime import artefact, entry, externals, jit, support
from ..tracer import builtin_functions, calls, lift, math_functions, methods, numpy as numpy_rules, source, unlifted
from ..tracer.control import columns
from ..tracer.numpy import selection

__all__ = ["artefact", "batching", "builtin_functions", "calls", "codegen", "columns", "entry", "externals",
           "interrupts", "jit", "jvp", "lift", "math_functions", "methods", "numpy_rules", "printer", "selection",
           "source", "strips", "support", "symbols", "unlifted", "unroll_and_jam", "vjp"]

with contextlib.suppress(LayoutError):  # a build of Python or NumPy that does not fit: the first call says so
    support.addresses()
