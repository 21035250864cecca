"""Measured values beside the solution, for pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .storage.named_arrays import Variable, Variables, words

SAME = 1e-6
"""Residuals that differ by less, relative to the measured values, are the same; networks of sines round as much."""


@dataclass
class DataPoints:
    """Residuals of a condition on measured values.

    - `points`: where; `residuals`: one column for each row of the condition, in their own units;
    - `fields`: the field that a row compares with a value, as in `u − u_measured`; empty for other rows;
    - `solution`: of these fields at the points, NaN for other rows.
    """

    points: Float[np.ndarray, "n d"]
    residuals: Float[np.ndarray, "n m"]
    fields: tuple[str, ...]
    solution: Float[np.ndarray, "n m"]

    @property
    def measured(self) -> Float[np.ndarray, "n m"]:
        """The measured values, NaN for rows that compare something else."""
        return self.solution - self.residuals


def data_points(
    points: Float[np.ndarray, "n d"],
    residuals: Float[np.ndarray, "n m"],
    fields: Mapping[str, np.ndarray],
    columns: Mapping[str, Float[np.ndarray, " n"]],
) -> DataPoints:
    """Which field each row compares is found from the numbers.

    - `fields`: at the points, of shape `(n,)` or `(n, components)`; `columns`: measured there.
    """
    scalars = {name: values for name, values in fields.items() if values.ndim == 1}
    names, solution = [], np.full(residuals.shape, np.nan)
    for row, r in enumerate(residuals.T):
        fits = lambda field, column, r=r: np.allclose(field - column, r, rtol=0, atol=SAME * np.abs(column).max())
        found = [name for name, field in scalars.items() if any(fits(field, c) for c in columns.values())]
        names.append(found[0] if found else "")
        if found:
            solution[:, row] = scalars[found[0]]
    return DataPoints(points, residuals, tuple(names), solution)


def pack_data_points(data: Mapping[str, DataPoints]) -> Variables:
    """By number, as names of files in an archive cannot be whatever a condition is called."""
    out: Variables = {"measured": words(list(data), "measured")}
    for number, found in enumerate(data.values()):
        own = f"data_{number}"
        out |= {
            f"data/{number}/points": Variable((own, "coordinate"), found.points),
            f"data/{number}/residuals": Variable((own, f"{own}_row"), found.residuals),
            f"data/{number}/fields": words(list(found.fields), f"{own}_row"),
            f"data/{number}/solution": Variable((own, f"{own}_row"), found.solution),
        }
    return out


def unpack_data_points(variables: Mapping[str, Variable]) -> dict[str, DataPoints]:
    """Read what `pack_data_points` made."""
    values = lambda number, kind: variables[f"data/{number}/{kind}"].values
    read = lambda i: DataPoints(
        values(i, "points"), values(i, "residuals"), tuple(values(i, "fields").tolist()), values(i, "solution")
    )
    return {name: read(i) for i, name in enumerate(variables["measured"].values.tolist())}
