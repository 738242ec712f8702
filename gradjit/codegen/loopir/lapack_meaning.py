"""What the routines of factorisations do, in NumPy: in place, as LAPACK does it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...errors import LinAlgError
from ...ir import OPS
from ..loops import Call

Arrays = list[np.ndarray]


def meaning(s: Call, *arrays: np.ndarray) -> Arrays:
    """The results of the operation of the routine's name."""
    evaluate = OPS[s.routine].evaluate
    assert evaluate is not None
    try:
        found = evaluate(*arrays, **s.attrs)
    except np.linalg.LinAlgError as e:
        where = f" ({s.loc.full})" if s.loc else ""
        raise LinAlgError(f"{e}{where}") from None
    return list(found) if isinstance(found, tuple) else [found]


def in_place(s: Call, reads: Arrays, writes: Arrays) -> None:
    for target, result in zip(writes, meaning(s, *(np.array(r) for r in reads)), strict=False):
        target[...] = result


ROUTINES: dict[str, Callable[[Call, Arrays, Arrays], None]] = {
    "cholesky": in_place, "triangular_solve": in_place,
}
