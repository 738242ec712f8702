"""Work on whole arrays that is no loop nest of ours: `rule(emitter, call)` emits the call."""

from __future__ import annotations

from . import blas, complex_lapack, effects, fourier_lines, lapack, pocketfft, sort

ROUTINES = {**blas.ROUTINES, **lapack.ROUTINES, **complex_lapack.ROUTINES, **pocketfft.ROUTINES,
            **fourier_lines.ROUTINES, **sort.ROUTINES, **effects.ROUTINES}
STACKS = {**blas.STACKS, **lapack.STACKS, **complex_lapack.STACKS, **pocketfft.STACKS, **fourier_lines.STACKS,
          **sort.STACKS}
"""How many leading axes a call has along which it does its work apart, for each step; or why that may not be divided
among threads, in words. What is not here does all its work in one piece."""
