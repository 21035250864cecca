"""An unknown coefficient."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from .mistakes import ProblemError


@dataclass(frozen=True)
class Unknown:
    """A coefficient to be found together with the fields.

    With `positive=True` its logarithm is trained, so it keeps the sign of a positive `initial`.
    """

    initial: float
    positive: bool = False

    def __post_init__(self) -> None:
        if not is_finite_number(self.initial):
            raise ProblemError(f"an unknown coefficient starts from a finite number, got {self.initial!r}")
        if self.positive and self.initial <= 0:
            raise ProblemError(f"a positive unknown coefficient starts from a positive number, got {self.initial:g}")

    def to_raw(self, value: float | None = None) -> float:
        """The trained number for a value, by default the initial one."""
        value = self.initial if value is None else value
        if not is_finite_number(value) or (self.positive and value <= 0):
            raise ProblemError(f"a{' positive' if self.positive else 'n'} unknown coefficient cannot be {value!r}")
        return math.log(value) if self.positive else value

    def to_value(self, raw: Any) -> Any:
        """The coefficient from the trained number."""
        return jax.numpy.exp(raw) if self.positive else raw

    def slope(self, raw: float) -> float:
        """The derivative of the coefficient in the trained number."""
        return math.exp(raw) if self.positive else 1.0


def is_number(value: Any) -> bool:
    try:
        return (
            np.ndim(value) == 0 and not isinstance(value, str | bytes) and math.isfinite(float(value)) in (True, False)
        )
    except (TypeError, ValueError):
        return False


def is_finite_number(value: Any) -> bool:
    return is_number(value) and math.isfinite(float(value))
