"""Domains in space that can be moved and enlarged."""

import abc
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from .._base.arguments import check_positive, is_number
from .._base.errors import InputError
from .domain import AbstractDomain


class AbstractMovable(AbstractDomain):
    """A domain in space that can be moved and enlarged; it does not change: movements return new ones."""

    @abc.abstractmethod
    def moved(
        self, rotation: Float[np.ndarray, "d d"], scale: float, shift: Float[np.ndarray, " d"], text: str
    ) -> Self:
        """The domain of the points scale · rotation x + shift; `text`: the movement as it was written."""

    def translate(self, **by: float) -> Self:
        """The domain moved along coordinates, as in `disk.translate(x=0.5)`."""
        shift = np.zeros(self.dimension)
        for name, value in by.items():
            shift[self._axis(name)] = _number(name, value)
        return self.moved(np.eye(self.dimension), 1.0, shift, f"translate({_listed(by)})")

    def rotate(self, angle: float, axis: str | None = None, **about: float) -> Self:
        """The domain turned by an angle in radians, counterclockwise, around the origin or a point.

        - `axis`: in three dimensions, the coordinate along which the axis of rotation lies; seen from its positive
          side the turn is counterclockwise;
        - `about`: the point, by coordinates, as in `plate.rotate(0.3, x=0.5, y=0.5)`.
        """
        _number("angle", angle)
        rotation, center = self._rotation(angle, axis), self._point(about)
        text = f"rotate({angle:g}{'' if axis is None else f', {axis!r}'})"
        return self.moved(rotation, 1.0, center - rotation @ center, text)

    def scale(self, factor: float, **about: float) -> Self:
        """The domain enlarged by a factor > 0, from the origin or a point."""
        check_positive(factor=factor)
        center = self._point(about)
        return self.moved(np.eye(self.dimension), float(factor), (1 - factor) * center, f"scale({factor:g})")

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


def bracketed(domain: AbstractDomain) -> str:
    """How a domain is shown inside a longer expression."""
    text = repr(domain)
    return f"({text})" if any(f") {operation} " in text for operation in "|&-") else text


def _number(name: str, value: Any) -> float:
    if not is_number(value):
        raise InputError(f"`{name}` is a finite number, got {value!r}")
    return float(value)


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in values.items())
