"""Hypergeometric functions and orthogonal polynomials: DLMF 13, 14, 15, 18."""

from __future__ import annotations

from ..terms import Term, call, where
from .rows import PARAMETER, STEPS, Formula, Rows

DEGREE = "no closed form is known for the derivative with regard to the degree"


def _lower(n: Term, polynomial: Term | None = None) -> Term:
    """n - 1, and n for 0, where the derivative vanishes."""
    return where(n.equals(0), n, n - 1)


def _family(formula: Formula) -> Formula:
    """`formula(n, n - 1, *others)`; 0 for the degree 0."""
    def derivative(r: Term, n: Term, *others: Term) -> Term:
        return where(n.equals(0), 0, formula(n.cast(r), _lower(n), *others))

    return derivative


def _lpmv(r: Term, m: Term, v: Term, x: Term) -> Term:
    """(v x P_v - (v + m) P_{v-1}) / (x² - 1) (14.10.5)."""
    return (v * x * r - (v + m) * call("lpmv", m, v - 1, x)) / (x * x - 1)


ROWS: Rows = {
    "hyp0f1": (PARAMETER, lambda r, v, x: call("hyp0f1", v + 1, x) / v),  # 16.3.1
    "hyp1f1": (PARAMETER, PARAMETER, lambda r, a, b, x: a / b * call("hyp1f1", a + 1, b + 1, x)),  # 13.3.15
    "hyp2f1": (PARAMETER, PARAMETER, PARAMETER,
               lambda r, a, b, c, x: a * b / c * call("hyp2f1", a + 1, b + 1, c + 1, x)),  # 15.5.1
    "hyperu": (PARAMETER, PARAMETER, lambda r, a, b, x: -(a * call("hyperu", a + 1, b + 1, x))),  # 13.3.22
    "lpmv": (STEPS, DEGREE, _lpmv),
    # 18.9.15 to 18.9.28; Legendre's and Chebyshev's polynomials through those of Jacobi and Gegenbauer, whose
    # derivatives have no poles at the ends
    "eval_legendre": (DEGREE, _family(lambda n, k, x: (n + 1) * 0.5 * call("eval_jacobi", k, x.like(1), 1, x))),
    "eval_chebyt": (DEGREE, _family(lambda n, k, x: n * call("eval_chebyu", k, x))),
    "eval_chebyu": (DEGREE, _family(lambda n, k, x: 2 * call("eval_gegenbauer", k, x.like(2), x))),
    "eval_chebyc": (DEGREE, _family(lambda n, k, x: n * call("eval_chebyu", k, x * 0.5))),
    "eval_chebys": (DEGREE, _family(lambda n, k, x: call("eval_gegenbauer", k, x.like(2), x * 0.5))),
    "eval_gegenbauer": (DEGREE, PARAMETER,
                        _family(lambda n, k, a, x: 2 * a * call("eval_gegenbauer", k, a + 1, x))),
    "eval_jacobi": (DEGREE, PARAMETER, PARAMETER,
                    _family(lambda n, k, a, b, x: (n + a + b + 1) * 0.5 * call("eval_jacobi", k, a + 1, b + 1, x))),
    "eval_hermite": (DEGREE, _family(lambda n, k, x: 2 * n * call("eval_hermite", k, x))),
    "eval_hermitenorm": (DEGREE, _family(lambda n, k, x: n * call("eval_hermitenorm", k, x))),
    "eval_laguerre": (DEGREE, _family(lambda n, k, x: -call("eval_genlaguerre", k, x.like(1), x))),
    "eval_genlaguerre": (DEGREE, PARAMETER, _family(lambda n, k, a, x: -call("eval_genlaguerre", k, a + 1, x))),
    "eval_sh_legendre": (DEGREE, _family(lambda n, k, x: (n + 1) * call("eval_jacobi", k, x.like(1), 1, 2 * x - 1))),
    "eval_sh_chebyt": (DEGREE, _family(lambda n, k, x: 2 * n * call("eval_chebyu", k, 2 * x - 1))),
    "eval_sh_chebyu": (DEGREE, _family(lambda n, k, x: 4 * call("eval_gegenbauer", k, x.like(2), 2 * x - 1))),
    "eval_sh_jacobi": (DEGREE, PARAMETER, PARAMETER,
                       _family(lambda n, k, p, q, x: n * call("eval_sh_jacobi", k, p + 2, q + 1, x))),
}
