"""The boundary of a shape, or parts of it."""

import dataclasses
from collections.abc import Iterator, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError
from .cells import SMOOTH, AbstractCell, Rule, gauss
from .corners import End, ends_of
from .points import Points
from .region import AbstractRegion, Bounds, shares
from .solids.charts import Numbers, namespace, on_host
from .solids.pieces import Pieces
from .solids.tables import located
from .traces import Trace, joined


class Boundary(AbstractRegion):
    """Parts of the boundary of a shape, with outward normals.

    Points lie on curves or surfaces to rounding, uniform by measure. They are shared out among the parts by measure, at
    least one to each; the points of a part fill its pieces one after the other.

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
    def place(self) -> str:
        return f"on {', '.join(self.names)}"

    @property
    def measures(self) -> tuple[float, ...]:
        """The length or area of each part."""
        return tuple(float(sum(own.measure.sum() for own in part)) for part in self.pieces)

    @property
    def measure(self) -> float:
        return sum(self.measures)

    @property
    def curve_ends(self) -> tuple[End, ...]:
        return ends_of(own for part in self.pieces for own in part) if self.dimension == 1 else ()

    @property
    def bounds(self) -> Bounds:
        unit = np.stack(np.meshgrid(*self.dimension * [np.linspace(0, 1, 65)], indexing="ij"), axis=-1)
        unit = unit.reshape(-1, self.dimension)
        x = np.concatenate([_placed(part, unit)[0] for part in self.pieces])
        return x.min(axis=0), x.max(axis=0)

    @property
    def quadrature_cells(self) -> tuple[AbstractCell, ...] | None:
        if self.dimension != 1:
            return None
        return tuple(CurveCell(own) for part in self.pieces for own in part)

    def traced(self, count: int) -> Trace | None:
        if self.dimension != 1:
            return None
        whole = sum(self.measures)
        return joined([line for part in self.pieces for own in part for line in _lines(own, count / whole)])

    def parts(self, n: int) -> tuple[int, ...]:
        return shares(n, np.array(self.measures))

    @property
    def is_placed_by_numpy(self) -> bool:
        return True

    def points(self, unit: Float[Array, "n k"]) -> Points:
        x, normals = (jnp.asarray(each, unit.dtype) for each in self.placed(on_host(unit)))
        return Points(x, normals, {})

    def placed(self, unit: Numbers) -> tuple[Numbers, Numbers]:
        """The images of points of the unit cube, and outward normals, by NumPy or by JAX."""
        xp, ends = namespace(unit), np.cumsum(self.parts(len(unit)))[:-1]
        found = [_placed(part, own) for part, own in zip(self.pieces, xp.split(unit, ends), strict=True)]
        x, normals = (xp.concat(each) for each in zip(*found, strict=True))
        return x, normals


@dataclasses.dataclass(frozen=True)
class CurveCell(AbstractCell):
    """Pieces of curves of one kind."""

    pieces: Pieces

    @property
    def dimension(self) -> int:
        return 1

    @property
    def panels(self) -> int:
        return len(self.pieces.number)

    def cut(self, fixed: Mapping[int, float]) -> "CurveCell":
        if fixed:
            raise InputError("an integral over a boundary fixes time and parameters only, no coordinates of the shape")
        return self

    def rule(self, count: int) -> Rule:
        own, (z, w) = self.pieces, gauss(0.0, 1.0, count, SMOOTH)
        spans = own.last - own.first
        number, s = np.repeat(own.number, len(z)), (own.first[:, None] + spans[:, None] * z).reshape(-1, 1)
        x, normals = own.patches.at(number, s)
        weights = own.patches.density(number, s) * (spans[:, None] * w).ravel()
        return Rule(x, weights, np.repeat(own.sign, len(z))[:, None] * normals)


def _lines(pieces: Pieces, density: float) -> Iterator[Trace]:
    """Each piece as points along it, so many to a unit of length, counterclockwise around the solid."""
    for row, measure in enumerate(pieces.measure):
        share = np.linspace(0.0, 1.0, max(int(density * measure), 2))
        first, last, sign = pieces.first[row], pieces.last[row], pieces.sign[row]
        ahead = share if sign > 0 else share[::-1]
        number = np.full(len(share), pieces.number[row])
        x, normals = pieces.patches.at(number, (first + ahead * (last - first))[:, None])
        yield Trace(share * measure, x, sign * normals)


def _placed(pieces: tuple[Pieces, ...], unit: Numbers) -> tuple[Numbers, Numbers]:
    """The points of a part, and outward normals, for points of the unit cube."""
    xp, before = namespace(unit), 0
    row, share = located(unit[:, 0], np.cumsum(np.concatenate([own.measure for own in pieces])))
    unit = xp.concat([share[:, None], unit[:, 1:]], axis=-1)
    x = normals = 0.0
    for own in pieces:
        is_own = (row >= before) & (row < before + len(own))
        at, normal = own.at(xp.where(is_own, row - before, 0), unit)
        x, normals = x + xp.where(is_own[:, None], at, 0.0), normals + xp.where(is_own[:, None], normal, 0.0)
        before += len(own)
    return x, normals
