"""Regions with half of their points near some places."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .points import Points
from .region import AbstractRegion, Bounds

DENSE = 0.5
"""Share of the points that is near the places, as many near each of them."""


class AbstractDenser(AbstractRegion):
    """A region with half of its points near some places.

    - `base`: the region; `places`: descriptions of the places.
    """

    base: eqx.AbstractVar[Any]
    places: eqx.AbstractVar[tuple[Any, ...]]

    @property
    def has_normal(self) -> bool:
        return self.base.has_normal

    @property
    def bounds(self) -> Bounds:
        return self.base.bounds

    @property
    def place(self) -> str:
        return self.base.place

    @property
    def is_placed_by_numpy(self) -> bool:
        return self.base.is_placed_by_numpy

    def parts(self, n: int) -> tuple[int, ...]:
        near, places = self._near_each(n), len(self.places)
        return (*self.base.parts(n - near * places), *(places * (near,)))

    def points(self, unit: Float[Array, "n k"]) -> Points:
        starts = len(unit) - self._near_each(len(unit)) * np.arange(len(self.places), 0, -1)
        own, *parts = jnp.split(unit, starts)
        found = [self.base.points(own), *map(self.near, self.places, parts)]
        normals = [points.normals for points in found if points.normals is not None]
        x = jnp.concatenate([points.coordinates for points in found])
        return Points(x, jnp.concatenate(normals) if normals else None, {})

    @abc.abstractmethod
    def near(self, place: Any, unit: Float[Array, "n k"]) -> Points:
        """The images of points of the unit cube near a place."""

    def _near_each(self, n: int) -> int:
        """The number of points, out of `n`, near each place."""
        return max(int(DENSE * n) // len(self.places), 1)
