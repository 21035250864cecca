"""Regions of some of the coordinates of a domain."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .points import Points
from .region import AbstractRegion, Bounds, Face, Piece


class Embedded(AbstractRegion):
    """A region of some of the coordinates, such as a time span, at fixed values of the others, which do not matter.

    - `base`: the region; `axes`: of its coordinates among all `coordinates`; `at`: a point with the fixed values.
    """

    base: AbstractRegion
    axes: tuple[int, ...]
    at: np.ndarray
    coordinates: tuple[str, ...]
    dimension: int
    count: int | None
    least: int

    def __init__(self, base: AbstractRegion, coordinates: Sequence[str], at: Float[np.ndarray, " d"]):
        self.base, self.coordinates, self.at = base, tuple(coordinates), at
        self.axes = tuple(self.coordinates.index(name) for name in base.coordinates)
        self.dimension, self.count, self.least = base.dimension, base.count, base.least

    @property
    def has_normal(self) -> bool:
        return self.base.has_normal

    @property
    def bounds(self) -> Bounds:
        return self._embedded(self.base.bounds)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.base.columns

    @property
    def given(self) -> Float[np.ndarray, "n d"] | None:
        own = self.base.given
        return None if own is None else np.stack([self._spread(row, self.at) for row in own])

    def faces_of(self, bounds: Bounds) -> tuple[Face, ...] | None:
        """The faces in its own coordinates; along the others it counts as whole."""
        low, high = (bound[list(self.axes)] for bound in bounds)
        faces = self.base.faces_of((low, high))
        return None if faces is None else tuple(face._replace(axis=self.axes[face.axis]) for face in faces)

    @property
    def flat_pieces(self) -> tuple[Piece, ...] | None:
        pieces = self.base.flat_pieces
        normal = lambda own: None if own is None else self._spread(own, np.zeros_like(self.at))
        return pieces and tuple(Piece(self._embedded(piece.bounds), normal(piece.normal)) for piece in pieces)

    @property
    def is_placed_by_numpy(self) -> bool:
        return self.base.is_placed_by_numpy

    def parts(self, n: int) -> tuple[int, ...]:
        return self.base.parts(n)

    def points(self, unit: Float[Array, "n k"]) -> Points:
        found = self.base.points(unit)
        axes, rest = np.array(self.axes), jnp.asarray(self.at, unit.dtype)
        x = jnp.tile(rest, (len(found), 1)).at[:, axes].set(found.coordinates)
        normals = None if found.normals is None else jnp.zeros_like(x).at[:, axes].set(found.normals)
        return Points(x, normals, found.columns)

    def _embedded(self, bounds: Bounds) -> Bounds:
        return self._spread(bounds[0], self.at), self._spread(bounds[1], self.at)

    def _spread(self, own: Float[np.ndarray, " k"], rest: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
        found = np.array(rest, float)
        found[list(self.axes)] = own
        return found
