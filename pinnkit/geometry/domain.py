"""Domains with named coordinates."""

import abc
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, Union

import numpy as np
from jaxtyping import Bool, Float, Int

from .._base.errors import InputError
from .corners import Corner
from .creases import Crease
from .region import SLACK, AbstractRegion, Bounds

TIME_NAMES = ("t", "time")
"""A coordinate with one of these names is time; its ends are not part of the boundary in space."""

MANY = 10_000
"""Points at which fields are compared and drawn, about."""

RESERVED = ("d", "value", "normal")
"""Names with another meaning in an equation."""

Part: TypeAlias = Union[str, Callable[..., Any], "AbstractDomain"]
"""A part of a boundary: a name, a function of coordinates that is true there, or a neighbour that shares it."""


class Evaluation(NamedTuple):
    """Points of a domain at which fields are compared and drawn.

    - `shape`: of the tensor grid that the points form, empty if they form none. With triangles, its first entry is the
      number of their corners, and the others are those of the grid over the remaining coordinates;
    - `triangles`: corners of the triangles over the first two coordinates, empty if there are none.
    """

    points: Float[np.ndarray, "n d"]
    shape: tuple[int, ...] = ()
    triangles: Int[np.ndarray, "m 3"] = np.zeros((0, 3), int)


class Triangulation(NamedTuple):
    """Triangles in the plane or tetrahedra in space that fill a domain, by the numbers of their corners among `points`.

    - `points`: over the coordinates of space.
    """

    points: Float[np.ndarray, "n d"]
    cells: Int[np.ndarray, "m k"]


class Hole(NamedTuple):
    """A ball outside of a domain that it surrounds; `center`: in the coordinates of space."""

    center: tuple[float, ...]
    radius: float


class AbstractDomain(abc.ABC):
    """A domain with named coordinates.

    - `coordinates`: their names, in the order of the inputs of a model;
    - `lower`, `upper`: the corners of a box around the domain, of shape `(d,)`, by which networks scale coordinates;
    - `parameters`: the coordinates that are neither space nor time, but parameters of the equations;
    - `units`, `labels`: words for coordinates, such as `m` and `position`, for pictures and tables.
    """

    coordinates: tuple[str, ...]
    lower: Float[np.ndarray, " d"]
    upper: Float[np.ndarray, " d"]
    parameters: tuple[str, ...] = ()
    units: Mapping[str, str] = MappingProxyType({})
    labels: Mapping[str, str] = MappingProxyType({})

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Balls in the holes of the domain: solutions may be singular there, and networks have features around them."""
        return ()

    @property
    def fills_its_bounds(self) -> bool:
        """Whether it is all of the box between its bounds, so that coordinates may be changed one by one."""
        return False

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The corners of its boundary in a plane of space; solutions are singular at most of them."""
        return ()

    @property
    def creases(self) -> tuple[Crease, ...]:
        """The straight edges of its boundary in space; solutions are singular at them."""
        return ()

    @property
    def dimension(self) -> int:
        return len(self.coordinates)

    @property
    def bounds(self) -> Bounds:
        """The lower and the upper bounds of the coordinates."""
        return self.lower, self.upper

    @property
    def space(self) -> tuple[str, ...]:
        """The coordinates that are neither time nor parameters."""
        return tuple(name for name in self.coordinates if name not in (*TIME_NAMES, *self.parameters))

    @property
    @abc.abstractmethod
    def interior(self) -> AbstractRegion:
        """The domain without its boundary."""

    @abc.abstractmethod
    def boundary(self, *parts: Part) -> AbstractRegion:
        """The boundary in space, or its parts: those with the given names, and those in common with a neighbour."""

    @property
    def in_space(self) -> "AbstractDomain":
        """The domain at any time and for any parameters."""
        return self

    @property
    @abc.abstractmethod
    def parts(self) -> dict[str, float]:
        """The names of the parts of the boundary in space, with their measures."""

    @property
    @abc.abstractmethod
    def measure(self) -> float:
        """The length, area or volume, with that of time and parameters as factors."""

    @abc.abstractmethod
    def signed_distance(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The distance to the boundary in space, negative inside.

        Where it is approximate, its sign is right and its size is a lower bound, as `is_distance_exact` says.
        """

    @property
    def is_distance_exact(self) -> bool:
        """Whether `signed_distance` is the distance itself."""
        return True

    def contains(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Which points lie in the domain or on its boundary, up to rounding."""
        points, slack = checked_points(self, points), SLACK * (self.upper - self.lower)
        inside = ((points >= self.lower - slack) & (points <= self.upper + slack)).all(axis=1)
        return inside & (self.signed_distance(points) <= slack.max())

    @abc.abstractmethod
    def evaluation(self, count: int = MANY) -> Evaluation:
        """About `count` points (a thousand in one dimension) for comparisons and pictures."""

    @property
    def triangulation(self) -> Triangulation | None:
        """What files with a mesh hold: by default the triangles of `evaluation`, None if there are none."""
        found = self.evaluation()
        return Triangulation(found.points, found.triangles) if found.triangles.size and self.dimension == 2 else None


def checked_points(domain: AbstractDomain, points: Any) -> Float[np.ndarray, "n d"]:
    """Points as an array of shape `(n, d)`. **Raises:** `InputError` for another shape."""
    found = np.asarray(points, float)
    if found.ndim != 2 or found.shape[1] != domain.dimension:
        raise InputError(
            f"points of a domain with the coordinates {list(domain.coordinates)} have the shape "
            f"(n, {domain.dimension}), got {found.shape}"
        )
    return found


def check_coordinate(name: str) -> None:
    """**Raises:** `InputError` for a name that has another meaning in an equation."""
    if name in RESERVED:
        raise InputError(f"a coordinate cannot be called '{name}', which has another meaning in an equation")


def checked_bounds(name: str, pair: Any) -> tuple[float, float]:
    """The bounds of a coordinate. **Raises:** `InputError` unless they are two finite numbers in ascending order."""
    check_coordinate(name)
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
    return low, high
