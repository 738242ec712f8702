"""Mathieu, spheroidal and parabolic cylinder functions, whose second derivatives are those of their equations (DLMF 28,
30, 12); and small compositions."""

from __future__ import annotations

from ..terms import Term, call, cos, cosh, log, where
from .rows import DEGREES, ORDER, PARAMETER, STEPS, Formula, Row, Rows


def _derivative(name: str, factor: float = 1) -> Formula:
    """The second result is the derivative of the first."""
    return lambda r, *args: factor * call(name, *args, result=1)


def _mathieu(name: str, value: str, modified: bool) -> list[Row]:
    """y'' = (2 q cos 2x - a) y, x in degrees; modified ones y'' = (a - 2 q cosh 2x) y (28.2.1, 28.20.1)."""
    def second(r: Term, m: Term, q: Term, x: Term) -> Term:
        y, a = call(name, m, q, x), call(value, m, q)
        if modified:
            return (a - 2 * q * cosh(2 * x)) * y
        return (2 * q * cos(2 * DEGREES * x) - a) * y * DEGREES

    return [(STEPS, PARAMETER, _derivative(name, 1 if modified else DEGREES)), (STEPS, PARAMETER, second)]


def _spheroidal(name: str, oblate: bool, radial: bool, given: bool) -> list[Row]:
    """(1 - x²) s'' = 2 x s' - (lambda - c² x² - m²/(1 - x²)) s (30.2.1); oblate ones with i c in the place of c, and
    radial oblate ones with i x in that of x, too."""
    own = "obl_cv" if oblate else "pro_cv"

    def second(r: Term, m: Term, n: Term, c: Term, *rest: Term) -> Term:
        x, value = rest[-1], rest[0] if given else call(own, m, n, c)
        s = call(name, m, n, c, *rest)
        turned = -1 if oblate and radial else 1  # the square of what stands for x: turned * x²
        square = c * c * x * x * (-1 if oblate and not radial else 1)
        under = 1 - turned * x * x
        return (2 * turned * x * r - turned * (value - square - m * m / under) * s) / under

    before: Row = (STEPS, STEPS, PARAMETER, *(PARAMETER,) * given)
    return [(*before, _derivative(name)), (*before, second)]


def _cylinder(name: str, equation: Formula) -> list[Row]:
    return [(ORDER, _derivative(name)), (ORDER, lambda r, v, x: equation(v, x) * call(name, v, x))]


ROWS: Rows = {
    "mathieu_a": (STEPS, PARAMETER), "mathieu_b": (STEPS, PARAMETER),
    "mathieu_cem": _mathieu("mathieu_cem", "mathieu_a", False),
    "mathieu_sem": _mathieu("mathieu_sem", "mathieu_b", False),
    **{f"mathieu_modcem{k}": _mathieu(f"mathieu_modcem{k}", "mathieu_a", True) for k in (1, 2)},
    **{f"mathieu_modsem{k}": _mathieu(f"mathieu_modsem{k}", "mathieu_b", True) for k in (1, 2)},
    "pro_cv": (STEPS, STEPS, PARAMETER), "obl_cv": (STEPS, STEPS, PARAMETER),
    **{f"{kind}_{which}{cv}": _spheroidal(f"{kind}_{which}{cv}", kind == "obl", which != "ang1", bool(cv))
       for kind in ("pro", "obl") for which in ("ang1", "rad1", "rad2") for cv in ("", "_cv")},
    "pbdv": _cylinder("pbdv", lambda v, x: x * x * 0.25 - v - 0.5),  # 12.2.2 with a = -v - 1/2
    "pbvv": _cylinder("pbvv", lambda v, x: x * x * 0.25 - v - 0.5),
    "pbwa": _cylinder("pbwa", lambda a, x: a - x * x * 0.25),  # 12.2.3
    # degrees: 4.20
    "cosdg": (lambda r, x: -DEGREES * call("sindg", x),), "sindg": (lambda r, x: DEGREES * call("cosdg", x),),
    "tandg": (lambda r, x: DEGREES * (1 + r * r),), "cotdg": (lambda r, x: -DEGREES * (1 + r * r),),
    "radian": (lambda r, d, m, s: d.like(DEGREES), lambda r, d, m, s: d.like(DEGREES / 60),
               lambda r, d, m, s: d.like(DEGREES / 3600)),
    "powm1": (lambda r, x, y: where(y.equals(0), 0, y * x ** (y - 1)),
              lambda r, x, y: (r + 1) * log(x)),
    "_log1pmx": (lambda r, x: -(x / (1 + x)),),
    "_log1mexp": (lambda r, x: -1 / (-x).emit("expm1"),),
    "_sinpi": (lambda r, x: 3.141592653589793 * call("_cospi", x),),
    "_cospi": (lambda r, x: -3.141592653589793 * call("_sinpi", x),),
}
