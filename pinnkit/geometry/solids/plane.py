"""Primitives of the plane."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, CircleArc, EllipseArc, Numbers, Segment, dot, length, namespace
from .primitive import AbstractPrimitive, plane_crossing, real_roots

TURN = np.array([[0.0, 2 * np.pi]])


class AbstractPlanar(AbstractPrimitive):
    """A primitive of the plane."""

    @property
    def dimension(self) -> int:
        return 2


class Circular(AbstractPlanar):
    """A disk around the origin."""

    radius: float

    def level(self, x: Numbers) -> Numbers:
        return length(x) - self.radius

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        a, b = dot(direction, direction), dot(origin, direction)
        return real_roots(a, b, dot(origin, origin) - self.radius**2)

    def charts(self) -> dict[str, AbstractChart]:
        return {"circle": CircleArc(np.full((1, 2), self.radius), TURN)}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return self.radius * float(np.linalg.norm(direction))


class Elliptic(AbstractPlanar):
    """An ellipse around the origin with its axes along the coordinates.

    Its level is a lower bound of the distance: that of the unit circle, in coordinates by the radii, times the smaller.
    """

    is_distance: ClassVar[bool] = False
    radii: tuple[float, float]

    def level(self, x: Numbers) -> Numbers:
        return min(self.radii) * (length(x / np.array(self.radii)) - 1)

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        o, v = origin / np.array(self.radii), direction / np.array(self.radii)
        return real_roots(dot(v, v), dot(o, v), dot(o, o) - 1)

    def charts(self) -> dict[str, AbstractChart]:
        return {"ellipse": EllipseArc(np.array([self.radii]), TURN)}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return float(np.linalg.norm(np.array(self.radii) * direction))


class HalfPlane(AbstractPlanar):
    """The points to the left of a line through the origin; `pieces`: named intervals of the line that bound it."""

    angle: float
    pieces: tuple[tuple[str, float, float], ...]

    def level(self, x: Numbers) -> Numbers:
        return dot(x, np.array([np.sin(self.angle), -np.cos(self.angle)]))

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        return plane_crossing(self.level(origin), self.level(direction))[..., None]

    def charts(self) -> dict[str, AbstractChart]:
        along = np.array([[np.cos(self.angle), np.sin(self.angle)]])
        return {name: Segment(first * along, last * along) for name, first, last in self.pieces}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return np.inf


class Polygonal(AbstractPlanar):
    """The inside of closed polygons, by their edges: those around it counterclockwise, those around holes clockwise.

    - `starts`, `ends`: of the edges; `names`: of their parts.
    """

    starts: Float[np.ndarray, "m 2"]
    ends: Float[np.ndarray, "m 2"]
    names: tuple[str, ...]

    def level(self, x: Numbers) -> Numbers:
        xp, along = namespace(x), self.ends - self.starts
        offset = x[..., None, :] - self.starts
        share = dot(offset, along) / dot(along, along)
        nearest = offset - xp.clip(share, 0.0, 1.0)[..., None] * along
        distance = xp.sqrt(dot(nearest, nearest).min(axis=-1))
        return xp.where(self._is_inside(x), -distance, distance)

    def _is_inside(self, x: Numbers) -> Numbers:
        """Whether a ray to the right crosses an odd number of edges."""
        xp, (x0, y0), (x1, y1) = namespace(x), self.starts.T, self.ends.T
        above, below = y0 > x[..., 1, None], y1 > x[..., 1, None]
        rise = np.where(y1 == y0, 1.0, y1 - y0)
        crossing = x0 + (x[..., 1, None] - y0) / rise * (x1 - x0)
        return ((above != below) & (x[..., 0, None] < crossing)).sum(axis=-1, dtype=xp.int32) % 2 == 1

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        along = self.ends - self.starts
        outward = np.stack([along[:, 1], -along[:, 0]], axis=-1)
        height = dot(origin[..., None, :] - self.starts, outward)
        return plane_crossing(height, dot(direction[..., None, :], outward))

    def charts(self) -> dict[str, AbstractChart]:
        rows = {name: np.array([own == name for own in self.names]) for name in dict.fromkeys(self.names)}
        return {name: Segment(self.starts[own], self.ends[own]) for name, own in rows.items()}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return float(np.max(self.starts @ direction))
