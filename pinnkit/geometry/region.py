"""A region is a map from the unit cube: what every part of a domain has in common."""

import abc
from typing import ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from .points import Points


class Face(NamedTuple):
    """A whole face of a box: the lower (`side` 0) or upper bound of an axis.

    - `direction`: in which the normal of the region points along the axis, −1 or 1; that of a neighbouring box points
      inwards.
    """

    axis: int
    side: int
    direction: int


Bounds = tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]
"""The lowest and the highest coordinates."""

SLACK = 1e-9
"""Bounds that differ by less than this share of the domain's extent are the same."""


class AbstractRegion(eqx.Module):
    """A part of a domain, parametrised by the unit cube of `dimension` coordinates.

    - `coordinates`: names of the domain's coordinates;
    - `dimension`: dimension of the region itself;
    - `count`: number of points of a region that is a finite set, else None;
    - `least`: smallest number of points that represents the region at all.
    """

    coordinates: eqx.AbstractVar[tuple[str, ...]]
    dimension: eqx.AbstractVar[int]
    count: eqx.AbstractVar[int | None]
    least: eqx.AbstractVar[int]
    has_normal: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def bounds(self) -> Bounds:
        """Of the smallest box that holds the region."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the values known at the points."""
        return ()

    def faces_of(self, bounds: Bounds) -> tuple[Face, ...] | None:
        """The faces of the box between `bounds` that make up the region; None unless it consists of whole ones."""
        return None

    def fills(self, bounds: Bounds) -> bool:
        """Whether the region is the whole box between `bounds`."""
        return False

    def parts(self, n: int) -> tuple[int, ...]:
        """How many of `n` points lie on each part of the region, such as the faces of a box, in their order."""
        return (n,)

    @abc.abstractmethod
    def points(self, unit: Float[Array, "n k"]) -> Points:
        """The images of `n` points of the unit cube; uniform points stay uniform. A finite set ignores them."""


def are_same(a: Bounds, b: Bounds, without: int | None = None) -> bool:
    """Whether two boxes agree up to rounding, along every axis but `without`."""
    (lower, upper), slack = b, SLACK * (b[1] - b[0])
    same = (np.abs(a[0] - lower) <= slack) & (np.abs(a[1] - upper) <= slack)
    return bool(np.delete(same, [] if without is None else [without]).all())
