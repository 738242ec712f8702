"""Work on whole arrays that is no loop nest of ours: `rule(emitter, call)` emits the call."""

from __future__ import annotations

from . import blas, complex_lapack, effects, lapack, pocketfft, sort

ROUTINES = {**blas.ROUTINES, **lapack.ROUTINES, **complex_lapack.ROUTINES, **pocketfft.ROUTINES, **sort.ROUTINES,
            **effects.ROUTINES}
