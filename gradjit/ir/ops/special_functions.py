"""scipy.special's functions that are computed by SciPy's own loops, and NumPy's of complex numbers: names and
arguments, one line each.

A line reads `operands -> results`; a single result has no name. A complex number counts as two: its real and its
imaginary part. What a function's derivatives are stands under its name in `passes/partials/special_functions`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import DtypeError
from ...processes import gate
from ...records import dataclass
from .planes import joined

SIGNATURES: dict[str, str] = {
    # gamma and beta functions, polygamma's kin
    "gamma": "x", "loggamma": "x", "rgamma": "x", "beta": "a b", "betaln": "a b", "poch": "z m", "binom": "n k",
    "gammainc": "a x", "gammaincc": "a x", "gammaincinv": "a y", "gammainccinv": "a y",
    "betainc": "a b x", "betaincc": "a b x", "betaincinv": "a b y", "betainccinv": "a b y",
    "zetac": "x", "_zeta": "x q", "_riemann_zeta": "x",
    # error functions, normal distribution
    "erfcx": "x", "erfi": "x", "erfcinv": "y", "dawsn": "x", "ndtri": "y", "log_ndtr": "x", "ndtri_exp": "y",
    "owens_t": "h a", "voigt_profile": "x sigma gamma", "wofz": "x y -> real imag",
    # exponential integrals and their kin
    "expi": "x", "exp1": "x", "_scaled_exp1": "x", "expn": "n x", "sici": "x -> si ci", "shichi": "x -> shi chi",
    "fresnel": "x -> s c", "spence": "x", "_lambertw": "x y k tol -> real imag", "wrightomega": "x",
    # Bessel functions
    "j0": "x", "j1": "x", "y0": "x", "y1": "x", "i0": "x", "i1": "x", "k0": "x", "k1": "x", "i0e": "x", "i1e": "x",
    "k0e": "x", "k1e": "x", "jv": "v x", "jve": "v x", "yv": "v x", "yve": "v x", "iv": "v x", "ive": "v x",
    "kv": "v x", "kve": "v x", "kn": "n x", "yn": "n x", "_spherical_jn": "n x", "_spherical_yn": "n x",
    "_spherical_in": "n x", "_spherical_kn": "n x", "airy": "x -> ai aip bi bip", "airye": "x -> ai aip bi bip",
    "struve": "v x", "modstruve": "v x", "ber": "x", "bei": "x", "ker": "x", "kei": "x", "berp": "x", "beip": "x",
    "kerp": "x", "keip": "x", "besselpoly": "a lambda nu", "wright_bessel": "a b x", "log_wright_bessel": "a b x",
    "_iv_ratio": "v x", "_iv_ratio_c": "v x",
    # integrals of these
    "itairy": "x -> apt bpt ant bnt", "iti0k0": "x -> ii0 ik0", "it2i0k0": "x -> ii0 ik0", "itj0y0": "x -> ij0 iy0",
    "it2j0y0": "x -> ij0 iy0", "itstruve0": "x", "it2struve0": "x", "itmodstruve0": "x",
    # elliptic integrals and functions
    "ellipk": "m", "ellipkm1": "p", "ellipe": "m", "ellipkinc": "phi m", "ellipeinc": "phi m",
    "ellipj": "u m -> sn cn dn ph", "elliprc": "x y", "elliprd": "x y z", "elliprf": "x y z", "elliprg": "x y z",
    "elliprj": "x y z p", "agm": "a b",
    # hypergeometric functions, orthogonal polynomials
    "hyp0f1": "v x", "hyp1f1": "a b x", "hyp2f1": "a b c x", "hyperu": "a b x", "lpmv": "m v x",
    "eval_legendre": "n x", "eval_chebyt": "n x", "eval_chebyu": "n x", "eval_chebyc": "n x", "eval_chebys": "n x",
    "eval_gegenbauer": "n alpha x", "eval_jacobi": "n alpha beta x", "eval_hermite": "n x", "eval_hermitenorm": "n x",
    "eval_laguerre": "n x", "eval_genlaguerre": "n alpha x", "eval_sh_legendre": "n x", "eval_sh_chebyt": "n x",
    "eval_sh_chebyu": "n x", "eval_sh_jacobi": "n p q x",
    # distributions of statistics
    "bdtr": "k n p", "bdtrc": "k n p", "bdtri": "k n y", "bdtrik": "y n p", "bdtrin": "k y p", "nbdtr": "k n p",
    "nbdtrc": "k n p", "nbdtri": "k n y", "nbdtrik": "y n p", "nbdtrin": "k y p", "pdtr": "k m", "pdtrc": "k m",
    "pdtri": "k y", "pdtrik": "p m", "chdtr": "v x", "chdtrc": "v x", "chdtri": "v p", "chdtriv": "p x",
    "gdtr": "a b x", "gdtrc": "a b x", "gdtrix": "a b p", "gdtria": "p b x", "gdtrib": "a p x",
    "fdtr": "dfn dfd x", "fdtrc": "dfn dfd x", "fdtri": "dfn dfd p", "fdtridfd": "dfn p x", "stdtr": "df t",
    "stdtrit": "df p", "stdtridf": "p t", "btdtria": "p b x", "btdtrib": "a p x", "chndtr": "x df nc",
    "chndtrix": "p df nc", "chndtridf": "x p nc", "chndtrinc": "x df p", "_ncx2_pdf": "x df nc",
    "nctdtr": "df nc t", "nctdtrit": "df nc p", "nctdtridf": "p nc t", "nctdtrinc": "df p t", "_nct_pdf": "x df nc",
    "ncfdtr": "dfn dfd nc f", "ncfdtri": "dfn dfd nc p", "ncfdtridfn": "p dfd nc f", "ncfdtridfd": "dfn p nc f",
    "ncfdtrinc": "dfn dfd p f", "_ncf_pdf": "x dfn dfd nc", "nrdtrimn": "p std x", "nrdtrisd": "mn p x",
    "kolmogorov": "x", "kolmogi": "p", "_kolmogp": "x", "smirnov": "n d", "smirnovi": "n p", "_smirnovp": "n d",
    "tklmbda": "x lambda",
    # degrees and small compositions
    "cosdg": "x", "sindg": "x", "tandg": "x", "cotdg": "x", "radian": "d m s", "powm1": "x y",
    "_log1pmx": "x", "_log1mexp": "x", "_sinpi": "x", "_cospi": "x",
    # Mathieu, spheroidal and parabolic cylinder functions
    "mathieu_a": "m q", "mathieu_b": "m q", "mathieu_cem": "m q x -> y yp", "mathieu_sem": "m q x -> y yp",
    "mathieu_modcem1": "m q x -> y yp", "mathieu_modcem2": "m q x -> y yp", "mathieu_modsem1": "m q x -> y yp",
    "mathieu_modsem2": "m q x -> y yp", "pro_cv": "m n c", "obl_cv": "m n c", "pro_ang1": "m n c x -> s sp",
    "pro_rad1": "m n c x -> s sp", "pro_rad2": "m n c x -> s sp", "obl_ang1": "m n c x -> s sp",
    "obl_rad1": "m n c x -> s sp", "obl_rad2": "m n c x -> s sp", "pro_ang1_cv": "m n c cv x -> s sp",
    "pro_rad1_cv": "m n c cv x -> s sp", "pro_rad2_cv": "m n c cv x -> s sp", "obl_ang1_cv": "m n c cv x -> s sp",
    "obl_rad1_cv": "m n c cv x -> s sp", "obl_rad2_cv": "m n c cv x -> s sp", "pbdv": "v x -> d dp",
    "pbvv": "v x -> v vp", "pbwa": "a x -> w wp",
}

COMPLEX = "complex_"
"""What the names of NumPy's functions of complex numbers begin with here."""
SIGNATURES.update({f"{COMPLEX}{name}": "x y -> real imag" for name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "reciprocal")})
SIGNATURES.update({f"{COMPLEX}{name}": "a b c d -> real imag" for name in ("divide", "power")})

