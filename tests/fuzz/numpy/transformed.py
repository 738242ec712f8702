"""Templates of statements that map a function over rows, or call what gradjit does not look into."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .grow import Grower

MOST_STEPS = 3
"""Templates, one inside the other, of a mapped function."""


def mapped(templates: Sequence[Callable[[Grower], str | None]]) -> Callable[[Grower], str | None]:
    """`gj.vmap` of one array or two, over any axis; what else the function reads is captured."""
    def template(g: Grower) -> str | None:
        a = g.name(lambda v: v.ndim > 0)
        if a is None:
            return None
        axis = g.axis(a)
        examples = g.shape(a)[axis]
        rows = {"t": np.take(g.env[a], 0, axis)}
        given, axes = [a], [str(axis)]
        other = g.name(lambda v: v.ndim > 0 and v.shape[0] == examples) if g.flip() else None
        if other is not None:
            rows["u"] = g.env[other][0]
            given.append(other)
            axes.append("0")
        body = nested(g, rows, templates)
        if body is None:
            return None
        result = value_of(g, body, rows)
        rank = np.ndim(result) if result is not None else 0
        out = g.pick((0, 0, rank, -1))
        return (f"gj.vmap(lambda {', '.join(rows)}: {body}, in_axes=({', '.join(axes)},), out_axes={out})"
                f"({', '.join(given)})")

    return template


def nested(g: Grower, rows: dict[str, Any], templates: Sequence[Callable[[Grower], str | None]]) -> str | None:
    """An expression of the rows: templates that are filled with one another."""
    body = "t * u" if "u" in rows and np.shape(rows["t"]) == np.shape(rows["u"]) else "t"
    for _ in range(g.below(MOST_STEPS, 1)):
        inner = copy.copy(g)
        inner.env = {**g.env, **rows, "t": value_of(g, body, rows)}
        if not inner.fits(inner.env["t"]):
            return None
        text = g.pick(templates)(inner)
        if text is None:
            continue
        body = re.sub(r"\bt\b", f"({body})", text)
    if g.below(3) == 0:
        body = f"({body} if {g.pick(CONDITIONS)} else {g.pick(('t * 2.0', body))})"
    return body if value_of(g, body, rows) is not None else None


CONDITIONS = ("np.sum(t) > 0.2", "np.max(t) < 1.0", "not np.any(t > 0.5)")


def value_of(g: Grower, text: str, rows: dict[str, Any]) -> Any:
    scope = {**g.env, **rows}
    return scope["_"] if g.tried(f"_ = {text}", scope) else None


def opaque(g: Grower) -> str | None:
    """A primitive with a rule of either mode, or differences; mapped, now and then."""
    a = g.name(lambda v: v.dtype == float)
    if a is None:
        return None
    text = g.pick(OPAQUE)
    return f"gj.vmap({text})({a})" if g.shape(a) and g.flip() else f"{text}({a})"


SAME = "out=lambda w: np.empty_like(w)"
OPAQUE = (
    f"gj.primitive(lambda w: np.sin(w) * 2.0, {SAME}, vjp=lambda c, r, w: c * 2.0 * np.cos(w))",
    f"gj.primitive(lambda w: np.exp(-w * w), {SAME}, vjp=lambda c, r, w: -2.0 * w * c * r)",
    f"gj.primitive(lambda w: w ** 2 + 1.0, {SAME}, jvp=lambda p, d: 2.0 * p[0] * d[0])",
    f"gj.primitive(lambda w: np.tanh(w), {SAME}, vjp='numeric')",
    f"gj.primitive(lambda w: np.cos(w), {SAME}, jvp='numeric')",
    "gj.primitive(lambda w: float(np.sum(w * w)), out=lambda w: 0.0, vjp=lambda c, r, w: 2.0 * c * w)",
    f"gj.primitive(lambda w: np.flip(w), {SAME}, vjp=lambda c, r, w: np.flip(c))",
    "gj.primitive(lambda w: np.stack([w, w * w]), out=lambda w: np.empty((2, *np.shape(w))), "
    "vjp=lambda c, r, w: c[0] + 2.0 * w * c[1])",
)
