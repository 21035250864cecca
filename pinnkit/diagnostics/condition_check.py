"""How well a declared condition holds."""

import math
from typing import NamedTuple

import msgspec
import numpy as np
from jaxtyping import Float

SMALL = 1e-3
"""A row is satisfied if its rms is below this share of its largest term."""


class Scattered(NamedTuple):
    """The rows of a residual at points that form no grid, relative to the largest terms of each row."""

    points: Float[np.ndarray, "n d"]
    values: Float[np.ndarray, "n r"]


class RowCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a condition on dense points, with the final parameters.

    - `hard`: whether it is a hard constraint, built into the ansatz;
    - `rms`, `largest`: of its residual, and `at`, the point of the largest;
    - `scale`: the size of its own largest term (see `pinnkit.verification`); `relative`: `rms / scale`;
    - `terms`: the rms of each of its terms over the points, by its formula.
    """

    hard: bool
    rms: float
    largest: float
    at: dict[str, float]
    scale: float
    relative: float
    terms: dict[str, float] = {}


class ConditionCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a declared condition comes to with the final parameters.

    - `measured`: whether it compares with measured values, whose noise stays in its residual; `prior`: whether it is a
      preference, which need not hold;
    - `holds`: False for a condition that is not finite somewhere, or has a row that is built in and violated by more
      than rounding;
    - `zero`: mean square of its residual with a zero network, on the points of `validation_losses`;
    - `rows`: one for each equation in it.
    """

    measured: bool
    holds: bool
    zero: float
    rows: tuple[RowCheck, ...]
    prior: bool = False

    @property
    def is_equation(self) -> bool:
        """Whether its residual vanishes in a solution."""
        return not self.measured and not self.prior

    @property
    def hard(self) -> bool:
        """Whether all its rows are hard constraints."""
        return all(row.hard for row in self.rows)

    @property
    def worst(self) -> RowCheck:
        """The row that is largest relative to its own terms."""
        return max(self.rows, key=lambda row: math.inf if math.isnan(row.relative) else row.relative)
