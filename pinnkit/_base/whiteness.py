"""Whether residuals at scattered points are noise: errors of measured values are independent of those of neighbours,
what an equation or a network misses is not.

Geary, *The contiguity ratio and statistical mapping*, The Incorporated Statistician 5, 1954.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

DEVIATIONS = 3.3
"""Standard deviations from the expected value, which chance exceeds once in a thousand times."""


def is_white(points: Float[np.ndarray, "n d"], r: Float[np.ndarray, " n*m"], sigma: float) -> bool:
    """Whether residuals are as large as errors of σ, at most, and independent of those of their neighbours."""
    excess = float(np.mean(np.asarray(r) ** 2)) / sigma**2 - 1 if sigma > 0 else math.inf
    return excess <= DEVIATIONS * math.sqrt(2 / np.size(r)) and neighbour_correlation(points, r) <= DEVIATIONS


def neighbour_correlation(points: Float[np.ndarray, "n d"], r: Float[np.ndarray, " n*m"]) -> float:
    """The mean product of each residual with that of the nearest other point, in its standard deviations under
    independence; 0 for fewer than three points and residuals that vanish.
    """
    rows = np.asarray(r, float).reshape(len(points), -1)
    variance = float(np.mean(rows**2))
    if len(points) < 3 or variance == 0:
        return 0.0
    pairs = neighbours(points)
    return float(np.sum(rows * rows[pairs.other])) / (variance * pairs.deviation * math.sqrt(rows.shape[1]))


class Neighbours(NamedTuple):
    """- `other`: for each point the number of the nearest other one;
    - `deviation`: standard deviation of the sum of products of such pairs, for independent residuals of variance 1.
    """

    other: Int[np.ndarray, " n"]
    deviation: float


def neighbours(points: Float[np.ndarray, "n d"]) -> Neighbours:
    """The nearest neighbours of at least two points, distances in units of their extent along each coordinate."""
    spans = np.ptp(np.asarray(points, float), axis=0)
    scaled = np.asarray(points, float) / np.where(spans > 0, spans, 1.0)
    from scipy.spatial import KDTree  # slow to import

    nearest, own = np.asarray(KDTree(scaled).query(scaled, 2)[1]), np.arange(len(points))
    other = np.where(nearest[:, 0] == own, nearest[:, 1], nearest[:, 0])
    mutual = int(np.sum(other[other] == own))  # the products of such pairs are counted twice
    return Neighbours(other, math.sqrt(len(points) + mutual))
