"""Elliptic integrals and functions: DLMF 19 and 22. Derivatives by the parameter m are Carlson's integrals, whose
difference forms would cancel."""

from __future__ import annotations

import math

from ..terms import Term, absolute, call, cos, rint, sin, sqrt, where
from .rows import Formula, Rows


def _rd(x: Term | float, y: Term | float, z: Term | float) -> Term:
    return call("elliprd", x, y, z)


# Legendre's integrals -------------------------------------------------------------------------------------------------
def _complete(m: Term) -> Term:
    """dK/dm = R_D(0, 1, 1 - m) / 6 (19.25.1 with 19.18.1)."""
    return _rd(m.like(0), 1, 1 - m) / 6


def _parts(phi: Term, m: Term) -> tuple[Term, Term, Term, Term]:
    """phi = k pi + the rest, whose sine it is: k, sin, cos² and 1 - m sin²."""
    k = rint(phi / math.pi)
    s = sin(phi - k * math.pi)
    square = s * s
    c = cos(phi)
    return k, s, c * c, 1 - m * square


def first_by_m(phi: Term, m: Term) -> Term:
    """dF/dm: sin³ R_D(cos², 1, 1 - m sin²) / 6 (19.25.5 with 19.18.1), and twice that of K for each half turn."""
    k, s, c, under = _parts(phi, m)
    whole_periods = where(k.equals(0), 0, 2 * k * _complete(where(k.equals(0), 0, m)))
    return s * s * s * _rd(c, 1, under) / 6 + whole_periods


def _second_by_m(r: Term, phi: Term, m: Term) -> Term:
    """dE/dm = (E - F) / (2m) = -sin³ R_D(cos², 1 - m sin², 1) / 6 (19.4.6, 19.25.9)."""
    k, s, c, under = _parts(phi, m)
    return -(s * s * s * _rd(c, under, 1) + 2 * k * _rd(m.like(0), 1 - m, 1)) / 6


# Carlson's ------------------------------------------------------------------------------------------------------------
def _quotient(x: Term, y: Term, z: Term) -> Term:
    return (_rd(x, y, z) - _rd(y, z, x)) / (2 * (z - x))


def rd_by_x(x: Term, y: Term, z: Term) -> Term:
    """(R_D(x, y, z) - R_D(y, z, x)) / (2 (z - x)), by partial fractions. Where x is next to z the difference cancels;
    the quotient is smooth there, and is interpolated from four points around."""
    near = absolute(z - x) < 2e-3 * z
    h = where(near, 4e-3 * z, 0)
    away = _quotient(where(near, 0.5 * x, x), y, z)
    around = [_quotient(where(near, x + k * h, 0.5 * x), y, z) for k in (-2, -1, 1, 2)]
    return where(near, (4 * (around[1] + around[2]) - around[0] - around[3]) / 6, away)


def _rd_by_z(r: Term, x: Term, y: Term, z: Term) -> Term:
    """By Euler's theorem: R_D is homogeneous of degree -3/2 (19.16.9)."""
    return (-1.5 * r - _share(x, y, z) - _share(y, x, z)) / z


def _share(x: Term, y: Term, z: Term) -> Term:
    """x times the derivative by x, which is 0 where x is."""
    none = x.equals(0)
    return where(none, 0, x * rd_by_x(where(none, z, x), y, z))


def _rj_by_x(r: Term, x: Term, y: Term, z: Term, p: Term) -> Term:
    return (r - _rd(y, z, x)) / (2 * (p - x))


def _rj_by_p(r: Term, x: Term, y: Term, z: Term, p: Term) -> Term:
    parts = x * _rj_by_x(r, x, y, z, p) + y * _rj_by_x(r, y, x, z, p) + z * _rj_by_x(r, z, x, y, p)
    return -((1.5 * r + parts) / p)


def _rc_by_y(r: Term, x: Term, y: Term) -> Term:
    """-R_D(x, y, y) / 3 (19.6.15); Cauchy's principal value for y < 0 by (19.2.20)."""
    positive = y > 0
    safe = where(positive, y, 1)
    return where(positive, -(_rd(x, safe, safe) / 3), (sqrt(x) / y - r) / (2 * (y - x)))


