"""Where scipy.special's functions are tried: a range for each argument, whole ones as `N(low, high)`, or a number."""

from __future__ import annotations

from typing import Any, NamedTuple

Range = tuple[float, float]


class N(NamedTuple):
    """Whole numbers, the last included: int64 operands."""

    low: int
    high: int


P, U, S, W = (0.3, 4.0), (0.1, 0.9), (-3.0, 3.0), (1.2, 6.0)
"""Positive numbers, the unit interval, both signs, and above one."""

PROLATE, OBLATE = (1.0, 2.0, 0.7, 6.2090683961734605), (1.0, 2.0, 0.7, 5.7890650026648975)
"""With the characteristic values of these."""

DOMAINS: dict[str, list[tuple[Any, ...]]] = {
    "gamma": [(P,), ((-2.7, -2.3),)], "loggamma": [(P,)], "rgamma": [(P,), ((-3.2, 0.4),)], "beta": [(P, P)],
    "betaln": [(P, (0.5, 60.0))], "poch": [(P, P)], "binom": [((5.0, 9.0), (0.5, 4.5))],
    "gammainc": [(P, P), ((5.0, 40.0), (1.0, 60.0)), ((0.01, 0.3), (0.001, 2.0))],
    "gammaincc": [(P, P), ((5.0, 40.0), (1.0, 60.0))],
    "gammaincinv": [((0.8, 4.0), U)], "gammainccinv": [((0.8, 4.0), U)],
    "betainc": [(P, P, U), ((5.0, 30.0), (2.0, 50.0), U)], "betaincc": [(P, P, U)], "betaincinv": [(P, P, U)],
    "betainccinv": [(P, P, U)], "zetac": [((1.5, 6.0),), ((-3.5, -0.5),)], "_zeta": [((1.5, 6.0), P)],
    "_riemann_zeta": [((1.5, 6.0),), ((-3.5, 0.7),)],
    "erfcx": [(S,), ((20.0, 40.0),)], "erfi": [((-2.0, 2.0),)], "erfcinv": [((0.2, 1.8),)],
    "dawsn": [(S,), ((20.0, 40.0),)], "ndtri": [(U,)], "log_ndtr": [((-9.0, 3.0),), ((-200.0, -50.0),)],
    "ndtri_exp": [((-9.0, -0.3),)], "owens_t": [(S, S)], "voigt_profile": [(S, (0.4, 2.0), (0.3, 2.0))],
    "wofz": [(S, (0.2, 2.0))],
    "expi": [(P,), ((-3.0, -0.3),)], "exp1": [(P,)], "_scaled_exp1": [(P,)], "expn": [(N(0, 4), P)], "sici": [(P,)],
    "shichi": [(P,)], "fresnel": [(S,)], "spence": [(P,), ((0.98, 1.02),)],
    "_lambertw": [(P, S, N(-1, 1), 1e-8)], "wrightomega": [(S,)],
    **{n: [((-6.0, -0.5),), (P,)] for n in ("j0", "j1", "i0", "i1", "i0e", "i1e")},
    **{n: [((0.4, 6.0),)] for n in ("y0", "y1", "k0", "k1", "k0e", "k1e")},
    **{n: [((-1.5, 3.5), (0.5, 6.0))] for n in ("jv", "yv", "iv", "kv", "ive", "kve", "jve", "yve")},
    "kn": [(N(0, 3), P)], "yn": [(N(0, 3), P)],
    **{n: [(N(0, 3), (0.5, 6.0))] for n in ("_spherical_jn", "_spherical_yn", "_spherical_in", "_spherical_kn")},
    "airy": [(S,)], "airye": [(P,)], "struve": [((-0.5, 2.0), P)], "modstruve": [((-0.5, 2.0), P)],
    **{n: [(P,)] for n in ("ber", "bei", "ker", "kei", "berp", "beip", "kerp", "keip")},
    "besselpoly": [(P, 1.0, 1.0)], "wright_bessel": [(1.2, 0.7, P)], "log_wright_bessel": [(1.2, 0.7, P)],
    "_iv_ratio": [((1.5, 4.0), P)], "_iv_ratio_c": [((1.5, 4.0), P)],
    **{n: [((0.5, 4.0),)] for n in ("itairy", "iti0k0", "it2i0k0", "itj0y0", "it2j0y0", "itstruve0", "it2struve0",
                                    "itmodstruve0")},
    "ellipk": [((-2.0, 0.9),)], "ellipkm1": [((0.1, 2.0),)], "ellipe": [((-2.0, 0.9),)],
    "ellipkinc": [((-1.2, 4.4), (-1.0, 0.9))], "ellipeinc": [((-1.2, 4.4), (-1.0, 0.9))],
    "ellipj": [((-1.5, 3.0), (0.1, 0.9))], "elliprc": [(P, P), (P, (-3.0, -0.5))], "elliprd": [(P, P, P)],
    "elliprf": [(P, P, P)], "elliprg": [(P, P, P)], "elliprj": [(P, P, P, P)], "agm": [(P, P)],
    "hyp0f1": [(P, S)], "hyp1f1": [(P, P, S)], "hyp2f1": [(P, P, P, (-0.8, 0.8))], "hyperu": [(P, (1.2, 1.9), P)],
    "lpmv": [(1.0, 3.0, (-0.8, 0.8)), (0.0, 2.5, (-0.8, 0.8))],
    **{f"eval_{n}": [(N(0, 4), (-0.9, 0.9)), ((0.5, 3.5), (0.1, 0.9))]
       for n in ("legendre", "chebyt", "chebyu", "chebyc", "chebys", "sh_legendre", "sh_chebyt", "sh_chebyu",
                 "laguerre")},
    "eval_gegenbauer": [(N(0, 4), P, (-0.9, 0.9))], "eval_jacobi": [(N(0, 4), P, P, (-0.9, 0.9))],
    "eval_hermite": [(N(0, 4), S)], "eval_hermitenorm": [(N(0, 4), S)], "eval_genlaguerre": [(N(0, 4), P, P)],
    "eval_sh_jacobi": [(N(0, 4), (3.0, 5.0), (1.5, 2.5), U)],
    "bdtr": [((0.0, 4.5), N(5, 9), U)], "bdtrc": [((0.0, 4.5), N(5, 9), U)], "bdtri": [((0.2, 4.5), N(5, 9), U)],
    "nbdtr": [(N(0, 5), N(1, 5), U)], "nbdtrc": [(N(0, 5), N(1, 5), U)], "nbdtri": [(N(0, 5), N(1, 5), U)],
    "pdtr": [((0.2, 5.7), P)], "pdtrc": [((0.2, 5.7), P)], "pdtri": [(N(0, 5), U)],
    "chdtr": [(P, P)], "chdtrc": [(P, P)], "chdtri": [((1.0, 5.0), U)], "chdtriv": [(U, P)],
    "gdtr": [(P, P, P)], "gdtrc": [(P, P, P)], "gdtrix": [(P, (1.0, 4.0), U)], "gdtria": [(U, P, P)],
    "gdtrib": [(P, U, P)], "fdtr": [(P, P, P)], "fdtrc": [(P, P, P)], "fdtri": [(W, W, U)], "stdtr": [(P, S)],
    "stdtrit": [(W, U)], "stdtridf": [((0.78, 0.83), (1.0, 1.1))], "btdtria": [(U, P, U)], "btdtrib": [(P, U, U)],
    "chndtr": [(P, (2.2, 5.0), P)], "chndtrix": [(U, (2.2, 5.0), P)], "chndtrinc": [((4.0, 6.0), 2.5, (0.1, 0.3))],
    "_ncx2_pdf": [(P, (2.2, 5.0), P)], "nctdtr": [(3.0, 0.7, S)], "nctdtrit": [(3.0, 0.7, U)],
    "ncfdtr": [(3.0, 4.0, 0.7, P)], "ncfdtri": [(3.0, 4.0, 0.7, U)], "nrdtrimn": [((0.1, 0.4), P, S)],
    "nrdtrisd": [((-3.0, -1.0), (0.6, 0.9), P)], "kolmogorov": [((0.5, 1.8),)], "kolmogi": [(U,)],
    "smirnov": [(N(3, 9), U)], "smirnovi": [(N(3, 9), U)], "tklmbda": [((-0.9, 0.9), 0.5)],
    "cosdg": [((-300.0, 300.0),)], "sindg": [((-300.0, 300.0),)], "tandg": [((-80.0, 80.0),)],
    "cotdg": [((10.0, 170.0),)], "radian": [(P, P, P)], "powm1": [(P, S)], "_log1pmx": [((-0.5, 2.0),)],
    "_log1mexp": [((-4.0, -0.2),)], "_sinpi": [(S,)], "_cospi": [(S,)],
    **{n: [(2.0, 1.3, (5.0, 80.0))] for n in ("mathieu_cem", "mathieu_sem")},
    **{f"mathieu_mod{n}": [(2.0, 1.3, (0.3, 1.2))] for n in ("cem1", "cem2", "sem1", "sem2")},
    "pro_ang1": [(1.0, 2.0, 0.7, (-0.8, 0.8))], "obl_ang1": [(1.0, 2.0, 0.7, (-0.8, 0.8))],
    "pro_rad1": [(1.0, 2.0, 0.7, (2.0, 6.0))], "pro_rad2": [(1.0, 2.0, 0.7, (2.0, 6.0))],
    "obl_rad1": [(1.0, 2.0, 0.7, P)],
    "obl_rad2": [(1.0, 2.0, 0.7, P)],
    "pro_ang1_cv": [(*PROLATE, (-0.8, 0.8))], "obl_ang1_cv": [(*OBLATE, (-0.8, 0.8))],
    "pro_rad1_cv": [(*PROLATE, W)], "pro_rad2_cv": [(*PROLATE, (2.0, 6.0))],
    "obl_rad1_cv": [(*OBLATE, P)], "obl_rad2_cv": [(*OBLATE, P)],
    "pbdv": [((-1.5, 2.5), S)], "pbvv": [((-1.5, 2.5), P)], "pbwa": [((-2.0, 2.0), S)],
    # complex numbers by their parts
    **{f"complex_{n}": [(S, (0.2, 2.0)), ((-2.0, -0.3), (-2.0, -0.2))]
       for n in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan", "arcsin",
                 "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "reciprocal")},
    "complex_divide": [(S, S, (0.4, 3.0), S), (S, S, (-3.0, 3.0), (-3.0, -0.4))],
    "complex_power": [(S, (0.2, 2.0), (-2.0, 2.0), (-1.0, 1.0))],
}
