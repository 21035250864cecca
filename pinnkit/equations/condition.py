"""A condition: a residual and where it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._base.arguments import is_whole
from ..geometry.box import Box
from ..geometry.region import AbstractRegion
from .calculus import jump
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

    @classmethod
    def periodic(cls, domain: Box, coordinate: str, order: int = 0) -> "Condition":
        """All fields, and their derivatives by `coordinate` up to `order`, agree on both faces of `coordinate`.

        An equation of order m in that coordinate takes `order` m − 1.

        **Raises:** `ValueError` for a coordinate that the domain does not have; `ProblemError` for another order.
        """
        if not isinstance(domain, Box):
            raise ProblemError(f"a periodic condition holds on faces of a `Box`, got {type(domain).__name__}")
        if not is_whole(order, 0):
            raise ProblemError(f"the `order` of a periodic condition is a whole number ≥ 0, got {order!r}")
        face, upper = domain.lower_face(coordinate), domain.upper[domain.coordinates.index(coordinate)]
        return cls(lambda: jump(coordinate, upper, order), on=face)