def _rc_by_x(r: Term, x: Term, y: Term) -> Term:
    positive = y > 0
    safe = where(positive, y, 1)
    return where(positive, -(_rd(safe, safe, x) / 6), (r - 1 / sqrt(x)) / (2 * (y - x)))


def _rg_by_x(x: Term, y: Term, z: Term) -> Term:
    """(R_F - x R_D(y, z, x) / 3) / 4 (19.21.10 with 19.18.1)."""
    origin = x.equals(0)
    return (call("elliprf", x, y, z) - where(origin, 0, x * _rd(y, z, where(origin, 1, x))) / 3) * 0.25


def _agm(m: Term, x: Term, y: Term) -> Term:
    """(2/pi) M² x R_D(0, y², x²) / 3, as M = pi / (2 R_F(0, x², y²)) (19.8.5)."""
    return 2 / (3 * math.pi) * m * m * x * _rd(x.like(0), y * y, x * x)


# Jacobi's functions ---------------------------------------------------------------------------------------------------
def _jacobi(u: Term, m: Term) -> tuple[Term, Term, Term, Term]:
    sn, cn, dn, ph = (call("ellipj", u, m, result=k) for k in range(4))
    return sn, cn, dn, -(dn * first_by_m(ph, m))  # the amplitude by m: F(ph, m) = u stays


def _by_u(formula: Formula) -> Formula:
    return lambda r, u, m: formula(m, *(call("ellipj", u, m, result=k) for k in range(3)))


def _by_m(formula: Formula) -> Formula:
    return lambda r, u, m: formula(m, *_jacobi(u, m))


ROWS: Rows = {
    "ellipk": (lambda r, m: _complete(m),),
    "ellipkm1": (lambda r, p: -(_rd(p.like(0), 1, p) / 6),),
    "ellipe": (lambda r, m: -(_rd(m.like(0), 1 - m, 1) / 6),),
    "ellipkinc": (lambda r, phi, m: 1 / sqrt(_parts(phi, m)[3]), lambda r, phi, m: first_by_m(phi, m)),
    "ellipeinc": (lambda r, phi, m: sqrt(_parts(phi, m)[3]), _second_by_m),
    "ellipj": [  # 22.13.1
        (_by_u(lambda m, sn, cn, dn: cn * dn), _by_m(lambda m, sn, cn, dn, d: cn * d)),
        (_by_u(lambda m, sn, cn, dn: -(sn * dn)), _by_m(lambda m, sn, cn, dn, d: -(sn * d))),
        (_by_u(lambda m, sn, cn, dn: -(m * sn * cn)),
         _by_m(lambda m, sn, cn, dn, d: -((sn * sn + 2 * m * sn * cn * d) / (2 * dn)))),
        (_by_u(lambda m, sn, cn, dn: dn), _by_m(lambda m, sn, cn, dn, d: d)),
    ],
    "elliprf": (lambda r, x, y, z: _rd(y, z, x) / -6, lambda r, x, y, z: _rd(x, z, y) / -6,  # 19.18.1
                lambda r, x, y, z: _rd(x, y, z) / -6),
    "elliprd": (lambda r, x, y, z: rd_by_x(x, y, z), lambda r, x, y, z: rd_by_x(y, x, z), _rd_by_z),
    "elliprg": (lambda r, x, y, z: _rg_by_x(x, y, z), lambda r, x, y, z: _rg_by_x(y, x, z),
                lambda r, x, y, z: _rg_by_x(z, x, y)),
    "elliprc": (_rc_by_x, _rc_by_y),
    "elliprj": (_rj_by_x, lambda r, x, y, z, p: _rj_by_x(r, y, x, z, p), lambda r, x, y, z, p: _rj_by_x(r, z, x, y, p),
                _rj_by_p),
    "agm": (lambda r, a, b: _agm(r, a, b), lambda r, a, b: _agm(r, b, a)),
}
