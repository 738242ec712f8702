"""Names that other libraries' tensors have, and what is written here in their place."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import ArgumentError
from ..tracer.locations import fail

IN_THEIR_PLACE = {
    "add": "t + other", "amax": "t.max(axis)", "amin": "t.min(axis)", "bmm": "t @ other", "chunk": "np.split(t, parts)",
    "clamp": "t.clip(low, high)", "constant": "not t.requires_grad", "cpu": "t itself: all is computed on the CPU",
    "cuda": "t itself: all is computed on the CPU", "div": "t / other", "double": "t.astype(float)",
    "expand": "np.broadcast_to(t, shape)", "flip": "np.flip(t, axis)", "float": "t.astype(np.float32)",
    "grad_fn": "t.creator", "int": "t.astype(int)", "log_softmax": "gj.nn.log_softmax(t)", "long": "t.astype(int)",
    "masked_fill": "np.where(mask, value, t)", "matmul": "t @ other", "mm": "t @ other", "mul": "t * other",
    "neg": "-t", "norm": "np.linalg.norm(t)", "null_gradients": "t.null_grad()", "outer": "np.outer(t, other)",
    "permute": "t.transpose(axes)", "pow": "t**exponent", "relu": "gj.nn.relu(t)", "sigmoid": "gj.nn.sigmoid(t)",
    "sign": "np.sign(t)", "softmax": "gj.nn.softmax(t)", "split": "np.split(t, parts)", "sub": "t - other", "t": "t.T",
    "to": "t.astype(dtype)", "type": "t.astype(dtype)", "unbind": "list(t)",
}
"""By the name: an expression in NumPy's terms."""

IN_PLACE_OF_KEYWORDS = {"dim": "axis", "keepdim": "keepdims"}
"""By PyTorch's name of an argument: NumPy's."""


def missing_attribute(t: Any, name: str) -> NoReturn:
    """AttributeError that says what to write."""
    hint = f"; write {IN_THEIR_PLACE[name]}" if name in IN_THEIR_PLACE else ""
    raise AttributeError(f"{type(t).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=t)


def check_keywords(method: str, kwargs: dict[str, Any]) -> None:
    """ArgumentError for an argument under a name that is PyTorch's alone."""
    for name in kwargs:
        if name in IN_PLACE_OF_KEYWORDS:
            fail(ArgumentError, f"{method} has no argument {name}; arguments have NumPy's names: write "
                                f"{IN_PLACE_OF_KEYWORDS[name]}={kwargs[name]!r}")


__all__ = ["check_keywords", "missing_attribute"]
