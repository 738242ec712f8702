"""Names that other libraries' tensors have, and what is written here in their place."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..errors import ArgumentError
from ..tracer.locations import fail

IN_THEIR_PLACE = {
    "acos": "np.arccos(t)", "add": "t + other", "addmm": "t + a @ b", "amax": "t.max(axis)", "amin": "t.min(axis)",
    "asin": "np.arcsin(t)", "atan": "np.arctan(t)", "bmm": "t @ other", "bool": "t.astype(bool)",
    "chunk": "np.split(t, parts)", "clamp": "t.clip(low, high)", "clamp_": "t[...] = t.clip(low, high)",
    "constant": "not t.requires_grad", "contiguous": "t itself: elements lie row by row",
    "cpu": "t itself: all is computed on the CPU", "cuda": "t itself: all is computed on the CPU",
    "det": "np.linalg.det(t)", "detach_": "t = t.detach()", "device": "nothing: all is computed on the CPU",
    "div": "t / other", "double": "t.astype(float)", "eq": "t == other", "erf": "scipy.special.erf(t)",
    "expand": "np.broadcast_to(t, shape)", "expand_as": "np.broadcast_to(t, other.shape)", "flip": "np.flip(t, axis)",
    "float": "t.astype(np.float32)", "gather": "np.take_along_axis(t, index, axis)", "ge": "t >= other",
    "grad_fn": "t.creator", "gt": "t > other", "index_add_": "np.add.at(t, index, values)",
    "index_select": "np.take(t, index, axis)", "int": "t.astype(int)", "inverse": "np.linalg.inv(t)",
    "is_complex": "t.dtype.kind == 'c'", "is_floating_point": "t.dtype.kind == 'f'", "le": "t <= other",
    "log_softmax": "gj.nn.log_softmax(t)", "logsumexp": "scipy.special.logsumexp(t, axis)", "long": "t.astype(int)",
    "lt": "t < other", "masked_fill": "np.where(mask, value, t)", "masked_select": "t[mask]", "matmul": "t @ other",
    "mm": "t @ other", "movedim": "np.moveaxis(t, axis, to)", "mul": "t * other", "ne": "t != other", "neg": "-t",
    "nelement": "t.size", "new_ones": "gj.ones(shape)", "new_tensor": "gj.tensor(a)", "new_zeros": "gj.zeros(shape)",
    "norm": "np.linalg.norm(t)", "normal_": "gj.random.randn(shape)", "null_gradients": "t.null_grad()",
    "outer": "np.outer(t, other)", "permute": "t.transpose(axes)", "pow": "t**exponent", "relu": "gj.nn.relu(t)",
    "reshape_as": "t.reshape(other.shape)", "rsqrt": "1 / np.sqrt(t)",
    "scatter_add_": "np.add.at(t, index, values)", "sigmoid": "gj.nn.sigmoid(t)", "sign": "np.sign(t)",
    "softmax": "gj.nn.softmax(t)", "split": "np.split(t, parts)", "stride": "t.numpy().strides", "sub": "t - other",
    "t": "t.T", "to": "t.astype(dtype)", "topk": "np.sort(t)[..., -k:]", "type": "t.astype(dtype)",
    "type_as": "t.astype(other.dtype)", "unbind": "list(t)", "uniform_": "gj.random.uniform(low, high, shape)",
    "view_as": "t.reshape(other.shape)",
}
"""By the name: an expression in NumPy's terms."""

