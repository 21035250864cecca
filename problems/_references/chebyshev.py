"""Chebyshev collocation on [0, 1], for reference solutions.

Trefethen, *Spectral methods in MATLAB*, SIAM 2000.
"""

from dataclasses import dataclass

import numpy as np


def nodes(n):
    """The n + 1 extrema of the Chebyshev polynomial on [0, 1], from 1 down to 0."""
    return (np.cos(np.pi * np.arange(n + 1) / n) + 1) / 2


def derivative(n):
    """The matrix from values at the nodes to values of the derivative."""
    x = nodes(n)
    c = np.r_[2, np.ones(n - 1), 2] * (-1.0) ** np.arange(n + 1)
    difference = x[:, None] - x + np.eye(n + 1)
    matrix = np.outer(c, 1 / c) / difference
    return matrix - np.diag(matrix.sum(axis=1))


def clamped_derivatives(n):
    """Matrices from interior values of a polynomial with double zeros at both ends to its derivatives 0 to 4."""
    s, d = 2 * nodes(n) - 1, derivative(n) / 2
    quotients = [np.eye(n + 1)[:, 1:-1] / (1 - s[1:-1] ** 2)]  # p = (1 − s²) q
    for _ in range(4):
        quotients.append(d @ quotients[-1])
    w, s = 1 - s[:, None] ** 2, s[:, None]
    times = lambda k: k * (k - 1) * quotients[k - 2] if k > 1 else 0
    linear = lambda k: 2 * k * s * quotients[k - 1] if k else 0
    return [2**k * (w * quotients[k] - linear(k) - times(k)) for k in range(5)]


def interpolation(n, x):
    """The matrix from values at the nodes to values at points of shape `(k,)` in [0, 1]: the barycentric formula."""
    weights = (-1.0) ** np.arange(n + 1) * np.r_[0.5, np.ones(n - 1), 0.5]
    difference = np.asarray(x)[:, None] - nodes(n)
    hit = difference == 0
    matrix = weights / np.where(hit, 1, difference)
    matrix /= matrix.sum(axis=1, keepdims=True)
    is_node = hit.any(axis=1)
    matrix[is_node] = hit[is_node]
    return matrix


@dataclass(frozen=True)
class Values:
    """A polynomial on the unit square by its values at the nodes, shape `(n + 1, n + 1)`."""

    values: np.ndarray

    def __call__(self, x, y):
        """At points, arrays of one shape `(k,)`."""
        n = len(self.values) - 1
        return np.einsum("ki,ij,kj->k", interpolation(n, x), self.values, interpolation(n, y))
