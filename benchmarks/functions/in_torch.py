"""The measured functions in PyTorch, where they come naturally."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from .in_numpy import RIDGE

Tensor = Any


def sine_square(x: Tensor) -> Tensor:
    return torch.sin(x) * x**2


def rosenbrock(x: Tensor) -> Tensor:
    return torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def elementwise(x: Tensor) -> Tensor:
    return torch.sum(torch.sin(x) * torch.exp(-(x**2)) + torch.tanh(x) * torch.sqrt(1 + x**2))


def log_sum_exp(x: Tensor) -> Tensor:
    return torch.logsumexp(x, dim=0)


def logistic(weights: Tensor, rows: Tensor, labels: Tensor) -> Tensor:
    margins = rows @ weights
    return torch.sum(functional.softplus(margins) - labels * margins) + RIDGE * torch.sum(weights**2)


def mlp(layers: Any, images: Tensor, labels: Tensor) -> Tensor:
    hidden = images
    for weights, bias in layers[:-1]:
        hidden = torch.relu(torch.addmm(bias, hidden, weights))
    weights, bias = layers[-1]
    return functional.cross_entropy(torch.addmm(bias, hidden, weights), labels)


def gaussian_process(parameters: Tensor, x: Tensor, y: Tensor) -> Tensor:
    variance, length, noise = torch.exp(parameters)
    kernel = variance * torch.exp(-0.5 * ((x[:, None] - x) / length) ** 2)
    covariance = kernel + noise * torch.eye(len(x), dtype=x.dtype)
    factor = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(factor, y[:, None], upper=False)
    constant = 0.5 * len(x) * math.log(2 * math.pi)
    return 0.5 * torch.sum(whitened**2) + torch.sum(torch.log(torch.diagonal(factor))) + constant
