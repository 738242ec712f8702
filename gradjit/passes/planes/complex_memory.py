"""The function as machine code gets it: a complex array in memory is one of reals, whose last axis has two elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ir import ArrayType, Block, Builder, Func, Value
from ...ir.clone import Env, inline
from ...ir.core import map_type
from .splitter import has_complex, split


def in_memory(func: Func) -> Func:
    """The function with `f64[n,2]` for each parameter and result of type `c128[n]`, and no complex numbers."""
    if not has_complex(func) and not any(r.dtype.is_complex for r in func.results):
        return func
    planes = split(func)
    block = Block(tuple(stored(p.type) for p in func.params), tuple(p.name for p in func.params))
    env: Env = dict(zip(func.params, block.params, strict=True))
    for p in block.params:
        p.type = map_type(p.type, lambda v: env.get(v, v))
    b = Builder(block)
    operands = [plane for old, p in zip(func.params, block.params, strict=True)
                for plane in (loaded(b, p) if old.dtype.is_complex else (p,))]
    outs = iter(inline(b, planes.func, operands))
    block.results = tuple(written(b, next(outs), next(outs)) if r.dtype.is_complex else next(outs)
                          for r in func.results)
    return Func(func.name, block)


def stored(t: ArrayType) -> ArrayType:
    """The type of the memory of a value."""
    return ArrayType(t.dtype.part, (*t.shape, 2)) if t.dtype.is_complex else t


def loaded(b: Builder, x: Value) -> tuple[Value, Value]:
    """The planes of a complex array in memory: views."""
    shape, last = x.shape[:-1], x.type.rank - 1
    re, im = (b.reshape(b.slice(x, starts=(0,) * last + (k,), sizes=(*shape, 1), steps=(1,) * (last + 1)), shape=shape)
              for k in range(2))
    return re, im


def written(b: Builder, re: Value, im: Value) -> Value:
    """A complex array in memory, from its planes."""
    shape = (*re.shape, 1)
    return b.concat(b.reshape(re, shape=shape), b.reshape(im, shape=shape), axis=re.type.rank)


# arrays ---------------------------------------------------------------------------------------------------------------
def as_planes(x: object) -> np.ndarray:
    """A complex array or number as the reals in its memory; what is real itself."""
    a = np.asarray(x)
    return np.stack([a.real, a.imag], -1) if a.dtype.kind == "c" else a


def from_planes(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The complex array whose memory holds these reals; what is real itself."""
    return np.ascontiguousarray(x).view(dtype)[..., 0] if np.dtype(dtype).kind == "c" else x


def layout_in_memory(strides: Sequence[int] | None, is_complex: bool) -> tuple[int, ...] | None:
    """The strides of an array's memory, in elements of that; None for row-major order."""
    if strides is None or not is_complex:
        return None if strides is None else tuple(strides)
    return (*(2 * s for s in strides), 1)
