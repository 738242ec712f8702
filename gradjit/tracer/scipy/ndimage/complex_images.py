"""Linear filters of complex images: real and imaginary parts are filtered alike. And images without elements."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

from ...numpy.common import array
from ...numpy.complex_numbers import joined, values
from ..written_loops import Rule


def by_parts(rule: Rule) -> Rule:
    """The rule, of complex images too: of each part, with that part of what is beyond the edges."""
    signature = inspect.signature(rule)

    @functools.wraps(rule)
    def of_image(input: Any, *args: Any, **kwargs: Any) -> Any:
        x = array(input)
        if not x.ir_dtype.is_complex or kwargs.get("output") is not None:
            return rule(input, *args, **kwargs)
        bound = signature.bind(x, *args, **kwargs)
        beyond = bound.arguments.get("cval", 0.0)
        parts = []
        for part, number in zip(values(x), (np.real(beyond), np.imag(beyond)), strict=True):
            bound.arguments[next(iter(signature.parameters))] = part
            if "cval" in signature.parameters:
                bound.arguments["cval"] = number
            parts.append(array(rule(*bound.args, **bound.kwargs)))
        return joined(*parts)

    return of_image


def of_any_size(rule: Rule) -> Rule:
    """The rule of a filter: of no elements it makes none."""
    @functools.wraps(rule)
    def of_image(input: Any, *args: Any, **kwargs: Any) -> Any:
        x = array(input)
        if 0 in x.extents and kwargs.get("output") is None:
            return np.zeros(x.shape, x.dtype)
        return rule(input, *args, **kwargs)

    return of_image
