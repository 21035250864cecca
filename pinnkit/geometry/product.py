"""Shapes over time and parameters."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError
from .cells import AbstractCell, BoxCell, ProductCell
from .corners import Corner, End
from .creases import Crease
from .domain import (
    MANY,
    TIME_NAMES,
    AbstractDomain,
    Evaluation,
    Hole,
    Part,
    Triangulation,
    checked_bounds,
    checked_points,
)
from .points import Points
from .region import SLACK, AbstractRegion, Bounds, Face, are_same
from .sampling import sobol
from .traces import Trace

TIMES = 21
"""Points along each further coordinate for comparisons and pictures."""


class Prism(AbstractRegion):
    """A region of a shape over intervals of further coordinates, some of which may be single values.

    - `base`: the region; `low`, `high`: the bounds of the further coordinates;
    - `face`: the axis and side of the one of which it is an end, with its outward normal, else None.
    """

    base: AbstractRegion
    low: np.ndarray
    high: np.ndarray
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    face: tuple[int, int] | None
    count: int | None = None

    def __init__(
        self,
        base: AbstractRegion,
        coordinates: tuple[str, ...],
        low: Float[np.ndarray, " k"],
        high: Float[np.ndarray, " k"],
        face: tuple[int, int] | None = None,
    ):
        self.base, self.coordinates, self.low, self.high, self.face = base, coordinates, low, high, face
        self.dimension = base.dimension + int((low < high).sum())
        self.least = base.least

    @property
    def place(self) -> str:
        return self.base.place

    @property
    def has_normal(self) -> bool:
        return self.base.has_normal or self.face is not None

    @property
    def bounds(self) -> Bounds:
        low, high = self.base.bounds
        return np.append(low, self.low), np.append(high, self.high)

    @property
    def curve_ends(self) -> tuple[End, ...]:
        return self.base.curve_ends

    def faces_of(self, bounds: Bounds) -> tuple[Face, ...] | None:
        """An end of time is a face of the domain, on which values hold wherever there is the domain."""
        if self.face is None or not are_same(self.bounds, bounds, without=self.face[0]):
            return None
        axis, side = self.face
        return (Face(axis, side, 2 * side - 1),) if self.bounds[side][axis] == bounds[side][axis] else None

    @property
    def quadrature_cells(self) -> tuple[AbstractCell, ...] | None:
        base, normal = self.base.quadrature_cells, None
        if self.face is not None:
            axis, side = self.face
            normal = (2 * side - 1) * np.eye(len(self.coordinates))[axis]
        others = BoxCell(self.low, self.high, None)
        return base and tuple(ProductCell(cell, others, len(self.base.coordinates), normal) for cell in base)

    def traced(self, count: int) -> Trace | None:
        return self.base.traced(count) if self.face is None else None

    def spans(self, axis: int, bounds: Bounds) -> bool:
        own = axis - len(self.base.coordinates)
        if own < 0:
            return False
        slack = SLACK * (bounds[1][axis] - bounds[0][axis])
        return bool(abs(self.low[own] - bounds[0][axis]) <= slack and abs(self.high[own] - bounds[1][axis]) <= slack)

    @property
    def is_placed_by_numpy(self) -> bool:
        return self.base.is_placed_by_numpy

    def parts(self, n: int) -> tuple[int, ...]:
        return self.base.parts(n)

    def points(self, unit: Float[Array, "n k"]) -> Points:
        import jax.numpy as jnp

        found = self.base.points(unit[:, : self.base.dimension])
        free = np.cumsum(self.low < self.high) - 1
        share = unit[:, self.base.dimension :][:, free] if (self.low < self.high).any() else jnp.zeros((len(unit), 1))
        low, high = (jnp.asarray(bound, unit.dtype) for bound in (self.low, self.high))
        x = jnp.concatenate([found.coordinates, (1 - share) * low + share * high], axis=1)
        if self.face is not None:
            axis, side = self.face
            return Points(x, jnp.zeros_like(x).at[:, axis].set(2 * side - 1), {})
        if found.normals is None:
            return Points(x, None, {})
        return Points(x, jnp.pad(found.normals, ((0, 0), (0, len(self.low)))), {})


class Product(AbstractDomain):
    """A shape over time and parameters, `Product(disk, t=(0.0, 1.0))` or `disk.over(t=(0.0, 1.0))`.

    - `base`: the shape; `parameters`: bounds of coordinates that are neither space nor time.
    """

    def __init__(
        self,
        base: AbstractDomain,
        *,
        parameters: Mapping[str, tuple[float, float]] | None = None,
        **bounds: tuple[float, float],
    ):
        if other := sorted(set(bounds) - set(TIME_NAMES)):
            raise InputError(f"a shape is extended by time, `t` or `time`, and by `parameters`; got {other}")
        if not bounds and not parameters:
            raise InputError("give time or parameters, as in `disk.over(t=(0.0, 1.0), parameters={'nu': (0.1, 1.0)})`")
        pairs = {**bounds, **(parameters or {})}
        if both := sorted({*base.coordinates} & {*pairs} | {*bounds} & {*(parameters or ())}):
            raise InputError(f"the coordinate(s) {both} of {base!r} are given twice")
        self.base, self.coordinates = base, (*base.coordinates, *pairs)
        self.parameters = (*base.parameters, *(parameters or ()))
        self._low, self._high = np.array([checked_bounds(name, pair) for name, pair in pairs.items()]).T
        self.lower, self.upper = np.append(base.lower, self._low), np.append(base.upper, self._high)

    def __repr__(self) -> str:
        spans = zip(self.coordinates[self.base.dimension :], self._low, self._high, strict=True)
        return f"({self.base!r}).over({', '.join(f'{name}=({low:g}, {high:g})' for name, low, high in spans)})"

    @property
    def interior(self) -> Prism:
        return Prism(self.base.interior, self.coordinates, self._low, self._high)

    def boundary(self, *parts: Part) -> Prism:
        """The boundary in space, or its parts, at all times and for all parameters."""
        own = [self._neighbour(part) if isinstance(part, AbstractDomain) else part for part in parts]
        return Prism(self.base.boundary(*own), self.coordinates, self._low, self._high)

    def start(self, name: str = "t") -> Prism:
        """The domain when time (or `name`) begins, for initial conditions."""
        return self._end(name, 0)

    def end(self, name: str = "t") -> Prism:
        """The domain when time (or `name`) ends."""
        return self._end(name, 1)

    @property
    def in_space(self) -> AbstractDomain:
        return self.base

    def _neighbour(self, other: AbstractDomain) -> AbstractDomain:
        """Another domain in space, if it exists at the same times and for the same parameters."""
        further = slice(self.base.dimension, None)
        span = (other.lower[further], other.upper[further])
        if other.coordinates != self.coordinates or not are_same(span, (self._low, self._high)):
            raise InputError(f"{self!r} and {other!r} do not have the same times and parameters")
        return other.in_space

    @property
    def parts(self) -> dict[str, float]:
        others = float(np.prod(self._high - self._low))
        return {name: measure * others for name, measure in self.base.parts.items()}

    @property
    def holes(self) -> tuple[Hole, ...]:
        return self.base.holes

    @property
    def creases(self) -> tuple[Crease, ...]:
        return self.base.creases

    @property
    def corners(self) -> tuple[Corner, ...]:
        return self.base.corners

    @property
    def measure(self) -> float:
        return self.base.measure * float(np.prod(self._high - self._low))

    def signed_distance(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        return self.base.signed_distance(checked_points(self, points)[:, : self.base.dimension])

    @property
    def is_distance_exact(self) -> bool:
        return self.base.is_distance_exact

    def evaluation(self, count: int = MANY) -> Evaluation:
        """Triangles at several values of one further coordinate; with more of them, scattered points."""
        base = self.base.evaluation(count // TIMES if len(self._low) == 1 else count)
        if not base.shape or len(self._low) > 1:
            share = sobol(len(self._low), 2 * len(base.points), seed=1)[: len(base.points)]
            return Evaluation(np.hstack([base.points, self._low + share * (self._high - self._low)]))
        axis = np.linspace(self._low[0], self._high[0], TIMES)
        points = np.hstack([np.repeat(base.points, TIMES, axis=0), np.tile(axis, len(base.points))[:, None]])
        return Evaluation(points, (*base.shape, TIMES), base.triangles)

    @property
    def triangulation(self) -> Triangulation | None:
        """That of the shape."""
        return self.base.triangulation

    def _end(self, name: str, side: int) -> Prism:
        axis = self.coordinates.index(name) if name in self.coordinates else -1
        if axis < self.base.dimension:
            raise InputError(f"{self!r} has no ends in '{name}'; it has in {self.coordinates[self.base.dimension :]}")
        low, high = self._low.copy(), self._high.copy()
        own = axis - self.base.dimension
        low[own] = high[own] = (self._low, self._high)[side][own]
        return Prism(self.base.interior, self.coordinates, low, high, (axis, side))
