"""What a tensor is while it is recorded: dtype, shape, and whether derivatives are wanted. Equals are one object."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np

CONSTANT, LEAF, DERIVED = 0, 1, 2
"""What derivatives have to do with a tensor: nothing; they are collected in it; they pass through it."""


class TensorType:
    """Built by `tensor_type`, so that a comparison is one of identities."""

    __slots__ = ("dtype", "shape", "role", "is_inexact", "_constant", "__weakref__")

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...], role: int):
        self.dtype = dtype
        self.shape = shape
        self.role = role
        self.is_inexact = dtype.kind in "fc"
        """Whether it is of numbers that have derivatives."""
        self._constant: TensorType | None = None

    @property
    def constant(self) -> TensorType:
        """The same without derivatives."""
        found = self._constant
        if found is None:
            found = self._constant = self.with_role(CONSTANT)
        return found

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}{('', ' leaf', ' derived')[self.role]}"

    def with_role(self, role: int) -> TensorType:
        return self if role == self.role else tensor_type(self.dtype, self.shape, role)


_types: WeakValueDictionary[Any, TensorType] = WeakValueDictionary()


def tensor_type(dtype: np.dtype[Any], shape: tuple[int, ...], role: int = CONSTANT) -> TensorType:
    """The type of these facts."""
    key = (dtype, shape, role)
    found = _types.get(key)
    if found is None:
        found = _types.setdefault(key, TensorType(dtype, shape, role))
    return found


def type_of_array(a: np.ndarray, role: int = CONSTANT) -> TensorType:
    return tensor_type(a.dtype, a.shape, role)
