"""Boxes with named coordinates, their interior and their faces."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import TIME_NAMES
from ..errors import InputError
from .region import SLACK, AbstractRegion, Bounds, Face, Points, are_same


class Box:
    """A box with named coordinates, `Box(x=(-1.0, 1.0), t=(0.0, 1.0))`.

    The order of the names is the order of the model's inputs. A coordinate named `t` or `time` is time.

    **Raises:** `ValueError` for bounds that are not two finite numbers in ascending order, and for names that
    mean something else in an equation.
    """

    def __init__(self, **bounds: tuple[float, float]):
        if not bounds:
            raise InputError("a box needs at least one coordinate, as in `Box(x=(0.0, 1.0))`")
        for name, pair in bounds.items():
            _check_bounds(name, pair)
        self.coordinates = tuple(bounds)
        self.lower, self.upper = np.array(list(bounds.values()), dtype=float).T

    def __repr__(self) -> str:
        spans = zip(self.coordinates, self.lower, self.upper, strict=True)
        return f"Box({', '.join(f'{name}=({low:g}, {high:g})' for name, low, high in spans)})"

    @property
    def dimension(self) -> int:
        return len(self.coordinates)

    @property
    def bounds(self) -> Bounds:
        """The lower and the upper bounds of the coordinates."""
        return self.lower, self.upper

    @property
    def space(self) -> tuple[str, ...]:
        """The coordinates that are not time."""
        return tuple(name for name in self.coordinates if name not in TIME_NAMES)

    @property
    def interior(self) -> "Interior":
        """The box without its boundary."""
        return Interior(self)

    def boundary(self, *names: str) -> "Faces":
        """Both faces of each coordinate named; without names, of every space coordinate."""
        axes = [self._axis(name) for name in names or self.space or self.coordinates]
        return Faces(self, tuple((axis, side) for axis in axes for side in (0, 1)))

    def lower_face(self, name: str) -> "Faces":
        """The face on which coordinate `name` has its lower bound."""
        return Faces(self, ((self._axis(name), 0),))

    def upper_face(self, name: str) -> "Faces":
        """The face on which coordinate `name` has its upper bound."""
        return Faces(self, ((self._axis(name), 1),))

    def start(self, name: str = "t") -> "Faces":
        """Where initial conditions hold: the face at which time (or `name`) begins."""
        return self.lower_face(name)

    def end(self, name: str = "t") -> "Faces":
        """The face at which time (or `name`) ends."""
        return self.upper_face(name)

    def grid(self, per_axis: int) -> Float[np.ndarray, "n d"]:
        """A tensor grid of `per_axis` points along each coordinate, bounds included."""
        axes = [np.linspace(low, high, per_axis) for low, high in zip(self.lower, self.upper, strict=True)]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)

    def _axis(self, name: str) -> int:
        if name not in self.coordinates:
            raise InputError(f"{self!r} has no coordinate '{name}'; its coordinates are {list(self.coordinates)}")
        return self.coordinates.index(name)


def Interval(**bounds: tuple[float, float]) -> Box:
    """A box of one coordinate, `Interval(x=(0.0, 1.0))`."""
    if len(bounds) != 1:
        raise InputError(
            f"an interval has one coordinate, got {list(bounds)}; `Box` takes several, as in "
            "`Box(x=(0.0, 1.0), y=(0.0, 1.0))`"
        )
    return Box(**bounds)


class Interior(AbstractRegion):
    """The inside of a box."""

    box: Box
    coordinates: tuple[str, ...]
    dimension: int
    count: int | None = None
    least: int = 1

    def __init__(self, box: Box):
        self.box, self.coordinates, self.dimension = box, box.coordinates, box.dimension

    @property
    def bounds(self) -> Bounds:
        return self.box.bounds

    def fills(self, bounds: Bounds) -> bool:
        return are_same(self.bounds, bounds)

    def points(self, unit: Float[Array, "n k"]) -> Points:
        low, high = (jnp.asarray(bound, unit.dtype) for bound in (self.box.lower, self.box.upper))
        return Points((1 - unit) * low + unit * high, None, {})  # exact at both bounds


class Faces(AbstractRegion):
    """Faces of a box, each `(axis, side)` with side 0 for the lower and 1 for the upper bound.

    Points are shared out among the faces by their measure, at least one each. Faces of an interval are
    single points.
    """

    box: Box
    faces: tuple[tuple[int, int], ...]
    coordinates: tuple[str, ...]
    dimension: int
    count: int | None
    least: int
    has_normal: ClassVar[bool] = True

    def __init__(self, box: Box, faces: tuple[tuple[int, int], ...]):
        self.box, self.faces, self.coordinates = box, faces, box.coordinates
        self.dimension, self.least = box.dimension - 1, len(faces)
        self.count = len(faces) if self.dimension == 0 else None

    @property
    def bounds(self) -> Bounds:
        each = [self._bounds_of(axis, side) for axis, side in self.faces]
        return np.min([low for low, _ in each], axis=0), np.max([high for _, high in each], axis=0)

    def faces_of(self, bounds: Bounds) -> tuple[Face, ...] | None:
        found = [_whole_face(self._bounds_of(axis, side), axis, side, bounds) for axis, side in self.faces]
        return None if None in found else tuple(face for face in found if face is not None)

    def _bounds_of(self, axis: int, side: int) -> Bounds:
        low, high = self.box.lower.copy(), self.box.upper.copy()
        low[axis] = high[axis] = self.box.bounds[side][axis]
        return low, high

    def points(self, unit: Float[Array, "n k"]) -> Points:
        counts = self.parts(len(unit) if self.count is None else self.count)
        parts = jnp.split(unit[: sum(counts)], np.cumsum(counts)[:-1])
        cube = [jnp.insert(part, axis, side, axis=1) for part, (axis, side) in zip(parts, self.faces, strict=True)]
        units = np.eye(self.box.dimension)
        normals = np.repeat([(2 * side - 1) * units[axis] for axis, side in self.faces], counts, axis=0)
        inside = Interior(self.box).points(jnp.concatenate(cube))
        return Points(inside.coordinates, jnp.asarray(normals, unit.dtype), {})

    def parts(self, n: int) -> tuple[int, ...]:
        """How many of `n` points each face gets: one, and of the rest a share by its measure."""
        span = self.box.upper - self.box.lower
        measures = np.array([np.prod(np.delete(span, axis)) for axis, _ in self.faces])
        shares = (n - len(measures)) * measures / measures.sum()
        counts = 1 + np.floor(shares).astype(int)
        largest_remainders = np.argsort(np.floor(shares) - shares, kind="stable")
        counts[largest_remainders[: n - counts.sum()]] += 1
        return tuple(counts.tolist())


def _whole_face(own: Bounds, axis: int, side: int, bounds: Bounds) -> Face | None:
    """The face of the box between `bounds` that a face of another box, between `own`, is; None if none or a part."""
    slack = SLACK * (bounds[1][axis] - bounds[0][axis])
    sides = [s for s in (0, 1) if abs(own[0][axis] - bounds[s][axis]) <= slack]
    return Face(axis, sides[0], 2 * side - 1) if sides and are_same(own, bounds, without=axis) else None


def _check_bounds(name: str, pair: tuple[float, float]) -> None:
    if name in ("d", "value", "normal"):
        raise InputError(f"a coordinate cannot be called '{name}', which means something else in an equation")
    try:
        low, high = (float(bound) for bound in pair)
    except (TypeError, ValueError):
        raise InputError(f"the bounds of '{name}' are two numbers, as in `{name}=(0.0, 1.0)`; got {pair!r}") from None
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"the bounds of '{name}' must be finite, got ({low}, {high})")
    if low >= high:
        raise InputError(
            f"the bounds of '{name}' must ascend, got ({low:g}, {high:g}); write `{name}=({high:g}, {low:g})`?"
            if low > high
            else f"the bounds of '{name}' must ascend, got ({low:g}, {high:g}), an empty interval"
        )
