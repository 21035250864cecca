"""A confidence interval of a coefficient, or why there is none."""

import enum
from typing import TypeAlias


class Withheld(enum.Enum):
    """Why an unknown coefficient has no interval: residuals do not determine it, or it has not reached its minimum."""

    NOT_DETERMINED = "not determined"
    MOVING = "still moving"


CoefficientInterval: TypeAlias = tuple[float, float] | Withheld
