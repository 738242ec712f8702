"""What the routines of factorisations and Fourier transforms do, in NumPy: in place, as LAPACK does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import LinAlgError
from ...ir import OPS
from ..loops import Call

Arrays = list[np.ndarray]


def meaning(s: Call, *arrays: np.ndarray, **attrs: Any) -> Arrays:
    """The results of the operation of the routine's name."""
    evaluate = OPS[s.routine].evaluate
    assert evaluate is not None
    try:
        found = evaluate(*(np.array(a) for a in arrays), **attrs)
    except np.linalg.LinAlgError as e:
        where = f" ({s.loc.full})" if s.loc else ""
        raise LinAlgError(f"{e}{where}") from None
    return list(found) if isinstance(found, tuple) else [found]


def put(writes: Arrays, results: Arrays) -> None:
    for target, result in zip(writes, results, strict=False):
        target[...] = result


def in_place(s: Call, reads: Arrays, writes: Arrays) -> None:
    put(writes, meaning(s, *reads, **s.attrs))


def _lu_solve(s: Call, reads: Arrays, writes: Arrays) -> None:
    put(writes, meaning(s, reads[0], *reads, **s.attrs))


def _eigh(s: Call, reads: Arrays, writes: Arrays) -> None:
    w, v = meaning(s, *reads, lower=s.attrs["lower"])
    put(writes, [v, w])


def _svd(s: Call, reads: Arrays, writes: Arrays) -> None:
    u, values, vt = meaning(s, *reads, full=s.attrs["full"], wide=s.attrs["wide"])
    put(writes[1:2], [values])
    put(writes[2 + OPS[s.routine].matrix:], [u, vt])  # behind the routine's memory: complex numbers have a piece more


def _qr(s: Call, reads: Arrays, writes: Arrays) -> None:
    q, r = meaning(s, *reads, **s.attrs)
    axis = r.ndim - OPS[s.routine].matrix
    put([writes[0][(slice(None),) * axis + (slice(r.shape[axis]),)], writes[1]], [r, q])


def _eig(s: Call, reads: Arrays, writes: Arrays) -> None:
    *values, v = meaning(s, *reads)
    put(writes[1:], values)
    put(writes[4:], [v])


def _fft_lines(s: Call, reads: Arrays, writes: Arrays) -> None:
    evaluate = OPS["fft"].evaluate
    assert evaluate is not None
    parts = [x * x.dtype.type(f) for x, f in zip(reads, s.attrs["factors"], strict=True)]
    found = evaluate(np.stack(parts, -1), inverse=s.attrs["inverse"])
    put(writes, [found[..., 0], found[..., 1]])


OF_BOTH = {"lu": in_place, "eigh": _eigh, "svd": _svd, "qr": _qr, "sylvester": in_place}
ROUTINES: dict[str, Callable[[Call, Arrays, Arrays], None]] = {
    "cholesky": in_place, "cholesky_cotangent": in_place, "triangular_solve": in_place, "lu_solve": _lu_solve,
    "eig": _eig, **OF_BOTH, **{f"complex_{name}": rule for name, rule in OF_BOTH.items()},
    "complex_cholesky": in_place, "complex_triangular_solve": in_place, "complex_solve": _lu_solve, "complex_eig": _eig,
    "fft": in_place, "rfft": in_place, "irfft": in_place, "fft_lines": _fft_lines,
}
