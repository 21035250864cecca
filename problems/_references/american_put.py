"""American puts without dividends, strike 1: Kim's integral equation for the boundary of early exercise.

Kim, *The analytic valuation of American options*, Rev. Financ. Stud. 3, 1990; Andersen, Lake & Offengenden,
*High-performance American option pricing*, J. Comput. Finance 20, 2016.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.special import ndtr


def quantile(log_ratio, time, r, sigma):
    """d₋ of the formula of Black and Scholes."""
    return (log_ratio + (r - sigma**2 / 2) * time) / (sigma * time**0.5)


def solve(r, sigma, end, degree=40, nodes=200, iterations=20):
    """The boundary B(t) for times to expiry up to `end`, by iteration of its equation.

    **Returns:** the arrays of a `Put`: log² B as a polynomial of √(t/end), in which it is nearly smooth.
    """
    root = (1 + np.cos(np.pi * np.arange(degree + 1) / degree)) / 2
    t, perpetual = end * root[:-1] ** 2, np.log(2 * r / (2 * r + sigma**2))
    square = (perpetual * root / 2) ** 2
    put = Put.interpolated(root, square, r, sigma, end, nodes)
    for _ in range(iterations):
        log = -np.sqrt(square[:-1])
        waiting = np.zeros_like(t)
        for u, weight in put.ages(t):
            ratio = log - put.log_boundary(t - u)
            waiting += weight * np.exp(r * (t - u)) * ndtr(quantile(ratio, u, r, sigma))
        d = quantile(log, t, r, sigma)
        boundary = np.exp(-r * t) * (ndtr(d) + r * waiting) / ndtr(d + sigma * np.sqrt(t))
        square = np.append(np.clip(np.log(boundary), perpetual, 0) ** 2, 0.0)
        put = Put.interpolated(root, square, r, sigma, end, nodes)
    return vars(put)


@dataclass(frozen=True)
class Put:
    """Coefficients of log² B, and the number of Gauss nodes of the integrals over time."""

    square: np.ndarray
    r: float
    sigma: float
    end: float
    nodes: int

    @classmethod
    def interpolated(cls, root, square, r, sigma, end, nodes):
        return cls(Chebyshev.fit(root, square, len(root) - 1, [0, 1]).coef, r, sigma, end, nodes)

    def log_boundary(self, t):
        """log B."""
        return -np.sqrt(np.maximum(Chebyshev(self.square, [0, 1])(np.sqrt(t / self.end)), 0.0))

    def ages(self, t):
        """Times u between 0 and t with their weights; the integrands are smooth in √u."""
        y, weights = np.polynomial.legendre.leggauss(int(self.nodes))
        for root, weight in zip((1 + y) / 2, weights, strict=True):
            yield t * root**2, weight * t * root

    def premium(self, x, t):
        """What early exercise adds to the European value where the put is held, for log prices x."""
        added = np.zeros_like(t)
        for u, weight in self.ages(t):
            d = quantile(x - self.log_boundary(t - u), u, self.r, self.sigma)
            added += weight * self.r * np.exp(-self.r * u) * ndtr(-d)
        return added
