"""Regions: parts of a domain, parametrised by the unit cube."""

import abc
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from .cells import AbstractCell, BoxCell
from .corners import End
from .points import Points
from .traces import Trace


class Face(NamedTuple):
    """A whole face of a box: the lower (`side` 0) or upper (`side` 1) bound of an axis.

    - `direction`: of the region's normal along the axis, −1 or 1; it is inward if the region belongs to a neighbouring
      box.
    """

    axis: int
    side: int
    direction: int


Bounds = tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]
"""The lower and the upper bounds of the coordinates."""


class Piece(NamedTuple):
    """A box between `bounds` that is flat along no or one axis, and its outward unit normal, None in the interior."""

    bounds: Bounds
    normal: Float[np.ndarray, " d"] | None


SLACK = 1e-9
"""Relative difference, in terms of the extent of the domain, below which two bounds are equal."""


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

    @property
    def has_normal(self) -> bool:
        """Whether its points have outward normals, as those of a boundary do."""
        return False

    @property
    @abc.abstractmethod
    def bounds(self) -> Bounds:
        """The bounds of the smallest box around the region."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the data columns at the points."""
        return ()

    @property
    def is_placed_by_numpy(self) -> bool:
        """Whether NumPy places its points outside of compiled functions: for shapes, these take seconds to compile."""
        return False

    @property
    def given(self) -> Float[np.ndarray, "n d"] | None:
        """The points of a point set; None for other regions."""
        return None

    @property
    def curve_ends(self) -> tuple[End, ...]:
        """The ends of the curves that it consists of in a plane of space."""
        return ()

    @property
    def place(self) -> str:
        """Where it is in space, in words, if it is not made of boxes."""
        return "on a part of the domain"

    @property
    def measure(self) -> float | None:
        """Its length, area or volume, None where it is not known."""
        return None

    def faces_of(self, bounds: Bounds) -> tuple[Face, ...] | None:
        """The faces of the box between `bounds` that form the region; None if it does not consist of whole faces."""
        return None

    def fills(self, bounds: Bounds) -> bool:
        """Whether the region is the whole box between `bounds`."""
        return False

    def spans(self, axis: int, bounds: Bounds) -> bool:
        """Whether the region is the product of all values of a coordinate, those between `bounds`, with a region of the
        others.
        """
        return False

    @property
    def flat_pieces(self) -> tuple[Piece, ...] | None:
        """The boxes that form the region; None if it is not made of boxes."""
        return None

    @property
    def quadrature_cells(self) -> tuple[AbstractCell, ...] | None:
        """What integrals over the region are made of; None if they are not available."""
        pieces = self.flat_pieces
        return None if pieces is None else tuple(BoxCell(*piece.bounds, piece.normal) for piece in pieces)

    def traced(self, count: int) -> Trace | None:
        """About `count` points along the curves in the plane that form the region, at all times; None for others."""
        return None

    def parts(self, n: int) -> tuple[int, ...]:
        """The number of points, out of `n`, on each part of the region, such as the faces of a box."""
        return (n,)

    @abc.abstractmethod
    def points(self, unit: Float[Array, "n k"]) -> Points:
        """The images of `n` points of the unit cube, uniform if these are; a finite set ignores them."""


def are_same(a: Bounds, b: Bounds, without: int | None = None) -> bool:
    """Whether two boxes agree up to rounding, along every axis except `without`."""
    (lower, upper), slack = b, SLACK * (b[1] - b[0])
    same = (np.abs(a[0] - lower) <= slack) & (np.abs(a[1] - upper) <= slack)
    return bool(np.delete(same, [] if without is None else [without]).all())


def shares(n: int, measures: Float[np.ndarray, " p"]) -> tuple[int, ...]:
    """The number of points, out of `n`, on each part of a region: one, plus a share in proportion to its measure."""
    found = (n - len(measures)) * measures / measures.sum()
    counts = 1 + np.floor(found).astype(int)
    largest_remainders = np.argsort(np.floor(found) - found, kind="stable")
    counts[largest_remainders[: n - counts.sum()]] += 1
    return tuple(counts.tolist())
