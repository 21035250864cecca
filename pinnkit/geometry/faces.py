"""The interior and the faces of a box."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .domain import AbstractDomain
from .points import Points
from .reference_cube import from_unit
from .region import SLACK, AbstractRegion, Bounds, Face, Piece, are_same, shares
from .traces import Trace, joined, straight


class Interior(AbstractRegion):
    """The inside of a box."""

    box: AbstractDomain
    coordinates: tuple[str, ...]
    dimension: int
    count: int | None = None
    least: int = 1

    def __init__(self, box: AbstractDomain):
        self.box, self.coordinates, self.dimension = box, box.coordinates, box.dimension

    @property
    def bounds(self) -> Bounds:
        return self.box.bounds

    def fills(self, bounds: Bounds) -> bool:
        return are_same(self.bounds, bounds)

    def spans(self, axis: int, bounds: Bounds) -> bool:
        return _is_whole_along(self.box, axis, bounds)

    @property
    def flat_pieces(self) -> tuple[Piece, ...]:
        return (Piece(self.bounds, None),)

    def points(self, unit: Float[Array, "n k"]) -> Points:
        lower, upper = (jnp.asarray(bound, unit.dtype) for bound in self.box.bounds)
        return Points(from_unit(unit, (lower, upper)), None, {})


class Faces(AbstractRegion):
    """Faces of a box, each `(axis, side)` with side 0 for the lower and 1 for the upper bound.

    Points are distributed over the faces in proportion to their measure, at least one on each. Faces of an interval
    are single points.
    """

    box: AbstractDomain
    faces: tuple[tuple[int, int], ...]
    coordinates: tuple[str, ...]
    dimension: int
    count: int | None
    least: int

    def __init__(self, box: AbstractDomain, faces: tuple[tuple[int, int], ...]):
        self.box, self.faces, self.coordinates = box, faces, box.coordinates
        self.dimension, self.least = box.dimension - 1, len(faces)
        self.count = len(faces) if self.dimension == 0 else None

    @property
    def has_normal(self) -> bool:
        return True

    @property
    def bounds(self) -> Bounds:
        each = [self._bounds_of(axis, side) for axis, side in self.faces]
        return np.min([low for low, _ in each], axis=0), np.max([high for _, high in each], axis=0)

    def faces_of(self, bounds: Bounds) -> tuple[Face, ...] | None:
        found = [_whole_face(self._bounds_of(axis, side), axis, side, bounds) for axis, side in self.faces]
        return None if None in found else tuple(face for face in found if face is not None)

    def spans(self, axis: int, bounds: Bounds) -> bool:
        return all(own != axis for own, _ in self.faces) and _is_whole_along(self.box, axis, bounds)

    @property
    def flat_pieces(self) -> tuple[Piece, ...]:
        units = np.eye(self.box.dimension)
        return tuple(Piece(self._bounds_of(axis, side), (2 * side - 1) * units[axis]) for axis, side in self.faces)

    def traced(self, count: int) -> Trace | None:
        names, space = self.coordinates, self.box.space
        if len(space) != 2 or any(names[axis] not in space for axis, _ in self.faces):
            return None
        axes = [names.index(name) for name in space]
        lengths = [float(np.ptp(self.box.bounds, axis=0)[sum(axes) - axis]) for axis, _ in self.faces]
        per_length = count / sum(lengths)
        return joined(
            [
                self._line(axes, axis, side, int(per_length * length))
                for (axis, side), length in zip(self.faces, lengths, strict=True)
            ]
        )

    def _line(self, axes: list[int], axis: int, side: int, count: int) -> Trace:
        """A face in the plane, counterclockwise around the box."""
        ends = [bound[axes] for bound in self._bounds_of(axis, side)]
        is_ahead = (axis == axes[0]) == (side == 1)
        start, end = ends if is_ahead else ends[::-1]
        return straight(start, end, (2 * side - 1) * np.eye(2)[axes.index(axis)], count)

    def _bounds_of(self, axis: int, side: int) -> Bounds:
        low, high = self.box.lower.copy(), self.box.upper.copy()
        low[axis] = high[axis] = self.box.bounds[side][axis]
        return low, high

    def points(self, unit: Float[Array, "n k"]) -> Points:
        counts = self.parts(len(unit) if self.count is None else self.count)
        parts = jnp.split(unit[: sum(counts)], np.cumsum(counts)[:-1])
        cube = [_in_face(part, *face) for part, face in zip(parts, self.faces, strict=True)]
        units = np.eye(self.box.dimension)
        normals = np.repeat([(2 * side - 1) * units[axis] for axis, side in self.faces], counts, axis=0)
        inside = Interior(self.box).points(jnp.concatenate(cube))
        return Points(inside.coordinates, jnp.asarray(normals, unit.dtype), {})

    def parts(self, n: int) -> tuple[int, ...]:
        """The number of points, out of `n`, on each face: one, plus a share in proportion to its measure."""
        span = self.box.upper - self.box.lower
        measures = np.array([np.prod(np.delete(span, axis)) for axis, _ in self.faces])
        return shares(n, measures)


def _is_whole_along(box: AbstractDomain, axis: int, bounds: Bounds) -> bool:
    slack = SLACK * (bounds[1][axis] - bounds[0][axis])
    gaps = (abs(own[axis] - other[axis]) for own, other in zip(box.bounds, bounds, strict=True))
    return all(gap <= slack for gap in gaps)


def _in_face(part: Float[Array, "n k"], axis: int, side: int) -> Float[Array, "n d"]:
    """Points of the unit cube in one of its faces."""
    return jnp.concatenate([part[:, :axis], jnp.full((len(part), 1), side, part.dtype), part[:, axis:]], axis=1)


def _whole_face(own: Bounds, axis: int, side: int, bounds: Bounds) -> Face | None:
    """The face of the box between `bounds` that equals the face of another box between `own`; None if none does."""
    slack = SLACK * (bounds[1][axis] - bounds[0][axis])
    sides = [s for s in (0, 1) if abs(own[0][axis] - bounds[s][axis]) <= slack]
    return Face(axis, sides[0], 2 * side - 1) if sides and are_same(own, bounds, without=axis) else None
