"""Shapes: domains made of primitives by set operations, translations, rotations and scalings."""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from .._base.arguments import check_positive, is_number
from .._base.errors import InputError, InputTypeError
from .curves import Boundary
from .domain import MANY, AbstractDomain, Evaluation, Hole, Part, check_coordinate, checked_points
from .fibers import Fibers
from .product import Product
from .region import SLACK
from .sampling import sobol
from .solids.solid import Leaf, Solid
from .solids.trimming import Pieces, Where, enclosed, trimmed_curves
from .triangulation import triangulated

Predicate: TypeAlias = Callable[..., Any]
"""A NumPy-vectorised function of coordinates, by name, that says which points belong to a part."""


class Shape(AbstractDomain):
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

    # Movements.

    def translate(self, **by: float) -> "Shape":
        """The shape moved along coordinates, as in `disk.translate(x=0.5)`."""
        shift = np.zeros(self.dimension)
        for name, value in by.items():
            shift[self._axis(name)] = _number(name, value)
        return self._moved(np.eye(self.dimension), 1.0, shift, f"translate({_listed(by)})")

    def rotate(self, angle: float, axis: str | None = None, **about: float) -> "Shape":
        """The shape turned by an angle in radians, counterclockwise, around the origin or a point.

        - `axis`: in three dimensions, the coordinate along which the axis of rotation lies; seen from its positive
          side the turn is counterclockwise;
        - `about`: the point, by coordinates, as in `plate.rotate(0.3, x=0.5, y=0.5)`.
        """
        _number("angle", angle)
        rotation, center = self._rotation(angle, axis), self._point(about)
        text = f"rotate({angle:g}{'' if axis is None else f', {axis!r}'})"
        return self._moved(rotation, 1.0, center - rotation @ center, text)

    def scale(self, factor: float, **about: float) -> "Shape":
        """The shape enlarged by a factor > 0, from the origin or a point."""
        check_positive(factor=factor)
        center = self._point(about)
        return self._moved(np.eye(self.dimension), float(factor), (1 - factor) * center, f"scale({factor:g})")

    def named(self, name: str | None = None, **names: str) -> "Shape":
        """The shape with other names of the parts of its boundary.

        - `name`: of all of it; or `names`: new ones by present ones, as in `disk.named(circle="hole")`.

        **Raises:** `InputError` for a name that no part has.
        """
        known = sorted({own for leaf in self.solid.leaves for own in leaf.names})
        if unknown := sorted(set(names) - set(known)):
            raise InputError(f"{self!r} has no part(s) {unknown} to be named; its parts are {known}")
        new = {own: names.get(own, own) if name is None else name for own in known}
        for value in new.values():
            if not isinstance(value, str) or not value:
                raise InputError(f"a part of a boundary is named by a text, got {value!r}")
        renamed = lambda leaf: Leaf(
            leaf.primitive, leaf.rotation, leaf.scale, leaf.shift, tuple(new[own] for own in leaf.names)
        )
        return Shape(self.solid.mapped(renamed), self.coordinates, self._text)

    def over(
        self, *, parameters: Mapping[str, tuple[float, float]] | None = None, **bounds: tuple[float, float]
    ) -> Product:
        """The shape with time, as in `disk.over(t=(0.0, 1.0))`, and with parameters of the equations."""
        return Product(self, parameters=parameters, **bounds)

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
        """The area or volume, to rounding."""
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
        found = [trimmed_curves(self.solid, patches, where) for patches in self.solid.patches]
        names = dict.fromkeys(name for leaf in self.solid.leaves for name in leaf.names)
        rows = {name: [own.chosen(own.names == name) for own in found] for name in names}
        kept = {name: tuple(own for own in pieces if len(own.number)) for name, pieces in rows.items()}
        return {name: pieces for name, pieces in kept.items() if pieces}

    def _selected(self, part: Predicate | AbstractDomain, without: Mapping[str, Any]) -> dict[str, tuple[Pieces, ...]]:
        self._check_full()
        if isinstance(part, AbstractDomain):
            found, nothing = self._trimmed(self._on(part)), f"{self!r} and {part!r} have no boundary in common"
        elif callable(part):
            nothing = f"the function that selects a part of the boundary of {self!r} is true nowhere on it"
            found = self._trimmed(self._where(part))
        else:
            raise InputTypeError(
                f"a part of a boundary is a name, a function of coordinates or a neighbour, got {type(part).__name__}"
            )
        if not found:
            raise InputError(nothing)
        return {name: own for name, own in found.items() if name not in without}

    def _on(self, other: AbstractDomain) -> Where:
        """Whether points lie on the boundary of another domain, up to rounding."""
        if other.coordinates != self.coordinates:
            raise InputError(f"{self!r} and {other!r} have different coordinates, and so no boundary in common")
        slack = SLACK * float((self.upper - self.lower).max())
        return lambda x: np.abs(other.signed_distance(x)) <= slack

    def _where(self, predicate: Predicate) -> Where:
        arguments = inspect.signature(predicate).parameters.values()
        taken = [own.name for own in arguments if own.default is own.empty]
        if unknown := [name for name in taken if name not in self.coordinates]:
            raise InputError(
                f"the function that selects a part of the boundary takes unknown argument(s) {unknown}; "
                f"the coordinates are {list(self.coordinates)}"
            )

        def where(x: Float[np.ndarray, "n d"]) -> np.ndarray:
            known = dict(zip(self.coordinates, x.T, strict=True))
            return np.broadcast_to(np.asarray(predicate(**{name: known[name] for name in taken}), bool), (len(x),))

        return where

    def _check_full(self) -> None:
        if not self._whole:
            raise InputError(f"the shape {self!r} is empty: its set operations leave nothing")

    def _check_part(self, name: str) -> None:
        if name in self._parts:
            return
        if any(name in leaf.names for leaf in self.solid.leaves):
            raise InputError(
                f"the part '{name}' of the boundary of {self!r} is empty: set operations leave nothing of it; "
                f"the parts are {list(self._parts)}"
            )
        raise InputError(f"the boundary of {self!r} has no part '{name}'; its parts are {list(self._parts)}")

    def _moved(self, rotation: np.ndarray, scale: float, shift: np.ndarray, text: str) -> "Shape":
        moved = self.solid.mapped(lambda leaf: leaf.moved(rotation, scale, shift))
        return Shape(moved, self.coordinates, f"{_bracketed(self)}.{text}")

    def _rotation(self, angle: float, axis: str | None) -> Float[np.ndarray, "d d"]:
        rotation, (c, s) = np.eye(self.dimension), (np.cos(angle), np.sin(angle))
        if self.dimension == 2:
            if axis is not None:
                raise InputError("a rotation in the plane has no `axis`")
            first, second = 0, 1
        else:
            if axis is None:
                raise InputError(f"a rotation in space needs the coordinate of its `axis`, one of {self.coordinates}")
            first, second = ((self._axis(axis) + k) % 3 for k in (1, 2))
        rotation[[first, first, second, second], [first, second, first, second]] = c, -s, s, c
        return rotation

    def _point(self, coordinates: Mapping[str, float]) -> Float[np.ndarray, " d"]:
        point = np.zeros(self.dimension)
        for name, value in coordinates.items():
            point[self._axis(name)] = _number(name, value)
        return point

    def _axis(self, name: str) -> int:
        if name not in self.coordinates:
            raise InputError(f"{self!r} has no coordinate '{name}'; its coordinates are {list(self.coordinates)}")
        return self.coordinates.index(name)


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
    return Shape(solid.combined(operation, other), a.coordinates, f"{a!r} {operation} {_bracketed(b)}")


def _solid_of(domain: AbstractDomain) -> Solid:
    solid = getattr(domain, "solid", None)
    if not isinstance(solid, Solid):
        what = repr(domain) if isinstance(domain, AbstractDomain) else type(domain).__name__
        raise InputTypeError(
            f"set operations take shapes and boxes over two or three coordinates in space, got {what}; "
            "time and parameters come last, as in `(a - b).over(t=(0.0, 1.0))`"
        )
    return solid


def _bracketed(domain: AbstractDomain) -> str:
    text = repr(domain)
    return f"({text})" if any(f") {operation} " in text for operation in "|&-") else text


def _number(name: str, value: Any) -> float:
    if not is_number(value):
        raise InputError(f"`{name}` is a finite number, got {value!r}")
    return float(value)


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in values.items())
