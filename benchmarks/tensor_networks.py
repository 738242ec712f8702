"""Networks for `benchmarks.tensors`: a classifier of spirals by tensors; LeNet and a block of a ResNet, value and
gradient. Each is written as a user of the library would, and gives what the others give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

BATCH = 32


def spirals(count: int = 100, arms: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Points on the arms of a spiral, and which arm each is of."""
    rng = np.random.default_rng(0)
    radius = np.linspace(0.05, 1, count)
    points, labels = [], []
    for arm in range(arms):
        angle = 4 * arm + 4 * radius + rng.normal(0, 0.1, count)
        points.append(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1))
        labels += [arm] * count
    return np.concatenate(points), np.eye(arms)[labels]


POINTS, ARMS = spirals()


def spiral_parameters() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=(2, 50)), np.zeros(50), rng.normal(size=(50, 3)) / 7, np.zeros(3)]


def spiral(s: Any, steps: int = 50) -> Any:
    """Full-batch steps of a classifier with one hidden layer."""
    w1, b1, w2, b2 = leaves = [s.leaf(p) for p in spiral_parameters()]
    x, hot = s.constant(POINTS), s.constant(ARMS)
    m = s.functions
    for _ in range(steps):
        scores = m.tanh(x @ w1 + b1) @ w2 + b2
        loss = (m.log(m.exp(scores).sum(1)) - (scores * hot).sum(1)).mean()
        loss.backward()
        s.step(leaves, 0.5)
    return loss


# value and gradient of convolutional networks -----------------------------------------------------------------------
def images(channels: int, size: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(BATCH, channels, size, size)).astype(np.float32)


LABELS = np.random.default_rng(3).integers(0, 10, BATCH)


def weights(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [(rng.normal(size=s) / np.sqrt(np.prod(s[1:]))).astype(np.float32) for s in shapes]


LENET = weights((6, 1, 5, 5), (16, 6, 5, 5), (400, 120), (120, 84), (84, 10))
BLOCK = weights((16, 16, 3, 3), (16, 16, 3, 3))


def lenet_gradjit(p: Sequence[Any], x: Any) -> Any:
    from gradjit import nn
    x = nn.avg_pool(np.tanh(nn.conv_nd(x, p[0], padding=2)), 2)
    x = nn.avg_pool(np.tanh(nn.conv_nd(x, p[1])), 2)
    x = np.tanh(np.tanh(x.reshape(BATCH, 400) @ p[2]) @ p[3]) @ p[4]
    return nn.softmax_crossentropy(x, LABELS)


def lenet_torch(p: Sequence[Any], x: Any) -> Any:
    import torch
    from torch.nn import functional as F
    x = F.avg_pool2d(torch.tanh(F.conv2d(x, p[0], padding=2)), 2)
    x = F.avg_pool2d(torch.tanh(F.conv2d(x, p[1])), 2)
    x = torch.tanh(torch.tanh(x.reshape(BATCH, 400) @ p[2]) @ p[3]) @ p[4]
    return F.cross_entropy(x, torch.tensor(LABELS))


def block_gradjit(p: Sequence[Any], x: Any) -> Any:
    from gradjit import nn
    y = nn.relu(nn.batchnorm(nn.conv_nd(x, p[0], padding=1), eps=1e-5))
    y = nn.batchnorm(nn.conv_nd(y, p[1], padding=1), eps=1e-5)
    return np.mean(nn.relu(x + y) ** 2)


def block_torch(p: Sequence[Any], x: Any) -> Any:
    from torch.nn import functional as F
    y = F.relu(F.batch_norm(F.conv2d(x, p[0], padding=1), None, None, training=True))
    y = F.batch_norm(F.conv2d(y, p[1], padding=1), None, None, training=True)
    return (F.relu(x + y) ** 2).mean()


NETWORKS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[np.ndarray], np.ndarray, str]] = {
    "lenet": (lenet_gradjit, lenet_torch, LENET, images(1, 28), "LeNet-5, value and gradient, batch 32, float32"),
    "block": (block_gradjit, block_torch, BLOCK, images(16, 16),
              "a block of a ResNet, 16 channels of 16×16, value and gradient, batch 32, float32"),
}


def network(name: str, library: str) -> Callable[[], tuple[float, list[np.ndarray]]]:
    """A call that gives value and gradients of a network, in one library."""
    by_gradjit, by_torch, parameters, x, _ = NETWORKS[name]
    if library == "gradjit":
        import gradjit
        value_and_grad = gradjit.value_and_grad(by_gradjit)
        return lambda: value_and_grad(parameters, x)
    import torch
    p = [torch.tensor(w, requires_grad=True) for w in parameters]
    data = torch.tensor(x)

    def call() -> tuple[float, list[np.ndarray]]:
        for w in p:
            w.grad = None
        value = by_torch(p, data)
        value.backward()
        return value.item(), [w.grad.numpy() for w in p if w.grad is not None]

    return call


def check_network(name: str) -> None:
    """AssertionError unless gradjit and PyTorch agree."""
    (value, gradients), (other, theirs) = network(name, "gradjit")(), network(name, "torch")()
    np.testing.assert_allclose(value, other, rtol=1e-4)
    for g, t in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(g, t, rtol=2e-3, atol=2e-4 * np.abs(t).max())
