"""The boundary of a shape, or parts of it."""

import numpy as np
from jaxtyping import Array, Float

from .corners import End, ends_of
from .points import Points
from .region import AbstractRegion, Bounds, shares
from .solids.charts import Numbers, namespace
from .solids.trimming import Pieces


class Boundary(AbstractRegion):
    """Parts of the boundary of a shape, with outward normals.

    Points lie on the curves to rounding, uniform by measure. They are shared out among the parts by measure, at least
    one to each; the points of a part fill its curves one after the other.

    - `names`: of the parts; `pieces`: for each part its pieces of charts, those of one kind together.
    """

    names: tuple[str, ...]
    pieces: tuple[tuple[Pieces, ...], ...]
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    count: int | None = None

    def __init__(self, coordinates: tuple[str, ...], parts: dict[str, tuple[Pieces, ...]]):
        self.names, self.pieces, self.coordinates = tuple(parts), tuple(parts.values()), coordinates
        self.dimension, self.least = len(coordinates) - 1, len(parts)

    def __repr__(self) -> str:
        return f"Boundary({', '.join(self.names)}; {', '.join(f'{measure:.6g}' for measure in self.measures)})"

    @property
    def has_normal(self) -> bool:
        return True

    @property
    def measures(self) -> tuple[float, ...]:
        """The length or area of each part."""
        return tuple(float(sum(own.measure.sum() for own in part)) for part in self.pieces)

    @property
    def ends(self) -> tuple[End, ...]:
        return ends_of(own for part in self.pieces for own in part) if self.dimension == 1 else ()

    @property
    def bounds(self) -> Bounds:
        unit = np.stack(np.meshgrid(*self.dimension * [np.linspace(0, 1, 65)], indexing="ij"), axis=-1)
        unit = unit.reshape(-1, self.dimension)
        x = np.concatenate([_placed(part, unit)[0] for part in self.pieces])
        return x.min(axis=0), x.max(axis=0)

    def parts(self, n: int) -> tuple[int, ...]:
        return shares(n, np.array(self.measures))

    def points(self, unit: Float[Array, "n k"]) -> Points:
        x, normals = self.placed(unit)
        return Points(x.astype(unit.dtype), normals.astype(unit.dtype), {})

    def placed(self, unit: Numbers) -> tuple[Numbers, Numbers]:
        """The images of points of the unit cube, and outward normals, by NumPy or by JAX."""
        xp, ends = namespace(unit), np.cumsum(self.parts(len(unit)))[:-1]
        found = [_placed(part, own) for part, own in zip(self.pieces, xp.split(unit, ends), strict=True)]
        x, normals = (xp.concat(each) for each in zip(*found, strict=True))
        return x, normals


def _placed(pieces: tuple[Pieces, ...], unit: Numbers) -> tuple[Numbers, Numbers]:
    """The points of a part, and outward normals, for points of the unit cube."""
    xp = namespace(unit)
    kind = np.concatenate([np.full(len(own.number), i) for i, own in enumerate(pieces)])
    joined = lambda name: xp.asarray(np.concatenate([getattr(own, name) for own in pieces]))
    ends = np.cumsum(np.concatenate([own.measure for own in pieces]))
    row, share = located(unit[:, 0], ends)
    first, last, sign, number = (joined(name)[row] for name in ("first", "last", "sign", "number"))
    s = xp.concat([(first + share * (last - first))[:, None], unit[:, 1:]], axis=-1)
    x = normals = 0.0
    for i, own in enumerate(pieces):
        is_own = xp.asarray(kind)[row] == i
        at, normal = own.patches.at(xp.where(is_own, number, 0), s)
        x, normals = x + xp.where(is_own[:, None], at, 0.0), normals + xp.where(is_own[:, None], normal, 0.0)
    return x, sign[:, None] * normals


def located(share: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """The row of a table that holds a share of the whole, and the share of the row before it.

    - `ends`: the running sums of the measures of the rows, of which the last is the whole.
    """
    xp = namespace(share)
    ends = xp.asarray(ends)
    at = share * ends[-1]
    row = xp.clip(xp.searchsorted(ends, at, side="right"), 0, len(ends) - 1)
    before = xp.where(row > 0, ends[xp.maximum(row - 1, 0)], 0.0)
    width = ends[row] - before
    return row, xp.clip((at - before) / xp.where(width > 0, width, 1.0), 0.0, 1.0)
