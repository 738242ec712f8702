"""Complex numbers become two real planes: `c128[n]` two values `f64[n]`, the real and the imaginary parts.

What stands behind this pass knows of no complex numbers: differentiation, simplification, fusion and code are those of
reals. Derivatives are taken of the split function, so that there is no rule for complex values, and what they give is
put together: the tangent of `z` is that of its parts, its cotangent `ct_re + 1j * ct_im`, the direction in which a real
result grows fastest.

RULES: for each operation `rule(b, *operands, **attrs)`, where a complex operand, and a complex result, is a pair of
    values. Operations that are `by_planes` need none.
STEPS: the same for what is no part of straight code and has attributes that tell of its operands.
"""

from __future__ import annotations

from .complex_derivatives import derived
from .complex_memory import as_planes, from_planes, in_memory, layout_in_memory
from .splitter import Planes, has_complex, split

__all__ = ["Planes", "as_planes", "derived", "from_planes", "has_complex", "in_memory", "layout_in_memory", "split"]
