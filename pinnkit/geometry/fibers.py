"""The inside of a shape, coordinate by coordinate."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .cells import AbstractCell
from .fiber_cells import FiberCell
from .points import Points
from .region import AbstractRegion, Bounds
from .solids.charts import Numbers, namespace, on_host
from .solids.solid import Solid
from .solids.tables import located, located_in_rows

COLUMNS = {2: 4096, 3: 192}
"""Columns along each coordinate but the last, by dimension."""

CHUNK = 16384
"""Columns that are looked at together."""


class Fibers(AbstractRegion):
    r"""The inside of a shape.

    The last coordinate of a point is uniform on the intervals that the shape cuts from the line through the others,
    which are found to rounding. The others come from a table of the lengths of these lines, with the density of the
    marginal distribution constant on each cell (Rosenblatt, *Remarks on a multivariate transformation*, 1952). So the
    map is monotone in each coordinate, which keeps quasi-random points even.

    - `cells`: the running sums of the lengths along each coordinate of the table.
    """

    solid: Solid
    lower: np.ndarray
    upper: np.ndarray
    cells: tuple[np.ndarray, ...]
    coordinates: tuple[str, ...]
    dimension: int
    count: int | None = None
    least: int = 1

    def __init__(self, solid: Solid, coordinates: tuple[str, ...]):
        self.solid, self.coordinates, self.dimension = solid, coordinates, len(coordinates)
        self.lower, self.upper = solid.bounds
        per_axis = COLUMNS[self.dimension]
        middle = (np.arange(per_axis) + 0.5) / per_axis
        unit = np.stack(np.meshgrid(*(self.dimension - 1) * [middle], indexing="ij"), axis=-1)
        unit = unit.reshape(-1, self.dimension - 1)
        lengths = np.concatenate([self._lengths(unit[i : i + CHUNK]) for i in range(0, len(unit), CHUNK)])
        lengths = lengths.reshape((self.dimension - 1) * (per_axis,))
        sums = (lengths.sum(axis=tuple(range(k + 1, lengths.ndim))) for k in range(lengths.ndim))
        self.cells = tuple(np.cumsum(along, axis=-1) for along in sums)

    def __repr__(self) -> str:
        spans = zip(self.coordinates, self.lower, self.upper, strict=True)
        return f"Fibers({', '.join(f'{name}=({low:.6g}, {high:.6g})' for name, low, high in spans)})"

    @property
    def bounds(self) -> Bounds:
        return self.lower, self.upper

    @property
    def place(self) -> str:
        return "inside the shape"

    @property
    def quadrature_cells(self) -> tuple[AbstractCell, ...]:
        return (FiberCell(self.solid),)

    @property
    def is_placed_by_numpy(self) -> bool:
        return True

    def points(self, unit: Float[Array, "n k"]) -> Points:
        return Points(jnp.asarray(self.placed(on_host(unit)), unit.dtype), None, {})

    def placed(self, unit: Numbers) -> Numbers:
        """The images of points of the unit cube, by NumPy or by JAX."""
        xp = namespace(unit)
        columns, middles = self._columns(unit)
        ends = self._ends(columns)
        is_empty = (ends[1].sum(axis=-1) == 0)[:, None]  # at the rim of a cell that the shape does not fill
        columns = xp.where(is_empty, middles, columns)
        starts, lengths = (xp.where(is_empty, a, b) for a, b in zip(self._ends(middles), ends, strict=True))
        row, share = located_in_rows(unit[:, -1], xp.cumsum(lengths, axis=-1))
        own = lambda table: xp.take_along_axis(table, row[:, None], axis=-1)[:, 0]
        last = own(starts) + share * own(lengths)
        return xp.concat([columns, last[:, None]], axis=-1)

    def _columns(self, unit: Numbers) -> tuple[Numbers, Numbers]:
        """The first coordinates of points, and those of the middles of their cells."""
        xp, rows, shares = namespace(unit), list[Numbers](), list[Numbers]()
        for axis, table in enumerate(self.cells):
            if axis == 0:
                row, share = located(unit[:, 0], table)
            else:
                row, share = located_in_rows(unit[:, axis], xp.asarray(table)[tuple(rows)])
            rows.append(row)
            shares.append(share)
        place = lambda shares: self._placed((xp.stack(rows, axis=-1) + shares) / len(self.cells[0]))
        return place(xp.stack(shares, axis=-1)), place(0.5)

    def _placed(self, unit: Numbers) -> Numbers:
        return self.lower[:-1] + unit * (self.upper - self.lower)[:-1]

    def _ends(self, columns: Numbers) -> tuple[Numbers, Numbers]:
        """Where intervals of the last coordinate start, and their lengths, 0 outside of the shape: shape `(n, k)`."""
        xp, low, high = namespace(columns), self.lower[-1], self.upper[-1]
        origin = xp.concat([columns, xp.full_like(columns[:, :1], low)], axis=-1)
        direction = np.eye(self.dimension)[-1]
        crossed = self.solid.crossings(origin, xp.asarray(direction) + 0 * origin)
        found = xp.concat([0 * columns[:, :1], crossed, 0 * columns[:, :1] + (high - low)], axis=-1)
        ends = xp.sort(xp.clip(found, 0.0, high - low), axis=-1)
        middle, lengths = (ends[:, 1:] + ends[:, :-1]) / 2, ends[:, 1:] - ends[:, :-1]
        at = origin[:, None, :] + middle[:, :, None] * direction
        if xp is np:  # many intervals are empty
            kept = lengths > 0
            lengths[kept] = np.where(self.solid.level(at[kept]) < 0, lengths[kept], 0.0)
            return low + ends[:, :-1], lengths
        return low + ends[:, :-1], xp.where(self.solid.level(at) < 0, lengths, 0.0)

    def _lengths(self, unit: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
        return self._ends(self._placed(unit))[1].sum(axis=-1)
