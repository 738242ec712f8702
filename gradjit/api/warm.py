"""What a first call would otherwise wait for: the rest of gradjit, LLVM, and the code that all entries share.

Imported with gradjit. Loading it here or there takes the same time; a program that measures its first call, or answers
a first request, wants it here. SciPy is not among it: only products of matrices and a few special functions load it.
"""

from __future__ import annotations

import contextlib

from .. import codegen
from ..codegen import symbols
from ..errors import LayoutError
from ..passes import batching, jvp, vjp
from ..runtime import entry, jit, support
from ..tracer import calls, lift, numpy as numpy_rules, source

__all__ = ["batching", "calls", "codegen", "entry", "jit", "jvp", "lift", "numpy_rules", "source",
           "support", "symbols", "vjp"]

with contextlib.suppress(LayoutError):  # a build of Python or NumPy that does not fit: the first call says so
    support.addresses()
