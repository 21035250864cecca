"""A condition: a residual and where it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._base.arguments import is_number
from ..geometry.region import AbstractRegion
from .mistakes import ProblemError

FEWEST = 5
"""Of fewer values the noise cannot be estimated."""

PRIOR = 1e-16
"""Weight of a prior relative to the equations, unless data say more: it decides only what nothing else does."""


@dataclass(frozen=True)
class Condition:
    """An equation and where it holds.

    - `residual`: a function of one point, zero where the equation holds. The names of its arguments say
      what it needs: fields, coordinates, coefficients, `normal` on a boundary, data columns of a point set.
      It returns a number, or a vector or list of them for several equations.
    - `on`: a region of the domain, such as `domain.interior`, or a `PointSet`.
    - `sigma`: of measured values at a `PointSet`: the standard deviation of the errors in the residual, in its units;
      0 for exact values. None to estimate it.
    - `prior`: whether it is a preference rather than an equation, such as that an unknown function is smooth: its
      residual is small as far as equations and data allow (see `smooth`).

    **Raises:** `ProblemError` for arguments of other kinds, and a `sigma` or a `prior` where they mean nothing.
    """

    residual: Callable[..., Any]
    on: AbstractRegion
    sigma: float | None = None
    prior: bool = False

    def __post_init__(self) -> None:
        if not callable(self.residual):
            raise ProblemError(
                f"a condition's residual is a function, got {type(self.residual).__name__}; "
                "write `Condition(lambda u: u, on=...)`"
            )
        if not isinstance(self.on, AbstractRegion):
            raise ProblemError(
                f"a condition holds on a region, got {type(self.on).__name__}; "
                "write for example `on=domain.interior` or `on=domain.boundary('x')`"
            )
        if self.prior and (self.on.given is not None or self.sigma is not None):
            raise ProblemError(
                "a prior holds on a region, not at data, and has no `sigma`: its weight follows from the data"
            )
        if self.sigma is None:
            return
        if not is_number(self.sigma) or self.sigma < 0:
            raise ProblemError(
                f"the `sigma` of a condition is the standard deviation of its errors, a finite number ≥ 0, "
                f"got {self.sigma!r}"
            )
        if self.on.given is None:
            raise ProblemError(
                f"a condition on a {type(self.on).__name__} has no `sigma`; only values at a `PointSet` have one"
            )

    @property
    def is_measured(self) -> bool:
        """Whether it compares with values that may have errors."""
        if self.on.given is None or self.sigma == 0:
            return False
        return self.sigma is not None or (bool(self.on.columns) and self.on.least >= FEWEST)
