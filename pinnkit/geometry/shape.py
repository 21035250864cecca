"""Shapes: domains made of primitives by set operations, translations, rotations and scalings."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError, InputTypeError
from .corners import Corner, corners_of
from .curves import Boundary
from .domain import (
    MANY,
    TIME_NAMES,
    AbstractDomain,
    Evaluation,
    Hole,
    Part,
    check_coordinate,
    checked_bounds,
    checked_points,
)
from .fibers import Fibers
from .movable import AbstractMovable, bracketed
from .predicates import Predicate, selection, where_of
from .product import Product
from .sampling import sobol
from .solids.columns import trimmed_surfaces
from .solids.extruded import extruded
from .solids.pieces import Pieces, enclosed
from .solids.solid import Mark, Solid, Where
from .solids.trimming import trimmed_curves
from .triangulation import triangulated


class Shape(AbstractMovable):
    """A domain made of primitives, such as `Box(x=(0, 1), y=(0, 1)) - Disk(radius=0.2, x=0.5, y=0.5)`.

    Shapes do not change: set operations `|`, `&`, `-`, `translate`, `rotate`, `scale` and `named` return new ones.
    Parts of the boundary keep the names that the primitives gave them.

    - `solid`: the primitives and operations; `text`: how it is shown.
    """

    def __init__(self, solid: Solid, coordinates: tuple[str, ...], text: str):
        for name in coordinates:
            check_coordinate(name)
        if len(set(coordinates)) != solid.dimension or len(coordinates) != solid.dimension:
            raise InputError(f"{text} needs {solid.dimension} coordinates with different names, got {coordinates}")
        self.solid, self.coordinates, self._text = solid, coordinates, text
        self.lower, self.upper = solid.bounds

    def __repr__(self) -> str:
        return self._text

    # Set operations.

    def __or__(self, other: AbstractDomain) -> "Shape":
        return combine("|", self, other)

    def __and__(self, other: AbstractDomain) -> "Shape":
        return combine("&", self, other)

    def __sub__(self, other: AbstractDomain) -> "Shape":
        return combine("-", self, other)

    def moved(self, rotation: np.ndarray, scale: float, shift: np.ndarray, text: str) -> "Shape":
        moved = self.solid.mapped(lambda leaf: leaf.moved(rotation, scale, shift))
        return Shape(moved, self.coordinates, f"{bracketed(self)}.{text}")

    def named(self, name: str | None = None, *, where: Predicate | None = None, **names: str) -> "Shape":
        """The shape with other names of the parts of its boundary.

        - `name`: of all of it, or of where a function of coordinates is true, as in
          `plate.named("outlet", where=lambda x: x > 0.9)`;
        - `names`: new ones by present ones, as in `disk.named(circle="hole")`.

        **Raises:** `InputError` for a name that no part has, and a function that is true nowhere on the boundary.
        """
        if where is not None:
            return self._marked(name, where)
        known = sorted(self.solid.part_names)
        if unknown := sorted(set(names) - set(known)):
            raise InputError(f"{self!r} has no part(s) {unknown} to be named; its parts are {known}")
        new = {own: names.get(own, own) if name is None else name for own in known}
        for value in new.values():
            _check_name(value)
        renamed = self.solid.mapped(lambda leaf: leaf.renamed(new.__getitem__))
        return Shape(renamed, self.coordinates, self._text)

    def _marked(self, name: Any, predicate: Predicate) -> "Shape":
        """The shape with a name for the points at which a function is true."""
        _check_name(name)
        self._selected(predicate, without={})
        d, where = self.dimension, where_of(predicate, self.coordinates)
        mark = Mark(name, where, np.eye(d), 1.0, np.zeros(d))
        marked = self.solid.mapped(lambda leaf: dataclasses.replace(leaf, marks=(*leaf.marks, mark)))
        return Shape(marked, self.coordinates, self._text)

    def over(
        self, *, parameters: Mapping[str, tuple[float, float]] | None = None, **bounds: tuple[float, float]
    ) -> Product:
        """The shape with time, as in `disk.over(t=(0.0, 1.0))`, and with parameters of the equations."""
        return Product(self, parameters=parameters, **bounds)

    def extrude(self, **heights: tuple[float, float]) -> "Shape":
        """A shape of the plane between two values of a third coordinate, as in `disk.extrude(z=(0.0, 1.0))`.

        Parts of the boundary become walls and keep their names; "bottom" and "top" are new.
        """
        if self.dimension != 2 or len(heights) != 1 or {*heights} & {*TIME_NAMES}:
            raise InputError(
                "a shape of the plane is extruded along one further coordinate in space, as in "
                f"`disk.extrude(z=(0.0, 1.0))`; got {list(heights)} for {self!r}"
            )
        self._check_full()
        ((name, pair),) = heights.items()
        low, high = checked_bounds(name, pair)
        text = f"{bracketed(self)}.extrude({name}=({low:g}, {high:g}))"
        return Shape(extruded(self.solid, low, high), (*self.coordinates, name), text)

    # What a domain answers.

    @property
    def interior(self) -> Fibers:
        """The shape without its boundary. **Raises:** `InputError` if it is empty."""
        return self._interior

    def boundary(self, *parts: Part) -> Boundary:
        """The whole boundary, or its parts with the given names, where functions of coordinates are true, or in common
        with a neighbour.

        `plate.boundary()`, `plate.boundary("hole")`, `plate.boundary(lambda x, y: y > 0.5)`, `plate.boundary(disk)`.
        Points on pieces that several of them name are there once.

        **Raises:** `InputError` for an unknown name, a part of which set operations leave nothing, a function that
        selects nothing, and a domain that shares no boundary.
        """
        names = tuple(part for part in parts if isinstance(part, str))
        for name in names:
            self._check_part(name)
        chosen = {name: own for name, own in self._parts.items() if not parts or name in names}
        for number, part in enumerate(part for part in parts if not isinstance(part, str)):
            found = self._selected(part, without=chosen)
            chosen |= {f"{name} (selected{f' {number + 1}' if number else ''})": own for name, own in found.items()}
        return Boundary(self.coordinates, chosen)

    @property
    def parts(self) -> dict[str, float]:
        """The names of the parts of the boundary, with their lengths or areas."""
        whole = self.boundary()
        return dict(zip(whole.names, whole.measures, strict=True))

    @property
    def measure(self) -> float:
        """The area or volume, by integrals over the boundary (Gauss), to rounding."""
        return enclosed([own for part in self._parts.values() for own in part])

    def signed_distance(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The distance to the boundary, negative inside; for several primitives and for ellipses a lower bound."""
        return self.solid.level(checked_points(self, points))

    @property
    def is_distance_exact(self) -> bool:
        return self.solid.is_distance

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The balls inside the primitives that set operations take away, where these have a center outside."""
        return tuple(Hole(tuple(center.tolist()), radius) for center, radius in self.solid.holes)

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The points of the boundary in the plane at which its direction jumps."""
        return self._corners

    @cached_property
    def _corners(self) -> tuple[Corner, ...]:
        return corners_of(self.boundary().curve_ends, self.solid.level, self.solid.size)

    def evaluation(self, count: int = MANY) -> Evaluation:
        """Points inside and on the boundary, with triangles in the plane; Sobol points in space."""
        if self.dimension == 3:
            return Evaluation(self.interior.placed(sobol(3, count)))
        return triangulated(self.solid, [own for part in self._parts.values() for own in part], self.measure / count)

    @cached_property
    def _interior(self) -> Fibers:
        self._check_full()
        return Fibers(self.solid, self.coordinates)

    @cached_property
    def _parts(self) -> dict[str, tuple[Pieces, ...]]:
        self._check_full()
        return self._whole

    @cached_property
    def _whole(self) -> dict[str, tuple[Pieces, ...]]:
        return self._trimmed(None) if (self.lower < self.upper).all() else {}

    def _trimmed(self, where: Where | None) -> dict[str, tuple[Pieces, ...]]:
        trimmed = trimmed_curves if self.dimension == 2 else trimmed_surfaces
        found = [trimmed(self.solid, patches, where) for patches in self.solid.patches]
        rows = {name: [own.chosen(own.names == name) for own in found] for name in self.solid.part_names}
        kept = {name: tuple(own for own in pieces if len(own)) for name, pieces in rows.items()}
        return {name: pieces for name, pieces in kept.items() if pieces}

    def _selected(self, part: Predicate | AbstractDomain, without: Mapping[str, Any]) -> dict[str, tuple[Pieces, ...]]:
        self._check_full()
        chosen = selection(self, part)
        size = lambda pieces: sum(float(own.measure.sum()) for own in pieces)
        found = {k: own for k, own in self._trimmed(chosen.where).items() if size(own) > chosen.negligible}
        if not found:
            raise InputError(chosen.nothing)
        return {name: own for name, own in found.items() if name not in without}

    def _check_full(self) -> None:
        if not self._whole:
            raise InputError(f"the shape {self!r} is empty: its set operations leave nothing")

    def _check_part(self, name: str) -> None:
        if name in self._parts:
            return
        if name in self.solid.part_names:
            raise InputError(
                f"the part '{name}' of the boundary of {self!r} is empty: set operations leave nothing of it; "
                f"the parts are {list(self._parts)}"
            )
        raise InputError(f"the boundary of {self!r} has no part '{name}'; its parts are {list(self._parts)}")


def combine(operation: str, a: AbstractDomain, b: AbstractDomain) -> Shape:
    """The union `|`, intersection `&` or difference `-` of two domains with the same coordinates.

    **Raises:** `InputTypeError` for operands that are no shapes, `InputError` for different coordinates.
    """
    solid, other = _solid_of(a), _solid_of(b)
    if a.coordinates != b.coordinates:
        raise InputError(
            f"set operations take domains with the same coordinates, got {list(a.coordinates)} and "
            f"{list(b.coordinates)}"
        )
    return Shape(solid.combined(operation, other), a.coordinates, f"{a!r} {operation} {bracketed(b)}")


def _solid_of(domain: AbstractDomain) -> Solid:
    solid = getattr(domain, "solid", None)
    if not isinstance(solid, Solid):
        what = repr(domain) if isinstance(domain, AbstractDomain) else type(domain).__name__
        raise InputTypeError(
            f"set operations take shapes and boxes over two or three coordinates in space, got {what}; "
            "time and parameters come last, as in `(a - b).over(t=(0.0, 1.0))`"
        )
    return solid


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise InputError(f"a part of a boundary is named by a text, got {name!r}")
