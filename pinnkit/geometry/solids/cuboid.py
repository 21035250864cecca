"""Boxes in two or three dimensions, as primitives."""

import itertools
from functools import reduce

import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers, Segment, length, namespace
from .primitive import AbstractPrimitive, plane_crossing
from .surfaces import Rectangle

FACES = {
    1: ("left", "right"),
    2: ("left", "right", "bottom", "top"),
    3: ("left", "right", "front", "back", "bottom", "top"),
}
"""Names of the lower and the upper face along each coordinate, by dimension."""


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
        largest = reduce(xp.maximum, [beyond[..., axis] for axis in range(self.dimension)])
        return length(xp.maximum(beyond, 0.0)) + xp.minimum(largest, 0.0)

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
