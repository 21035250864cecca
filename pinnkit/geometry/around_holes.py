"""Interiors with more points around round holes, where features are singular that points far away cannot tell apart."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .domain import AbstractDomain, Hole
from .points import Points
from .region import AbstractRegion, Bounds

SHARE = 0.5
"""Share of the points that is around holes."""

SAMPLED, CLEAR, ROUND = 4096, 0.98, 1e-6
"""Points of the boundary by which the free ring around a hole is found, the share of it that is used, and the relative
distance from the rim up to which a point is on it."""


class AroundRoundHoles(AbstractRegion):
    """The interior of a plane domain with half of the points in rings around its holes, evenly by angle and by the
    logarithm of the distance from the center.

    - `base`: the interior; `rings`: center, inner and outer radius of each.
    """

    base: AbstractRegion
    rings: tuple[tuple[tuple[float, ...], float, float], ...]
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    count: int | None

    def __init__(self, base: AbstractRegion, domain: AbstractDomain, holes: Sequence[Hole]):
        self.base, self.coordinates, self.dimension = base, base.coordinates, base.dimension
        self.rings = tuple((hole.center, hole.radius, _free(domain, hole)) for hole in holes)
        self.least, self.count = base.least + len(holes), None

    @property
    def bounds(self) -> Bounds:
        return self.base.bounds

    @property
    def place(self) -> str:
        return self.base.place

    def parts(self, n: int) -> tuple[int, ...]:
        near, rings = self._near_each(n), len(self.rings)
        return (*self.base.parts(n - near * rings), *(rings * (near,)))

    def points(self, unit: Float[Array, "n k"]) -> Points:
        starts = len(unit) - self._near_each(len(unit)) * np.arange(len(self.rings), 0, -1)
        own, *parts = jnp.split(unit, starts)
        found = [self.base.points(own).coordinates, *map(_in_ring, self.rings, parts)]
        return Points(jnp.concatenate(found), None, {})

    def _near_each(self, n: int) -> int:
        """The number of points, out of `n`, in each ring."""
        return max(int(SHARE * n) // len(self.rings), 1)


def _in_ring(ring: tuple[tuple[float, ...], float, float], unit: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    center, inner, outer = ring
    radius, angle = inner * (outer / inner) ** unit[:, 0], 2 * jnp.pi * unit[:, 1]
    return jnp.asarray(center, unit.dtype) + radius[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def _free(domain: AbstractDomain, hole: Hole) -> float:
    """The radius up to which there is nothing but the domain around a hole."""
    boundary = domain.boundary()
    unit = np.concatenate([(np.arange(count) + 0.5) / count for count in boundary.parts(SAMPLED)])
    distance = np.linalg.norm(np.asarray(boundary.points(jnp.asarray(unit[:, None])).coordinates) - hole.center, axis=1)
    return max(CLEAR * float(distance[distance > (1 + ROUND) * hole.radius].min()), hole.radius)
