"""A confidence interval of a coefficient, or why there is none; the covariance of several."""

import enum
import math
from typing import TypeAlias

import msgspec


class Withheld(enum.Enum):
    """Why an unknown coefficient has no interval: residuals do not determine it, it has not reached its minimum, the
    solution is far from one of the equations, what is left of the data is not noise, or the network has more parameters
    than are examined.
    """

    NOT_DETERMINED = "not determined"
    MOVING = "still moving"
    FAR_FROM_SOLUTION = "far from a solution"
    NOT_NOISE = "data not fitted up to noise"
    TOO_LARGE = "network too large"


CoefficientInterval: TypeAlias = tuple[float, float] | Withheld


class Covariance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The joint distribution of estimated coefficients, to first order: names, and the matrix of their covariances."""

    names: list[str]
    matrix: list[list[float]]

    def correlation(self, one: str, other: str) -> float:
        """Between −1 and 1."""
        i, j = self.names.index(one), self.names.index(other)
        sizes = self.matrix[i][i] * self.matrix[j][j]
        return self.matrix[i][j] / math.sqrt(sizes) if sizes > 0 else 0.0
