r"""How well a solution fits data: residuals against their standard deviation.

With a solution of the equations and errors of standard deviation σ, $\chi^2 = \sum_i r_i^2 / \sigma^2$ has a χ²
distribution, with as many degrees of freedom as there are values, less those that the fit takes. The
correlation of neighbouring residuals tells noise from what an equation or a network misses (see `whiteness`).
"""

import msgspec
import numpy as np
from jaxtyping import Float

from .._base.whiteness import DEVIATIONS, neighbour_correlation

UNLIKELY = 1e-3
"""Probability below which a statistic of the residuals is not due to chance."""


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
    from scipy.stats import chi2  # slow to import

    statistic = float(np.sum(r**2) / sigma**2)
    probability = float(chi2.sf(statistic, degrees)) if is_given else None
    return DataFit(sigma, is_given, r.size, degrees, statistic, probability, neighbour_correlation(points, r))