IN_PLACE_OF_FUNCTIONS = {
    "FloatTensor": "gj.tensor(a, dtype=np.float32)", "Variable": "gj.tensor(a, requires_grad=True)",
    "as_tensor": "gj.tensor(a)", "autograd": "y.backward() and x.grad, or gj.grad(f)", "bmm": "a @ b",
    "cat": "np.concatenate(tensors, axis)", "clamp": "np.clip(t, low, high)", "compile": "gj.jit(f)",
    "device": "nothing: all is computed on the CPU", "cuda": "nothing: all is computed on the CPU",
    "func": "gj.grad(f), gj.vmap(f), gj.jacrev(f)", "inference_mode": "gj.no_grad()",
    "is_tensor": "isinstance(t, gj.Tensor)", "log_softmax": "gj.nn.log_softmax(t)", "mm": "a @ b",
    "norm": "np.linalg.norm(t)", "optim": "gj.nn.SGD(tensors, rate), gj.nn.Adam(tensors, rate)",
    "randint": "gj.random.randint(low, high, shape)", "randperm": "gj.random.permutation(n)",
    "relu": "gj.nn.relu(t)", "save": "pickle.dump(t, file)", "set_default_dtype": "dtype= where a tensor is made",
    "sigmoid": "gj.nn.sigmoid(t)", "softmax": "gj.nn.softmax(t)", "tensor_split": "np.array_split(t, parts)",
    "unsqueeze": "np.expand_dims(t, axis)",
}
"""By a name that stands in PyTorch's module: what is written here."""

IN_PLACE_OF_LAYERS = {
    "BCELoss": "gj.nn.binary_crossentropy, of scores in front of the sigmoid",
    "BCEWithLogitsLoss": "gj.nn.binary_crossentropy", "BatchNorm1d": "gj.nn.batchnorm",
    "BatchNorm2d": "gj.nn.batchnorm",
    "Conv1d": "gj.nn.conv1d(x, weights)", "Conv2d": "gj.nn.conv2d(x, weights)",
    "CrossEntropyLoss": "gj.nn.softmax_crossentropy", "Dropout": "gj.nn.dropout", "Embedding": "gj.nn.embedding",
    "GELU": "gj.nn.gelu", "GRU": "gj.nn.gru", "L1Loss": "gj.nn.mae", "LSTM": "gj.nn.lstm",
    "LayerNorm": "gj.nn.layernorm",
    "LeakyReLU": "gj.nn.leaky_relu", "Linear": "gj.nn.dense(x, weights, bias)", "MSELoss": "gj.nn.mse",
    "MaxPool2d": "gj.nn.max_pool", "Module": "a function, and a dictionary of its parameters",
    "Parameter": "gj.tensor(a, requires_grad=True)", "ReLU": "gj.nn.relu",
    "Sequential": "a function that calls its layers one after another", "Sigmoid": "gj.nn.sigmoid",
    "Softmax": "gj.nn.softmax", "Tanh": "gj.nn.tanh", "cross_entropy": "gj.nn.softmax_crossentropy",
    "functional": "gj.nn: its functions stand there", "init": "gj.nn.he_normal, gj.nn.glorot_uniform",
    "linear": "gj.nn.dense(x, weights, bias)", "mse_loss": "gj.nn.mse",
}
"""By a name that stands in PyTorch's package of networks: what is written here. A layer is a function."""

FUNCTIONS = np.ufunc, type(np.tril), type(np.dot)
"""What NumPy's functions are of: Python's or its own."""

IN_PLACE_OF_KEYWORDS = {"dim": "axis", "keepdim": "keepdims"}
"""By PyTorch's name of an argument: NumPy's."""


def missing_attribute(t: Any, name: str) -> NoReturn:
    """AttributeError that says what to write."""
    hint = (f"; write {IN_THEIR_PLACE[name]}" if name in IN_THEIR_PLACE
            else f"; write np.{name}(t)" if isinstance(getattr(np, name, None), FUNCTIONS) else "")
    raise AttributeError(f"{type(t).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=t)


def missing_layer(name: str) -> NoReturn:
    """AttributeError for a name that gj.nn does not have."""
    hint = f"; write {IN_PLACE_OF_LAYERS[name]}" if name in IN_PLACE_OF_LAYERS else ""
    raise AttributeError(f"module 'gradjit.nn' has no attribute {name!r}{hint}", name=name)


def check_keywords(method: str, kwargs: dict[str, Any]) -> None:
    """ArgumentError for an argument under a name that is PyTorch's alone."""
    for name in kwargs:
        if name in IN_PLACE_OF_KEYWORDS:
            fail(ArgumentError, f"{method} has no argument {name}; arguments have NumPy's names: write "
                                f"{IN_PLACE_OF_KEYWORDS[name]}={kwargs[name]!r}")


__all__ = ["IN_PLACE_OF_FUNCTIONS", "check_keywords", "missing_attribute", "missing_layer"]