WRITTEN: dict[str, str] = {
    "_zeta": "zeta", "_riemann_zeta": "zeta", "_lambertw": "lambertw", "_spherical_jn": "spherical_jn",
    "_spherical_yn": "spherical_yn", "_spherical_in": "spherical_in", "_spherical_kn": "spherical_kn",
    "_kolmogp": "kolmogorov", "_smirnovp": "smirnov",
}
"""What the user calls, where SciPy computes that by a function of another name."""


LOOPS = "scipy.special."
"""What the symbol of a loop begins with."""


@dataclass(frozen=True)
class UfuncSignature:
    """The arguments of a function and its results, by name."""

    name: str
    operands: tuple[str, ...]
    results: tuple[str, ...]

    @property
    def written(self) -> str:
        """The function as the user writes it."""
        if self.name.startswith(COMPLEX):
            return f"np.{self.name.removeprefix(COMPLEX)}"
        return f"scipy.special.{WRITTEN.get(self.name, self.name)}"


@functools.cache
def signature(name: str) -> UfuncSignature:
    """A function's arguments. DtypeError for one that is not in the table."""
    if name not in SIGNATURES:
        raise DtypeError(f"special_call: scipy.special has no function {name!r} that is known here")
    operands, _, results = SIGNATURES[name].partition("->")
    return UfuncSignature(name, tuple(operands.split()), tuple(results.split()) or ("",))


