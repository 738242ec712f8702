"""Activations, losses and layers: values by their formulas, derivatives against finite differences, in both styles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

import gradjit as gj
from gradjit import errors, nn


@pytest.fixture(autouse=True)
def _interpreted() -> Iterator[None]:
    """What is tested are formulas, so that nothing need be compiled."""
    with gj.config(tier="interpret", interpreted_calls=50):
        yield


X = np.array([[-2.5, -1.1, -0.3, 0.2], [0.7, 1.4, 2.2, 6.5]])
EXP = np.exp(X)

ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "relu": (nn.relu, np.maximum(X, 0)),
    "relu6": (nn.relu6, np.clip(X, 0, 6)),
    "leaky_relu": (lambda x: nn.leaky_relu(x, 0.1), np.where(X > 0, X, 0.1 * X)),
    "elu": (lambda x: nn.elu(x, 0.5), np.where(X > 0, X, 0.5 * np.expm1(X))),
    "selu": (nn.selu, 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * np.expm1(X))),
    "celu": (lambda x: nn.celu(x, 2.0), np.maximum(X, 0) + np.minimum(0, 2 * np.expm1(X / 2))),
    "gelu": (nn.gelu, X * special.ndtr(X)),
    "gelu tanh": (lambda x: nn.gelu(x, True), 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))),
    "silu": (nn.silu, X * special.expit(X)),
    "sigmoid": (nn.sigmoid, special.expit(X)),
    "log_sigmoid": (nn.log_sigmoid, special.log_expit(X)),
    "softplus": (lambda x: nn.softplus(x, 2.0), np.log1p(np.exp(2 * X)) / 2),
    "tanh": (nn.tanh, np.tanh(X)),
    "mish": (nn.mish, X * np.tanh(np.log1p(EXP))),
    "soft_sign": (nn.soft_sign, X / (1 + abs(X))),
    "hard_tanh": (nn.hard_tanh, np.clip(X, -1, 1)),
    "hard_sigmoid": (nn.hard_sigmoid, np.clip(X / 6 + 0.5, 0, 1)),
    "hard_swish": (nn.hard_swish, X * np.clip(X / 6 + 0.5, 0, 1)),
    "softmax": (nn.softmax, EXP / EXP.sum(1, keepdims=True)),
    "log_softmax": (lambda x: nn.log_softmax(x, 0), X - np.log(EXP.sum(0))),
    "glu": (nn.glu, X[:, :2] * special.expit(X[:, 2:])),
    "maxout": (lambda x: nn.maxout(x, 2), X.reshape(2, 2, 2).max(-1)),
}


def same_in_all_styles(f: Callable[..., Any], *args: Any) -> None:
    """Traced and by tensors: the value of the plain function; gradients against finite differences and each other."""
    weights = np.cos(np.arange(np.size(f(*args)))).reshape(np.shape(f(*args)))

    def weighted(*xs: Any) -> Any:
        return np.sum(f(*xs) * weights)

    which = tuple(k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f")
    assert_allclose(gj.jit(f)(*args), f(*args), rtol=1e-12, atol=1e-14)
    gradients = gj.grad(weighted, argnums=which)(*args)
    tensors = [gj.tensor(a, requires_grad=k in which) if k in which else a for k, a in enumerate(args)]
    y = f(*tensors)
    assert_allclose(y, f(*args), rtol=1e-12, atol=1e-14)
    (y * weights).sum().backward()
    for k, g in zip(which, gradients, strict=True):
        assert_allclose(tensors[k].grad, g, rtol=1e-9, atol=1e-12)

        def moved(step: np.ndarray, k: int = k) -> Any:
            return weighted(*(a + step if j == k else a for j, a in enumerate(args)))

        direction = np.sin(1 + np.arange(np.size(args[k]))).reshape(np.shape(args[k]))
        slope = (moved(1e-6 * direction) - moved(-1e-6 * direction)) / 2e-6
        assert_allclose(np.sum(g * direction), slope, rtol=1e-6, atol=1e-8)


@pytest.mark.thinned
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    f, expected = ACTIVATIONS[name]
    assert_allclose(f(X), expected, rtol=1e-12, atol=1e-15)
    same_in_all_styles(f, X)
    assert f(gj.tensor(X, dtype=np.float32)).dtype == np.float32


def test_activations_do_not_overflow() -> None:
    big = np.array([-1e4, -800.0, 800.0, 1e4])
    for f in (nn.sigmoid, nn.softplus, nn.log_sigmoid, nn.softmax, nn.log_softmax, nn.elu, nn.gelu, nn.silu, nn.mish):
        assert np.isfinite(f(big)).all()
        assert np.isfinite(gj.grad(lambda x, f=f: np.sum(f(x) * np.arange(4.0)))(big)).all()


SCORES = np.array([[1.1, 2.0, 0.5], [0.3, -1.0, 2.0], [0.0, 0.1, 0.2], [2.5, 2.4, -3.0]])
LABELS = np.array([1, 2, 0, 0])
P = special.softmax(SCORES, axis=1)
RIGHT = P[np.arange(4), LABELS]
T = np.array([0.5, 1.0, -2.0, 0.25])
Y = np.array([0.6, 3.0, -1.0, 0.2])
W = np.array([1.0, 2.0, 0.5])
SHORT = np.maximum(0, SCORES - SCORES[np.arange(4), LABELS][:, None] + 1)
SHORT[np.arange(4), LABELS] = 0

LOSSES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], float]] = {
    "mse": (nn.mse, (Y, T), np.mean((Y - T) ** 2)),
    "mae": (nn.mae, (Y, T), np.mean(abs(Y - T))),
    "huber": (lambda y, t: nn.huber(y, t, 0.5), (Y, T), np.mean(special.huber(0.5, Y - T))),
    "crossentropy": (nn.softmax_crossentropy, (SCORES, LABELS), -np.mean(np.log(RIGHT))),
    "nll": (lambda x, l: nn.negative_log_likelihood(x, l), (np.log(P), LABELS), -np.mean(np.log(RIGHT))),
    "weighted nll": (lambda x, l, w: nn.negative_log_likelihood(x, l, w), (np.log(P), LABELS, W),
                     -np.sum(np.log(RIGHT) * W[LABELS]) / W[LABELS].sum()),
    "focal": (lambda x, l: nn.focal(x, l, 0.7, 2.0), (SCORES, LABELS),
              np.mean(-0.7 * (1 - RIGHT) ** 2 * np.log(RIGHT))),
    "hinge": (nn.multiclass_hinge, (SCORES, LABELS), SHORT.sum(1).mean()),
    "ranking": (lambda a, b, o: nn.margin_ranking(a, b, o, 0.3), (Y, T, np.array([1, -1, 1, -1])),
                np.mean(np.maximum(0, 0.3 - np.array([1, -1, 1, -1]) * (Y - T)))),
    "binary": (nn.binary_crossentropy, (Y, np.array([1.0, 0.0, 1.0, 0.5])),
               -np.mean([1, 0, 1, 0.5] * special.log_expit(Y) + [0, 1, 0, 0.5] * special.log_expit(-Y))),
    "kl": (nn.kl_divergence, (np.log(P), np.roll(P, 1, 0)), special.rel_entr(np.roll(P, 1, 0), P).sum(1).mean()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    f, args, expected = LOSSES[name]
    assert_allclose(f(*args), expected)
    same_in_all_styles(f, *args)


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "hard_tanh", "hard_sigmoid", "elu", "gelu", "softmax"])
def test_what_is_not_a_number_stays_so(name: str) -> None:
    assert np.isnan(getattr(nn, name)(np.array([1.0, np.nan]))[1])
    assert_array_equal(gj.grad(lambda x: np.sum(nn.relu(x)))(np.array([-1.0, 0.0, np.nan, np.inf])), [0, 0, 1, 1])


def test_losses_that_are_not_numbers() -> None:
    scores = np.array([[np.nan, 1.0], [0.0, 1.0]])
    for loss in (nn.multiclass_hinge(scores, np.array([0, 1])), nn.margin_ranking(scores, scores, 1),
                 nn.kl_divergence(scores, np.full((2, 2), 0.5)), nn.mse(scores, 0.0), nn.huber(scores, 0.0)):
        assert np.isnan(loss)


@pytest.mark.parametrize("loss", [nn.mse, nn.mae, nn.huber, nn.binary_crossentropy])
def test_each_with_each_is_an_error(loss: Callable[..., Any]) -> None:
    for make in (np.ones, gj.ones):
        with pytest.raises(gj.ShapeError, match=r"\(4, 1\) beside a target of shape \(4,\).*reshape"):
            loss(make((4, 1)), np.ones(4))
        assert np.shape(loss(make((4, 2)), np.ones(2))) == ()


def test_labels_of_other_shapes_are_an_error() -> None:
    scores = np.ones((3, 3))
    for labels in (np.eye(3, dtype=int), np.zeros((3, 1), int), np.zeros(2, int)):
        for loss in (nn.softmax_crossentropy, nn.focal, nn.multiclass_hinge):
            with pytest.raises(gj.ShapeError, match=r"labels of shape.*n integers"):
                loss(scores, labels)


@pytest.mark.parametrize("style", [lambda f: f, gj.jit], ids=["plain", "jit"])
def test_what_names_nothing_is_an_error(style: Callable[..., Any]) -> None:
    """Labels and tokens below zero, which would be the last ones, and truths, which would choose among rows."""
    scores, none = np.ones((3, 3)), np.array([0, -1, 2])
    for loss in (nn.softmax_crossentropy, nn.focal, nn.multiclass_hinge, nn.embedding):
        with pytest.raises(IndexError, match="index.* out of bounds"):
            style(loss)(scores, none)
        for other in (none > 0, none * 1.0):
            with pytest.raises(gj.DtypeError, match=f"of {other.dtype}; they are integers from 0 on"):
                style(loss)(scores, other)
    with pytest.raises(gj.DtypeError, match="a mask of float64; it is True where somebody looks"):
        style(nn.attention)(scores, scores, scores, np.where(scores > 0, 0.0, -np.inf))


def test_reductions() -> None:
    assert_allclose(nn.mse(Y, T, "sum"), np.sum((Y - T) ** 2))
    assert_allclose(nn.mse(Y, T, "none"), (Y - T) ** 2)
    with pytest.raises(errors.ArgumentError, match="there are mean, sum, none"):
        nn.mse(Y, T, "average")
    assert nn.accuracy(gj.tensor(SCORES), LABELS) == 0.75


# convolution ----------------------------------------------------------------------------------------------------------
def by_loops(x: np.ndarray, k: np.ndarray, stride: tuple[int, ...], pads: tuple[int, ...], dilation: tuple[int, ...]
             ) -> np.ndarray:
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in pads)))
    sizes = [(n - (w - 1) * d - 1) // s + 1
             for n, w, s, d in zip(x.shape[2:], k.shape[2:], stride, dilation, strict=True)]
    out = np.zeros((len(x), len(k), *sizes))
    for at in itertools.product(*map(range, sizes)):
        window = x[(slice(None), slice(None), *(slice(a * s, a * s + (w - 1) * d + 1, d) for a, s, w, d in
                                                zip(at, stride, k.shape[2:], dilation, strict=True)))]
        out[(slice(None), slice(None), *at)] = np.tensordot(window, k, (range(1, k.ndim), range(1, k.ndim)))
    return out


@pytest.mark.parametrize("sizes, window, stride, pads, dilation", [
    ((7,), (3,), (2,), (1,), (1,)),
    ((6, 5), (3, 2), (1, 1), (0, 0), (1, 1)),
    ((7, 8), (3, 3), (2, 1), (1, 2), (1, 2)),
    ((5, 5), (1, 1), (1, 1), (0, 0), (1, 1)),
    ((4, 4, 5), (2, 3, 2), (1, 2, 1), (0, 1, 0), (1, 1, 2)),
])
def test_convolution(sizes: Any, window: Any, stride: Any, pads: Any, dilation: Any) -> None:
    rng = np.random.default_rng(0)
    x, k, bias = rng.normal(size=(2, 3, *sizes)), rng.normal(size=(4, 3, *window)), rng.normal(size=4)
    expected = by_loops(x, k, stride, pads, dilation) + bias.reshape(4, *(1,) * len(sizes))

    def f(x: Any, k: Any, bias: Any) -> Any:
        return nn.conv_nd(x, k, bias, stride=stride, padding=pads, dilation=dilation)

    assert_allclose(f(x, k, bias), expected, atol=1e-12)
    same_in_all_styles(f, x, k, bias)


def test_the_plus_shaped_kernel() -> None:
    x = np.arange(25.0).reshape(1, 1, 5, 5)
    plus = np.array([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]]).reshape(1, 1, 3, 3)
    assert_array_equal(nn.conv_nd(gj.tensor(x), gj.tensor(plus), padding=1)[0, 0],
                       [[6, 9, 13, 17, 16], [21, 30, 35, 40, 35], [41, 55, 60, 65, 55], [61, 80, 85, 90, 75],
                        [56, 79, 83, 87, 66]])


def test_pooling() -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 4))
    blocks = x.reshape(2, 3, 3, 2, 2, 2)
    assert_allclose(nn.max_pool(x, 2), blocks.max((3, 5)))
    assert_allclose(nn.avg_pool(x, (2, 2)), blocks.mean((3, 5)))
    assert nn.max_pool(x, 3, stride=1, padding=1).shape == x.shape
    for f in (lambda x: nn.max_pool(x, 2), lambda x: nn.avg_pool(x, 3, 1), lambda x: nn.max_pool(x, (2, 2), 1, 1)):
        same_in_all_styles(f, x)
    with pytest.raises(errors.ShapeError, match="7 elements does not fit into 6"):
        nn.max_pool(x, 7)
    with pytest.raises(errors.ArgumentError, match="stride"):
        nn.conv_nd(x, np.ones((1, 3, 2, 2)), stride=0)


# layers ---------------------------------------------------------------------------------------------------------------
def test_normalisation() -> None:
    x = np.random.default_rng(2).normal(2, 3, (5, 4, 3))
    y = nn.batchnorm(x, np.arange(1.0, 5), np.ones(4), eps=0)
    assert_allclose(y.mean((0, 2)), np.ones(4))
    assert_allclose(y.std((0, 2)), np.arange(1, 5))
    y = nn.layernorm(x, axes=2, eps=0)
    assert_allclose(y.mean((1, 2)), np.zeros(5), atol=1e-12)
    assert_allclose(nn.batchnorm(x, mean=np.zeros(4), var=np.ones(4), eps=0), x)
    same_in_all_styles(lambda x, s, b: nn.batchnorm(x, s, b), x, np.arange(1.0, 5), np.ones(4))
    same_in_all_styles(lambda x, s: nn.layernorm(x, s), x, np.arange(1.0, 4))


def test_dropout() -> None:
    x = np.ones((100, 100))
    y = nn.dropout(gj.tensor(x), 0.25, np.random.default_rng(0))
    assert set(np.unique(y.numpy())) == {0, 1 / 0.75} and abs(float(y.mean()) - 1) < 0.03
    assert nn.dropout(x, 0.5, None, training=False) is x
    with pytest.raises(errors.ArgumentError, match="default_rng"):
        nn.dropout(x, 0.5, None)


def test_attention_and_embedding() -> None:
    rng = np.random.default_rng(3)
    q, k, v = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 6))
    weights = special.softmax(q @ k.transpose(0, 2, 1) / 2, axis=-1)
    assert_allclose(nn.attention(q, k, v), weights @ v)
    causal = np.tri(3, 5, dtype=bool)
    assert_allclose(nn.attention(q, k, v, causal)[:, 0], v[:, 0])
    same_in_all_styles(lambda q, k, v: nn.attention(q, k, v, causal), q, k, v)
    same_in_all_styles(lambda t: nn.embedding(t, np.array([0, 2, 2])), rng.normal(size=(4, 3)))


def test_recurrent_layers() -> None:
    rng = np.random.default_rng(4)
    x, u, w, b = rng.normal(size=(4, 2, 3)), rng.normal(size=(3, 5)), rng.normal(size=(5, 5)), rng.normal(size=5)
    s = np.zeros((2, 5))
    for t, found in enumerate(nn.simple_rnn(x, u, w, b)):
        s = np.tanh(x[t] @ u + s @ w + b)
        assert_allclose(found, s)
    same_in_all_styles(nn.simple_rnn, x, u, w, b)
    same_in_all_styles(lambda x, u, w: nn.gru(x, u, w, b, -u, w.T, b, 2 * u, w, -b), x, u, w)
    u4, w4, b4 = rng.normal(size=(3, 20)), rng.normal(size=(5, 20)), rng.normal(size=20)
    h = c = np.zeros((2, 5))
    for t, found in enumerate(nn.lstm(x, u4, w4, b4)):
        i, f, g, o = np.split(x[t] @ u4 + h @ w4 + b4, 4, axis=1)
        c = special.expit(f) * c + special.expit(i) * np.tanh(g)
        h = special.expit(o) * np.tanh(c)
        assert_allclose(found, h)
    same_in_all_styles(nn.lstm, x, u4, w4, b4)


def test_initial_values() -> None:
    for make, variance in ((nn.glorot_uniform, 2 / 500), (nn.glorot_normal, 2 / 500), (nn.he_normal, 2 / 200),
                           (nn.he_uniform, 2 / 200), (nn.lecun_normal, 1 / 200), (nn.lecun_uniform, 1 / 200)):
        a = make(200, 300, rng=0)
        assert_allclose(a.var(), variance, rtol=0.03)
        assert_array_equal(a, make(200, 300, rng=0))
    assert make(3, 2, dtype=np.float32, requires_grad=True).requires_grad
    q = nn.orthogonal(6, 4, rng=0)
    assert_allclose(q.T @ q, np.eye(4), atol=1e-12)
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 5))
    assert_allclose(nn.conv_nd(x, nn.dirac(3, 3, 3, 3), padding=1), x)
