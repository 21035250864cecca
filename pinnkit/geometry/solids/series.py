"""Legendre series on the interval [0, 1]."""

import numpy as np
from jaxtyping import Float

from .charts import Numbers, namespace


def legendre(share: Numbers, count: int) -> Numbers:
    """The first Legendre polynomials: shape `(...)` to `(..., count)`."""
    x = 2 * share - 1
    found = [0 * x + 1, x]
    for k in range(1, count - 1):
        found.append(((2 * k + 1) * x * found[k] - k * found[k - 1]) / (k + 1))
    return namespace(x).stack(found[:count], axis=-1)


def gauss(count: int) -> tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]:
    """Gauss points and weights."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return (points + 1) / 2, weights / 2


def fit(count: int) -> Float[np.ndarray, "count count"]:
    """The matrix that takes values at Gauss points, from the left, to coefficients."""
    points, weights = gauss(count)
    return legendre(points, count) * weights[:, None] * (2 * np.arange(count) + 1)


def slope(series: Float[np.ndarray, "*m count"]) -> Float[np.ndarray, "*m count_"]:
    """The coefficients of the derivative, as many as those of the function."""
    found = 2 * np.polynomial.legendre.legder(series, axis=-1)
    return np.concatenate([found, np.zeros_like(series[..., :1])], axis=-1)
