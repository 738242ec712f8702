"""The measured functions in plain NumPy. They know nothing of any library that differentiates them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

Array = Any
Layer = tuple[Array, Array]

RIDGE = 1e-3


def sine_square(x: float) -> float:
    return np.sin(x) * x**2


def rosenbrock(x: Array) -> Array:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def elementwise(x: Array) -> Array:
    return np.sum(np.sin(x) * np.exp(-(x**2)) + np.tanh(x) * np.sqrt(1 + x**2))


def log_sum_exp(x: Array) -> Array:
    largest = np.max(x)
    return largest + np.log(np.sum(np.exp(x - largest)))


def logistic(weights: Array, rows: Array, labels: Array) -> Array:
    """Negative log-likelihood of labels in {0, 1} with a ridge penalty. rows: (n, d), labels: (n,)."""
    margins = rows @ weights
    return np.sum(np.logaddexp(0.0, margins) - labels * margins) + RIDGE * np.sum(weights**2)


def mlp(layers: list[Layer], images: Array, labels: Array) -> Array:
    """Mean cross-entropy of a network with rectified hidden layers. images: (batch, pixels), labels: ints (batch,)."""
    hidden = images
    for weights, bias in layers[:-1]:
        hidden = np.maximum(hidden @ weights + bias, 0)
    weights, bias = layers[-1]
    logits = hidden @ weights + bias
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - chosen)


def lower_triangles(diagonals: Array, below: Array) -> Array:
    """Lower triangular matrices (k, d, d) from diagonals (k, d) and what is below, by columns (k, d(d-1)/2)."""
    k, d = diagonals.shape
    strict = np.tri(d, k=-1, dtype=bool)
    # Position of each matrix element in the row [diagonal, below, 0]; what stands above the diagonal reads the 0.
    by_column = np.cumsum(strict.T).reshape(d, d).T
    positions = np.where(strict, d - 1 + by_column, np.where(np.eye(d, dtype=bool), np.arange(d), d * (d + 1) // 2))
    return np.concatenate([diagonals, below, np.zeros((k, 1))], axis=1)[:, positions]


def mixture(alphas: Array, means: Array, factors: Array, points: Array) -> Array:
    """Log-posterior of a Gaussian mixture, the GMM objective of ADBench.

    alphas: (k,) unnormalised log weights. means: (k, d). points: (n, d). factors: (k, d + d(d-1)/2), for each component
    the log-diagonal of the inverse covariance's triangular factor, then its entries below the diagonal by columns. The
    Wishart prior has gamma = 1 and m = 0.

    All components' products are one matrix product, and n is the last axis, along which everything else runs.
    """
    (n, d), k = points.shape, len(alphas)
    log_diagonals, below = factors[:, :d], factors[:, d:]
    diagonals = np.exp(log_diagonals)
    triangles = lower_triangles(diagonals, below)
    offsets = np.sum(triangles * means[:, None, :], axis=2)
    whitened = (triangles.reshape(k * d, d) @ points.T).reshape(k, d, n) - offsets[:, :, None]
    weights = alphas + np.sum(log_diagonals, axis=1)
    exponents = weights[:, None] - 0.5 * np.sum(whitened**2, axis=1)
    largest = np.max(exponents, axis=0)
    per_point = largest + np.log(np.sum(np.exp(exponents - largest), axis=0))
    prior = 0.5 * (np.sum(diagonals**2) + np.sum(below**2)) - k * wishart_constant(d)
    return -0.5 * n * d * math.log(2 * math.pi) + np.sum(per_point) - n * log_sum_exp(alphas) + prior


def mixture_broadcast(alphas: Array, means: Array, factors: Array, points: Array) -> Array:
    """The same value, written as ADBench's own sources do: every centred point, (n, k, d), then einsum."""
    (n, d), k = points.shape, len(alphas)
    log_diagonals, below = factors[:, :d], factors[:, d:]
    diagonals = np.exp(log_diagonals)
    triangles = lower_triangles(np.zeros((k, d)), below)
    centred = points[:, None, :] - means
    whitened = diagonals * centred + np.einsum("kij,nkj->nki", triangles, centred)
    weights = alphas + np.sum(log_diagonals, axis=1)
    exponents = weights - 0.5 * np.sum(whitened**2, axis=2)
    largest = np.max(exponents, axis=1)
    per_point = largest + np.log(np.sum(np.exp(exponents - largest[:, None]), axis=1))
    prior = 0.5 * (np.sum(diagonals**2) + np.sum(below**2)) - k * wishart_constant(d)
    return -0.5 * n * d * math.log(2 * math.pi) + np.sum(per_point) - n * log_sum_exp(alphas) + prior


def wishart_constant(d: int) -> float:
    """The prior's normalisation with d + 1 degrees of freedom and gamma = 1."""
    freedom = d + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (freedom - j)) for j in range(d))
    return -0.5 * freedom * d * math.log(2) - log_gamma


def gaussian_process(parameters: Array, x: Array, y: Array) -> Array:
    """Negative log marginal likelihood of a Gaussian process with a squared exponential kernel. parameters: (3,), the
    logarithms of variance, length and noise; x, y: (n,)."""
    variance, length, noise = np.exp(parameters)
    covariance = variance * np.exp(-0.5 * ((x[:, None] - x) / length) ** 2) + noise * np.eye(len(x))
    factor = np.linalg.cholesky(covariance)
    whitened = solve_triangular(factor, y, lower=True, check_finite=False)
    return 0.5 * np.sum(whitened**2) + np.sum(np.log(np.diag(factor))) + 0.5 * len(x) * math.log(2 * math.pi)


def phase_retrieval(phase: Array, amplitude: Array, transfer: Array, measured: Array) -> Array:
    """How far the intensities of a field are from those measured on planes behind each other, between which it passes
    free space. phase, amplitude: (n, n), of the field at the first plane; transfer: (n, n) complex, of the way to the
    next; measured: (planes, n, n)."""
    field = amplitude * np.exp(1j * phase)
    loss = 0.0
    for intensity in measured:
        field = np.fft.ifft2(np.fft.fft2(field) * transfer)
        loss = loss + np.mean((np.abs(field) ** 2 - intensity) ** 2)
    return loss


def claims(parameters: Array, mean: Array, x: Array, points: Array, covariance: Array) -> Array:
    """Negative log-likelihood of a mixture of three distributions of SciPy's, and of correlated normal points.
    parameters: (9,), the logarithms of weights and of positive parameters, and places; x: (n,) positive; mean: (d,);
    points: (n, d); covariance: (d, d)."""
    a = parameters
    parts = np.stack([stats.gamma.logpdf(x, np.exp(a[3]), scale=np.exp(a[4])),
                      stats.norm.logpdf(x, a[5], np.exp(a[6])),
                      stats.t.logpdf(x, 4.0, loc=a[7], scale=np.exp(a[8]))], axis=1)
    mixed = logsumexp(parts + a[:3], axis=1) - logsumexp(a[:3])
    return -np.sum(mixed) - np.sum(stats.multivariate_normal.logpdf(points, mean, covariance))
