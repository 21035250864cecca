"""Boxes with named coordinates."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .domain import MANY, AbstractDomain, Evaluation, Part, checked_bounds, checked_points
from .faces import Faces, Interior
from .product import Product
from .region import SLACK, AbstractRegion, Bounds
from .sampling import sobol
from .shape import Shape, combine
from .solids.cuboid import FACES, Cuboid
from .solids.solid import Leaf, Solid


class Box(AbstractDomain):
    """A box with named coordinates, `Box(x=(-1.0, 1.0), t=(0.0, 1.0))`.

    The order of the names is the order of the model's inputs. A coordinate named `t` or `time` is time.

    - `units`, `labels`: words for coordinates, as in `units={"x": "m"}` and `labels={"x": "position"}`, which pictures
      and tables show. Numbers are not converted.

    **Raises:** `ValueError` for bounds that are not two finite numbers in ascending order, and for names with
    another meaning in an equation.
    """

    def __init__(
        self,
        *,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        **bounds: tuple[float, float],
    ):
        if not bounds:
            raise InputError("a box needs at least one coordinate, as in `Box(x=(0.0, 1.0))`")
        self.units, self.labels = (_words(*given, bounds) for given in (("units", units), ("labels", labels)))
        checked = [checked_bounds(name, pair) for name, pair in bounds.items()]
        self.coordinates = tuple(bounds)
        self.lower, self.upper = np.array(checked).T

    def __repr__(self) -> str:
        spans = zip(self.coordinates, self.lower, self.upper, strict=True)
        words = [f"{what}={dict(given)!r}" for what in ("units", "labels") if (given := getattr(self, what))]
        return f"Box({', '.join([*(f'{name}=({low:g}, {high:g})' for name, low, high in spans), *words])})"

    # Set operations, which give shapes.

    def __or__(self, other: AbstractDomain) -> Shape:
        return combine("|", self, other)

    def __and__(self, other: AbstractDomain) -> Shape:
        return combine("&", self, other)

    def __sub__(self, other: AbstractDomain) -> Shape:
        return combine("-", self, other)

    def over(
        self, *, parameters: Mapping[str, tuple[float, float]] | None = None, **bounds: tuple[float, float]
    ) -> "Box":
        """The box with further coordinates, such as `t=(0.0, 1.0)`, and with parameters of the equations.

        Parameters, as in `parameters={"nu": (0.01, 0.1)}`, are inputs of the network that are neither space nor time:
        `grad`, `div`, `laplacian` and `boundary` leave them out.
        """
        own = self._pairs
        added = {**bounds, **(parameters or {})}
        if both := sorted({*own} & {*added} | {*bounds} & {*(parameters or ())}):
            raise InputError(f"the coordinate(s) {both} of {self!r} are given twice")
        found = Box(units=self.units, labels=self.labels, **own, **added)
        found.parameters = (*self.parameters, *(parameters or ()))
        return found

    def named(self, name: str | None = None, *, where: Callable[..., Any] | None = None, **names: str) -> Shape:
        """The box as a shape with other names of the parts of its boundary: see `Shape.named`."""
        return self.shape.named(name, where=where, **names)

    @cached_property
    def shape(self) -> Shape:
        """The same as a shape, which can be moved. **Raises:** `InputError` unless it has two or three coordinates, all
        of space.
        """
        if self.solid is None:
            raise InputError(f"a shape has two or three coordinates, all of space; got {self!r}")
        return Shape(self.solid, self.coordinates, repr(self))

    @cached_property
    def solid(self) -> Solid | None:
        """The same as a primitive, None unless it has two or three coordinates, all of space."""
        if self.space != self.coordinates or self.dimension not in (2, 3):
            return None
        return Solid((Leaf.of(Cuboid(tuple(self.lower.tolist()), tuple(self.upper.tolist()))),))

    # What a domain answers.

    @property
    def fills_its_bounds(self) -> bool:
        return True

    @property
    def interior(self) -> Interior:
        """The box without its boundary."""
        return Interior(self)

    def boundary(self, *parts: Part) -> AbstractRegion:
        """Both faces of each named coordinate, by default of all space coordinates; or faces by their names in `parts`.

        With a neighbour, what both have in common; with functions of coordinates, where these are true: see
        `Shape.boundary`.
        """
        if len(parts) == 1 and isinstance(parts[0], AbstractDomain):
            return self._shared(parts[0])
        if any(not isinstance(part, str) for part in parts):
            return self.shape.boundary(*parts)
        names = [part for part in parts if isinstance(part, str)] or self.space or self.coordinates
        faces = dict.fromkeys(face for name in names for face in self._named(name))
        return Faces(self, tuple(faces))

    @property
    def parts(self) -> dict[str, float]:
        """The names of the faces in space, with their measures: left and right, bottom and top, ..."""
        return {name: float(np.prod(np.delete(self._spans, axis))) for name, (axis, _) in self._faces.items()}

    @property
    def in_space(self) -> "Box":
        return self if self.space == self.coordinates else box_between(self.space, self._space_bounds)

    @property
    def measure(self) -> float:
        return float(np.prod(self._spans))

    def signed_distance(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The distance to the boundary in space, negative inside."""
        axes = [self.coordinates.index(name) for name in self.space or self.coordinates]
        solid = Cuboid(tuple(self.lower[axes].tolist()), tuple(self.upper[axes].tolist()))
        return solid.level(checked_points(self, points)[:, axes])

    def evaluation(self, count: int = MANY) -> Evaluation:
        """A tensor grid up to three dimensions, Sobol points beyond."""
        if self.dimension <= 3:
            per_axis = 1001 if self.dimension == 1 else 1 + int(count ** (1 / self.dimension))
            return Evaluation(self.grid(per_axis), self.dimension * (per_axis,))
        return Evaluation(self.lower + (self.upper - self.lower) * sobol(self.dimension, count))

    # What only a box has.

    def lower_face(self, name: str) -> Faces:
        """The face on which coordinate `name` has its lower bound."""
        return Faces(self, ((self._axis(name), 0),))

    def upper_face(self, name: str) -> Faces:
        """The face on which coordinate `name` has its upper bound."""
        return Faces(self, ((self._axis(name), 1),))

    def start(self, name: str = "t") -> Faces:
        """The face at which time (or `name`) begins, for initial conditions."""
        return self.lower_face(name)

    def end(self, name: str = "t") -> Faces:
        """The face at which time (or `name`) ends."""
        return self.upper_face(name)

    def grid(self, per_axis: int) -> Float[np.ndarray, "n d"]:
        """A tensor grid of `per_axis` points along each coordinate, bounds included."""
        axes = [np.linspace(low, high, per_axis) for low, high in zip(self.lower, self.upper, strict=True)]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)

    @property
    def _spans(self) -> Float[np.ndarray, " d"]:
        return self.upper - self.lower

    @property
    def _space_bounds(self) -> Bounds:
        axes = [self.coordinates.index(name) for name in self.space]
        return self.lower[axes], self.upper[axes]

    @property
    def _pairs(self) -> dict[str, tuple[float, float]]:
        return dict(zip(self.coordinates, zip(self.lower.tolist(), self.upper.tolist(), strict=True), strict=True))

    def _shared(self, other: AbstractDomain) -> AbstractRegion:
        """The boundary in common with a neighbour: a face, or a part of it, of the neighbour that is a box."""
        if other.coordinates != self.coordinates:
            raise InputError(f"{self!r} and {other!r} have different coordinates, and so no boundary in common")
        if isinstance(other, Box):
            return self._shared_face(other)
        if self.space == self.coordinates:
            return self.shape.boundary(other)
        further = {name: self._pairs[name] for name in self.coordinates if name not in self.space}
        times = {name: pair for name, pair in further.items() if name not in self.parameters}
        parameters = {name: further[name] for name in self.parameters}
        return Product(self.in_space, parameters=parameters, **times).boundary(other)

    def _shared_face(self, other: "Box") -> Faces:
        low, high = np.maximum(self.lower, other.lower), np.minimum(self.upper, other.upper)
        slack = SLACK * np.maximum(self._spans, other.upper - other.lower)
        flat = np.flatnonzero(high - low <= slack)
        if (high - low < -slack).any() or len(flat) != 1:
            reason = "; they overlap" if not len(flat) else ""
            raise InputError(f"{self!r} and {other!r} have no boundary in common{reason}")
        axis = int(flat[0])
        low[axis], high[axis] = self.lower[axis], self.upper[axis]
        side = int(self.lower[axis] < other.lower[axis])
        return Faces(box_between(self.coordinates, (low, high)), ((axis, side),))

    @property
    def _faces(self) -> dict[str, tuple[int, int]]:
        """The faces in space by their names, which coordinates of the same name hide."""
        axes = [self.coordinates.index(name) for name in self.space or self.coordinates]
        names = FACES.get(len(axes)) or [f"{self.coordinates[i]} {end}" for i in axes for end in ("lower", "upper")]
        return dict(zip(names, ((axis, side) for axis in axes for side in (0, 1)), strict=True))

    def _named(self, name: str) -> list[tuple[int, int]]:
        if name not in self.coordinates and name in self._faces:
            return [self._faces[name]]
        return [(self._axis(name), side) for side in (0, 1)]

    def _axis(self, name: str) -> int:
        if name not in self.coordinates:
            raise InputError(f"{self!r} has no coordinate '{name}'; its coordinates are {list(self.coordinates)}")
        return self.coordinates.index(name)


def box_between(coordinates: Sequence[str], bounds: Bounds) -> Box:
    """The box between lower and upper bounds."""
    spans = dict[str, Any](zip(coordinates, zip(*bounds, strict=True), strict=True))
    return Box(**spans)


def _words(what: str, given: Any, bounds: Mapping[str, Any]) -> dict[str, str]:
    if not isinstance(given or {}, Mapping) or not set(given or {}) <= set(bounds):
        raise InputError(f"`{what}` of a box has words for its coordinates {list(bounds)}; got {given!r}")
    return dict(given or {})


def Interval(
    *, units: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None, **bounds: tuple[float, float]
) -> Box:
    """A box of one coordinate, `Interval(x=(0.0, 1.0))`."""
    if len(bounds) != 1:
        raise InputError(
            f"an interval has one coordinate, got {list(bounds)}; `Box` takes several, as in "
            "`Box(x=(0.0, 1.0), y=(0.0, 1.0))`"
        )
    return Box(units=units, labels=labels, **bounds)
