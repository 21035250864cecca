"""Boxes in two or three dimensions, as primitives."""

import itertools

import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers, Segment, namespace, normalized
from .primitive import AbstractPrimitive, plane_crossing

FACES = {
    1: ("left", "right"),
    2: ("left", "right", "bottom", "top"),
    3: ("left", "right", "front", "back", "bottom", "top"),
}
"""Names of the lower and the upper face along each coordinate, by dimension."""


class Rectangle(AbstractChart):
    """A parallelogram; its normal is that of the vector product of its edges."""

    corner: Float[np.ndarray, "*m 3"]
    first: Float[np.ndarray, "*m 3"]
    second: Float[np.ndarray, "*m 3"]

    def point(self, unit: Numbers) -> Numbers:
        return self.corner + unit[..., :1] * self.first + unit[..., 1:] * self.second

    def normal(self, unit: Numbers) -> Numbers:
        return normalized(self._product(unit))

    def density(self, unit: Numbers) -> Numbers:
        return namespace(unit).sqrt((self._product(unit) ** 2).sum(axis=-1))

    def _product(self, unit: Numbers) -> Numbers:
        return namespace(unit).linalg.cross(self.first + 0 * unit[..., :1], self.second + 0 * unit[..., :1])


class Cuboid(AbstractPrimitive):
    """A box between two corners, of two or three dimensions."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]

    @property
    def dimension(self) -> int:
        return len(self.lower)

    def level(self, x: Numbers) -> Numbers:
        xp, lower, upper = namespace(x), np.array(self.lower), np.array(self.upper)
        beyond = xp.maximum(lower - x, x - upper)
        outside = xp.sqrt((xp.maximum(beyond, 0.0) ** 2).sum(axis=-1))
        return outside + xp.minimum(beyond.max(axis=-1), 0.0)

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        each = [plane_crossing(origin - np.array(side), direction) for side in (self.lower, self.upper)]
        return namespace(origin).concat(each, axis=-1)

    def charts(self) -> dict[str, AbstractChart]:
        corners, d = np.array([self.lower, self.upper]), len(self.lower)
        return {
            name: (_edge if d == 2 else _face)(corners, axis, side)
            for name, (axis, side) in zip(FACES[d], itertools.product(range(d), (0, 1)), strict=True)
        }

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return float(np.where(direction > 0, self.upper, self.lower) @ direction)


def _edge(corners: Float[np.ndarray, "2 2"], axis: int, side: int) -> Segment:
    start, end = corners[[0, 1], 1 - axis], corners[[side, side], axis]
    points = np.stack([end, start] if axis == 0 else [start, end], axis=-1)
    return Segment(points[None, 0], points[None, 1]) if axis != side else Segment(points[None, 1], points[None, 0])


def _face(corners: Float[np.ndarray, "2 3"], axis: int, side: int) -> Rectangle:
    span, corner = corners[1] - corners[0], corners[0].copy()
    corner[axis] = corners[side, axis]
    edges = [np.eye(3)[(axis + k) % 3] * span for k in (1, 2)]
    first, second = edges if side else edges[::-1]
    return Rectangle(corner[None], first[None], second[None])
