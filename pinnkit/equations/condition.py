"""A condition: a residual and where it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..geometry.region import AbstractRegion
from .mistakes import ProblemError


@dataclass(frozen=True)
class Condition:
    """An equation and where it holds.

    - `residual`: a function of one point, zero where the equation holds. The names of its arguments say
      what it needs: fields, coordinates, coefficients, `normal` on a boundary, data columns of a point set.
      It returns a number, or a vector or list of them for several equations.
    - `on`: a region of the domain, such as `domain.interior`, or a `PointSet`.
    """

    residual: Callable[..., Any]
    on: AbstractRegion

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
