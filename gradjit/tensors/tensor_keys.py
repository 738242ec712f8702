"""What stands in the brackets behind a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BoundsError
from ..tracer.locations import with_place
from .tensor_data import plain_nested
from .tensor_operators import TensorOperators


def plain_key(t: Any, key: Any) -> Any:
    """An index without tensors and masks: their elements are needed now. BoundsError for one out of range."""
    if type(key) in (int, slice) or key is None or key is Ellipsis:
        return key
    items = key if isinstance(key, tuple) else (key,)
    if not any(isinstance(i, TensorOperators | np.ndarray | list | memoryview) for i in items):
        return tuple(map(plain_slice, items)) if isinstance(key, tuple) else key
    found: list[Any] = []
    for i in items:
        i = plain_nested(i) if isinstance(i, list) else i._value() if isinstance(i, TensorOperators) else plain_slice(i)
        a = np.asarray(i) if isinstance(i, list | np.ndarray | memoryview) else None
        if a is None:
            found.append(i)
        elif a.dtype == bool and a.ndim:
            check_key(t, key)
            found += a.nonzero()
        elif a.ndim == 0 and a.dtype.kind in "iu":
            found.append(int(a))
        else:
            found.append(a if a.size else a.astype(np.int64))
    plain = tuple(found)
    check_key(t, plain)
    return plain if len(plain) > 1 else plain[0]


def plain_slice(s: Any) -> Any:
    if isinstance(s, slice):
        return slice(*(x.__index__() if isinstance(x, TensorOperators) else x for x in (s.start, s.stop, s.step)))
    return s


def check_key(t: Any, key: Any) -> None:
    """IndexError where the key names what the tensor does not have."""
    items = key if isinstance(key, tuple) else (key,)
    plain = tuple(k._value() if isinstance(k, TensorOperators) else k for k in items)
    try:
        np.broadcast_to(np.int8(0), t.shape)[plain]
    except IndexError as e:
        raise BoundsError(with_place(str(e))) from None
