"""How well a declared condition holds."""

import math

import msgspec


class RowCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a condition on dense points, with the final parameters.

    - `exact`: whether it is built into the network;
    - `rms`, `largest`: of its residual, and `at`, the point of the largest;
    - `scale`: the size of its own largest term (see `pinnkit.verification`); `relative`: `rms / scale`.
    """

    exact: bool
    rms: float
    largest: float
    at: dict[str, float]
    scale: float
    relative: float


class ConditionCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a declared condition comes to with the final parameters.

    - `measured`: whether it compares with measured values, whose noise stays in its residual;
    - `holds`: False for a condition that is not finite somewhere, or has a row that is built in and violated by more
      than rounding;
    - `zero`: mean square of its residual with a zero network, on the points of `validation_losses`;
    - `rows`: one for each equation in it.
    """

    measured: bool
    holds: bool
    zero: float
    rows: tuple[RowCheck, ...]

    @property
    def exact(self) -> bool:
        """Whether all of it is built into the network."""
        return all(row.exact for row in self.rows)

    @property
    def worst(self) -> RowCheck:
        """The row that is largest relative to its own terms."""
        return max(self.rows, key=lambda row: math.inf if math.isnan(row.relative) else row.relative)
