"""The measured functions as a good user of JAX writes them, in the formulation that runs fastest there."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import stats
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp

from .in_numpy import RIDGE, wishart_constant

Array = Any


def sine_square(x: Array) -> Array:
    return jnp.sin(x) * x**2


def rosenbrock(x: Array) -> Array:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def elementwise(x: Array) -> Array:
    return jnp.sum(jnp.sin(x) * jnp.exp(-(x**2)) + jnp.tanh(x) * jnp.sqrt(1 + x**2))


def log_sum_exp(x: Array) -> Array:
    return logsumexp(x)


def logistic(weights: Array, rows: Array, labels: Array) -> Array:
    margins = rows @ weights
    return jnp.sum(jax.nn.softplus(margins) - labels * margins) + RIDGE * jnp.sum(weights**2)


def mlp(layers: Any, images: Array, labels: Array) -> Array:
    hidden = images
    for weights, bias in layers[:-1]:
        hidden = jax.nn.relu(hidden @ weights + bias)
    weights, bias = layers[-1]
    log_likelihood = jax.nn.log_softmax(hidden @ weights + bias)
    return -jnp.mean(jnp.take_along_axis(log_likelihood, labels[:, None], axis=1))


def lower_triangles(diagonals: Array, below: Array) -> Array:
    k, d = diagonals.shape
    columns, rows = np.triu_indices(d, 1)
    square = jnp.zeros((k, d, d), diagonals.dtype)
    return square.at[:, rows, columns].set(below).at[:, np.arange(d), np.arange(d)].set(diagonals)


def mixture(alphas: Array, means: Array, factors: Array, points: Array) -> Array:
    (n, d), k = points.shape, len(alphas)
    log_diagonals, below = factors[:, :d], factors[:, d:]
    diagonals = jnp.exp(log_diagonals)
    triangles = lower_triangles(diagonals, below)
    offsets = jnp.einsum("kij,kj->ki", triangles, means).reshape(k * d, 1)
    whitened = (triangles.reshape(k * d, d) @ points.T - offsets).reshape(k, d, n)
    weights = alphas + jnp.sum(log_diagonals, axis=1)
    per_point = logsumexp(weights[:, None] - 0.5 * jnp.sum(whitened**2, axis=1), axis=0)
    prior = 0.5 * (jnp.sum(diagonals**2) + jnp.sum(below**2)) - k * wishart_constant(d)
    return -0.5 * n * d * math.log(2 * math.pi) + jnp.sum(per_point) - n * logsumexp(alphas) + prior


def mixture_broadcast(alphas: Array, means: Array, factors: Array, points: Array) -> Array:
    (n, d), k = points.shape, len(alphas)
    log_diagonals, below = factors[:, :d], factors[:, d:]
    diagonals = jnp.exp(log_diagonals)
    triangles = lower_triangles(jnp.zeros((k, d)), below)
    centred = points[:, None, :] - means
    whitened = diagonals * centred + jnp.einsum("kij,nkj->nki", triangles, centred)
    weights = alphas + jnp.sum(log_diagonals, axis=1)
    per_point = logsumexp(weights - 0.5 * jnp.sum(whitened**2, axis=2), axis=1)
    prior = 0.5 * (jnp.sum(diagonals**2) + jnp.sum(below**2)) - k * wishart_constant(d)
    return -0.5 * n * d * math.log(2 * math.pi) + jnp.sum(per_point) - n * logsumexp(alphas) + prior


def gaussian_process(parameters: Array, x: Array, y: Array) -> Array:
    variance, length, noise = jnp.exp(parameters)
    covariance = variance * jnp.exp(-0.5 * ((x[:, None] - x) / length) ** 2) + noise * jnp.eye(len(x))
    factor = jnp.linalg.cholesky(covariance)
    whitened = solve_triangular(factor, y, lower=True)
    return 0.5 * jnp.sum(whitened**2) + jnp.sum(jnp.log(jnp.diag(factor))) + 0.5 * len(x) * math.log(2 * math.pi)


def phase_retrieval(phase: Array, amplitude: Array, transfer: Array, measured: Array) -> Array:
    field = amplitude * jnp.exp(1j * phase)
    loss = 0.0
    for intensity in measured:
        field = jnp.fft.ifft2(jnp.fft.fft2(field) * transfer)
        loss = loss + jnp.mean((jnp.real(field) ** 2 + jnp.imag(field) ** 2 - intensity) ** 2)
    return loss


def claims(parameters: Array, mean: Array, x: Array, points: Array, covariance: Array) -> Array:
    a = parameters
    parts = jnp.stack([stats.gamma.logpdf(x, jnp.exp(a[3]), scale=jnp.exp(a[4])),
                       stats.norm.logpdf(x, a[5], jnp.exp(a[6])),
                       stats.t.logpdf(x, 4.0, loc=a[7], scale=jnp.exp(a[8]))])
    mixed = logsumexp(parts + a[:3, None], axis=0) - logsumexp(a[:3])
    return -jnp.sum(mixed) - jnp.sum(stats.multivariate_normal.logpdf(points, mean, covariance))
