"""SciPy's functions that are written in Python, on traced arrays.

They do not dispatch: lifted code meets them where they are called, and finds their rules here by the module and the
name that they were defined under, so that SciPy is not imported before the user does. A method's name is
`Class.method`, that of an instance which is called `Class.__call__`; their rules get the instance first. A rule has
SciPy's parameters and leaves away what is not supported, as those of `tracer/numpy` do, and is written with NumPy's and
SciPy's own functions, which are met again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import assembled_sparse, built_sparse
from ..libraries import SOLVERS
from ..numpy.special import LIBRARY_RULES
from . import (
    bands,
    bsplines,
    factorisation,
    fitted_splines,
    fourier,
    integrate,
    interpolate,
    linalg,
    matrix_functions,
    ndimage,
    ode,
    optimize,
    piecewise,
    quadrature,
    rotations,
    scattered,
    signal,
    spatial,
    special,
    stats,
)

RULES: dict[tuple[str, str], Callable[..., Any]] = {
    **LIBRARY_RULES, **special.RULES, **stats.RULES, **linalg.RULES, **factorisation.RULES, **matrix_functions.RULES,
    **integrate.RULES, **interpolate.RULES, **spatial.RULES,
    **optimize.RULES, **fourier.RULES, **signal.RULES, **ndimage.RULES, **ode.RULES,
    **piecewise.RULES, **bands.RULES, **bsplines.RULES, **fitted_splines.RULES, **scattered.RULES, **rotations.RULES,
    **quadrature.RULES, **built_sparse.RULES,
}

SOLVERS.update({**ode.RULES, **quadrature.RULES, **assembled_sparse.RULES, **rotations.MAKING})