@dataclass(frozen=True)
class UfuncLoop:
    """One of a ufunc's loops: NumPy's character for each input and output, and where it stands among the others."""

    number: int
    inputs: str
    outputs: str

    def symbol(self, name: str) -> str:
        """What compiled code calls it, in any version of SciPy's; what it is given has `.data` behind that."""
        return f"{LOOPS}{name}.{self.inputs}.{self.outputs}"


def loop_named(symbol: str) -> tuple[np.ufunc, UfuncLoop]:
    """The ufunc and the loop of a symbol. DtypeError where SciPy has it no more."""
    name, inputs, outputs = symbol.removeprefix(LOOPS).split(".")[:3]
    ufunc = found(name)
    if (types := f"{inputs}->{outputs}") not in ufunc.types:
        raise DtypeError(f"{signature(name).written} has no loop {types}")
    return ufunc, UfuncLoop(ufunc.types.index(types), inputs, outputs)


def loop_of(ufunc: np.ufunc, codes: Sequence[str]) -> UfuncLoop:
    """The loop for operands of these types (f, d, l), where a complex input takes two of them."""
    for number, types in enumerate(ufunc.types):
        inputs, outputs = types.split("->")
        taken = "".join(c.lower() * (2 if c in "FD" else 1) for c in inputs)
        if taken == "".join(codes):
            return UfuncLoop(number, inputs, outputs)
    raise DtypeError(f"{ufunc.__name__} has no loop for {', '.join(codes)}")


def code_of(dtype: np.dtype[Any]) -> str:
    """NumPy's character for a number that a loop takes; every integer of 64 bits is C's long, or long long, there."""
    return np.dtype("l").char if dtype == np.int64 else dtype.char


def found(name: str) -> np.ufunc:
    """The ufunc: NumPy's for complex numbers, else SciPy's, which is imported at the first use: that takes longer than
    to import gradjit."""
    if name.startswith(COMPLEX):
        numpys = getattr(np, name.removeprefix(COMPLEX))
        assert isinstance(numpys, np.ufunc)
        return numpys
    with gate:
        public, own = map(importlib.import_module, ("scipy.special", "scipy.special._ufuncs"))
    ufunc = getattr(own if name.startswith("_") else public, name)
    assert isinstance(ufunc, np.ufunc)
    return ufunc


def evaluate(*arrays: Any, function: str, result: int = 0) -> Any:
    """SciPy's function on arrays: the result of that number, complex ones counted twice."""
    ufunc = found(function)
    loop = loop_of(ufunc, [code_of(a.dtype) for a in arrays])
    left = list(arrays)
    inputs = [joined(left.pop(0), left.pop(0)) if c in "FD" else left.pop(0) for c in loop.inputs]
    outputs = ufunc(*inputs, signature=f"{loop.inputs}->{loop.outputs}")
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    planes = [p for out, c in zip(outputs, loop.outputs, strict=True)
              for p in ((np.real(out), np.imag(out)) if c in "FD" else (out,))]
    return planes[result]

