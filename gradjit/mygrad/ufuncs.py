"""MyGrad's ufuncs: subclasses of `mg.ufunc` that are called, with NumPy's facts about each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from .tensor_base import function

FACTS = ("nin", "nout", "nargs", "ntypes", "identity", "signature")


class UfuncType(type):
    """The type of what is called as a function although it is a class, as MyGrad has it."""

    call: Callable[..., Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.call(*args, **kwargs)

    def __repr__(cls) -> str:
        return f"<mygrad-ufunc '{cls.__name__}'>"


class ufunc(metaclass=UfuncType):
    """What all of MyGrad's ufuncs are subclasses of: `issubclass(mg.add, mg.ufunc)`."""

    def __init_subclass__(cls, **options: Any) -> None:
        if not options.pop("is_numpys", False):
            raise TypeError("mygrad.ufunc cannot be subclassed")

    @staticmethod
    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("mygrad.ufunc is abstract; call one of them, as mg.add")


def _not_there(name: str) -> Any:
    def method(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"MyGrad's ufuncs have no `{name}`; NumPy's have, on tensors, too: np.add.{name}")

    return staticmethod(method)


METHODS = {name: _not_there(name) for name in ("at", "accumulate", "outer", "reduce", "reduceat")}


def signature_of(of: np.ufunc) -> inspect.Signature:
    """(x1, x2, out=None, *, where=True, dtype=None, constant=None)."""
    kind = inspect.Parameter
    names = ["x"] if of.nin == 1 else [f"x{k + 1}" for k in range(of.nin)]
    return inspect.Signature([
        *(kind(n, kind.POSITIONAL_ONLY) for n in names), kind("out", kind.POSITIONAL_OR_KEYWORD, default=None),
        *(kind(n, kind.KEYWORD_ONLY, default=d) for n, d in (("where", True), ("dtype", None), ("constant", None)))])


def ufunc_of(of: np.ufunc, name: str, call: Callable[..., Any] | None = None) -> Any:
    """MyGrad's ufunc of this name, which `call` computes, or NumPy's on tensors."""
    facts = {fact: getattr(of, fact) for fact in FACTS}
    types = [t for t in of.types if not any(code in t for code in "FDGMmO")]
    return UfuncType(name, (ufunc,), {
        **METHODS, **facts, "types": types, "call": staticmethod(call or function(of)), "__doc__": of.__doc__,
        "__module__": "gradjit.mygrad", "__signature__": signature_of(of)}, is_numpys=True)


__all__ = ["ufunc", "ufunc_of"]
