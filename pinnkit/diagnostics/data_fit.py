r"""How well a solution fits data: residuals against their standard deviation.

With a solution of the equations and errors of standard deviation σ, $\chi^2 = \sum_i r_i^2 / \sigma^2$ has a χ²
distribution, with as many degrees of freedom as there are values, less those that the fit takes. Errors of neighbouring
values are independent; what an equation or a network misses is not. The correlation of each residual with that of its
nearest neighbour tells them apart.

Geary, *The contiguity ratio and statistical mapping*, The Incorporated Statistician 5, 1954.
"""

import math

import msgspec
import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.stats import chi2

UNLIKELY = 1e-3
"""Probability below which a statistic of the residuals is not due to chance."""

DEVIATIONS = 3.3
"""The same in standard deviations of a normal distribution."""


class DataFit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Residuals of a condition on measured values.

    - `sigma`: standard deviation of the errors, in the units of the residual; `is_given`: or estimated;
    - `values`: their number; `degrees`: of freedom, values less those that the fit takes;
    - `chi2`: Σ r²/σ²; `probability`: of a larger one if σ is right, None if σ was estimated from these residuals;
    - `correlation`: of neighbouring residuals, in its standard deviations if they are independent.
    """

    sigma: float
    is_given: bool
    values: int
    degrees: float
    chi2: float
    probability: float | None
    correlation: float

    @property
    def is_white(self) -> bool:
        """Whether neighbouring residuals are independent, as far as the data tell."""
        return self.correlation <= DEVIATIONS

    @property
    def is_likely(self) -> bool:
        """Whether the residuals are as large as σ says."""
        return self.probability is None or UNLIKELY <= self.probability <= 1 - UNLIKELY


def data_fit(
    points: Float[np.ndarray, "n d"], r: Float[np.ndarray, " n*m"], sigma: float, is_given: bool, degrees: float
) -> DataFit:
    """The statistics of residuals; those of one point are adjacent."""
    statistic = float(np.sum(r**2) / sigma**2)
    probability = float(chi2.sf(statistic, degrees)) if is_given else None
    return DataFit(sigma, is_given, r.size, degrees, statistic, probability, neighbour_correlation(points, r))


def is_white(points: Float[np.ndarray, "n d"], r: Float[np.ndarray, " n*m"], sigma: float) -> bool:
    """Whether residuals are as large as errors of σ, at most, and independent of those of their neighbours."""
    excess = float(np.mean(np.asarray(r) ** 2)) / sigma**2 - 1 if sigma > 0 else math.inf
    return excess <= DEVIATIONS * math.sqrt(2 / np.size(r)) and neighbour_correlation(points, r) <= DEVIATIONS


def neighbour_correlation(points: Float[np.ndarray, "n d"], r: Float[np.ndarray, " n*m"]) -> float:
    """The mean product of each residual with that of the nearest other point, in its standard deviations under
    independence; 0 for fewer than three points and residuals that vanish.
    """
    points = np.asarray(points, float)
    rows = np.asarray(r, float).reshape(len(points), -1)
    variance = float(np.mean(rows**2))
    if len(points) < 3 or variance == 0:
        return 0.0
    spans = np.ptp(points, axis=0)
    nearest = cKDTree(points / np.where(spans > 0, spans, 1.0)).query(points / np.where(spans > 0, spans, 1.0), 2)[1]
    own = np.arange(len(points))
    other = np.where(nearest[:, 0] == own, nearest[:, 1], nearest[:, 0])
    mutual = np.sum(other[other] == own)  # such products are counted twice
    return float(np.sum(rows * rows[other]) / (variance * math.sqrt((len(points) + mutual) * rows.shape[1])))
