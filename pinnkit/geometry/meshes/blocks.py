"""Regions that consist of boxes and of single points."""

import numpy as np
from jaxtyping import Array, Float

from ..curves import located
from ..points import Points
from ..region import AbstractRegion, Bounds
from ..sampling import sobol
from ..solids.charts import Numbers, namespace
from .box_tree import morton_order
from .surface import Surface

COARSE, MOST, EACH = 8, 8_000, 4
"""Boxes along each coordinate at first, boxes that the surface may meet in the end, and points tried in each."""


class Blocks(AbstractRegion):
    """Boxes and points with weights. Points of the unit cube choose one by its weight, on a curve that visits
    neighbours one after the other, and are then uniform in it.

    - `corners`, `sizes`: shape `(m, d)`, of size 0 for single points; `ends`: the running sums of the weights.
    """

    corners: np.ndarray
    sizes: np.ndarray
    ends: np.ndarray
    coordinates: tuple[str, ...]
    dimension: int
    least: int = 1
    count: int | None = None

    def __init__(
        self,
        coordinates: tuple[str, ...],
        corners: Float[np.ndarray, "m d"],
        sizes: Float[np.ndarray, "m d"],
        weights: Float[np.ndarray, " m"],
    ):
        order = morton_order(corners + sizes / 2)
        self.corners, self.sizes, self.ends = corners[order], sizes[order], np.cumsum(weights[order])
        self.coordinates, self.dimension = coordinates, len(coordinates)

    @property
    def place(self) -> str:
        return "inside the surface"

    @property
    def bounds(self) -> Bounds:
        return self.corners.min(axis=0), (self.corners + self.sizes).max(axis=0)

    def points(self, unit: Float[Array, "n k"]) -> Points:
        return Points(self.placed(unit).astype(unit.dtype), None, {})

    def placed(self, unit: Numbers) -> Numbers:
        """The images of points of the unit cube, by NumPy or by JAX."""
        xp = namespace(unit)
        row, first = located(unit[:, 0], self.ends)
        inside = xp.concat([first[:, None], unit[:, 1:]], axis=-1)
        return xp.asarray(self.corners)[row] + inside * xp.asarray(self.sizes)[row]


def filled(surface: Surface, coordinates: tuple[str, ...]) -> Blocks:
    """The inside of a surface: the boxes of an octree that lie inside, and points in those that the surface meets.

    Where the surface is fine, the points stand for their share of a box, of which they fill `EACH` equal ones. All of
    them lie inside.
    """
    low, high = (f(surface.vertices[np.unique(surface.facets)], axis=0) for f in (np.min, np.max))
    size, d = (high - low) / COARSE, surface.dimension
    corners = low + size * np.stack(np.meshgrid(*d * [np.arange(COARSE)], indexing="ij"), axis=-1).reshape(-1, d)
    halves = np.stack(np.meshgrid(*d * [[0, 1]], indexing="ij"), axis=-1).reshape(-1, d)
    boxes = list[tuple[np.ndarray, np.ndarray]]()
    while True:
        reach, middles = float(np.linalg.norm(size)) / 2, corners + size / 2
        is_met = np.isfinite(surface.distance(middles, within=reach))
        apart = np.flatnonzero(~is_met)
        inner = corners[apart[surface.is_inside(middles[apart])]]
        boxes.append((inner, np.broadcast_to(size, inner.shape)))
        corners = corners[is_met]
        if len(corners) * 2 ** (d - 1) > MOST:
            break
        size = size / 2
        corners = (corners[:, None] + size * halves).reshape(-1, d)
    tried = corners[:, None] + size * _even(len(corners), d)
    tried = tried.reshape(-1, d)
    inside = tried[surface.is_inside(tried)]
    found, sizes = (np.concatenate(parts) for parts in zip(*boxes, strict=True))
    weights = np.append(np.prod(sizes, axis=1), np.full(len(inside), np.prod(size) / EACH))
    return Blocks(coordinates, np.concatenate([found, inside]), np.concatenate([sizes, 0 * inside]), weights)


def _even(boxes: int, dimension: int) -> Float[np.ndarray, "n k d"]:
    """Points of the unit cube for each of several boxes; those of all of them together are even, too."""
    count = boxes * EACH
    points = sobol(dimension, 1 << (count - 1).bit_length(), seed=2)[:count]
    return points.reshape(EACH, boxes, dimension).swapaxes(0, 1)
