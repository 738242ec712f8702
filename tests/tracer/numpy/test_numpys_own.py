"""The cases of NumPy's own suites for linear algebra and Fourier transforms, from the NumPy that is installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

own = pytest.importorskip("numpy.linalg.tests.test_linalg", reason="this NumPy has no tests")
Call = Callable[..., Any]
FUNCTIONS: dict[str, tuple[Call, set[str]]] = {
    "solve": (lambda a, b: np.linalg.solve(a, b), {"square"}), "inv": (lambda a, b: np.linalg.inv(a), {"square"}),
    "det": (lambda a, b: np.linalg.det(a), {"square"}), "slogdet": (lambda a, b: np.linalg.slogdet(a), {"square"}),
    "eigvalsh": (lambda a, b: np.linalg.eigvalsh(a), {"hermitian"}),
    "eigvals": (lambda a, b: np.sort_complex(np.linalg.eigvals(a)), {"square"}),
    "svdvals": (lambda a, b: np.linalg.svd(a, compute_uv=False), {"square", "nonsquare"}),
    "pinv": (lambda a, b: np.linalg.pinv(a), {"square", "nonsquare"}),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], {"square", "nonsquare"}),
    "qr": (lambda a, b: np.linalg.qr(a), {"square", "nonsquare"}), "cond": (lambda a, b: np.linalg.cond(a), {"square"}),
    "norm": (lambda a, b: np.linalg.norm(a, axis=(-2, -1)), {"square", "nonsquare"}),
}
ALWAYS = {"8x8", "double_2", "cdouble", "cdouble_2", "0x4_rhs", "1x1", "8x11_tinyrhs"}
"""By name; a sixth of all, but for their many copies in other layouts, where there is time."""
COMPLEX_TOO = {"solve", "inv", "det", "slogdet", "eigvalsh", "eigvals", "norm"}
DTYPES = {np.dtype(t) for t in ("float32", "float64", "complex64", "complex128")}


def cases(slow: bool) -> list[Any]:
    found = {}
    for c in own.CASES:
        a = np.asarray(c.a)
        if (a.dtype in DTYPES and a.ndim >= 2 and ((c.name in ALWAYS) != slow) and "size-0" not in c.tags) or (
                slow and a.dtype in DTYPES and a.ndim >= 2 and "size-0" in c.tags):
            found.setdefault(c.name, c)
    return list(found.values())


def outcome(f: Call, *args: Any) -> Any:
    """What a function gives, as a list of arrays; or the class of what it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = f(*args)
        except np.linalg.LinAlgError:
            return np.linalg.LinAlgError
    return [np.asarray(x) for x in (found if isinstance(found, tuple) else (found,))]


def agree(name: str, case: Any) -> None:
    f, tags = FUNCTIONS[name]
    a, b = np.asarray(case.a), None if case.b is None else np.asarray(case.b)
    if not tags & set(case.tags) or ("generalized" in case.tags and name == "lstsq"):
        return
    if (np.iscomplexobj(a) or np.iscomplexobj(b)) and name not in COMPLEX_TOO:
        return
    want = outcome(f, a, b)
    if want is not np.linalg.LinAlgError and b is None and name in ("solve", "lstsq"):
        return
    got = outcome(gj.jit(f), a, b)
    if not (isinstance(got, list) and isinstance(want, list)):
        assert got is want, f"{name} of {case.name}: {got} for {want}"
        return
    rtol = 1e-4 if a.dtype.itemsize // (2 if np.iscomplexobj(a) else 1) == 4 else 1e-9
    for g, w in zip(got, want, strict=True):
        assert g.shape == w.shape, f"{name} of {case.name}: {g.shape} for {w.shape}"
        assert g.dtype == w.dtype or name == "eigvals", f"{name} of {case.name}: {g.dtype} for {w.dtype}"
        np.testing.assert_allclose(g, w, rtol=rtol, atol=rtol * (1 + np.max(np.abs(w), initial=0)),
                                   err_msg=f"{name} of {case.name}")


@pytest.mark.parametrize("name", ["solve", "det", "eigvals", "pinv"])
def test_linear_algebra(name: str) -> None:
    for case in cases(slow=False):
        agree(name, case)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_of_linear_algebra(name: str) -> None:
    for case in cases(slow=True)[::6]:
        agree(name, case)


TRANSFORMS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn",
              "rfftn", "irfftn")


@pytest.mark.parametrize("names", [pytest.param(TRANSFORMS[k::4], marks=[] if k == 0 else [pytest.mark.slow])
                                   for k in range(4)])
def test_transforms(names: tuple[str, ...]) -> None:
    """With all norms, as numpy.fft.tests.test_pocketfft has them, in one kernel."""
    rng = np.random.default_rng(0)
    x, z = rng.random((6, 8)), rng.random((6, 8)) + 1j * rng.random((6, 8))

    def all_of_them(x: Any, z: Any) -> list[Any]:
        return [getattr(np.fft, n)(x if n.startswith(("r", "ih")) else z, norm=m) for n in names
                for m in (None, "ortho", "forward", "backward")]

    for g, w in zip(gj.jit(all_of_them)(x, z), all_of_them(x, z), strict=True):
        np.testing.assert_allclose(g, w, atol=1e-13)
