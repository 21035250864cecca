"""Shapes of the plane, moved along a third coordinate."""

import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers, namespace
from .primitive import AbstractPrimitive, plane_crossing
from .solid import Leaf, Mark, Solid
from .space import AbstractSpatial
from .surfaces import Raised, Rectangle


class Upright(AbstractSpatial):
    """The points above and below a primitive of the plane; its boundary is given between two heights."""

    base: AbstractPrimitive
    heights: tuple[float, float]

    def level(self, x: Numbers) -> Numbers:
        return self.base.level(x[..., :2])

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        return self.base.crossings(origin[..., :2], direction[..., :2])

    def charts(self) -> dict[str, AbstractChart]:
        import jax

        rows = lambda chart: np.tile(self.heights, (len(jax.tree.leaves(chart)[0]), 1))
        return {name: Raised(chart, rows(chart)) for name, chart in self.base.charts().items()}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return self.base.extent(direction[:2]) + max(z * float(direction[2]) for z in self.heights)


class Slab(AbstractSpatial):
    """The points between two planes; its boundary is given over a rectangle."""

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]

    def level(self, x: Numbers) -> Numbers:
        return namespace(x).maximum(self.lower[2] - x[..., 2], x[..., 2] - self.upper[2])

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        ends = [plane_crossing(origin[..., 2] - z, direction[..., 2]) for z in (self.lower[2], self.upper[2])]
        return namespace(origin).stack(ends, axis=-1)

    def charts(self) -> dict[str, AbstractChart]:
        corner, span = np.array([self.lower]), np.subtract(self.upper, self.lower)
        x, y, z = (span * axis[None] for axis in np.eye(3))
        return {"bottom": Rectangle(corner, y, x), "top": Rectangle(corner + z, x, y)}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return float(np.where(direction > 0, self.upper, self.lower) @ direction)


def extruded(solid: Solid, low: float, high: float) -> Solid:
    """A solid of the plane, between two heights. Parts keep their names; "bottom" and "top" are new."""

    def upright(leaf: Leaf) -> Leaf:
        rotation = np.eye(3)
        rotation[:2, :2] = leaf.rotation
        primitive = Upright(leaf.primitive, (low / leaf.scale, high / leaf.scale))
        marks = tuple(map(_raised, leaf.marks))
        return Leaf(primitive, rotation, leaf.scale, np.append(leaf.shift, 0.0), leaf.names, marks)

    (x0, y0), (x1, y1) = (bound.tolist() for bound in solid.bounds)
    return solid.mapped(upright).combined("&", Solid((Leaf.of(Slab((x0, y0, low), (x1, y1, high))),)))


def _raised(mark: Mark) -> Mark:
    """The same part of walls."""
    rotation = np.eye(3)
    rotation[:2, :2] = mark.rotation
    return Mark(mark.name, lambda x: mark.where(x[:, :2]), rotation, mark.scale, np.append(mark.shift, 0.0))
