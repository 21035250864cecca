"""Whether the conditions determine the solution, as data."""

import math

import msgspec

FAR = 1e-2
"""A run has not converged if the estimated error of a field exceeds this share of its spread. On the problems of the
guide the estimate is within a factor of ten of the error."""


class Determinacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the conditions determine the solution (see `pinnkit.determinacy`).

    - `freedoms`: changes of the solution that no residual answers to, in words; none if it is determined;
    - `directions`, `degree`: smooth changes of fields and coefficients that were tried, and their total degree;
    - `least_seen`: the least answer of the residuals to a change, freedoms aside, where smooth changes have about 1;
    - `distance`: per field, the smooth change, over the spread of the field, that would remove what is smooth of the
      residual. An estimate of the smooth part of the error.
    """

    freedoms: list[str]
    directions: int
    degree: int
    least_seen: float
    distance: dict[str, float]

    @property
    def largest_distance(self) -> float:
        """Of all fields; infinite if one is unknown."""
        return max((math.inf if math.isnan(value) else value for value in self.distance.values()), default=0.0)
